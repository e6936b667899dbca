#include "serving/upstream/remote_model.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <iterator>
#include <utility>

#include "serving/upstream/fetch_binding.hpp"
#include "serving/upstream/remote_document.hpp"

namespace forkcast::serving {

namespace net = boost::asio;
using preprocessing::Value;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kCheckTime{2000};  // for a server to say what it is
constexpr int kOk = 200;

/// Whether an answer says that the server cannot do it now, rather than what is wrong with what was
/// asked.
bool IsServersFault(int status) noexcept {
  return status >= 500 || status == 404 || status == 408 || status == 429;
}

/// Whether it may be of some rows alone that a server refuses a batch.
bool MayBeOfRows(int status) noexcept { return status == 400 || status == 413 || status == 422; }

}  // namespace

/// The rows of one request, until all of them are answered.
struct RemoteModel::Call {
  std::span<const Value> features;
  std::size_t width = 0;   // of features
  std::size_t pieces = 0;  // that are not answered
  std::size_t rows = 0;
  MonotonicTime deadline;
  std::function<void()> wake;
  std::shared_ptr<std::size_t> rows_under_way;
  RemoteScores scores{};
  std::optional<Result<RemoteScores>> reply{};
  bool is_over = false;  // there is a reply, or nobody waits for one

  void End() noexcept {
    if (std::exchange(is_over, true)) return;
    *rows_under_way -= rows;
  }
  void Reply(Result<RemoteScores> with) {
    if (is_over) return;
    End();
    reply.emplace(std::move(with));
    wake();
  }
};

class RemoteModel::Pending final : public PendingScores {
 public:
  explicit Pending(std::shared_ptr<Call> call) : call_(std::move(call)) {}
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() override { call_->End(); }

  [[nodiscard]] std::optional<Result<RemoteScores>>& reply() noexcept override {
    return call_->reply;
  }

 private:
  std::shared_ptr<Call> call_;
};

bool RemoteModel::Piece::is_dead() const noexcept { return call->is_over; }

RemoteModel::RemoteModel(std::string deployment, std::shared_ptr<const RemotePlan> plan,
                         const Context& context)
    : deployment_(std::move(deployment)),
      plan_(std::move(plan)),
      context_(context),
      queue_({.max_rows = plan_->spec.max_batch, .max_delay = plan_->spec.max_delay}),
      rows_under_way_(std::make_shared<std::size_t>(0)),
      timer_(context.loop),
      exists_(std::make_shared<bool>(true)) {
  using Labels = std::array<std::string_view, 3>;
  SeriesWriter& series = context_.series;
  const std::array<std::string_view, 1> own{deployment_};
  retried_ = series.CounterOf("remote_retries", own);
  batch_rows_ = series.SummaryOf("remote_batch_rows", own);
  const std::array<std::string_view, 2> waiting{deployment_, "waiting"};
  const std::array<std::string_view, 2> asking{deployment_, "asking"};
  waited_ = series.HistogramOf("remote_duration_seconds", waiting);
  took_ = series.HistogramOf("remote_duration_seconds", asking);
  addresses_.reserve(plan_->spec.addresses.size());  // handlers refer to them
  for (const RemoteAddress& where : plan_->spec.addresses) {
    Address& one = addresses_.emplace_back(
        Address{.where = where,
                .breaker = CircuitBreaker(
                    {.failures = plan_->spec.breaker_failures, .rest = plan_->spec.breaker_rest})});
    one.lines.resize(plan_->spec.connections);
    for (Line& line : one.lines) {
      line.connection = std::make_shared<UpstreamConnection>(context_.loop, where, kAnswerLimits);
    }
    const std::string name = ToString(where);
    one.answered = series.CounterOf("remote_requests", Labels{deployment_, name, "answered"});
    one.refused = series.CounterOf("remote_requests", Labels{deployment_, name, "refused"});
    one.failed = series.CounterOf("remote_requests", Labels{deployment_, name, "failed"});
    one.late = series.CounterOf("remote_requests", Labels{deployment_, name, "late"});
    one.state = series.GaugeOf("remote_breaker", Labels{deployment_, name, context_.worker});
  }
  for (Address& one : addresses_) BeginCheck(one);
  Arm();
}

