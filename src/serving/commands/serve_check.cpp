#include "serving/commands/serve_check.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "serving/config/address.hpp"
#include "serving/config/settings.hpp"
#include "serving/http/access_log.hpp"
#include "serving/process/listener.hpp"
#include "serving/process/pid_file.hpp"
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

void CheckDeployments(const ServerConfig& config, const preprocessing::CommandContext& context) {
  const std::vector<ServedDeployment> served =
      Require(LoadDeployments(config.deployments, config.models), ExitCode::kUnfit);
  for (std::size_t i = 0; i < served.size(); ++i) {
    const ServedPipeline& pipeline = *served[i].pipeline;
    const std::string alias =
        served[i].name == pipeline.spec().name ? "" : fmt::format(" as {}", served[i].name);
    PrintOk(context, fmt::format("pipeline {}{} and its snapshots in {}", pipeline.spec().name,
                                 alias, SnapshotsOf(config.deployments[i]).string()));
    PrintOk(context,
            fmt::format("model {} version {}", pipeline.model_name(), pipeline.model_version()));
  }
}

void CheckAddresses(const ServerConfig& config, const preprocessing::CommandContext& context) {
  std::vector<Address> addresses = config.bind;
  if (!config.control.empty()) addresses.emplace_back(UnixAddress{.path = config.control});
  for (const Address& address : addresses) {
    if (IsListenedAt(address)) {
      PrintNote(context, "address " + ToString(address) + ": a server is listening there");
      continue;
    }
    static_cast<void>(Require(Listener::Open(address, config.backlog), ExitCode::kIo));
    PrintOk(context, "address " + ToString(address));
  }
}

void CheckPidFile(const ServerConfig& config, const preprocessing::CommandContext& context) {
  const auto pidfile = PidFile::Open(config.pidfile);
  if (pidfile) {
    PrintOk(context, "pidfile " + config.pidfile.string());
  } else if (pidfile.error().code == ErrorCode::kConflict) {
    PrintNote(context, "pidfile " + pidfile.error().message);
  } else {
    throw Failure(ExitCode::kIo, pidfile.error().message);
  }
}

void CheckAccessLog(const ServerConfig& config, const preprocessing::CommandContext& context) {
  std::error_code ignored;
  const bool is_new =
      config.access_log_file != "-" && !std::filesystem::exists(config.access_log_file, ignored);
  static_cast<void>(
      Require(AccessLog::Open(config.access_log, config.access_log_file), ExitCode::kIo));
  if (is_new) std::filesystem::remove(config.access_log_file, ignored);
  PrintOk(context, "access log " + config.access_log_file.string());
}

}  // namespace

void CheckServer(const ServerConfig& config, const preprocessing::CommandContext& context) {
  PrintOk(context, "settings and " + std::to_string(config.hooks.size()) + " hooks");
  CheckDeployments(config, context);
  if (!config.store.empty()) {
    static_cast<void>(
        Require(preprocessing::OpenStore(config.store, preprocessing::StoreAccess::kReadOnly),
                ExitCode::kUnfit));
    PrintOk(context, "store " + BlankSecrets(config.store));
  }
  CheckAddresses(config, context);
  if (!config.pidfile.empty()) CheckPidFile(config, context);
  if (config.access_log != AccessLogFormat::kOff) CheckAccessLog(config, context);
}

}  // namespace forkcast::serving
