#include "serving/commands/serve_command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "data_preprocessing/base/descriptor_limit.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/stop_signals.hpp"
#include "data_preprocessing/push/push_message.hpp"
#include "serving/access/login_memory.hpp"
#include "serving/access/password_checker.hpp"
#include "serving/access/token_file.hpp"
#include "serving/capture/capture_channel.hpp"
#include "serving/capture/recorder.hpp"
#include "serving/commands/retraining.hpp"
#include "serving/commands/serve_check.hpp"
#include "serving/config/address.hpp"
#include "serving/config/settings.hpp"
#include "serving/endpoints/endpoint_table.hpp"
#include "serving/hooks/capture_hook.hpp"
#include "serving/hooks/hook_chain.hpp"
#include "serving/http/access_log.hpp"
#include "serving/http/audit_log.hpp"
#include "serving/jobs/job_message.hpp"
#include "serving/jobs/job_worker.hpp"
#include "serving/process/become_program.hpp"
#include "serving/process/child_process.hpp"
#include "serving/process/control_socket.hpp"
#include "serving/process/descriptor_limit.hpp"
#include "serving/process/experiment_keeper.hpp"
#include "serving/process/experiment_list.hpp"
#include "serving/process/listener.hpp"
#include "serving/process/log_output.hpp"
#include "serving/process/master.hpp"
#include "serving/process/model_list.hpp"
#include "serving/process/pid_file.hpp"
#include "serving/process/privileges.hpp"
#include "serving/process/process_log.hpp"
#include "serving/process/shared_array.hpp"
#include "serving/process/shared_counts.hpp"
#include "serving/process/supervisor.hpp"
#include "serving/process/upgrade.hpp"
#include "serving/process/worker_signals.hpp"
#include "serving/worker/worker.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::Arguments;
using preprocessing::Command;
using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::FlagValues;
using preprocessing::Require;

/// How many workers there may be, of an old and a new generation together.
constexpr std::size_t kMaxSlots = 512;

/// Who gave a setting, and its value.
const EffectiveSetting& Effective(const ParsedSettings& settings, std::string_view key) {
  return *std::ranges::find(settings.values, key, &EffectiveSetting::key);
}

/// That hooks are configured as their types want it, and each route is answered once; says in which
/// file when not.
Status Validate(const ParsedSettings& settings, std::span<const HookType> types) {
  if (auto routes = RoutesOf(settings.config.deployments, OfferOf(settings.config)); !routes) {
    return std::move(routes).error();
  }
  Status valid = ValidateHooks(settings.config.hooks, types);
  if (valid) valid = CheckRetraining(settings.config);
  if (valid) return valid;
  Error error = std::move(valid).error();
  error.message = "config: " + Effective(settings, "config").text + ": " + error.message;
  return error;
}

/// A server with the sockets it listens on; forks what answers.
class Server {
 public:
  /// `flags`: what the settings were read from. `identity`: whom workers and recorder run as; none:
  /// as we do. The references outlive the server.
  Server(ParsedSettings settings, const FlagValues& flags, const CommandContext& context,
         const ServeExtensions& extensions, std::optional<Identity> identity)
      : settings_(std::move(settings)),
        identity_(std::move(identity)),
        flags_(flags),
        context_(context),
        extensions_(extensions),
        log_(MakeProcessLog("master", config_.log_level, log_output_)) {
    ::signal(SIGPIPE, SIG_IGN);  // of a log whose reader is gone, too
    ::signal(SIGXFSZ, SIG_IGN);  // of a log that is as large as files may be
    if (config_.multi_model) models_.emplace(kMaxSlots);
    if (OfferOf(config_).pushes == Pushes::kTaken) push_ = preprocessing::MakePushSockets();
    if (config_.jobs) jobs_ = MakeJobSockets();
  }

