#include "serving/hooks/hook_chain.hpp"

#include <spdlog/logger.h>

#include <algorithm>
#include <array>
#include <utility>

#include "serving/hooks/capture_hook.hpp"
#include "serving/hooks/slow_request_hook.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::JsonNode;
using preprocessing::SpecError;

// The table's line of a hook H with settings H::Settings, read by H::ReadSettings().
template <typename H>
constexpr HookType TypeOf(std::string_view name, bool needs_recorder) {
  return {
      .name = name,
      .needs_recorder = needs_recorder,
      .validate = [](const JsonNode& settings) { (void)H::ReadSettings(settings); },
      .try_out = [](const JsonNode& settings) -> Status {
        if constexpr (requires { H::TryOut(H::ReadSettings(settings)); }) {
          return H::TryOut(H::ReadSettings(settings));
        } else {
          return {};
        }
      },
      .make = [](const JsonNode& settings, const HookContext& context) -> std::unique_ptr<Hook> {
        return std::make_unique<H>(H::ReadSettings(settings), context);
      }};
}

constexpr std::array kBuiltInHooks{
    TypeOf<CaptureHook>(CaptureHook::kType, true),
    TypeOf<SlowRequestHook>("slow_request", false),
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

}  // namespace

std::span<const HookType> BuiltInHooks() noexcept { return kBuiltInHooks; }

Status ValidateHooks(std::span<const HookConfig> configs, std::span<const HookType> types) {
  for (const HookConfig& config : configs) {
    try {
      const HookType& type = FindType(config, types);
      const auto json = preprocessing::ParseJson(config.json);
      type.validate(JsonNode(json, config.path));
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
    const auto json = preprocessing::ParseJson(config.json);
    if (Status tried = type.try_out(JsonNode(json, config.path)); !tried) return tried;
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
  for (const HookConfig& config : configs) {
    const HookType& type = FindType(config, types);
    const auto json = preprocessing::ParseJson(config.json);
    links_.push_back({config.type, type.make(JsonNode(json, config.path), context), {}});
  }
}

void HookChain::CountFailure(Link& link, std::string_view request_id,
                             std::string_view reason) noexcept {
  context_.slot.metrics.Count("hook_failures");
  if (const auto held_back = link.failures.Pass(context_.clock.Monotonic())) {
    context_.log.warn("hook_failed request_id={:?} hook={} reason={:?} suppressed={}", request_id,
                      link.type, reason, *held_back);
  }
}

}  // namespace forkcast::serving
