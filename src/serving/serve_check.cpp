#include "serving/serve_check.hpp"

#include <string>

#include "data_preprocessing/dao/table_dao.hpp"
#include "serving/config/address.hpp"
#include "serving/config/settings.hpp"
#include "serving/endpoints/loaded_pipeline.hpp"
#include "serving/process/listener.hpp"
#include "serving/process/process_log.hpp"

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
  const auto loaded = LoadedPipeline::Load(config.pipeline, config.snapshots);
  if (!loaded) return failed(loaded.error(), kExitBootFailed);
  passed("pipeline " + (*loaded)->spec().name + " and its snapshots in " +
         config.snapshots.string());
  passed("model " + (*loaded)->model().name() + " version " + (*loaded)->model().version());

  if (!config.store.empty()) {
    const auto store =
        preprocessing::OpenStore(config.store, preprocessing::StoreAccess::kReadOnly);
    if (!store) return failed(store.error(), kExitBootFailed);
    passed("store " + BlankSecrets(config.store));
  }

  for (const Address& address : config.bind) {
    if (IsListenedAt(address)) {
      context.out << "note: address " << ToString(address) << ": a server is listening there\n";
      continue;
    }
    const auto listener = Listener::Open(address, config.backlog);
    if (!listener) return failed(listener.error(), kExitCannotBind);
    passed("address " + ToString(address));
  }
  return kExitOk;
}

}  // namespace forkcast::serving
