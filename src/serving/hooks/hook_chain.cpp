#include "serving/hooks/hook_chain.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "serving/hooks/capture_hook.hpp"
#include "serving/hooks/drift_hook.hpp"
#include "serving/hooks/library_hook.hpp"
#include "serving/hooks/slow_request_hook.hpp"
#include "serving/hooks/thresholds_hook.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::JsonNode;
using preprocessing::SpecError;

/// Bit `stage`, unless `method` is what Hook itself does there, which is nothing.
template <typename Method, typename Inherited>
constexpr unsigned BitOf(HookStage stage, Method /*method*/, Inherited /*inherited*/) {
  return std::is_same_v<Method, Inherited> ? 0U : 1U << static_cast<unsigned>(stage);
}

template <typename H>
constexpr std::uint8_t StagesOf() {
  return static_cast<std::uint8_t>(BitOf(HookStage::kRequest, &H::OnRequest, &Hook::OnRequest) |
                                   BitOf(HookStage::kRows, &H::OnRows, &Hook::OnRows) |
                                   BitOf(HookStage::kFeatures, &H::OnFeatures, &Hook::OnFeatures) |
                                   BitOf(HookStage::kOutputs, &H::OnOutputs, &Hook::OnOutputs) |
                                   BitOf(HookStage::kAnswer, &H::OnAnswer, &Hook::OnAnswer) |
                                   BitOf(HookStage::kTick, &H::OnTick, &Hook::OnTick) |
                                   BitOf(HookStage::kDrain, &H::OnDrain, &Hook::OnDrain));
}

// The table's line of a hook H with settings H::Settings, read by H::ReadSettings().
template <typename H>
constexpr HookType TypeOf(std::string_view name) {
  return {
      .name = name,
      .stages = StagesOf<H>(),
      .validate = [](const JsonNode& settings) { (void)H::ReadSettings(settings); },
      .try_out = [](const JsonNode& settings) -> Status {
        if constexpr (requires { H::TryOut(H::ReadSettings(settings)); }) {
          return H::TryOut(H::ReadSettings(settings));
        } else {
          return {};
        }
      },
      .fit = [](const JsonNode& settings, const HookSubject& subject) -> Status {
        if constexpr (requires { H::Fit(H::ReadSettings(settings), subject); }) {
          return H::Fit(H::ReadSettings(settings), subject);
        } else {
          return {};
        }
      },
      .make = [](const JsonNode& settings, const HookContext& context) -> std::unique_ptr<Hook> {
        return std::make_unique<H>(H::ReadSettings(settings), context);
      }};
}

constexpr HookType Recorded(HookType type) {
  type.needs_recorder = true;
  return type;
}

constexpr HookType WithShare(HookType type) {
  type.has_share = true;
  return type;
}

constexpr HookType OfChallengers(HookType type) {
  type.records_challengers = true;
  return type;
}

constexpr std::array kBuiltInHooks{
    OfChallengers(WithShare(Recorded(TypeOf<CaptureHook>(CaptureHook::kType)))),
    Recorded(TypeOf<DriftHook>("drift")),
    TypeOf<LibraryHook>("library"),
    TypeOf<SlowRequestHook>("slow_request"),
    TypeOf<ThresholdsHook>("thresholds"),
};

const HookType& FindType(const HookConfig& config, std::span<const HookType> types) {
  const auto found = std::ranges::find(types, config.type, &HookType::name);
  if (found != types.end()) return *found;
  std::string names;
  for (const HookType& type : types) {
    names += names.empty() ? "" : ", ";
    names += type.name;
  }
  throw SpecError(config.path + ".type: unknown hook \"" + config.type + "\"; known: " + names);
}

/// An entry of the configuration, cut into what every hook has and what its type has.
class HookEntry {
 public:
  HookEntry(const HookConfig& config, const HookType& type)
      : path_(config.path), own_(preprocessing::ParseJson(config.json)) {
    const auto whole = own_;
    const JsonNode node(whole, path_);
    const auto take = [&](const char* name) -> std::optional<JsonNode> {
      own_.erase(name);
      return node.Find(name);
    };
    if (!type.has_share) {
      if (const auto share = take("share")) common_.share = share->Number(0, 1);
    }
    if (const auto names = take("deployments")) common_.deployments = names->Strings();
    if (const auto paths = take("routes")) common_.routes = paths->Strings();
    if (const auto most = take("max_failures")) {
      common_.max_failures = static_cast<std::uint64_t>(most->Integer(0, 1'000'000));
    }
  }

  [[nodiscard]] const CommonHookSettings& common() const noexcept { return common_; }
  [[nodiscard]] JsonNode own() const { return JsonNode(own_, path_); }

 private:
  std::string path_;
  nlohmann::ordered_json own_;
  CommonHookSettings common_;
};

constexpr std::string_view kWorkersDied = "workers died in it";

/// An empty list includes all.
bool Includes(std::span<const std::string> names, std::string_view name) noexcept {
  return names.empty() || std::ranges::find(names, name) != names.end();
}

