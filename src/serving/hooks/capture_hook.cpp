#include "serving/hooks/capture_hook.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include "serving/capture/capture_folder.hpp"
#include "serving/capture/capture_rules.hpp"
#include "serving/capture/field_redactor.hpp"

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

/// Whether this user can write to the store, or make it. `path`: empty for none.
Status TryStore(const std::filesystem::path& path) {
  if (path.empty()) return {};
  std::error_code failed = TryFolder(path.has_parent_path() ? path.parent_path() : ".");
  std::error_code unknown;
  if (!failed && std::filesystem::is_directory(path, unknown)) {
    failed = std::make_error_code(std::errc::is_a_directory);
  }
  if (!failed && std::filesystem::exists(path, unknown) &&
      ::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK, AT_EACCESS) != 0) {
    failed = {errno, std::generic_category()};
  }
  if (!failed) return {};
  return Error{
      ErrorCode::kIo,
      fmt::format("the capture store {} cannot be written to: {}", path.string(), failed.message()),
      "hooks"};
}

}  // namespace

CaptureHook::Settings CaptureHook::ReadSettings(const JsonNode& node) {
  node.RequireObject({"type", "share", "folder", "endpoint", "variant", "max_bytes",
                      "max_file_bytes", "max_file_seconds", "compress", "keep_files",
                      "keep_seconds", "max_total_bytes", "max_disk_share", "statuses",
                      "drop_fields", "hash_fields", "store"});
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
  if (const auto statuses = node.Find("statuses")) {
    settings.failed_ones_too = statuses->String() == "all";
    if (!settings.failed_ones_too && statuses->String() != "success") {
      statuses->Fail("expected \"success\" or \"all\"");
    }
  }
  settings.with_fields = ReadCaptureRules(node).fields != CaptureFieldRules{};
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
  if (const std::error_code failed = TryFolder(folder)) {
    return Error{ErrorCode::kIo,
                 fmt::format("the capture folder {} cannot be written to: {}", folder.string(),
                             failed.message()),
                 "hooks"};
  }
  if (settings.rules.empty()) return {};
  const auto json = preprocessing::ParseJson(settings.rules);
  const CaptureRules rules = ReadCaptureRules(JsonNode(json));
  if (Status store = TryStore(rules.store); !store) return store;
  const auto redactor = FieldRedactor::Make(rules.fields, ProcessEnvironment);
  return redactor ? Status() : redactor.error();
}

CaptureHook::CaptureHook(Settings settings, const HookContext& context)
    : settings_(std::move(settings)),
      target_{.folder = settings_.folder,
              .endpoint = settings_.endpoint,
              .variant = settings_.variant,
              .rules = settings_.rules,
              .with_fields = settings_.with_fields},
      slot_(context.slot),
      sender_(context.capture_socket) {}

bool CaptureHook::IsWanted(const Invocation& invocation) const noexcept {
  const bool succeeded = invocation.answer.status >= 200 && invocation.answer.status < 300;
  return (succeeded || settings_.failed_ones_too) &&
         IsSampled(invocation.request.id, settings_.share);
}

void CaptureHook::OnAnswer(const Invocation& invocation) {
  if (!IsWanted(invocation)) return;
  const bool sent =
      invocation.request.body.size() + invocation.answer.body.size() <= settings_.max_bytes &&
      sender_.Send(target_, invocation);
  slot_.metrics.Count(sent ? MetricId("captured") : MetricId("capture_dropped"));
}

/// Counts as dropped what it does not bring to its end.
class CaptureHook::Sending final : public HookWork {
 public:
  Sending(CaptureHook& hook, const Invocation& invocation)
      : slot_(hook.slot_), transfer_(hook.sender_, hook.target_, invocation) {}
  Sending(const Sending&) = delete;
  Sending& operator=(const Sending&) = delete;
  ~Sending() override {
    slot_.metrics.Count(progress_ == Progress::kSent ? MetricId("captured")
                                                     : MetricId("capture_dropped"));
  }

  bool Continue() noexcept override {
    progress_ = transfer_.Continue();
    return progress_ == Progress::kMore;
  }

 private:
  using Progress = CaptureSender::Transfer::Progress;

  WorkerSlot& slot_;
  CaptureSender::Transfer transfer_;
  Progress progress_ = Progress::kMore;
};

std::unique_ptr<HookWork> CaptureHook::OnLargeAnswer(const Invocation& invocation) {
  const std::size_t bodies = invocation.request.body.size() + invocation.answer.body.size();
  // Each value has two bytes at least.
  const bool is_large = bodies + 2 * invocation.features.values.size() > kMaxDatagramBytes;
  if (is_large && bodies <= settings_.max_bytes && IsWanted(invocation)) {
    return std::make_unique<Sending>(*this, invocation);
  }
  OnAnswer(invocation);
  return nullptr;
}

}  // namespace forkcast::serving
