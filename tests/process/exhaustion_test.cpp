#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <set>
#include <system_error>

#include "support/faulty_server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using Bind = ServerOptions::Bind;
using Ends = ServerOptions::Ends;
using Connections = LoadOptions::Connections;

constexpr std::size_t kSomeAnswers = 100;  // of each kind of client

/// Bounds a resource of another process while it exists.
class LoweredLimit {
 public:
  LoweredLimit(pid_t pid, __rlimit_resource resource, rlim_t limit)
      : pid_(pid), resource_(resource) {
    if (::prlimit(pid, resource, nullptr, &before_) != 0) Throw();
    const rlimit lowered{.rlim_cur = limit, .rlim_max = before_.rlim_max};
    if (::prlimit(pid, resource, &lowered, nullptr) != 0) Throw();
  }
  LoweredLimit(const LoweredLimit&) = delete;
  LoweredLimit& operator=(const LoweredLimit&) = delete;
  ~LoweredLimit() { ::prlimit(pid_, resource_, &before_, nullptr); }

 private:
  [[noreturn]] static void Throw() {
    throw std::system_error(errno, std::generic_category(), "prlimit");
  }

  pid_t pid_;
  __rlimit_resource resource_;
  rlimit before_{};
};

/// The number that a process's next descriptor would get after so many others.
rlim_t FreeDescriptor(pid_t pid, std::size_t others = 0) {
  std::set<rlim_t> used;
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    used.insert(std::stoul(entry.path().filename()));
  }
  rlim_t next = 0;
  while (used.contains(next) || others-- > 0) ++next;
  return next;
}

TEST(WithoutDescriptors, WorkersAnswerWhomTheyHaveAndTheRestWaits) {
  FaultyServer faulty;
  Server& server = faulty.Start({.bind = Bind::kBoth, .workers = 2});
  server.WaitUntilAllReady();
  HttpConnection before(server.endpoint());
  ASSERT_EQ(before.Ask(OneOrder()).answer.status, 200);
  std::optional<Load> load;
  {
    const LoweredLimit first(server.worker(0), RLIMIT_NOFILE, FreeDescriptor(server.worker(0)));
    const LoweredLimit second(server.worker(1), RLIMIT_NOFILE, FreeDescriptor(server.worker(1)));
    load.emplace(
        server.endpoint(),
        LoadOptions{.clients = 16, .connections = Connections::kNewForEach, .request = OneOrder()});
    EXPECT_TRUE(Eventually([&] { return server.CountInLog("accept_paused") >= 2; }))
        << server.log();
    EXPECT_EQ(before.Ask(OneOrder()).answer.status, 200);
  }
  EXPECT_TRUE(load->WaitForMore(kSomeAnswers)) << server.log();
  const LoadReport report = load->Stop();
  EXPECT_TRUE(LostNothing(report)) << report << server.log();
}

struct FewDescriptors {
  const char* name;
  std::size_t left;
  const char* refused;
};

class AMaster : public testing::TestWithParam<FewDescriptors> {};

TEST_P(AMaster, GoesOnAndStartsTheWorkerLater) {
  FaultyServer faulty;
  Server& server = faulty.Start({.bind = Bind::kBoth, .workers = 2});
  server.WaitUntilAllReady();
  MixedLoad load(server);
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  {
    const LoweredLimit few(server.pid(), RLIMIT_NOFILE,
                           FreeDescriptor(server.pid(), GetParam().left));
    server.Signal(SIGTTIN);
    EXPECT_TRUE(Eventually([&] { return server.CountInLog(GetParam().refused) >= 2; }))
        << server.log();
    EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  }
  EXPECT_TRUE(faulty.WillHaveWorkers(3)) << server.log();
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  const LoadReport report = load.Stop();
  EXPECT_TRUE(LostNothing(report)) << report << server.log();
}

INSTANTIATE_TEST_SUITE_P(
    WithoutDescriptorsFor, AMaster,
    testing::Values(FewDescriptors{"AChannel", 0, "start_failed error=\"socketpair"},
                    FewDescriptors{"AProcess", 2, "start_failed error=\"pidfd_open"}),
    [](const auto& param) { return std::string(param.param.name); });

/// As the user whose process it is: in a container not even root may do it to others.
void SetProcessLimit(const Workspace& workspace, std::vector<std::string> as_user, pid_t pid,
                     const std::string& limit) {
  as_user.insert(as_user.end(),
                 {"/usr/bin/prlimit", "--pid", std::to_string(pid), "--nproc=" + limit + ":"});
  RunToEnd(workspace / "prlimit", as_user);
}

