#include "serving/process/server_status.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::serving {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;

/// The one list of a worker's members and their names in JSON.
template <typename WorkerType, typename Visitor>
void EachMember(WorkerType& worker, Visitor visit) {
  visit("slot", worker.slot);
  visit("pid", worker.pid);
  visit("generation", worker.generation);
  visit("state", worker.state);
  visit("stage", worker.stage);
  visit("age_ms", worker.age);
  visit("requests", worker.requests);
  visit("client_errors", worker.client_errors);
  visit("server_errors", worker.server_errors);
  visit("clipped", worker.clipped);
  visit("refused", worker.refused);
  visit("connections", worker.connections);
  visit("resident_bytes", worker.resident_bytes);
  visit("restarts", worker.restarts);
}

struct Writer {
  Json& json;
  template <typename T>
  void operator()(const char* name, const T& value) const {
    json[name] = value;
  }
  void operator()(const char* name, milliseconds value) const { json[name] = value.count(); }
};

struct Reader {
  const Json& json;
  template <typename T>
  void operator()(const char* name, T& value) const {
    json.at(name).get_to(value);
  }
  void operator()(const char* name, milliseconds& value) const {
    value = milliseconds(json.at(name).get<std::int64_t>());
  }
};

constexpr std::array<std::pair<std::string_view, bool>, 14> kColumns{{{"slot", true},
                                                                      {"pid", true},
                                                                      {"generation", true},
                                                                      {"state", false},
                                                                      {"stage", false},
                                                                      {"age", true},
                                                                      {"requests", true},
                                                                      {"4xx", true},
                                                                      {"5xx", true},
                                                                      {"clipped", true},
                                                                      {"refused", true},
                                                                      {"connections", true},
                                                                      {"memory", true},
                                                                      {"restarts", true}}};
using Cells = std::array<std::string, kColumns.size()>;

Cells CellsOf(const WorkerStatus& worker) {
  constexpr std::uint64_t kMebibyte = 1048576;
  const auto text = [](auto number) { return std::to_string(number); };
  return {text(worker.slot),
          text(worker.pid),
          text(worker.generation),
          worker.state,
          worker.stage,
          ShowDuration(worker.age),
          text(worker.requests),
          text(worker.client_errors),
          text(worker.server_errors),
          text(worker.clipped),
          text(worker.refused),
          text(worker.connections),
          text(worker.resident_bytes / kMebibyte) + " MiB",
          text(worker.restarts)};
}

/// Numbers to the right, words to the left, two blanks between columns, none at a line's end.
std::string Align(const std::vector<Cells>& lines) {
  std::array<std::size_t, kColumns.size()> widths{};
  for (const Cells& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text;
  for (const Cells& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::string gap(widths[i] - line[i].size(), ' ');
      text += kColumns[i].second ? gap + line[i] : line[i] + gap;
      text += i + 1 < line.size() ? "  " : "\n";
    }
  }
  return text;
}

}  // namespace

std::string ToJson(const ServerStatus& status) {
  Json json;
  json["pid"] = status.pid;
  json["generation"] = status.generation;
  json["target"] = status.target;
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
    json.at("generation").get_to(status.generation);
    json.at("target").get_to(status.target);
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
  std::vector<Cells> lines(1);
  for (std::size_t i = 0; i < kColumns.size(); ++i) lines[0][i] = kColumns[i].first;
  for (const WorkerStatus& worker : status.workers) lines.push_back(CellsOf(worker));
  const RecorderStatus& recorder = status.recorder;
  return "server pid " + std::to_string(status.pid) + ", generation " +
         std::to_string(status.generation) + ", up " + ShowDuration(status.uptime) + ", " +
         std::to_string(status.target) + " workers wanted\n" + Align(lines) +
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
