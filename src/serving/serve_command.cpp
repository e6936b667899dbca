#include "serving/serve_command.hpp"

#include <signal.h>
#include <spdlog/spdlog.h>

#include <exception>
#include <optional>
#include <utility>

#include "serving/capture/capture_channel.hpp"
#include "serving/capture/recorder.hpp"
#include "serving/config/address.hpp"
#include "serving/config/settings.hpp"
#include "serving/endpoints/loaded_pipeline.hpp"
#include "serving/hooks/hook_chain.hpp"
#include "serving/process/listener.hpp"
#include "serving/process/master.hpp"
#include "serving/process/process_log.hpp"
#include "serving/process/shared_array.hpp"
#include "serving/worker/worker.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::CommandContext;

/// Loads what workers load, in this process, and says what is wrong with it.
int Check(const ServerConfig& config, const CommandContext& context) {
  const auto loaded = LoadedPipeline::Load(config.pipeline, config.snapshots);
  if (!loaded) {
    context.err << "forkcast serve: " << loaded.error().message << '\n';
    return kExitBootFailed;
  }
  context.out << "ok: pipeline " << (*loaded)->spec().name << ", model "
              << (*loaded)->model().name() << " version " << (*loaded)->model().version() << '\n';
  return kExitOk;
}

int Recorder(const Clock& clock, RecorderCounters& counters, const std::string& log_level,
             int socket, int control_fd) {
  // What ends the server ends the recorder by the end of its control socket, after the workers.
  for (const int ignored : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGXFSZ, SIGPIPE}) {
    ::signal(ignored, SIG_IGN);
  }
  const auto log = MakeProcessLog("recorder", log_level);
  return RunRecorder({.clock = clock, .counters = counters}, socket, control_fd, *log);
}

int Serve(const ServerConfig& config, const Clock& clock) {
  const auto log = MakeProcessLog("master", config.log_level);
  std::vector<Listener> listeners;
  std::vector<int> listening;
  for (const Address& address : config.bind) {
    auto listener = Listener::Open(address, config.backlog);
    if (!listener) {
      log->critical("bind_failed error={:?}", listener.error().message);
      return kExitCannotBind;
    }
    if (!listener->warning().empty()) log->warn("backlog_clipped {}", listener->warning());
    log->info("listening address={}", ToString(listener->local_address()));
    listening.push_back(listener->fd());
    listeners.push_back(std::move(*listener));
  }
  const SharedArray<WorkerSlot> slots(config.workers);
  const SharedArray<RecorderCounters> counters(1);
  std::optional<std::pair<Fd, Fd>> capture;
  if (NeedsRecorder(config.hooks)) capture.emplace(MakeCaptureSockets());
  const int capture_socket = capture ? capture->first.get() : -1;

  MasterOptions options{.graceful_timeout = config.graceful_timeout, .workers = {}, .recorder = {}};
  for (std::size_t index = 0; index < config.workers; ++index) {
    options.workers.emplace_back([&, index](int control_fd, bool first) {
      return RunWorker({.config = config,
                        .listeners = listening,
                        .control_fd = control_fd,
                        .capture_socket = capture_socket,
                        .slots = slots.all(),
                        .index = index,
                        .accept_while_booting = first});
    });
  }
  if (capture) {
    options.recorder = [&](int control_fd, bool) {
      return Recorder(clock, counters[0], config.log_level, capture->second.get(), control_fd);
    };
  }
  return Master(std::move(options), slots.all(), *log).Run();
}

}  // namespace

int RunServeCommand(const std::vector<std::string>& arguments, const CommandContext& context) {
  const auto settings = ParseServerSettings(arguments, context.environment);
  if (!settings) {
    context.err << "forkcast serve: " << settings.error().message << '\n';
    return kExitUsage;
  }
  if (settings->action == ServerAction::kHelp) {
    context.out << ServeHelp();
    return kExitOk;
  }
  if (settings->action == ServerAction::kPrintConfig) {
    context.out << PrintConfig(*settings);
    return kExitOk;
  }
  if (const Status hooks = ValidateHooks(settings->config.hooks); !hooks) {
    context.err << "forkcast serve: " << hooks.error().message << '\n';
    return kExitUsage;
  }
  if (settings->action == ServerAction::kCheck) return Check(settings->config, context);
  return Serve(settings->config, context.clock);
}

}  // namespace forkcast::serving
