#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/drift/drift_decision.hpp"

namespace forkcast::model {

// Whether a version has become worse than its validation found it. What happened is compared with
// what was answered, window by window, and each window with the folds: they are what the version's
// errors looked like in windows that it had not learned from. A metric alarms when all hold:
//   1. the window has enough rows;
//   2. it matters: the error is greater by `min_effect` of what it was in the folds;
//   3. it is not chance: a fold and a window are taken for draws of one distribution, so their
//      difference over its spread follows Student's t. The spread is that of the folds, or what the
//      window's own rows say (jackknife by key) where that is more. Significant among the metrics
//      that are tested, by Benjamini and Hochberg at `false_alarm_rate`;
//   4. it lasts: 1 to 3 hold in `persistence` of the last `memory` windows, this one among them.

struct QualityRules {
  /// Fewer are enough where a fold of the training had less than twice as many.
  double min_rows = 30;
  double min_effect = 0.1;
  /// Of windows in which nothing has changed, how many may pass clause 3 at most.
  double false_alarm_rate = 0.01;
  std::size_t persistence = 2;
  std::size_t memory = 3;

  friend bool operator==(const QualityRules&, const QualityRules&) = default;
};

/// A metric as the folds of the version's training found it.
struct MetricReference {
  /// Which values are worse than before.
  enum class Worse {
    kGreater,
    kLess,   ///< Of a share of what is right, whose error is 1 - value.
    kApart,  ///< Those farther from the folds', on either side.
    kNone,   ///< It is shown, and not tested.
  };
  std::string name;
  std::vector<double> folds{};
  Worse worse = Worse::kNone;
  /// What a change is a share of.
  double unit = 0;

  [[nodiscard]] double Mean() const noexcept;
  /// Their standard deviation (n - 1); 0 with fewer than two.
  [[nodiscard]] double Deviation() const noexcept;
};

/// All of one version.
struct QualityReference {
  std::vector<MetricReference> metrics;
  double rows_of_a_fold = 0;  ///< On average.

  [[nodiscard]] const MetricReference* Find(std::string_view name) const noexcept;
};

/// A metric of a window.
struct MeasuredMetric {
  std::string name;
  std::optional<double> value{};
  /// Of the value, over other rows of the same kind; none where one key says nothing of it.
  std::optional<double> variance{};
};

/// What came of the rows whose truth lies between two times.
struct QualityWindow {
  std::string from{};  ///< As people read them: the first day of the first and the last period,
  std::string to{};    ///< or the times of the first and the last row.
  std::uint64_t rows = 0;
  std::vector<MeasuredMetric> metrics{};
};

/// How one metric of a window compares with the folds.
struct JudgedMetric {
  std::string name;
  std::optional<double> value{};
  std::optional<double> reference{};  ///< Mean of the folds.
  double deviation = 0;               ///< Of the folds.
  /// How much worse, as a share of the unit; infinite where that is 0, negative where it is better.
  double effect = 0;
  double p = 1;  ///< That chance alone makes it as much worse.
  /// None: it is not tested.
  std::optional<DriftStatus> status{};
};

[[nodiscard]] bool HasAlarm(std::span<const JudgedMetric> metrics) noexcept;

/// Judges the windows of one version, one after the other, and remembers what the fourth clause
/// asks for. Not thread-safe.
class QualityJudge {
 public:
  /// `reference` outlives this.
  QualityJudge(const QualityReference& reference, const QualityRules& rules)
      : reference_(reference), rules_(rules), found_(reference.metrics.size()) {}

  [[nodiscard]] std::vector<JudgedMetric> Judge(const QualityWindow& window);

 private:
  [[nodiscard]] bool HasEnoughRows(std::uint64_t rows) const noexcept;
  /// The clause at which a metric of the reference stops, and whether this window finds it worse.
  void Decide(std::size_t metric, double most_p, std::uint64_t rows, JudgedMetric& judged);

  const QualityReference& reference_;
  QualityRules rules_;
  std::vector<std::deque<bool>> found_;  // by metric, of the last windows, the newest in front
};

}  // namespace forkcast::model
