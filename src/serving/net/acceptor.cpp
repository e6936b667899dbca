#include "serving/net/acceptor.hpp"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <utility>

namespace forkcast::serving {
namespace {

constexpr int kDescriptorPauseMs = 500;
constexpr int kRegisterAnewMs = 200;
constexpr int kBusyPauseMs = 10;
constexpr std::chrono::milliseconds kBusyAfter{10};
constexpr int kYieldPauseMs = 50;
constexpr std::chrono::milliseconds kYieldFor{20};

Fd Checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return Fd(fd);
}

}  // namespace

Acceptor::Acceptor(std::vector<int> listeners, const std::atomic<std::int64_t>& busy_since_ns,
                   const Clock& clock, IsOurTurn is_our_turn, Notify notify, spdlog::logger& log)
    : listeners_(std::move(listeners)),
      busy_since_ns_(busy_since_ns),
      clock_(clock),
      is_our_turn_(std::move(is_our_turn)),
      notify_(std::move(notify)),
      log_(log),
      epoll_(Checked(::epoll_create1(EPOLL_CLOEXEC), "epoll")),
      wake_(Checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = wake_.get();
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll");
  }
  thread_ = std::thread([this] { Run(); });
}

Acceptor::~Acceptor() { Stop(); }

void Acceptor::Permit() noexcept {
  ++permits_;
  Wake();
}

void Acceptor::Stop() {
  stop_ = true;
  Wake();
  if (thread_.joinable()) thread_.join();
}

void Acceptor::Wake() noexcept {
  const std::uint64_t one = 1;
  // Can only fail when the counter is full, and then the thread wakes anyway.
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

void Acceptor::Arm() {
  if (armed_ || permits_ == 0 || out_of_descriptors_) return;
  for (const int listener : listeners_) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLEXCLUSIVE;
    event.data.fd = listener;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener, &event);
  }
  armed_ = true;
}

void Acceptor::Disarm() {
  if (!armed_) return;
  for (const int listener : listeners_) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener, nullptr);
  }
  armed_ = false;
}

Fd Acceptor::Take(int listener) {
  while (true) {
    Fd connection(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection) return connection;
    if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      // Out of descriptors or memory: the connection waits in the backlog, and so do we.
      log_.error("accept_paused error={:?}", std::strerror(errno));
      out_of_descriptors_ = true;
    }
    return connection;
  }
}

bool Acceptor::LoopIsBusy() const noexcept {
  const std::int64_t since = busy_since_ns_.load(std::memory_order_relaxed);
  if (since == 0) return false;
  return clock_.Monotonic().time_since_epoch() - std::chrono::nanoseconds(since) > kBusyAfter;
}

bool Acceptor::WaitsInVain() {
  const bool waits = std::ranges::any_of(listeners_, [](int listener) {
    pollfd asked{.fd = listener, .events = POLLIN, .revents = 0};
    return ::poll(&asked, 1, 0) == 1;
  });
  const MonotonicTime now = clock_.Monotonic();
  if (!waits) {
    waits_since_.reset();
  } else if (!waits_since_) {
    waits_since_ = now;
  }
  return waits && now - *waits_since_ >= kYieldFor;
}

bool Acceptor::Yields() {
  // Before the look at the connections, as OnFewer() looks at this behind their change: one of the
  // two sees the other.
  yields_.store(true, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const bool is_our_turn = is_our_turn_();
  if (is_our_turn) waits_since_.reset();
  const bool yields = !is_our_turn && !WaitsInVain();
  yields_.store(yields, std::memory_order_relaxed);
  return yields;
}

void Acceptor::OnFewer() noexcept {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (yields_.load(std::memory_order_relaxed)) Wake();
}

int Acceptor::Pause(bool busy, bool yields) const noexcept {
  if (out_of_descriptors_) return kDescriptorPauseMs;
  if (busy && permits_ > 0) return kBusyPauseMs;
  if (yields) return waits_since_ ? kBusyPauseMs : kYieldPauseMs;
  return armed_ ? kRegisterAnewMs : -1;
}

void Acceptor::OnListener(int listener) {
  if (permits_ == 0 || LoopIsBusy()) return;
  --permits_;
  waits_since_.reset();
  Disarm();
  // Of several with connections the first that is registered is told of first.
  std::rotate(listeners_.begin(), std::ranges::find(listeners_, listener) + 1, listeners_.end());
  notify_(listener);
}

void Acceptor::Run() {
  while (!stop_) {
    const bool busy = LoopIsBusy();
    const bool yields = !busy && permits_ > 0 && Yields();
    if (busy || yields) {
      Disarm();
    } else {
      Arm();
    }
    std::array<epoll_event, 8> events{};
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                   Pause(busy, yields));
    if (count == 0) {
      out_of_descriptors_ = false;
      Disarm();
    }
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd != wake_.get()) {
        OnListener(fd);
        continue;
      }
      std::uint64_t ignored = 0;
      [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &ignored, sizeof ignored);
    }
  }
}

}  // namespace forkcast::serving
