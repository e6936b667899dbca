#include "serving/experiment/experiment.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;

constexpr std::array kStates{ExperimentState::kRunning, ExperimentState::kStopped,
                             ExperimentState::kPromoted, ExperimentState::kEnded,
                             ExperimentState::kFailed};

using SumWords = std::array<std::uint64_t, sizeof(ExperimentSums) / sizeof(std::uint64_t)>;

ExperimentGuards ReadGuards(const JsonNode& node) {
  node.RequireObject({"confidence", "max_failures", "max_slowdown", "max_difference"});
  ExperimentGuards guards;
  if (const auto confidence = node.Find("confidence")) {
    guards.confidence = confidence->Number(0.5, 0.9999);
  }
  if (const auto failures = node.Find("max_failures")) guards.max_failures = failures->Number(0, 1);
  if (const auto slowdown = node.Find("max_slowdown")) {
    guards.max_slowdown = slowdown->Number(1, 1e6);
  }
  if (const auto difference = node.Find("max_difference")) {
    guards.max_difference = difference->Number(0, 1e300);
  }
  return guards;
}

ordered_json ToJson(const ExperimentGuards& guards) {
  ordered_json json{{"confidence", guards.confidence},
                    {"max_failures", guards.max_failures},
                    {"max_slowdown", guards.max_slowdown}};
  if (guards.max_difference) json["max_difference"] = *guards.max_difference;
  return json;
}

ordered_json ToJson(const ExperimentSums& sums) { return std::bit_cast<SumWords>(sums); }

/// Those of a program that counted otherwise are none.
ExperimentSums SumsOf(const ordered_json& json) {
  if (json.size() != SumWords().size()) return {};
  return std::bit_cast<ExperimentSums>(json.get<SumWords>());
}

ordered_json ToJson(const Experiment& experiment) {
  return {{"id", experiment.id},
          {"deployment", experiment.plan.deployment},
          {"plan", ToJson(experiment.plan)},
          {"state", WordFor(experiment.state)},
          {"reason", experiment.reason},
          {"begun", ToMicros(experiment.begun)},
          {"champion", experiment.champion},
          {"champion_place", experiment.champion_place},
          {"challenger", experiment.challenger},
          {"challenger_place", experiment.challenger_place},
          {"before", ToJson(experiment.before)}};
}

Experiment ExperimentOf(const ordered_json& json) {
  const auto state = std::ranges::find(kStates, json.at("state").get<std::string>(),
                                       [](ExperimentState one) { return WordFor(one); });
  return {.id = json.at("id"),
          .plan = ReadExperimentPlan(JsonNode(json.at("plan")), json.at("deployment")),
          .state = state == kStates.end() ? ExperimentState::kEnded : *state,
          .reason = json.at("reason"),
          .begun = FromMicros(json.at("begun")),
          .champion = json.at("champion"),
          .champion_place = json.at("champion_place"),
          .challenger = json.at("challenger"),
          .challenger_place = json.at("challenger_place"),
          .before = SumsOf(json.at("before"))};
}

}  // namespace

std::string_view WordFor(ExperimentMode mode) noexcept {
  switch (mode) {
    case ExperimentMode::kShadow:
      return "shadow";
    case ExperimentMode::kCanary:
      return "canary";
  }
  return {};
}

std::string_view WordFor(ExperimentState state) noexcept {
  switch (state) {
    case ExperimentState::kRunning:
      return "running";
    case ExperimentState::kStopped:
      return "stopped";
    case ExperimentState::kPromoted:
      return "promoted";
    case ExperimentState::kEnded:
      return "ended";
    case ExperimentState::kFailed:
      return "failed";
  }
  return {};
}

ExperimentPlan ReadExperimentPlan(const JsonNode& node, std::string deployment) {
  node.RequireObject({"version", "pipeline", "shadow", "canary", "compare", "key", "end"});
  const auto version = node.Find("version");
  const auto pipeline = node.Find("pipeline");
  const auto shadow = node.Find("shadow");
  const auto canary = node.Find("canary");
  if (version.has_value() == pipeline.has_value()) {
    node.Fail("expected either \"version\" or \"pipeline\"");
  }
  if (shadow.has_value() == canary.has_value()) {
    node.Fail("expected either \"shadow\" or \"canary\", with the share of the requests");
  }
  ExperimentPlan plan{.deployment = std::move(deployment),
                      .challenger = (version ? *version : *pipeline).String(),
                      .is_pipeline = pipeline.has_value(),
                      .mode = shadow ? ExperimentMode::kShadow : ExperimentMode::kCanary,
                      .share = (shadow ? *shadow : *canary).Number(0, 1)};
  if (const auto compare = node.Find("compare")) plan.compare = compare->String();
  if (const auto key = node.Find("key")) plan.key = key->Strings();
  if (const auto end = node.Find("end")) plan.end = ReadGuards(*end);
  return plan;
}

ordered_json ToJson(const ExperimentPlan& plan) {
  ordered_json json{{plan.is_pipeline ? "pipeline" : "version", plan.challenger},
                    {std::string(WordFor(plan.mode)), plan.share}};
  if (!plan.compare.empty()) json["compare"] = plan.compare;
  if (!plan.key.empty()) json["key"] = plan.key;
  json["end"] = ToJson(plan.end);
  return json;
}

std::string ToText(const std::vector<Experiment>& experiments) {
  ordered_json list = ordered_json::array();
  for (const Experiment& experiment : experiments) list.push_back(ToJson(experiment));
  return preprocessing::DumpText(list);
}

Result<std::vector<Experiment>> ParseExperiments(std::string_view text) {
  std::vector<Experiment> experiments;
  try {
    for (const ordered_json& one : ordered_json::parse(text)) {
      experiments.push_back(ExperimentOf(one));
    }
  } catch (const std::exception& error) {
    return Error{ErrorCode::kCorrupt, error.what()};
  }
  return experiments;
}

}  // namespace forkcast::serving
