#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/environment.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/command/command.hpp"

namespace forkcast::preprocessing {

/// What the names of Forkcast's own variables begin with.
inline constexpr std::string_view kVariablePrefix = "FORKCAST_";

/// The variables that some commands read.
[[nodiscard]] std::vector<std::string> VariablesOf(std::span<const Command> commands);

/// Whether Kubernetes or Docker sets a variable of this name for a service or a linked container
/// that is called as the prefix: FORKCAST_SERVICE_HOST, FORKCAST_PORT_8080_TCP_ADDR. FORKCAST_PORT
/// is one by its value, "tcp://10.0.0.1:8080".
[[nodiscard]] bool IsOfService(std::string_view name, std::string_view value);

/// The first of `variables` that begins with the prefix, has a value, and is not known: an error
/// that says so, with the one that was probably meant. `only_mistyped`: where nothing like it is
/// known, it is no error.
[[nodiscard]] Status CheckVariables(std::span<const std::string> variables,
                                    const Environment& environment,
                                    std::span<const std::string> known, bool only_mistyped);

}  // namespace forkcast::preprocessing
