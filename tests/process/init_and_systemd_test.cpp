#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "support/faulty_server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using Bind = ServerOptions::Bind;
using Ends = ServerOptions::Ends;
using testing::HasSubstr;
using testing::StartsWith;

sockaddr_un UnixName(const fs::path& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), path.native().size());
  return name;
}

Fd Bound(int type, const fs::path& path) {
  Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  const sockaddr_un name = UnixName(path);
  if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
    throw std::system_error(errno, std::generic_category(), path.string());
  }
  return socket;
}

// ---- sd_notify ----

/// The socket of a service manager.
class NotifySocket {
 public:
  explicit NotifySocket(const Workspace& workspace)
      : path_(workspace / "notify.sock"), socket_(Bound(SOCK_DGRAM, path_)) {}

  [[nodiscard]] std::string variable() const { return "NOTIFY_SOCKET=" + path_.string(); }
  /// The next message; empty when none comes within the time.
  [[nodiscard]] std::string Next(std::chrono::milliseconds patience = kPatience) const {
    pollfd watched{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&watched, 1, static_cast<int>(patience.count())) != 1) return {};
    std::array<char, 4096> text{};
    const ssize_t size = ::recv(socket_.get(), text.data(), text.size(), 0);
    return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  }
  /// Of the next message that names a process; 0 when none does in time.
  [[nodiscard]] pid_t NextMainPid() const {
    constexpr std::string_view kMainPid = "MAINPID=";
    for (std::string message = Next(); !message.empty(); message = Next()) {
      if (message.starts_with(kMainPid)) return std::stoi(message.substr(kMainPid.size()));
    }
    return 0;
  }
  [[nodiscard]] bool quiet() const { return Next(std::chrono::milliseconds(0)).empty(); }

 private:
  fs::path path_;
  Fd socket_;
};

TEST(Notifications, SayReadyOnlyWhenAWorkerIs) {
  FaultyServer faulty;
  const NotifySocket manager(faulty.workspace());
  faulty.OrderBoots("hang");
  Server& server = faulty.Start({.workers = 2, .environment = {manager.variable()}});
  EXPECT_EQ(Ping(server.endpoint()), 503);
  EXPECT_TRUE(manager.quiet());
  faulty.OrderBoots("");
  EXPECT_EQ(manager.Next(), "READY=1");
  EXPECT_EQ(Ping(server.endpoint()), 200);
  EXPECT_EQ(server.Stop(), 0);
  EXPECT_EQ(manager.Next(), "STOPPING=1");
  EXPECT_TRUE(manager.quiet());
}

TEST(Notifications, FrameEachReload) {
  FaultyServer faulty;
  const NotifySocket manager(faulty.workspace());
  Server& server =
      faulty.Start({.workers = 2, .environment = {manager.variable()}, .ends = Ends::kAnyHow});
  EXPECT_EQ(manager.Next(), "READY=1");
  server.WaitUntilAllReady();
  server.Signal(SIGHUP);
  EXPECT_THAT(manager.Next(), testing::MatchesRegex("RELOADING=1\nMONOTONIC_USEC=[0-9]+"));
  EXPECT_THAT(manager.Next(), StartsWith("READY=1\nSTATUS=generation 2"));
  faulty.OrderBoots("fail");
  server.Signal(SIGHUP);
  EXPECT_THAT(manager.Next(), StartsWith("RELOADING=1"));
  EXPECT_THAT(manager.Next(), StartsWith("READY=1\nSTATUS=the last reload failed"));
  EXPECT_TRUE(manager.quiet());
}

TEST(Notifications, NameTheNewMasterOfAnUpgrade) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // it will be ours
  FaultyServer faulty;
  const NotifySocket manager(faulty.workspace());
  Server& server = faulty.Start({.workers = 1, .environment = {manager.variable()}});
  EXPECT_EQ(manager.Next(), "READY=1");
  server.Signal(SIGUSR2);
  EXPECT_EQ(server.Wait(), 0) << server.log();
  // From two processes, so in any order.
  const std::vector<std::string> messages{manager.Next(), manager.Next()};
  EXPECT_THAT(messages, testing::UnorderedElementsAre("READY=1", StartsWith("MAINPID=")));
  EXPECT_TRUE(manager.quiet());
  pid_t upgraded = 0;
  for (const std::string& message : messages) {
    if (message.starts_with("MAINPID=")) upgraded = std::stoi(message.substr(8));
  }
  ASSERT_GT(upgraded, 0);
  EXPECT_EQ(Ping(server.endpoint()), 200);
  ::kill(upgraded, SIGTERM);
  int status = -1;
  EXPECT_EQ(::waitpid(upgraded, &status, 0), upgraded);
  EXPECT_EQ(status, 0);
}

