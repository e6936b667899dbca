#include "model/classify/time_split.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::model {
namespace {

/// The first row of the time that row `row` has.
std::size_t FirstOfItsTime(std::span<const Instant> times, std::size_t row) {
  return static_cast<std::size_t>(std::ranges::lower_bound(times, times[row]) - times.begin());
}

}  // namespace

Result<std::vector<TimeFold>> SplitByTime(std::span<const Instant> times,
                                          const TimeSplitSpec& spec) {
  const std::size_t rows = times.size();
  if (rows > 0 && times.front() == times.back()) {
    return Invalid(
        fmt::format("all {} rows with a label are of one time, {}: there is no past to learn from "
                    "and no later row to judge",
                    rows, preprocessing::IsoTimestamp(times.front())));
  }
  const auto wanted =
      static_cast<std::size_t>(std::llround(spec.test_share * static_cast<double>(rows)));
  if (wanted == 0) {
    return Invalid(
        fmt::format("a test_share of {} leaves none of {} rows to judge", spec.test_share, rows));
  }
  const std::size_t first = wanted >= rows ? 0 : FirstOfItsTime(times, rows - wanted);
  std::vector<TimeFold> folds;
  for (std::size_t i = 0; i < spec.n_splits; ++i) {
    const std::size_t offset = i * (rows - first) / spec.n_splits;
    const std::size_t begin = i == 0 ? first : FirstOfItsTime(times, first + offset);
    if (!folds.empty()) {
      folds.back().test_end = begin;
      if (begin <= folds.back().test_first) {
        return Invalid(
            fmt::format("n_splits is {}, but the {} rows to judge cannot be cut into so "
                        "many blocks without tearing rows of one time apart",
                        spec.n_splits, rows - first));
      }
    }
    const auto known =
        std::ranges::upper_bound(times.first(begin), times[begin] - spec.label_delay);
    folds.push_back({.train_end = static_cast<std::size_t>(known - times.begin()),
                     .test_first = begin,
                     .test_end = rows});
    if (folds.back().train_end == 0) {
      return Invalid(fmt::format(
          "fold {}: of {} rows before its test none is left to learn from (test_share {}{})", i + 1,
          begin, spec.test_share,
          spec.label_delay.count() > 0 ? "; label_delay hides labels that were not known" : ""));
    }
  }
  return folds;
}

}  // namespace forkcast::model
