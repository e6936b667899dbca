#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "serving/capture/capture_channel.hpp"
#include "serving/capture/recorder.hpp"
#include "serving/config/server_config.hpp"
#include "serving/hooks/hook.hpp"
#include "serving/hooks/hook_chain.hpp"

namespace forkcast::serving {

/// `"type": "capture"`: hands a share of the invocations to the recorder, which
/// keeps them in capture files (capture/FORMAT.md). The share is chosen by a hash of the request
/// id: a retry is sampled as the first try was, on every worker and in every generation; what a
/// smaller share takes, a greater one takes too. Never waits: what the recorder cannot take is
/// counted as dropped.
class CaptureHook final : public Hook {
 public:
  static constexpr std::string_view kType = "capture";

  struct Settings {
    double share = 0;  ///< 0 (nothing) to 1 (everything).
    std::string folder;
    std::string endpoint;  ///< IsCaptureName(), as is:
    std::string variant = "AllTraffic";
    std::string rules{};           ///< CaptureRulesText().
    bool with_fields = false;      ///< The rules are about fields.
    bool failed_ones_too = false;  ///< Or answers of status 2xx alone.
    /// Of the bodies of request and answer together; more is dropped and counted.
    std::size_t max_bytes = kMaxCaptureBytes;

    friend bool operator==(const Settings&, const Settings&) = default;
  };
  /// Throws preprocessing::SpecError naming the JSON path.
  [[nodiscard]] static Settings ReadSettings(const preprocessing::JsonNode& node);
  /// Whether this user may write there, and read the key of hashes. kIo or kInvalidArgument naming
  /// what not.
  [[nodiscard]] static Status TryOut(const Settings& settings);

  /// Where the capture hooks among these (valid) ones have things kept.
  [[nodiscard]] static std::vector<CaptureDestination> Destinations(
      std::span<const HookConfig> configs);

  CaptureHook(Settings settings, const HookContext& context);
  CaptureHook(const CaptureHook&) = delete;
  CaptureHook& operator=(const CaptureHook&) = delete;
  void OnAnswer(const Invocation& invocation) override;
  std::unique_ptr<HookWork> OnLargeAnswer(const Invocation& invocation) override;

 private:
  class Sending;

  [[nodiscard]] bool IsWanted(const Invocation& invocation) const noexcept;

  Settings settings_;
  CaptureTarget target_;  // views of settings_
  WorkerSlot& slot_;
  CaptureSender sender_;
};

}  // namespace forkcast::serving
