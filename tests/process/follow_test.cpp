// `forkcast ingest --follow` as whoever starts it sees it.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

constexpr std::string_view kPipeline = R"({
  "name": "shop", "version": "1",
  "tables": {"sales": {"columns": {"sku": "text", "at": "timestamp", "count": "int64"}}},
  "series": {"sales": {"table": "sales", "key": ["sku"], "time": "at", "values": ["count"],
                       "max_staleness": "unlimited"}},
  "request": {"fields": {"sku": "text", "at": "timestamp"}, "time": "at"},
  "features": [{"name": "count", "op": "as_of", "series": "sales", "value": "count", "key": ["sku"]}]
})";

class Follow : public testing::Test {
 protected:
  Follow() {
    workspace_.Write("pipeline.json", kPipeline);
    fs::create_directory(workspace_ / "data");
  }
  [[nodiscard]] std::vector<std::string> Command(std::vector<std::string> more) const {
    std::vector<std::string> command{kForkcast,
                                     "ingest",
                                     "--follow",
                                     "--every",
                                     "100ms",
                                     "--pipeline",
                                     workspace_ / "pipeline.json",
                                     "--store",
                                     workspace_.store()};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }
  [[nodiscard]] std::vector<std::string> OfFolder() const {
    return Command({"--from", workspace_ / "data"});
  }
  void WriteRows(const std::string& name, const std::string& rows) const {
    workspace_.Write("data/" + name, "sku,at,count\n" + rows);
  }

  Workspace workspace_;
};

TEST_F(Follow, TakesFilesAsTheyComeAndEndsWhenAsked) {
  WriteRows("sales-1.csv", "007,2024-01-01,1\n");
  Program follower(workspace_ / "follower", OfFolder());
  ASSERT_TRUE(Eventually([&] {
    return follower.out().find("sales-1.csv: 1 row added, snapshots published") !=
           std::string::npos;
  })) << follower.out()
      << follower.err();
  follower.Signal(SIGHUP);  // says nothing to it
  WriteRows("sales-2.csv", "007,2024-01-02,2\n8,2024-01-02,2\n");
  EXPECT_TRUE(Eventually([&] {
    return follower.out().find("sales-2.csv: 2 rows added, snapshots published") !=
           std::string::npos;
  })) << follower.out()
      << follower.err();
  follower.Signal(SIGTERM);
  EXPECT_EQ(follower.Wait(), 0);
  EXPECT_EQ(follower.err(), "");
}

TEST_F(Follow, TellsABadFileOnceAndGoesOn) {
  WriteRows("sales-1.csv", "007,2024-01-01,many\n");
  Program follower(workspace_ / "follower", OfFolder());
  ASSERT_TRUE(Eventually([&] { return !follower.err().empty(); }));
  WriteRows("sales-2.csv", "007,2024-01-02,2\n");
  EXPECT_TRUE(
      Eventually([&] { return follower.out().find("sales-2.csv: 1 row") != std::string::npos; }));
  const std::string told = follower.err();
  EXPECT_THAT(told, AllOf(HasSubstr("sales-1.csv: line 2, column 16"), HasSubstr("got \"many\"")));
  EXPECT_EQ(told.find('\n'), told.size() - 1);
  follower.Signal(SIGINT);
  EXPECT_EQ(follower.Wait(), 0);
}

TEST_F(Follow, ASecondOneOnTheSameFolderIsTold) {
  Program first(workspace_ / "first", OfFolder());
  ASSERT_TRUE(Eventually([&] { return first.out().find("published") != std::string::npos; }))
      << first.err();
  Program second(workspace_ / "second", OfFolder());
  EXPECT_EQ(second.Wait(), 5);
  EXPECT_THAT(second.err(), HasSubstr("another forkcast ingest --follow takes the rows of"));
}

TEST_F(Follow, PublishesWhatOthersPutIntoTheStore) {
  WriteRows("sales-1.csv", "007,2024-01-01,1\n");
  const std::vector<std::string> ingest{kForkcast,
                                        "ingest",
                                        "--quiet",
                                        "--pipeline",
                                        workspace_ / "pipeline.json",
                                        "--store",
                                        workspace_.store(),
                                        "--snapshots",
                                        workspace_ / "other",
                                        "--from",
                                        workspace_ / "data"};
  RunToEnd(workspace_ / "ingest", ingest);
  Program follower(workspace_ / "follower", Command({}));
  const auto lines = [&follower] {
    const std::string out = follower.out();
    return std::ranges::count(out, '\n');
  };
  ASSERT_TRUE(Eventually([&] { return lines() == 1; })) << follower.err();
  WriteRows("sales-2.csv", "8,2024-01-02,2\n");
  RunToEnd(workspace_ / "ingest", ingest);
  EXPECT_TRUE(Eventually([&] { return lines() == 2; })) << follower.err();
  follower.Signal(SIGTERM);
  EXPECT_EQ(follower.Wait(), 0);
}

/// The end of a socket pair that a follower is told of, and ours.
class Statuses {
 public:
  Statuses() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends.data()), 0);
    ours_ = Fd(ends[0]);
    theirs_ = Fd(ends[1]);
    EXPECT_EQ(::fcntl(ours_.get(), F_SETFD, FD_CLOEXEC), 0);
  }
  [[nodiscard]] std::string variable() const {
    return "FORKCAST_TELL_FD=" + std::to_string(theirs_.get());
  }
  void CloseTheirs() { theirs_.Reset(); }
  void CloseOurs() { ours_.Reset(); }
  /// The next one; null when none comes.
  [[nodiscard]] nlohmann::json Next() const {
    pollfd ready{.fd = ours_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, static_cast<int>(kPatience.count())) != 1) return nullptr;
    std::array<char, 4096> bytes{};
    const ssize_t read = ::read(ours_.get(), bytes.data(), bytes.size());
    return nlohmann::json::parse(bytes.data(), bytes.data() + std::max<ssize_t>(read, 0), nullptr,
                                 false);
  }

 private:
  Fd ours_;
  Fd theirs_;
};

TEST_F(Follow, TellsItsStatusToWhoeverStartedIt) {
  Statuses statuses;
  WriteRows("sales-1.csv", "007,2024-01-01,1\n");
  Program follower(workspace_ / "follower", OfFolder(), {statuses.variable()});
  statuses.CloseTheirs();
  nlohmann::json status = statuses.Next();
  while (status.is_object() && status["published"] == 0) status = statuses.Next();
  EXPECT_EQ(status["state"], "following");
  EXPECT_EQ(status["rows"], 1);
  EXPECT_EQ(status["rejected"], 0);
  EXPECT_THAT(status["last_success"].get<std::string>(), testing::EndsWith("Z"));
  EXPECT_FALSE(status.contains("error"));
  fs::remove_all(workspace_ / "data");
  while (status.is_object() && !status.contains("error")) status = statuses.Next();
  EXPECT_THAT(status["error"].get<std::string>(), HasSubstr((workspace_ / "data").string()));
}

TEST_F(Follow, EndsWhenNobodyWantsItsStatusAnyMore) {
  Statuses statuses;
  Program follower(workspace_ / "follower", OfFolder(), {statuses.variable()});
  statuses.CloseTheirs();
  ASSERT_TRUE(statuses.Next().is_object());
  statuses.CloseOurs();
  EXPECT_EQ(follower.Wait(), 0);
}

}  // namespace
}  // namespace forkcast::process_test
