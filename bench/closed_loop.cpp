#include "closed_loop.hpp"

#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <deque>
#include <optional>
#include <string_view>
#include <system_error>

#include "data_preprocessing/base/fd.hpp"

namespace forkcast::bench {
namespace {

using Time = std::chrono::steady_clock::time_point;
using std::chrono::nanoseconds;

constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::milliseconds kAfterBreak{1};  // a server that refuses is not hammered

struct AnswerHead {
  int status = 0;
  std::size_t body_bytes = 0;
  bool close = false;
};

timespec ToTimespec(nanoseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  return {.tv_sec = seconds.count(), .tv_nsec = (time - seconds).count()};
}

bool StartsWithName(std::string_view line, std::string_view name) {
  return line.size() > name.size() && ::strncasecmp(line.data(), name.data(), name.size()) == 0;
}

/// `head` up to and with its empty line. None when it is not the head of an answer whose length is
/// announced.
std::optional<AnswerHead> ReadHead(std::string_view head) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  constexpr std::string_view kLength = "Content-Length: ";
  constexpr std::string_view kClose = "Connection: close";
  AnswerHead answer;
  if (!head.starts_with(kVersion)) return std::nullopt;
  const char* const end = head.data() + head.size();
  if (std::from_chars(head.data() + kVersion.size(), end, answer.status).ec != std::errc{}) {
    return std::nullopt;
  }
  bool has_length = false;
  for (std::size_t at = head.find('\n') + 1; at < head.size(); at = head.find('\n', at) + 1) {
    const std::string_view line = head.substr(at);
    if (StartsWithName(line, kLength)) {
      has_length =
          std::from_chars(line.data() + kLength.size(), end, answer.body_bytes).ec == std::errc{};
    } else if (StartsWithName(line, kClose)) {
      answer.close = true;
    }
  }
  return has_length ? std::optional(answer) : std::nullopt;
}

/// What all connections share.
struct Run {
  explicit Run(const LoadOptions& given)
      : options(given),
        poll(::epoll_create1(EPOLL_CLOEXEC)),
        from(std::chrono::steady_clock::now() + given.warm_up),
        until(from + given.duration) {
    if (poll.get() < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    if (given.rate > 0) {
      interval = std::chrono::duration_cast<nanoseconds>(
          std::chrono::duration<double>(static_cast<double>(given.connections) / given.rate));
    }
  }

  [[nodiscard]] bool has_rate() const noexcept { return interval.count() != 0; }

  const LoadOptions& options;
  Fd poll;
  Time from;
  Time until;
  nanoseconds interval{0};  // between two requests of a connection, where there is a rate
  LoadReport report;
};

/// One connection after the other, one request at a time.
class Caller {
 public:
  Caller(Run& run, std::size_t first_request)
      : run_(run), next_request_(first_request % run.options.requests.size()) {}

  /// As Begin(), or when the first request is due.
  void Start(Time due, Time now) {
    due_ = due;
    if (due <= now) Begin(now);  // else it pauses until then
  }

  [[nodiscard]] bool done() const noexcept { return state_ == State::kDone; }
  [[nodiscard]] bool paused() const noexcept { return state_ == State::kPaused; }
  [[nodiscard]] Time due() const noexcept { return due_; }

  /// Sends the next request, on a new connection where there is none.
  void Begin(Time now) {
    begun_ = run_.has_rate() ? due_ : now;
    if (begun_ >= run_.until) return End();
    unsent_ = run_.options.requests[next_request_];
    next_request_ = (next_request_ + 1) % run_.options.requests.size();
    filled_ = 0;
    head_.reset();
    state_ = State::kInRequest;
    return socket_ ? Send(now) : Connect(now);
  }

  void OnReady(std::uint32_t events, Time now) {
    if (state_ == State::kInRequest && (events & EPOLLOUT) != 0 && !unsent_.empty()) Send(now);
    constexpr std::uint32_t kEnded = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
    if (socket_ && (events & (EPOLLIN | kEnded)) != 0) Receive((events & kEnded) != 0, now);
  }

  /// Ends a pause, and at the run's end everything.
  void OnTime(Time now) {
    if (state_ == State::kPaused && now >= due_) Begin(now);
    if (now < run_.until || done()) return;
    if (state_ != State::kInRequest) return End();
    if (now < run_.until + kPatience) return;
    ++run_.report.broken;
    End();
  }

 private:
  enum class State {
    kPaused,
    kInRequest,  ///< Connecting, sending or receiving.
    kClosing,    ///< Answered; the server closes, and it first, so that no port here stays taken.
    kDone,
  };