  int Run() {
    if (config_.umask) ::umask(*config_.umask);
    if (const Status opened = OpenListeners(); !opened) {
      log_->critical("bind_failed error={:?}", opened.error().message);
      return kExitCannotBind;
    }
    if (const Status opened = OpenAdmin(); !opened) {
      log_->critical("bind_failed error={:?}", opened.error().message);
      return kExitCannotBind;
    }
    for (const auto prepare :
         {&Server::OpenFiles, &Server::TryHooksAsUser, &Server::TryCredentialsAsUser,
          &Server::FitConnections, &Server::BeginExperiments}) {
      if (const Status prepared = (this->*prepare)(); !prepared) {
        log_->critical("start_refused error={:?}", prepared.error().message);
        return kExitCannotBind;
      }
    }
    for (const Listener& listener : listeners_) {
      if (!listener.warning().empty()) log_->warn("backlog_clipped {}", listener.warning());
      log_->info("listening address={}", ToString(listener.local_address()));
    }
    for (const Listener& listener : admin_listeners_) {
      log_->info("listening admin_address={}", ToString(listener.local_address()));
    }
    const std::chrono::milliseconds timeout = config_.timeout;
    return Master({.workers = config_.workers,
                   .worker = [this](const WorkerStart& start) { return RunOneWorker(start); },
                   .recorder = [this](int control_fd) { return Record(control_fd); },
                   .refresher = RefresherProcess(),
                   .trainer = TrainerProcess(),
                   .retrain = [this](const RetrainWish& wish) { return Retrain(wish); },
                   .retrain_board = &retrain_board_[0],
                   .needs_recorder = NeedsRecorder(config_.hooks, extensions_.hook_types),
                   .takes_over = static_cast<bool>(old_master_),
                   .close_door = [this] { RefuseNew(); },
                   .start_upgrade = [this] { return StartUpgradedMaster(WhatIsLeft()); },
                   .hand_over = [this] { LeaveToNewMaster(); },
                   .on_ready = [this] { LetOldMasterGo(); },
                   .notify = [this](const std::string& state) { supervisor_.Notify(state); },
                   .reopen_logs = [this] { ReopenLogs(); },
                   .control = &control_,
                   .experiments = &experiment_keeper_,
                   .complete_status = [this](ServerStatus& status) { AddRecorderLosses(status); },
                   .graceful_timeout = config_.graceful_timeout,
                   .retire_timeout = config_.idle_timeout + 2 * timeout,
                   .boot_timeout = config_.boot_timeout,
                   .heartbeat_timeout = std::min(timeout, kLongestHeartbeat)},
                  context_.clock, counts_.slots(), state_[0], *log_)
        .Run();
  }

