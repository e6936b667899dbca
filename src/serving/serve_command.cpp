#include "serving/serve_command.hpp"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

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
#include "serving/process/supervisor.hpp"
#include "serving/process/upgrade.hpp"
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

/// How many workers there may be, of an old and a new generation together.
constexpr std::size_t kMaxSlots = 512;

/// A server with the sockets it listens on; forks what answers.
class Server {
 public:
  Server(const ServerConfig& config, const std::vector<std::string>& arguments,
         const CommandContext& context, const ServeExtensions& extensions)
      : config_(config),
        arguments_(arguments),
        context_(context),
        extensions_(extensions),
        log_(MakeProcessLog("master", config.log_level)) {}

  int Run() {
    if (const Status opened = OpenListeners(); !opened) {
      log_->critical("bind_failed error={:?}", opened.error().message);
      return kExitCannotBind;
    }
    for (const Listener& listener : listeners_) {
      if (!listener.warning().empty()) log_->warn("backlog_clipped {}", listener.warning());
      log_->info("listening address={}", ToString(listener.local_address()));
    }
    const std::chrono::milliseconds timeout = config_.timeout;
    return Master({.workers = config_.workers,
                   .worker = [this](const WorkerStart& start) { return RunOneWorker(start); },
                   .recorder = [this](int control_fd) { return Record(control_fd); },
                   .needs_recorder = NeedsRecorder(config_.hooks, extensions_.hook_types),
                   .close_door = [this] { RefuseNew(); },
                   .start_upgrade = [this] { return StartUpgradedMaster(ListeningSockets()); },
                   .hand_over = [this] { DisownListeners(); },
                   .on_ready = [this] { LetOldMasterGo(); },
                   .notify = [this](const std::string& state) { supervisor_.Notify(state); },
                   .graceful_timeout = config_.graceful_timeout,
                   .retire_timeout = config_.idle_timeout + 2 * timeout,
                   .boot_timeout = config_.boot_timeout,
                   .heartbeat_timeout = std::min(timeout, kLongestHeartbeat)},
                  slots_.all(), state_[0], *log_)
        .Run();
  }

 private:
  static constexpr std::chrono::milliseconds kLongestHeartbeat{10'000};

  /// From an old master, else from a supervisor, else our own.
  Status OpenListeners() {
    const auto add = [this](Result<Listener> listener) -> Status {
      if (!listener) return std::move(listener).error();
      listeners_.push_back(std::move(*listener));
      return {};
    };
    Status added;
    if (auto inheritance = TakeInheritance(context_.environment)) {
      old_master_ = std::move(inheritance->ready);
      for (Fd& socket : inheritance->listeners) {
        if (added) added = add(Listener::Adopt(std::move(socket), /*owns_file=*/true));
      }
      return added;
    }
    for (Fd& socket : Supervisor::TakeSockets()) {
      if (added) added = add(Listener::Adopt(std::move(socket), /*owns_file=*/false));
    }
    if (!added || !listeners_.empty()) return added;
    for (const Address& address : config_.bind) {
      if (added) added = add(Listener::Open(address, config_.backlog));
    }
    return added;
  }

  [[nodiscard]] std::vector<int> ListeningSockets() const {
    std::vector<int> sockets;
    for (const Listener& listener : listeners_) sockets.push_back(listener.fd());
    return sockets;
  }
  void RefuseNew() {
    for (Listener& listener : listeners_) listener.RefuseNew();
  }
  void DisownListeners() {
    for (Listener& listener : listeners_) listener.Disown();
  }
  void LetOldMasterGo() {
    if (!old_master_) return;
    // An old master that is gone needs no leave.
    [[maybe_unused]] const ssize_t written = ::write(old_master_.get(), "R", 1);
    old_master_.Reset();
  }

  /// In a worker's process. Generations behind the first read the configuration anew.
  int RunOneWorker(const WorkerStart& start) {
    if (start.generation > 1) {
      auto settings = ParseServerSettings(arguments_, context_.environment);
      Status valid = settings ? ValidateHooks(settings->config.hooks, extensions_.hook_types)
                              : std::move(settings).error();
      if (!valid) {
        log_->error("reload_refused error={:?}", valid.error().message);
        return kExitUsage;
      }
      if (settings->config.bind != config_.bind || settings->config.backlog != config_.backlog) {
        log_->warn("restart_needed settings=\"bind, backlog\"");
      }
      config_ = std::move(settings->config);
    }
    return RunWorker({.config = config_,
                      .listeners = ListeningSockets(),
                      .capture_socket = capture_.first.get(),
                      .slots = slots_.all(),
                      .server = state_[0],
                      .start = start,
                      .hook_types = extensions_.hook_types,
                      .before_load = extensions_.before_load});
  }

  /// In the recorder's process.
  int Record(int control_fd) {
    // What ends the server ends the recorder by the end of its control socket, after the workers.
    for (const int ignored : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGXFSZ, SIGPIPE}) {
      ::signal(ignored, SIG_IGN);
    }
    const auto log = MakeProcessLog("recorder", config_.log_level);
    return RunRecorder({.clock = context_.clock, .counters = counters_[0]}, capture_.second.get(),
                       control_fd, *log);
  }

  ServerConfig config_;
  const std::vector<std::string>& arguments_;
  const CommandContext& context_;
  const ServeExtensions& extensions_;
  std::shared_ptr<spdlog::logger> log_;
  std::vector<Listener> listeners_;
  Fd old_master_;  // until we are ready to take its place
  Supervisor supervisor_;
  SharedArray<WorkerSlot> slots_{kMaxSlots};
  SharedArray<ServerState> state_{1};
  SharedArray<RecorderCounters> counters_{1};
  std::pair<Fd, Fd> capture_ = MakeCaptureSockets();
};

}  // namespace

int RunServeCommand(const std::vector<std::string>& arguments, const CommandContext& context,
                    const ServeExtensions& extensions) {
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
  if (const Status hooks = ValidateHooks(settings->config.hooks, extensions.hook_types); !hooks) {
    context.err << "forkcast serve: " << hooks.error().message << '\n';
    return kExitUsage;
  }
  if (settings->action == ServerAction::kCheck) return Check(settings->config, context);
  return Server(settings->config, arguments, context, extensions).Run();
}

}  // namespace forkcast::serving
