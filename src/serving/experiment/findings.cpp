#include "serving/experiment/findings.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace forkcast::serving {
namespace {

using model::Interval;
using model::MeanSequence;
using model::Moments;
using model::ShareSequence;

constexpr double kGuards = 3;  // that there can be: each has its part of what may go wrong

/// Of the difference of two numbers that are known to be in these, each with half of what may go
/// wrong.
Interval Difference(const Interval& one, const Interval& other) noexcept {
  return {.lower = one.lower - other.upper, .upper = one.upper - other.lower};
}

/// What is not known of logarithms is not known either: it is no 0.
Interval Exp(const Interval& logs) noexcept {
  return {.lower = std::isinf(logs.lower) ? logs.lower : std::exp(logs.lower),
          .upper = std::exp(logs.upper)};
}

double ShareOf(std::uint64_t part, std::uint64_t all) noexcept {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}

Interval FailureInterval(const ArmSums& arm, double alpha) {
  return ShareSequence(arm.failures, arm.requests, alpha);
}

/// How much more of the challenger's requests fail.
Interval MoreFailures(const ExperimentPlan& plan, const ExperimentSums& sums, double alpha) {
  // What is scored behind an answer was answered: the champion failed none.
  if (plan.mode == ExperimentMode::kShadow) return FailureInterval(sums.challenger, alpha);
  return Difference(FailureInterval(sums.challenger, alpha / 2),
                    FailureInterval(sums.champion, alpha / 2));
}

Interval LogSlowdown(const ExperimentPlan& plan, const ExperimentSums& sums, double alpha) {
  if (plan.mode == ExperimentMode::kShadow) return MeanSequence(sums.log_slowdown, alpha);
  return Difference(MeanSequence(sums.challenger.log_seconds, alpha / 2),
                    MeanSequence(sums.champion.log_seconds, alpha / 2));
}

Interval OutputDifference(const ExperimentPlan& plan, const ExperimentSums& sums, double alpha) {
  if (plan.mode == ExperimentMode::kCanary) {
    return Difference(MeanSequence(sums.challenger.output, alpha / 2),
                      MeanSequence(sums.champion.output, alpha / 2));
  }
  return MeanSequence(sums.difference.count > 0 ? sums.difference : sums.disagreement, alpha);
}

/// None where outputs are texts, and of no pair it is known whether they differ.
std::optional<double> MeanDifference(const ExperimentPlan& plan, const ExperimentSums& sums) {
  if (plan.mode == ExperimentMode::kCanary) {
    if (sums.challenger.output.count == 0 || sums.champion.output.count == 0) return std::nullopt;
    return sums.challenger.output.mean - sums.champion.output.mean;
  }
  if (sums.difference.count > 0) return sums.difference.mean;
  if (sums.disagreement.count > 0) return sums.disagreement.mean;
  return std::nullopt;
}

double MeanLogSlowdown(const ExperimentPlan& plan, const ExperimentSums& sums) {
  if (plan.mode == ExperimentMode::kShadow) return sums.log_slowdown.mean;
  return sums.challenger.log_seconds.mean - sums.champion.log_seconds.mean;
}

}  // namespace

double LogSeconds(std::chrono::nanoseconds time) noexcept {
  constexpr std::chrono::duration<double> kUnfelt{0.001};
  return std::log((time + kUnfelt).count());
}

Findings FindingsOf(const ExperimentPlan& plan, const ExperimentSums& sums) {
  const double alpha = 1 - plan.end.confidence;
  const auto failures = [alpha](const ArmSums& arm) -> Estimate {
    return {.value = ShareOf(arm.failures, arm.requests), .within = FailureInterval(arm, alpha)};
  };
  Findings findings{.champion_failures = failures(sums.champion),
                    .challenger_failures = failures(sums.challenger),
                    .slowdown = {.value = std::exp(MeanLogSlowdown(plan, sums)),
                                 .within = Exp(LogSlowdown(plan, sums, alpha))}};
  if (const auto mean = MeanDifference(plan, sums)) {
    findings.difference = {.value = *mean, .within = OutputDifference(plan, sums, alpha)};
  }
  if (sums.disagreement.count > 0) {
    // Of lines the share that was seen, of requests the interval: their lines belong together.
    const Interval differ = MeanSequence(sums.disagreement, alpha);
    findings.agreement = {.value = ShareOf(sums.agreed, sums.lines),
                          .within = {.lower = 1 - differ.upper, .upper = 1 - differ.lower}};
  }
  return findings;
}

std::optional<std::string> WhyEnded(const ExperimentPlan& plan, const ExperimentSums& sums) {
  const ExperimentGuards& end = plan.end;
  const double alpha = (1 - end.confidence) / kGuards;
  const double failures = MoreFailures(plan, sums, alpha).lower;
  if (failures > end.max_failures) {
    return fmt::format(
        "the challenger fails too often: {} of its {} requests, at least {:.2g} % more than the "
        "champion (max_failures {:.2g} %)",
        sums.challenger.failures, sums.challenger.requests, 100 * failures, 100 * end.max_failures);
  }
  const double slowdown = std::exp(LogSlowdown(plan, sums, alpha).lower);
  if (slowdown > end.max_slowdown) {
    return fmt::format(
        "the challenger is too slow: it takes at least {:.3g} times as long (max_slowdown {:.3g})",
        slowdown, end.max_slowdown);
  }
  if (!end.max_difference) return std::nullopt;
  const Interval difference = OutputDifference(plan, sums, alpha);
  if (difference.lower <= *end.max_difference && difference.upper >= -*end.max_difference) {
    return std::nullopt;
  }
  return fmt::format(
      "the challenger's answers differ too much: by {:.4g} to {:.4g} in the mean "
      "(max_difference {:.4g})",
      difference.lower, difference.upper, *end.max_difference);
}

}  // namespace forkcast::serving
