#include "model/commands/retrain_verdict.hpp"

#include <string>

#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

const char* ResultOf(TrainingEnd end) noexcept {
  switch (end) {
    case TrainingEnd::kDone:
      return "promoted";
    case TrainingEnd::kNotPromoted:
      return "kept";
    case TrainingEnd::kNothingNew:
      return "nothing_new";
    case TrainingEnd::kRefused:
    case TrainingEnd::kData:
    case TrainingEnd::kIo:
    case TrainingEnd::kStopped:
      break;
  }
  return "failed";
}

std::string WhyOf(const TrainingOutcome& outcome) {
  if (!outcome.message.empty()) return outcome.message;
  if (outcome.end == TrainingEnd::kNothingNew) return outcome.summary.at("why");
  const ordered_json& contest = outcome.summary.at("contest");
  const std::string why = contest.at("why");
  const bool is_better = contest.at("is_better");
  if (outcome.end == TrainingEnd::kDone || !is_better) return why;
  return why + " But it does not beat its baselines, or too little was judged.";
}

}  // namespace

ordered_json VerdictOn(const TrainingOutcome& outcome, const Publication& as, Instant now) {
  ordered_json verdict{{"at", preprocessing::IsoTimestamp(now)},
                       {"model", as.name},
                       {"alias", as.alias},
                       {"champion", as.contest->champion.number},
                       {"result", ResultOf(outcome.end)},
                       {"why", WhyOf(outcome)}};
  for (const char* const member : {"version", "folder", "contest"}) {
    if (outcome.summary.contains(member)) verdict[member] = outcome.summary.at(member);
  }
  return verdict;
}

}  // namespace forkcast::model