/// Says in the slot that a hook is at work (invariant 7 of WorkerSlot).
class AtWork {
 public:
  AtWork(WorkerSlot& slot, std::size_t place) noexcept : slot_(slot) {
    slot_.hook_at_work.store(static_cast<std::uint32_t>(place + 1), std::memory_order_relaxed);
  }
  AtWork(const AtWork&) = delete;
  AtWork& operator=(const AtWork&) = delete;
  ~AtWork() { slot_.hook_at_work.store(0, std::memory_order_relaxed); }

 private:
  WorkerSlot& slot_;
};

}  // namespace

std::span<const HookType> BuiltInHooks() noexcept { return kBuiltInHooks; }

Status ValidateHooks(std::span<const HookConfig> configs, std::span<const HookType> types) {
  if (configs.size() > kMaxHooks) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("$.hooks: expected at most {} hooks, got {}", kMaxHooks, configs.size()),
        "hooks"};
  }
  for (const HookConfig& config : configs) {
    try {
      const HookType& type = FindType(config, types);
      type.validate(HookEntry(config, type).own());
    } catch (const SpecError& error) {
      return Error{ErrorCode::kInvalidArgument, error.what(), config.path};
    }
  }
  return {};
}

Status TryHooks(std::span<const HookConfig> configs, std::span<const HookType> types) {
  for (const HookConfig& config : configs) {
    const HookType& type = FindType(config, types);
    if (type.try_out == nullptr) continue;
    if (Status tried = type.try_out(HookEntry(config, type).own()); !tried) return tried;
  }
  return {};
}

Status FitHooks(std::span<const HookConfig> configs, const HookSubject& subject,
                std::span<const HookType> types) {
  for (const HookConfig& config : configs) {
    const HookType& type = FindType(config, types);
    if (type.fit == nullptr) continue;
    const HookEntry entry(config, type);
    if (!Includes(entry.common().deployments, subject.deployment)) continue;
    if (Status fits = type.fit(entry.own(), subject); !fits) return fits;
  }
  return {};
}

bool NeedsRecorder(std::span<const HookConfig> configs, std::span<const HookType> types) {
  return std::ranges::any_of(configs, [types](const HookConfig& config) {
    return FindType(config, types).needs_recorder;
  });
}

HookChain::HookChain(std::span<const HookConfig> configs, const HookContext& context,
                     std::span<const HookType> types)
    : context_(context) {
  for (std::size_t place = 0; place < configs.size(); ++place) Add(configs[place], place, types);
}

void HookChain::Add(const HookConfig& config, std::size_t place, std::span<const HookType> types) {
  const HookType& type = FindType(config, types);
  const HookEntry entry(config, type);
  HookCounters& counters = context_.slot.hooks[place];
  counters.type.Set(config.type);
  counters.is_off.store(false, std::memory_order_relaxed);
  if (HaveWorkersDiedIn(place)) {
    Link unmade{.type = config.type, .place = place, .counters = &counters};
    return TurnOff(unmade, kWorkersDied);
  }
  const AtWork at_work(context_.slot, place);
  for (std::size_t stage = 0; stage < kHookStages; ++stage) {
    if ((type.stages >> stage & 1U) != 0) by_stage_[stage].push_back(links_.size());
  }
  links_.push_back({.type = config.type,
                    .place = place,
                    .settings = entry.common(),
                    .hook = type.make(entry.own(), context_),
                    .counters = &counters,
                    .records_challengers = type.records_challengers});
  records_challengers_ |= type.records_challengers;
}

bool HookChain::Link::Watches(const Invocation& invocation) const noexcept {
  return !is_off && Includes(settings.deployments, invocation.deployment) &&
         Includes(settings.routes, invocation.route) &&
         (settings.share >= 1 || IsSampled(invocation.request.id, settings.share));
}

Verdict HookChain::AskAll(HookStage stage, Judging method, const Invocation& invocation,
                          Remarks& remarks) noexcept {
  Verdict gravest = Verdict::kGoOn;
  for (const std::size_t at : At(stage)) {
    Link& link = links_[at];
    if (!link.Watches(invocation)) continue;
    const Remarks::Mark before = remarks.mark();
    Verdict verdict = Verdict::kGoOn;
    const bool answered = Guard(link, stage, invocation.request.id,
                                [&] { verdict = (link.hook.get()->*method)(invocation, remarks); });
    if (!answered) {
      remarks.ReturnTo(before);
      continue;
    }
    if (verdict == Verdict::kFlag) {
      HookCounters::Add(link.counters->flagged);
      CountSeries("hook_verdicts", link, "flag");
    } else if (verdict == Verdict::kReject) {
      HookCounters::Add(link.counters->rejected);
      CountSeries("hook_verdicts", link, "reject");
    }
    gravest = std::max(gravest, verdict);
  }
  return gravest;
}

void HookChain::OnAnswer(const Invocation& invocation) noexcept {
  for (const std::size_t at : At(HookStage::kAnswer)) {
    Link& link = links_[at];
    if (!link.Watches(invocation)) continue;
    Guard(link, HookStage::kAnswer, invocation.request.id,
          [&] { link.hook->OnAnswer(invocation); });
  }
}