 private:
  static constexpr std::chrono::milliseconds kLongestHeartbeat{10'000};

  /// From an old master, else from a supervisor, else our own.
  Status OpenListeners() {
    Status added;
    if (auto inheritance = TakeInheritance(context_.environment)) {
      old_master_ = std::move(inheritance->ready);
      inherited_experiments_ = std::move(inheritance->experiments);
      for (Fd& memory : inheritance->counts) {
        if (auto before = SharedCounts::Adopt(std::move(memory))) {
          counts_before_.push_back(*std::move(before));
        } else {
          log_->warn("counters_begin_anew reason={:?}", "the old program counted otherwise");
        }
      }
      for (InheritedListener& inherited : inheritance->listeners) {
        const auto owner = inherited.kind == ListenerKind::kLent ? Listener::Owner::kSupervisor
                                                                 : Listener::Owner::kUs;
        auto& listeners = inherited.kind == ListenerKind::kAdmin ? admin_listeners_ : listeners_;
        if (added) added = Add(Listener::Adopt(std::move(inherited.socket), owner), listeners);
      }
      return added;
    }
    for (Fd& socket : Supervisor::TakeSockets()) {
      if (added) {
        added = Add(Listener::Adopt(std::move(socket), Listener::Owner::kSupervisor), listeners_);
      }
    }
    if (!added || !listeners_.empty()) return added;
    for (const Address& address : config_.bind) {
      if (Status opened = OpenAt(address, listeners_); !opened) return opened;
    }
    return {};
  }

  /// After the others: an old master's is taken over where both have one.
  Status OpenAdmin() {
    if (!config_.admin) admin_listeners_.clear();
    if (!config_.admin || !admin_listeners_.empty()) return {};
    return OpenAt(*config_.admin, admin_listeners_);
  }

  static Status Add(Result<Listener> listener, std::vector<Listener>& listeners) {
    if (!listener) return std::move(listener).error();
    listeners.push_back(*std::move(listener));
    return {};
  }

  /// All that an address means.
  Status OpenAt(const Address& address, std::vector<Listener>& listeners) {
    const Result<SocketFile> file = SocketFileOf(config_);
    if (!file) return file.error();
    Result<std::vector<Address>> meant = ResolveAddress(address);
    if (!meant) return std::move(meant).error();
    for (Address& one : *meant) {
      if (auto* const tcp = std::get_if<TcpAddress>(&one); tcp != nullptr && tcp->port == 0) {
        tcp->port = PortOf(*meant);
      }
      if (Status opened = Add(OpenOnceFree(one, *file), listeners); !opened) return opened;
      one = listeners.back().local_address();
    }
    return {};
  }

  /// That the first of a name's addresses got, which is that of all; 0: none yet.
  static std::uint16_t PortOf(const std::vector<Address>& addresses) {
    return std::get<TcpAddress>(addresses.front()).port;
  }

  /// The workers of a server whose master was killed hold its addresses until they are gone.
  [[nodiscard]] Result<Listener> OpenOnceFree(const Address& address,
                                              const SocketFile& file) const {
    constexpr std::chrono::milliseconds kPause{50};
    const auto until = std::chrono::steady_clock::now() + 2 * kOrphanGrace;
    while (true) {
      Result<Listener> listener = Listener::Open(address, config_.backlog, file);
      const bool may_get_free = !listener && listener.error().code == ErrorCode::kIo;
      if (!may_get_free || std::chrono::steady_clock::now() >= until) return listener;
      std::this_thread::sleep_for(kPause);
    }
  }

  /// An old master's pidfile and control socket are taken when we are ready to take its place.
  Status OpenFiles() {
    if (!config_.pidfile.empty()) {
      std::filesystem::path path = config_.pidfile;
      if (old_master_) path += ".2";
      Result<PidFile> opened = PidFile::Open(path, PidFileMode(config_));
      if (!opened) return std::move(opened).error();
      pid_file_ = std::move(*opened);
    }
    if (!config_.control.empty() && !old_master_) {
      Status opened = control_.Open(config_.control);
      if (!opened) return opened;
    }
    if (Status opened = OpenAccessLog(config_); !opened) return opened;
    return OpenAuditLog(config_);
  }

  /// What a hook cannot do at the start it never will.
  Status TryHooksAsUser() {
    const auto tried = AskAs(identity_, [this]() -> Result<std::string> {
      Status status = TryHooks(config_.hooks, extensions_.hook_types);
      return status ? Result<std::string>(std::string()) : std::move(status).error();
    });
    return tried ? Status() : tried.error();
  }

  /// Whoever cannot be read at the start could never be let in.
  Status TryCredentialsAsUser() {
    const auto tried = AskAs(identity_, [this]() -> Result<std::string> {
      Status status = TryCredentials(config_);
      return status ? Result<std::string>(std::string()) : std::move(status).error();
    });
    return tried ? Status() : tried.error();
  }

  /// Rather fewer connections, the others wait, than a worker without descriptors.
  Status FitConnections() {
    const std::size_t limit = RaiseDescriptorLimit();
    const std::size_t most = ConnectionsWithin(limit);
    if (most == 0) return TooFewDescriptors(limit);
    if (config_.max_connections > most) {
      log_->warn("connections_limited max_connections={} to={} descriptors={} hint={:?}",
                 config_.max_connections, most, limit, "ulimit -Hn");
      settings_.config.max_connections = most;
    }
    return {};
  }

  /// What an old master had goes on; else those that are declared begin.
  Status BeginExperiments() {
    if (inherited_experiments_) {
      const Status taken = experiment_keeper_.Inherit(*inherited_experiments_);
      if (!taken) log_->warn("experiments_not_taken error={:?}", taken.error().message);
      return {};
    }
    std::vector<ExperimentPlan> plans;
    for (const Deployment& deployment : config_.deployments) {
      if (deployment.challenger) plans.push_back(*deployment.challenger);
    }
    return experiment_keeper_.Begin(plans);
  }

  /// Before the fork and as who we are, so that it may lie, or standard output lead, where those
  /// whom workers run as may not go.
  Status OpenAccessLog(const ServerConfig& config) {
    access_log_.reset();
    if (config.access_log == AccessLogFormat::kOff) return {};
    Result<AccessLog> opened = AccessLog::Open(config.access_log, config.access_log_file,
                                               state_[0].access_log_losses, identity_);
    if (!opened) return std::move(opened).error();
    access_log_ = std::move(*opened);
    return {};
  }

  /// Likewise.
  Status OpenAuditLog(const ServerConfig& config) {
    audit_log_.reset();
    if (config.audit_log.empty()) return {};
    Result<AuditLog> opened = AuditLog::Open(config.audit_log, audit_losses_[0], identity_);
    if (!opened) return std::move(opened).error();
    audit_log_ = std::move(*opened);
    return {};
  }

  void ReopenLogs() {
    if (access_log_) {
      const Status reopened = access_log_->Reopen();
      if (!reopened) log_->warn("access_log_not_reopened error={:?}", reopened.error().message);
    }
    if (audit_log_) {
      const Status reopened = audit_log_->Reopen();
      if (!reopened) log_->warn("audit_log_not_reopened error={:?}", reopened.error().message);
    }
  }

  void AddRecorderLosses(ServerStatus& status) const {
    status.recorder.dropped += counters_[0].dropped.load(std::memory_order_relaxed);
  }

  [[nodiscard]] static std::vector<int> SocketsOf(const std::vector<Listener>& listeners) {
    std::vector<int> sockets;
    for (const Listener& listener : listeners) sockets.push_back(listener.fd());
    return sockets;
  }
  [[nodiscard]] Bequest WhatIsLeft() const {
    Bequest bequest;
    for (const Listener& listener : listeners_) {
      bequest.listeners.push_back(
          {.fd = listener.fd(),
           .kind = listener.lent() ? ListenerKind::kLent : ListenerKind::kOwn});
    }
    for (const Listener& listener : admin_listeners_) {
      bequest.listeners.push_back({.fd = listener.fd(), .kind = ListenerKind::kAdmin});
    }
    if (counts_.fd() >= 0) bequest.counts.push_back(counts_.fd());
    for (const SharedCounts& before : counts_before_) bequest.counts.push_back(before.fd());
    bequest.experiments = experiment_keeper_.Bequeath();
    return bequest;
  }
  /// What was counted here, then what was before an upgrade.
  [[nodiscard]] std::vector<Counts> AllCounts() const {
    std::vector<Counts> all{counts_.view()};
    for (const SharedCounts& before : counts_before_) all.push_back(before.view());
    return all;
  }
  void RefuseNew() {
    for (std::vector<Listener>* const listeners : {&listeners_, &admin_listeners_}) {
      for (Listener& listener : *listeners) {
        if (old_master_) {
          listener.Disown();  // stopped before it was ours: the old master goes on with it
        } else {
          listener.RefuseNew();
        }
      }
    }
  }
  void LeaveToNewMaster() {
    for (std::vector<Listener>* const listeners : {&listeners_, &admin_listeners_}) {
      for (Listener& listener : *listeners) listener.Disown();
    }
    control_.Close();
  }
  void LetOldMasterGo() {
    if (!old_master_) return;
    Status taken;
    if (pid_file_) taken = pid_file_->MoveTo(config_.pidfile);
    if (taken && !config_.control.empty()) {
      taken = control_.Open(config_.control, ControlSocket::Replace::kPredecessor);
    }
    if (!taken) log_->warn("takeover_incomplete error={:?}", taken.error().message);
    // An old master that is gone needs no leave.
    [[maybe_unused]] const ssize_t written = ::write(old_master_.get(), "R", 1);
    old_master_.Reset();
  }

  /// In a child, first: leaves what is the master's alone, and its rights.
  Status BecomeChild() {
    pid_file_.reset();
    control_.Close();
    if (!identity_) return {};
    Status dropped = DropPrivileges(*identity_);
    if (dropped) ChildProcess::DieWithParent(master_, kMasterDiedSignal);
    return dropped;
  }

  int RefuseToRun(const Error& error) {
    log_->critical("child_refused error={:?}", error.message);
    return kExitBootFailed;
  }

  /// In a worker's process: the config file as it is now.
  Status TakeNewSettings() {
    auto settings = ReadServerSettings(flags_, context_.environment);
    if (!settings) return std::move(settings).error();
    if (Status valid = Validate(*settings, extensions_.hook_types); !valid) return valid;
    std::vector<std::string> kept = ChangedForRestart(settings_, *settings);
    if (settings->config.refresher.has_value() != config_.refresher.has_value() ||
        OfferOf(settings->config).pushes != OfferOf(config_).pushes) {
      kept.emplace_back("refresher");
    }
    if (!kept.empty()) log_->warn("restart_needed settings=\"{}\"", fmt::join(kept, ", "));
    const ServerConfig& wanted = settings->config;
    if (wanted.access_log != config_.access_log ||
        wanted.access_log_file != config_.access_log_file) {
      if (Status opened = OpenAccessLog(wanted); !opened) return opened;
    }
    if (wanted.audit_log != config_.audit_log) {
      if (Status opened = OpenAuditLog(wanted); !opened) return opened;
    }
    if (Status tried = TryCredentials(wanted); !tried) return tried;
    if (Status tried = TryHooks(wanted.hooks, extensions_.hook_types); !tried) return tried;
    settings_ = *std::move(settings);
    return FitConnections();
  }

  /// In a worker's process. Generations behind the first read the configuration anew.
  int RunOneWorker(const WorkerStart& start) {
    if (const Status become = BecomeChild(); !become) return RefuseToRun(become.error());
    if (start.generation > 1) {
      if (const Status taken = TakeNewSettings(); !taken) {
        log_->error("reload_refused error={:?}", taken.error().message);
        return kExitUsage;
      }
    }
    return RunWorker({.config = config_,
                      .listeners = SocketsOf(listeners_),
                      .admin_listeners = SocketsOf(admin_listeners_),
                      .capture_socket = capture_.first.get(),
                      .job_socket = jobs_ ? jobs_->first.get() : -1,
                      .push_socket = push_ ? push_->first.get() : -1,
                      .drift = drift_[0],
                      .log = log_output_,
                      .access_log = access_log_ ? &*access_log_ : nullptr,
                      .audit_log = audit_log_ ? &*audit_log_ : nullptr,
                      .models = models_ ? &*models_ : nullptr,
                      .logins = logins_[0],
                      .password_turns = password_turns_,
                      .experiments = experiments_,
                      .slots = counts_.slots(),
                      .series = counts_.series(),
                      .counts = AllCounts(),
                      .server = state_[0],
                      .start = start,
                      .hook_types = extensions_.hook_types,
                      .before_load = extensions_.before_load});
  }

  /// Empty: none is wanted.
  [[nodiscard]] std::function<int(int)> RefresherProcess() {
    if (!config_.refresher) return {};
    return [this](int control_fd) { return Refresh(control_fd); };
  }

  /// In the refresher's process, which is another program from here on.
  int Refresh(int control_fd) {
    if (const Status become = BecomeChild(); !become) return RefuseToRun(become.error());
    const auto settings = ReadServerSettings(flags_, context_.environment);
    if (!settings) return RefuseToRun(settings.error());
    if (!settings->config.refresher) {
      return RefuseToRun(
          {ErrorCode::kInvalidArgument, "the config file has no \"refresher\" any more"});
    }
    const RefresherConfig& refresher = *settings->config.refresher;
    const int push = refresher.takes_pushes && push_ ? push_->second.get() : -1;
    return BecomeRefresher(CommandLineOf(refresher), {.tell = control_fd, .push = push}, master_);
  }

  /// Empty: none is wanted.
  [[nodiscard]] std::function<int(int)> TrainerProcess() {
    if (!jobs_) return {};
    return [this](int control_fd) { return Train(control_fd); };
  }

  /// In the trainer's process.
  int Train(int control_fd) {
    if (const Status become = BecomeChild(); !become) return RefuseToRun(become.error());
    ChildProcess::DieWithParent(master_, SIGTERM);
    const auto settings = ReadServerSettings(flags_, context_.environment);
    if (!settings) return RefuseToRun(settings.error());
    listeners_.clear();
    admin_listeners_.clear();
    ::setpgid(0, 0);  // what a terminal sends to its group is the master's to pass on
    const preprocessing::StopSignals signals;
    const ServerConfig& config = settings->config;
    const auto log = MakeProcessLog("trainer", config.log_level, log_output_);
    JobWorker({.store = config.store,
               .config = config,
               .limits = {.memory_mb = config.jobs_memory_mb, .cpus = config.jobs_cpus},
               .at_once = config.jobs_at_once,
               .requests = jobs_->second.get(),
               .tell = control_fd,
               .stops = preprocessing::StopSignals::Requested,
               .retires = [retires = false]() mutable { return retires = retires || TakeHup(); }},
              context_.clock, *log)
        .Run();
    return kExitOk;
  }

  /// Whether a SIGHUP has come, which is blocked in all our processes.
  static bool TakeHup() noexcept {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGHUP);
    constexpr timespec kNow{};
    return ::sigtimedwait(&set, nullptr, &kNow) == SIGHUP;
  }

