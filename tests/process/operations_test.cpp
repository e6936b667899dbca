#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "data_preprocessing/document/json.hpp"
#include "support/faulty_server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using preprocessing::ReadWhole;
using testing::AllOf;
using testing::HasSubstr;
using Bind = ServerOptions::Bind;
using Ends = ServerOptions::Ends;

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// A further hook of a config file: captures everything into `folder`.
std::string CaptureInto(const fs::path& folder) {
  return R"(, {"type": "capture", "share": 1, "endpoint": "e", "folder": ")" + folder.string() +
         "\"}";
}

/// A server with pidfile and control socket, and the files of its operation around it.
class Operations : public testing::Test {
 protected:
  Server& Start(std::vector<std::string> flags = {}, Ends ends = Ends::kCleanly) {
    flags.insert(flags.end(), {"--pidfile", pidfile(), "--control", control()});
    return faulty_.Start({.bind = Bind::kBoth, .flags = std::move(flags), .ends = ends});
  }
  Server& StartReady(std::vector<std::string> flags = {}, Ends ends = Ends::kCleanly) {
    Server& server = Start(std::move(flags), ends);
    server.WaitUntilAllReady();
    return server;
  }
  [[nodiscard]] fs::path pidfile() { return faulty_.workspace() / "f.pid"; }
  [[nodiscard]] fs::path control() { return faulty_.workspace() / "control"; }
  [[nodiscard]] fs::path access_log() { return faulty_.workspace() / "access.log"; }

  /// Runs `forkcast serve` with further flags to its end, which must be `code`; returns what it
  /// wrote, errors behind the rest.
  std::string RunServe(std::vector<std::string> flags, int code) {
    const Workspace& workspace = faulty_.workspace();
    std::vector<std::string> command{
        kForkcast, "serve", "--pipeline", workspace.pipeline(), "--store", workspace.store()};
    command.insert(command.end(), flags.begin(), flags.end());
    const std::string out = RunToEnd(workspace / "second", command, code);
    return out + ReadWhole(workspace / "second.err");
  }
  /// Runs `forkcast status`, which must end with `code`.
  std::string Status(int code, std::vector<std::string> flags = {"--json"}) {
    std::vector<std::string> command{kForkcast, "status", "--control", control()};
    command.insert(command.end(), flags.begin(), flags.end());
    return RunToEnd(faulty_.workspace() / "status", command, code);
  }
  [[nodiscard]] std::string NumberOf(const Server& server) const {
    return std::to_string(server.pid()) + "\n";
  }

  FaultyServer faulty_;
};

// ---- pidfile ----

TEST_F(Operations, PidfileNamesTheMasterThroughReloadsUntilItStops) {
  Server& server = StartReady();
  EXPECT_EQ(ReadWhole(pidfile()), NumberOf(server));
  struct stat before {};
  ASSERT_EQ(::stat(pidfile().c_str(), &before), 0);
  server.Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("reload_done") == 1; })) << server.log();
  struct stat after {};
  ASSERT_EQ(::stat(pidfile().c_str(), &after), 0);
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_EQ(ReadWhole(pidfile()), NumberOf(server));
  EXPECT_EQ(server.Stop(), 0);
  EXPECT_FALSE(fs::exists(pidfile()));
  EXPECT_FALSE(fs::exists(control()));
}

TEST_F(Operations, SecondServerIsRefusedByThePidfileOfTheFirst) {
  Server& server = StartReady();
  EXPECT_THAT(RunServe({"--bind", "127.0.0.1:0", "--pidfile", pidfile()}, 5),
              HasSubstr("held by the running process " + std::to_string(server.pid())));
  EXPECT_THAT(RunServe({"--bind", "127.0.0.1:0", "--control", control()}, 5),
              HasSubstr("another server is listening there"));
  EXPECT_EQ(ReadWhole(pidfile()), NumberOf(server));
  EXPECT_EQ(json::parse(Status(0)).at("pid"), server.pid());
}

TEST_F(Operations, KilledMastersPidfileAndControlSocketAreTakenOverAtOnce) {
  Server& killed = StartReady({}, Ends::kAnyHow);
  killed.Signal(SIGKILL);
  EXPECT_EQ(killed.Wait(), -SIGKILL);
  EXPECT_TRUE(fs::exists(pidfile()));
  Server& server = StartReady();
  EXPECT_EQ(ReadWhole(pidfile()), NumberOf(server));
  EXPECT_EQ(json::parse(Status(0)).at("pid"), server.pid());
}

// ---- status ----