void HookChain::OnLargeAnswer(const Invocation& invocation,
                              std::vector<std::unique_ptr<HookWork>>& left) noexcept {
  for (const std::size_t at : At(HookStage::kAnswer)) {
    Link& link = links_[at];
    if (!link.Watches(invocation)) continue;
    Guard(link, HookStage::kAnswer, invocation.request.id, [&] {
      if (auto work = link.hook->OnLargeAnswer(invocation)) left.push_back(std::move(work));
    });
  }
}

void HookChain::OnChallenger(const Invocation& invocation, std::string_view recorded_as) noexcept {
  Invocation recorded = invocation;
  recorded.deployment = recorded_as;
  for (const std::size_t at : At(HookStage::kAnswer)) {
    Link& link = links_[at];
    if (!link.records_challengers || !link.Watches(invocation)) continue;
    Guard(link, HookStage::kAnswer, invocation.request.id, [&] { link.hook->OnAnswer(recorded); });
  }
}

void HookChain::OnTick(MonotonicTime now) noexcept {
  for (Link& link : links_) {
    if (!link.is_off && HaveWorkersDiedIn(link.place)) TurnOff(link, kWorkersDied);
  }
  for (const std::size_t at : At(HookStage::kTick)) {
    Link& link = links_[at];
    if (!link.is_off) Guard(link, HookStage::kTick, {}, [&] { link.hook->OnTick(now); });
  }
}

bool HookChain::HaveWorkersDiedIn(std::size_t place) const noexcept {
  return context_.server != nullptr &&
         context_.server->hook_deaths[place].load(std::memory_order_relaxed) >= kDeathsUntilOff;
}

void HookChain::TurnOff(Link& link, std::string_view why) noexcept {
  link.is_off = true;
  link.counters->is_off.store(true, std::memory_order_relaxed);
  CountSeries("hooks_switched_off", link);
  context_.log.error("hook_off hook={} place={} reason={:?}", link.type, link.place, why);
}

void HookChain::CountSeries(SeriesFamilyId family, const Link& link,
                            std::string_view verdict) noexcept {
  if (context_.series == nullptr) return;
  const fmt::format_int place(link.place);
  const std::array<std::string_view, 3> labels{link.type, {place.data(), place.size()}, verdict};
  context_.series->CounterOf(family, std::span(labels).first(verdict.empty() ? 2 : 3)).Add(1);
}

void HookChain::OnDrain() noexcept {
  for (const std::size_t at : At(HookStage::kDrain)) {
    Link& link = links_[at];
    if (!link.is_off) Guard(link, HookStage::kDrain, {}, [&] { link.hook->OnDrain(); });
  }
}

template <typename Call>
bool HookChain::Guard(Link& link, HookStage stage, std::string_view request_id,
                      const Call& call) noexcept {
  HookCounters& counters = *link.counters;
  const AtWork at_work(context_.slot, link.place);
  const bool is_timed =
      counters.calls.load(std::memory_order_relaxed) % HookCounters::kCallsPerTiming == 0;
  HookCounters::Add(counters.calls);
  const MonotonicTime begun = is_timed ? context_.clock.Monotonic() : MonotonicTime();
  bool answered = false;
  try {
    call();
    answered = true;
    link.failures_in_a_row[static_cast<std::size_t>(stage)] = 0;
  } catch (const std::exception& error) {
    CountFailure(link, stage, request_id, error.what());
  } catch (...) {
    CountFailure(link, stage, request_id, "something that is no std::exception");
  }
  if (is_timed) {
    const std::chrono::nanoseconds took = context_.clock.Monotonic() - begun;
    HookCounters::Add(counters.timed_calls);
    HookCounters::Add(counters.timed_ns, static_cast<std::uint64_t>(took.count()));
  }
  return answered;
}

void HookChain::CountFailure(Link& link, HookStage stage, std::string_view request_id,
                             std::string_view reason) noexcept {
  context_.slot.metrics.Count("hook_failures");
  HookCounters::Add(link.counters->failures);
  CountSeries("failed_hook_calls", link);
  const std::uint64_t in_a_row = ++link.failures_in_a_row[static_cast<std::size_t>(stage)];
  if (const auto held_back = link.failures.Pass(context_.clock.Monotonic())) {
    context_.log.warn("hook_failed request_id={:?} hook={} reason={:?} suppressed={}", request_id,
                      link.type, reason, *held_back);
  }
  if (link.settings.max_failures == 0 || in_a_row < link.settings.max_failures) return;
  TurnOff(link, "it failed again and again");
}

bool IsSampled(std::string_view request_id, double share) noexcept {
  // The hash's upper 53 bits, which a double holds exactly, as a fraction in [0, 1).
  constexpr int kBits = 53;
  const auto fraction =
      static_cast<double>(XXH3_64bits(request_id.data(), request_id.size()) >> (64 - kBits));
  return std::ldexp(fraction, -kBits) < share;
}

}  // namespace forkcast::serving