RemoteModel::~RemoteModel() {
  for (Address& address : addresses_) {
    if (address.check) address.check->Close();
    for (Line& line : address.lines) line.connection->Close();
  }
}

Status RemoteModel::CheckReady() const {
  const bool is_ready =
      std::ranges::any_of(addresses_, [this](const Address& one) { return CanBeAsked(one); });
  return is_ready ? Status() : NobodyToAsk();
}

Result<std::unique_ptr<PendingScores>> RemoteModel::Ask(const RemoteQuestion& question) {
  if (Status ready = CheckReady(); !ready) return std::move(ready).error();
  const RemoteModelSpec& spec = plan_->spec;
  const std::size_t width = plan_->features.size();
  const std::size_t rows = question.features.size() / width;
  const MonotonicTime now = context_.clock.Monotonic();
  if (*rows_under_way_ > 0 && *rows_under_way_ + rows > spec.max_in_flight) {
    Error full{ErrorCode::kOverloaded,
               fmt::format("{} rows wait for the remote model \"{}\" already, and at most {} may "
                           "(max_in_flight)",
                           *rows_under_way_, spec.model, spec.max_in_flight)};
    LogFailure(full, now);
    return full;
  }
  *rows_under_way_ += rows;
  const auto call =
      std::make_shared<Call>(Call{.features = question.features,
                                  .width = width,
                                  .pieces = (rows + spec.max_batch - 1) / spec.max_batch,
                                  .rows = rows,
                                  .deadline = std::min(question.deadline, now + spec.timeout),
                                  .wake = question.wake,
                                  .rows_under_way = rows_under_way_});
  call->scores.outputs.resize(rows * spec.outputs.size());
  for (std::size_t first = 0; first < rows; first += spec.max_batch) {
    queue_.Add({.call = call,
                .first = first,
                .count = std::min(spec.max_batch, rows - first),
                .asked = now});
  }
  DispatchSoon();
  return std::unique_ptr<PendingScores>(std::make_unique<Pending>(call));
}

// ---- what an address is ----

void RemoteModel::BeginCheck(Address& address) {
  address.check = std::make_shared<UpstreamConnection>(context_.loop, address.where, kAnswerLimits);
  address.check_due = context_.clock.Monotonic() + kCheckTime;
  TellState(address);
  FetchBinding(
      address.check, plan_, address.where,
      [this, &address](Result<RemoteBinding> binding) { OnChecked(address, std::move(binding)); });
}

void RemoteModel::OnChecked(Address& address, Result<RemoteBinding> binding) {
  const std::shared_ptr<UpstreamConnection> connection = std::move(address.check);
  address.check.reset();
  if (!binding) {
    connection->Close();
    LeaveAlone(address, binding.error().message);
    return Arm();
  }
  address.binding = std::make_shared<const RemoteBinding>(*std::move(binding));
  address.breaker.OnSuccess();
  address.problem.clear();
  was_ready_ = true;
  // It is connected already, of use unless all lines still have what was asked before.
  const auto idle = std::ranges::find(address.lines, false, &Line::is_busy);
  if (idle != address.lines.end()) {
    idle->connection->Close();
    idle->connection = connection;
  } else {
    connection->Close();
  }
  TellState(address);
  const bool was_told = !std::exchange(address.told, {}).empty();
  if (!std::exchange(address.has_been_ready, true) || was_told) {
    context_.log.info("remote_ready deployment={:?} address={:?} inputs={} binary={}", deployment_,
                      ToString(address.where), address.binding->inputs.size(),
                      address.binding->is_binary);
  }
  Dispatch();
}

