#include "serving/http/connections.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <ctime>
#include <list>
#include <string>
#include <utility>

#include "serving/http/access_log.hpp"
#include "serving/http/error_response.hpp"
#include "serving/http/response.hpp"
#include "serving/http/router.hpp"
#include "serving/process/worker_slot.hpp"

namespace forkcast::serving {
namespace {

namespace net = boost::asio;
using Socket = net::generic::stream_protocol::socket;

constexpr auto kAwait = net::as_tuple(net::use_awaitable);
constexpr std::size_t kKeptBodyCapacity = 262144;
constexpr int kRequestsBeforeYield = 64;
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

/// What the connections have in common.
struct Connections::Shared {
  net::io_context& loop;
  Router& router;
  WorkerSlot& slot;
  ConnectionOptions options;
  std::function<void()> on_closed;
  std::string date = HttpDate(std::time(nullptr));
  bool draining = false;
  MonotonicTime idle_until = MonotonicTime::max();  // while draining
  MonotonicTime stop_by = MonotonicTime::max();
  std::list<Connection*> open;
};

class Connections::Connection {
 public:
  Connection(Shared& shared, Socket socket)
      : shared_(shared),
        socket_(std::move(socket)),
        peer_(shared.options.access_log == nullptr ? "" : PeerAddress(socket_.native_handle())),
        reader_(shared.options.limits),
        place_(shared.open.insert(shared.open.end(), this)) {
    shared_.slot.connections.store(shared_.open.size(), std::memory_order_relaxed);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    shared_.open.erase(place_);
    shared_.slot.connections.store(shared_.open.size(), std::memory_order_relaxed);
  }

  net::awaitable<void> Serve();

  /// Ends the wait in progress when it is overdue.
  void Tick(MonotonicTime now) {
    if (now < deadline_) return;
    expired_ = true;
    boost::system::error_code ignored;
    socket_.cancel(ignored);
  }
  /// Shortens the wait in progress to what draining allows.
  void BeginDrain() {
    if (idle()) deadline_ = std::min(deadline_, shared_.idle_until);
    if (reader_.in_request()) deadline_ = std::min(deadline_, shared_.stop_by);
  }

 private:
  enum class Io { kDone, kWouldBlock, kEnded };

  Io TryRead();
  Io TryWrite();
  void AnswerRequest();
  void AnswerFault(const RequestFault& fault);
  void AnswerLateRequest();
  void Compose(bool keep_alive, bool with_body);
  void NoteRequest();
  void LogAnswer();
  void WaitUntil(MonotonicTime deadline) noexcept {
    deadline_ = deadline;
    expired_ = false;
  }
  /// Neither in a request nor in its answer.
  [[nodiscard]] bool idle() const noexcept {
    return !reader_.in_request() && unsent_head_.empty() && unsent_body_.empty();
  }
  void EndOutput() noexcept { ::shutdown(socket_.native_handle(), SHUT_WR); }

