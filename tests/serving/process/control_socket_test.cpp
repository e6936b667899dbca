#include "serving/process/control_socket.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <future>
#include <string>
#include <string_view>
#include <vector>

#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::ReadWhole;
using preprocessing::TempFolder;
using testing::HasSubstr;
namespace fs = std::filesystem;

class ControlSocketTest : public testing::Test {
 protected:
  [[nodiscard]] fs::path path() const { return folder_.path() / "control"; }
  void Open() { ASSERT_TRUE(socket_.Open(path()).ok()); }

  /// As a master's loop would: waits until somebody asks.
  void AnswerNext(const std::string& document) {
    Turn(socket_, {.status = [&document] { return document; }});
  }
  /// Until somebody was answered.
  void Turn(ControlSocket& socket, ControlSocket::Replies replies) {
    bool answered = false;
    const auto status = replies.status;
    const auto order = replies.order;
    replies.status = [&] {
      answered = true;
      return status();
    };
    replies.order = [&](std::string_view line) {
      answered = true;
      return order(line);
    };
    while (!answered) {
      std::vector<pollfd> asked;
      for (const int fd : socket.watched()) {
        asked.push_back({.fd = fd, .events = POLLIN, .revents = 0});
      }
      ASSERT_GT(::poll(asked.data(), asked.size(), 10'000), 0);
      socket.Answer(replies, now_);
    }
  }
  [[nodiscard]] std::future<Result<std::string>> Ask(const std::string& line = "status") const {
    return std::async(std::launch::async,
                      [path = path(), line] { return AskControlSocket(path, line); });
  }
  /// Connects and never reads.
  [[nodiscard]] Fd Connect() const {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strcpy(name.sun_path, path().c_str());
    Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
    return client;
  }

  const TempFolder folder_;
  ControlSocket socket_;
  MonotonicTime now_{std::chrono::hours(1)};
};

TEST_F(ControlSocketTest, TellsWhoeverAsksTheWholeDocument) {
  Open();
  const std::string document = std::string(100'000, 'x') + "\n";  // of 256 workers
  for (int i = 0; i < 3; ++i) {
    auto asked = Ask();
    AnswerNext(document);
    const auto answer = asked.get();
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(*answer, document);
  }
}

TEST_F(ControlSocketTest, IsForItsOwnerAlone) {
  Open();
  struct stat file {};
  ASSERT_EQ(::stat(path().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777U, 0600U);
}

TEST_F(ControlSocketTest, ComposesNothingWhenNobodyAsks) {
  bool asked = false;
  const auto note = [&asked] {
    asked = true;
    return std::string();
  };
  socket_.Answer({.status = note}, now_);
  Open();
  socket_.Answer({.status = note}, now_);
  EXPECT_FALSE(asked);
}

TEST_F(ControlSocketTest, AnswersAnOrderWithWhatCameOfIt) {
  Open();
  auto asked = Ask(R"({"deployment": "sales"})");
  Turn(socket_, {.status = [] { return "status\n"; },
                 .order = [](std::string_view line) { return std::string(line) + "!\n"; }});
  EXPECT_EQ(asked.get().value(), "{\"deployment\": \"sales\"}!\n");
}

TEST_F(ControlSocketTest, TellsTheStatusToWhoSaysNothingForAWhile) {
  Open();
  const Fd silent = Connect();
  int told = 0;
  const ControlSocket::Replies replies{.status = [&told] {
    ++told;
    return "status\n";
  }};
  socket_.Answer(replies, now_);
  EXPECT_EQ(told, 0);
  socket_.Answer(replies, now_ + std::chrono::milliseconds(200));
  EXPECT_EQ(told, 1);
  std::string got(7, '\0');
  EXPECT_EQ(::recv(silent.get(), got.data(), got.size(), MSG_WAITALL), 7);
  EXPECT_EQ(got, "status\n");
}

TEST_F(ControlSocketTest, TakesNoLineWithoutAnEndForAnOrder) {
  Open();
  const Fd talker = Connect();
  ASSERT_EQ(::send(talker.get(), "stop", 4, 0), 4);
  bool obeyed = false;
  const ControlSocket::Replies replies{.status = [] { return "status\n"; },
                                       .order =
                                           [&obeyed](std::string_view) {
                                             obeyed = true;
                                             return "done\n";
                                           }};
  socket_.Answer(replies, now_);
  socket_.Answer(replies, now_ + std::chrono::milliseconds(200));
  EXPECT_FALSE(obeyed);
  char byte = 0;
  EXPECT_EQ(::recv(talker.get(), &byte, 1, 0), 0) << "it is let go";
}

TEST_F(ControlSocketTest, DoesNotWaitForPeersThatDoNotRead) {
  Open();
  std::vector<Fd> idle;
  for (int i = 0; i < 10; ++i) idle.push_back(Connect());
  const std::string too_long(64U << 20U, 'x');  // no socket takes that at once
  int composed = 0;
  const ControlSocket::Replies replies{.status = [&] {
    ++composed;
    return too_long;
  }};
  socket_.Answer(replies, now_);
  socket_.Answer(replies, now_ + std::chrono::milliseconds(200));
  EXPECT_EQ(composed, 1) << "once for all who ask at the same time";
  auto asked = Ask();
  AnswerNext("new\n");
  const auto answer = asked.get();
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(*answer, "new\n");
}

TEST_F(ControlSocketTest, AnswerThatBreaksOffIsNone) {
  Open();
  auto asked = Ask();
  AnswerNext(R"({"pid": 1)");
  const auto answer = asked.get();
  ASSERT_FALSE(answer.ok());
  EXPECT_THAT(answer.error().message, HasSubstr("the server's answer breaks off"));
}

TEST_F(ControlSocketTest, AsksInVainWhereNobodyIs) {
  const auto nowhere = AskControlSocket(path());
  ASSERT_FALSE(nowhere.ok());
  EXPECT_THAT(nowhere.error().message, HasSubstr("no server answers there: No such file"));
  Open();
  fs::create_hard_link(path(), folder_.path() / "left");
  socket_.Close();
  const auto left = AskControlSocket(folder_.path() / "left");
  ASSERT_FALSE(left.ok());
  EXPECT_THAT(left.error().message, HasSubstr("no server answers there: Connection refused"));
  EXPECT_FALSE(AskControlSocket(std::string(108, 'x')).ok());
}

TEST_F(ControlSocketTest, IsGoneWhenClosed) {
  Open();
  EXPECT_GE(socket_.fd(), 0);
  socket_.Close();
  EXPECT_EQ(socket_.fd(), -1);
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(ControlSocketTest, LeavesALiveServersSocketToAllButItsSuccessor) {
  Open();
  ControlSocket other;
  const Status refused = other.Open(path());
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("another server is listening there"));

  ASSERT_TRUE(other.Open(path(), ControlSocket::Replace::kPredecessor).ok());
  socket_.Close();
  EXPECT_TRUE(fs::is_socket(path())) << "the predecessor's end takes its own file alone";
  auto asked = Ask();
  Turn(other, {.status = [] { return "successor\n"; }});
  EXPECT_EQ(asked.get().value(), "successor\n");
}

TEST_F(ControlSocketTest, LeavesAFileThatIsNoSocketToEverybody) {
  folder_.Write("control", "precious");
  EXPECT_FALSE(socket_.Open(path(), ControlSocket::Replace::kPredecessor).ok());
  EXPECT_EQ(ReadWhole(path()), "precious");
}

}  // namespace
}  // namespace forkcast::serving
