#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
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
#include "serving/metrics/series.hpp"
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
  const ServerState* server = nullptr;  ///< Says which hooks workers died in; null: none.
  SeriesWriter* series = nullptr;       ///< Counts what has labels; null: it is not counted.
};

/// When a hook is called. The names are the methods'.
enum class HookStage : std::uint8_t {
  kRequest,
  kRows,
  kFeatures,
  kOutputs,
  kAnswer,
  kTick,
  kDrain
};
inline constexpr std::size_t kHookStages = 7;

/// One kind of hook that can be configured. The functions throw preprocessing::SpecError naming
/// the JSON path of a setting that is not as it should be.
struct HookType {
  std::string_view name;  ///< The `type` of a configuration entry.
  bool needs_recorder = false;
  /// Whether `share` is a setting of its own, else the chain keeps to it.
  bool has_share = false;
  /// Whether it also sees what challengers made of requests behind their answers (OnAnswer()
  /// alone).
  bool records_challengers = false;
  /// Which of its methods do something: bit HookStage.
  std::uint8_t stages = (1U << kHookStages) - 1;
  void (*validate)(const preprocessing::JsonNode& settings) = nullptr;
  /// Whether it can do what its settings say, here and as this user; null: always.
  Status (*try_out)(const preprocessing::JsonNode& settings) = nullptr;
  /// Whether it fits a deployment that it is to watch: kInvalidArgument naming the setting that
  /// does not; null: it fits all.
  Status (*fit)(const preprocessing::JsonNode& settings, const HookSubject& subject) = nullptr;
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

/// Whether the (valid) hooks fit a deployment, those that watch it. As HookType::fit.
Status FitHooks(std::span<const HookConfig> configs, const HookSubject& subject,
                std::span<const HookType> types = BuiltInHooks());

/// Whether a recorder process must run for these (valid) hooks.
[[nodiscard]] bool NeedsRecorder(std::span<const HookConfig> configs,
                                 std::span<const HookType> types = BuiltInHooks());

/// Settings that every hook has, beside those of its type.
struct CommonHookSettings {
  double share = 1;                      ///< Of the requests, by IsSampled().
  std::vector<std::string> deployments;  ///< By name; empty: all.
  std::vector<std::string> routes;       ///< By path, as it is declared; empty: all.
  std::uint64_t max_failures = 3;        ///< In a row, after which it is off; 0: never.
};

/// The hooks of one worker, called in the order of the configuration, each for the share of the
/// requests, deployments and routes that it is configured for. What a hook throws is counted in the
/// slot and logged (per hook at most a line in 10 s), and what it had remarked is taken back; the
/// other hooks and the answer do not notice. One that fails `max_failures` times in a row at one
/// stage is off until another process has the slot; one in which kDeathsUntilOff workers died is
/// not made any more. A stage that no hook watches costs one comparison. Not thread-safe.
class HookChain {
 public:
  /// Throws preprocessing::SpecError as ValidateHooks() would fail.
  HookChain(std::span<const HookConfig> configs, const HookContext& context,
            std::span<const HookType> types = BuiltInHooks());

  /// Every hook sees the invocation, whatever others made of it. Returns the gravest verdict.
  Verdict OnRequest(const Invocation& invocation, Remarks& remarks) noexcept {
    return Judge(HookStage::kRequest, &Hook::OnRequest, invocation, remarks);
  }
  Verdict OnRows(const Invocation& invocation, Remarks& remarks) noexcept {
    return Judge(HookStage::kRows, &Hook::OnRows, invocation, remarks);
  }
  Verdict OnFeatures(const Invocation& invocation, Remarks& remarks) noexcept {
    return Judge(HookStage::kFeatures, &Hook::OnFeatures, invocation, remarks);
  }
  Verdict OnOutputs(const Invocation& invocation, Remarks& remarks) noexcept {
    return Judge(HookStage::kOutputs, &Hook::OnOutputs, invocation, remarks);
  }
  void OnAnswer(const Invocation& invocation) noexcept;
  /// OnAnswer() of a large invocation: adds to `left` what hooks have still to do.
  void OnLargeAnswer(const Invocation& invocation,
                     std::vector<std::unique_ptr<HookWork>>& left) noexcept;
  /// OnAnswer() of what a challenger made of a request behind its answer, for the hooks that record
  /// challengers, if they watch the deployment; they see it as `recorded_as`.
  void OnChallenger(const Invocation& invocation, std::string_view recorded_as) noexcept;
  [[nodiscard]] bool records_challengers() const noexcept { return records_challengers_; }
  void OnTick(MonotonicTime now) noexcept;
  void OnDrain() noexcept;

  [[nodiscard]] bool empty() const noexcept { return links_.empty(); }

 private:
  struct Link {
    std::string type;
    std::size_t place = 0;  // in the configuration
    CommonHookSettings settings{};
    std::unique_ptr<Hook> hook{};
    HookCounters* counters = nullptr;
    bool records_challengers = false;
    std::array<std::uint64_t, kHookStages> failures_in_a_row{};  // by stage: others may go well
    bool is_off = false;
    LogLimiter failures{};

    [[nodiscard]] bool Watches(const Invocation& invocation) const noexcept;
  };
  using Judging = Verdict (Hook::*)(const Invocation&, Remarks&);

  [[nodiscard]] const std::vector<std::size_t>& At(HookStage stage) const noexcept {
    return by_stage_[static_cast<std::size_t>(stage)];
  }
  Verdict Judge(HookStage stage, Judging method, const Invocation& invocation,
                Remarks& remarks) noexcept {
    if (At(stage).empty()) return Verdict::kGoOn;
    return AskAll(stage, method, invocation, remarks);
  }
  Verdict AskAll(HookStage stage, Judging method, const Invocation& invocation,
                 Remarks& remarks) noexcept;
  void Add(const HookConfig& config, std::size_t place, std::span<const HookType> types);
  [[nodiscard]] bool HaveWorkersDiedIn(std::size_t place) const noexcept;
  void TurnOff(Link& link, std::string_view why) noexcept;
  /// Counts among the metrics; `verdict` for families that have it.
  void CountSeries(SeriesFamilyId family, const Link& link, std::string_view verdict = {}) noexcept;
  /// Calls it, and counts. False: it threw.
  template <typename Call>
  bool Guard(Link& link, HookStage stage, std::string_view request_id, const Call& call) noexcept;
  /// `request_id`: empty where it was no request's.
  void CountFailure(Link& link, HookStage stage, std::string_view request_id,
                    std::string_view reason) noexcept;

  HookContext context_;
  std::vector<Link> links_;
  std::array<std::vector<std::size_t>, kHookStages> by_stage_;  // places among links_
  bool records_challengers_ = false;                            // some hook does
};

/// Whether the request of this id is among the share. The number of ids taken is binomial. What a
/// smaller share takes, a greater one takes too.
[[nodiscard]] bool IsSampled(std::string_view request_id, double share) noexcept;

}  // namespace forkcast::serving
