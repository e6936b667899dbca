#include "serving/hooks/library_hook.hpp"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>

#include "support/hook_testing.hpp"
#include "support/test_files.hpp"
#include "support/test_series.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::JsonNode;
using preprocessing::TempFolder;
using preprocessing::Value;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kSource = FORKCAST_SOURCE_DIR;

bool IsThere(const std::string& program) {
  return std::system(("command -v " + program + " > /dev/null 2>&1").c_str()) == 0;
}

bool Succeeds(const std::string& command) { return std::system(command.c_str()) == 0; }

bool BuildC(const std::filesystem::path& source, const std::filesystem::path& library) {
  return Succeeds("cc -std=c99 -Wall -Wextra -Werror -pedantic -shared -fPIC -I " + kSource +
                  "/src/serving/hooks -o " + library.string() + " " + source.string());
}

LibraryHook::Settings Read(const std::filesystem::path& library, std::string_view settings) {
  const auto json = preprocessing::ParseJson(R"({"type":"library","path":")" + library.string() +
                                             R"(","settings":)" + std::string(settings) + "}");
  return LibraryHook::ReadSettings(JsonNode(json, "$.hooks[0]"));
}

// Two requested rows, 0 and 3, of which the second one's forecast is ten times last week's value.
class LibraryHookTest : public testing::Test {
 protected:
  LibraryHookTest() {
    for (const char* store : {"1", "2"}) fields_.column(0).AppendText(store);
    sample_.invocation.rows = {.fields = &fields_, .row_numbers = numbers_};
    sample_.names = {"sales_lag_1"};
    sample_.values = {10.0, 10.0};
    sample_.rows = numbers_;
    sample_.invocation.outputs = {
        .names = output_names_, .values = outputs_, .row_numbers = numbers_};
  }

  TempFolder folder_;
  std::filesystem::path library_ = folder_.path() / "libmine.so";
  preprocessing::Table fields_{
      preprocessing::Schema{{{.name = "store", .type = preprocessing::ColumnType::kText}}}};
  std::vector<std::size_t> numbers_{0, 3};
  std::vector<std::string> output_names_{"value"};
  std::vector<Value> outputs_{11.0, 100.0};
  LogLines lines_;
  WorkerSlot slot_;
  ManualClock clock_;
  TestSeries series_;
  HookContext context_{
      .log = lines_.log(), .slot = slot_, .clock = clock_, .series = &series_.writer};
  SampleInvocation sample_;
  Remarks remarks_;
};

TEST_F(LibraryHookTest, TheExampleInCFlagsAndCounts) {
  if (!IsThere("cc")) GTEST_SKIP() << "no C compiler (cc)";
  ASSERT_TRUE(BuildC(kSource + "/conf/hooks/jump_guard.c", library_));
  const auto settings = Read(library_, R"({"output":"value","feature":"sales_lag_1","times":3})");
  ASSERT_TRUE(LibraryHook::TryOut(settings).ok()) << LibraryHook::TryOut(settings).error().message;
  LibraryHook hook(settings, context_);
  EXPECT_EQ(hook.OnRows(sample_.view(), remarks_), Verdict::kGoOn);
  EXPECT_EQ(hook.OnOutputs(sample_.view(), remarks_), Verdict::kFlag);
  EXPECT_THAT(remarks_.flags, ElementsAre(Remarks::Flag{.row = 3, .text = "jump"}));
  hook.OnTick(clock_.Monotonic());
  EXPECT_THAT(lines_.lines(), Contains(HasSubstr(R"(counter="jumps" value=1)")));
  const std::vector<SeriesSum> counted = SumSeries(series_.blocks());
  ASSERT_EQ(counted.size(), 1U);
  EXPECT_EQ(counted.front().labels, R"(library="libmine.so",counter="jumps")");
  EXPECT_EQ(counted.front().cells.front(), 1U);
}

