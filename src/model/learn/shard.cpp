#include "model/learn/shard.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <vector>

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

std::optional<std::size_t> ParseCount(std::string_view text) {
  std::size_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string TextAt(const ordered_json& json, const char* pointer) {
  const ordered_json::json_pointer place(pointer);
  return json.contains(place) ? json.at(place).dump() : "none";
}

}  // namespace

Result<Shard> ParseShard(std::string_view text, std::string_view completion_index) {
  const Error wrong{ErrorCode::kInvalidArgument,
                    fmt::format("--shard: expected NUMBER/COUNT, such as 2/4, or auto/COUNT, with "
                                "at most {} shards, got \"{}\"",
                                kMostShards, text)};
  const std::size_t slash = text.find('/');
  if (slash == text.npos) return wrong;
  const std::string_view number = text.substr(0, slash);
  const auto count = ParseCount(text.substr(slash + 1));
  if (!count || *count == 0 || *count > kMostShards) return wrong;
  if (number == "auto") {
    const auto index = ParseCount(completion_index);
    if (!index) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("--shard: auto is for pods of an Indexed Job of Kubernetes: "
                               "JOB_COMPLETION_INDEX is {}",
                               completion_index.empty()
                                   ? "not set"
                                   : fmt::format("\"{}\", no number", completion_index))};
    }
    if (*index >= *count) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("--shard: JOB_COMPLETION_INDEX is {}, and there are {} shards, from "
                               "0: \"completions\" of the Job is not their number",
                               *index, *count)};
    }
    return Shard{.number = *index + 1, .count = *count};
  }
  const auto from_one = ParseCount(number);
  if (!from_one || *from_one == 0 || *from_one > *count) return wrong;
  return Shard{.number = *from_one, .count = *count};
}

std::string ToString(const Shard& shard) { return fmt::format("{}/{}", shard.number, shard.count); }

std::string ShardName(const std::string& model, const Shard& shard) {
  return fmt::format("{}-shard-{}-of-{}", model, shard.number, shard.count);
}

std::string DifferenceOf(const ordered_json& shard, const ordered_json& whole) {
  if (shard == whole) return {};
  struct Part {
    const char* pointer;
    const char* what;
  };
  for (const Part& part :
       {Part{"/libraries", "by other versions"}, Part{"/pipeline", "by another pipeline"},
        Part{"/seed", "with another seed"}, Part{"/data/snapshots", "from other data"},
        Part{"/data", "from other data"}}) {
    const std::string there = TextAt(shard, part.pointer);
    const std::string here = TextAt(whole, part.pointer);
    if (there != here) return fmt::format("{}: {} in place of {}", part.what, there, here);
  }
  return fmt::format("otherwise: {} in place of {}", shard.dump(), whole.dump());
}

}  // namespace forkcast::model
