#include "data_preprocessing/follow/status_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <ostream>
#include <string>

namespace forkcast::preprocessing {
namespace {

constexpr std::chrono::hours kNever{1};

/// Reads a message, or what a pipe has.
std::string ReadFrom(const Fd& fd) {
  pollfd ready{.fd = fd.get(), .events = POLLIN, .revents = 0};
  constexpr int kPatienceMs = 30'000;
  if (::poll(&ready, 1, kPatienceMs) != 1) return "nothing came";
  std::array<char, 4096> bytes{};
  const ssize_t read = ::read(fd.get(), bytes.data(), bytes.size());
  return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(read, 0))};
}

struct Channel {
  Fd reader;
  Fd writer;
};

Channel Sockets() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

Channel Pipe() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

struct Kind {
  std::string name;
  Channel (*open)();
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

class StatusChannel : public testing::TestWithParam<Kind> {
 protected:
  StatusChannel() { std::signal(SIGPIPE, SIG_IGN); }
};

TEST_P(StatusChannel, TakesEachStatus) {
  Channel channel = GetParam().open();
  StatusWriter writer(std::move(channel.writer), kNever);
  writer.Write({.rows = 3});
  EXPECT_EQ(ReadFrom(channel.reader), ToJsonLine({.rows = 3}));
  writer.Write({.rows = 5});
  EXPECT_EQ(ReadFrom(channel.reader), ToJsonLine({.rows = 5}));
}

TEST_P(StatusChannel, HearsTheLastOneAgainWhileNothingHappens) {
  Channel channel = GetParam().open();
  StatusWriter writer(std::move(channel.writer), std::chrono::milliseconds(10));
  writer.Write({.rows = 3});
  EXPECT_EQ(ReadFrom(channel.reader).substr(0, 20), ToJsonLine({.rows = 3}).substr(0, 20));
  EXPECT_THAT(ReadFrom(channel.reader), testing::StartsWith(ToJsonLine({.rows = 3})));
}

TEST_P(StatusChannel, ThatNobodyReadsAnyMoreIsNoticed) {
  Channel channel = GetParam().open();
  StatusWriter writer(std::move(channel.writer), kNever);
  EXPECT_FALSE(writer.reader_is_gone());
  channel.reader.Reset();
  writer.Write({});
  EXPECT_TRUE(writer.reader_is_gone());
}

TEST_P(StatusChannel, ThatIsFullKeepsNobodyWaiting) {
  Channel channel = GetParam().open();
  StatusWriter writer(std::move(channel.writer), kNever);
  for (std::size_t i = 0; i < 10'000; ++i) writer.Write({.rows = i});
  EXPECT_FALSE(writer.reader_is_gone());
}

INSTANTIATE_TEST_SUITE_P(Kinds, StatusChannel,
                         testing::Values(Kind{"Socket", &Sockets}, Kind{"Pipe", &Pipe}),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace forkcast::preprocessing