  /// In the recorder's process.
  int Record(int control_fd) {
    if (const Status become = BecomeChild(); !become) return RefuseToRun(become.error());
    // What ends the server ends the recorder by the end of its control socket, after the workers.
    for (const int ignored : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGXFSZ, SIGPIPE}) {
      ::signal(ignored, SIG_IGN);
    }
    // Should the master be killed, we may outlive it by what is left to write: not on its sockets.
    listeners_.clear();
    admin_listeners_.clear();
    const auto log = MakeProcessLog("recorder", config_.log_level, log_output_);
    SeriesWriter series(counts_.recorder_series());
    DriftAlarms alarms({.log = *log,
                        .clock = context_.clock,
                        .series = series,
                        .make_id = RandomUuid,
                        .retrain =
                            [this, control_fd](const RetrainWish& wish) {
                              retrain_board_[0].Set(TextOf(wish));
                              SendControl(control_fd, {.kind = ControlMessage::Kind::kRetrain});
                            },
                        .seed = static_cast<std::uint32_t>(::getpid())});
    DriftMonitor drift({.board = drift_[0],
                        .metrics = state_[0].metrics,
                        .series = series,
                        .alarms = alarms,
                        .log = *log,
                        .clock = context_.clock});
    const auto destinations = CaptureHook::Destinations(config_.hooks);
    return RunRecorder({.clock = context_.clock,
                        .counters = counters_[0],
                        .destinations = destinations,
                        .drift = &drift},
                       capture_.second.get(), control_fd, *log);
  }

  /// In a process of its own, that of nobody else.
  int Retrain(const RetrainWish& wish) {
    if (const Status become = BecomeChild(); !become) return RefuseToRun(become.error());
    ChildProcess::DieWithParent(master_, SIGTERM);
    return BecomeRetrain(wish, config_);
  }

  ParsedSettings settings_;
  const ServerConfig& config_ = settings_.config;
  const std::optional<Identity> identity_;
  const pid_t master_ = ::getpid();
  const FlagValues& flags_;
  const CommandContext& context_;
  const ServeExtensions& extensions_;
  SharedArray<ServerState> state_{1};
  LogOutput log_output_ = LogOutput::OfStandard(STDERR_FILENO, state_[0].log_losses);
  std::shared_ptr<spdlog::logger> log_;
  std::vector<Listener> listeners_;
  std::vector<Listener> admin_listeners_;
  Fd old_master_;  // until we are ready to take its place
  std::optional<std::string> inherited_experiments_;
  Supervisor supervisor_;
  std::optional<PidFile> pid_file_;
  ControlSocket control_;
  std::optional<AccessLog> access_log_;
  SharedArray<LogLosses> audit_losses_{1};
  std::optional<AuditLog> audit_log_;
  SharedArray<LoginMemory> logins_{1};
  PasswordTurns password_turns_;
  SharedCounts counts_{kMaxSlots};
  std::vector<SharedCounts> counts_before_;
  SharedArray<RecorderCounters> counters_{1};
  SharedArray<DriftBoard> drift_{1};
  SharedArray<RetrainBoard> retrain_board_{1};
  std::optional<ModelList> models_;
  ExperimentList experiments_{kMaxSlots};
  ExperimentKeeper experiment_keeper_{experiments_, counts_.slots(), state_[0], context_.clock,
                                      *log_};
  std::pair<Fd, Fd> capture_ = MakeCaptureSockets();
  std::optional<std::pair<Fd, Fd>> jobs_;  // of workers and trainer; none: there are no jobs
  std::optional<std::pair<Fd, Fd>> push_;  // of workers and refresher; none: rows are not taken
};

