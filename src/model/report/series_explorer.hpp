#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/evaluate/walk_forward.hpp"

namespace forkcast::model {

/// What a fold forecast of a key: a number for each period of the fold's test, NaN where there is
/// none. Empty without any.
struct ExploredFold {
  std::vector<double> forecast;
  /// Of each level, as `forecast`; empty where the fold has no intervals.
  std::vector<std::vector<double>> lower;
  std::vector<std::vector<double>> upper;
};

/// One key: what happened, and what the folds forecast of it.
struct ExploredKey {
  std::string name;
  std::uint64_t rows = 0;  ///< Judged.
  double size = 0;         ///< Mean of |actual| over them.
  std::optional<double> error;
  std::optional<double> bias;
  std::int64_t first_period = 0;
  std::span<const double> actual{};  ///< All that is known, oldest first.
  std::vector<ExploredFold> folds;   ///< One a fold of the whole.
};

struct SeriesExplorer {
  std::string value_name;           ///< What is forecast.
  std::string_view metric;          ///< Of which ExploredKey::error is.
  std::vector<PeriodRange> folds;   ///< Their tests, oldest first.
  std::vector<std::string> levels;  ///< "80", "95": what intervals should hold, in %.
  std::function<std::string(std::int64_t)> period_name;
  std::vector<ExploredKey> keys;  ///< Those to show first in front.
};

/// The element in which the page's script shows any key: search, zoom, folds marked. `pictures`:
/// what those see who have no scripts. Its numbers have four digits and about `most_bytes` at most;
/// when all would take more, these go, in this order: what lies long before the folds, the oldest
/// folds, the last keys. The page says so. Precondition: there is a key and a fold.
[[nodiscard]] std::string ExplorerSection(const SeriesExplorer& explorer,
                                          const std::string& pictures, std::size_t most_bytes);

}  // namespace forkcast::model
