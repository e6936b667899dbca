#include "serving/worker/worker.hpp"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/fd.hpp"
#include "serving/endpoints/invocations.hpp"
#include "serving/endpoints/loaded_pipeline.hpp"
#include "serving/hooks/hook_chain.hpp"
#include "serving/http/acceptor.hpp"
#include "serving/http/connections.hpp"
#include "serving/http/router.hpp"
#include "serving/process/process_log.hpp"

namespace forkcast::serving {
namespace {

namespace net = boost::asio;
using boost::system::error_code;

constexpr std::chrono::milliseconds kTick{500};
constexpr std::chrono::milliseconds kOrphanGrace{800};

std::uint64_t RandomSeed() {
  std::uint64_t seed = 0;
  // Reads of up to 256 bytes are never interrupted and never short once the pool is ready.
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) {
    seed = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) ^
           static_cast<std::uint64_t>(::getpid());
  }
  return seed;
}

/// One worker's life: boot, serve, drain. Everything runs on the loop but the loading of the
/// pipeline and the accepting of connections, which hand over by posting to it.
class Worker {
 public:
  explicit Worker(const WorkerOptions& options)
      : options_(options),
        config_(options.config),
        slot_(options.slots[options.index]),
        log_(MakeProcessLog("worker=" + std::to_string(options.index), config_.log_level)),
        hooks_(config_.hooks,
               {.log = *log_, .slot = slot_, .clock = clock_, .capture_socket = options.capture_socket}),
        router_(options.slots, slot_, *log_, RandomSeed()),
        connections_(loop_, router_, slot_,
                     {.limits = {.max_header_bytes = config_.max_header_bytes,
                                 .max_body_bytes = config_.max_body_bytes},
                      .timeout = config_.timeout,
                      .idle_timeout = config_.idle_timeout},
                     [this] { OnConnectionClosed(); }),
        ticker_(loop_),
        signals_(loop_),
        control_(loop_) {}

  int Run() {
    SetState(WorkerState::kBooting);
    WatchSignals();
    WatchMaster();
    Tick();
    if (options_.accept_while_booting) StartAccepting();
    loader_ = std::thread([this] { Load(); });
    loop_.run();
    loader_.join();
    return exit_code_;
  }

 private:
  void SetState(WorkerState state) noexcept {
    slot_.state.store(static_cast<std::uint32_t>(state), std::memory_order_release);
  }

  void WatchSignals() {
    error_code ignored;
    signals_.add(SIGTERM, ignored);
    signals_.async_wait([this](const error_code& error, int) {
      if (!error) BeginDrain();
    });
    // Only now: a TERM that came before was kept pending, not lost.
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_UNBLOCK, &all, nullptr);
  }

  void WatchMaster() {
    control_.assign(options_.control_fd);
    control_.async_wait(net::posix::stream_descriptor::wait_read, [this](const error_code& error) {
      if (error) return;
      log_->error("master_gone");
      BeginDrain();
      orphaned_.emplace(loop_, kOrphanGrace);
      orphaned_->async_wait([this](const error_code&) { loop_.stop(); });
    });
  }

  void Tick() {
    const auto now = clock_.Monotonic();
    slot_.heartbeat_ns.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    connections_.Tick(now);
    ticker_.expires_after(kTick);
    ticker_.async_wait([this](const error_code& error) {
      if (!error) Tick();
    });
  }

  /// On the loader's thread.
  void Load() {
    const auto begun = clock_.Monotonic();
    auto loaded = LoadedPipeline::Load(config_.pipeline, config_.snapshots);
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(clock_.Monotonic() - begun);
    net::post(loop_, [this, took, result = std::move(loaded)]() mutable {
      if (result) {
        OnLoaded(std::move(*result), took);
      } else {
        log_->critical("boot_failed error={:?}", result.error().message);
        exit_code_ = kExitBootFailed;
        loop_.stop();
      }
    });
  }

  void OnLoaded(std::unique_ptr<LoadedPipeline> pipeline, std::chrono::milliseconds took) {
    pipeline_ = std::move(pipeline);
    invocations_.emplace(*pipeline_, hooks_, clock_,
                         wire::DecoderLimits{.max_rows = config_.max_rows});
    router_.Use(&*invocations_);
    if (draining_) return;
    SetState(WorkerState::kReady);
    log_->info("ready pipeline={:?} model={:?} version={:?} took_ms={}", pipeline_->spec().name,
               pipeline_->model().name(), pipeline_->model().version(), took.count());
    if (!acceptor_) StartAccepting();
    // The master may be gone; then the end of file says so.
    [[maybe_unused]] const ssize_t written = ::write(control_.native_handle(), &kWorkerReady, 1);
  }

  void StartAccepting() {
    acceptor_.emplace(
        options_.listeners,
        [this](Fd connection) {
          net::post(loop_, [this, fd = std::move(connection)]() mutable {
            permit_out_ = false;
            connections_.Start(std::move(fd));
            PermitOne();
          });
        },
        *log_);
    PermitOne();
  }

  /// At most one connection is on its way from the acceptor, and only while there is room: a worker
  /// whose loop is busy takes no second one.
  void PermitOne() {
    if (permit_out_ || draining_ || !acceptor_) return;
    if (connections_.size() >= config_.max_connections) return;
    permit_out_ = true;
    acceptor_->Permit();
  }

  void OnConnectionClosed() {
    PermitOne();
    StopWhenDrained();
  }

  void BeginDrain() {
    if (draining_) return;
    draining_ = true;
    SetState(WorkerState::kDraining);
    log_->info("draining connections={}", connections_.size());
    if (acceptor_) acceptor_->TakeBacklogAndStop();
    connections_.BeginDrain(clock_.Monotonic());
    // Behind the connections that the acceptor has just posted.
    net::post(loop_, [this] { StopWhenDrained(); });
  }

  void StopWhenDrained() {
    if (draining_ && connections_.size() == 0) loop_.stop();
  }

  const WorkerOptions& options_;
  const ServerConfig& config_;
  WorkerSlot& slot_;
  SystemClock clock_;
  std::shared_ptr<spdlog::logger> log_;
  net::io_context loop_{1};
  HookChain hooks_;
  Router router_;
  std::unique_ptr<LoadedPipeline> pipeline_;
  std::optional<Invocations> invocations_;
  Connections connections_;
  net::steady_timer ticker_;
  std::optional<net::steady_timer> orphaned_;
  net::signal_set signals_;
  net::posix::stream_descriptor control_;
  std::optional<Acceptor> acceptor_;
  std::thread loader_;
  bool permit_out_ = false;
  bool draining_ = false;
  int exit_code_ = kExitOk;
};

}  // namespace

int RunWorker(const WorkerOptions& options) {
  // Terminals and supervisors signal whole groups; what is meant for the master is not for us.
  for (const int ignored :
       {SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGWINCH, SIGPIPE}) {
    ::signal(ignored, SIG_IGN);
  }
  return Worker(options).Run();
}

}  // namespace forkcast::serving
