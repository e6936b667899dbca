#include "serving/worker/worker.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/base/log_limiter.hpp"
#include "serving/access/gate.hpp"
#include "serving/access/password_checker.hpp"
#include "serving/access/sessions.hpp"
#include "serving/endpoints/endpoint_table.hpp"
#include "serving/hooks/hook_chain.hpp"
#include "serving/http/guarded_job.hpp"
#include "serving/http/router.hpp"
#include "serving/net/acceptor.hpp"
#include "serving/net/connections.hpp"
#include "serving/page/page_desk.hpp"
#include "serving/process/connection_share.hpp"
#include "serving/process/control_channel.hpp"
#include "serving/process/process_log.hpp"
#include "serving/process/worker_signals.hpp"
#include "serving/service/challenger.hpp"
#include "serving/service/experiment_ledger.hpp"
#include "serving/service/hook_subjects.hpp"
#include "serving/service/load_deployments.hpp"
#include "serving/service/service.hpp"
#include "serving/service/shadow_queue.hpp"
#include "serving/service/version_kinds.hpp"
#include "serving/upstream/remote_models.hpp"
#include "serving/worker/admin_door.hpp"
#include "serving/worker/challengers.hpp"
#include "serving/worker/job_window.hpp"
#include "serving/worker/loaded_models.hpp"
#include "serving/worker/loader_thread.hpp"
#include "serving/worker/model_changes.hpp"
#include "serving/worker/push_window.hpp"
#include "serving/worker/swapper.hpp"

namespace forkcast::serving {
namespace {

namespace net = boost::asio;
using boost::system::error_code;

constexpr std::chrono::milliseconds kTick{500};
constexpr std::chrono::milliseconds kLoaderPause{100};  // the shorter, the sooner all have the new
constexpr std::chrono::milliseconds kModelLook{10};     // while somebody waits for other workers
constexpr std::chrono::microseconds kBusyPause{500};    // of what is scored behind answers
constexpr int kSweeps = 10;
constexpr std::chrono::milliseconds kSweepPause{20};
constexpr std::chrono::milliseconds kStoppingIdle{1000};  // for a request that is on its way

std::uint64_t RandomSeed() {
  std::uint64_t seed = 0;
  // Reads of up to 256 bytes are never interrupted and never short once the pool is ready.
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) {
    seed = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) ^
           static_cast<std::uint64_t>(::getpid());
  }
  return seed;
}

