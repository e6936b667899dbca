#include "serving/net/connections.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <ctime>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "serving/http/access_log.hpp"
#include "serving/http/error_response.hpp"
#include "serving/http/response.hpp"
#include "serving/http/router.hpp"
#include "serving/net/coroutine.hpp"
#include "serving/net/queue_delay.hpp"
#include "serving/process/worker_slot.hpp"

namespace forkcast::serving {
namespace {

namespace net = boost::asio;

constexpr std::size_t kKeptBodyCapacity = 262144;
// What a connection may do before it is the others' turn.
constexpr int kRequestsBeforeYield = 64;
constexpr std::size_t kBytesBeforeYield = 262144;
// A larger body is worked on when those that came before have been answered: one at a time, since
// each takes several times its size of memory.
constexpr std::size_t kLargeBody = 65536;
// What all of them may do before it is the loop's again.
constexpr int kRoundsOfATurn = 4;
constexpr std::chrono::milliseconds kTurn{1};
constexpr std::size_t kEventsAtOnce = 1024;
constexpr std::chrono::seconds kLinger{2};

std::string HttpDate(std::time_t now) {
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 40> text{};
  const std::size_t size =
      std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return {text.data(), size};
}

/// The address of a socket's peer without its port; empty for a Unix socket.
std::string PeerAddress(int fd) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) return {};
  if (name.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(name);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  } else if (name.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(name);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  }
  return text.data();
}

}  // namespace

class Connections::Connection {
 public:
  Connection(Shared& shared, Fd socket);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { LeaveLarge(); }

  /// Goes on until it waits or ends; in that case the object is gone afterwards.
  void Resume();
  /// What epoll has said of the socket.
  void OnEvents(std::uint32_t events);
  /// Ends the wait in progress when it is overdue.
  void Tick(MonotonicTime now);
  /// Shortens the wait in progress to what draining allows.
  void BeginDrain();

  std::list<Connection>::iterator place{};

 private:
  enum class Io { kDone, kGoesOn, kWouldBlock, kEnded };
  enum class Wait {
    kNone,
    kReadable,
    kWritable,
    kTurn,   ///< For the others to have had theirs.
    kFirst,  ///< For being the first of the large ones.
  };
  struct Suspension {
    bool over;
    [[nodiscard]] bool await_ready() const noexcept { return over; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume() const noexcept {}
  };

  Coroutine Serve();
  /// Suspends until then, or until the deadline has passed.
  Suspension Until(Wait wait);
  /// Has epoll watch the socket, if it does not yet.
  void Watch(std::uint32_t events);
  Io TryRead();
  Io TryWrite();
  void BeginAnswer();
  /// How long to stay away, when there is too much to do; else 0.
  [[nodiscard]] std::chrono::seconds RetryAfter() const;
  /// One slice.
  Progress WorkOnAnswer();
  void EndAnswer();
  /// Joins the large ones; true when it is the first.
  bool JoinLarge();
  void LeaveLarge();
  void AnswerFault(const RequestFault& fault);
  void AnswerLateRequest();
  void Compose(bool keep_alive, bool with_body);
  void NoteRequest();
  void LogAnswer();
  void WaitUntil(MonotonicTime deadline) noexcept {
    deadline_ = deadline;
    expired_ = false;
  }
  /// When a request has to be whole, or to have begun. Empty lines before it are no beginning.
  [[nodiscard]] MonotonicTime ReadDue();
  /// Neither in a request nor in its answer.
  [[nodiscard]] bool idle() const noexcept {
    return !reader_.in_request() && unsent_head_.empty() && unsent_body_.empty();
  }
  void EndOutput() noexcept { ::shutdown(socket_.get(), SHUT_WR); }