TEST_F(LibraryHookTest, TheExampleInCRejectsWhereItIsToldTo) {
  if (!IsThere("cc")) GTEST_SKIP() << "no C compiler (cc)";
  ASSERT_TRUE(BuildC(kSource + "/conf/hooks/jump_guard.c", library_));
  LibraryHook hook(
      Read(library_, R"({"output":"value","feature":"sales_lag_1","times":3,"reject":true})"),
      context_);
  EXPECT_EQ(hook.OnOutputs(sample_.view(), remarks_), Verdict::kReject);
  ASSERT_EQ(remarks_.refused_rows.size(), 1U);
  EXPECT_EQ(remarks_.refused_rows[0].row, 3U);
  EXPECT_EQ(remarks_.refused_rows[0].error,
            (Error{ErrorCode::kRejected, "got 100, more than 3 times the 10 before", "value"}));
}

TEST_F(LibraryHookTest, WhatItReturnsBeside0IsAFailure) {
  if (!IsThere("cc")) GTEST_SKIP() << "no C compiler (cc)";
  ASSERT_TRUE(BuildC(kSource + "/conf/hooks/jump_guard.c", library_));
  LibraryHook hook(Read(library_, R"({"output":"none","feature":"sales_lag_1","times":3})"),
                   context_);
  EXPECT_THROW(hook.OnOutputs(sample_.view(), remarks_), std::runtime_error);
}

TEST_F(LibraryHookTest, TheExampleInRustFlagsWhatIsAskedTooOften) {
  if (!IsThere("rustc")) GTEST_SKIP() << "no Rust compiler (rustc)";
  if (!Succeeds("rustc --edition 2021 -O --crate-type cdylib -o " + library_.string() + " " +
                kSource + "/conf/hooks/repeat_guard.rs")) {
    GTEST_SKIP() << "rustc builds no libraries here";
  }
  const auto settings = Read(library_, R"({"field":"store","most":2})");
  ASSERT_TRUE(LibraryHook::TryOut(settings).ok()) << LibraryHook::TryOut(settings).error().message;
  LibraryHook hook(settings, context_);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(hook.OnRows(sample_.view(), remarks_), Verdict::kGoOn);
  EXPECT_EQ(hook.OnRows(sample_.view(), remarks_), Verdict::kFlag);
  EXPECT_THAT(remarks_.flags, ElementsAre(Remarks::Flag{.row = 0, .text = "repeated"},
                                          Remarks::Flag{.row = 3, .text = "repeated"}));
  hook.OnTick(clock_.Monotonic());
  remarks_.Clear();
  EXPECT_EQ(hook.OnRows(sample_.view(), remarks_), Verdict::kGoOn);
}

TEST_F(LibraryHookTest, SeesTypedColumnsAndWhatIsMissing) {
  ForkcastColumns columns;
  sample_.names = {"price", "state", "count", "paid", "at"};
  sample_.values = {1.5,
                    std::string_view("open"),
                    std::int64_t{7},
                    true,
                    FromMicros(1'500'000),
                    Value(),
                    Value(),
                    Value(),
                    Value(),
                    Value()};
  columns.Take(sample_.view().features);
  const forkcast_table table = columns.table();
  ASSERT_EQ(table.column_count, 5U);
  ASSERT_EQ(table.line_count, 2U);
  EXPECT_EQ(table.row_numbers[1], 3U);
  const auto types = [&] {
    std::vector<unsigned> all;
    for (std::size_t i = 0; i < 5; ++i) all.push_back(table.columns[i].type);
    return all;
  }();
  EXPECT_THAT(types, ElementsAre(FORKCAST_NUMBER, FORKCAST_TEXT, FORKCAST_NUMBER, FORKCAST_NUMBER,
                                 FORKCAST_TIME));
  EXPECT_EQ(table.columns[0].numbers[0], 1.5);
  EXPECT_EQ(std::string(table.columns[1].texts[0].data, table.columns[1].texts[0].size), "open");
  EXPECT_EQ(table.columns[1].numbers, nullptr);
  EXPECT_EQ(table.columns[2].numbers[0], 7);
  EXPECT_EQ(table.columns[2].texts, nullptr);
  EXPECT_EQ(table.columns[3].numbers[0], 1);
  EXPECT_EQ(table.columns[4].numbers[0], 1.5);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(table.columns[i].missing[0], 0);
    EXPECT_EQ(table.columns[i].missing[1], 1);
  }
  EXPECT_TRUE(std::isnan(table.columns[0].numbers[1]));
}

