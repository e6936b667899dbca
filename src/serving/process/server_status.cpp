#include "serving/process/server_status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/document/json.hpp"

namespace forkcast::serving {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;

/// Calls `visit` with each metric that the server itself (kServer), or a worker, has.
template <typename Visitor>
void EachMetric(bool of_server, Visitor visit) {
  for (std::size_t i = 0; i < kMetrics.size(); ++i) {
    const bool is_servers = kMetrics[i].across == Metric::Across::kServer;
    if (is_servers == of_server) visit(kMetrics[i], MetricId(i));
  }
}

/// The one list of a hook's members and their names in JSON.
template <typename Hook, typename Visitor>
void EachHookMember(Hook& hook, Visitor visit) {
  visit("place", hook.place);
  visit("type", hook.type);
  visit("calls", hook.calls);
  visit("failures", hook.failures);
  visit("flagged", hook.flagged);
  visit("rejected", hook.rejected);
  visit("mean_ns", hook.mean_ns);
  visit("off", hook.is_off);
}

/// The one list of the refresher's members and their names in JSON.
template <typename Refresher, typename Visitor>
void EachRefresherMember(Refresher& refresher, Visitor visit) {
  visit("pid", refresher.pid);
  visit("state", refresher.state);
  visit("last_success", refresher.last_success);
  visit("error", refresher.error);
}

/// The one list of the trainer's members and their names in JSON.
template <typename Trainer, typename Visitor>
void EachTrainerMember(Trainer& trainer, Visitor visit) {
  visit("pid", trainer.pid);
  visit("doing", trainer.doing);
  visit("error", trainer.error);
}

/// The one list of a worker's members and their names in JSON.
template <typename WorkerType, typename Visitor>
void EachMember(WorkerType& worker, Visitor visit) {
  visit("slot", worker.slot);
  visit("pid", worker.pid);
  visit("generation", worker.generation);
  visit("state", worker.state);
  visit("stage", worker.stage);
  visit("age_ms", worker.age);
  EachMetric(/*of_server=*/false,
             [&](const Metric& metric, MetricId id) { visit(metric.name, worker.metrics[id]); });
  visit("serves", worker.serves);
  visit("failure", worker.failure);
  visit("hooks", worker.hooks);
}

struct Writer {
  Json& json;
  template <typename T>
  void operator()(std::string_view name, const T& value) const {
    json[std::string(name)] = value;
  }
  void operator()(std::string_view name, milliseconds value) const { (*this)(name, value.count()); }
  template <typename T>
  void operator()(std::string_view name, const std::optional<T>& value) const {
    if (value) (*this)(name, *value);
  }
  void operator()(std::string_view name, const std::vector<HookStatus>& hooks) const {
    Json list = Json::array();
    for (const HookStatus& hook : hooks) EachHookMember(hook, Writer{list.emplace_back()});
    json[std::string(name)] = std::move(list);
  }
};

struct Reader {
  const Json& json;
  template <typename T>
  void operator()(std::string_view name, T& value) const {
    json.at(std::string(name)).get_to(value);
  }
  void operator()(std::string_view name, milliseconds& value) const {
    value = milliseconds(json.at(std::string(name)).get<std::int64_t>());
  }
  template <typename T>
  void operator()(std::string_view name, std::optional<T>& value) const {
    if (const auto member = json.find(std::string(name)); member != json.end()) {
      value = member->template get<T>();
    }
  }
  /// None of a server of an older version.
  void operator()(std::string_view name, std::vector<HookStatus>& hooks) const {
    const auto member = json.find(std::string(name));
    if (member == json.end()) return;
    for (const Json& hook : *member) EachHookMember(hooks.emplace_back(), Reader{hook});
  }
};

TextTable WorkerTable() {
  using enum TextTable::Align;
  std::vector<TextTable::Column> columns{
      {"slot", kNumber}, {"pid", kNumber}, {"generation", kNumber},
      {"state"},         {"stage"},        {"age", kNumber}};
  for (const Metric& metric : kMetrics) {
    if (!metric.heading.empty()) columns.push_back({std::string(metric.heading), kNumber});
  }
  return TextTable(std::move(columns));
}

std::string Show(const Metric& metric, std::optional<std::uint64_t> value) {
  constexpr std::uint64_t kMebibyte = 1048576;
  if (!value) return "-";
  switch (metric.unit) {
    case Metric::Unit::kNone:
      return std::to_string(*value);
    case Metric::Unit::kBytes:
      return std::to_string(*value / kMebibyte) + " MiB";
    case Metric::Unit::kSeconds:
      return ShowDuration(std::chrono::seconds(*value));
  }
  return {};
}

std::vector<std::string> CellsOf(const WorkerStatus& worker) {
  std::vector<std::string> cells{std::to_string(worker.slot),
                                 std::to_string(worker.pid),
                                 std::to_string(worker.generation),
                                 worker.state,
                                 worker.stage,
                                 ShowDuration(worker.age)};
  for (std::size_t i = 0; i < kMetrics.size(); ++i) {
    if (kMetrics[i].heading.empty()) continue;
    cells.push_back(Show(kMetrics[i], worker.metrics[MetricId(i)]));
  }
  return cells;
}

/// What a terminal might take for more than text, as a question mark.
std::string OnOneLine(std::string text) {
  std::ranges::replace_if(text, IsControl, '?');
  return text;
}

using Text = std::optional<std::string> WorkerStatus::*;

/// `served by workers 0, 1: TEXT`: a line for each different text that workers tell.
std::string ListTexts(const std::vector<WorkerStatus>& workers, Text member,
                      std::string_view meaning) {
  std::vector<std::pair<std::string, std::string>> tellers;  // by text, in order of appearance
  for (const WorkerStatus& worker : workers) {
    const std::string text = (worker.*member).value_or("");
    if (text.empty()) continue;
    auto known = std::ranges::find(tellers, text, &std::pair<std::string, std::string>::first);
    if (known == tellers.end()) known = tellers.insert(known, {text, ""});
    known->second += fmt::format("{}{}", known->second.empty() ? "" : ", ", worker.slot);
  }
  std::string lines;
  for (const auto& [text, slots] : tellers) {
    lines += fmt::format("{} {} {}: {}\n", meaning,
                         slots.find(',') == std::string::npos ? "worker" : "workers", slots,
                         OnOneLine(text));
  }
  return lines;
}

/// `hook 2 (library) is off in worker 0`: a line for each hook that is off.
std::string ListHooksOff(const std::vector<WorkerStatus>& workers) {
  std::string lines;
  for (const WorkerStatus& worker : workers) {
    for (const HookStatus& hook : worker.hooks) {
      if (!hook.is_off) continue;
      lines += fmt::format("hook {} ({}) is off in worker {}\n", hook.place, OnOneLine(hook.type),
                           worker.slot);
    }
  }
  return lines;
}

std::string ListExperiments(const std::vector<ExperimentStatus>& experiments) {
  std::string lines;
  for (const ExperimentStatus& experiment : experiments) lines += ToText(experiment);
  return lines;
}

/// Nothing while no line is lost.
std::string ListLostLines(const MetricReadings& metrics) {
  const std::uint64_t log = metrics["log_lines_lost"].value_or(0);
  const std::uint64_t access_log = metrics["access_log_lines_lost"].value_or(0);
  if (log + access_log == 0) return {};
  return fmt::format("log lines lost: {}, of the access log {}\n", log, access_log);
}

std::string LineOn(const RefresherStatus& refresher, const MetricReadings& metrics) {
  const auto count = [&metrics](MetricId metric) { return metrics[metric].value_or(0); };
  std::string line = refresher.pid != 0 ? fmt::format("refresher pid {}", refresher.pid)
                                        : std::string("refresher not running");
  if (!refresher.state.empty()) line += ", " + OnOneLine(refresher.state);
  line += fmt::format(", {} rows, {} rejected, {} publications", count("refresher_rows"),
                      count("refresher_rejected"), count("refresher_publications"));
  if (!refresher.last_success.empty())
    line += ", up to date at " + OnOneLine(refresher.last_success);
  if (!refresher.error.empty()) line += ": " + OnOneLine(refresher.error);
  return line + "\n";
}

std::string LineOn(const TrainerStatus& trainer, const MetricReadings& metrics) {
  const auto count = [&metrics](MetricId metric) { return metrics[metric].value_or(0); };
  std::string line = trainer.pid != 0 ? fmt::format("trainer pid {}", trainer.pid)
                                      : std::string("trainer not running");
  line += fmt::format(", {} jobs queued, {} running, {} succeeded, {} failed, {} stopped",
                      count("jobs_queued"), count("jobs_running"), count("jobs_succeeded"),
                      count("jobs_failed"), count("jobs_stopped"));
  if (!trainer.doing.empty()) line += ", " + OnOneLine(trainer.doing);
  if (!trainer.error.empty()) line += ": " + OnOneLine(trainer.error);
  return line + "\n";
}

}  // namespace

