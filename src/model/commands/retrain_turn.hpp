#pragma once

#include <filesystem>

#include "data_preprocessing/base/file_lock.hpp"
#include "data_preprocessing/command/command_context.hpp"

namespace forkcast::model {

/// Waits until nobody else trains the model of this folder anew, and says once that it does. What
/// is returned keeps others out; a process that dies keeps nobody out. Throws Failure: kIo,
/// kStopped (StopSignals).
[[nodiscard]] FileLock AwaitTurn(const std::filesystem::path& model_folder,
                                 const preprocessing::CommandContext& context);

}  // namespace forkcast::model
