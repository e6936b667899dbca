#include "serving/commands/serve_check.hpp"

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "data_preprocessing/dao/table_dao.hpp"
#include "serving/config/address.hpp"
#include "serving/config/settings.hpp"
#include "serving/http/access_log.hpp"
#include "serving/process/listener.hpp"
#include "serving/process/pid_file.hpp"
#include "serving/process/process_log.hpp"
#include "serving/service/served_pipeline.hpp"

namespace forkcast::serving {

int CheckServer(const ServerConfig& config, const preprocessing::CommandContext& context) {
  const auto passed = [&context](const std::string& what) {
    context.out << "ok: " << what << '\n';
  };
  const auto failed = [&context](const Error& error, ExitCode code) {
    context.err << "forkcast serve: " << error.message << '\n';
    return code;
  };

  passed("settings and " + std::to_string(config.hooks.size()) + " hooks");
  const auto loaded = ServedPipeline::Load(config.pipeline, config.snapshots);
  if (!loaded) return failed(loaded.error(), kExitBootFailed);
  passed("pipeline " + (*loaded)->spec().name + " and its snapshots in " +
         config.snapshots.string());
  passed("model " + (*loaded)->model_name() + " version " + (*loaded)->model_version());

  if (!config.store.empty()) {
    const auto store =
        preprocessing::OpenStore(config.store, preprocessing::StoreAccess::kReadOnly);
    if (!store) return failed(store.error(), kExitBootFailed);
    passed("store " + BlankSecrets(config.store));
  }

  const auto note = [&context](const std::string& what) {
    context.out << "note: " << what << '\n';
  };
  std::vector<Address> addresses = config.bind;
  if (!config.control.empty()) addresses.emplace_back(UnixAddress{.path = config.control});
  for (const Address& address : addresses) {
    if (IsListenedAt(address)) {
      note("address " + ToString(address) + ": a server is listening there");
      continue;
    }
    const auto listener = Listener::Open(address, config.backlog);
    if (!listener) return failed(listener.error(), kExitCannotBind);
    passed("address " + ToString(address));
  }

  if (!config.pidfile.empty()) {
    const auto pidfile = PidFile::Open(config.pidfile);
    if (pidfile) {
      passed("pidfile " + config.pidfile.string());
    } else if (pidfile.error().code == ErrorCode::kConflict) {
      note("pidfile " + pidfile.error().message);
    } else {
      return failed(pidfile.error(), kExitCannotBind);
    }
  }
  if (config.access_log != AccessLogFormat::kOff) {
    std::error_code ignored;
    const bool is_new =
        config.access_log_file != "-" && !std::filesystem::exists(config.access_log_file, ignored);
    const auto access_log = AccessLog::Open(config.access_log, config.access_log_file);
    if (!access_log) return failed(access_log.error(), kExitCannotBind);
    if (is_new) std::filesystem::remove(config.access_log_file, ignored);
    passed("access log " + config.access_log_file.string());
  }
  return kExitOk;
}

}  // namespace forkcast::serving