  void Connect(Time now) {
    socket_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_) throw std::system_error(errno, std::generic_category(), "socket");
    const int on = 1;
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // Edges: one registration serves a connection's whole life.
    epoll_event wanted{};
    wanted.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    wanted.data.ptr = this;
    if (::epoll_ctl(run_.poll.get(), EPOLL_CTL_ADD, socket_.get(), &wanted) != 0) {
      throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
    const auto* const target = reinterpret_cast<const sockaddr*>(&run_.options.target);
    if (::connect(socket_.get(), target, sizeof run_.options.target) != 0 && errno != EINPROGRESS) {
      Break(now);
    }
  }

  void Send(Time now) {
    const ssize_t sent = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      unsent_.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != ENOTCONN) {
      // The server may have answered and closed before it read all; what it said counts.
      if (filled_ == 0 && !head_) Break(now);
    }
  }

  /// `ended`: nothing will be announced any more, so everything has to be read now.
  void Receive(bool ended, Time now) {
    while (true) {
      const std::size_t room = buffer_.size() - filled_;
      const ssize_t result = ::recv(socket_.get(), buffer_.data() + filled_, room, 0);
      if (result < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (result <= 0) return OnEnd(now);
      const auto got = static_cast<std::size_t>(result);
      if (state_ != State::kInRequest) return Break(now);  // nobody asked
      Take(got, now);
      if (!socket_ || (got < room && !ended)) return;
    }
  }

  void Take(std::size_t got, Time now) {
    if (!head_) {
      filled_ += got;
      const std::string_view bytes(buffer_.data(), filled_);
      const std::size_t end = bytes.find("\r\n\r\n");
      if (end == std::string_view::npos) {
        if (filled_ == buffer_.size()) Break(now);
        return;
      }
      head_ = ReadHead(bytes.substr(0, end + 4));
      if (!head_) return Break(now);
      body_left_ = head_->body_bytes;
      got = filled_ - end - 4;
      filled_ = 0;  // bodies are counted, not kept
    }
    if (got > body_left_) return Break(now);
    body_left_ -= got;
    if (body_left_ == 0) Answered(now);
  }

  void Answered(Time now) {
    ++run_.report.in_all;
    if (head_->status != 200) ++run_.report.not_200;
    if (now >= run_.from) {
      const nanoseconds wait = now - begun_;
      run_.report.waits_ns.push_back(static_cast<std::uint64_t>(wait.count()));
      if (head_->status == 200 && now < run_.until) ++run_.report.answers;
    }
    if (head_->close) {
      state_ = State::kClosing;
    } else {
      PauseOrBegin(now, run_.options.pause);
    }
  }

  void OnEnd(Time now) {
    if (state_ == State::kInRequest) return Break(now);
    const bool was_paused = state_ == State::kPaused;
    socket_ = Fd();
    if (!was_paused) PauseOrBegin(now, run_.options.pause);
  }

  void Break(Time now) {
    // A warm-up has failures like any other time: they are never right.
    ++run_.report.broken;
    socket_ = Fd();
    PauseOrBegin(now, std::max<nanoseconds>(run_.options.pause, kAfterBreak));
  }

  void PauseOrBegin(Time now, nanoseconds pause) {
    due_ = run_.has_rate() ? due_ + run_.interval : now + pause;
    if (due_ <= now) return Begin(now);
    state_ = State::kPaused;
  }

  void End() {
    state_ = State::kDone;
    socket_ = Fd();
  }

  Run& run_;
  State state_ = State::kPaused;
  Fd socket_;
  std::size_t next_request_;
  Time due_;
  Time begun_;
  std::string_view unsent_;
  std::array<char, 16384> buffer_;
  std::size_t filled_ = 0;
  std::optional<AnswerHead> head_;
  std::size_t body_left_ = 0;
};

}  // namespace

LoadReport RunClosedLoop(const LoadOptions& options) {
  Run run(options);
  run.report.waits_ns.reserve(1U << 20U);
  std::deque<Caller> callers;  // their addresses are in the poll set
  Time now = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < options.connections; ++i) {
    const std::size_t first = i * options.requests.size() / options.connections;
    const nanoseconds part = run.interval * i / options.connections;
    callers.emplace_back(run, first).Start(now + part, now);
  }
  std::array<epoll_event, 256> events{};
  while (!std::ranges::all_of(callers, &Caller::done)) {
    Time wake = now < run.until ? run.until : run.until + kPatience;
    for (const Caller& caller : callers) {
      if (caller.paused()) wake = std::min(wake, caller.due());
    }
    const timespec wait = ToTimespec(std::max<nanoseconds>(wake - now, nanoseconds(0)));
    const int ready = ::epoll_pwait2(run.poll.get(), events.data(), events.size(), &wait, nullptr);
    for (int i = 0; i < ready; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      // Each by its own time: a batch of events takes longer than one answer.
      static_cast<Caller*>(event.data.ptr)->OnReady(event.events, std::chrono::steady_clock::now());
    }
    now = std::chrono::steady_clock::now();
    for (Caller& caller : callers) caller.OnTime(now);
  }
  return std::move(run.report);
}

}  // namespace forkcast::bench
