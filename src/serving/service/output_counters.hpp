#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "serving/metrics/series.hpp"
#include "serving/service/answer_plan.hpp"
#include "serving/service/scorer.hpp"

namespace forkcast::serving {

/// Counts and sums outputs of answered rows, as a pipeline declares it (`metrics`). Of one
/// deployment. Allocates nothing but for a value that it has not met.
class OutputCounters {
 public:
  /// `metrics` must outlive it.
  explicit OutputCounters(std::span<const PlannedMetric> metrics);

  /// Each line of `scores` was answered, of which each has `outputs` outputs. `deployment`,
  /// `series`: always the same.
  void Count(const Scores& scores, std::size_t outputs, std::string_view deployment,
             SeriesWriter& series);

 private:
  /// More values of an output than that are counted together.
  static constexpr std::size_t kMostValues = 50;

  struct Counted {
    const PlannedMetric* metric;
    std::vector<std::pair<std::string, SeriesCounter>> values{};
    SeriesSummary summary{};
    bool is_found = false;  // the summary
  };

  static void CountBy(Counted& counted, std::string_view value, std::string_view deployment,
                      SeriesWriter& series);
  static void Sum(Counted& counted, double sum, std::size_t count, std::string_view deployment,
                  SeriesWriter& series);

  std::vector<Counted> counted_;
};

}  // namespace forkcast::serving
