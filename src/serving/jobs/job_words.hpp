#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "serving/config/server_config.hpp"
#include "serving/jobs/job.hpp"

namespace forkcast::serving {

/// What jobs of the same model have in common: the model's name in the registry, or the
/// deployment's where it is none.
[[nodiscard]] std::string SubjectOf(const Deployment& deployment);

/// The deployment of this name; where none are declared, the model of this name. kNotFound lists
/// those that there are.
[[nodiscard]] Result<Deployment> DeploymentOf(const std::string& name, const ServerConfig& config);

/// That a job could be done by this configuration, as far as that can be told at once. kNotFound
/// and kInvalidArgument name the field.
[[nodiscard]] Status CheckOrder(const JobOrder& order, const ServerConfig& config);

/// The command that does the job, without the program's name: `train --name ... --json`. kNotFound
/// and kInvalidArgument name the field of the order that is wrong. May fetch a version's files.
[[nodiscard]] Result<std::vector<std::string>> WordsOf(const JobOrder& order,
                                                       const ServerConfig& config);

}  // namespace forkcast::serving