TEST_F(Operations, StatusTellsOfEachWorkerWhatItDid) {
  faulty_.WriteConfig({}, CaptureInto(faulty_.workspace() / "captures"));
  Server& server = StartReady();
  constexpr std::uint64_t kRequests = 5;
  for (std::uint64_t i = 0; i < kRequests; ++i) {
    EXPECT_EQ(AskOnce(server.endpoint(), OneOrder()).status, 200);
  }
  EXPECT_EQ(AskOnce(server.endpoint(), {.method = "GET", .target = "/nowhere"}).status, 404);
  const json status = json::parse(Status(0));
  EXPECT_EQ(status.at("pid"), server.pid());
  EXPECT_EQ(status.at("generation"), 1);
  EXPECT_EQ(status.at("target"), 2);
  EXPECT_EQ(status.at("recorder").at("pid"), server.recorder());
  EXPECT_EQ(status.at("recorder").at("captured"), kRequests);
  ASSERT_EQ(status.at("workers").size(), 2U);
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    const json& worker = status.at("workers").at(i);
    EXPECT_EQ(worker.at("slot"), i);
    EXPECT_EQ(worker.at("pid"), server.worker(i));
    EXPECT_EQ(worker.at("state"), "ready");
    EXPECT_EQ(worker.at("stage"), "ready");
    EXPECT_EQ(worker.at("restarts"), 0);
    EXPECT_GT(worker.at("resident_bytes"), 1'000'000);
    requests += worker.at("requests").get<std::uint64_t>();
    errors += worker.at("client_errors").get<std::uint64_t>();
  }
  EXPECT_EQ(requests, kRequests + 1);
  EXPECT_EQ(errors, 1U);

  const std::vector<std::string> table = Lines(Status(0, {}));
  ASSERT_EQ(table.size(), 6U) << "server, head, two workers, what they serve, recorder";
  EXPECT_THAT(table[0], HasSubstr("server pid " + std::to_string(server.pid())));
  EXPECT_EQ(table[1].size(), table[2].size());
  EXPECT_EQ(table[1].size(), table[3].size());
  EXPECT_EQ(table[4], "served by workers 0, 1: order_triage version 1");
}

TEST_F(Operations, StatusCountsTheRestartsOfASlot) {
  Server& server = StartReady();
  const pid_t killed = server.worker(1);
  ::kill(killed, SIGKILL);
  EXPECT_TRUE(Eventually([&] { return server.starts(1) == 2; })) << server.log();
  const json workers = json::parse(Status(0)).at("workers");
  EXPECT_EQ(workers.at(0).at("restarts"), 0);
  EXPECT_EQ(workers.at(1).at("restarts"), 1);
  EXPECT_NE(workers.at(1).at("pid"), killed);
}

TEST_F(Operations, StatusEndsWithOneWhileNoWorkerIsReady) {
  faulty_.OrderBoots("hang");
  Server& server = Start();
  EXPECT_TRUE(Eventually([&] { return Ping(server.endpoint()) == 503; })) << server.log();
  const json status = json::parse(Status(1));
  EXPECT_EQ(status.at("workers").at(0).at("state"), "booting");
  faulty_.OrderBoots("");
  EXPECT_TRUE(Eventually([&] { return Ping(server.endpoint()) == 200; })) << server.log();
  Status(0);
}

TEST_F(Operations, StatusSaysThatNobodyAnswersAndWhatItWasNotTold) {
  const std::string out = (faulty_.workspace() / "status").string();
  Status(5);
  EXPECT_THAT(ReadWhole(out + ".err"), HasSubstr("no server answers there"));
  RunToEnd(out, {kForkcast, "status"}, 2);
  EXPECT_THAT(ReadWhole(out + ".err"), HasSubstr("--control (or FORKCAST_CONTROL) is missing"));
  RunToEnd(out, {kForkcast, "status", "--verbose"}, 2);
  EXPECT_THAT(ReadWhole(out + ".err"), HasSubstr("unknown flag --verbose"));
  EXPECT_THAT(RunToEnd(out, {kForkcast, "status", "--help"}), HasSubstr("Exit codes"));
}

// ---- a log that nobody reads ----

/// A pipe that is full and stays so: a read end that nobody reads from.
class FullPipe {
 public:
  explicit FullPipe(fs::path path) : path_(std::move(path)) {
    if (::mkfifo(path_.c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
    ends_ = Fd(::open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    const std::string some(4096, '.');
    while (::write(ends_.get(), some.data(), some.size()) > 0) {
    }
  }
  /// Words that run what follows them with its standard error, or another descriptor, led here.
  [[nodiscard]] std::vector<std::string> AsStandardError() const {
    return {"/bin/sh", "-c", "exec \"$@\" 2>'" + path_.string() + "'", "sh"};
  }
  /// Takes what is in it.
  [[nodiscard]] std::string Read() const {
    std::string all;
    std::array<char, 65536> some{};
    for (ssize_t got = 1; got > 0;) {
      got = ::read(ends_.get(), some.data(), some.size());
      if (got > 0) all.append(some.data(), static_cast<std::size_t>(got));
    }
    return all;
  }

 private:
  fs::path path_;
  Fd ends_;
};

TEST_F(Operations, LogThatNobodyReadsStopsNoProcess) {
  faulty_.WriteConfig({}, CaptureInto(faulty_.workspace() / "captures"));
  const FullPipe pipe(faulty_.workspace() / "log");
  Server& server = faulty_.Start(
      {.bind = Bind::kUnix, .flags = {"--control", control()}, .wrapper = pipe.AsStandardError()});
  const auto workers = [this] { return json::parse(Status(0)).at("workers"); };
  /// The process that is ready as the second worker; 0: none.
  const auto second = [&workers]() -> pid_t {
    const json all = workers();
    return all.size() > 1 && all.at(1).at("state") == "ready" ? all.at(1).at("pid").get<pid_t>()
                                                              : 0;
  };
  ASSERT_TRUE(Eventually([&] { return Ping(server.unix_endpoint()) == 200; }));
  ASSERT_TRUE(Eventually([&] { return second() != 0; }));

  const pid_t killed = second();
  ::kill(killed, SIGKILL);
  EXPECT_TRUE(Eventually([&] { return second() != 0 && second() != killed; }));
  server.Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return json::parse(Status(0)).at("generation") == 2; }));
  EXPECT_EQ(AskOnce(server.unix_endpoint(), OneOrder()).status, 200);

