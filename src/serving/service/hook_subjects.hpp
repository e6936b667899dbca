#pragma once

#include <span>

#include "data_preprocessing/base/result.hpp"
#include "serving/hooks/hook_chain.hpp"
#include "serving/service/catalogue.hpp"

namespace forkcast::serving {

/// FitHooks() with each deployment that is served.
[[nodiscard]] Status FitHooks(std::span<const HookConfig> configs,
                              std::span<const ServedDeployment> deployments,
                              std::span<const HookType> types);

}  // namespace forkcast::serving
