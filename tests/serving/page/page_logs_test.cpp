#include "serving/page/page_logs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using preprocessing::TempFolder;
using testing::ElementsAre;

class PageLogs : public testing::Test {
 protected:
  json Tail(const LogQuestion& question) {
    const Result<std::string> found = TailLog(logs_, question);
    return found ? json::parse(*found) : json(found.error().message);
  }
  static std::vector<std::string> Lines(const json& found) {
    return found.at("lines").get<std::vector<std::string>>();
  }
  void Write(std::string_view text) { folder_.Write("server.log", text); }

  TempFolder folder_;
  std::vector<PageLog> logs_{{.name = "server", .path = folder_.path() / "server.log"},
                             {.name = "folder", .path = folder_.path()}};
};

TEST_F(PageLogs, AreListedWhereTheyAreFilesThatCanBeRead) {
  EXPECT_EQ(ListLogs(logs_), R"({"logs":[]})");
  Write("one\n");
  const json listed = json::parse(ListLogs(logs_))["logs"];
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0]["name"], "server");
  EXPECT_EQ(listed[0]["bytes"], 4);
}

TEST_F(PageLogs, ShowTheNewestLines) {
  Write("1\n2\n3\n4");
  const json found = Tail({.name = "server", .lines = 2});
  EXPECT_THAT(Lines(found), ElementsAre("3", "4"));
  EXPECT_EQ(found["cut"], true);
}

TEST_F(PageLogs, AreSearchedWhateverTheCase) {
  Write("warn Swap_Failed a\ninfo ok\nWARN swap_failed b\n");
  const json found = Tail({.name = "server", .search = "SWAP_failed"});
  EXPECT_THAT(Lines(found), ElementsAre("warn Swap_Failed a", "WARN swap_failed b"));
  EXPECT_EQ(found["cut"], false);
}

TEST_F(PageLogs, OfWhichOnlyTheEndIsReadBeginWithAWholeLine) {
  std::string text;
  while (text.size() <= LogQuestion::kMostBytes)
    text += "a line of forty bytes, or nearly so....\n";
  Write(text + "last\n");
  const json found = Tail({.name = "server", .lines = 1'000'000});
  EXPECT_EQ(found["cut"], true);
  EXPECT_LE(found["lines"].size(), LogQuestion::kMostLines);
  EXPECT_EQ(found["lines"].front(), "a line of forty bytes, or nearly so....");
  EXPECT_EQ(found["lines"].back(), "last");
}

TEST_F(PageLogs, WithBytesThatAreNoTextAreShownAllTheSame) {
  Write("\xff\xfe ok\n");
  EXPECT_THAT(Lines(Tail({.name = "server"})), ElementsAre("\uFFFD\uFFFD ok"));
}

TEST_F(PageLogs, ThatAreNotThereAreRefused) {
  for (const char* const name : {"server", "folder", "../../etc/passwd", ""}) {
    EXPECT_EQ(TailLog(logs_, {.name = name}).error().code, ErrorCode::kNotFound) << name;
  }
}

TEST_F(PageLogs, AreDownloadedAsAFileOfAllThatIsFound) {
  Write("a 1\nb\na 2\n");
  const Result<PageAnswer> all = DownloadLog(logs_, {.name = "server", .lines = 1});
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->body, "a 1\nb\na 2\n");
  EXPECT_EQ(all->file_name, "server.log");
  EXPECT_EQ(DownloadLog(logs_, {.name = "server", .search = "a "})->body, "a 1\na 2\n");
}

TEST(LogsOf, AreThoseOfTheSettings) {
  ServerConfig config;
  const auto names = [&config] {
    std::vector<std::string> found;
    for (const PageLog& log : LogsOf(config)) found.push_back(log.name);
    return found;
  };
  EXPECT_THAT(names(), ElementsAre("server"));
  config.access_log = AccessLogFormat::kJson;
  config.access_log_file = "access.log";
  config.audit_log = "audit.log";
  EXPECT_THAT(names(), ElementsAre("server", "answers", "audit"));
  EXPECT_EQ(LogsOf(config)[1].path, "access.log");
}

}  // namespace
}  // namespace forkcast::serving
