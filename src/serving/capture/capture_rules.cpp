#include "serving/capture/capture_rules.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

namespace forkcast::serving {

using preprocessing::JsonNode;

namespace {

constexpr std::array<std::string_view, 10> kMembers{
    "max_file_bytes",  "max_file_seconds", "compress",    "keep_files",  "keep_seconds",
    "max_total_bytes", "max_disk_share",   "drop_fields", "hash_fields", "store"};

// Two files are open around a full hour, one is packed, and one may be kept.
constexpr std::uint64_t kLeastFiles = 4;
constexpr std::uint64_t kUsualFiles = 16;

std::optional<std::uint64_t> Limit(const JsonNode& settings, std::string_view name,
                                   std::int64_t least = 1) {
  const auto node = settings.Find(name);
  if (!node) return std::nullopt;
  return static_cast<std::uint64_t>(node->Integer(least, std::numeric_limits<std::int64_t>::max()));
}

std::optional<std::chrono::seconds> Age(const JsonNode& settings, std::string_view name) {
  constexpr std::int64_t kCenturyInSeconds = 3'155'760'000;
  const auto node = settings.Find(name);
  if (!node) return std::nullopt;
  return std::chrono::seconds(node->Integer(1, kCenturyInSeconds));
}

CaptureFileRules ReadFileRules(const JsonNode& settings) {
  CaptureFileRules rules;
  rules.max_file_bytes = Limit(settings, "max_file_bytes");
  rules.max_file_age = Age(settings, "max_file_seconds");
  if (const auto compress = settings.Find("compress")) rules.compress = compress->Bool();
  rules.keep_files = Limit(settings, "keep_files");
  rules.keep_age = Age(settings, "keep_seconds");
  rules.max_total_bytes =
      Limit(settings, "max_total_bytes", static_cast<std::int64_t>(kLeastFiles));
  if (const auto share = settings.Find("max_disk_share")) {
    rules.max_disk_share = share->Number(0, 1);
    if (*rules.max_disk_share == 0) share->Fail("expected a share above 0: nothing would be kept");
  }
  if (!rules.max_total_bytes) return rules;
  if (!rules.max_file_bytes) rules.max_file_bytes = *rules.max_total_bytes / kUsualFiles + 1;
  if (*rules.max_file_bytes > *rules.max_total_bytes / kLeastFiles) {
    settings.Get("max_file_bytes").Fail("expected at most a quarter of max_total_bytes");
  }
  return rules;
}

std::vector<std::string> Names(const JsonNode& node) {
  std::vector<std::string> names = node.Strings();
  if (names.empty()) node.Fail("expected the name of a field at least");
  return names;
}

CaptureFieldRules ReadFieldRules(const JsonNode& settings) {
  CaptureFieldRules rules;
  if (const auto drop = settings.Find("drop_fields")) rules.drop = Names(*drop);
  const auto hash = settings.Find("hash_fields");
  if (!hash) return rules;
  hash->RequireObject({"names", "key_file", "key_variable"});
  rules.hash = Names(hash->Get("names"));
  for (const std::string& name : rules.hash) {
    if (std::ranges::find(rules.drop, name) != rules.drop.end()) {
      hash->Get("names").Fail("\"" + name + "\" is dropped: expected it in one of both");
    }
  }
  if (const auto file = hash->Find("key_file")) rules.key_file = file->String();
  if (const auto variable = hash->Find("key_variable")) rules.key_variable = variable->String();
  if (rules.key_file.empty() == rules.key_variable.empty()) {
    hash->Fail("expected either key_file or key_variable, which say where the key is");
  }
  return rules;
}

}  // namespace

CaptureRules ReadCaptureRules(const JsonNode& settings) {
  CaptureRules rules{.files = ReadFileRules(settings), .fields = ReadFieldRules(settings)};
  if (const auto store = settings.Find("store")) rules.store = store->String();
  return rules;
}

std::string CaptureRulesText(const JsonNode& settings) {
  nlohmann::ordered_json members = nlohmann::ordered_json::object();
  for (const std::string_view name : kMembers) {
    if (const auto node = settings.Find(name)) members[std::string(name)] = node->json();
  }
  return members.empty() ? std::string() : members.dump();
}

}  // namespace forkcast::serving