  const json status = json::parse(Status(0));
  EXPECT_GT(status.at("log_lines_lost"), 10);
  EXPECT_EQ(status.at("access_log_lines_lost"), 0);
  EXPECT_THAT(Status(0, {}), HasSubstr("log lines lost: "));
  EXPECT_GT(pipe.Read().size(), 0U);
  server.Signal(SIGTTIN);
  EXPECT_TRUE(Eventually([&] { return workers().size() == 3; }));
  EXPECT_THAT(pipe.Read(),
              HasSubstr(" master pid=" + std::to_string(server.pid()) + " log_lines_lost lines="));
  EXPECT_EQ(server.Stop(), 0);
}

TEST_F(Operations, LogWhoseReaderIsGoneStopsNoProcess) {
  std::optional<FullPipe> pipe(faulty_.workspace() / "log");
  Server& server = faulty_.Start(
      {.bind = Bind::kUnix, .flags = {"--control", control()}, .wrapper = pipe->AsStandardError()});
  ASSERT_TRUE(Eventually([&] { return Ping(server.unix_endpoint()) == 200; }));
  ASSERT_TRUE(Eventually([&] {
    const json workers = json::parse(Status(0)).at("workers");
    return std::ranges::all_of(workers, [](const json& one) { return one.at("state") == "ready"; });
  }));
  pipe.reset();
  const auto killed = json::parse(Status(0)).at("workers").at(0).at("pid").get<pid_t>();
  ::kill(killed, SIGKILL);
  EXPECT_TRUE(Eventually([&] {
    const json workers = json::parse(Status(0)).at("workers");
    return std::ranges::any_of(workers,
                               [&](const json& worker) {
                                 return worker.at("pid") != killed && worker.at("state") == "ready";
                               }) &&
           std::ranges::none_of(workers,
                                [&](const json& worker) { return worker.at("pid") == killed; });
  }));
  EXPECT_EQ(server.Stop(), 0);
}

// ---- how connections spread ----

/// Connections of each worker.
std::vector<std::uint64_t> ConnectionsOf(const json& status) {
  std::vector<std::uint64_t> connections;
  for (const json& worker : status.at("workers")) connections.push_back(worker.at("connections"));
  return connections;
}

TEST_F(Operations, NoWorkerIsIdleWhileAnotherHasMoreThanTwiceTheMeanOfConnections) {
  constexpr std::size_t kWorkers = 4;
  constexpr std::size_t kConnections = 8;
  constexpr int kRepetitions = 25;
  Server& server =
      faulty_.Start({.bind = Bind::kTcp, .workers = kWorkers, .flags = {"--control", control()}});
  server.WaitUntilAllReady();
  const Endpoint endpoint = server.endpoint();
  const auto total_is = [this](std::uint64_t expected) {
    const auto connections = ConnectionsOf(json::parse(Status(0)));
    return std::accumulate(connections.begin(), connections.end(), std::uint64_t{0}) == expected;
  };
  for (int i = 0; i < kRepetitions; ++i) {
    std::vector<std::unique_ptr<HttpConnection>> kept;
    for (std::size_t k = 0; k < kConnections; ++k) {
      kept.push_back(std::make_unique<HttpConnection>(endpoint));
    }
    for (const auto& connection : kept) {
      EXPECT_EQ(connection->Ask(OneOrder()).answer.status, 200);
    }
    const auto connections = ConnectionsOf(json::parse(Status(0)));
    EXPECT_TRUE(std::ranges::max(connections) <= 2 * kConnections / kWorkers ||
                std::ranges::min(connections) > 0)
        << testing::PrintToString(connections);
    kept.clear();
    ASSERT_TRUE(Eventually([&] { return total_is(0); }));
  }
}

// ---- what is refused early ----

TEST_F(Operations, WhatIsRefusedBeforeItIsARequestHasAnIdEverywhere) {
  Server& server = StartReady(
      {"--access-log", "json", "--access-log-file", access_log(), "--max-body-bytes", "1000"});
  HttpConnection client(server.endpoint());
  client.Send(
      "POST /invocations HTTP/1.1\r\nHost: a\r\nX-Request-Id: my-req-17\r\n"
      "Content-Length: 7340032\r\n\r\n");
  const Answer answer = client.Receive().answer;
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.Header("x-request-id"), "my-req-17");
  const json error = json::parse(answer.body).at("error");
  EXPECT_EQ(error.at("request_id"), "my-req-17");
  EXPECT_EQ(error.at("message"),
            "the body has 7340032 bytes, at most 1000 are taken (max_body_bytes)");
  EXPECT_TRUE(Eventually([&] { return !ReadWhole(access_log()).empty(); }));
  EXPECT_EQ(json::parse(ReadWhole(access_log())).at("request_id"), "my-req-17");
  EXPECT_THAT(server.log(), HasSubstr("request_refused request_id=\"my-req-17\" "
                                      "path=\"/invocations\" status=413"));
}

// ---- whom a proxy asks for ----

