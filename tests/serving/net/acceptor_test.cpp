#include "serving/net/acceptor.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <variant>
#include <vector>

#include "serving/process/listener.hpp"

namespace forkcast::serving {
namespace {

/// Waits, no longer than a stuck test should, until `done`.
bool Eventually(const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

/// Of a loop that is at no request.
const std::atomic<std::int64_t> kIdleLoop{0};

/// Of an acceptor that is alone.
bool AlwaysOurTurn() { return true; }

/// Counts log lines; read by another thread than the one that writes.
class CountingSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  [[nodiscard]] int lines() const noexcept { return lines_; }

 private:
  void sink_it_(const spdlog::details::log_msg&) override { ++lines_; }
  void flush_() override {}
  std::atomic<int> lines_{0};
};

/// Holds the connections that were taken.
class Taken {
 public:
  void Add(Fd connection) {
    const std::lock_guard lock(mutex_);
    connections_.push_back(std::move(connection));
  }
  [[nodiscard]] std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return connections_.size();
  }
  [[nodiscard]] int last() const {
    const std::lock_guard lock(mutex_);
    return connections_.back().get();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Fd> connections_;
};

/// A listening socket and clients that have connected to it.
class Door {
 public:
  Door() : listener_(Open()) {}

  void Connect() {
    const auto& address = std::get<TcpAddress>(listener_.local_address());
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.sin_port = htons(address.port);
    Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
      throw std::system_error(errno, std::generic_category(), "connect");
    }
    clients_.push_back(std::move(client));
  }
  [[nodiscard]] int fd() const noexcept { return listener_.fd(); }

 private:
  static Listener Open() {
    auto listener = Listener::Open(TcpAddress{.host = "127.0.0.1", .port = 0}, 512);
    if (!listener) throw std::runtime_error(listener.error().message);
    return *std::move(listener);
  }

