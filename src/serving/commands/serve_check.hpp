#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <span>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/command/command_context.hpp"
#include "serving/config/server_config.hpp"
#include "serving/hooks/hook_chain.hpp"
#include "serving/process/listener.hpp"
#include "serving/process/privileges.hpp"

namespace forkcast::serving {

/// `forkcast serve --check`: loads what workers load, opens the store where one is named, and
/// tries the addresses, one line each; stops at the first that fails. An address at which a server
/// is listening is no failure: it may be the one whose next configuration this is. Leaves nothing
/// behind but what a start would have replaced as well. Throws Failure with the exit code that a
/// start would end with (ExitCode::kUnfit, kIo). Precondition: settings, hooks and accounts have
/// been looked at. What workers and recorder do is tried as `identity`, whom they will run as.
void CheckServer(const ServerConfig& config, const std::optional<Identity>& identity,
                 std::span<const HookType> hook_types,
                 const preprocessing::CommandContext& context);

/// How Unix sockets are made, and the pidfile's permissions. kInvalidArgument: no such group.
Result<SocketFile> SocketFileOf(const ServerConfig& config);
mode_t PidFileMode(const ServerConfig& config) noexcept;

/// That tokens and users can be read, where there are to be some.
Status TryCredentials(const ServerConfig& config);

/// That not even one connection would have a descriptor.
Error TooFewDescriptors(std::size_t limit);

}  // namespace forkcast::serving
