#include "serving/net/connection_loop.hpp"

#include <poll.h>

#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <ctime>
#include <iterator>
#include <system_error>
#include <utility>

#include "serving/process/worker_slot.hpp"

namespace forkcast::serving {
namespace {

namespace net = boost::asio;

constexpr std::size_t kEventsAtOnce = 1024;

std::string HttpDate(Instant instant) {
  const std::time_t now = std::chrono::system_clock::to_time_t(instant);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 40> text{};
  const std::size_t size =
      std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return {text.data(), size};
}

}  // namespace

ConnectionLoop::ConnectionLoop(net::io_context& loop, const Clock& clock, Router& router,
                               WorkerSlot& slot, const ConnectionOptions& options,
                               std::function<void()> on_closed)
    : loop_(loop),
      clock_(clock),
      router_(router),
      slot_(slot),
      options_(options),
      on_closed_(std::move(on_closed)),
      date_(HttpDate(clock.Now())),
      now_(clock.Monotonic()),
      poll_(loop),
      events_(kEventsAtOnce) {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) throw std::system_error(errno, std::generic_category(), "epoll");
  poll_.assign(epoll.Release());
}

void ConnectionLoop::Start(Fd socket) {
  LookAtTheClock();
  open_.emplace_back(*this, std::move(socket));
  open_.back().place = std::prev(open_.end());
  CountOpen();
  open_.back().Resume();
}

void ConnectionLoop::Tick(MonotonicTime now) {
  now_ = now;
  date_ = HttpDate(clock_.Now());
  for (auto next = open_.begin(); next != open_.end();) {
    Connection& connection = *next++;  // which may end
    connection.Tick(now);
  }
}

void ConnectionLoop::BeginDrain(MonotonicTime idle_until, MonotonicTime stop_by) {
  drain_.Begin(idle_until, stop_by);
  for (Connection& connection : open_) connection.BeginDrain();
}

void ConnectionLoop::ResumeWaiting() {
  for (auto next = open_.begin(); next != open_.end();) {
    Connection& connection = *next++;  // which may end
    if (connection.waits_for_news()) connection.Resume();
  }
}

bool ConnectionLoop::IsBusy() noexcept {
  if (in_turn_ || turn_due_) return true;
  if (open_.empty()) return false;
  // Whether a socket is ready shows without taking note of which.
  pollfd ready{.fd = epoll(), .events = POLLIN, .revents = 0};
  return ::poll(&ready, 1, /*timeout=*/0) > 0;
}

void ConnectionLoop::End() {
  ended_ = true;
  open_.clear();
  boost::system::error_code ignored;
  poll_.close(ignored);
}

void ConnectionLoop::ResumeInTurn(Connection& connection) {
  if (ended_) return;
  ready_.Add(connection);
  if (!in_turn_) PostTurn();
}

void ConnectionLoop::WaitForSockets() {
  if (in_turn_ || turn_due_ || std::exchange(waiting_, true)) return;
  poll_.async_wait(net::posix::stream_descriptor::wait_read,
                   [self = shared_from_this()](const boost::system::error_code& error) {
                     self->waiting_ = false;
                     if (!error && !self->ended_) self->Turn();
                   });
}

void ConnectionLoop::Close(Connection& connection, bool failed) {
  if (failed) slot_.metrics.Count("server_errors");
  open_.erase(connection.place);
  CountOpen();
  on_closed_();
}

void ConnectionLoop::Turn() {
  using Next = ReadySet<Connection>::Next;
  in_turn_ = true;
  ready_.BeginTurn(LookAtTheClock());
  auto next = Next::kRound;
  while (next == Next::kRound) {
    const int told = AskSockets();
    const auto round = ready_.TakeRound();
    for (Connection* connection : round) connection->Resume();
    next = ready_.EndRound(told > 0 || !round.empty(), LookAtTheClock());
  }
  in_turn_ = false;
  if (next == Next::kLoop) return PostTurn();
  delay_.OnIdle();
  WaitForSockets();
}

int ConnectionLoop::AskSockets() {
  const int most = static_cast<int>(events_.size());
  const int count = ::epoll_wait(epoll(), events_.data(), most, /*timeout=*/0);
  delay_.OnPoll(now_, count < most);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_[static_cast<std::size_t>(i)];
    static_cast<Connection*>(event.data.ptr)->OnEvents(event.events);
  }
  return count;
}

void ConnectionLoop::PostTurn() {
  if (std::exchange(turn_due_, true)) return;
  net::post(loop_, [self = shared_from_this()] {
    self->turn_due_ = false;
    if (!self->ended_) self->Turn();
  });
}

void ConnectionLoop::CountWaiting(int more) noexcept {
  waiting_requests_ += static_cast<std::uint64_t>(more);
  slot_.metrics.Set("in_flight", waiting_requests_);
}

void ConnectionLoop::CountOpen() noexcept { slot_.metrics.Set("connections", open_.size()); }

}  // namespace forkcast::serving