void RemoteModel::LeaveAlone(Address& address, std::string problem) {
  const MonotonicTime now = context_.clock.Monotonic();
  address.breaker.Open(now);
  address.binding.reset();
  address.problem = std::move(problem);
  TellLeftAlone(address, now);
  TellState(address);
}

void RemoteModel::TellLeftAlone(Address& address, MonotonicTime now) {
  if (address.problem == address.told) return;
  const auto held_back = address.changes.Pass(now);
  if (!held_back) return;
  const auto rest = std::chrono::duration_cast<milliseconds>(address.breaker.trial_at() - now);
  context_.log.warn(
      "remote_left_alone deployment={:?} address={:?} rest_ms={} error={:?} suppressed={}",
      deployment_, ToString(address.where), rest.count(), address.problem, *held_back);
  address.told = address.problem;
}

void RemoteModel::TellState(Address& address) const {
  address.state.Set(static_cast<double>(address.breaker.state()));
}

// ---- sending ----

void RemoteModel::DispatchSoon() {
  if (std::exchange(dispatches_soon_, true)) return;
  net::post(context_.loop, [this, exists = std::weak_ptr(exists_)] {
    if (exists.expired()) return;
    dispatches_soon_ = false;
    Dispatch();
  });
}

void RemoteModel::Dispatch() {
  const MonotonicTime now = context_.clock.Monotonic();
  // Nobody waits for what is late; sent, it would be late by the server's fault.
  ExpireWaiting(now);
  DispatchRetries();
  while (true) {
    const std::optional<MonotonicTime> due = queue_.due();
    if (!due || now < *due) break;
    Address* address = nullptr;
    Line* const line = FreeLine({}, address);
    if (line == nullptr) {
      if (const Status ready = CheckReady(); !ready) {
        FailAll(queue_.TakeOver([](const Piece&) { return true; }), ready.error());
      }
      break;
    }
    Send(*address, *line,
         {.batch = queue_.Take(now), .tried = std::vector<bool>(addresses_.size())});
  }
  Arm();
}

void RemoteModel::DispatchRetries() {
  for (std::size_t left = retries_.size(); left > 0; --left) {
    Retry retry = std::move(retries_.front());
    retries_.pop_front();
    std::erase_if(retry.batch, [](const Piece& piece) { return piece.is_dead(); });
    if (retry.batch.empty()) continue;
    Address* address = nullptr;
    Line* const line = FreeLine(retry.tried, address);
    if (line != nullptr) {
      Send(*address, *line, std::move(retry));
      continue;
    }
    bool may_come = false;
    for (std::size_t i = 0; i < addresses_.size(); ++i) {
      may_come = may_come || (!retry.tried[i] && CanBeAsked(addresses_[i]));
    }
    if (may_come) {
      retries_.push_back(std::move(retry));
    } else {
      FailAll(retry.batch, NobodyToAsk());
    }
  }
}

RemoteModel::Line* RemoteModel::FreeLine(const std::vector<bool>& tried, Address*& its_address) {
  const std::size_t count = addresses_.size();
  its_address = nullptr;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t place = (next_address_ + i) % count;
    Address& one = addresses_[place];
    const bool will_do = CanBeAsked(one) && (tried.empty() || !tried[place]);
    if (!will_do || one.busy == one.lines.size()) continue;
    if (its_address == nullptr || one.busy < its_address->busy) its_address = &one;
  }
  if (its_address == nullptr) return nullptr;
  next_address_ = static_cast<std::size_t>(its_address - addresses_.data()) + 1;
  return &*std::ranges::find(its_address->lines, false, &Line::is_busy);
}

