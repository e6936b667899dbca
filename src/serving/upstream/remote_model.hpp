#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/log_limiter.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/value.hpp"
#include "serving/metrics/series.hpp"
#include "serving/upstream/batch_queue.hpp"
#include "serving/upstream/circuit_breaker.hpp"
#include "serving/upstream/inference_message.hpp"
#include "serving/upstream/pending_scores.hpp"
#include "serving/upstream/remote_binding.hpp"
#include "serving/upstream/remote_plan.hpp"
#include "serving/upstream/upstream_connection.hpp"

namespace boost::asio {
class io_context;
}
namespace spdlog {
class logger;
}

namespace forkcast::serving {

/// A model that runs in other servers, as one worker asks it. Rows of several requests are sent
/// together (BatchQueue), over kept connections, to the address that has the least to do; where one
/// fails another is tried; one that keeps failing is left alone (CircuitBreaker) and asked what it
/// is before it is asked anything else again, so that what has come back with another model is
/// found. For the worker's loop alone.
///
///     Ask() -> queue_ --Dispatch()--> Line (a connection and the batch that is on it)
///                 ^                      | answered: the requests are woken
///                 '-- retries_ <---------' failed: to another address, or an error for each
class RemoteModel {
 public:
  struct Context {
    boost::asio::io_context& loop;
    const Clock& clock;
    spdlog::logger& log;
    SeriesWriter& series;
    std::string worker{};  ///< Its number, for metrics.
  };

  /// `deployment`: for logs and metrics. What `context` refers to outlives it.
  RemoteModel(std::string deployment, std::shared_ptr<const RemotePlan> plan,
              const Context& context);
  RemoteModel(const RemoteModel&) = delete;
  RemoteModel& operator=(const RemoteModel&) = delete;
  ~RemoteModel();

  /// Whether any address can be asked now. kNotReady before the first has said what it is,
  /// kRemoteFailed when all are left alone; both say why.
  [[nodiscard]] Status CheckReady() const;

  /// Sends the rows on their way. As CheckReady(); kOverloaded when too many are on theirs.
  /// Precondition: values as WriteInferenceRequest() takes them; at least one row.
  [[nodiscard]] Result<std::unique_ptr<PendingScores>> Ask(const RemoteQuestion& question);

 private:
  struct Call;
  class Pending;

  /// Rows of one call that are sent together.
  struct Piece {
    std::shared_ptr<Call> call;
    std::size_t first = 0;
    std::size_t count = 0;
    MonotonicTime asked;

    [[nodiscard]] std::size_t rows() const noexcept { return count; }
    [[nodiscard]] MonotonicTime since() const noexcept { return asked; }
    [[nodiscard]] bool is_dead() const noexcept;
  };
  using Batch = BatchQueue<Piece>::Batch;
  /// One that failed, and is to be tried again.
  struct Retry {
    Batch batch;
    std::vector<bool> tried;   // by address
    std::size_t attempts = 0;  // so far
    std::size_t stale = 0;     // connections that had been closed
  };
  struct Line {
    std::shared_ptr<UpstreamConnection> connection;
    bool is_busy = false;
    Retry work{};
    std::shared_ptr<const RemoteBinding> binding{};  ///< By which it was written.
    std::string id{};
    std::size_t rows = 0;
    MonotonicTime sent;
    MonotonicTime due;
    bool is_fair = true;  ///< The server has had its share of the requests' time by `due`.
  };
  struct Address {
    RemoteAddress where;
    CircuitBreaker breaker;
    std::shared_ptr<const RemoteBinding> binding{};  // null: it has not said what it is
    std::vector<Line> lines{};
    std::size_t busy = 0;
    std::shared_ptr<UpstreamConnection> check{};  // while it is asked what it is
    MonotonicTime check_due{};
    std::string problem{};  // the last one
    std::string told{};     // the one in the log since it was ready there; empty: none
    bool has_been_ready = false;
    LogLimiter changes{};
    SeriesCounter answered{}, refused{}, failed{}, late{};
    SeriesGauge state{};
  };

  [[nodiscard]] bool CanBeAsked(const Address& address) const noexcept {
    return address.binding != nullptr && address.breaker.state() == CircuitBreaker::State::kClosed;
  }

  /// Why a batch got no answer.
  struct Failure {
    std::string why;
    ErrorCode code = ErrorCode::kRemoteFailed;
    bool was_stale = false;
  };

  void BeginCheck(Address& address);
  void OnChecked(Address& address, Result<RemoteBinding> binding);
  void LeaveAlone(Address& address, std::string problem);
  /// In the log: once while it stays so, and not all the time where it comes and goes.
  void TellLeftAlone(Address& address, MonotonicTime now);
  void TellState(Address& address) const;

  /// Soon: what else the loop has at hand may have rows, too.
  void DispatchSoon();
  void Dispatch();
  void DispatchRetries();
  /// Where to send next; null where all are busy. `tried`: addresses that will not do; empty: none.
  Line* FreeLine(const std::vector<bool>& tried, Address*& its_address);
  void Send(Address& address, Line& line, Retry work);
  void OnOutcome(Address& address, Line& line, const UpstreamConnection::Outcome& outcome);
  void OnAnswer(Address& address, Line& line);
  void OnRefusal(Address& address, Line& line, std::string_view why, bool may_be_of_one);
  void OnFailure(Address& address, Line& line, const Failure& failure);
  void RetryOrFail(Address& address, Retry work, const Error& error);
  /// The batch that was on it, which is free now.
  static Retry Free(Address& address, Line& line);
  void LogFailure(const Error& error, MonotonicTime now);
  static void FailAll(const Batch& batch, const Error& error);
  [[nodiscard]] Error Failed(const Address& address, std::string_view why,
                             ErrorCode code = ErrorCode::kRemoteFailed) const;
  [[nodiscard]] Error NobodyToAsk() const;

  void OnTimer();
  void ExpireWaiting(MonotonicTime now);
  void ExpireSent(MonotonicTime now);
  void ExpireChecks(MonotonicTime now);
  /// Sees to it that the timer comes when the next thing is due.
  void Arm();
  [[nodiscard]] MonotonicTime NextDue();

  const std::string deployment_;
  const std::shared_ptr<const RemotePlan> plan_;
  Context context_;
  std::vector<Address> addresses_;
  BatchQueue<Piece> queue_;
  std::deque<Retry> retries_;
  InferenceAnswer answer_;
  std::shared_ptr<std::size_t> rows_under_way_;
  std::uint64_t sent_ = 0;  // requests, which is what their ids count
  std::size_t next_address_ = 0;
  bool was_ready_ = false;
  bool dispatches_soon_ = false;
  boost::asio::steady_timer timer_;
  MonotonicTime armed_for_ = MonotonicTime::max();
  LogLimiter failures_;
  SeriesCounter retried_;
  SeriesSummary batch_rows_;
  SeriesHistogram waited_, took_;
  std::shared_ptr<bool> exists_;  // for what the loop still holds
};

}  // namespace forkcast::serving
