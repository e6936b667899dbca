#include "serving/process/control_socket.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <future>
#include <string>
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
  void AnswerNext(const std::string& document) const {
    pollfd asked{.fd = socket_.fd(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&asked, 1, 10'000), 1);
    socket_.Answer([&document] { return document; });
  }
  [[nodiscard]] std::future<Result<std::string>> Ask() const {
    return std::async(std::launch::async, [path = path()] { return AskControlSocket(path); });
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
  socket_.Answer(note);
  Open();
  socket_.Answer(note);
  EXPECT_FALSE(asked);
}

TEST_F(ControlSocketTest, DoesNotWaitForPeersThatDoNotRead) {
  Open();
  std::vector<Fd> idle;
  for (int i = 0; i < 10; ++i) idle.push_back(Connect());
  const std::string too_long(64U << 20U, 'x');  // no socket takes that at once
  int composed = 0;
  socket_.Answer([&] {
    ++composed;
    return too_long;
  });
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
  pollfd waiting{.fd = other.fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&waiting, 1, 10'000), 1);
  other.Answer([] { return "successor\n"; });
  EXPECT_EQ(asked.get().value(), "successor\n");
}

TEST_F(ControlSocketTest, LeavesAFileThatIsNoSocketToEverybody) {
  folder_.Write("control", "precious");
  EXPECT_FALSE(socket_.Open(path(), ControlSocket::Replace::kPredecessor).ok());
  EXPECT_EQ(ReadWhole(path()), "precious");
}

}  // namespace
}  // namespace forkcast::serving
