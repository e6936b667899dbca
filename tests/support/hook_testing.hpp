#pragma once

#include <gmock/gmock.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "serving/capture/capture_message.hpp"
#include "serving/hooks/hook.hpp"
#include "serving/hooks/hook_chain.hpp"
#include "serving/process/worker_slot.hpp"

namespace forkcast::serving {

/// 2024-01-31T23:59:59.250Z
inline constexpr Instant kLastSecondOfJanuary = FromMicros(1'706'745'599'250'000);

class ManualClock final : public Clock {
 public:
  [[nodiscard]] Instant Now() const noexcept override { return kLastSecondOfJanuary; }
  [[nodiscard]] MonotonicTime Monotonic() const noexcept override {
    return MonotonicTime(std::chrono::seconds(seconds_.load()));
  }
  void Advance(std::chrono::seconds time) noexcept { seconds_ += time.count(); }

 private:
  std::atomic<std::int64_t> seconds_{1'000};
};

/// A logger whose lines a test reads back.
class LogLines {
 public:
  LogLines()
      : log_("test",
             std::make_shared<spdlog::sinks::ostream_sink_mt>(text_, /*force_flush=*/true)) {
    log_.set_pattern("%l %v");
  }
  [[nodiscard]] spdlog::logger& log() noexcept { return log_; }
  [[nodiscard]] std::vector<std::string> lines() const {
    std::istringstream text(text_.str());
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }

 private:
  std::ostringstream text_;
  spdlog::logger log_;
};

/// One answered order with two features in one row; tests change what they are about.
struct SampleInvocation {
  std::vector<std::string> names{"inventory", "payment"};
  std::vector<preprocessing::Value> values{std::int64_t{7}, std::string_view("OK")};
  std::vector<std::size_t> rows{0};
  Invocation invocation{
      .pipeline = "order_triage",
      .model_version = "v1",
      .request = {.id = "request-1",
                  .inference_id = {},
                  .custom_attributes = {},
                  .traceparent = {},
                  .content_type = "application/json",
                  .body = R"({"order_id":"00123"})",
                  .received = kLastSecondOfJanuary},
      .features = {},
      .answer = {.status = 200,
                 .content_type = "application/json",
                 .body = R"({"order_id":"00123","recommendation":"Deliver"})",
                 .latency = std::chrono::nanoseconds(1'234'567)},
  };

  /// With views of what this object holds now.
  [[nodiscard]] const Invocation& view() {
    invocation.features = {.names = names, .values = values, .row_numbers = rows};
    return invocation;
  }
};

inline constexpr CaptureTarget kTarget{
    .folder = "capture", .endpoint = "orders", .variant = "AllTraffic"};

inline std::vector<std::byte> Encoded(const CaptureTarget& target, const Invocation& invocation) {
  std::vector<std::byte> bytes(CaptureSize(target, invocation));
  EncodeCapture(target, invocation, bytes);
  return bytes;
}

/// The server's `hooks` array as entries at $.hooks[0], $.hooks[1], ...
inline std::vector<HookConfig> Configs(std::string_view hooks) {
  std::vector<HookConfig> configs;
  for (const auto& entry : preprocessing::ParseJson(hooks)) {
    configs.push_back({.type = entry.at("type").get<std::string>(),
                       .path = "$.hooks[" + std::to_string(configs.size()) + "]",
                       .json = entry.dump()});
  }
  return configs;
}

}  // namespace forkcast::serving
