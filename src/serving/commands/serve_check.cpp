#include "serving/commands/serve_check.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

#include "data_preprocessing/base/descriptor_limit.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "serving/access/token_file.hpp"
#include "serving/access/user_file.hpp"
#include "serving/config/address.hpp"
#include "serving/config/settings.hpp"
#include "serving/http/access_log.hpp"
#include "serving/http/audit_log.hpp"
#include "serving/process/descriptor_limit.hpp"
#include "serving/process/listener.hpp"
#include "serving/process/pid_file.hpp"
#include "serving/service/hook_subjects.hpp"
#include "serving/service/load_deployments.hpp"

namespace forkcast::serving {

namespace {

using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::Require;

void PrintOk(const preprocessing::CommandContext& context, const std::string& what) {
  context.out << "ok: " << what << '\n';
}

void PrintNote(const preprocessing::CommandContext& context, const std::string& what) {
  context.out << "note: " << what << '\n';
}

/// The lines on what is served.
Result<std::string> LoadAndDescribe(const ServerConfig& config,
                                    std::span<const HookType> hook_types) {
  Result<std::vector<ServedDeployment>> served = LoadDeployments(config.deployments, config.models);
  if (!served) return std::move(served).error();
  if (Status fit = FitHooks(config.hooks, *served, hook_types); !fit) return std::move(fit).error();
  std::string lines;
  for (std::size_t i = 0; i < served->size(); ++i) {
    const ServedDeployment& one = (*served)[i];
    const ServedPipeline& pipeline = *one.pipeline;
    const std::string alias =
        one.name == pipeline.spec().name ? "" : fmt::format(" as {}", one.name);
    lines += fmt::format("ok: pipeline {}{} and its snapshots in {}\nok: model {} version {}\n",
                         pipeline.spec().name, alias, SnapshotsOf(config.deployments[i]).string(),
                         pipeline.model_name(), pipeline.model_version());
  }
  return lines;
}

/// Says whose rights were not enough, or would not have been.
std::string AsWhom(const ServerConfig& config, const std::optional<Identity>& identity,
                   const std::string& message) {
  if (!identity) return message;
  return fmt::format("as user {}{}{}: {}", config.user, config.group.empty() ? "" : ", group ",
                     config.group, message);
}

std::string RequireAs(const ServerConfig& config, const std::optional<Identity>& identity,
                      ExitCode code, const std::function<Result<std::string>()>& ask) {
  Result<std::string> answer = AskAs(identity, ask);
  if (!answer) throw Failure(code, AsWhom(config, identity, answer.error().message));
  return *std::move(answer);
}

void CheckHooks(const ServerConfig& config, const std::optional<Identity>& identity,
                std::span<const HookType> types) {
  RequireAs(config, identity, ExitCode::kIo, [&]() -> Result<std::string> {
    Status tried = TryHooks(config.hooks, types);
    return tried ? Result<std::string>(std::string()) : std::move(tried).error();
  });
}

void CheckAddress(const Address& address, int backlog, const SocketFile& file,
                  const preprocessing::CommandContext& context) {
  if (IsListenedAt(address)) {
    return PrintNote(context, "address " + ToString(address) + ": a server is listening there");
  }
  static_cast<void>(Require(Listener::Open(address, backlog, file), ExitCode::kIo));
  PrintOk(context, "address " + ToString(address));
}

void CheckAddresses(const ServerConfig& config, const preprocessing::CommandContext& context) {
  const SocketFile file = Require(SocketFileOf(config), ExitCode::kUsage);
  std::vector<Address> addresses = config.bind;
  if (config.admin) addresses.push_back(*config.admin);
  for (const Address& address : addresses) {
    for (const Address& meant : Require(ResolveAddress(address), ExitCode::kIo)) {
      CheckAddress(meant, config.backlog, file, context);
    }
  }
  if (config.control.empty()) return;
  CheckAddress(UnixAddress{.path = config.control}, config.backlog, {}, context);
}

void CheckDescriptors(const ServerConfig& config, const preprocessing::CommandContext& context) {
  const std::size_t limit = RaiseDescriptorLimit();
  const std::size_t most = ConnectionsWithin(limit);
  if (most == 0) throw Failure(ExitCode::kIo, TooFewDescriptors(limit).message);
  if (config.max_connections <= most) return;
  PrintNote(context, fmt::format("max_connections {}: a worker can have {}, since a process may "
                                 "have {} descriptors (ulimit -Hn)",
                                 config.max_connections, most, limit));
}

void CheckPidFile(const ServerConfig& config, const preprocessing::CommandContext& context) {
  const auto pidfile = PidFile::Open(config.pidfile, PidFileMode(config));
  if (pidfile) {
    PrintOk(context, "pidfile " + config.pidfile.string());
  } else if (pidfile.error().code == ErrorCode::kConflict) {
    PrintNote(context, "pidfile " + pidfile.error().message);
  } else {
    throw Failure(ExitCode::kIo, pidfile.error().message);
  }
}

/// Opens a log as `open` does, and leaves no file behind that was not there.
template <typename Open>
void CheckLog(std::string_view what, const std::filesystem::path& path, Open open,
              const preprocessing::CommandContext& context) {
  std::error_code ignored;
  const bool is_new = path != "-" && !std::filesystem::exists(path, ignored);
  LogLosses ignored_losses;
  static_cast<void>(Require(open(ignored_losses), ExitCode::kIo));
  if (is_new) std::filesystem::remove(path, ignored);
  PrintOk(context, fmt::format("{} {}", what, path.string()));
}

void CheckLogs(const ServerConfig& config, const preprocessing::CommandContext& context) {
  if (config.access_log != AccessLogFormat::kOff) {
    const auto open = [&config](LogLosses& losses) {
      return AccessLog::Open(config.access_log, config.access_log_file, losses);
    };
    CheckLog("access log", config.access_log_file, open, context);
  }
  if (config.audit_log.empty()) return;
  const auto open = [&config](LogLosses& losses) {
    return AuditLog::Open(config.audit_log, losses);
  };
  CheckLog("audit log", config.audit_log, open, context);
}

void CheckCredentials(const ServerConfig& config, const std::optional<Identity>& identity,
                      const preprocessing::CommandContext& context) {
  RequireAs(config, identity, ExitCode::kIo, [&config]() -> Result<std::string> {
    Status tried = TryCredentials(config);
    return tried ? Result<std::string>(std::string()) : std::move(tried).error();
  });
  if (!config.tokens.empty()) PrintOk(context, "tokens " + config.tokens.string());
  if (!config.users.empty()) PrintOk(context, "users " + config.users.string());
}

}  // namespace

Result<SocketFile> SocketFileOf(const ServerConfig& config) {
  auto group = ResolveGroup("socket_group", config.socket_group);
  if (!group) return std::move(group).error();
  return SocketFile{.mode = config.socket_mode.value_or(0666U & ~config.umask.value_or(0)),
                    .group = *group};
}

mode_t PidFileMode(const ServerConfig& config) noexcept {
  return 0644U & ~config.umask.value_or(0);
}

Error TooFewDescriptors(std::size_t limit) {
  return {ErrorCode::kIo,
          fmt::format("a process may have {} descriptors, more than {} are needed: raise the hard "
                      "limit (ulimit -Hn, LimitNOFILE=)",
                      limit, kReservedDescriptors),
          "max_connections"};
}

Status TryCredentials(const ServerConfig& config) {
  if (!config.tokens.empty()) {
    const Result<std::vector<Token>> tokens = ReadTokens(config.tokens);
    if (!tokens) return tokens.error();
  }
  if (config.users.empty()) return {};
  const Result<std::vector<User>> users = ReadUsers(config.users);
  return users ? Status() : users.error();
}

void CheckServer(const ServerConfig& config, const std::optional<Identity>& identity,
                 std::span<const HookType> hook_types,
                 const preprocessing::CommandContext& context) {
  CheckHooks(config, identity, hook_types);
  PrintOk(context, "settings and " + std::to_string(config.hooks.size()) + " hooks");
  CheckDescriptors(config, context);
  context.out << RequireAs(config, identity, ExitCode::kUnfit,
                           [&] { return LoadAndDescribe(config, hook_types); });
  if (!config.store.empty()) {
    static_cast<void>(
        Require(preprocessing::OpenStore(config.store, preprocessing::StoreAccess::kReadOnly),
                ExitCode::kUnfit));
    PrintOk(context, "store " + BlankSecrets(config.store));
  }
  CheckAddresses(config, context);
  if (!config.pidfile.empty()) CheckPidFile(config, context);
  CheckLogs(config, context);
  CheckCredentials(config, identity, context);
}

}  // namespace forkcast::serving
