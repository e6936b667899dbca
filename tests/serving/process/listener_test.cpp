#include "serving/process/listener.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::ReadWhole;
using preprocessing::TempFolder;
using testing::HasSubstr;
namespace fs = std::filesystem;

constexpr int kBacklog = 16;

class UnixListener : public testing::Test {
 protected:
  [[nodiscard]] fs::path path() const { return folder_.path() / "f.sock"; }
  [[nodiscard]] Result<Listener> Open() const {
    return Listener::Open(UnixAddress{path()}, kBacklog);
  }

  [[nodiscard]] bool Answers() const {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strcpy(name.sun_path, path().c_str());
    const Fd client(::socket(AF_UNIX, SOCK_STREAM, 0));
    return ::connect(client.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
  }

  /// Leaves what a killed server leaves: a socket file that nobody listens at.
  void LeaveStaleSocket() const {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strcpy(name.sun_path, path().c_str());
    const Fd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  }

  const TempFolder folder_;
};

TEST_F(UnixListener, HasTheModeThatItIsGiven) {
  const auto listener =
      Listener::Open(UnixAddress{path()}, kBacklog, {.mode = 0660, .group = ::getegid()});
  ASSERT_TRUE(listener.ok()) << listener.error().message;
  struct stat file {};
  ASSERT_EQ(::stat(path().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0660U);
  EXPECT_EQ(file.st_gid, ::getegid());
}

TEST(ResolvedAddress, OfANameIsEachOfItsAddressesThatThisMachineHas) {
  const auto resolved = ResolveAddress(TcpAddress{.host = "localhost", .port = 7});
  ASSERT_TRUE(resolved.ok()) << resolved.error().message;
  EXPECT_THAT(*resolved, testing::Contains(Address(TcpAddress{.host = "127.0.0.1", .port = 7})));
  for (const Address& address : *resolved) {
    auto any_port = std::get<TcpAddress>(address);
    any_port.port = 0;
    EXPECT_TRUE(Listener::Open(any_port, kBacklog).ok());
  }
}

TEST(ResolvedAddress, OfWhatIsNoNameIsItself) {
  for (const Address& address :
       {Address(TcpAddress{.host = "127.0.0.2", .port = 7}), Address(TcpAddress{.host = "0.0.0.0"}),
        Address(UnixAddress{"a"})}) {
    EXPECT_EQ(ResolveAddress(address).value(), std::vector{address});
  }
}

TEST(ResolvedAddress, OfANumberThatIsNotThisMachinesIsRefused) {
  // Of a network for documentation, RFC 5737: nobody's.
  const auto resolved = ResolveAddress(TcpAddress{.host = "192.0.2.1", .port = 7});
  ASSERT_FALSE(resolved.ok());
  EXPECT_EQ(resolved.error(),
            (Error{ErrorCode::kIo, "192.0.2.1:7: this machine has no such address", "bind"}));
}

TEST(ResolvedAddress, OfNobodyIsRefused) {
  const auto resolved = ResolveAddress(TcpAddress{.host = "no-such-host.invalid", .port = 7});
  ASSERT_FALSE(resolved.ok());
  EXPECT_THAT(resolved.error().message,
              HasSubstr("no-such-host.invalid:7: the name cannot be resolved: "));
}

TEST_F(UnixListener, IsReachableByEveryUserAndGoneAfterwards) {
  {
    const auto listener = Open();
    ASSERT_TRUE(listener.ok()) << listener.error().message;
    EXPECT_EQ(listener->local_address(), Address(UnixAddress{path()}));
    EXPECT_TRUE(Answers());
    struct stat file {};
    ASSERT_EQ(::stat(path().c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777, 0666U);
  }
  EXPECT_FALSE(fs::exists(fs::symlink_status(path())));
}

TEST_F(UnixListener, NeitherBlocksNorSurvivesExec) {
  const auto listener = Open();
  ASSERT_TRUE(listener.ok()) << listener.error().message;
  EXPECT_NE(::fcntl(listener->fd(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(listener->fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(UnixListener, RefusesAPathWhereAServerAnswers) {
  const auto first = Open();
  ASSERT_TRUE(first.ok()) << first.error().message;
  const auto second = Open();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kIo);
  EXPECT_THAT(second.error().message, HasSubstr("f.sock: another server is listening there"));
  EXPECT_TRUE(Answers());
}

TEST_F(UnixListener, RefusesAPathWhereAServerIsTooBusyToAnswer) {
  const auto first = Listener::Open(UnixAddress{path()}, 0);
  ASSERT_TRUE(first.ok()) << first.error().message;
  ASSERT_TRUE(Answers());  // which fills the backlog
  const auto second = Open();
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error().message, HasSubstr("another server is listening there"));
}

TEST_F(UnixListener, ReplacesTheSocketOfADeadServer) {
  LeaveStaleSocket();
  ASSERT_TRUE(fs::is_socket(path()));
  ASSERT_FALSE(Answers());
  const auto listener = Open();
  ASSERT_TRUE(listener.ok()) << listener.error().message;
  EXPECT_TRUE(Answers());
}

TEST_F(UnixListener, LeavesAFileThatIsNoSocketAlone) {
  folder_.Write("f.sock", "precious");
  const auto listener = Open();
  ASSERT_FALSE(listener.ok());
  EXPECT_THAT(listener.error().message, HasSubstr("there is a file that is no socket"));
  EXPECT_EQ(ReadWhole(path()), "precious");
}

TEST_F(UnixListener, LeavesALinkAlone) {
  fs::create_symlink(folder_.path() / "elsewhere", path());
  EXPECT_FALSE(Open().ok());
  EXPECT_TRUE(fs::is_symlink(path()));
}

TEST_F(UnixListener, RefusesAFolderThatDoesNotExist) {
  const auto listener = Listener::Open(UnixAddress{folder_.path() / "absent" / "f.sock"}, kBacklog);
  ASSERT_FALSE(listener.ok());
  EXPECT_THAT(listener.error().message, HasSubstr("cannot use the folder: No such file"));
}

TEST_F(UnixListener, LeavesASocketThatTookItsPlace) {
  auto first = Open();
  ASSERT_TRUE(first.ok()) << first.error().message;
  std::optional<Listener> old(*std::move(first));
  fs::remove(path());
  const auto second = Open();
  ASSERT_TRUE(second.ok()) << second.error().message;
  old.reset();
  EXPECT_TRUE(Answers());
}

TEST_F(UnixListener, IsNotRemovedByAForkedCopy) {
  auto listener = Open();
  ASSERT_TRUE(listener.ok()) << listener.error().message;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    { const Listener copy(*std::move(listener)); }
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_TRUE(Answers());
}

TEST_F(UnixListener, IsRemovedFromAnotherWorkingDirectory) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_.path());
  {
    const auto listener = Listener::Open(UnixAddress{"f.sock"}, kBacklog);
    fs::current_path(before);
    ASSERT_TRUE(listener.ok()) << listener.error().message;
    EXPECT_TRUE(Answers());
  }
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(UnixListener, OfManyThatStartAtOnceOneGetsThePath) {
  LeaveStaleSocket();
  constexpr int kStarters = 8;
  std::vector<std::optional<Result<Listener>>> opened(kStarters);
  std::vector<std::thread> threads;
  for (auto& one : opened) threads.emplace_back([&] { one.emplace(Open()); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::ranges::count_if(opened, [](const auto& one) { return one->ok(); }), 1);
  EXPECT_TRUE(Answers());
}

TEST_F(UnixListener, MovedFromOwnsNothing) {
  auto first = Open();
  ASSERT_TRUE(first.ok()) << first.error().message;
  {
    std::optional<Listener> source(*std::move(first));
    *first = std::move(*source);
  }
  EXPECT_TRUE(Answers());
}

class TcpListener : public testing::TestWithParam<std::string> {};

TEST_P(TcpListener, TellsThePortItWasGivenAndHoldsIt) {
  const auto first = Listener::Open(TcpAddress{.host = GetParam(), .port = 0}, kBacklog);
  if (!first.ok() && GetParam() == "::1") GTEST_SKIP() << "no IPv6 here: " << first.error().message;
  ASSERT_TRUE(first.ok()) << first.error().message;
  const auto& address = std::get<TcpAddress>(first->local_address());
  EXPECT_EQ(address.host, GetParam());
  EXPECT_NE(address.port, 0);
  int accepting = 0;
  socklen_t size = sizeof accepting;
  ASSERT_EQ(::getsockopt(first->fd(), SOL_SOCKET, SO_ACCEPTCONN, &accepting, &size), 0);
  EXPECT_EQ(accepting, 1);

  const auto second = Listener::Open(address, kBacklog);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kIo);
  EXPECT_THAT(second.error().message,
              HasSubstr(std::to_string(address.port) + ": cannot listen: Address already in use"));
}

INSTANTIATE_TEST_SUITE_P(Families, TcpListener, testing::Values("127.0.0.1", "::1"),
                         [](const auto& param) { return param.param == "::1" ? "IPv6" : "IPv4"; });

TEST(Listener, WarnsOfABacklogThatTheKernelCutsDown) {
  const auto modest = Listener::Open(TcpAddress{.host = "127.0.0.1", .port = 0}, 1);
  ASSERT_TRUE(modest.ok()) << modest.error().message;
  EXPECT_EQ(modest->warning(), "");
  const auto greedy =
      Listener::Open(TcpAddress{.host = "127.0.0.1", .port = 0}, std::numeric_limits<int>::max());
  ASSERT_TRUE(greedy.ok()) << greedy.error().message;
  EXPECT_THAT(greedy->warning(), HasSubstr("is more than net.core.somaxconn = "));
}

}  // namespace
}  // namespace forkcast::serving
