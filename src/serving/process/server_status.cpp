#include "serving/process/server_status.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

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
}

struct Writer {
  Json& json;
  template <typename T>
  void operator()(std::string_view name, const T& value) const {
    json[std::string(name)] = value;
  }
  void operator()(std::string_view name, milliseconds value) const { (*this)(name, value.count()); }
  void operator()(std::string_view name, std::optional<std::uint64_t> value) const {
    if (value) (*this)(name, *value);
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
  void operator()(std::string_view name, std::optional<std::uint64_t>& value) const {
    if (const auto member = json.find(std::string(name)); member != json.end()) {
      value = member->get<std::uint64_t>();
    }
  }
};

struct Cell {
  std::string text;
  bool is_number = true;
};
using Cells = std::vector<Cell>;

Cells Headings() {
  Cells cells{{"slot"}, {"pid"}, {"generation"}, {"state", false}, {"stage", false}, {"age"}};
  for (const Metric& metric : kMetrics) {
    if (!metric.heading.empty()) cells.push_back({std::string(metric.heading)});
  }
  return cells;
}

std::string Show(const Metric& metric, std::optional<std::uint64_t> value) {
  constexpr std::uint64_t kMebibyte = 1048576;
  if (!value) return "-";
  switch (metric.unit) {
    case Metric::Unit::kNone:
      return std::to_string(*value);
    case Metric::Unit::kBytes:
      return std::to_string(*value / kMebibyte) + " MiB";
  }
  return {};
}

Cells CellsOf(const WorkerStatus& worker) {
  Cells cells{{std::to_string(worker.slot)},
              {std::to_string(worker.pid)},
              {std::to_string(worker.generation)},
              {worker.state, false},
              {worker.stage, false},
              {ShowDuration(worker.age)}};
  for (std::size_t i = 0; i < kMetrics.size(); ++i) {
    if (kMetrics[i].heading.empty()) continue;
    cells.push_back({Show(kMetrics[i], worker.metrics[MetricId(i)])});
  }
  return cells;
}

/// Numbers to the right, words to the left, two blanks between columns, none at a line's end.
/// Precondition: all lines are as long.
std::string Align(const std::vector<Cells>& lines) {
  std::vector<std::size_t> widths(lines.front().size());
  for (const Cells& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      widths[i] = std::max(widths[i], line[i].text.size());
    }
  }
  std::string text;
  for (const Cells& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::string gap(widths[i] - line[i].text.size(), ' ');
      text += line[i].is_number ? gap + line[i].text : line[i].text + gap;
      text += i + 1 < line.size() ? "  " : "\n";
    }
  }
  return text;
}

}  // namespace

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
  return json.dump() + "\n";
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
  } catch (const nlohmann::json::exception& error) {
    return Error{ErrorCode::kCorrupt, std::string("no server's status: ") + error.what()};
  }
  return status;
}

std::string ToTable(const ServerStatus& status) {
  const auto own = [&status](MetricId metric) {
    return Show(kMetrics[metric.index()], status.metrics[metric]);
  };
  std::vector<Cells> lines{Headings()};
  for (const WorkerStatus& worker : status.workers) lines.push_back(CellsOf(worker));
  const RecorderStatus& recorder = status.recorder;
  return "server pid " + std::to_string(status.pid) + ", generation " + own("generation") +
         ", up " + ShowDuration(status.uptime) + ", " + own("target") + " workers wanted\n" +
         Align(lines) +
         (recorder.pid != 0 ? "recorder pid " + std::to_string(recorder.pid) : "no recorder") +
         ", captured " + std::to_string(recorder.captured) + ", dropped " +
         std::to_string(recorder.dropped) + "\n";
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
