#include "serving/service/experiment_ledger.hpp"

#include <algorithm>

#include "serving/experiment/findings.hpp"

namespace forkcast::serving {
namespace {

std::string_view WordFor(ExperimentArm arm) noexcept {
  return arm == ExperimentArm::kChampion ? "champion" : "challenger";
}

std::string_view WordFor(DropReason reason) noexcept {
  switch (reason) {
    case DropReason::kFull:
      return "full";
    case DropReason::kLate:
      return "late";
    case DropReason::kLarge:
      return "large";
  }
  return {};
}

void Add(const ArmObservation& observed, ArmSums& sums) {
  ++sums.requests;
  if (observed.failed) ++sums.failures;
  if (observed.output) sums.output.Add(*observed.output);
  sums.log_seconds.Add(LogSeconds(observed.scoring));
}

}  // namespace

ExperimentLedger::ExperimentLedger(const Experiment& experiment, ExperimentTally& tally,
                                   SeriesWriter& series)
    : id_(experiment.id),
      deployment_(experiment.plan.deployment),
      tally_(tally),
      series_(series),
      sums_(tally.Read(id_).value_or(ExperimentSums())) {
  tally_.at_work.store(0, std::memory_order_relaxed);
}

void ExperimentLedger::Observe(ExperimentArm arm, const ArmObservation& observed) {
  if (!is_open_) return;
  Add(observed, arm == ExperimentArm::kChampion ? sums_.champion : sums_.challenger);
  Publish();
  Count(arm, observed);
}

void ExperimentLedger::ObservePair(const PairObservation& observed) {
  if (!is_open_) return;
  Add(observed.champion, sums_.champion);
  Add(observed.challenger, sums_.challenger);
  sums_.log_slowdown.Add(LogSeconds(observed.challenger.scoring) -
                         LogSeconds(observed.champion.scoring));
  if (observed.lines > 0) {
    sums_.lines += observed.lines;
    sums_.agreed += observed.agreed;
    const std::size_t others = observed.lines - observed.agreed;
    sums_.disagreement.Add(static_cast<double>(others) / static_cast<double>(observed.lines));
    CounterOf("experiment_lines", "same").Add(observed.agreed);
    CounterOf("experiment_lines", "different").Add(others);
  }
  if (observed.champion.output && observed.challenger.output) {
    const double difference = *observed.challenger.output - *observed.champion.output;
    sums_.difference.Add(difference);
    const std::array<std::string_view, 1> labels{deployment_};
    series_.SummaryOf("experiment_difference", labels).Add(difference, 1);
  }
  Publish();
  Count(ExperimentArm::kChampion, observed.champion);
  Count(ExperimentArm::kChallenger, observed.challenger);
}

void ExperimentLedger::CountValue(ExperimentArm arm, std::string_view value) {
  if (!is_open_) return;
  constexpr std::string_view kOther = "other";
  auto& values = arms_[static_cast<std::size_t>(arm)].values;
  const auto find = [&values](std::string_view text) {
    return std::ranges::find(values, text,
                             [](const auto& known) -> std::string_view { return known.first; });
  };
  auto known = find(value);
  if (known == values.end() && values.size() >= kMostValues) {
    value = kOther;
    known = find(value);
  }
  if (known == values.end()) {
    const std::array<std::string_view, 3> labels{deployment_, WordFor(arm), value};
    known = values.insert(
        known, {std::string(value), series_.CounterOf("experiment_output_rows", labels)});
  }
  known->second.Add(1);
}

void ExperimentLedger::Drop(DropReason reason) {
  if (!is_open_) return;
  ++sums_.dropped;
  Publish();
  CounterOf("experiment_dropped", WordFor(reason)).Add(1);
}

void ExperimentLedger::Count(ExperimentArm arm, const ArmObservation& observed) {
  ArmSeries& series = arms_[static_cast<std::size_t>(arm)];
  auto& counter = observed.failed ? series.failed : series.answered;
  if (!counter) {
    const std::array<std::string_view, 3> labels{deployment_, WordFor(arm),
                                                 observed.failed ? "failed" : "answered"};
    counter = series_.CounterOf("experiment_requests", labels);
  }
  counter->Add(1);
  if (!series.scoring) {
    const std::array<std::string_view, 2> labels{deployment_, WordFor(arm)};
    series.scoring = series_.HistogramOf("experiment_scoring_seconds", labels);
  }
  series.scoring->Observe(observed.scoring);
}

/// Looked up each time: a request that is compared costs another scoring anyway.
SeriesCounter ExperimentLedger::CounterOf(SeriesFamilyId family, std::string_view label) {
  const std::array<std::string_view, 2> labels{deployment_, label};
  return series_.CounterOf(family, labels);
}

}  // namespace forkcast::serving