  Shared& shared_;
  Socket socket_;
  const std::string peer_;
  RequestReader reader_;
  Response response_;
  std::string head_;
  std::string_view unsent_head_;
  std::string_view unsent_body_;
  std::size_t body_bytes_ = 0;
  bool keep_alive_ = true;
  MonotonicTime answer_due_;                       // when its last byte has to be written
  MonotonicTime deadline_ = MonotonicTime::max();  // of the wait in progress
  bool expired_ = false;
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
  std::list<Connection*>::iterator place_;
};

Connections::Connection::Io Connections::Connection::TryRead() {
  const std::span<char> room = reader_.Prepare();
  while (true) {
    const ssize_t received =
        ::recv(socket_.native_handle(), room.data(), room.size(), MSG_DONTWAIT);
    if (received > 0) {
      reader_.Commit(static_cast<std::size_t>(received));
      return Io::kDone;
    }
    if (received == 0) return Io::kEnded;
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == EWOULDBLOCK ? Io::kWouldBlock : Io::kEnded;
  }
}

Connections::Connection::Io Connections::Connection::TryWrite() {
  while (!unsent_head_.empty() || !unsent_body_.empty()) {
    std::array<iovec, 2> parts{iovec{const_cast<char*>(unsent_head_.data()), unsent_head_.size()},
                               iovec{const_cast<char*>(unsent_body_.data()), unsent_body_.size()}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = unsent_body_.empty() ? 1 : 2;
    const ssize_t result =
        ::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (result < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK ? Io::kWouldBlock : Io::kEnded;
    }
    auto sent = static_cast<std::size_t>(result);
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

void Connections::Connection::AnswerRequest() {
  RequestView& request = reader_.request();
  request.deadline = request.started + shared_.options.timeout;
  response_.Clear();
  if (response_.body.capacity() > kKeptBodyCapacity) response_.body.shrink_to_fit();
  // What the master sees when the loop does not come back from this.
  const auto ns = [](MonotonicTime time) { return time.time_since_epoch().count(); };
  shared_.slot.request_deadline_ns.store(ns(request.deadline), std::memory_order_relaxed);
  shared_.slot.request_started_ns.store(ns(std::chrono::steady_clock::now()),
                                        std::memory_order_relaxed);
  shared_.router.Handle(request, response_);
  shared_.slot.request_started_ns.store(0, std::memory_order_relaxed);
  shared_.slot.request_deadline_ns.store(0, std::memory_order_relaxed);
  const bool head_only = request.method == Method::kHead;
  answer_due_ = request.deadline;
  Compose(reader_.keep_alive() && !response_.close && !shared_.draining, !head_only);
  NoteRequest();
  reader_.Next();
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
    return AnswerFault({.status = 503, .code = "not_ready", .message = "the server is stopping"});
  }
  AnswerFault({.status = 408,
               .code = "request_timeout",
               .message = "the request did not arrive within its time"});
}

net::awaitable<void> Connections::Connection::Serve() {
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  int requests_since_wait = 0;
  while (keep_alive_) {
    bool faulty = false;
    switch (reader_.Parse()) {
      case RequestReader::Progress::kNeedMore: {
        Io read = TryRead();
        while (read == Io::kWouldBlock) {
          if (idle()) {
            WaitUntil(std::min(std::chrono::steady_clock::now() + shared_.options.idle_timeout,
                               shared_.idle_until));
          } else {
            WaitUntil(
                std::min(reader_.request().started + shared_.options.timeout, shared_.stop_by));
          }
          requests_since_wait = 0;
          co_await socket_.async_wait(Socket::wait_read, kAwait);
          if (expired_ && reader_.in_request()) break;
          // Even when idle for too long: a request may have come since.
          read = TryRead();
          if (expired_ && read == Io::kWouldBlock) co_return;
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
        AnswerRequest();
        break;
      case RequestReader::Progress::kFault:
        faulty = true;
        AnswerFault(reader_.fault());
        break;
    }
    Io written = TryWrite();
    while (written == Io::kWouldBlock) {
      WaitUntil(answer_due_);
      co_await socket_.async_wait(Socket::wait_write, kAwait);
      written = expired_ ? Io::kEnded : TryWrite();  // a peer that does not read, or too slowly
    }
    LogAnswer();
    if (written == Io::kEnded) co_return;
    if (!keep_alive_) {
      EndOutput();
      // Bytes that nobody read would turn the close into a reset, which can overtake the answer.
      if (!faulty && !reader_.in_request()) co_return;
      WaitUntil(std::chrono::steady_clock::now() + kLinger);
      std::array<char, 4096> discarded;
      while (!expired_) {
        const ssize_t got =
            ::recv(socket_.native_handle(), discarded.data(), discarded.size(), MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) co_return;
        co_await socket_.async_wait(Socket::wait_read, kAwait);  // however fast the peer sends
        if (std::chrono::steady_clock::now() >= deadline_) co_return;
      }
      co_return;
    }
    if (++requests_since_wait >= kRequestsBeforeYield) {
      requests_since_wait = 0;
      co_await net::post(shared_.loop, net::use_awaitable);  // others are waiting, too
    }
  }
}

Connections::Connections(net::io_context& loop, Router& router, WorkerSlot& slot,
                         const ConnectionOptions& options, std::function<void()> on_closed)
    : shared_(new Shared{.loop = loop,
                         .router = router,
                         .slot = slot,
                         .options = options,
                         .on_closed = std::move(on_closed),
                         .open = {}}) {}

Connections::~Connections() = default;

void Connections::Start(Fd fd) {
  int family = AF_UNIX;
  socklen_t size = sizeof family;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_DOMAIN, &family, &size);
  if (family != AF_UNIX) {
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  boost::system::error_code error;
  Socket socket(shared_->loop);
  socket.assign(net::generic::stream_protocol(family, 0), fd.get(), error);
  if (error) {
    shared_->on_closed();
    return;
  }
  (void)fd.Release();  // the socket's now
  net::co_spawn(
      shared_->loop,
      [](std::shared_ptr<Shared> shared, Socket stream) -> net::awaitable<void> {
        Connection connection(*shared, std::move(stream));
        co_await connection.Serve();
      }(shared_, std::move(socket)),
      [shared = shared_](const std::exception_ptr& failure) {
        // Out of memory: the connection is lost, the worker goes on.
        if (failure) shared->slot.server_errors.fetch_add(1, std::memory_order_relaxed);
        shared->on_closed();
      });
}

void Connections::Tick(MonotonicTime now) {
  shared_->date = HttpDate(std::time(nullptr));
  for (Connection* connection : shared_->open) connection->Tick(now);
}

void Connections::BeginDrain(MonotonicTime now, std::chrono::milliseconds idle_patience,
                             MonotonicTime stop_by) {
  shared_->draining = true;
  shared_->idle_until = std::min(shared_->idle_until, now + idle_patience);
  shared_->stop_by = std::min(shared_->stop_by, stop_by);
  for (Connection* connection : shared_->open) connection->BeginDrain();
}

std::size_t Connections::size() const noexcept { return shared_->open.size(); }

}  // namespace forkcast::serving
