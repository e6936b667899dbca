#include "serving/hooks/capture_hook.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include "serving/capture/capture_folder.hpp"
#include "serving/capture/capture_rules.hpp"

namespace forkcast::serving {

using preprocessing::JsonNode;

namespace {

std::string CaptureName(const JsonNode& node) {
  std::string name = node.String();
  if (!IsCaptureName(name)) {
    node.Fail("expected 1 to 63 letters, digits, '-', '_' and '.', not beginning with '.'");
  }
  return name;
}

}  // namespace

CaptureHook::Settings CaptureHook::ReadSettings(const JsonNode& node) {
  node.RequireObject({"type", "share", "folder", "endpoint", "variant", "max_bytes",
                      "max_file_bytes", "max_file_seconds", "compress", "keep_files",
                      "keep_seconds", "max_total_bytes", "max_disk_share"});
  Settings settings;
  settings.share = node.Get("share").Number(0, 1);
  const JsonNode folder = node.Get("folder");
  settings.folder = folder.String();
  if (settings.folder.find('\0') != std::string::npos) folder.Fail("expected a path without NUL");
  settings.endpoint = CaptureName(node.Get("endpoint"));
  if (const auto variant = node.Find("variant")) settings.variant = CaptureName(*variant);
  if (const auto max_bytes = node.Find("max_bytes")) {
    settings.max_bytes = static_cast<std::size_t>(
        max_bytes->Integer(1, static_cast<std::int64_t>(kMaxCaptureBytes)));
  }
  (void)ReadCaptureRules(node);
  settings.rules = CaptureRulesText(node);
  return settings;
}

std::vector<CaptureDestination> CaptureHook::Destinations(std::span<const HookConfig> configs) {
  std::vector<CaptureDestination> destinations;
  for (const HookConfig& config : configs) {
    if (config.type != kType) continue;
    const auto json = preprocessing::ParseJson(config.json);
    const Settings settings = ReadSettings(JsonNode(json, config.path));
    destinations.push_back({.folder = settings.folder,
                            .endpoint = settings.endpoint,
                            .variant = settings.variant,
                            .rules = settings.rules});
  }
  return destinations;
}

Status CaptureHook::TryOut(const Settings& settings) {
  const auto folder = std::filesystem::path(settings.folder) / settings.endpoint / settings.variant;
  const std::error_code failed = TryFolder(folder);
  if (!failed) return {};
  return Error{ErrorCode::kIo,
               fmt::format("the capture folder {} cannot be written to: {}", folder.string(),
                           failed.message()),
               "hooks"};
}

CaptureHook::CaptureHook(Settings settings, const HookContext& context)
    : settings_(std::move(settings)),
      target_{.folder = settings_.folder,
              .endpoint = settings_.endpoint,
              .variant = settings_.variant,
              .rules = settings_.rules},
      slot_(context.slot),
      sender_(context.capture_socket) {}

void CaptureHook::OnAnswer(const Invocation& invocation) {
  if (!IsSampled(invocation.request.id, settings_.share)) return;
  const bool sent =
      invocation.request.body.size() + invocation.answer.body.size() <= settings_.max_bytes &&
      sender_.Send(target_, invocation);
  slot_.metrics.Count(sent ? MetricId("captured") : MetricId("capture_dropped"));
}

bool IsSampled(std::string_view request_id, double share) noexcept {
  // The hash's upper 53 bits, which a double holds exactly, as a fraction in [0, 1).
  constexpr int kBits = 53;
  const auto fraction =
      static_cast<double>(XXH3_64bits(request_id.data(), request_id.size()) >> (64 - kBits));
  return std::ldexp(fraction, -kBits) < share;
}

}  // namespace forkcast::serving