void RemoteModel::Send(Address& address, Line& line, Retry work) {
  const MonotonicTime now = context_.clock.Monotonic();
  std::vector<std::span<const Value>> rows;
  MonotonicTime latest = MonotonicTime::min();
  MonotonicTime latest_asked = now;
  line.rows = 0;
  for (const Piece& piece : work.batch) {
    const std::size_t width = piece.call->width;
    rows.push_back(piece.call->features.subspan(piece.first * width, piece.count * width));
    line.rows += piece.count;
    if (piece.call->deadline > latest) {
      latest = piece.call->deadline;
      latest_asked = piece.asked;
    }
    waited_.Observe(now - piece.asked);
  }
  const auto others = std::ranges::count_if(
      addresses_, [&](const Address& one) { return &one != &address && CanBeAsked(one); });
  // Where another address may be tried there has to be time for it.
  const bool may_retry = others > 0 && work.attempts + 1 < plan_->spec.attempts;
  const auto left = latest - now;
  line.due = may_retry
                 ? now + left / static_cast<std::int64_t>(plan_->spec.attempts - work.attempts)
                 : latest;
  // Of what has waited here for most of its time, an answer that is late says nothing of the
  // server.
  const auto attempts = static_cast<std::int64_t>(plan_->spec.attempts);
  line.is_fair = (line.due - now) * 2 * attempts >= latest - latest_asked;
  line.sent = now;
  line.is_busy = true;
  line.work = std::move(work);
  line.binding = address.binding;
  line.id = fmt::format("{}-{}", context_.worker, ++sent_);
  ++address.busy;
  batch_rows_.Add(static_cast<double>(line.rows), 1);
  InferenceRequest request;
  WriteInferenceRequest(*plan_, *address.binding, address.where, line.id, rows, request);
  line.connection->Send(std::move(request),
                        [this, &address, &line](const UpstreamConnection::Outcome& outcome) {
                          OnOutcome(address, line, outcome);
                        });
}

void RemoteModel::OnOutcome(Address& address, Line& line,
                            const UpstreamConnection::Outcome& outcome) {
  using End = UpstreamConnection::End;
  switch (outcome.end) {
    case End::kAnswered:
      OnAnswer(address, line);
      break;
    case End::kAway:
      OnFailure(address, line, {.why = "cannot be reached: " + outcome.problem});
      break;
    case End::kLost:
      OnFailure(address, line,
                {.why = "did not answer: " + outcome.problem, .was_stale = outcome.was_stale});
      break;
    case End::kMalformed:
      OnFailure(address, line, {.why = outcome.problem});
      break;
  }
  Dispatch();
}

void RemoteModel::OnAnswer(Address& address, Line& line) {
  const ResponseReader& answer = line.connection->answer();
  if (answer.status() != kOk) {
    const std::string why = fmt::format("refused what it was asked, with status {}: {}",
                                        answer.status(), ErrorTextIn(answer.body()));
    if (IsServersFault(answer.status())) return OnFailure(address, line, {.why = why});
    return OnRefusal(address, line, why, MayBeOfRows(answer.status()));
  }
  const Status read =
      answer_.Read(*plan_, *line.binding, line.id, line.rows, answer.body(), answer.json_size());
  if (!read) {
    const std::string why =
        fmt::format("gave a wrong answer: {}{}{}", read.error().field,
                    read.error().field.empty() ? "" : ": ", read.error().message);
    return OnFailure(address, line, {.why = Shortened(why)});
  }
  address.answered.Add(1);
  if (line.binding == address.binding) address.breaker.OnSuccess();
  took_.Observe(context_.clock.Monotonic() - line.sent);
  std::size_t first = 0;
  const Retry work = Free(address, line);
  for (const Piece& piece : work.batch) {
    Call& call = *piece.call;
    const std::size_t outputs = plan_->spec.outputs.size();
    if (!piece.is_dead()) {
      answer_.Take(
          first,
          std::span(call.scores.outputs).subspan(piece.first * outputs, piece.count * outputs),
          call.scores.texts);
      if (--call.pieces == 0) call.Reply(std::move(call.scores));
    }
    first += piece.count;
  }
}

