#pragma once

#include <algorithm>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/log_limiter.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "serving/config/server_config.hpp"
#include "serving/hooks/hook.hpp"
#include "serving/process/worker_slot.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

/// What a worker hands its hooks. Everything outlives the chain.
struct HookContext {
  spdlog::logger& log;
  WorkerSlot& slot;
  const Clock& clock;
  int capture_socket = -1;  ///< The workers' end of MakeCaptureSockets(), when NeedsRecorder().
};

/// One kind of hook that can be configured. The functions throw preprocessing::SpecError naming
/// the JSON path of a setting that is not as it should be.
struct HookType {
  std::string_view name;  ///< The `type` of a configuration entry.
  bool needs_recorder = false;
  void (*validate)(const preprocessing::JsonNode& settings) = nullptr;
  /// Whether it can do what its settings say, here and as this user; null: always.
  Status (*try_out)(const preprocessing::JsonNode& settings) = nullptr;
  std::unique_ptr<Hook> (*make)(const preprocessing::JsonNode& settings,
                                const HookContext& context) = nullptr;
};

/// Every hook there is. A new one is a line in this table (README.md).
[[nodiscard]] std::span<const HookType> BuiltInHooks() noexcept;

/// Checks types and settings without making a hook; for use before any fork. kInvalidArgument whose
/// message begins with the JSON path and whose field is the entry's.
Status ValidateHooks(std::span<const HookConfig> configs,
                     std::span<const HookType> types = BuiltInHooks());

/// Whether the (valid) hooks can do, here and as this user, what their settings say: kIo says what
/// not. Makes nothing.
Status TryHooks(std::span<const HookConfig> configs,
                std::span<const HookType> types = BuiltInHooks());

/// Whether a recorder process must run for these (valid) hooks.
[[nodiscard]] bool NeedsRecorder(std::span<const HookConfig> configs,
                                 std::span<const HookType> types = BuiltInHooks());

/// The hooks of one worker, called in the order of the configuration. What a hook throws is counted
/// in the slot and logged (per hook at most a line in 10 s); the other hooks and the answer do not
/// notice. An empty chain costs one comparison. Not thread-safe.
class HookChain {
 public:
  /// Throws preprocessing::SpecError as ValidateHooks() would fail.
  HookChain(std::span<const HookConfig> configs, const HookContext& context,
            std::span<const HookType> types = BuiltInHooks());

  /// Every hook sees the invocation, whatever others made of it. Returns the gravest verdict.
  Verdict OnRequest(const Invocation& invocation, Remarks& remarks) noexcept {
    return Judge(&Hook::OnRequest, invocation, remarks);
  }
  Verdict OnRows(const Invocation& invocation, Remarks& remarks) noexcept {
    return Judge(&Hook::OnRows, invocation, remarks);
  }
  Verdict OnFeatures(const Invocation& invocation, Remarks& remarks) noexcept {
    return Judge(&Hook::OnFeatures, invocation, remarks);
  }
  Verdict OnOutputs(const Invocation& invocation, Remarks& remarks) noexcept {
    return Judge(&Hook::OnOutputs, invocation, remarks);
  }
  void OnAnswer(const Invocation& invocation) noexcept {
    for (Link& link : links_) {
      Guard(link, invocation.request.id, [&] { link.hook->OnAnswer(invocation); });
    }
  }
  /// OnAnswer() of a large invocation: adds to `left` what hooks have still to do.
  void OnLargeAnswer(const Invocation& invocation,
                     std::vector<std::unique_ptr<HookWork>>& left) noexcept {
    for (Link& link : links_) {
      Guard(link, invocation.request.id, [&] {
        if (auto work = link.hook->OnLargeAnswer(invocation)) left.push_back(std::move(work));
      });
    }
  }
  void OnTick(MonotonicTime now) noexcept {
    for (Link& link : links_) Guard(link, {}, [&] { link.hook->OnTick(now); });
  }
  void OnDrain() noexcept {
    for (Link& link : links_) Guard(link, {}, [&] { link.hook->OnDrain(); });
  }

  [[nodiscard]] bool empty() const noexcept { return links_.empty(); }

 private:
  struct Link {
    std::string type;
    std::unique_ptr<Hook> hook;
    LogLimiter failures;
  };

  using Judging = Verdict (Hook::*)(const Invocation&, Remarks&);

  Verdict Judge(Judging method, const Invocation& invocation, Remarks& remarks) noexcept {
    Verdict gravest = Verdict::kGoOn;
    for (Link& link : links_) {
      Guard(link, invocation.request.id,
            [&] { gravest = std::max(gravest, (link.hook.get()->*method)(invocation, remarks)); });
    }
    return gravest;
  }
  /// Calls it; what it throws is counted.
  template <typename Call>
  void Guard(Link& link, std::string_view request_id, Call call) noexcept {
    try {
      call();
    } catch (const std::exception& error) {
      CountFailure(link, request_id, error.what());
    } catch (...) {
      CountFailure(link, request_id, "something that is no std::exception");
    }
  }
  /// `request_id`: empty where it was no request's.
  void CountFailure(Link& link, std::string_view request_id, std::string_view reason) noexcept;

  HookContext context_;
  std::vector<Link> links_;
};

}  // namespace forkcast::serving