TEST(WhenForkIsRefused, TheMasterGoesOnAndReplacesADeadWorkerLater) {
  constexpr uid_t kNobodyElse = 54'321;  // the limit counts all processes of a user
  const std::string setpriv = "/usr/bin/setpriv";
  if (::getuid() != 0) GTEST_SKIP() << "only root can run the server as a user of its own";
  if (!fs::exists(setpriv)) GTEST_SKIP() << "needs setpriv of util-linux";
  FaultyServer faulty;
  const fs::path program = faulty.workspace() / "program";
  fs::copy_file(kFaulty, program);  // the build's folder may be closed to others
  const fs::path folder = faulty.workspace() / "";
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    ASSERT_EQ(::chown(entry.path().c_str(), kNobodyElse, kNobodyElse), 0);
  }
  ASSERT_EQ(::chown(folder.c_str(), kNobodyElse, kNobodyElse), 0);
  const std::string id = std::to_string(kNobodyElse);
  const std::vector<std::string> as_user{setpriv, "--reuid=" + id, "--regid=" + id,
                                         "--clear-groups"};
  Server& server =
      faulty.Start({.bind = Bind::kBoth, .workers = 2, .program = program, .wrapper = as_user});
  server.WaitUntilAllReady();
  MixedLoad load(server);
  ASSERT_TRUE(load.WaitForMore(kSomeAnswers));
  SetProcessLimit(faulty.workspace(), as_user, server.pid(), "1");
  ::kill(server.worker(0), SIGTERM);  // which costs nothing
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("start_failed error=\"fork") >= 2; }))
      << server.log();
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  // A reload cannot be had either, and what is there stays.
  server.Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("reload_begun") == 1; }));
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  rlimit ours{};
  ASSERT_EQ(::getrlimit(RLIMIT_NPROC, &ours), 0);
  SetProcessLimit(faulty.workspace(), as_user, server.pid(),
                  ours.rlim_cur == RLIM_INFINITY ? "unlimited" : std::to_string(ours.rlim_cur));
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("reload_done") == 1; })) << server.log();
  EXPECT_TRUE(faulty.WillHaveWorkers(2)) << server.log();
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  const LoadReport report = load.Stop();
  EXPECT_TRUE(LostNothing(report)) << report << server.log();
}

/// A file system of its own and a few bytes, mounted while it exists.
class SmallDisk {
 public:
  explicit SmallDisk(fs::path folder) : folder_(std::move(folder)) {
    fs::create_directory(folder_);
    mounted_ = ::mount("none", folder_.c_str(), "tmpfs", 0, "size=64k") == 0;
    error_ = errno;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  [[nodiscard]] bool mounted() const noexcept { return mounted_; }
  [[nodiscard]] const char* why_not() const { return std::strerror(error_); }

 private:
  fs::path folder_;
  bool mounted_ = false;
  int error_ = 0;
};

std::vector<fs::path> CaptureFiles(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.file_size() > 0) files.push_back(entry.path());
  }
  return files;
}

TEST(WithAFullDisk, CapturesAreLostAndRequestsAreNot) {
  FaultyServer faulty;
  const fs::path folder = faulty.workspace() / "capture";
  const SmallDisk disk(folder);
  if (!disk.mounted()) GTEST_SKIP() << "cannot mount a small file system: " << disk.why_not();
  faulty.WriteConfig({}, R"(, {"type": "capture", "share": 1, "endpoint": "e", "folder": ")" +
                             folder.string() + "\"}");
  Server& server = faulty.Start({.bind = Bind::kBoth, .workers = 2});
  server.WaitUntilAllReady();
  MixedLoad load(server);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("capture_write_failed") == 1; }))
      << server.log();
  EXPECT_TRUE(load.WaitForMore(kSomeAnswers));
  const std::vector<fs::path> full = CaptureFiles(folder);
  EXPECT_FALSE(full.empty());
  for (const fs::path& file : full) fs::remove(file);
  EXPECT_TRUE(Eventually([&] { return !CaptureFiles(folder).empty(); })) << server.log();
  const LoadReport report = load.Stop();
  EXPECT_TRUE(LostNothing(report)) << report << server.log();
}

}  // namespace
}  // namespace forkcast::process_test