void RemoteModel::OnRefusal(Address& address, Line& line, std::string_view why,
                            bool may_be_of_one) {
  // It is well; another one would say the same.
  address.refused.Add(1);
  if (line.binding == address.binding) address.breaker.OnSuccess();
  Retry work = Free(address, line);
  // Rows of one request may be what is refused: those of the others are not to fail with them.
  if (may_be_of_one && work.batch.size() > 1) {
    for (Piece& piece : work.batch) {
      Retry alone{.batch = {}, .tried = work.tried, .attempts = work.attempts};
      alone.batch.push_back(std::move(piece));
      retries_.push_back(std::move(alone));
    }
    return;
  }
  FailAll(work.batch, Failed(address, why));
}

void RemoteModel::OnFailure(Address& address, Line& line, const Failure& failure) {
  Retry work = Free(address, line);
  // One connection after the other may have been closed while nothing was asked.
  if (failure.was_stale && work.stale < address.lines.size()) {
    ++work.stale;
    retries_.push_back(std::move(work));
    return;
  }
  const bool is_late = failure.code == ErrorCode::kDeadlineExceeded;
  (is_late ? address.late : address.failed).Add(1);
  const MonotonicTime now = context_.clock.Monotonic();
  const Error error = Failed(address, failure.why, failure.code);
  LogFailure(error, now);
  // What was asked before it was left alone says nothing of what it is now.
  if (line.binding == address.binding && (!is_late || line.is_fair)) {
    address.breaker.OnFailure(now);
    if (address.breaker.state() == CircuitBreaker::State::kOpen) LeaveAlone(address, failure.why);
  }
  RetryOrFail(address, std::move(work), error);
}

RemoteModel::Retry RemoteModel::Free(Address& address, Line& line) {
  line.is_busy = false;
  --address.busy;
  return std::exchange(line.work, {});
}

void RemoteModel::LogFailure(const Error& error, MonotonicTime now) {
  if (const auto held_back = failures_.Pass(now)) {
    context_.log.warn("remote_failed deployment={:?} error={:?} suppressed={}", deployment_,
                      error.message, *held_back);
  }
}

void RemoteModel::RetryOrFail(Address& address, Retry work, const Error& error) {
  work.tried[static_cast<std::size_t>(&address - addresses_.data())] = true;
  ++work.attempts;
  bool has_other = false;
  for (std::size_t i = 0; i < addresses_.size(); ++i) {
    has_other = has_other || (!work.tried[i] && CanBeAsked(addresses_[i]));
  }
  if (!has_other || work.attempts >= plan_->spec.attempts) return FailAll(work.batch, error);
  retried_.Add(1);
  retries_.push_back(std::move(work));
}

void RemoteModel::FailAll(const Batch& batch, const Error& error) {
  for (const Piece& piece : batch) piece.call->Reply(error);
}

Error RemoteModel::Failed(const Address& address, std::string_view why, ErrorCode code) const {
  return {code, fmt::format("running the model: the remote model \"{}\" at {} {}",
                            plan_->spec.model, ToString(address.where), why)};
}

Error RemoteModel::NobodyToAsk() const {
  std::string problems;
  for (const Address& one : addresses_) {
    fmt::format_to(std::back_inserter(problems), "{}{}: {}", problems.empty() ? "" : "; ",
                   ToString(one.where),
                   one.problem.empty() ? "it has not said yet what it is" : one.problem);
  }
  if (!was_ready_) {
    return {ErrorCode::kNotReady,
            fmt::format("the remote model \"{}\" is not ready ({})", plan_->spec.model, problems)};
  }
  return {ErrorCode::kRemoteFailed,
          fmt::format("running the model: the remote model \"{}\" is left alone for a while ({})",
                      plan_->spec.model, problems)};
}

// ---- time ----

void RemoteModel::OnTimer() {
  const MonotonicTime now = context_.clock.Monotonic();
  ExpireSent(now);
  ExpireChecks(now);
  Dispatch();
}