  Shared& shared_;
  Fd socket_;
  const std::string peer_;
  RequestReader reader_;
  Coroutine serve_;
  Wait wait_ = Wait::kNone;
  MonotonicTime deadline_ = MonotonicTime::max();  // of the wait in progress
  bool expired_ = false;
  // Of the socket. Edges are reported once, so what they said is kept until a call finds otherwise.
  std::uint32_t watched_ = 0;
  bool readable_ = true;
  bool ending_ = false;  // the peer's end has been reported: no edge will follow what is read
  bool broken_ = false;  // cannot be watched
  Response response_;
  Exchange exchange_;
  bool begun_ = false;           // the router has taken the request on
  bool is_large_ = false;        // it takes turns with others
  std::size_t large_bytes_ = 0;  // of its body, while it is among the large ones
  MonotonicTime turn_began_;     // as the first of them
  std::string head_;
  std::string_view unsent_head_;
  std::string_view unsent_body_;
  std::size_t body_bytes_ = 0;
  std::size_t moved_ = 0;  // bytes, since others had their turn
  bool keep_alive_ = true;
  MonotonicTime answer_due_;               // when its last byte has to be written
  std::optional<MonotonicTime> idle_due_;  // once it waits for a request
  /// What the access log will say of the request whose answer is being written; by then the buffer
  /// holds the next one.
  struct Noted {
    bool pending = false;
    std::string method;
    std::string target;
    std::string_view version;
    MonotonicTime started;
  };
  Noted noted_;
};

/// What the connections have in common. The sockets are in an epoll set of their own, which the
/// loop watches as one descriptor: a request on a kept connection then costs a read and a write,
/// where waiting through Asio adds a read in vain and an epoll_ctl(). Lives on while the loop still
/// holds a handler of it.
struct Connections::Shared : std::enable_shared_from_this<Shared> {
  Shared(net::io_context& its_loop, Router& its_router, WorkerSlot& its_slot,
         const ConnectionOptions& its_options, std::function<void()> its_on_closed)
      : loop(its_loop),
        router(its_router),
        slot(its_slot),
        options(its_options),
        on_closed(std::move(its_on_closed)),
        poll(loop),
        events(kEventsAtOnce) {
    Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll) throw std::system_error(errno, std::generic_category(), "epoll");
    poll.assign(epoll.Release());
  }

  void Start(Fd socket) {
    open.emplace_back(*this, std::move(socket));
    open.back().place = std::prev(open.end());
    CountOpen();
    open.back().Resume();
  }
  /// A connection has ended. `failed`: out of memory; the worker goes on.
  void Close(Connection& connection, bool failed) {
    if (failed) slot.server_errors.fetch_add(1, std::memory_order_relaxed);
    open.erase(connection.place);
    CountOpen();
    on_closed();
  }
  void CountOpen() noexcept { slot.connections.store(open.size(), std::memory_order_relaxed); }

  /// Resumes the connection when every other one that can go on has.
  void ResumeInTurn(Connection& connection) {
    if (ended) return;
    runnable.push_back(&connection);
    if (!in_turn) PostTurn();
  }

  /// Everything that can go on does, again and again for a moment, so that waking costs little of
  /// each request.
  void Turn() {
    in_turn = true;
    bool more = true;
    const MonotonicTime begin = std::chrono::steady_clock::now();
    MonotonicTime now = begin;
    for (int round = 0; more && round < kRoundsOfATurn && now - begin < kTurn; ++round) {
      const int most = static_cast<int>(events.size());
      const int count = ::epoll_wait(poll.native_handle(), events.data(), most, /*timeout=*/0);
      delay.OnPoll(now, count < most);
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        static_cast<Connection*>(event.data.ptr)->OnEvents(event.events);
      }
      running.swap(runnable);
      for (Connection* connection : running) connection->Resume();
      more = count > 0 || !running.empty();
      running.clear();
      now = std::chrono::steady_clock::now();
    }
    in_turn = false;
    if (more) return PostTurn();
    delay.OnIdle();
    Watch();
  }
  void PostTurn() {
    if (std::exchange(turn_due, true)) return;
    net::post(loop, [self = shared_from_this()] {
      self->turn_due = false;
      if (!self->ended) self->Turn();
    });
  }
  void Watch() {
    if (in_turn || turn_due || std::exchange(watching, true)) return;
    poll.async_wait(net::posix::stream_descriptor::wait_read,
                    [self = shared_from_this()](const boost::system::error_code& error) {
                      self->watching = false;
                      if (!error && !self->ended) self->Turn();
                    });
  }
  void End() {
    ended = true;
    open.clear();
    boost::system::error_code ignored;
    poll.close(ignored);
  }

  net::io_context& loop;
  Router& router;
  WorkerSlot& slot;
  ConnectionOptions options;
  std::function<void()> on_closed;
  std::string date = HttpDate(std::time(nullptr));
  bool draining = false;
  MonotonicTime idle_until = MonotonicTime::max();  // while draining
  MonotonicTime stop_by = MonotonicTime::max();

  net::posix::stream_descriptor poll;
  std::vector<epoll_event> events;
  QueueDelay delay;
  std::deque<Connection*> large;  // the first is the one that is worked on
  std::vector<Connection*> runnable;
  std::vector<Connection*> running;
  bool in_turn = false;
  bool turn_due = false;
  bool watching = false;
  bool ended = false;
  std::list<Connection> open;
};

