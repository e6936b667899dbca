#include "client/replay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/verb.hpp>
#include <csignal>
#include <cstdint>
#include <exception>
#include <memory>

#include "client/answer_ledger.hpp"
#include "client/connection.hpp"
#include "client/expectation.hpp"
#include "client/latencies.hpp"
#include "client/reorder_window.hpp"
#include "client/result_file.hpp"
#include "client/row_requests.hpp"
#include "client/send_schedule.hpp"

namespace forkcast::client {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kUserAgent = "forkcast-client";
constexpr milliseconds kPingPause{100};
constexpr milliseconds kPingTimeout{2000};
constexpr milliseconds kStopGrace{2000};
constexpr milliseconds kTick{200};
/// Results held back for one that is late; beyond it, nothing more is sent until that one came.
constexpr std::size_t kMaxHeldBytes = std::size_t{64} << 20;

class Replay {
 public:
  Replay(const ReplayOptions& options, const RetryRules& retry_rules, const std::string& run_id,
         Progress& progress)
      : options_(options),
        retry_rules_(retry_rules),
        run_id_(run_id),
        progress_(progress),
        ledger_(options.count_by) {
    window_opened_.expires_at(Clock::time_point::max());
  }

  ReplayReport Run();

 private:
  /// One connection and what its loop waits with.
  struct Sender {
    Sender(asio::io_context& io, const std::vector<Protocol::endpoint>& endpoints)
        : connection(io.get_executor(), endpoints), pause(io) {}

    Connection connection;
    asio::steady_timer pause;
    RowRequest rows;  // memory kept from request to request
  };

  Status OpenFiles();
  asio::awaitable<void> Supervise();
  asio::awaitable<bool> WaitUntilReady();
  asio::awaitable<void> SendRows(Sender& sender);
  /// Waits until the next request may and should be sent; when it was due.
  asio::awaitable<Clock::time_point> NextDue(Sender& sender);
  asio::awaitable<TryResult> SendWithRetries(Sender& sender, HttpRequest& request);
  asio::awaitable<void> Sleep(asio::steady_timer& timer, Clock::time_point until);
  bool TakeRows(RowRequest& rows);
  void Finish(std::size_t number, const RowRequest& rows, const TryResult& result);
  void TakeInOrder(const std::string& lines);
  void CountFailures(const TryResult& result);
  asio::awaitable<void> HandleSignals();
  asio::awaitable<void> Tick();
  void End(ReplayEnd end, const std::string& problem);
  void StopSending();
  /// StopSending(), and what is under way then has only so long.
  void StopSoon();
  void AbortAll();
  void StopHelpers();
  void Spawn(asio::awaitable<void> loop);
  [[nodiscard]] HttpRequest MakeRequest(http::verb verb, const std::string& target) const;
  [[nodiscard]] ReplayReport Report();

  const ReplayOptions& options_;
  const RetryRules& retry_rules_;
  const std::string& run_id_;
  Progress& progress_;

  asio::io_context io_{1};
  asio::signal_set signals_{io_, SIGINT, SIGTERM};
  asio::steady_timer tick_{io_};
  asio::steady_timer grace_{io_};
  asio::steady_timer window_opened_{io_};  // never fires; cancelled to wake all that wait for it
  std::vector<Protocol::endpoint> endpoints_;
  std::vector<std::unique_ptr<Sender>> senders_;
  std::size_t active_senders_ = 0;
  bool stopped_ = false;  // nothing more is to be sent