std::uint64_t ResidentBytes() {
  // Second number of the line: resident pages.
  std::array<char, 128> line{};
  const Fd file(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  const ssize_t got = ::read(file.get(), line.data(), line.size() - 1);
  unsigned long long total = 0;
  unsigned long long resident = 0;
  if (got <= 0 || std::sscanf(line.data(), "%llu %llu", &total, &resident) != 2) return 0;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// One worker's life: boot, serve, drain. Everything runs on the loop but the loading of what it
/// serves and the wait for connections, which post to it.
class Worker {
 public:
  explicit Worker(const WorkerOptions& options)
      : options_(options),
        config_(options.config),
        slot_(options.slots[options.start.slot]),
        series_(options.series[options.start.slot]),
        log_(MakeProcessLog("worker=" + std::to_string(options.start.slot), config_.log_level,
                            options.log)),
        hooks_(config_.hooks,
               {.log = *log_,
                .slot = slot_,
                .clock = clock_,
                .capture_socket = options.capture_socket,
                .server = &options.server,
                .series = &series_},
               options.hook_types),
        service_{.hooks = hooks_,
                 .clock = clock_,
                 .log = *log_,
                 .server = options.server,
                 .slots = options.slots,
                 .slot = slot_,
                 .series = series_,
                 .counts = options.counts,
                 .max_body_bytes = config_.max_body_bytes,
                 .limits = {.max_rows = config_.max_rows},
                 .csv_as_predictions = config_.csv_as_predictions,
                 .endpoints = endpoints_,
                 .drift = &options.drift,
                 .experiments = &options.experiments},
        shadows_({.catalogue = service_.catalogue,
                  .hooks = hooks_,
                  .clock = clock_,
                  .limits = {.max_rows = config_.max_rows},
                  .on_offered = [this] { ShadowSoon(std::chrono::nanoseconds(0)); }}),
        gate_({.tokens = config_.tokens,
               .locked = config_.locked,
               .allowed_hosts = config_.allowed_hosts,
               .sessions = sessions_ ? &*sessions_ : nullptr},
              clock_, *log_),
        router_(endpoints_, service_, slot_, series_, *log_, seed_,
                {.origins = config_.cors_origins}, &guards_),
        connections_(loop_, clock_, router_, slot_,
                     {.limits = {.max_header_bytes = config_.max_header_bytes,
                                 .max_body_bytes = config_.max_body_bytes},
                      .timeout = config_.timeout,
                      .idle_timeout = config_.idle_timeout,
                      .max_queue_delay = config_.max_queue_delay,
                      .access_log = options.access_log,
                      .trusted_proxies = config_.trusted_proxies,
                      .worker = options.start.slot},
                     [this] { OnConnectionClosed(); }),
        ticker_(loop_),
        orphaned_(loop_),
        sweeper_(loop_),
        signals_(loop_),
        control_(loop_),
        first_request_(slot_.metrics.Get("requests")),
        recycle_after_(RecycleAfter()),
        swapper_(Sources(), options.server.editions, clock_, static_cast<std::uint32_t>(seed_)),
        model_looker_(loop_),
        shadow_timer_(loop_) {
    service_.shadows = &shadows_;
    service_.remotes = &remotes_;
    service_.proofs = gate_.proofs();
    if (sessions_) {
      passwords_.emplace(options.password_turns,
                         [this] { net::post(loop_, [this] { ResumeWaiting(); }); });
      service_.sessions = &*sessions_;
      service_.passwords = &*passwords_;
    }
    if (options.push_socket >= 0) {
      pushes_.emplace(loop_, options.push_socket, slot_.metrics, [this] { ResumeWaiting(); });
      service_.pushes = &*pushes_;
    }
    service_.config = &config_;
    if (offer_.page != Page::kHidden) service_.page = &page_;
    if (options.job_socket >= 0) {
      jobs_.emplace(loop_, options.job_socket, slot_.metrics, [this] { ResumeWaiting(); });
      service_.jobs = &*jobs_;
    }
    if (!options.admin_listeners.empty()) {
      admin_.emplace(loop_, service_,
                     AdminDoor::Options{.listeners = options.admin_listeners,
                                        .offer = offer_,
                                        .config = config_,
                                        .guards = guards_},
                     ~seed_);  // not that of the other door: ids of requests tell them apart
    }
    if (options.models == nullptr) return;
    models_.emplace(*options.models, swapper_,
                    LoadedModels::Options{
                        .worker = options.start.slot,
                        .root = config_.model_root,
                        .most = config_.max_models,
                        .has_room = [this] { return !IsOverMemory(OwnBytes()); },
                        .source = [this](const ListedModel& model) { return SourceOf(model); }});
    changes_.emplace(*options.models, options.slots, options.start.slot, clock_, config_.model_root,
                     [this](ModelTask task) { AskLoader(std::move(task)); });
    service_.models = &*changes_;
  }

  int Run() {
    slot_.SetState(WorkerState::kBooting);
    WatchSignals();
    control_.assign(options_.start.control_fd);
    if (NeedsRecorder(config_.hooks, options_.hook_types)) {
      Tell({.kind = ControlMessage::Kind::kNeedRecorder});
    }
    WatchMaster();
    Tick();
    if (options_.start.first_boot) StartAccepting();
    loader_.Start({.first = [this] { return Load(); },
                   .again = [this] { LookForNew(); },
                   .pause = kLoaderPause});
    loop_.run();
    hooks_.OnDrain();
    // Nobody waits for what a load would bring.
    if (!loader_.Stop() || !page_.Stop()) std::_Exit(exit_code_);
    return exit_code_;
  }

 private:
  /// What the loader's thread has to begin with.
  struct Booted {
    SwapReport report{};
    std::vector<ServedDeployment> deployments{};
    ModelReport models{};
    std::vector<ChallengerNews> challengers{};
  };

  /// What is served, as the loader's thread loads it.
  [[nodiscard]] std::vector<SwapSource> Sources() const {
    std::vector<SwapSource> sources;
    for (const Deployment& deployment : config_.deployments) {
      sources.push_back(SourceOf(deployment));
    }
    return sources;
  }

  [[nodiscard]] SwapSource SourceOf(const Deployment& deployment) const {
    const std::string name = deployment.name.empty()
                                 ? std::filesystem::path(PlaceOf(deployment)).stem().string()
                                 : deployment.name;
    Deployment ours = deployment;
    // One that takes another's place has the rest to serve, whatever a remote model has become.
    if (ours.remote) ours.remote->is_checked_at_load = options_.start.first_boot;
    const auto load = [this, ours](const LoadedDeployment& serves,
                                   preprocessing::SnapshotPool& pool) {
      if (options_.before_load) options_.before_load();
      return LoadDeployment(ours, config_.models, serves, pool);
    };
    return {.name = name, .origin = deployment.origin, .load = load};
  }

  [[nodiscard]] SwapSource SourceOf(const ListedModel& model) const {
    SwapSource source = SourceOf(Deployment{.name = model.name,
                                            .place = model.place,
                                            .snapshots = config_.snapshots,
                                            .origin = "POST /models"});
    source.id = model.id;
    return source;
  }

  [[nodiscard]] bool IsOverMemory(std::uint64_t resident) const noexcept {
    return config_.max_memory_mb != 0 && resident > config_.max_memory_mb * 1024 * 1024;
  }

  /// Without what is soon given back: a login takes 64 MiB for a moment.
  [[nodiscard]] std::uint64_t OwnBytes() const {
    const std::size_t before = passwords_ ? passwords_->bytes() : 0;
    const std::uint64_t resident = ResidentBytes();
    const std::size_t lent = std::max(before, passwords_ ? passwords_->bytes() : 0);
    return resident - std::min<std::uint64_t>(lent, resident);
  }

  [[nodiscard]] std::optional<Sessions> OpenSessions() const {
    if (config_.users.empty()) return std::nullopt;
    return std::optional<Sessions>(std::in_place,
                                   Sessions::Options{.users = config_.users,
                                                     .idle = config_.session_idle_timeout,
                                                     .lifetime = config_.session_lifetime},
                                   options_.logins, clock_, *log_);
  }

  void ResumeWaiting() {
    connections_.ResumeWaiting();
    if (admin_) admin_->ResumeWaiting();
  }

  void Tell(const ControlMessage& message) { SendControl(control_.native_handle(), message); }

  /// Requests after which this worker asks to be replaced; 0 for never.
  [[nodiscard]] std::uint64_t RecycleAfter() const {
    if (config_.max_requests == 0) return 0;
    std::mt19937_64 random(seed_);
    return config_.max_requests +
           std::uniform_int_distribution<std::uint64_t>(0, config_.max_requests_jitter)(random);
  }

  void WatchSignals() {
    error_code ignored;
    signals_.add(SIGTERM, ignored);
    InstallWorkerSignals(slot_,
                         options_.log);  // unblocks: a TERM that came before was kept pending
    WaitForTerm();
  }

  void WaitForTerm() {
    signals_.async_wait([this](const error_code& error, int) {
      if (error) return;
      if (draining_) return loop_.stop();  // asked twice: what is left is given up
      Drain(config_.graceful_timeout, /*stopping=*/false);
      WaitForTerm();
    });
  }

  void WatchMaster() {
    control_.async_wait(net::posix::stream_descriptor::wait_read, [this](const error_code& error) {
      if (error) return;
      while (true) {
        const ControlReceipt receipt = ReceiveControl(control_.native_handle());
        if (receipt.ended) return OnMasterGone();
        if (!receipt.message) return WatchMaster();
        OnMessage(*receipt.message);
      }
    });
  }

  void OnMessage(const ControlMessage& message) {
    switch (message.kind) {
      case ControlMessage::Kind::kRetire:
        // Nobody hurries: idle connections get as long as they would have had anyway, so that no
        // client finds one closed under its request.
        return Drain(config_.idle_timeout + config_.timeout, /*stopping=*/false);
      case ControlMessage::Kind::kStop:
        return Drain(std::chrono::milliseconds(message.value), /*stopping=*/true);
      case ControlMessage::Kind::kReopenLogs:
        return ReopenLogs();
      case ControlMessage::Kind::kReady:
      case ControlMessage::Kind::kRecycle:
      case ControlMessage::Kind::kNeedRecorder:
      case ControlMessage::Kind::kRetrain:
        return;
    }
  }

  void ReopenLogs() {
    if (options_.access_log != nullptr) {
      const Status reopened = options_.access_log->Reopen();
      if (!reopened) log_->warn("access_log_not_reopened error={:?}", reopened.error().message);
    }
    if (options_.audit_log != nullptr) {
      const Status reopened = options_.audit_log->Reopen();
      if (!reopened) log_->warn("audit_log_not_reopened error={:?}", reopened.error().message);
    }
  }

  void ReportLostLines(MonotonicTime now) {
    if (options_.access_log == nullptr) return;
    lost_lines_ += options_.access_log->TakeLost();
    if (lost_lines_ == 0 || !lost_lines_limiter_.Pass(now)) return;
    log_->warn("access_log_lines_lost lines={}", std::exchange(lost_lines_, 0));
  }

  void ReportLostAudits(MonotonicTime now) {
    if (options_.audit_log == nullptr) return;
    lost_audits_ += options_.audit_log->TakeLost();
    if (lost_audits_ == 0 || !lost_audits_limiter_.Pass(now)) return;
    log_->error("audit_log_lines_lost lines={}", std::exchange(lost_audits_, 0));
  }

  void OnMasterGone() {
    log_->error("master_gone");
    Drain(kOrphanGrace, /*stopping=*/true);
    orphaned_.expires_after(kOrphanGrace);
    orphaned_.async_wait([this](const error_code&) { loop_.stop(); });
  }

  void Tick() {
    const auto now = clock_.Monotonic();
    slot_.heartbeat_ns.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    const std::uint64_t resident = ResidentBytes();
    slot_.metrics.Set("resident_bytes", resident);
    const std::uint64_t served = slot_.metrics.Get("requests") - first_request_;
    if (recycle_after_ != 0 && served >= recycle_after_) AskRecycling("requests", served);
    if (IsOverMemory(OwnBytes())) AskRecycling("resident_bytes", resident);
    connections_.Tick(now);
    if (admin_) admin_->Tick(now);
    if (jobs_ && jobs_->has_followers()) ResumeWaiting();  // whose silence has to be broken
    ReportLostLines(now);
    ReportLostAudits(now);
    TellSnapshotAge();
    hooks_.OnTick(now);
    ticker_.expires_after(kTick);
    ticker_.async_wait([this](const error_code& error) {
      if (!error) Tick();
    });
  }

  void AskRecycling(std::string_view reason, std::uint64_t value) {
    if (asked_recycling_ || draining_ || !loaded_) return;
    asked_recycling_ = true;
    log_->info("recycling {}={}", reason, value);
    Tell({.kind = ControlMessage::Kind::kRecycle});
  }

  /// On the loader's thread.
  bool Load() {
    const auto begun = clock_.Monotonic();
    Result<Booted> loaded = Boot();
    const bool is_loaded = loaded.ok();
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(clock_.Monotonic() - begun);
    net::post(loop_, [this, took, result = std::move(loaded)] {
      if (!result) return FailToBoot(result.error());
      OnLoaded(*result, took);
    });
    return is_loaded;
  }

  Result<Booted> Boot() {
    Result<SwapReport> declared = swapper_.Boot();
    if (!declared) return std::move(declared).error();
    auto deployments = Named(*declared);
    if (!deployments) return std::move(deployments).error();
    Booted booted{.report = *std::move(declared), .deployments = *std::move(deployments)};
    WatchChallengers(booted.deployments);
    booted.challengers = challengers_->Turn();
    if (!models_) return booted;
    std::vector<std::string> names;
    for (const ServedDeployment& one : booted.deployments) names.push_back(one.name);
    try {
      booted.models = models_->Boot(std::move(names));
    } catch (const std::exception& error) {
      return Error{ErrorCode::kIo, error.what()};
    }
    return booted;
  }

  /// On the loader's thread, as all that concerns `challengers_`.
  void WatchChallengers(const std::vector<ServedDeployment>& served) {
    std::vector<Deployment> champions = config_.deployments;
    for (std::size_t i = 0; i < champions.size(); ++i) champions[i].name = served[i].name;
    challengers_.emplace(
        options_.experiments, std::move(champions),
        [this](const Deployment& deployment) { return SourceOf(deployment); }, clock_,
        static_cast<std::uint32_t>(seed_));
  }

  [[nodiscard]] Result<std::vector<ServedDeployment>> Named(const SwapReport& report) const {
    std::vector<ServedDeployment> loaded;
    for (const Swap& swap : report.swaps) {
      loaded.push_back({.name = {}, .pipeline = swap.pipeline, .routes = swap.routes});
    }
    return NameDeployments(config_.deployments, std::move(loaded));
  }

  void FailToBoot(const Error& error) {
    log_->critical("boot_failed error={:?}", error.message);
    exit_code_ = kExitBootFailed;
    loop_.stop();
  }

  /// Brings what was published elsewhere to where all workers look; on the loader's thread.
  void FetchNew() {
    if (!options_.server.editions.TakeFetch(clock_.Monotonic())) return;
    std::string failure;
    for (const Deployment& deployment : config_.deployments) {
      if (deployment.model.empty()) continue;
      const Status fetched =
          RefreshVersion(deployment.model, config_.models, model::Effort::kWhatChanged);
      if (!fetched && failure.empty()) failure = fetched.error().message;
    }
    if (failure == fetch_failure_) return;
    fetch_failure_ = failure;
    net::post(loop_, [this, why = std::move(failure)] {
      if (why.empty()) return log_->info("registry_answers");
      log_->warn("registry_fails error={:?} note=\"what was fetched before goes on\"", why);
    });
  }

  /// On the loader's thread.
  void LookForNew() {
    FetchNew();
    if (models_) {
      // Before the swaps, whose places count what comes and goes with these.
      if (std::optional<ModelReport> report = models_->Turn()) {
        net::post(loop_, [this, news = std::move(*report)] { OnModels(news); });
      }
    }
    if (std::optional<SwapReport> report = swapper_.Turn()) {
      net::post(loop_, [this, news = std::move(*report)] { OnNews(news); });
    }
    for (ChallengerNews& news : challengers_->Turn()) {
      net::post(loop_, [this, one = std::move(news)] { OnChallenger(one); });
    }
  }

  void OnLoaded(const Booted& booted, std::chrono::milliseconds took) {
    const Status fit = FitHooks(config_.hooks, booted.deployments, options_.hook_types);
    if (!fit) return FailToBoot(fit.error());
    loaded_ = true;
    service_.catalogue.Serve(booted.deployments);
    for (const ServedDeployment& one : booted.deployments) {
      if (one.pipeline->remote() != nullptr) remotes_.Use(one.name, one.pipeline->remote());
    }
    TakeModels(booted.models);
    for (const ChallengerNews& news : booted.challengers) OnChallenger(news);
    TellWhatServes(booted.report);
    if (draining_) return;
    slot_.SetState(WorkerState::kReady);
    for (const Catalogue::Entry& entry : service_.catalogue.entries()) {
      const ServedPipeline& pipeline = *entry.deployment.pipeline;
      log_->info("deployed name={:?} pipeline={:?} model={:?} version={:?}", entry.deployment.name,
                 pipeline.spec().name, pipeline.model_name(), pipeline.model_version());
    }
    TellReady(took);
    if (!acceptor_) StartAccepting();
    PermitOne();
    Tell({.kind = ControlMessage::Kind::kReady, .value = config_.workers});
  }

  void TellReady(std::chrono::milliseconds took) {
    if (service_.catalogue.entries().empty()) {
      return log_->info("ready models=0 took_ms={}", took.count());
    }
    const ServedPipeline& first = *service_.catalogue.entries().front().deployment.pipeline;
    log_->info("ready pipeline={:?} model={:?} version={:?} took_ms={}", first.spec().name,
               first.model_name(), first.model_version(), took.count());
  }

  /// What was loaded or unloaded by some worker. Between two requests, or slices of them.
  void OnModels(const ModelReport& report) {
    TakeModels(report);
    TellServing();
    for (const ModelTaskResult& result : report.results) {
      if (result.outcome != ModelChange::Outcome::kPending) {
        log_->warn("model_refused error={:?}", result.error.message);
      }
      changes_->OnResult(result);
    }
    for (const WithdrawnModel& model : report.withdrawn) changes_->OnWithdrawn(model);
    ModelList::WorkerProgress& progress = options_.models->progress(options_.start.slot);
    progress.freed.store(report.freed, std::memory_order_release);
    progress.taken.store(report.taken, std::memory_order_release);
    // What was dropped is let go by the loader's thread.
    if (!report.dropped.empty()) loader_.Hurry();
    LookAtModelsSoon();
  }

  void TakeModels(const ModelReport& report) {
    for (const std::string& name : report.dropped) {
      service_.catalogue.Remove(name);
      log_->info("model_unloaded name={:?}", name);
    }
    for (const ModelArrival& model : report.added) {
      service_.catalogue.Add(
          {.name = model.name, .pipeline = model.pipeline, .url = model.url, .is_declared = false});
      log_->info("model_loaded name={:?} url={:?} version={:?}", model.name, model.url,
                 model.pipeline->model_version());
    }
    for (const std::string& problem : report.problems) log_->error("models {}", problem);
  }

  void AskLoader(ModelTask task) {
    models_->Ask(std::move(task));
    loader_.Hurry();
    LookAtModelsSoon();
  }

  /// Again and again while somebody waits for what other workers do, who cannot wake us.
  void LookAtModelsSoon() {
    if (std::exchange(looks_at_models_, true)) return;
    model_looker_.expires_after(kModelLook);
    model_looker_.async_wait([this](const error_code& error) {
      if (error) return;
      looks_at_models_ = false;
      changes_->Look();
      connections_.ResumeWaiting();
      if (changes_->waits()) LookAtModelsSoon();
    });
  }

  /// Between two requests, or slices of them; those in work go on with what they began with.
  void OnNews(const SwapReport& report) {
    for (const Swap& swap : report.swaps) {
      slot_.metrics.Count("swaps");
      service_.catalogue.Replace(swap.source, swap.pipeline, swap.routes);
      TellChampion(service_.catalogue.entries()[swap.source]);
      log_->info("swapped name={:?} model={:?} version={:?} edition={} took_ms={}",
                 service_.catalogue.entries()[swap.source].deployment.name,
                 swap.pipeline->model_name(), swap.pipeline->model_version(), report.edition,
                 swap.took.count());
    }
    for (const SwapFailure& failure : report.failures) {
      slot_.metrics.Count("failed_swaps");
      if (failure.is_known) continue;
      log_->warn("swap_failed name={:?} error={:?}",
                 service_.catalogue.entries()[failure.source].deployment.name,
                 failure.error.message);
    }
    TellWhatServes(report);
  }

  /// Between two requests, or slices of them; those in work go on with what they began with.
  void OnChallenger(const ChallengerNews& news) {
    const Experiment& experiment = news.experiment;
    ExperimentTally& tally = options_.experiments.tally(options_.start.slot, news.place);
    std::shared_ptr<ExperimentLedger>& ledger = ledgers_[news.place];
    if (ledger && ledger->id() != experiment.id) {
      ledger->Close();
      ledger.reset();
    }
    const std::string& deployment = experiment.plan.deployment;
    const bool is_over = news.pipeline && *news.pipeline == nullptr;
    if (is_over) {
      if (!ledger) return;  // another one has its place
      ledger->Close();
      ledger.reset();
      service_.catalogue.SetChallenger(deployment, nullptr);
      return log_->info("challenger_dropped name={:?} experiment={}", deployment, experiment.id);
    }
    if (!ledger) ledger = std::make_shared<ExperimentLedger>(experiment, tally, series_);
    ExperimentReport report{.id = experiment.id};
    if (const Status taken = TakeChallenger(news, ledger, report); !taken) {
      report.failure = taken.error().message;
      service_.catalogue.SetChallenger(deployment, nullptr);
      log_->warn("challenger_refused name={:?} error={:?}", deployment, report.failure);
    }
    tally.Report(report);
  }

  Status TakeChallenger(const ChallengerNews& news, const std::shared_ptr<ExperimentLedger>& ledger,
                        ExperimentReport& report) {
    if (!news.pipeline) return news.pipeline.error();
    const ExperimentPlan& plan = news.experiment.plan;
    const Catalogue::Entry* const entry = service_.catalogue.Named(plan.deployment);
    if (entry == nullptr) return Catalogue::NotReady();
    const ServedPipeline& champion = *entry->deployment.pipeline;
    auto challenger = Challenger::Make(news.experiment, champion, *news.pipeline, ledger);
    if (!challenger) return std::move(challenger).error();
    report.champion = champion.model_version();
    report.champion_place = entry->deployment.url;
    report.challenger = (*challenger)->pipeline().model_version();
    report.challenger_place = PlaceOf(*ChallengerOf({.model = entry->deployment.url}, plan));
    log_->info("challenger_taken name={:?} mode={} share={} version={:?} against={:?}",
               plan.deployment, WordFor(plan.mode), plan.share, report.challenger, report.champion);
    service_.catalogue.SetChallenger(plan.deployment, *std::move(challenger));
    return {};
  }

  /// When a deployment has another version, it is another champion: the experiment was about the
  /// one before, and the master ends it when it hears so.
  void TellChampion(const Catalogue::Entry& entry) {
    if (entry.challenger == nullptr) return;
    const std::uint64_t id = entry.challenger->ledger().id();
    for (std::size_t place = 0; place < ledgers_.size(); ++place) {
      if (!ledgers_[place] || ledgers_[place]->id() != id) continue;
      ExperimentTally& tally = options_.experiments.tally(options_.start.slot, place);
      std::optional<ExperimentReport> report = tally.report();
      if (!report || report->champion == entry.deployment.pipeline->model_version()) return;
      ledgers_[place]->Close();
      report->champion = entry.deployment.pipeline->model_version();
      tally.Report(*report);
      return service_.catalogue.SetChallenger(entry.deployment.name, nullptr);
    }
  }

  /// What is to be scored behind answers has its turn when nothing else is to be done, and then
  /// rests as long as it has worked: whoever comes meanwhile waits for a slice, if at all.
  void ShadowSoon(std::chrono::nanoseconds rest) {
    if (std::exchange(shadows_soon_, true)) return;
    shadow_timer_.expires_after(rest);
    shadow_timer_.async_wait([this](const error_code& error) {
      if (error) return;
      shadows_soon_ = false;
      Shadow();
    });
  }

  void Shadow() {
    if (shadows_.size() == 0) return;
    if (connections_.IsBusy()) return ShadowSoon(kBusyPause);
    const MonotonicTime begun = clock_.Monotonic();
    if (shadows_.Work()) ShadowSoon(clock_.Monotonic() - begun);
  }

  void TellServing() {
    std::string serves;
    for (const Catalogue::Entry& entry : service_.catalogue.entries()) {
      serves += fmt::format("{}{} version {}", serves.empty() ? "" : ", ", entry.deployment.name,
                            entry.deployment.pipeline->model_version());
    }
    slot_.serves.Set(serves);
  }

  void TellWhatServes(const SwapReport& report) {
    TellServing();
    slot_.failure.Set(report.failure);
    slot_.metrics.Set("edition", report.edition);
    oldest_snapshot_ = report.oldest_snapshot;
    TellSnapshotAge();
  }

  void TellSnapshotAge() {
    if (!oldest_snapshot_) return;
    const auto age =
        std::chrono::duration_cast<std::chrono::seconds>(clock_.Now() - *oldest_snapshot_);
    slot_.metrics.Set("snapshot_age_seconds",
                      static_cast<std::uint64_t>(std::max<std::int64_t>(age.count(), 0)));
  }

  void StartAccepting() {
    acceptor_.emplace(
        options_.listeners, slot_.request_started_ns, clock_, [this] { return IsOurTurn(); },
        [this](int listener) {
          net::post(loop_, [this, listener] { OnConnectionWaiting(listener); });
        },
        *log_);
    PermitOne();
    if (admin_) admin_->Open();
  }

  /// On the acceptor's thread.
  [[nodiscard]] bool IsOurTurn() const noexcept {
    const std::uint32_t end = options_.server.slots_end.load(std::memory_order_relaxed);
    return MayTakeNext(options_.slots.first(end), options_.start.slot);
  }

  void OnConnectionWaiting(int listener) {
    permit_out_ = false;
    if (!acceptor_) return;
    // Also when draining: nobody else was told of this one.
    if (!IsForReadyWorkers()) TakeFrom(listener);
    PermitOne();
  }

  bool TakeFrom(int listener) {
    Fd connection = acceptor_->Take(listener);
    if (!connection) return false;
    connections_.Start(std::move(connection));
    return true;
  }

  /// While this worker boots it answers 503, which is for nobody whom another could answer, or
  /// who would rather wait.
  [[nodiscard]] bool IsForReadyWorkers() const {
    return !loaded_ && (config_.wait_while_loading || AnyReady(options_.slots));
  }

  /// At most one connection is on its way here, and only while there is room: a worker whose loop
  /// is busy takes no second one.
  void PermitOne() {
    if (permit_out_ || draining_ || !acceptor_ || IsForReadyWorkers()) return;
    if (connections_.size() >= config_.max_connections) return;
    permit_out_ = true;
    acceptor_->Permit();
  }

  void OnConnectionClosed() {
    if (acceptor_) acceptor_->OnFewer();
    PermitOne();
    StopWhenDrained();
  }

  /// Takes nothing new and ends when what is here has been answered. `stopping`: the whole server
  /// does, so what waits in the backlog is ours to answer, too; else others do that.
  void Drain(std::chrono::milliseconds patience, bool stopping) {
    log_->info("draining connections={} stopping={}", connections_.size(), stopping);
    draining_ = true;
    slot_.SetState(WorkerState::kDraining);
    const auto now = clock_.Monotonic();
    connections_.BeginDrain(now,
                            stopping ? std::min(kStoppingIdle, patience) : config_.idle_timeout,
                            stopping ? now + patience : MonotonicTime::max());
    if (admin_) admin_->Close(now);
    if (!acceptor_) return EndAccepting();
    acceptor_->Stop();
    if (stopping) return SweepBacklog(kSweeps);
    EndAccepting();
  }

  /// Takes what waits in the backlogs, several times over: a handshake that was under way when the
  /// door closed puts its connection there a moment later.
  void SweepBacklog(int times) {
    if (!acceptor_) return;  // it was let go before the server began to stop
    for (const int listener : options_.listeners) {
      while (TakeFrom(listener)) {
      }
    }
    if (times == 1) return EndAccepting();
    sweeper_.expires_after(kSweepPause);
    sweeper_.async_wait([this, times](const error_code& error) {
      if (!error) SweepBacklog(times - 1);
    });
  }

  /// Behind the connection that the acceptor may just have told of, and behind the starts of those
  /// that were taken: until then the end of another one is not the end of the last.
  void EndAccepting() {
    net::post(loop_, [this] {
      acceptor_.reset();
      StopWhenDrained();
    });
  }

  void StopWhenDrained() {
    if (draining_ && !acceptor_ && connections_.size() == 0) loop_.stop();
  }

  const WorkerOptions& options_;
  const ServerConfig& config_;
  WorkerSlot& slot_;
  SeriesWriter series_;
  SystemClock clock_;
  const std::uint64_t seed_ = RandomSeed();
  std::shared_ptr<spdlog::logger> log_;
  net::io_context loop_{1};
  HookChain hooks_;
  const Offer offer_{
      .models = options_.models == nullptr ? Models::kDeclared : WhoLoads(config_),
      .metrics = OfferOf(config_).metrics,
      .watching = options_.admin_listeners.empty() ? Watching::kHere : Watching::kApart,
      .pushes = options_.push_socket < 0 ? Pushes::kNone : Pushes::kTaken,
      .page = PageOf(config_),
      .jobs = options_.job_socket < 0 ? Jobs::kNone : Jobs::kTaken,
      .logins = OfferOf(config_).logins};
  const std::vector<DeployedRoute> routes_ = RoutesOf(config_.deployments, offer_).value();
  const std::vector<Endpoint> endpoints_ = EndpointsWith(routes_, offer_);
  Service service_;
  RemoteModels remotes_{{.loop = loop_,
                         .clock = clock_,
                         .log = *log_,
                         .series = series_,
                         .worker = std::to_string(options_.start.slot)}};
  ShadowQueue shadows_;
  std::optional<Sessions> sessions_ = OpenSessions();  // none: nobody logs in
  Gate gate_;
  const Guards guards_{.gate = gate_,
                       .audit = options_.audit_log,
                       .trusted_proxies = config_.trusted_proxies,
                       .clock = clock_,
                       .worker = options_.start.slot,
                       .is_always_tls = config_.secure_cookies == SecureCookies::kAlways};
  Router router_;
  std::optional<PushWindow> pushes_;          // before those that wait for it
  std::optional<JobWindow> jobs_;             // likewise
  std::optional<PasswordChecker> passwords_;  // likewise
  Connections connections_;
  net::steady_timer ticker_;
  net::steady_timer orphaned_;
  net::steady_timer sweeper_;
  net::signal_set signals_;
  net::posix::stream_descriptor control_;
  const std::uint64_t
      first_request_;  // the slot had other workers before (invariant 3 of WorkerSlot)
  const std::uint64_t recycle_after_;
  std::optional<Acceptor> acceptor_;
  std::optional<AdminDoor> admin_;
  Swapper swapper_;                         // used by the loader's thread alone
  std::string fetch_failure_;               // likewise; empty: what is elsewhere was fetched
  std::optional<LoadedModels> models_;      // likewise, but for what is asked of it
  std::optional<Challengers> challengers_;  // likewise
  std::optional<ModelChanges> changes_;
  /// By place in the list, of the experiments that the loop knows.
  std::array<std::shared_ptr<ExperimentLedger>, ExperimentList::kMost> ledgers_{};
  net::steady_timer model_looker_;
  bool looks_at_models_ = false;
  net::steady_timer shadow_timer_;
  bool shadows_soon_ = false;
  LoaderThread loader_;
  PageDesk page_{[this] { net::post(loop_, [this] { ResumeWaiting(); }); }};
  std::optional<Instant> oldest_snapshot_;
  LogLimiter lost_lines_limiter_;
  std::uint64_t lost_lines_ = 0;
  LogLimiter lost_audits_limiter_;
  std::uint64_t lost_audits_ = 0;
  bool permit_out_ = false;
  bool draining_ = false;
  bool asked_recycling_ = false;
  bool loaded_ = false;
  int exit_code_ = kExitOk;
};

}  // namespace

int RunWorker(const WorkerOptions& options) { return Worker(options).Run(); }

}  // namespace forkcast::serving
