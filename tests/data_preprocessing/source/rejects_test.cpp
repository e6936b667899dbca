#include "data_preprocessing/source/rejects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <ostream>

#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using testing::HasSubstr;

class RejectsFile : public testing::Test {
 protected:
  [[nodiscard]] Rejects Open(const RejectLimit& limit) const {
    return Rejects::Open(file(), limit).value();
  }
  [[nodiscard]] std::filesystem::path file() const { return folder_.path() / "rejects.csv"; }

  TempFolder folder_;
};

TEST_F(RejectsFile, IsACsvOfTheRowsAndTheirReasons) {
  Rejects rejects = Open({.rows = 2});
  ASSERT_TRUE(
      rejects.Add("a.csv", {.line = 3, .reason = "no \"x\"", .text = "1,\"2\"\n\",y"}).ok());
  ASSERT_TRUE(rejects.Add("b.csv", {.line = 7, .reason = "why", .text = ""}).ok());
  EXPECT_FALSE(std::filesystem::exists(file()));
  ASSERT_TRUE(rejects.Commit().ok());
  EXPECT_EQ(ReadWhole(file()),
            "file,line,reason,text\n"
            "\"a.csv\",3,\"no \"\"x\"\"\",\"1,\"\"2\"\"\n\"\",y\"\n"
            "\"b.csv\",7,\"why\",\"\"\n");
}

TEST_F(RejectsFile, TakesThePlaceOfAnOlderOneAlsoWhenNothingWasRejected) {
  folder_.Write("rejects.csv", "yesterday's");
  ASSERT_TRUE(Open({}).Commit().ok());
  EXPECT_EQ(ReadWhole(file()), "file,line,reason,text\n");
}

TEST_F(RejectsFile, IsAsBeforeWhenTheRunIsGivenUp) {
  folder_.Write("rejects.csv", "yesterday's");
  {
    Rejects rejects = Open({.rows = 1000});
    ASSERT_TRUE(rejects.Add("a.csv", {.line = 3, .reason = "why", .text = "x"}).ok());
  }
  EXPECT_EQ(ReadWhole(file()), "yesterday's");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(RejectsFile, EndsTheRunWithOneRowMoreThanTheLimit) {
  Rejects rejects = Open({.rows = 1});
  ASSERT_TRUE(rejects.Add("a.csv", {.line = 3, .reason = "why", .text = "x"}).ok());
  const Status added = rejects.Add("a.csv", {.line = 4, .reason = "no", .text = "y"});
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.error().code, ErrorCode::kRefusedData);
  EXPECT_EQ(
      added.error().message,
      "2 rows were rejected, more than 1 (--max-rejects); nothing was taken. The first: a.csv: "
      "why");
}

TEST_F(RejectsFile, MayHaveAShareOfAllRows) {
  Rejects rejects = Open({.share = 0.01});
  ASSERT_TRUE(rejects.CheckShare(0).ok());
  ASSERT_TRUE(rejects.Add("a.csv", {.line = 3, .reason = "why", .text = "x"}).ok());
  EXPECT_TRUE(rejects.CheckShare(100).ok());
  const Status share = rejects.CheckShare(99);
  ASSERT_FALSE(share.ok());
  EXPECT_THAT(share.error().message, HasSubstr("1 rows were rejected, more than 1% of 99"));
}

TEST_F(RejectsFile, IsNoPipeDeviceOrFolder) {
  const std::filesystem::path pipe = folder_.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const std::filesystem::path& path :
       {pipe, std::filesystem::path("/dev/full"), folder_.path()}) {
    const auto rejects = Rejects::Open(path, {});
    ASSERT_FALSE(rejects.ok()) << path;
    EXPECT_EQ(rejects.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(rejects.error().message, HasSubstr(path.string() + " is no ordinary file"));
  }
}