  std::optional<RowRequests> requests_;
  std::optional<ResultFile> out_;
  std::optional<Expectation> expectation_;
  AnswerLedger ledger_;
  ReorderWindow window_;
  Latencies latencies_;
  std::optional<SendSchedule> schedule_;
  std::size_t due_requests_ = 0;    // places in the schedule that were given out
  std::size_t taken_requests_ = 0;  // numbers in the order of the input
  std::size_t next_row_ = 0;        // of the input
  std::size_t retried_ = 0;
  std::size_t unanswered_in_a_row_ = 0;
  Clock::time_point started_{};
  Clock::time_point ended_{};
  ReplayEnd end_ = ReplayEnd::kDone;
  std::string problem_;
  int signal_ = 0;
};

ReplayReport Replay::Run() {
  const Status opened = OpenFiles();
  if (!opened) return Report();
  Spawn(HandleSignals());
  Spawn(Supervise());
  io_.run();
  progress_.Finish();
  if (expectation_ && end_ == ReplayEnd::kDone) expectation_->Finish();
  if (out_) {
    const Status closed = out_->Close();
    // A write that failed before has already been told.
    if (!closed && end_ != ReplayEnd::kUnwritable) {
      End(ReplayEnd::kUnwritable, closed.error().message);
    }
  }
  return Report();
}

Status Replay::OpenFiles() {
  const auto fail = [&](ReplayEnd end, const Error& error) {
    End(end, error.message);
    return error;
  };
  // Read once before anything is sent: a bad line at the end of a long file should not be found
  // half-way through, and the progress has an end to count to.
  const Result<std::optional<std::size_t>> rows = CountRows(options_.orders, options_.csv);
  if (!rows) return fail(ReplayEnd::kUnreadable, rows.error());
  progress_.SetTotal(*rows);
  Result<RowRequests> requests =
      RowRequests::Open(options_.orders, {.format = options_.format,
                                          .rows_per_request = options_.batch,
                                          .read = options_.csv,
                                          .sent = options_.send_csv});
  if (!requests) return fail(ReplayEnd::kUnreadable, requests.error());
  requests_.emplace(*std::move(requests));
  if (options_.expect) {
    Result<Expectation> expectation = Expectation::Open(*options_.expect);
    if (!expectation) return fail(ReplayEnd::kUnreadable, expectation.error());
    expectation_.emplace(*std::move(expectation));
  }
  if (options_.out) {
    Result<ResultFile> out = ResultFile::Create(*options_.out);
    if (!out) return fail(ReplayEnd::kUnwritable, out.error());
    out_.emplace(*std::move(out));
  }
  return {};
}

void Replay::Spawn(asio::awaitable<void> loop) {
  asio::co_spawn(io_, std::move(loop), [](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);  // out of io_context::run()
  });
}

asio::awaitable<void> Replay::Supervise() {
  const bool ready = co_await WaitUntilReady();
  if (!ready || stopped_) {
    StopHelpers();
    co_return;
  }
  started_ = Clock::now();
  if (options_.rate) schedule_.emplace(started_, *options_.rate);
  Spawn(Tick());
  active_senders_ = options_.concurrency;
  for (std::size_t i = 0; i < options_.concurrency; ++i) {
    senders_.push_back(std::make_unique<Sender>(io_, endpoints_));
    Spawn(SendRows(*senders_.back()));
  }
}

asio::awaitable<bool> Replay::WaitUntilReady() {
  const Clock::time_point deadline = Clock::now() + options_.wait;
  Connection connection(io_.get_executor(), endpoints_);
  HttpRequest ping = MakeRequest(http::verb::get, "/ping");
  std::string last;
  asio::steady_timer pause(io_);
  while (true) {
    // A name may come to be known while we wait, as that of a container does.
    if (endpoints_.empty()) endpoints_ = co_await Resolve(options_.url, last);
    if (!endpoints_.empty()) {
      const TryResult result = co_await connection.Send(ping, kPingTimeout);
      if (result.end == TryEnd::kAnswered && result.status == 200) co_return true;
      last = result.end == TryEnd::kAnswered ? fmt::format("status {}", result.status)
                                             : result.message;
    }
    if (stopped_) co_return false;
    if (Clock::now() >= deadline) break;
    co_await Sleep(pause, std::min(deadline, Clock::now() + kPingPause));
    if (stopped_) co_return false;
  }
  End(ReplayEnd::kNeverReady,
      fmt::format("{}: GET /ping did not answer 200 within {} s (last: {})", options_.url.Address(),
                  std::chrono::duration<double>(options_.wait).count(), last));
  co_return false;
}