TEST(Notifications, FeedTheWatchdogThatAsksForIt) {
  FaultyServer faulty;
  const NotifySocket manager(faulty.workspace());
  Server& server =
      faulty.Start({.workers = 1, .environment = {manager.variable(), "WATCHDOG_USEC=1000000"}});
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(Eventually([&] { return manager.Next() == "WATCHDOG=1"; })) << server.log();
  }
}

TEST(Notifications, FeedTheWatchdogAlsoAfterAnUpgrade) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // the new master will be ours
  FaultyServer faulty;
  const NotifySocket manager(faulty.workspace());
  Server& server =
      faulty.Start({.workers = 1,
                    .wrapper = {"/bin/sh", "-c", "export WATCHDOG_PID=$$; exec \"$@\"", "sh"},
                    .environment = {manager.variable(), "WATCHDOG_USEC=1000000"}});
  EXPECT_TRUE(Eventually([&] { return manager.Next() == "WATCHDOG=1"; })) << server.log();
  server.WaitUntilAllReady();
  server.Signal(SIGUSR2);
  const pid_t upgraded = manager.NextMainPid();
  ASSERT_GT(upgraded, 0) << server.log();
  EXPECT_EQ(server.Wait(), 0) << server.log();
  while (!manager.quiet()) {
  }
  // READY is the new master's, and may come behind the end of the old one.
  std::string next = manager.Next();
  if (next == "READY=1") next = manager.Next();
  EXPECT_EQ(next, "WATCHDOG=1");
  ::kill(upgraded, SIGTERM);
  int status = -1;
  EXPECT_EQ(::waitpid(upgraded, &status, 0), upgraded);
  EXPECT_EQ(status, 0);
}

// ---- socket activation ----

/// Sockets that a service manager listens on, for whoever it starts. Not closed on exec.
class ManagedSockets {
 public:
  explicit ManagedSockets(const Workspace& workspace) : path_(workspace / "managed.sock") {
    const Fd tcp(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    const Fd local = Bound(SOCK_STREAM, path_);
    if (::bind(tcp.get(), reinterpret_cast<const sockaddr*>(&name), size) != 0 ||
        ::getsockname(tcp.get(), reinterpret_cast<sockaddr*>(&name), &size) != 0 ||
        ::listen(tcp.get(), 64) != 0 || ::listen(local.get(), 64) != 0) {
      throw std::system_error(errno, std::generic_category(), "listen");
    }
    port_ = ntohs(name.sin_port);
    tcp_ = Fd(::fcntl(tcp.get(), F_DUPFD, 3));
    local_ = Fd(::fcntl(local.get(), F_DUPFD, 3));
  }

  [[nodiscard]] Endpoint tcp() const { return {.port = port_}; }
  [[nodiscard]] Endpoint local() const { return {.socket = path_}; }
  /// Puts the sockets where the protocol wants them, then becomes the program.
  [[nodiscard]] std::vector<std::string> wrapper() const {
    // By way of numbers that are neither's: one may be where the other has to go.
    const std::string script = "exec 8<&" + std::to_string(tcp_.get()) + " 9<&" +
                               std::to_string(local_.get()) +
                               "; exec 3<&8 4<&9 8<&- 9<&-; "
                               "export LISTEN_PID=$$ LISTEN_FDS=2; exec \"$@\"";
    return {"/bin/sh", "-c", script, "sh"};
  }

 private:
  fs::path path_;
  std::uint16_t port_ = 0;
  Fd tcp_;
  Fd local_;
};

TEST(SocketActivation, ServesTheManagersSocketsAndLeavesThemToIt) {
  FaultyServer faulty;
  const ManagedSockets sockets(faulty.workspace());
  for (const std::string name : {"first", "second"}) {
    SCOPED_TRACE(name);
    // The second finds the sockets as the first has left them.
    Server& server = faulty.Start({.workers = 2, .wrapper = sockets.wrapper(), .name = name});
    server.WaitUntilAllReady();
    for (const Endpoint& endpoint : {sockets.tcp(), sockets.local()}) {
      EXPECT_TRUE(Eventually([&] { return Ping(endpoint) == 200; })) << server.log();
      EXPECT_EQ(AskOnce(endpoint, OneOrder()).status, 200);
    }
    EXPECT_EQ(server.CountInLog("listening address="), 2U) << server.log();
    EXPECT_EQ(server.Stop(), 0) << server.log();
    EXPECT_TRUE(fs::exists(sockets.local().socket));
  }
}

TEST(SocketActivation, LeavesTheSocketsToTheManagerAlsoAfterAnUpgrade) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // the new master will be ours
  FaultyServer faulty;
  const ManagedSockets sockets(faulty.workspace());
  const NotifySocket manager(faulty.workspace());
  Server& first = faulty.Start({.workers = 1,
                                .wrapper = sockets.wrapper(),
                                .environment = {manager.variable()},
                                .name = "first"});
  first.WaitUntilAllReady();
  first.Signal(SIGUSR2);
  EXPECT_EQ(first.Wait(), 0) << first.log();
  const pid_t upgraded = manager.NextMainPid();
  ASSERT_GT(upgraded, 0) << first.log();
  EXPECT_EQ(Ping(sockets.local()), 200);
  ::kill(upgraded, SIGTERM);
  int status = -1;
  EXPECT_EQ(::waitpid(upgraded, &status, 0), upgraded);
  EXPECT_EQ(status, 0) << first.log();
  EXPECT_TRUE(fs::exists(sockets.local().socket));
  Server& second = faulty.Start({.workers = 1, .wrapper = sockets.wrapper(), .name = "second"});
  for (const Endpoint& endpoint : {sockets.tcp(), sockets.local()}) {
    EXPECT_TRUE(Eventually([&] { return Ping(endpoint) == 200; })) << second.log();
  }
}

