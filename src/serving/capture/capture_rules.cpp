#include "serving/capture/capture_rules.hpp"

#include <array>
#include <limits>
#include <string_view>

namespace forkcast::serving {

using preprocessing::JsonNode;

namespace {

constexpr std::array<std::string_view, 7> kMembers{
    "max_file_bytes", "max_file_seconds", "compress",      "keep_files",
    "keep_seconds",   "max_total_bytes",  "max_disk_share"};

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

}  // namespace

CaptureRules ReadCaptureRules(const JsonNode& settings) {
  return {.files = ReadFileRules(settings)};
}

std::string CaptureRulesText(const JsonNode& settings) {
  nlohmann::ordered_json members = nlohmann::ordered_json::object();
  for (const std::string_view name : kMembers) {
    if (const auto node = settings.Find(name)) members[std::string(name)] = node->json();
  }
  return members.empty() ? std::string() : members.dump();
}

}  // namespace forkcast::serving