asio::awaitable<void> Replay::SendRows(Sender& sender) {
  HttpRequest request = MakeRequest(http::verb::post, AskingForPartialAnswers(options_.url.target));
  const std::string_view content_type = wire::MediaType(options_.format);
  request.set(http::field::content_type, content_type);
  request.set(http::field::accept, wire::MediaType(wire::Format::kJsonLines));
  if (!options_.token.empty()) {
    request.set(http::field::authorization, fmt::format("Bearer {}", options_.token));
  }
  while (true) {
    const Clock::time_point due = co_await NextDue(sender);
    if (stopped_ || !TakeRows(sender.rows)) break;
    const std::size_t number = taken_requests_++;
    request.set("X-Request-Id", fmt::format("{}-{}", run_id_, sender.rows.first_row));
    request.body() = {sender.rows.body.data(), sender.rows.body.size()};
    request.prepare_payload();
    const TryResult result = co_await SendWithRetries(sender, request);
    latencies_.Add(Clock::now() - due);
    Finish(number, sender.rows, result);
  }
  if (--active_senders_ == 0) {
    ended_ = Clock::now();
    StopHelpers();
  }
}

asio::awaitable<Clock::time_point> Replay::NextDue(Sender& sender) {
  Clock::time_point due{};
  if (schedule_) {
    due = schedule_->Due(due_requests_++);
    if (!stopped_) co_await Sleep(sender.pause, due);
  }
  while (window_.held_bytes() > kMaxHeldBytes && !stopped_) {
    error_code woken;
    co_await window_opened_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }
  co_return schedule_ ? due : Clock::now();
}

asio::awaitable<TryResult> Replay::SendWithRetries(Sender& sender, HttpRequest& request) {
  for (int tries = 1;; ++tries) {
    TryResult result = co_await sender.connection.Send(request, options_.timeout);
    const std::optional<milliseconds> delay = RetryDelay(retry_rules_, result, tries);
    if (!delay || stopped_) co_return result;
    if (*delay > milliseconds{0}) co_await Sleep(sender.pause, Clock::now() + *delay);
    if (stopped_) co_return result;
    ++retried_;
  }
}

