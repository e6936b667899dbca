#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string_view>
#include <vector>

#include "model/drift/drift_bins.hpp"

namespace forkcast::model {

// Whether a window of rows has drifted. Usual rules alarm above a PSI of 0.1, or below a p of 0.05.
// The first alarms by chance in small windows, whose PSI is that high without any drift (with B
// bins it is (B - 1) (1/n + 1/m) on average); the second in large ones, where it finds what nobody
// needs to know. So a column alarms when all hold:
//   1. the window and the reference have enough rows;
//   2. the change is large enough to matter: PSI, less what chance gives, is at least `min_effect`;
//   3. chance does not explain it: its p value is significant among those of all columns, by
//      Benjamini and Hochberg at `false_alarm_rate`;
//   4. it lasts: 1 to 3 hold in `persistence` of the last `memory` windows, this one among them.

struct DriftRules {
  double min_rows = 500;
  /// 0.01 is a shift by a tenth of a standard deviation, or a category that goes from 10 % to 13 %.
  double min_effect = 0.01;
  /// Of windows without drift, how many may pass clause 3 at most.
  double false_alarm_rate = 0.001;
  std::size_t persistence = 2;
  std::size_t memory = 3;

  friend bool operator==(const DriftRules&, const DriftRules&) = default;
};

/// The clause at which a column stopped, or that it passed all.
enum class DriftStatus {
  kTooFewRows,  ///< Nothing can be said.
  kTooSmall,    ///< No change that matters.
  kByChance,    ///< A change that chance explains.
  kNotYet,      ///< Found, and to be confirmed by another window.
  kAlarm,
};
/// `too_few_rows`, `too_small`, `by_chance`, `not_yet`, `alarm`.
[[nodiscard]] std::string_view WordFor(DriftStatus status) noexcept;

/// How one column of a window compares with the reference. Shares are of all of its rows.
struct ColumnDrift {
  double rows = 0;
  double effect = 0;              ///< PSI less its mean by chance, 0 at least.
  double p = 1;                   ///< That chance alone changes as much.
  double psi = 0;                 ///< An empty bin counts as half a row.
  double jensen_shannon = 0;      ///< Distance, in base 2.
  double kolmogorov_smirnov = 0;  ///< Of numbers: D as far as the bins tell.
  double wasserstein = 0;         ///< Of numbers: in standard deviations, as far as the bins tell.
  double chi_square = 0;          ///< Pearson's, of homogeneity.
  double missing = 0;             ///< Share of missing values.
  double reference_missing = 0;
  double unseen = 0;  ///< Share of texts that are no category.
  DriftStatus status = DriftStatus::kTooFewRows;
};

/// The statistics of one column; the status is left to DriftJudge. `counts`: by bin.
[[nodiscard]] ColumnDrift CompareColumn(const ColumnBins& bins, std::span<const double> counts);

/// That two rows of counts differ as much by chance: Pearson's test of homogeneity where at least
/// five rows are expected in a bin of either, exact (conditional binomial) for all rarer bins
/// together, twice the smaller of both p values.
[[nodiscard]] double ChanceOf(std::span<const double> reference, std::span<const double> current);

/// Judges the windows of one version, one after the other, and remembers what the fourth clause
/// asks for. Not thread-safe.
class DriftJudge {
 public:
  /// `bins` outlives this.
  DriftJudge(const std::vector<ColumnBins>& bins, const DriftRules& rules)
      : bins_(bins), rules_(rules), found_(bins.size()) {}

  /// `counts`: of all columns one after the other, by bin.
  [[nodiscard]] std::vector<ColumnDrift> Judge(std::span<const double> counts);

 private:
  const std::vector<ColumnBins>& bins_;
  DriftRules rules_;
  std::vector<std::deque<bool>> found_;  // by column, of the last windows, the newest in front
};

}  // namespace forkcast::model
