#pragma once

#include "data_preprocessing/command/command_context.hpp"
#include "serving/config/server_config.hpp"

namespace forkcast::serving {

/// `forkcast serve --check`: loads what workers load, opens the store where one is named, and
/// tries the addresses, one line each; stops at the first that fails. An address at which a server
/// is listening is no failure: it may be the one whose next configuration this is. Leaves nothing
/// behind but what a start would have replaced as well. Throws Failure with the exit code that a
/// start would end with (ExitCode::kUnfit, kIo). Precondition: settings, hooks and accounts have
/// been looked at.
void CheckServer(const ServerConfig& config, const preprocessing::CommandContext& context);

}  // namespace forkcast::serving
