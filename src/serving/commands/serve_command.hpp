#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/command/command_context.hpp"
#include "serving/hooks/hook_chain.hpp"

namespace forkcast::serving {

/// What a program can add to the server: tests add hooks and boots that misbehave.
struct ServeExtensions {
  std::span<const HookType> hook_types = BuiltInHooks();
  std::function<void()> before_load{};  ///< In each worker, before it loads its pipeline.
};

/// `forkcast serve`: reads the settings, binds, and runs the master until it is stopped. Returns
/// the program's exit code (process_log.hpp). Must be called in a process without other threads.
int RunServeCommand(const std::vector<std::string>& arguments,
                    const preprocessing::CommandContext& context,
                    const ServeExtensions& extensions);
inline int RunServeCommand(const std::vector<std::string>& arguments,
                           const preprocessing::CommandContext& context) {
  return RunServeCommand(arguments, context, {});
}

}  // namespace forkcast::serving