void RemoteModel::ExpireWaiting(MonotonicTime now) {
  const auto is_over = [now](const Piece& piece) { return now >= piece.call->deadline; };
  Batch over = queue_.TakeOver(is_over);
  for (const Retry& retry : retries_) {
    std::ranges::copy_if(retry.batch, std::back_inserter(over),
                         [&](const Piece& piece) { return !piece.is_dead() && is_over(piece); });
  }
  if (over.empty()) return;
  const Error late{
      ErrorCode::kDeadlineExceeded,
      fmt::format("running the model: the request's time ran out while it waited for a "
                  "connection to the remote model \"{}\", which are all in use",
                  plan_->spec.model)};
  LogFailure(late, now);
  FailAll(over, late);
}

void RemoteModel::ExpireSent(MonotonicTime now) {
  for (Address& address : addresses_) {
    for (Line& line : address.lines) {
      if (!line.is_busy) continue;
      const bool is_due = now >= line.due;
      const auto is_over = [now](const Piece& piece) {
        return !piece.is_dead() && now >= piece.call->deadline;
      };
      if (!is_due && std::ranges::none_of(line.work.batch, is_over)) continue;
      const auto waited = std::chrono::duration_cast<milliseconds>(now - line.sent);
      const Failure late{.why = fmt::format("did not answer within {} ms", waited.count()),
                         .code = ErrorCode::kDeadlineExceeded};
      if (is_due) {
        line.connection->Close();
        line.connection =
            std::make_shared<UpstreamConnection>(context_.loop, address.where, kAnswerLimits);
        OnFailure(address, line, late);
        continue;
      }
      const Error error = Failed(address, late.why, late.code);
      for (const Piece& piece : line.work.batch) {
        if (is_over(piece)) piece.call->Reply(error);
      }
    }
  }
}

void RemoteModel::ExpireChecks(MonotonicTime now) {
  for (Address& address : addresses_) {
    if (address.check) {
      if (now < address.check_due) continue;
      address.check->Close();
      OnChecked(address,
                Error{ErrorCode::kRemoteFailed,
                      fmt::format("it did not say within {} ms what it is", kCheckTime.count())});
    } else if (address.breaker.BeginTrial(now)) {
      BeginCheck(address);
    }
  }
}

MonotonicTime RemoteModel::NextDue() {
  MonotonicTime next = MonotonicTime::max();
  const auto take = [&next](MonotonicTime due) { next = std::min(next, due); };
  bool is_free = false;
  for (const Address& address : addresses_) {
    if (address.check) {
      take(address.check_due);
    } else if (address.breaker.state() == CircuitBreaker::State::kOpen) {
      take(address.breaker.trial_at());
    }
    is_free = is_free || (CanBeAsked(address) && address.busy < address.lines.size());
    for (const Line& line : address.lines) {
      if (!line.is_busy) continue;
      take(line.due);
      for (const Piece& piece : line.work.batch) {
        if (!piece.is_dead()) take(piece.call->deadline);
      }
    }
  }
  for (const Retry& retry : retries_) {
    for (const Piece& piece : retry.batch) {
      if (!piece.is_dead()) take(piece.call->deadline);
    }
  }
  if (const auto due = queue_.due()) {
    take(queue_.front().call->deadline);
    if (is_free) take(*due);
  }
  return next;
}

void RemoteModel::Arm() {
  const MonotonicTime next = NextDue();
  // One that comes too early looks again.
  if (next >= armed_for_ || next == MonotonicTime::max()) return;
  armed_for_ = next;
  timer_.expires_at(next);
  timer_.async_wait(
      [this, exists = std::weak_ptr(exists_)](const boost::system::error_code& error) {
        if (error || exists.expired()) return;
        armed_for_ = MonotonicTime::max();
        OnTimer();
      });
}

}  // namespace forkcast::serving
