#include "serving/experiment/experiment_status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/document/json.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;

/// The one list of the members and their names in JSON.
template <typename StatusType, typename Visitor>
void EachMember(StatusType& status, Visitor visit) {
  visit("id", status.id);
  visit("deployment", status.deployment);
  visit("asked", status.asked);
  visit("mode", status.mode);
  visit("share", status.share);
  visit("state", status.state);
  visit("reason", status.reason);
  visit("champion", status.champion);
  visit("champion_place", status.champion_place);
  visit("challenger", status.challenger);
  visit("challenger_place", status.challenger_place);
  visit("workers", status.workers);
  visit("ready_workers", status.ready_workers);
  visit("champion_requests", status.champion_requests);
  visit("champion_failures", status.champion_failures);
  visit("challenger_requests", status.challenger_requests);
  visit("challenger_failures", status.challenger_failures);
  visit("lines", status.lines);
  visit("agreed", status.agreed);
  visit("dropped", status.dropped);
  visit("champion_failure_share", status.champion_failure_share);
  visit("challenger_failure_share", status.challenger_failure_share);
  visit("difference", status.difference);
  visit("agreement", status.agreement);
  visit("slowdown", status.slowdown);
}

struct Writer {
  ordered_json& json;
  template <typename T>
  void operator()(std::string_view name, const T& value) const {
    json[std::string(name)] = value;
  }
  void operator()(std::string_view name, const ToldEstimate& estimate) const {
    if (!estimate.value) return;
    ordered_json& member = json[std::string(name)];
    member["value"] = *estimate.value;
    if (estimate.lower) member["lower"] = *estimate.lower;
    if (estimate.upper) member["upper"] = *estimate.upper;
  }
};

struct Reader {
  const ordered_json& json;
  template <typename T>
  void operator()(std::string_view name, T& value) const {
    json.at(std::string(name)).get_to(value);
  }
  void operator()(std::string_view name, ToldEstimate& estimate) const {
    const auto member = json.find(std::string(name));
    if (member == json.end()) return;
    const auto read = [&member](const char* part, std::optional<double>& number) {
      if (const auto found = member->find(part); found != member->end()) {
        number = found->template get<double>();
      }
    };
    read("value", estimate.value);
    read("lower", estimate.lower);
    read("upper", estimate.upper);
  }
};

std::optional<double> Finite(double number) {
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

ToldEstimate Tell(const Estimate& estimate) {
  return {.value = Finite(estimate.value),
          .lower = Finite(estimate.within.lower),
          .upper = Finite(estimate.within.upper)};
}

/// `0.12 (0.1 to 0.2)`; an end that is not known is a dash.
std::string Show(const ToldEstimate& estimate, double unit = 1) {
  const auto number = [unit](const std::optional<double>& one) {
    return one ? fmt::format("{:.4g}", *one * unit) : std::string("-");
  };
  return fmt::format("{} ({} to {})", number(estimate.value), number(estimate.lower),
                     number(estimate.upper));
}

constexpr double kPercent = 100;

std::string Found(const ExperimentStatus& status) {
  std::string text = fmt::format(
      "  requests {} champion, {} challenger, dropped {}; failed % {} champion, {} challenger",
      status.champion_requests, status.challenger_requests, status.dropped,
      Show(status.champion_failure_share, kPercent),
      Show(status.challenger_failure_share, kPercent));
  if (status.agreement.value) {
    text += fmt::format("; same output % {}", Show(status.agreement, kPercent));
  }
  if (status.difference.value) text += fmt::format("; difference {}", Show(status.difference));
  if (status.challenger_requests > 0) {
    text += fmt::format("; {} times as long", Show(status.slowdown));
  }
  return text;
}

}  // namespace

ExperimentStatus StatusOf(const Experiment& experiment, const ExperimentSums& sums,
                          const ExperimentSpread& spread) {
  const bool starts = experiment.is_running() && spread.workers < spread.ready_workers;
  ExperimentStatus status{.id = experiment.id,
                          .deployment = experiment.plan.deployment,
                          .asked = experiment.plan.challenger,
                          .mode = std::string(WordFor(experiment.plan.mode)),
                          .share = experiment.plan.share,
                          .state = std::string(starts ? "starting" : WordFor(experiment.state)),
                          .reason = experiment.reason,
                          .champion = experiment.champion,
                          .champion_place = experiment.champion_place,
                          .challenger = experiment.challenger,
                          .challenger_place = experiment.challenger_place,
                          .workers = spread.workers,
                          .ready_workers = spread.ready_workers,
                          .champion_requests = sums.champion.requests,
                          .champion_failures = sums.champion.failures,
                          .challenger_requests = sums.challenger.requests,
                          .challenger_failures = sums.challenger.failures,
                          .lines = sums.lines,
                          .agreed = sums.agreed,
                          .dropped = sums.dropped};
  const Findings findings = FindingsOf(experiment.plan, sums);
  if (sums.champion.requests > 0) {
    status.champion_failure_share = Tell(findings.champion_failures);
  }
  if (sums.challenger.requests > 0) {
    status.challenger_failure_share = Tell(findings.challenger_failures);
    status.slowdown = Tell(findings.slowdown);
  }
  if (findings.difference) status.difference = Tell(*findings.difference);
  if (findings.agreement) status.agreement = Tell(*findings.agreement);
  return status;
}

ordered_json ToJson(const ExperimentStatus& status) {
  ordered_json json;
  EachMember(status, Writer{json});
  return json;
}

ExperimentStatus ExperimentStatusOf(const ordered_json& json) {
  ExperimentStatus status;
  EachMember(status, Reader{json});
  return status;
}

std::string ToText(const ExperimentStatus& status) {
  const auto version = [](const std::string& number, const std::string& place) {
    return number.empty() ? place : fmt::format("version {} ({})", number, place);
  };
  std::string text = fmt::format(
      "{} of {}: {}{}, {:.4g} % of the requests: {}", status.mode, status.deployment,
      version(status.challenger,
              status.challenger_place.empty() ? status.asked : status.challenger_place),
      status.champion.empty() ? "" : fmt::format(" against version {}", status.champion),
      kPercent * status.share, status.state);
  if (status.state == "starting") {
    text += fmt::format(", {} of {} workers have it", status.workers, status.ready_workers);
  }
  if (!status.reason.empty()) text += fmt::format(": {}", status.reason);
  // What a terminal might take for more than text.
  std::ranges::replace_if(text, IsControl, '?');
  return fmt::format("{}\n{}\n", text, Found(status));
}

}  // namespace forkcast::serving