/// Opens what of standard input, output and error is closed: else the next socket would get its
/// number, and lines meant for the log.
void HoldStandardDescriptors() {
  Fd null(::open("/dev/null", O_RDWR));
  while (null && null.get() <= STDERR_FILENO) {
    static_cast<void>(null.Release());
    null = Fd(::open("/dev/null", O_RDWR));
  }
}

ExitCode Serve(const Arguments& arguments, const CommandContext& context,
               const ServeExtensions& extensions) {
  HoldStandardDescriptors();
  ParsedSettings settings =
      Require(ReadServerSettings(arguments.given(), context.environment), ExitCode::kUsage);
  if (settings.action == ServerAction::kPrintConfig) {
    context.out << PrintConfig(settings);
    return ExitCode::kDone;
  }
  Require(Validate(settings, extensions.hook_types), ExitCode::kUsage);
  auto identity = ResolveIdentity(settings.config.user, settings.config.group);
  if (!identity) {
    throw Failure(ExitCode::kUsage,
                  fmt::format("{} (given by {})", identity.error().message,
                              Effective(settings, identity.error().field).origin));
  }
  static_cast<void>(Require(SocketFileOf(settings.config), ExitCode::kUsage));
  if (settings.action == ServerAction::kCheck) {
    CheckServer(settings.config, *identity, extensions.hook_types, context);
    return ExitCode::kDone;
  }
  return static_cast<ExitCode>(
      Server(std::move(settings), arguments.given(), context, extensions, std::move(*identity))
          .Run());
}

