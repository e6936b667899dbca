#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "model/evaluate/confidence_sequence.hpp"
#include "serving/experiment/experiment.hpp"

namespace forkcast::serving {

/// A number, and between which it is with the experiment's confidence, at all moments at once. Its
/// ends are infinite while too little was seen.
struct Estimate {
  double value = 0;
  model::Interval within{};
};

/// What an experiment says so far. The intervals are each of the whole confidence: they are to be
/// looked at, not to be ended by (WhyEnded()).
struct Findings {
  /// Share of failed requests: of a shadow, those that the champion could answer.
  Estimate champion_failures;
  Estimate challenger_failures;
  /// Challenger minus champion, of the compared output's mean; where it is no number, the share of
  /// lines with another one. Of a canary the difference of both arms, which is known for numbers.
  std::optional<Estimate> difference{};
  std::optional<Estimate> agreement{};  ///< Of a shadow: share of lines with the same output.
  Estimate slowdown;                    ///< Scoring took so many times as long.
};

[[nodiscard]] Findings FindingsOf(const ExperimentPlan& plan, const ExperimentSums& sums);

/// Why the challenger must get no more: which guard it breaks, and that this is certain. None while
/// there is no reason. May be asked at any moment, as often as one likes: the probability that it
/// ever says so of a challenger that keeps to all guards is 1 - confidence at most.
[[nodiscard]] std::optional<std::string> WhyEnded(const ExperimentPlan& plan,
                                                  const ExperimentSums& sums);

/// A time, as times are compared: the logarithm of it and a millisecond. So a time twice as long
/// weighs the same whether both are long or longer, and nothing weighs that nobody feels.
[[nodiscard]] double LogSeconds(std::chrono::nanoseconds time) noexcept;

}  // namespace forkcast::serving