TEST(SocketActivation, KeepsWhoComesBetweenTwoServers) {
  FaultyServer faulty;
  const ManagedSockets sockets(faulty.workspace());
  Server& first = faulty.Start({.workers = 1, .wrapper = sockets.wrapper(), .name = "first"});
  EXPECT_TRUE(Eventually([&] { return Ping(sockets.tcp()) == 200; })) << first.log();
  EXPECT_EQ(first.Stop(), 0) << first.log();
  HttpConnection tcp(sockets.tcp());
  HttpConnection local(sockets.local());
  tcp.Send(ToBytes({.method = "GET", .target = "/ping"}));
  local.Send(ToBytes({.method = "GET", .target = "/ping"}));
  Server& second = faulty.Start({.workers = 1, .wrapper = sockets.wrapper(), .name = "second"});
  for (HttpConnection* const connection : {&tcp, &local}) {
    const Exchange exchange = connection->Receive();
    EXPECT_EQ(exchange.outcome, Outcome::kAnswered) << second.log();
    EXPECT_THAT(exchange.answer.status, testing::AnyOf(200, 503));
  }
}

// ---- the first process of a container ----

TEST(AsProcessOne, StrangersAreBuriedAndTermStops) {
  const std::string unshare = "/usr/bin/unshare";
  if (::getuid() != 0) GTEST_SKIP() << "only root can make a process namespace";
  FaultyServer faulty;
  const fs::path probe = faulty.workspace() / "probe";
  Program trial(probe, {unshare, "--pid", "--fork", "--mount-proc", "/bin/true"});
  if (trial.Wait() != 0) GTEST_SKIP() << "cannot make a process namespace: " << trial.err();

  // An orphan beside the server, which ends with 3 when it is told to.
  const std::string gate = faulty.workspace() / "gate";
  const std::string script =
      "(sh -c 'while ! test -e " + gate + "; do sleep 0.01; done; exit 3' &) ; exec \"$@\"";
  Server& server = faulty.Start({.bind = Bind::kBoth,
                                 .workers = 2,
                                 .wrapper = {unshare, "--pid", "--fork", "--mount-proc",
                                             "--kill-child", "/bin/sh", "-c", script, "sh"}});
  server.WaitUntilReady();
  ASSERT_TRUE(Eventually([&] { return server.CountInLog("worker_ready") == 2; })) << server.log();
  ASSERT_THAT(server.log(), HasSubstr("started workers=2 pid=1\n"));
  const std::vector<pid_t> children = ChildrenOf(server.pid());
  ASSERT_EQ(children.size(), 1U);
  const pid_t master = children.front();
  ASSERT_EQ(ChildrenOf(master).size(), 3U);

  MixedLoad load(server, LoadOptions::WhenRefused::kStop);
  EXPECT_TRUE(load.WaitForMore(100));
  faulty.workspace().Write("gate", "");
  EXPECT_TRUE(Eventually([&] { return ChildrenOf(master).size() == 2; })) << server.log();
  EXPECT_EQ(server.CountInLog("child_exited"), 0U) << server.log();
  ::kill(master, SIGHUP);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("reload_done") == 1; })) << server.log();
  EXPECT_TRUE(load.WaitForMore(100));
  ::kill(master, SIGUSR2);  // whose success would end the container
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("upgrade_refused") == 1; }))
      << server.log();
  ::kill(master, SIGTERM);
  EXPECT_EQ(server.Wait(), 0) << server.log();
  const LoadReport report = load.Join();
  EXPECT_EQ(report.failed(), report.failed(Outcome::kRefused)) << report;
  EXPECT_EQ(report.statuses.size(), 1U) << report;
}

}  // namespace
}  // namespace forkcast::process_test