std::vector<HookStatus> HooksOf(const WorkerSlot& slot) {
  const auto read = [](const HookCounters::Counter& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  std::vector<HookStatus> hooks;
  for (std::size_t place = 0; place < kMaxHooks; ++place) {
    const HookCounters& counters = slot.hooks[place];
    const HookStatus hook{
        .place = place,
        .type = counters.type.Get().value_or(""),
        .calls = read(counters.calls),
        .failures = read(counters.failures),
        .flagged = read(counters.flagged),
        .rejected = read(counters.rejected),
        .mean_ns = read(counters.timed_ns) / std::max<std::uint64_t>(read(counters.timed_calls), 1),
        .is_off = counters.is_off.load(std::memory_order_relaxed)};
    if (hook.calls > 0 || hook.is_off) hooks.push_back(hook);
  }
  return hooks;
}

std::string ToJson(const ServerStatus& status) {
  Json json;
  json["pid"] = status.pid;
  EachMetric(/*of_server=*/true, [&](const Metric& metric, MetricId id) {
    Writer{json}(metric.name, status.metrics[id]);
  });
  json["uptime_ms"] = status.uptime.count();
  json["workers"] = Json::array();
  for (const WorkerStatus& worker : status.workers) {
    Json member;
    EachMember(worker, Writer{member});
    json["workers"].push_back(std::move(member));
  }
  json["recorder"] = {{"pid", status.recorder.pid},
                      {"captured", status.recorder.captured},
                      {"dropped", status.recorder.dropped}};
  if (status.refresher) EachRefresherMember(*status.refresher, Writer{json["refresher"]});
  if (status.trainer) EachTrainerMember(*status.trainer, Writer{json["trainer"]});
  json["experiments"] = Json::array();
  for (const ExperimentStatus& experiment : status.experiments) {
    json["experiments"].push_back(ToJson(experiment));
  }
  // A text was cut where it had to be, or names a file in whatever bytes its name has.
  return preprocessing::DumpText(json) + "\n";
}

Result<ServerStatus> ParseServerStatus(std::string_view text) {
  ServerStatus status;
  try {
    const Json json = Json::parse(text);
    json.at("pid").get_to(status.pid);
    EachMetric(/*of_server=*/true, [&](const Metric& metric, MetricId id) {
      Reader{json}(metric.name, status.metrics[id]);
    });
    status.uptime = milliseconds(json.at("uptime_ms").get<std::int64_t>());
    for (const Json& member : json.at("workers")) {
      EachMember(status.workers.emplace_back(), Reader{member});
    }
    const Json& recorder = json.at("recorder");
    recorder.at("pid").get_to(status.recorder.pid);
    recorder.at("captured").get_to(status.recorder.captured);
    recorder.at("dropped").get_to(status.recorder.dropped);
    if (const auto refresher = json.find("refresher"); refresher != json.end()) {
      EachRefresherMember(status.refresher.emplace(), Reader{*refresher});
    }
    if (const auto trainer = json.find("trainer"); trainer != json.end()) {
      EachTrainerMember(status.trainer.emplace(), Reader{*trainer});
    }
    for (const Json& member : json.value("experiments", Json::array())) {
      status.experiments.push_back(ExperimentStatusOf(member));
    }
  } catch (const nlohmann::json::exception& error) {
    return Error{ErrorCode::kCorrupt, std::string("no server's status: ") + error.what()};
  }
  return status;
}

std::string ToTable(const ServerStatus& status, const TextStyle& style) {
  const auto own = [&status](MetricId metric) {
    return Show(kMetrics[metric.index()], status.metrics[metric]);
  };
  TextTable workers = WorkerTable();
  for (const WorkerStatus& worker : status.workers) workers.Add(CellsOf(worker));
  const RecorderStatus& recorder = status.recorder;
  return "server pid " + std::to_string(status.pid) + ", generation " + own("generation") +
         ", edition " + own("newest_edition") + ", up " + ShowDuration(status.uptime) + ", " +
         own("target") + " workers wanted\n" + workers.Text(style) +
         ListTexts(status.workers, &WorkerStatus::serves, "served by") +
         ListTexts(status.workers, &WorkerStatus::failure, "not taken by") +
         ListExperiments(status.experiments) + ListHooksOff(status.workers) +
         ListLostLines(status.metrics) +
         (recorder.pid != 0 ? "recorder pid " + std::to_string(recorder.pid) : "no recorder") +
         ", captured " + std::to_string(recorder.captured) + ", dropped " +
         std::to_string(recorder.dropped) + "\n" +
         (status.refresher ? LineOn(*status.refresher, status.metrics) : "") +
         (status.trainer ? LineOn(*status.trainer, status.metrics) : "");
}

std::string ShowDuration(milliseconds duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  constexpr std::array<std::pair<std::int64_t, char>, 4> kUnits{
      {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}}};
  const auto* unit = std::ranges::find_if(
      kUnits, [&](const auto& one) { return seconds >= one.first || one.second == 's'; });
  std::string text = std::to_string(seconds / unit->first) + unit->second;
  if (unit->second == 's') return text;
  const auto* const next = unit + 1;
  return text + " " + std::to_string(seconds % unit->first / next->first) + next->second;
}

}  // namespace forkcast::serving
