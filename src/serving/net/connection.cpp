#include "serving/net/connection.hpp"

#include <fmt/format.h>
#include <sys/epoll.h>

#include <chrono>
#include <optional>
#include <utility>

#include "serving/http/access_log.hpp"
#include "serving/http/client_address.hpp"
#include "serving/http/error_response.hpp"
#include "serving/http/router.hpp"
#include "serving/net/connection_loop.hpp"
#include "serving/process/worker_slot.hpp"

namespace forkcast::serving {
namespace {

constexpr std::size_t kKeptBodyCapacity = 262144;
// What a connection may do before it is the others' turn; of bytes its socket moves so many.
constexpr int kRequestsOfATurn = 64;

}  // namespace

Connection::Connection(ConnectionLoop& loop, Fd socket)
    : loop_(loop),
      socket_(std::move(socket)),
      peer_(socket_.PeerAddress()),
      reader_(loop.options().limits, loop.clock()),
      deadlines_(loop.options().timeout, loop.options().idle_timeout, loop.drain()),
      serve_(Serve()) {
  exchange_.SetPeer({.address = peer_, .is_unix = socket_.is_unix(), .reader = &reader_});
  exchange_.SetWake([this] { ResumeSoon(); });
}

void Connection::Resume() {
  wait_ = Wait::kNone;
  serve_.Resume();
  if (serve_.done()) loop_.Close(*this, serve_.failed());
}

void Connection::ResumeSoon() {
  if (wait_ != Wait::kNews) return;
  wait_ = Wait::kTurn;
  loop_.ResumeInTurn(*this);
}

void Connection::OnEvents(std::uint32_t events) {
  socket_.OnEvents(events);
  const bool can_read = wait_ == Wait::kReadable && socket_.readable();
  const bool can_write = wait_ == Wait::kWritable && ConnectionSocket::SayWritable(events);
  if (can_read || can_write) Resume();
}

void Connection::Tick(MonotonicTime now) {
  if (deadlines_.Tick(now) == ConnectionDeadlines::Due::kLater) return;
  if (wait_ != Wait::kTurn) Resume();  // else it will be soon
}

void Connection::BeginDrain() {
  using Doing = ConnectionDeadlines::Doing;
  if (reader_.in_request()) return deadlines_.OnDrain(Doing::kReading);
  deadlines_.OnDrain(socket_.has_unsent() ? Doing::kAnswering : Doing::kIdle);
}

Connection::Suspension Connection::Until(Wait wait) {
  socket_.BeginTurn();
  if (wait == Wait::kTurn) {
    loop_.ResumeInTurn(*this);
  } else if (wait == Wait::kReadable || wait == Wait::kWritable) {
    const std::uint32_t events = wait == Wait::kWritable ? EPOLLIN | EPOLLOUT : EPOLLIN;
    socket_.Watch(loop_.epoll(), events, this);
    loop_.WaitForSockets();
  }
  if (!socket_.broken()) wait_ = wait;
  return {.over = socket_.broken()};
}

Connection::Suspension Connection::UntilMoreCame(Io read) {
  if (reader_.in_request()) {
    deadlines_.AwaitRest(reader_.request().started);
  } else {
    deadlines_.AwaitRequest(loop_.now());
  }
  requests_since_wait_ = 0;
  return Until(read == Io::kGoesOn ? Wait::kTurn : Wait::kReadable);
}

/// Even when idle for too long: a request may have come since.
Connection::Io Connection::ReadOn(Io before) {
  socket_.AssumeReadable();
  const Io read = socket_.Read(reader_);
  const bool in_vain = before == Io::kGoesOn || read == Io::kWouldBlock;
  return deadlines_.expired() && in_vain ? Io::kEnded : read;
}

Connection::Suspension Connection::UntilWrittenOn(Io written) {
  deadlines_.AwaitReader();
  return Until(written == Io::kGoesOn ? Wait::kTurn : Wait::kWritable);
}

Connection::Io Connection::WriteOn() noexcept {
  // A peer that does not read, or too slowly, is cut off.
  return deadlines_.expired() ? Io::kEnded : socket_.Write();
}

void Connection::BeginAnswer() {
  RequestView& request = reader_.request();
  request.deadline = deadlines_.OnRequest(request.started);
  response_.Clear();
  begun_ = false;
  streams_ = false;
  // Nobody knows how large one is that came packed.
  is_large_ = request.body.size() > kLargeBody || !request.content_encoding.empty();
  const MonotonicTime now = loop_.LookAtTheClock();
  request.whole = now;
  request.queued = std::chrono::duration_cast<std::chrono::nanoseconds>(loop_.delay().Waited(now));
  request.retry_after = loop_.delay().RetryAfter(now, is_large_, loop_.options().max_queue_delay);
  if (request.retry_after.count() != 0) is_large_ = false;  // it will be refused at once
}

bool Connection::JoinLarge() {
  if (!is_large_) return false;
  RequestView& request = reader_.request();
  using Place = LargeQueue<Connection>::Place;
  if (loop_.large().Join(*this, request.body.size()) == Place::kFirst) return false;
  request.waited = true;
  deadlines_.AwaitOthers();
  return true;
}

void Connection::LeaveLarge(Outcome outcome) {
  if (!std::exchange(is_large_, false)) return;
  const bool answered = outcome == Outcome::kAnswered && response_.status == 200;
  Connection* const next =
      loop_.large().Leave(*this, answered ? std::optional(loop_.now()) : std::nullopt);
  if (next == nullptr || next->wait_ != Wait::kFirst) return;
  next->wait_ = Wait::kTurn;
  loop_.ResumeInTurn(*next);
}

Progress Connection::WorkOnAnswer() {
  const RequestView& request = reader_.request();
  WorkerSlot& slot = loop_.slot();
  // What the master sees when the loop does not come back from this (invariant 4 of WorkerSlot).
  const auto ns = [](MonotonicTime time) { return time.time_since_epoch().count(); };
  slot.request_deadline_ns.store(ns(request.deadline), std::memory_order_relaxed);
  slot.request_started_ns.store(ns(loop_.now()), std::memory_order_relaxed);
  const Progress progress = std::exchange(begun_, true)
                                ? loop_.router().Continue(exchange_)
                                : loop_.router().Start(request, response_, exchange_);
  slot.request_started_ns.store(0, std::memory_order_relaxed);
  slot.request_deadline_ns.store(0, std::memory_order_relaxed);
  // What was done in one slice took too little to look for: others do so when they are taken up.
  if (is_large_ || progress != Progress::kDone) loop_.LookAtTheClock();
  return progress;
}

void Connection::SendPart() {
  keep_alive_ = false;
  deadlines_.OnPart(loop_.LookAtTheClock());
  if (streams_) {
    head_.clear();
  } else {
    streams_ = true;
    body_bytes_ = 0;
    WriteHead(response_, {.keep_alive = false, .date = loop_.date()}, head_);
  }
  body_bytes_ += response_.body.size();
  socket_.Send(head_, response_.body);
}

void Connection::EndAnswer() {
  const RequestView& request = reader_.request();
  if (streams_) {
    SendPart();
    NoteRequest(request);
    return reader_.Next();
  }
  const bool head_only = request.method == Method::kHead;
  const bool may_go_on = !response_.close && !response_.is_stream && !loop_.drain().begun;
  Compose(reader_.keep_alive() && may_go_on, !head_only);
  NoteRequest(request);
  reader_.Next();
}

void Connection::AnswerFault(const RequestFault& fault) {
  faulty_ = true;
  response_.Clear();
  const RequestView seen = reader_.Glimpse();
  loop_.router().AnswerFault(fault, seen, response_);
  deadlines_.OnFault(loop_.now());
  Compose(/*keep_alive=*/false, /*with_body=*/true);
  NoteRequest(seen);
}

/// The time for a request ran out while it was still arriving.
void Connection::AnswerLateRequest() {
  if (loop_.now() >= loop_.drain().stop_by) {
    loop_.slot().metrics.Count("clipped");
    return AnswerFault({.code = ErrorCode::kNotReady, .message = "the server is stopping"});
  }
  AnswerFault({.code = ErrorCode::kClientTimeout,
               .message = fmt::format("the request did not arrive within {} s (timeout): {}",
                                      loop_.options().timeout.count(), reader_.DescribeArrival())});
}

void Connection::Compose(bool keep_alive, bool with_body) {
  keep_alive_ = keep_alive;
  WriteHead(response_,
            {.keep_alive = keep_alive, .http_1_0 = reader_.http_1_0(), .date = loop_.date()},
            head_);
  const std::string_view body = with_body ? std::string_view(response_.body) : std::string_view();
  body_bytes_ = body.size();
  socket_.Send(head_, body);
}

void Connection::NoteRequest(const RequestView& request) {
  if (loop_.options().access_log == nullptr) return;
  noted_.client =
      ClientAddress(peer_, {.forwarded_for = request.forwarded_for, .forwarded = request.forwarded},
                    loop_.options().trusted_proxies);
  const RequestLine line = reader_.line();
  noted_.pending = true;
  noted_.method = line.method;
  noted_.target = line.target;
  noted_.version = line.version;
  noted_.traceparent = request.traceparent;
  noted_.started = request.started;
}

void Connection::LogAnswer() {
  if (!std::exchange(noted_.pending, false)) return;
  using std::chrono::microseconds;
  const auto latency =
      std::chrono::duration_cast<microseconds>(loop_.LookAtTheClock() - noted_.started);
  loop_.options().access_log->Write({.peer = noted_.client,
                                     .method = noted_.method,
                                     .target = noted_.target,
                                     .version = noted_.version,
                                     .request_id = HeaderValue(response_, "X-Request-Id"),
                                     .traceparent = noted_.traceparent,
                                     .worker = loop_.options().worker,
                                     .status = response_.status,
                                     .body_bytes = body_bytes_ - socket_.unsent_body_bytes(),
                                     .time = loop_.clock().Now() - latency,
                                     .latency = latency});
}

// NOLINTNEXTLINE(readability-function-size): what it awaits cannot stand in a function of its own.
Coroutine Connection::Serve() {
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  while (keep_alive_) {
    switch (reader_.Parse()) {
      case RequestReader::Progress::kNeedMore: {
        // When its time was over something had come, but only empty lines.
        if (deadlines_.expired_idle() && !reader_.in_request()) co_return;
        Io read = socket_.Read(reader_);
        while (read == Io::kWouldBlock || read == Io::kGoesOn) {
          co_await UntilMoreCame(read);
          if (deadlines_.expired() && reader_.in_request()) break;
          read = ReadOn(read);
        }
        if (read == Io::kEnded) co_return;
        if (read == Io::kDone) continue;
        AnswerLateRequest();
        break;
      }
      case RequestReader::Progress::kContinue:
        deadlines_.OnRequest(reader_.request().started);
        socket_.Send(kContinue, {});
        break;
      case RequestReader::Progress::kRequest:
        BeginAnswer();
        if (JoinLarge()) {
          const ConnectionLoop::Waiting waiting(loop_);
          co_await Until(Wait::kFirst);
        }
        if (is_large_) loop_.large().Begin(*this, loop_.now());
        for (Progress progress = WorkOnAnswer(); progress != Progress::kDone;
             progress = WorkOnAnswer()) {
          if (progress == Progress::kSends) {
            SendPart();
            Io part = socket_.Write();
            while (part == Io::kGoesOn || part == Io::kWouldBlock) {
              co_await UntilWrittenOn(part);
              part = WriteOn();
            }
            // Nobody listens any more; or it goes on with the worker that takes our place.
            if (part == Io::kEnded || loop_.drain().begun) {
              NoteRequest(reader_.request());
              LogAnswer();
              co_return;
            }
            response_.body.clear();
          }
          const bool is_others_work = progress != Progress::kMore;
          if (is_others_work) {
            LeaveLarge(Outcome::kGivenUp);
            deadlines_.AwaitOthers();
          }
          const ConnectionLoop::Waiting waiting(loop_);
          co_await Until(is_others_work ? Wait::kNews : Wait::kTurn);
        }
        LeaveLarge(Outcome::kAnswered);
        EndAnswer();
        break;
      case RequestReader::Progress::kFault:
        AnswerFault(reader_.fault());
        break;
    }
    Io written = socket_.Write();
    while (written == Io::kGoesOn || written == Io::kWouldBlock) {
      co_await UntilWrittenOn(written);
      written = WriteOn();
    }
    LogAnswer();
    if (written == Io::kEnded) co_return;
    if (response_.body.capacity() > kKeptBodyCapacity) std::string().swap(response_.body);
    if (keep_alive_ && ++requests_since_wait_ >= kRequestsOfATurn) {
      requests_since_wait_ = 0;
      co_await Until(Wait::kTurn);  // others are waiting, too
    }
  }
  if (!faulty_ && !reader_.in_request()) co_return;
  // Bytes that nobody read would turn the close into a reset, which can overtake the answer.
  socket_.EndOutput();
  deadlines_.AwaitEnd(loop_.now());
  while (!deadlines_.expired()) {
    const Io discarded = socket_.Discard();
    if (discarded == Io::kEnded) co_return;
    co_await Until(discarded == Io::kGoesOn ? Wait::kTurn : Wait::kReadable);
  }
}

}  // namespace forkcast::serving