TEST_F(Operations, AccessLogNamesWhomATrustedProxyAsksFor) {
  Server& server = StartReady({"--access-log", "json", "--access-log-file", access_log()});
  const auto peer = [&](const Endpoint& endpoint, const std::string& headers) {
    fs::resize_file(access_log(), 0);
    Request request = OneOrder();
    request.headers += headers;
    EXPECT_EQ(AskOnce(endpoint, request).status, 200);
    EXPECT_TRUE(Eventually([&] { return ReadWhole(access_log()).ends_with("\n"); }));
    return json::parse(ReadWhole(access_log())).at("peer").get<std::string>();
  };
  EXPECT_EQ(peer(server.unix_endpoint(), ""), "");
  EXPECT_EQ(peer(server.unix_endpoint(), "X-Forwarded-For: 203.0.113.9, 192.0.2.7\r\n"),
            "192.0.2.7");
  EXPECT_EQ(peer(server.unix_endpoint(), "Forwarded: for=\"[2001:db8::7]:99\"\r\n"), "2001:db8::7");
  EXPECT_EQ(peer(server.endpoint(), "X-Forwarded-For: 192.0.2.7\r\n"), "127.0.0.1")
      << "nobody said that whoever is on this machine may be believed";
}

// ---- sockets ----

mode_t ModeOf(const fs::path& path) {
  struct stat file {};
  EXPECT_EQ(::stat(path.c_str(), &file), 0) << path;
  return file.st_mode & 0777U;
}

TEST_F(Operations, UmaskHoldsForSocketAndPidfileToo) {
  Server& server = StartReady({"--umask", "027"});
  EXPECT_EQ(ModeOf(server.unix_endpoint().socket), 0640U);
  EXPECT_EQ(ModeOf(pidfile()), 0640U);
}

TEST_F(Operations, SocketHasTheModeAndGroupThatItIsGiven) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  Server& server =
      StartReady({"--umask", "077", "--socket-mode", "660", "--socket-group", "54322"});
  EXPECT_EQ(ModeOf(server.unix_endpoint().socket), 0660U);
  struct stat file {};
  ASSERT_EQ(::stat(server.unix_endpoint().socket.c_str(), &file), 0);
  EXPECT_EQ(file.st_gid, 54322U);
  EXPECT_EQ(ModeOf(pidfile()), 0600U);
}

TEST_F(Operations, ListensAtAllAddressesOfAName) {
  Server& server = StartReady({"--bind", "localhost:0"});
  EXPECT_GE(server.CountInLog("listening address="), 3U) << "a port, a socket, and localhost's";
}

TEST_F(Operations, AllInterfacesAreThoseOfIPv4Too) {
  const Fd probe(::socket(AF_INET6, SOCK_STREAM, 0));
  if (!probe) GTEST_SKIP() << "there is no IPv6 here";
  Server& server = faulty_.Start(
      {.bind = Bind::kUnix,
       .flags = {"--bind", "[::]:0", "--access-log", "json", "--access-log-file", access_log()}});
  server.WaitUntilAllReady();
  const std::regex pattern("listening address=\\[::\\]:(\\d+)");
  std::smatch match;
  const std::string log = server.log();
  ASSERT_TRUE(std::regex_search(log, match, pattern)) << log;
  const Endpoint v4{.port = static_cast<std::uint16_t>(std::stoi(match[1]))};
  EXPECT_EQ(AskOnce(v4, OneOrder()).status, 200);
  EXPECT_TRUE(Eventually([&] { return !ReadWhole(access_log()).empty(); }));
  EXPECT_EQ(json::parse(ReadWhole(access_log())).at("peer"), "127.0.0.1");
}

// ---- descriptors ----

/// The soft and the hard limit of open files, from /proc.
std::pair<std::size_t, std::size_t> DescriptorLimits(pid_t pid) {
  for (const std::string& line : Lines(ReadWhole("/proc/" + std::to_string(pid) + "/limits"))) {
    std::istringstream words(line);
    std::string max;
    std::string open;
    std::string files;
    std::pair<std::size_t, std::size_t> limits;
    if (words >> max >> open >> files >> limits.first >> limits.second && open == "open") {
      return limits;
    }
  }
  return {};
}

TEST_F(Operations, SoftLimitOfDescriptorsIsRaised) {
  Server& server = faulty_.Start(
      {.bind = Bind::kUnix,
       .flags = {"--max-connections", "200"},
       .wrapper = {"/bin/sh", "-c", "ulimit -Sn 40 && ulimit -Hn 300 && exec \"$@\"", "sh"}});
  server.WaitUntilAllReady();
  EXPECT_EQ(DescriptorLimits(server.worker(0)), std::pair(std::size_t{300}, std::size_t{300}));
  EXPECT_EQ(server.CountInLog("connections_limited"), 0U);
}

TEST_F(Operations, FewerConnectionsAreTakenWhereDescriptorsAreShortAndTheLogSaysSo) {
  Server& server = faulty_.Start(
      {.bind = Bind::kUnix, .wrapper = {"/bin/sh", "-c", "ulimit -n 100 && exec \"$@\"", "sh"}});
  server.WaitUntilAllReady();
  EXPECT_THAT(server.log(), HasSubstr("connections_limited max_connections=1000 to=36 "
                                      "descriptors=100 hint=\"ulimit -Hn\""));
  std::vector<std::unique_ptr<HttpConnection>> kept;
  for (int i = 0; i < 100; ++i) {
    kept.push_back(std::make_unique<HttpConnection>(server.unix_endpoint()));
  }
  EXPECT_EQ(kept.front()->Ask(OneOrder()).answer.status, 200);
  EXPECT_EQ(server.CountInLog("accept_paused"), 0U);
}

