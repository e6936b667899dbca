#pragma once

#include <functional>
#include <span>

#include "data_preprocessing/command/command.hpp"
#include "serving/hooks/hook_chain.hpp"

namespace forkcast::serving {

/// What a program can add to the server: tests add hooks and boots that misbehave.
struct ServeExtensions {
  std::span<const HookType> hook_types = BuiltInHooks();
  std::function<void()> before_load{};  ///< In each worker, before it loads its pipeline.
};

/// `forkcast serve`: reads the settings, binds, and runs the master until it is stopped. Must run
/// in a process without other threads.
[[nodiscard]] preprocessing::Command ServeCommand(const ServeExtensions& extensions);
[[nodiscard]] inline preprocessing::Command ServeCommand() { return ServeCommand({}); }

}  // namespace forkcast::serving