TEST_F(RejectsFile, OnAFullDiskIsAnErrorAndNotThere) {
  Rejects rejects = Open({.rows = 1'000'000});
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit full{.rlim_cur = 4096, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &full);
  Status added;
  for (std::size_t line = 1; added && line < 1'000'000; ++line) {
    added = rejects.Add("a.csv", {.line = line, .reason = "why", .text = "x"});
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.error().code, ErrorCode::kIo);
  EXPECT_THAT(added.error().message, HasSubstr("rejects: "));
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(RejectsFile, InAFolderThatIsNotThereIsAnError) {
  const auto rejects = Rejects::Open(folder_.path() / "absent/rejects.csv", {});
  ASSERT_FALSE(rejects.ok());
  EXPECT_EQ(rejects.error().code, ErrorCode::kIo);
  EXPECT_THAT(rejects.error().message, HasSubstr("absent"));
}

class RejectsLog : public RejectsFile {
 protected:
  void Log(std::string_view source) const {
    Rejects rejects = Rejects::OpenLog(file(), {.rows = 2}).value();
    ASSERT_TRUE(rejects.Add(source, {.line = 3, .reason = "why", .text = "x"}).ok());
    ASSERT_TRUE(rejects.Commit().ok());
  }
};

TEST_F(RejectsLog, GrowsByTheRowsOfEachRun) {
  Log("a.csv");
  Log("b.csv");
  EXPECT_EQ(ReadWhole(file()),
            "file,line,reason,text\n\"a.csv\",3,\"why\",\"x\"\n\"b.csv\",3,\"why\",\"x\"\n");
}

TEST_F(RejectsLog, IsAsBeforeUntilItIsCommittedAndWhereNothingWasRejected) {
  {
    Rejects rejects = Rejects::OpenLog(file(), {.rows = 2}).value();
    ASSERT_TRUE(rejects.Add("a.csv", {.line = 3, .reason = "why", .text = "x"}).ok());
  }
  ASSERT_TRUE(Rejects::OpenLog(file(), {}).value().Commit().ok());
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(RejectsLog, OneThatIsFullMakesRoomForANewOne) {
  Log("old.csv");
  std::filesystem::resize_file(file(), Rejects::kMaxLogBytes);
  Log("new.csv");
  EXPECT_EQ(ReadWhole(file()), "file,line,reason,text\n\"new.csv\",3,\"why\",\"x\"\n");
  EXPECT_EQ(std::filesystem::file_size(file().string() + ".1"), Rejects::kMaxLogBytes);
  std::filesystem::resize_file(file(), Rejects::kMaxLogBytes);
  Log("newer.csv");
  EXPECT_THAT(ReadWhole(file().string() + ".1"), HasSubstr("new.csv"));
}

struct LimitCase {
  std::string name;
  std::string text;
  std::optional<RejectLimit> limit{};
};

void PrintTo(const LimitCase& one, std::ostream* out) { *out << one.text; }

class LimitOfRejects : public testing::TestWithParam<LimitCase> {};

TEST_P(LimitOfRejects, IsANumberOrAShare) {
  const auto parsed = RejectLimit::Parse(GetParam().text);
  ASSERT_EQ(parsed.ok(), GetParam().limit.has_value());
  if (parsed) {
    EXPECT_EQ(*parsed, *GetParam().limit);
  } else {
    EXPECT_THAT(parsed.error().message, HasSubstr("got \"" + GetParam().text + "\""));
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, LimitOfRejects,
                         testing::Values(LimitCase{"Number", "100", RejectLimit{.rows = 100}},
                                         LimitCase{"None", "0", RejectLimit{.rows = 0}},
                                         LimitCase{"Share", "50%", RejectLimit{.share = 0.5}},
                                         LimitCase{"Negative", "-1"},
                                         LimitCase{"MoreThanAll", "101%"},
                                         LimitCase{"NoNumber", "few"}, LimitCase{"Nothing", ""},
                                         LimitCase{"OnlyTheSign", "%"}),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::preprocessing