/// Its settings', and what an old master tells a new one by.
std::vector<std::string> Variables() {
  std::vector<std::string> variables = SettingVariables();
  for (const char* const name : {kUpgradeListenersVariable, kUpgradeReadyVariable,
                                 kUpgradeCountsVariable, kUpgradeExperimentsVariable}) {
    variables.emplace_back(name);
  }
  return variables;
}

}  // namespace

Command ServeCommand(const ServeExtensions& extensions) {
  return {
      .name = "serve",
      .meaning = "answers requests from the snapshots that ingest published",
      .description =
          "Answers requests with the model of a pipeline, from the snapshots that ingest "
          "published.\n"
          "A setting's flag goes before its environment variable, that before the config file, "
          "that\n"
          "before the default. Paths are relative to the working directory, in the config file "
          "too.\n"
          "An empty environment variable counts as not set.\n",
      .flags = ServeFlags(),
      .variables = Variables(),
      .endings =
          {{.code = ExitCode::kDone, .when = "stopped as asked, or --check found nothing"},
           {.code = ExitCode::kUsage, .when = "a flag, a variable or the config file is wrong"},
           {.code = ExitCode::kUnfit,
            .when = "pipeline, model, snapshots or store cannot be loaded"},
           {.code = ExitCode::kIo,
            .when = "cannot listen, or pidfile, control socket, tokens, users or a log cannot be "
                    "had"},
           {.code = ExitCode::kUnexpected}},
      .run = [extensions](const Arguments& arguments, const CommandContext& context) {
        return Serve(arguments, context, extensions);
      }};
}

}  // namespace forkcast::serving