// What a library must be, around one function of it.
std::string Whole(const std::string& create, const std::string& abi = "FORKCAST_HOOK_ABI") {
  return "#include \"forkcast_hook.h\"\n#include <signal.h>\n#include <stdlib.h>\n"
         "static int state;\n"
         "static void *create(const forkcast_host *host, char *error, size_t size) {\n"
         "(void)host; (void)error; (void)size;\n" +
         create +
         "\nreturn &state; }\n"
         "static int on_rows(void *s, const forkcast_invocation *i) {\n"
         "const forkcast_host *host = *(const forkcast_host **)s; (void)i;\n"
         "host->flag(host->self, 99, \"x\"); return 0; }\n"
         "const forkcast_hook *forkcast_hook_entry(void) {\n"
         "static forkcast_hook hook; hook.abi = " +
         abi +
         "; hook.size = sizeof hook; hook.create = create; hook.on_rows = on_rows;\n"
         "return &hook; }\n";
}

struct BadLibrary {
  const char* name;
  std::string code;
  const char* fault;

  friend std::ostream& operator<<(std::ostream& out, const BadLibrary& bad) {
    return out << bad.fault;
  }
};

class BadLibraries : public LibraryHookTest, public testing::WithParamInterface<BadLibrary> {};

TEST_P(BadLibraries, AreToldBeforeAWorkerLoadsThem) {
  if (!IsThere("cc")) GTEST_SKIP() << "no C compiler (cc)";
  ASSERT_TRUE(BuildC(folder_.Write("mine.c", GetParam().code), library_));
  const Status tried = LibraryHook::TryOut(Read(library_, "{}"));
  ASSERT_FALSE(tried.ok());
  EXPECT_EQ(tried.error().message,
            "the hook library " + library_.string() + ": " + GetParam().fault);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadLibraries,
    testing::Values(
        BadLibrary{"WithoutTheFunction", "int nothing_of_ours;\n",
                   "it has no function forkcast_hook_entry: is it a hook of Forkcast?"},
        BadLibrary{"OfAnotherVersion", Whole("", "2"),
                   "it is made for version 2 of the hooks' interface, and this server has 1: build "
                   "it with the forkcast_hook.h of this server"},
        BadLibrary{"ThatReturnsNothing",
                   "#include \"forkcast_hook.h\"\n"
                   "const forkcast_hook *forkcast_hook_entry(void) { return NULL; }\n",
                   "forkcast_hook_entry returns nothing"},
        BadLibrary{"ThatCrashes", Whole("raise(SIGSEGV);"),
                   "it crashes when it is loaded: Segmentation fault"},
        BadLibrary{"ThatEndsTheProcess", Whole("exit(0);"), "it ended the process that loaded it"},
        BadLibrary{"ThatRefusesItsSettings",
                   Whole("error[0] = 'n'; error[1] = 'o'; error[2] = 0; return NULL;"),
                   "it refuses its settings: no"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(LibraryHookTest, AFileThatIsNoLibraryIsToldAsTheLoaderTellsIt) {
  const Status tried = LibraryHook::TryOut(Read(folder_.Write("libmine.so", "no library"), "{}"));
  ASSERT_FALSE(tried.ok());
  EXPECT_THAT(tried.error().message, HasSubstr("libmine.so: file too short"));
}

TEST_F(LibraryHookTest, WhatItSaysOfARowThatIsNotAskedIsAFailure) {
  if (!IsThere("cc")) GTEST_SKIP() << "no C compiler (cc)";
  ASSERT_TRUE(
      BuildC(folder_.Write("mine.c", Whole("{ static const forkcast_host *kept; kept = host; "
                                           "return &kept; }")),
             library_));
  LibraryHook hook(Read(library_, "{}"), context_);
  try {
    hook.OnRows(sample_.view(), remarks_);
    FAIL() << "it was believed";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "it speaks of row 99, which is not asked");
  }
  EXPECT_THAT(remarks_.flags, IsEmpty());
}

TEST(LibrarySettings, AreTextsNumbersAndTruths) {
  const auto settings = Read("x.so", R"({"a":"text","b":1.5,"c":true})").settings;
  EXPECT_EQ(settings.at("a"), "text");
  EXPECT_EQ(settings.at("b"), "1.5");
  EXPECT_EQ(settings.at("c"), "true");
  EXPECT_THROW(static_cast<void>(Read("x.so", R"({"a":[1]})")), preprocessing::SpecError);
}

}  // namespace
}  // namespace forkcast::serving