TEST_F(Operations, WithoutDescriptorsForAnyConnectionItDoesNotStart) {
  Server& server = faulty_.Start(
      {.bind = Bind::kUnix, .wrapper = {"/bin/sh", "-c", "ulimit -n 64 && exec \"$@\"", "sh"}});
  EXPECT_EQ(server.Wait(), 5);
  EXPECT_THAT(server.log(),
              HasSubstr("a process may have 64 descriptors, more than 64 are needed"));
}

// ---- user and umask ----

/// A line of /proc/PID/status behind its name.
std::string ProcStatus(pid_t pid, const std::string& name) {
  for (const std::string& line : Lines(ReadWhole("/proc/" + std::to_string(pid) + "/status"))) {
    if (!line.starts_with(name + ":")) continue;
    std::string value = line.substr(name.size() + 1);
    std::ranges::replace(value, '\t', ' ');
    while (value.ends_with(' ')) value.pop_back();
    return value;
  }
  return {};
}

class AsNobody : public Operations {
 protected:
  void SetUp() override {
    const passwd* const account = ::getpwnam("nobody");
    if (::geteuid() != 0 || account == nullptr) GTEST_SKIP() << "takes root, and a user nobody";
    user_ = std::to_string(account->pw_uid);
    group_ = std::to_string(account->pw_gid);
    fs::permissions(faulty_.workspace() / ".", fs::perms(0755));
    fs::create_directory(captures());
    fs::permissions(captures(), fs::perms(0777));
    faulty_.WriteConfig({}, CaptureInto(captures()));
  }
  [[nodiscard]] fs::path captures() { return faulty_.workspace() / "captures"; }
  Server& StartAsNobody(Ends ends = Ends::kCleanly) {
    return StartReady(
        {"--user", "nobody", "--access-log", "json", "--access-log-file", access_log()}, ends);
  }

  std::string user_;
  std::string group_;
};

TEST_F(AsNobody, WorkersAndRecorderHaveNoOtherRightsAndServe) {
  Server& server = StartAsNobody();
  const std::vector<pid_t> children = ChildrenOf(server.pid());
  ASSERT_EQ(children.size(), 3U);
  const auto four_times = [](const std::string& id) {
    return " " + id + " " + id + " " + id + " " + id;
  };
  for (const pid_t child : children) {
    EXPECT_EQ(ProcStatus(child, "Uid"), four_times(user_));
    EXPECT_EQ(ProcStatus(child, "Gid"), four_times(group_));
    EXPECT_EQ(ProcStatus(child, "Groups"), " " + group_);
    EXPECT_EQ(ProcStatus(child, "NoNewPrivs"), " 1");
    EXPECT_EQ(ProcStatus(child, "CapEff"), " 0000000000000000");
  }
  EXPECT_EQ(ProcStatus(server.pid(), "Uid"), four_times("0"));
  EXPECT_EQ(AskOnce(server.unix_endpoint(), OneOrder()).status, 200);
  EXPECT_TRUE(Eventually([&] {
    return std::any_of(fs::recursive_directory_iterator(captures()),
                       fs::recursive_directory_iterator(),
                       [](const auto& entry) { return entry.path().extension() == ".jsonl"; });
  })) << server.log();
  server.Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("reload_done") == 1; })) << server.log();
  for (const pid_t child : ChildrenOf(server.pid())) {
    EXPECT_EQ(ProcStatus(child, "Uid"), four_times(user_));
  }
  EXPECT_EQ(server.Stop(), 0);
}

TEST_F(AsNobody, WorkersThatHangStillDieWithTheMaster) {
  Server& server = StartAsNobody(Ends::kAnyHow);
  // Nothing but the signal of the kernel, which a change of user clears, reaches such a worker.
  const fs::path until = captures() / "until";
  HttpConnection client(server.unix_endpoint());
  client.Send(ToBytes(FaultyRequest("until=" + until.string())));
  ASSERT_TRUE(Eventually([&] { return fs::exists(until.string() + ".begun"); })) << server.log();
  std::vector<ProcessWatch> workers;
  for (const pid_t child : ChildrenOf(server.pid())) {
    if (child != server.recorder()) workers.emplace_back(child);
  }
  server.Signal(SIGKILL);
  EXPECT_EQ(server.Wait(), -SIGKILL);
  for (const ProcessWatch& worker : workers) {
    EXPECT_TRUE(worker.EndsWithin(std::chrono::milliseconds(1000 * kSlowdown)));
  }
}

TEST_F(AsNobody, AccessLogIsMovedAwayWhereWorkersMayNotMakeFiles) {
  Server& server = StartAsNobody();
  EXPECT_EQ(AskOnce(server.endpoint(), OneOrder()).status, 200);
  fs::rename(access_log(), access_log().string() + ".1");
  server.Signal(SIGUSR1);
  EXPECT_TRUE(Eventually([&] {
    EXPECT_EQ(AskOnce(server.endpoint(), OneOrder()).status, 200);
    return !ReadWhole(access_log()).empty();
  })) << server.log();
  EXPECT_EQ(server.CountInLog("access_log_not_reopened"), 0U);
}