Connections::Connection::Connection(Shared& shared, Fd socket)
    : shared_(shared),
      socket_(std::move(socket)),
      peer_(shared.options.access_log == nullptr ? "" : PeerAddress(socket_.get())),
      reader_(shared.options.limits),
      serve_(Serve()) {}

void Connections::Connection::Resume() {
  wait_ = Wait::kNone;
  serve_.Resume();
  if (serve_.done()) shared_.Close(*this, serve_.failed());
}

void Connections::Connection::OnEvents(std::uint32_t events) {
  constexpr std::uint32_t kEnding = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  if ((events & (EPOLLIN | kEnding)) != 0) readable_ = true;
  if ((events & kEnding) != 0) ending_ = true;
  const bool writable = (events & (EPOLLOUT | kEnding)) != 0;
  if ((wait_ == Wait::kReadable && readable_) || (wait_ == Wait::kWritable && writable)) Resume();
}

void Connections::Connection::Tick(MonotonicTime now) {
  if (now < deadline_) return;
  expired_ = true;
  if (wait_ != Wait::kTurn) Resume();  // else it will be soon
}

void Connections::Connection::BeginDrain() {
  if (idle()) deadline_ = std::min(deadline_, shared_.idle_until);
  if (reader_.in_request()) deadline_ = std::min(deadline_, shared_.stop_by);
}

