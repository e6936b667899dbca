#include "data_preprocessing/series/run_list.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <numeric>
#include <string_view>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/series/snapshot.hpp"

namespace forkcast::preprocessing {
namespace {

using nlohmann::ordered_json;

constexpr std::int64_t kMaxCount = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMinPlace = std::numeric_limits<std::int64_t>::min();

std::string HexOf(std::uint64_t number) { return fmt::format("{:016x}", number); }

std::uint64_t ReadHex(const JsonNode& node) {
  const std::string text = node.String();
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (text.size() != 16 || error != std::errc() || end != text.data() + text.size()) {
    node.Fail("expected 16 hexadecimal digits");
  }
  return number;
}

ordered_json ListedJson(const ListedFile& file) {
  return {{"file", file.file}, {"checksum", HexOf(file.checksum)}, {"written", file.written}};
}

ListedFile ReadFile(const JsonNode& node) {
  node.RequireObject({"file", "checksum", "written"});
  ListedFile file{.file = node.Get("file").String(),
                  .checksum = ReadHex(node.Get("checksum")),
                  .written = node.Get("written").String()};
  if (file.file.find('/') != std::string::npos || file.file.find('\0') != std::string::npos) {
    node.Get("file").Fail("expected the name of a file beside the list");
  }
  return file;
}

}  // namespace

std::string StampOf(const FileIdentity& file) {
  return fmt::format("{}.{}.{}.{}", file.number, file.size, file.modified_ns, file.changed_ns);
}

std::string ToText(const RunList& list) {
  ordered_json runs = ordered_json::array();
  for (const ListedFile& run : list.runs) runs.push_back(ListedJson(run));
  ordered_json json{{"base", HexOf(list.base)},
                    {"base_written", list.base_written},
                    {"runs", runs},
                    {"keys", list.keys}};
  if (list.cells) json["cells"] = ListedJson(*list.cells);
  if (list.read_to) json["read_to"] = {{"row", list.read_to->row}, {"mark", list.read_to->mark}};
  return json.dump() + "\n";
}

Result<RunList> ParseRunList(std::string_view text) {
  try {
    const ordered_json json = ParseJson(text);
    const JsonNode node(json);
    node.RequireObject({"base", "base_written", "runs", "keys", "cells", "read_to"});
    RunList list{.base = ReadHex(node.Get("base")),
                 .base_written = node.Get("base_written").String(),
                 .runs = {},
                 .cells = {},
                 .keys = static_cast<std::uint64_t>(node.Get("keys").Integer(0, kMaxCount)),
                 .read_to = {}};
    for (const JsonNode& run : node.Get("runs").Elements()) list.runs.push_back(ReadFile(run));
    if (list.runs.size() > Snapshot::kMaxRuns) {
      node.Get("runs").Fail(fmt::format("expected at most {} runs", Snapshot::kMaxRuns));
    }
    if (const auto cells = node.Find("cells")) list.cells = ReadFile(*cells);
    if (const auto read_to = node.Find("read_to")) {
      read_to->RequireObject({"row", "mark"});
      list.read_to = ReadTo{.row = read_to->Get("row").Integer(kMinPlace, kMaxCount),
                            .mark = read_to->Get("mark").String()};
    }
    return list;
  } catch (const SpecError& error) {
    return Error{ErrorCode::kCorrupt, fmt::format("no list of runs: {}", error.what())};
  }
}

MergePlan PlanMerge(std::uint64_t base_rows, std::span<const std::uint64_t> runs,
                    std::uint64_t new_rows, const MergePolicy& policy) {
  MergePlan plan;
  if (base_rows < policy.small_base) {
    plan.into_base = true;
    return plan;
  }
  std::uint64_t merged = new_rows;
  for (std::size_t left = runs.size(); left > 0; --left) {
    if (runs[left - 1] > merged && left < policy.max_runs) break;
    merged += runs[left - 1];
    ++plan.with_newest;
  }
  const std::uint64_t above = std::accumulate(runs.begin(), runs.end(), new_rows);
  plan.base_is_due = above > base_rows / policy.base_share;
  return plan;
}

}  // namespace forkcast::preprocessing