TEST_F(AsNobody, CaptureFolderThatTheyMayNotWriteToIsNotForEverySampleToFind) {
  fs::permissions(captures(), fs::perms(0700));
  const std::vector<std::string> flags{"--user", "nobody", "--bind", "127.0.0.1:0"};
  // The faulty server's config names a hook of its own, which forkcast has not.
  faulty_.workspace().Write("capture.json",
                            "{\"hooks\": [" + CaptureInto(captures()).substr(2) + "]}");
  std::vector<std::string> with_config = flags;
  with_config.insert(with_config.end(), {"--config", faulty_.workspace() / "capture.json"});
  const std::string folder = (captures() / "e" / "AllTraffic").string();
  EXPECT_THAT(RunServe(with_config, 5),
              HasSubstr("the capture folder " + folder + " cannot be written to: Permission"));
  with_config.emplace_back("--check");
  EXPECT_THAT(RunServe(with_config, 5),
              HasSubstr("as user nobody: the capture folder " + folder + " cannot be written to"));
}

TEST_F(AsNobody, SnapshotsThatTheyMayNotReadAreFoundByTheCheck) {
  const fs::path folder = faulty_.workspace() / "o.db.snapshots";
  const std::vector<std::string> flags{"--user", "nobody", "--bind", "127.0.0.1:0", "--check"};
  fs::permissions(folder, fs::perms(0755));
  RunServe(flags, 0);
  fs::permissions(folder, fs::perms(0700));
  EXPECT_THAT(RunServe(flags, 3), AllOf(HasSubstr("as user nobody: "), HasSubstr("Permission")));
}

struct RefusedCase {
  const char* name;
  std::vector<std::string> flags;
  int code;
  const char* complaint;
};
void PrintTo(const RefusedCase& one, std::ostream* out) { *out << one.name; }

class RefusedStart : public Operations, public testing::WithParamInterface<RefusedCase> {};

TEST_P(RefusedStart, SaysWhichSettingAndWhy) {
  std::vector<std::string> flags = GetParam().flags;
  flags.insert(flags.end(), {"--bind", "127.0.0.1:0"});
  EXPECT_THAT(RunServe(flags, GetParam().code), HasSubstr(GetParam().complaint));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RefusedStart,
    testing::Values(
        RefusedCase{
            "UnknownUser",
            {"--user", "no-such-user"},
            2,
            R"(user: "no-such-user": expected a user that exists, or a number (given by --user))"},
        RefusedCase{
            "UnknownGroup",
            {"--group", "no-such-group"},
            2,
            R"(group: "no-such-group": expected a group that exists, or a number (given by --group))"},
        RefusedCase{"UnknownGroupOfTheSocket",
                    {"--socket-group", "no-such-group"},
                    2,
                    R"(socket_group: "no-such-group": expected a group that exists)"},
        RefusedCase{"NameOfNobody",
                    {"--bind", "no-such-host.invalid:80"},
                    5,
                    "no-such-host.invalid:80: the name cannot be resolved"},
        RefusedCase{"PidfileNowhere",
                    {"--pidfile", "/absent/f.pid"},
                    5,
                    "/absent/f.pid: cannot be opened: No such file"},
        RefusedCase{"ControlSocketNowhere",
                    {"--control", "/absent/control"},
                    5,
                    "unix:/absent/control: cannot use the folder"},
        RefusedCase{"AccessLogNowhere",
                    {"--access-log", "json", "--access-log-file", "/absent/a.log"},
                    5,
                    "/absent/a.log: cannot be written to: No such file"}),
    [](const auto& param) { return param.param.name; });

// ---- access log ----