Connections::Connection::Suspension Connections::Connection::Until(Wait wait) {
  moved_ = 0;
  if (wait == Wait::kTurn) {
    shared_.ResumeInTurn(*this);
  } else if (wait != Wait::kFirst) {
    Watch(wait == Wait::kWritable ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }
  if (!broken_) wait_ = wait;
  return {.over = broken_};
}

void Connections::Connection::Watch(std::uint32_t events) {
  events |= EPOLLRDHUP | EPOLLET;
  if ((watched_ & events) == events) return;
  epoll_event event{};
  event.events = watched_ | events;
  event.data.ptr = this;
  broken_ = ::epoll_ctl(shared_.poll.native_handle(), watched_ == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
                        socket_.get(), &event) != 0;
  watched_ = event.events;
  shared_.Watch();
}

MonotonicTime Connections::Connection::ReadDue() {
  if (reader_.in_request()) {
    return std::min(reader_.request().started + shared_.options.timeout, shared_.stop_by);
  }
  if (!idle_due_) idle_due_ = std::chrono::steady_clock::now() + shared_.options.idle_timeout;
  return std::min(*idle_due_, shared_.idle_until);
}

Connections::Connection::Io Connections::Connection::TryRead() {
  if (broken_) return Io::kEnded;
  if (!readable_) return Io::kWouldBlock;
  std::span<char> room = reader_.Prepare();
  room = room.first(std::min(room.size(), kBytesBeforeYield));
  while (true) {
    const ssize_t received = ::recv(socket_.get(), room.data(), room.size(), MSG_DONTWAIT);
    if (received > 0) {
      const auto size = static_cast<std::size_t>(received);
      reader_.Commit(size);
      moved_ += size;
      // Less than there was room for is all there was, and what comes later is another edge.
      readable_ = size == room.size() || ending_;
      return Io::kDone;
    }
    if (received == 0) return Io::kEnded;
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return Io::kEnded;
    readable_ = false;
    return Io::kWouldBlock;
  }
}

Connections::Connection::Io Connections::Connection::TryWrite() {
  if (broken_) return Io::kEnded;
  while (!unsent_head_.empty() || !unsent_body_.empty()) {
    if (moved_ >= kBytesBeforeYield) return Io::kGoesOn;
    const std::size_t of_body = std::min(unsent_body_.size(), kBytesBeforeYield);
    std::array<iovec, 2> parts{iovec{const_cast<char*>(unsent_head_.data()), unsent_head_.size()},
                               iovec{const_cast<char*>(unsent_body_.data()), of_body}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = of_body == 0 ? 1 : 2;
    const ssize_t result = ::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (result < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK ? Io::kWouldBlock : Io::kEnded;
    }
    auto sent = static_cast<std::size_t>(result);
    moved_ += sent;
    const std::size_t of_head = std::min(sent, unsent_head_.size());
    unsent_head_.remove_prefix(of_head);
    unsent_body_.remove_prefix(sent - of_head);
  }
  return Io::kDone;
}

void Connections::Connection::Compose(bool keep_alive, bool with_body) {
  keep_alive_ = keep_alive;
  WriteHead(response_,
            {.keep_alive = keep_alive, .http_1_0 = reader_.http_1_0(), .date = shared_.date},
            head_);
  unsent_head_ = head_;
  unsent_body_ = with_body ? std::string_view(response_.body) : std::string_view();
  body_bytes_ = unsent_body_.size();
}

void Connections::Connection::NoteRequest() {
  if (shared_.options.access_log == nullptr) return;
  const RequestLine line = reader_.line();
  noted_.pending = true;
  noted_.method = line.method;
  noted_.target = line.target;
  noted_.version = line.version;
  noted_.started = reader_.request().started;
}

void Connections::Connection::LogAnswer() {
  if (!noted_.pending) return;
  noted_.pending = false;
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  const auto latency =
      duration_cast<microseconds>(std::chrono::steady_clock::now() - noted_.started);
  const auto now = std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
  shared_.options.access_log->Write({.peer = peer_,
                                     .method = noted_.method,
                                     .target = noted_.target,
                                     .version = noted_.version,
                                     .request_id = HeaderValue(response_, "X-Request-Id"),
                                     .worker = shared_.options.worker,
                                     .status = response_.status,
                                     .body_bytes = body_bytes_ - unsent_body_.size(),
                                     .time = now - latency,
                                     .latency = latency});
}

void Connections::Connection::BeginAnswer() {
  RequestView& request = reader_.request();
  request.deadline = request.started + shared_.options.timeout;
  idle_due_.reset();
  response_.Clear();
  begun_ = false;
  is_large_ = request.body.size() > kLargeBody;
  request.retry_after = RetryAfter();
}

std::chrono::seconds Connections::Connection::RetryAfter() const {
  QueueDelay::Duration wait = shared_.delay.Waited(std::chrono::steady_clock::now());
  if (is_large_) wait += shared_.delay.LargeWait();
  if (wait <= shared_.options.max_queue_delay) return std::chrono::seconds(0);
  return std::chrono::ceil<std::chrono::seconds>(wait);
}

Progress Connections::Connection::WorkOnAnswer() {
  const RequestView& request = reader_.request();
  // What the master sees when the loop does not come back from this.
  const auto ns = [](MonotonicTime time) { return time.time_since_epoch().count(); };
  shared_.slot.request_deadline_ns.store(ns(request.deadline), std::memory_order_relaxed);
  shared_.slot.request_started_ns.store(ns(std::chrono::steady_clock::now()),
                                        std::memory_order_relaxed);
  const Progress progress = std::exchange(begun_, true)
                                ? shared_.router.Continue(exchange_)
                                : shared_.router.Start(request, response_, exchange_);
  shared_.slot.request_started_ns.store(0, std::memory_order_relaxed);
  shared_.slot.request_deadline_ns.store(0, std::memory_order_relaxed);
  return progress;
}

void Connections::Connection::EndAnswer() {
  const RequestView& request = reader_.request();
  const bool head_only = request.method == Method::kHead;
  answer_due_ = request.deadline;
  Compose(reader_.keep_alive() && !response_.close && !shared_.draining, !head_only);
  NoteRequest();
  reader_.Next();
}

bool Connections::Connection::JoinLarge() {
  large_bytes_ = reader_.request().body.size();
  shared_.delay.OnLargeJoined(large_bytes_);
  shared_.large.push_back(this);
  return shared_.large.front() == this;
}

void Connections::Connection::LeaveLarge() {
  if (large_bytes_ == 0) return;
  if (begun_ && response_.status == 200) {
    shared_.delay.OnLargeAnswered(large_bytes_, std::chrono::steady_clock::now() - turn_began_);
  }
  shared_.delay.OnLargeLeft(std::exchange(large_bytes_, 0));
  const bool was_first = shared_.large.front() == this;
  std::erase(shared_.large, this);
  if (!was_first || shared_.large.empty()) return;
  Connection& next = *shared_.large.front();
  if (std::exchange(next.wait_, Wait::kTurn) == Wait::kFirst) shared_.ResumeInTurn(next);
}

void Connections::Connection::AnswerFault(const RequestFault& fault) {
  response_.Clear();
  WriteFault(fault, response_);
  CountAnswer(response_.status, shared_.slot);
  answer_due_ = std::chrono::steady_clock::now() + shared_.options.timeout;
  Compose(/*keep_alive=*/false, /*with_body=*/true);
  NoteRequest();
}

/// The time for a request ran out while it was still arriving.
void Connections::Connection::AnswerLateRequest() {
  if (std::chrono::steady_clock::now() >= shared_.stop_by) {
    shared_.slot.clipped.fetch_add(1, std::memory_order_relaxed);
    return AnswerFault({.code = ErrorCode::kNotReady, .message = "the server is stopping"});
  }
  AnswerFault(
      {.code = ErrorCode::kClientTimeout, .message = "the request did not arrive within its time"});
}

Coroutine Connections::Connection::Serve() {
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  int requests_since_wait = 0;
  while (keep_alive_) {
    bool faulty = false;
    switch (reader_.Parse()) {
      case RequestReader::Progress::kNeedMore: {
        // When its time was over something had come, but only empty lines.
        if (expired_ && idle_due_ && !reader_.in_request()) co_return;
        // Others have their turn however fast the peer sends, and its time passes, too.
        Io read = moved_ < kBytesBeforeYield ? TryRead() : Io::kGoesOn;
        while (read == Io::kWouldBlock || read == Io::kGoesOn) {
          WaitUntil(ReadDue());
          requests_since_wait = 0;
          const bool sends_on = read == Io::kGoesOn;
          co_await Until(sends_on ? Wait::kTurn : Wait::kReadable);
          if (expired_ && reader_.in_request()) break;
          // Even when idle for too long: a request may have come since.
          readable_ = true;
          read = TryRead();
          if (expired_ && (sends_on || read == Io::kWouldBlock)) co_return;
        }
        if (read == Io::kEnded) co_return;
        if (read == Io::kDone) continue;
        faulty = true;
        AnswerLateRequest();
        break;
      }
      case RequestReader::Progress::kContinue:
        answer_due_ = reader_.request().started + shared_.options.timeout;
        unsent_head_ = kContinue;
        unsent_body_ = {};
        break;
      case RequestReader::Progress::kRequest:
        BeginAnswer();
        if (is_large_ && reader_.request().retry_after.count() == 0 && !JoinLarge()) {
          reader_.request().waited = true;
          WaitUntil(std::min(reader_.request().deadline, shared_.stop_by));
          co_await Until(Wait::kFirst);
        }
        if (large_bytes_ != 0) turn_began_ = std::chrono::steady_clock::now();
        while (WorkOnAnswer() == Progress::kMore) co_await Until(Wait::kTurn);
        LeaveLarge();
        EndAnswer();
        break;
      case RequestReader::Progress::kFault:
        faulty = true;
        AnswerFault(reader_.fault());
        break;
    }
    Io written = TryWrite();
    while (written == Io::kGoesOn || written == Io::kWouldBlock) {
      WaitUntil(answer_due_);
      co_await Until(written == Io::kGoesOn ? Wait::kTurn : Wait::kWritable);
      written = expired_ ? Io::kEnded : TryWrite();  // a peer that does not read, or too slowly
    }
    LogAnswer();
    if (written == Io::kEnded) co_return;
    if (response_.body.capacity() > kKeptBodyCapacity) std::string().swap(response_.body);
    if (!keep_alive_) {
      // Bytes that nobody read would turn the close into a reset, which can overtake the answer.
      if (!faulty && !reader_.in_request()) co_return;
      EndOutput();
      WaitUntil(std::chrono::steady_clock::now() + kLinger);
      std::array<char, 4096> discarded;
      while (!expired_) {
        const ssize_t got = ::recv(socket_.get(), discarded.data(), discarded.size(), MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) co_return;
        co_await Until(got < 0 ? Wait::kReadable : Wait::kTurn);  // however fast the peer sends
      }
      co_return;
    }
    if (++requests_since_wait >= kRequestsBeforeYield) {
      requests_since_wait = 0;
      co_await Until(Wait::kTurn);  // others are waiting, too
    }
  }
}

Connections::Connections(net::io_context& loop, Router& router, WorkerSlot& slot,
                         const ConnectionOptions& options, std::function<void()> on_closed)
    : shared_(std::make_shared<Shared>(loop, router, slot, options, std::move(on_closed))) {}

Connections::~Connections() { shared_->End(); }

void Connections::Start(Fd socket) { shared_->Start(std::move(socket)); }

void Connections::Tick(MonotonicTime now) {
  shared_->date = HttpDate(std::time(nullptr));
  for (auto next = shared_->open.begin(); next != shared_->open.end();) {
    Connection& connection = *next++;  // which may end
    connection.Tick(now);
  }
}

void Connections::BeginDrain(MonotonicTime now, std::chrono::milliseconds idle_patience,
                             MonotonicTime stop_by) {
  shared_->draining = true;
  shared_->idle_until = std::min(shared_->idle_until, now + idle_patience);
  shared_->stop_by = std::min(shared_->stop_by, stop_by);
  for (Connection& connection : shared_->open) connection.BeginDrain();
}

std::size_t Connections::size() const noexcept { return shared_->open.size(); }

}  // namespace forkcast::serving
