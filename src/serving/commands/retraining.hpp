#pragma once

#include "data_preprocessing/base/result.hpp"
#include "serving/config/server_config.hpp"
#include "serving/process/retrain_keeper.hpp"

namespace forkcast::serving {

/// That what (valid) hooks shall train anew can be: models of the registry by an alias, rows to
/// learn from, and the program that trains. kInvalidArgument naming the hook and what is missing.
[[nodiscard]] Status CheckRetraining(const ServerConfig& config);

/// In a child of the master: becomes `forkcast retrain`, which gives way to everybody else. Returns
/// an exit code when it cannot.
[[nodiscard]] int BecomeRetrain(const RetrainWish& wish, const ServerConfig& config);

}  // namespace forkcast::serving
