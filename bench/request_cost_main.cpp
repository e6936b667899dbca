// request-cost COUNT PATH BODIES [flags of forkcast serve]: answers COUNT requests in this process,
// the way a connection does, but without sockets. Prints nothing: it is for programs that count
// what another one does. The difference between two counts is what their requests cost.
//
// PATH: /ping or /invocations. BODIES: a file with one JSON body a line, or - for GET. The variable
// REQUEST_COST_TOKEN is what each request shows. Ends with 77 in a build whose counts would mean
// nothing: not optimised, or with a sanitizer.

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "request_set.hpp"
#include "serving/access/gate.hpp"
#include "serving/capture/capture_channel.hpp"
#include "serving/config/settings.hpp"
#include "serving/endpoints/endpoint_table.hpp"
#include "serving/hooks/hook_chain.hpp"
#include "serving/http/guarded_job.hpp"
#include "serving/http/request_reader.hpp"
#include "serving/http/response.hpp"
#include "serving/http/router.hpp"
#include "serving/process/log_output.hpp"
#include "serving/process/process_log.hpp"
#include "serving/process/worker_slot.hpp"
#include "serving/service/load_deployments.hpp"
#include "serving/service/service.hpp"

namespace {

using namespace forkcast;
using namespace forkcast::serving;

constexpr int kUsage = 2;
constexpr int kMeaningless = 77;  // "skipped", for CTest
constexpr std::size_t kRequestsBetweenReceipts = 64;

#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
constexpr bool kIsMeaningful = true;
#else
constexpr bool kIsMeaningful = false;
#endif

template <typename T>
T OrThrow(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

/// A microsecond passes with each look at it, however long the machine was busy with something
/// else: what is said of slow requests, say, would be counted in one run and not in the next. The
/// system's clock is read all the same, since that is part of what a request costs.
class EvenClock final : public Clock {
 public:
  [[nodiscard]] Instant Now() const noexcept override { return system_.Now(); }
  [[nodiscard]] MonotonicTime Monotonic() const noexcept override {
    static_cast<void>(system_.Monotonic());
    return now_ += std::chrono::microseconds(1);
  }

 private:
  SystemClock system_;
  mutable MonotonicTime now_{std::chrono::hours(1)};
};

/// A worker without its loop: what a request passes between two system calls.
class Path {
 public:
  explicit Path(const ServerConfig& config)
      : config_(config),
        log_(MakeProcessLog("request-cost", config.log_level, log_output_)),
        hooks_(config.hooks, {.log = *log_,
                              .slot = slot_,
                              .clock = clock_,
                              .capture_socket = capture_.first.get(),
                              .series = &series_}),
        service_{.hooks = hooks_,
                 .clock = clock_,
                 .log = *log_,
                 .server = server_,
                 .slots = {&slot_, 1},
                 .slot = slot_,
                 .series = series_,
                 .counts = {},
                 .max_body_bytes = config.max_body_bytes,
                 .limits = {.max_rows = config.max_rows}},
        gate_({.tokens = config.tokens, .locked = config.locked}, clock_, *log_),
        router_(Endpoints(), service_, slot_, series_, *log_, /*seed=*/1, {}, &guards_),
        reader_(
            {.max_header_bytes = config.max_header_bytes, .max_body_bytes = config.max_body_bytes},
            clock_),
        recorder_(capture_.second.get()) {
    service_.catalogue.Serve(OrThrow(LoadDeployments(config.deployments, config.models)));
    slot_.SetState(WorkerState::kReady);
    exchange_.SetPeer({.address = "127.0.0.1", .reader = &reader_});
  }

  void Answer(std::string_view request) {
    while (reader_.Parse() != RequestReader::Progress::kRequest) {
      if (request.empty()) throw std::runtime_error("the request is not whole");
      const auto room = reader_.Prepare();
      const std::size_t taken = std::min(request.size(), room.size());
      std::memcpy(room.data(), request.data(), taken);
      reader_.Commit(taken);
      request.remove_prefix(taken);
    }
    reader_.request().whole = reader_.request().started;
    reader_.request().deadline = reader_.request().started + config_.timeout;
    response_.Clear();
    Progress progress = router_.Start(reader_.request(), response_, exchange_);
    while (progress != Progress::kDone) progress = router_.Continue(exchange_);
    WriteHead(response_, {.date = "Mon, 01 Jan 2024 00:00:00 GMT"}, head_);
    if (response_.status != 200) throw std::runtime_error("not answered by 200: " + head_);
    reader_.Next();
  }

  /// In place of the recorder, so that captures are sent and not dropped.
  void ReceiveCaptures() {
    while (recorder_.Receive() == CaptureReceiver::Outcome::kMessage) {
    }
  }

 private:
  const ServerConfig& config_;
  EvenClock clock_;
  LogLosses log_losses_;
  LogOutput log_output_ = LogOutput::OfStandard(STDERR_FILENO, log_losses_);
  std::shared_ptr<spdlog::logger> log_;
  WorkerSlot slot_;
  std::unique_ptr<SeriesBlock> series_block_ = std::make_unique<SeriesBlock>();
  SeriesWriter series_{*series_block_};
  ServerState server_;
  std::pair<Fd, Fd> capture_ = MakeCaptureSockets();
  HookChain hooks_;
  Service service_;
  Gate gate_;
  const Guards guards_{.gate = gate_, .trusted_proxies = config_.trusted_proxies, .clock = clock_};
  Router router_;
  RequestReader reader_;
  Response response_;
  Exchange exchange_;
  std::string head_;
  CaptureReceiver recorder_;
};

int Run(const std::vector<std::string>& arguments) {
  if (!kIsMeaningful) {
    std::cerr
        << "request-cost: this build is not optimised or has a sanitizer: nothing to count here\n";
    return kMeaningless;
  }
  std::size_t count = 0;
  if (arguments.size() < 3 ||
      std::from_chars(arguments[0].data(), arguments[0].data() + arguments[0].size(), count).ec !=
          std::errc{}) {
    std::cerr << "usage: request-cost COUNT PATH BODIES [flags of forkcast serve]\n";
    return kUsage;
  }
  const auto flags =
      OrThrow(preprocessing::ParseWords(ServeFlags(), {arguments.begin() + 3, arguments.end()}));
  const auto settings = OrThrow(ReadServerSettings(flags.flags, ProcessEnvironment));
  const char* const token = std::getenv("REQUEST_COST_TOKEN");
  const auto requests = bench::MakeRequests({.path = arguments[1],
                                             .bodies = arguments[2] == "-" ? "" : arguments[2],
                                             .token = token == nullptr ? "" : token});
  Path path(settings.config);
  for (std::size_t i = 0; i < count; ++i) {
    path.Answer(requests[i % requests.size()]);
    if (i % kRequestsBetweenReceipts == 0) path.ReceiveCaptures();
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run({argv + std::min(argc, 1), argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "request-cost: " << error.what() << '\n';
    return 1;
  }
}