  Listener listener_;
  std::vector<Fd> clients_;
};

class AcceptorTest : public testing::Test {
 protected:
  Door door_;
  Taken taken_;
  std::shared_ptr<CountingSink> sink_ = std::make_shared<CountingSink>();
  spdlog::logger log_{"test", sink_};
  std::atomic<std::int64_t> busy_since_ns_{0};
  std::atomic<bool> is_our_turn_{true};
  SystemClock clock_;
  Acceptor acceptor_{{door_.fd()},
                     busy_since_ns_,
                     clock_,
                     [this] { return is_our_turn_.load(); },
                     [this](int door) { taken_.Add(acceptor_.Take(door)); },
                     log_};
};

TEST_F(AcceptorTest, TellsOfOneConnectionAPermit) {
  for (int i = 0; i < 5; ++i) door_.Connect();
  acceptor_.Permit();
  ASSERT_TRUE(Eventually([this] { return taken_.count() == 1; }));
  EXPECT_NE(::fcntl(taken_.last(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(taken_.last(), F_GETFD) & FD_CLOEXEC, 0);
  acceptor_.Permit();
  acceptor_.Permit();
  ASSERT_TRUE(Eventually([this] { return taken_.count() == 3; }));
  std::vector<Fd> rest;  // what is still in the backlog, nobody else has taken
  while (Fd waiting{::accept(door_.fd(), nullptr, nullptr)}) rest.push_back(std::move(waiting));
  EXPECT_EQ(rest.size(), 2U);
  EXPECT_EQ(taken_.count(), 3U);
}

TEST_F(AcceptorTest, TellsOfWhatComesAfterThePermit) {
  acceptor_.Permit();
  door_.Connect();
  EXPECT_TRUE(Eventually([this] { return taken_.count() == 1; }));
}

TEST_F(AcceptorTest, TellsOfNothingAfterItHasStoppedButLetsTheBacklogBeTaken) {
  acceptor_.Stop();
  acceptor_.Permit();
  for (int i = 0; i < 300; ++i) door_.Connect();
  EXPECT_EQ(taken_.count(), 0U);
  for (int i = 0; i < 300; ++i) EXPECT_TRUE(acceptor_.Take(door_.fd()));
  EXPECT_FALSE(acceptor_.Take(door_.fd()));
}

TEST_F(AcceptorTest, TellsOfNothingWhileItsLoopIsAtALongRequest) {
  const auto long_ago = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  busy_since_ns_ = long_ago.time_since_epoch().count();
  acceptor_.Permit();
  door_.Connect();
  EXPECT_TRUE(Fd(::accept(door_.fd(), nullptr, nullptr)));  // another process
  door_.Connect();
  EXPECT_EQ(taken_.count(), 0U);
  busy_since_ns_ = 0;
  EXPECT_TRUE(Eventually([this] { return taken_.count() == 1; }));
}

TEST_F(AcceptorTest, LeavesWhatComesToOthersWhoseTurnItIsAsLongAsTheyTakeIt) {
  is_our_turn_ = false;
  acceptor_.Permit();
  for (int i = 0; i < 100; ++i) {
    door_.Connect();
    EXPECT_TRUE(Fd(::accept(door_.fd(), nullptr, nullptr)));  // another process
  }
  EXPECT_EQ(taken_.count(), 0U);
  is_our_turn_ = true;
  acceptor_.OnFewer();
  door_.Connect();
  EXPECT_TRUE(Eventually([this] { return taken_.count() == 1; }));
}

TEST_F(AcceptorTest, TakesWhatOthersWhoseTurnItIsDoNotTake) {
  is_our_turn_ = false;
  acceptor_.Permit();
  door_.Connect();
  EXPECT_TRUE(Eventually([this] { return taken_.count() == 1; }));
}

TEST(Acceptor, LetsListenersTakeTurnsHoweverMuchComesToOneOfThem) {
  constexpr std::size_t kConnections = 20;
  Door first;
  Door second;
  std::mutex mutex;
  std::vector<int> told;
  spdlog::logger log("test");
  const SystemClock clock;
  std::optional<Acceptor> acceptor;
  acceptor.emplace(
      std::vector{first.fd(), second.fd()}, kIdleLoop, clock, AlwaysOurTurn,
      [&](int door) {
        const std::lock_guard lock(mutex);
        told.push_back(door);
        EXPECT_TRUE(acceptor->Take(door));
      },
      log);
  for (std::size_t i = 0; i < kConnections; ++i) {
    first.Connect();
    second.Connect();
  }
  for (std::size_t i = 1; i <= kConnections; ++i) {
    acceptor->Permit();
    ASSERT_TRUE(Eventually([&] {
      const std::lock_guard lock(mutex);
      return told.size() == i;
    }));
  }
  EXPECT_EQ(std::ranges::count(told, first.fd()), kConnections / 2);
}

TEST(Acceptor, TwoShareWhatComesOneAfterTheOtherEvenly) {
  constexpr std::size_t kConnections = 400;
  Door door;
  spdlog::logger log("test");
  std::array<Taken, 2> taken;
  std::array<Acceptor*, 2> acceptors{};
  // Each asks for the next as soon as it has taken one, as an idle worker does.
  const auto take = [&](std::size_t i) {
    return [&, i](int from) {
      if (Fd connection = acceptors[i]->Take(from)) taken[i].Add(std::move(connection));
      acceptors[i]->Permit();
    };
  };
  const SystemClock clock;
  Acceptor first({door.fd()}, kIdleLoop, clock, AlwaysOurTurn, take(0), log);
  Acceptor second({door.fd()}, kIdleLoop, clock, AlwaysOurTurn, take(1), log);
  acceptors = {&first, &second};
  first.Permit();
  second.Permit();
  for (std::size_t i = 0; i < kConnections; ++i) {
    door.Connect();
    ASSERT_TRUE(Eventually([&] { return taken[0].count() + taken[1].count() == i + 1; }));
  }
  EXPECT_LE(std::max(taken[0].count(), taken[1].count()), kConnections / 2 * 13 / 10);
}

/// Runs in a process of its own, whose descriptors it uses up. 0 when all is well.
int TakeWithoutDescriptors() {
  Door door;
  Taken taken;
  const auto sink = std::make_shared<CountingSink>();
  spdlog::logger log("test", sink);
  const SystemClock clock;
  std::optional<Acceptor> acceptor;
  acceptor.emplace(
      std::vector{door.fd()}, kIdleLoop, clock, AlwaysOurTurn,
      [&](int from) {
        if (Fd connection = acceptor->Take(from)) taken.Add(std::move(connection));
        acceptor->Permit();
      },
      log);
  door.Connect();
  // UBSan takes descriptors when it meets a type for the first time.
  log.error("before error={:?}", "none");
  rlimit usual{};
  ::getrlimit(RLIMIT_NOFILE, &usual);
  rlimit none = usual;
  none.rlim_cur = 0;
  ::setrlimit(RLIMIT_NOFILE, &none);
  acceptor->Permit();
  if (!Eventually([&] { return sink->lines() == 2; })) return 1;
  if (taken.count() != 0) return 2;
  ::setrlimit(RLIMIT_NOFILE, &usual);
  if (!Eventually([&] { return taken.count() == 1; })) return 3;
  return sink->lines() == 2 ? 0 : 4;  // paused, did not spin
}

TEST(Acceptor, PausesWithoutDescriptorsAndRecovers) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(TakeWithoutDescriptors());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace forkcast::serving