TEST_F(Operations, AccessLogHasALineForEachAnswer) {
  Server& server =
      StartReady({"--access-log", "json", "--access-log-file", access_log(), "--umask", "077"});
  HttpConnection kept(server.endpoint());
  Request order = OneOrder();
  order.headers += "X-Request-Id: my \"id\"\r\n";
  const Exchange answered = kept.Ask(order);
  EXPECT_EQ(answered.answer.status, 200);
  kept.Send(ToBytes({.method = "HEAD", .target = "/nowhere?x=1"}));
  EXPECT_EQ(kept.Receive(HttpBody::kNone).answer.status, 404);
  HttpConnection hostile(server.unix_endpoint());
  hostile.Send("GET /\x1b[2J\n{\"status\":200} HTTP/1.1\r\n\r\n");
  EXPECT_EQ(hostile.Receive().answer.status, 400);
  HttpConnection noisy(server.unix_endpoint());
  noisy.Send("\x16\x03\x01\r\n\r\n");
  EXPECT_EQ(noisy.Receive().answer.status, 400);
  EXPECT_EQ(server.Stop(), 0);

  // By their status: those of different connections come in any order.
  std::multimap<int, json> lines;
  for (const std::string& text : Lines(ReadWhole(access_log()))) {
    const json line = json::parse(text);
    lines.emplace(line.at("status"), line);
  }
  ASSERT_EQ(lines.size(), 4U);
  ASSERT_EQ(lines.count(400), 2U);
  const json& good = lines.find(200)->second;
  EXPECT_EQ(good.at("method"), "POST");
  EXPECT_EQ(good.at("target"), "/invocations");
  EXPECT_EQ(good.at("peer"), "127.0.0.1");
  EXPECT_EQ(good.at("body_bytes"), answered.answer.body.size());
  EXPECT_EQ(good.at("request_id"), "my \"id\"");
  EXPECT_GT(good.at("latency_us"), 0);
  const json& head = lines.find(404)->second;
  EXPECT_EQ(head.at("method"), "HEAD");
  EXPECT_EQ(head.at("target"), "/nowhere?x=1");
  EXPECT_EQ(head.at("body_bytes"), 0) << "as a HEAD has no body";
  EXPECT_EQ(head.at("request_id").get<std::string>().size(), 32U) << "not that of the one before";
  EXPECT_EQ(head.at("worker"), good.at("worker"));
  for (auto line = lines.lower_bound(400); line != lines.upper_bound(400); ++line) {
    EXPECT_EQ(line->second.at("peer"), "") << "a Unix socket's has no address";
    EXPECT_EQ(line->second.at("method"), "");
    EXPECT_EQ(line->second.at("request_id").get<std::string>().size(), 32U);
  }
  struct stat file {};
  ASSERT_EQ(::stat(access_log().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777U, 0600U) << "by the umask";
}

TEST_F(Operations, AccessLogGoesToStandardOutputUnlessToldOtherwise) {
  Server& server = StartReady({"--access-log", "common"});
  EXPECT_EQ(AskOnce(server.endpoint(), OneOrder()).status, 200);
  EXPECT_EQ(server.Stop(), 0);
  EXPECT_THAT(
      ReadWhole(faulty_.workspace() / "server.out"),
      AllOf(HasSubstr("127.0.0.1 - - ["), HasSubstr("] \"POST /invocations HTTP/1.1\" 200 ")));
}

TEST_F(Operations, AccessLogLosesNoLineWhenItIsMovedAwayUnderLoad) {
  Server& server = StartReady({"--access-log", "json", "--access-log-file", access_log()});
  Load load(server.unix_endpoint(), {.clients = 4, .request = OneOrder()});
  constexpr std::size_t kSomeAnswers = 50;
  constexpr int kMoves = 5;
  for (int i = 0; i < kMoves; ++i) {
    ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
    fs::rename(access_log(), access_log().string() + "." + std::to_string(i));
    server.Signal(SIGUSR1);
    ASSERT_TRUE(Eventually([&] { return fs::exists(access_log()); }));
  }
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  const LoadReport report = load.Stop();
  EXPECT_TRUE(LostNothing(report)) << report << server.log();
  EXPECT_EQ(server.Stop(), 0);
  std::size_t lines = 0;
  for (const auto& entry : fs::directory_iterator(access_log().parent_path())) {
    if (!entry.path().filename().native().starts_with("access.log")) continue;
    for (const std::string& line : Lines(ReadWhole(entry.path()))) {
      EXPECT_EQ(json::parse(line).at("status"), 200);
      ++lines;
    }
  }
  EXPECT_EQ(lines, report.answered());
}

TEST_F(Operations, ReloadChangesTheAccessLogOrKeepsTheOldGeneration) {
  const auto config = [this](const std::string& file) {
    faulty_.WriteConfig(R"("access_log": "json", "access_log_file": ")" + file + "\", ");
  };
  config(access_log());
  Server& server = StartReady({}, Ends::kAnyHow);
  config("/absent/access.log");
  server.Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("reload_abandoned") == 1; }));
  EXPECT_THAT(server.log(), HasSubstr("/absent/access.log: cannot be written to"));
  EXPECT_EQ(AskOnce(server.endpoint(), OneOrder()).status, 200);
  EXPECT_TRUE(Eventually([&] { return Lines(ReadWhole(access_log())).size() == 1; }));

  const std::string other = faulty_.workspace() / "other.log";
  config(other);
  server.Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("reload_done") == 1; })) << server.log();
  // One of the old ones, which had it in its queue, may still take a request.
  EXPECT_TRUE(Eventually([&] {
    EXPECT_EQ(AskOnce(server.endpoint(), OneOrder()).status, 200);
    return !Lines(ReadWhole(other)).empty();
  })) << server.log();
}

// ---- upgrade ----

TEST_F(Operations, UpgradeTakesPidfileAndControlSocketAlong) {
  Server& server = StartReady({}, Ends::kAnyHow);
  server.Signal(SIGUSR2);
  EXPECT_EQ(server.Wait(), 0) << server.log();
  const pid_t successor = std::stoi(ReadWhole(pidfile()));
  EXPECT_NE(successor, server.pid());
  EXPECT_FALSE(fs::exists(pidfile().string() + ".2"));
  EXPECT_EQ(json::parse(Status(0)).at("pid"), successor);
  const ProcessWatch watch(successor);
  ::kill(successor, SIGTERM);
  EXPECT_TRUE(watch.EndsWithin(kPatience)) << server.log();
  EXPECT_FALSE(fs::exists(pidfile()));
  EXPECT_FALSE(fs::exists(control()));
}

TEST_F(Operations, FailedUpgradeLeavesPidfileAndControlSocketAsTheyWere) {
  Server& server = StartReady({}, Ends::kAnyHow);
  faulty_.OrderBoots("fail");
  server.Signal(SIGUSR2);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("upgrade_failed") == 1; })) << server.log();
  EXPECT_EQ(ReadWhole(pidfile()), NumberOf(server));
  EXPECT_FALSE(fs::exists(pidfile().string() + ".2"));
  EXPECT_EQ(json::parse(Status(0)).at("pid"), server.pid());
}

// ---- serve --check ----

class Check : public Operations {
 protected:
  std::string Run(std::vector<std::string> flags, int code) {
    flags.push_back("--check");
    return RunServe(std::move(flags), code);
  }
};

