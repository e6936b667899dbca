#pragma once

#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "serving/config/server_config.hpp"
#include "serving/process/retrain_keeper.hpp"

namespace forkcast::serving {

/// That jobs can be done, and that what (valid) hooks shall train anew can be: models of the
/// registry by an alias, rows to learn from, and the program that trains. kInvalidArgument naming
/// the hook and what is missing.
[[nodiscard]] Status CheckRetraining(const ServerConfig& config);

/// Why a deployment's model cannot be trained anew, as the end of a sentence about it; empty: it
/// can.
[[nodiscard]] std::string WhyNotRetrained(const Deployment& deployment);

/// The flags by which `forkcast retrain` is told of a deployment: name and alias of its model, the
/// folder of models, store and snapshots, each with its value; of what the config does not say,
/// none. Precondition: WhyNotRetrained() is empty.
[[nodiscard]] std::vector<std::string> RetrainWords(const Deployment& deployment,
                                                    const ServerConfig& config);

/// In a child of the master: becomes `forkcast retrain`, which gives way to everybody else. Returns
/// an exit code when it cannot.
[[nodiscard]] int BecomeRetrain(const RetrainWish& wish, const ServerConfig& config);

}  // namespace forkcast::serving