asio::awaitable<void> Replay::Sleep(asio::steady_timer& timer, Clock::time_point until) {
  if (until <= Clock::now()) co_return;
  timer.expires_at(until);
  error_code woken;  // by StopSending(), which the caller looks for
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

bool Replay::TakeRows(RowRequest& rows) {
  const Result<bool> taken = requests_->Next(rows);
  if (!taken) {
    End(ReplayEnd::kUnreadable, taken.error().message);
    StopSending();
    return false;
  }
  if (*taken) next_row_ = rows.first_row + rows.rows;
  return *taken;
}

void Replay::Finish(std::size_t number, const RowRequest& rows, const TryResult& result) {
  const bool was_full = window_.held_bytes() > kMaxHeldBytes;
  window_.Put(number, ledger_.Enter(rows.first_row, rows.rows, result),
              [this](const std::string& lines) { TakeInOrder(lines); });
  if (was_full && window_.held_bytes() <= kMaxHeldBytes) window_opened_.cancel();
  progress_.Update(ledger_.answered() + ledger_.failed(), Clock::now() - started_);
  CountFailures(result);
}

void Replay::CountFailures(const TryResult& result) {
  constexpr unsigned kLeastOfServerErrors = 500;
  const bool is_answered = result.end == TryEnd::kAnswered && result.status < kLeastOfServerErrors;
  unanswered_in_a_row_ = is_answered ? 0 : unanswered_in_a_row_ + 1;
  const bool is_over = options_.max_failures > 0 && unanswered_in_a_row_ >= options_.max_failures;
  if (!is_over || stopped_) return;
  End(ReplayEnd::kGaveUp,
      fmt::format(
          "gave up: {} requests in a row got no answer from {} (the last: {}); the rows from "
          "{} on were not sent (--max-failures)",
          unanswered_in_a_row_, options_.url.Address(),
          result.end == TryEnd::kAnswered ? fmt::format("status {}", result.status)
                                          : result.message,
          next_row_));
  StopSoon();
}

void Replay::TakeInOrder(const std::string& lines) {
  if (expectation_) {
    for (std::string_view rest = lines; !rest.empty();) {
      const std::size_t size = rest.find('\n');
      expectation_->Compare(rest.substr(0, size));
      rest.remove_prefix(size + 1);
    }
  }
  if (!out_ || end_ == ReplayEnd::kUnwritable) return;
  const Status written = out_->Append(lines);
  if (!written) {
    End(ReplayEnd::kUnwritable, written.error().message);
    StopSending();
  }
}

asio::awaitable<void> Replay::HandleSignals() {
  for (int received = 0;; ++received) {
    error_code cancelled;
    const int signal =
        co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    if (cancelled) co_return;
    if (received == 0) {
      signal_ = signal;
      End(ReplayEnd::kInterrupted,
          fmt::format("ended by {}", signal == SIGINT ? "SIGINT" : "SIGTERM"));
      StopSoon();
    } else {
      AbortAll();
    }
  }
}

asio::awaitable<void> Replay::Tick() {
  while (active_senders_ > 0) {
    error_code cancelled;
    tick_.expires_after(kTick);
    co_await tick_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    if (cancelled) co_return;
    // So that the bar moves while answers are late, and a slow replay's results can be followed.
    progress_.Update(ledger_.answered() + ledger_.failed(), Clock::now() - started_);
    if (!out_ || end_ == ReplayEnd::kUnwritable) continue;
    const Status written = out_->Flush();
    if (!written) {
      End(ReplayEnd::kUnwritable, written.error().message);
      StopSending();
    }
  }
}

void Replay::End(ReplayEnd end, const std::string& problem) {
  // A result that could not be written outweighs the wish to stop; else the first reason counts.
  if (end_ != ReplayEnd::kDone && end != ReplayEnd::kUnwritable) return;
  end_ = end;
  problem_ = problem;
}

void Replay::StopSending() {
  stopped_ = true;
  for (const auto& sender : senders_) sender->pause.cancel();
  window_opened_.cancel();
}

void Replay::StopSoon() {
  StopSending();
  grace_.expires_after(kStopGrace);
  grace_.async_wait([this](error_code stopped_before) {
    if (!stopped_before) AbortAll();
  });
}

void Replay::AbortAll() {
  for (const auto& sender : senders_) sender->connection.Abort();
}

void Replay::StopHelpers() {
  signals_.cancel();
  tick_.cancel();
  grace_.cancel();
}

HttpRequest Replay::MakeRequest(http::verb verb, const std::string& target) const {
  HttpRequest request(verb, target, 11);
  request.set(http::field::host, options_.url.HostHeader());
  request.set(http::field::user_agent, kUserAgent);
  return request;
}

ReplayReport Replay::Report() {
  ReplayReport report;
  report.end = end_;
  report.problem = problem_;
  report.signal = signal_;
  report.answered = ledger_.answered();
  report.failed = ledger_.failed();
  report.rows = report.answered + report.failed;
  report.requests = latencies_.count();
  report.retried = retried_;
  report.elapsed = ended_ - started_;
  if (latencies_.count() > 0) {
    report.latency = {.p50 = latencies_.Quantile(0.5),
                      .p90 = latencies_.Quantile(0.9),
                      .p99 = latencies_.Quantile(0.99),
                      .p999 = latencies_.Quantile(0.999),
                      .max = latencies_.Quantile(1)};
  }
  report.count_by = options_.count_by;
  report.counts = ledger_.counts().Entries();
  report.first_failures = ledger_.first_failures();
  if (expectation_) {
    report.expectation = {.compared = expectation_->compared(),
                          .different = expectation_->different(),
                          .first_differences = expectation_->first_differences()};
  }
  return report;
}

}  // namespace

ReplayReport RunReplay(const ReplayOptions& options, const RetryRules& retry_rules,
                       const std::string& run_id, Progress& progress) {
  return Replay(options, retry_rules, run_id, progress).Run();
}

}  // namespace forkcast::client