TEST_F(Check, SaysWhatItLookedAtAndLeavesNothingBehind) {
  const fs::path socket = faulty_.workspace() / "new.sock";
  const std::string store = faulty_.workspace().store();
  const std::string folder = store.substr(std::string("sqlite:").size()) + ".snapshots";
  EXPECT_EQ(
      Run({"--bind", "127.0.0.1:0", "--bind", "unix:" + socket.string(), "--control", control(),
           "--pidfile", pidfile(), "--access-log", "json", "--access-log-file", access_log()},
          0),
      "ok: settings and 0 hooks\n"
      "ok: pipeline order_triage and its snapshots in " +
          folder +
          "\n"
          "ok: model order_triage version 1\n"
          "ok: store " +
          store +
          "\n"
          "ok: address 127.0.0.1:0\n"
          "ok: address unix:" +
          socket.string() + "\nok: address unix:" + control().string() + "\nok: pidfile " +
          pidfile().string() + "\nok: access log " + access_log().string() + "\n");
  for (const fs::path& file : {socket, control(), pidfile(), access_log()}) {
    EXPECT_FALSE(fs::exists(file)) << file;
  }
}

TEST_F(Check, LeavesTheServerAloneWhoseNextConfigurationItIs) {
  Server& server = StartReady();
  const std::string tcp = "127.0.0.1:" + std::to_string(server.endpoint().port);
  const std::string path = "unix:" + server.unix_endpoint().socket.string();
  const std::string pid = std::to_string(server.pid());
  EXPECT_THAT(
      Run({"--bind", tcp, "--bind", path, "--control", control(), "--pidfile", pidfile()}, 0),
      AllOf(HasSubstr("note: address " + tcp + ": a server is listening there\n"),
            HasSubstr("note: address " + path + ": a server is listening there\n"),
            HasSubstr("note: address unix:" + control().string() + ": a server is listening"),
            HasSubstr("held by the running process " + pid)));
  EXPECT_EQ(ReadWhole(pidfile()), NumberOf(server));
  EXPECT_EQ(json::parse(Status(0)).at("pid"), server.pid());
  EXPECT_EQ(Ping(server.unix_endpoint()), 200);
  EXPECT_EQ(Ping(server.endpoint()), 200);
}

TEST_F(Check, RefusesAnAddressThatIsTakenByNobodyWhoListens) {
  const Fd taken(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  ASSERT_EQ(::bind(taken.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
  ASSERT_EQ(::getsockname(taken.get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
  EXPECT_THAT(Run({"--bind", "127.0.0.1:" + std::to_string(ntohs(name.sin_port))}, 5),
              HasSubstr("cannot listen: Address already in use"));
}

struct CheckCase {
  const char* name;
  std::function<std::vector<std::string>(const Workspace&)> spoil;  ///< Returns further flags.
  int code;
  const char* complaint;
};
void PrintTo(const CheckCase& one, std::ostream* out) { *out << one.name; }

class FailedCheck : public Check, public testing::WithParamInterface<CheckCase> {};

TEST_P(FailedCheck, SaysWhatIsWrong) {
  std::vector<std::string> flags = GetParam().spoil(faulty_.workspace());
  EXPECT_THAT(Run(std::move(flags), GetParam().code), HasSubstr(GetParam().complaint));
}

using Flags = std::vector<std::string>;

INSTANTIATE_TEST_SUITE_P(
    Cases, FailedCheck,
    testing::Values(
        CheckCase{"ModelMissing",
                  [](const Workspace& w) {
                    fs::remove(w.model());
                    return Flags{};
                  },
                  3, "order_triage_v1.json"},
        CheckCase{"StoreMissing",
                  [](const Workspace& w) {
                    fs::remove(w / "o.db");
                    return Flags{};
                  },
                  3, "o.db"},
        CheckCase{"StoreThatIsNoDatabase",
                  [](const Workspace& w) {
                    w.Write("o.db", std::string(4096, 'x'));
                    return Flags{};
                  },
                  3, "o.db"},
        CheckCase{"AddressOfAnotherMachine",
                  [](const Workspace&) {
                    return Flags{"--bind", "192.0.2.1:1"};
                  },
                  5, "192.0.2.1:1: this machine has no such address"},
        CheckCase{"FileInTheSocketsPlace",
                  [](const Workspace& w) {
                    return Flags{"--bind", "unix:" + w.Write("file", "precious").string()};
                  },
                  5, "there is a file that is no socket; not touched"},
        CheckCase{"PidfileNowhere",
                  [](const Workspace&) {
                    return Flags{"--pidfile", "/absent/f.pid"};
                  },
                  5, "/absent/f.pid: cannot be opened"},
        CheckCase{"ControlSocketNowhere",
                  [](const Workspace&) {
                    return Flags{"--control", "/absent/control"};
                  },
                  5, "unix:/absent/control: cannot use the folder"},
        CheckCase{"AccessLogNowhere",
                  [](const Workspace&) {
                    return Flags{"--access-log", "json", "--access-log-file", "/absent/a.log"};
                  },
                  5, "/absent/a.log: cannot be written to"},
        CheckCase{"HookWithoutItsSettings",
                  [](const Workspace& w) {
                    const auto file = w.Write("hooks.json", R"({"hooks": [{"type": "capture"}]})");
                    return Flags{"--config", file.string()};
                  },
                  2, "hooks.json: $.hooks[0]: missing key"},
        CheckCase{"UnknownUser",
                  [](const Workspace&) {
                    return Flags{"--user", "no-such-user"};
                  },
                  2, R"(user: "no-such-user")"},
        CheckCase{"WrongSetting",
                  [](const Workspace&) {
                    return Flags{"--umask", "8"};
                  },
                  2, R"(umask: "8" from --umask: expected an octal number from 0 to 777)"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::process_test
