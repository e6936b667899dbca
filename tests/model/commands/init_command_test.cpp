#include "model/commands/init_command.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "data_preprocessing/commands/ingest_command.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;
using namespace preprocessing;
using nlohmann::ordered_json;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Words = std::vector<std::string>;

struct Ended {
  int code = 0;
  std::string out;
  std::string err;
};

/// Behind all rows of these tests but one.
class NowIn2030 final : public Clock {
 public:
  [[nodiscard]] Instant Now() const noexcept override {
    return std::chrono::sys_days{std::chrono::year(2030) / 1 / 1};
  }
  [[nodiscard]] MonotonicTime Monotonic() const noexcept override { return {}; }
};

/// A day of 2024 as CSV has it; beyond the year's last, too.
std::string Day(int number) {
  using std::chrono::days;
  const std::chrono::sys_days day{std::chrono::year(2024) / 1 / 1};
  return IsoTimestamp(day + days(number)).substr(0, 10);
}

/// Between 0 and `most`, by nothing but the numbers given.
int Draw(int a, int b, int most) { return (a * 7919 + b * 104729 + a * b * 31) % (most + 1); }

/// What is printed, wherever its lines end.
std::string InOneLine(const std::string& text) {
  std::istringstream words(text);
  std::string line;
  for (std::string word; words >> word;) line += (line.empty() ? "" : " ") + word;
  return line;
}

class Init : public testing::Test {
 protected:
  Init() { fs::create_directory(data()); }

  [[nodiscard]] fs::path data() const { return folder_.path() / "data"; }
  [[nodiscard]] fs::path pipeline() const { return folder_.path() / "made.json"; }

  [[nodiscard]] Ended Run(const Command& command, const Words& words) const {
    std::ostringstream out;
    std::ostringstream err;
    const NowIn2030 clock;
    const int code = RunCommand(command, words,
                                {.environment = [](const char*) { return std::nullopt; },
                                 .out = out,
                                 .err = err,
                                 .clock = clock,
                                 .err_is_terminal = false});
    return {code, InOneLine(out.str()), InOneLine(err.str())};
  }

  [[nodiscard]] Ended RunInit(const std::string& csv, const Words& more = {}) const {
    folder_.Write("data/rows.csv", csv);
    Words words{"--from", data() / "rows.csv", "--out", pipeline()};
    words.insert(words.end(), more.begin(), more.end());
    return Run(InitCommand(), words);
  }

  [[nodiscard]] ordered_json Made() const { return ReadJsonFile(pipeline()); }

  /// What the pipeline that was written does with the rows it was made of.
  [[nodiscard]] Ended Ingest() const {
    return Run(IngestCommand(), {"--pipeline", pipeline(), "--store", store(), "--from", data()});
  }
  [[nodiscard]] std::string store() const { return "sqlite:" + (folder_.path() / "s.db").string(); }

  TempFolder folder_;
};

struct FileOfRows {
  std::string name;
  std::string header;
  std::function<std::string()> rows;
  Words flags;
  std::string said;  ///< Something that init says of it.
};

void PrintTo(const FileOfRows& one, std::ostream* out) { *out << one.name; }

/// `row(key, day)` for each key and every `step`th day; where it is empty there is none.
std::string Panel(int keys, int days, int step,
                  const std::function<std::string(int key, int day)>& row) {
  std::string text;
  for (int day = 0; day < days; day += step) {
    for (int key = 0; key < keys; ++key) text += row(key, day);
  }
  return text;
}

std::string DailyRow(int key, int day) {
  return fmt::format("S{},{},{}.5\n", key, Day(day), Draw(key, day, 90));
}

class InitOfAFile : public Init, public testing::WithParamInterface<FileOfRows> {};

TEST_P(InitOfAFile, WritesAPipelineThatIngestTakes) {
  const FileOfRows& file = GetParam();
  const Ended init = RunInit(file.header + "\n" + file.rows(), file.flags);
  ASSERT_EQ(init.code, 0) << init.err;
  EXPECT_THAT(init.out, HasSubstr(file.said));
  const Ended ingest = Ingest();
  ASSERT_EQ(ingest.code, 0) << ingest.err << ReadWhole(pipeline());
}

INSTANTIATE_TEST_SUITE_P(
    Cases, InitOfAFile,
    testing::Values(
        FileOfRows{"DailyRowsOfSeveralKeys",
                   "store,day,sales",
                   [] { return Panel(3, 70, 1, DailyRow); },
                   {},
                   "period: day"},
        FileOfRows{"DailyRowsWithHoles",
                   "store,day,sales",
                   [] {
                     return Panel(3, 90, 1, [](int key, int day) {
                       return (key + day) % 3 == 0 ? std::string() : DailyRow(key, day);
                     });
                   },
                   {},
                   "key: store, which has one row at each time"},
        FileOfRows{"WeeklyRows",
                   "store,week,sales",
                   [] { return Panel(2, 7 * 60, 7, DailyRow); },
                   {},
                   "period: week"},
        FileOfRows{"MonthlyRowsWithoutKey",
                   "month,passengers",
                   [] {
                     std::string text;
                     for (int month = 0; month < 48; ++month) {
                       text += fmt::format("{}-{:02}-01,{}\n", 2020 + month / 12, month % 12 + 1,
                                           100 + Draw(month, 3, 50));
                     }
                     return text;
                   },
                   {},
                   "key: none"},
        FileOfRows{"OrderLinesWithTimesOfDay",
                   "invoice,product,at,pieces",
                   [] {
                     return Panel(4, 200, 1, [](int key, int day) {
                       std::string rows;
                       for (int i = 0; i < Draw(key, day, 2); ++i) {
                         rows += fmt::format("{}{},{:05},{} {:02}:30:00,{}\n", day, i, key,
                                             Day(day), 8 + i, Draw(i, day, 9));
                       }
                       return rows;
                     });
                   },
                   {"--key", "product", "--target", "pieces"},
                   "product: digits with zeros in front are names"},
        FileOfRows{"ReturnsBelowZero",
                   "product,at,pieces",
                   [] {
                     return Panel(2, 120, 1, [](int key, int day) {
                       return fmt::format("P{0},{1},{2}\nP{0},{1},{3}\n", key, Day(day),
                                          Draw(key, day, 9), day % 20 == 0 ? -2 : 1);
                     });
                   },
                   {},
                   "12 rows below 0 are left out"},
        FileOfRows{"NamesWithBlanksDotsUmlautsAndQuotes",
                   "\"Filiale Nr.\",Tag,\"Umsätze \"\"br.\"\"\"",
                   [] { return Panel(3, 70, 1, DailyRow); },
                   {},
                   "target: Umsätze \"br.\""},
        FileOfRows{"KeysOfTwoColumns",
                   "store,product,day,pieces",
                   [] {
                     return Panel(4, 70, 1, [](int key, int day) {
                       return fmt::format("S{},P{},{},{}\n", key / 2, key % 2, Day(day),
                                          Draw(key, day, 9));
                     });
                   },
                   {"--key", "store", "--key", "product"},
                   "target: pieces"},
        FileOfRows{
            "MissingKeysTimesAndValues",
            "store,day,sales",
            [] { return Panel(3, 90, 1, DailyRow) + ",2024-02-01,4\nS1,,4\nS1,2024-05-01,\n"; },
            {"--key", "store"},
            "missing in 1 row, which are left out"},
        FileOfRows{"WhatIsKnownInAdvance",
                   "store,day,sales,promo,holiday",
                   [] {
                     return Panel(3, 120, 1, [](int key, int day) {
                       return fmt::format("S{},{},{},{},{}\n", key, Day(day), Draw(key, day, 90),
                                          day % 2, day % 30 == 0 ? "state" : "none");
                     });
                   },
                   {"--target", "sales", "--known", "promo", "--known", "holiday"},
                   "key: store"},
        FileOfRows{"WhatMayBeKnownInAdvance",
                   "store,day,sales,promo,visitors",
                   [] {
                     return Panel(3, 120, 1, [](int key, int day) {
                       return fmt::format("S{},{},{},{},{}\n", key, Day(day), Draw(key, day, 90),
                                          day % 2, 100 + Draw(day, key, 70));
                     });
                   },
                   {"--target", "sales"},
                   "give their rows of the time ahead: --known promo"},
        FileOfRows{"OneValueForEver",
                   "store,day,sales",
                   [] {
                     return Panel(2, 70, 1, [](int key, int day) {
                       return fmt::format("S{},{},5\n", key, Day(day));
                     });
                   },
                   {"--target", "sales"},
                   "every value is 5, so there is nothing to learn"},
        FileOfRows{"ColumnsThatTheStoreWouldTakeForOne",
                   "store,day,sales,Sales",
                   [] {
                     return Panel(2, 70, 1, [](int key, int day) {
                       return fmt::format("S{},{},{},x\n", key, Day(day), Draw(key, day, 50));
                     });
                   },
                   {},
                   "target: sales"},
        FileOfRows{"SemicolonsDecimalCommasAndGermanDates",
                   "Filiale;Tag;Umsatz",
                   [] {
                     return Panel(3, 70, 1, [](int key, int day) {
                       const std::string date = Day(day);
                       return fmt::format("S{};{}.{}.{};{},25\n", key, date.substr(8),
                                          date.substr(5, 2), date.substr(0, 4), Draw(key, day, 90));
                     });
                   },
                   {},
                   R"({"delimiter":";","decimal":","})"},
        FileOfRows{"TabsAndUmlautsOfWindows",
                   "Filiale\tTag\tUms\xe4tze",
                   [] {
                     return Panel(3, 70, 1, [](int key, int day) {
                       return fmt::format("K\xf6ln {}\t{}\t{}\n", key, Day(day),
                                          Draw(key, day, 90));
                     });
                   },
                   {},
                   R"("encoding":"windows-1252")"},
        FileOfRows{"DaysAsNumbers",
                   "store,day,sales",
                   [] {
                     return Panel(3, 70, 1, [](int key, int day) {
                       std::string date = Day(day);
                       std::erase(date, '-');
                       return fmt::format("S{},{},{}.5\n", key, date, Draw(key, day, 90));
                     });
                   },
                   {},
                   "time: day"},
        FileOfRows{"EverythingInQuotes",
                   R"("store","day","sales")",
                   [] {
                     return Panel(3, 70, 1, [](int key, int day) {
                       return fmt::format("\"S{}\",\"{}\",\"{}\"\n", key, Day(day),
                                          day % 9 == 0 ? "" : std::to_string(Draw(key, day, 90)));
                     });
                   },
                   {"--key", "store"},
                   "sales: missing in 24 rows"},
        FileOfRows{"YesAndNo",
                   "store,day,sales,open",
                   [] {
                     return Panel(3, 120, 1, [](int key, int day) {
                       return fmt::format("S{},{},{},{}\n", key, Day(day), Draw(key, day, 90),
                                          day % 7 == 6 ? "no" : "yes");
                     });
                   },
                   {"--known", "open"},
                   "target: sales"},
        FileOfRows{"ALabel",
                   "id,placed,amount,country,express,fraud",
                   [] {
                     std::string text;
                     for (int i = 0; i < 300; ++i) {
                       text += fmt::format("o-{},{},{}.25,{},{},{}\n", i, Day(i), Draw(i, 1, 90),
                                           i % 3 == 0 ? "DE" : "FR", i % 2 == 0 ? "true" : "false",
                                           Draw(i, 1, 90) > 45 ? "yes" : "no");
                     }
                     return text;
                   },
                   {"--label", "fraud"},
                   "id (a name of its own in most rows)"}),
    [](const auto& param) { return param.param.name; });

struct Refusal {
  std::string name;
  std::string csv;
  Words flags;
  ExitCode code;
  std::string said;
};

void PrintTo(const Refusal& one, std::ostream* out) { *out << one.name; }

class InitRefuses : public Init, public testing::WithParamInterface<Refusal> {};

TEST_P(InitRefuses, WithAClearMessageAndNothingWritten) {
  const Refusal& one = GetParam();
  const Ended ended = RunInit(one.csv, one.flags);
  EXPECT_EQ(ended.code, static_cast<int>(one.code));
  EXPECT_THAT(ended.err, HasSubstr(one.said));
  EXPECT_THAT(ended.out, IsEmpty());
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    if (!entry.is_directory()) files.push_back(entry.path());
  }
  EXPECT_THAT(files, IsEmpty());
}

const std::string kPanel = "store,day,sales\n" + Panel(2, 70, 1, DailyRow);

INSTANTIATE_TEST_SUITE_P(
    Cases, InitRefuses,
    testing::Values(
        Refusal{"AnEmptyFile", "", {}, ExitCode::kNo, "found an empty file"},
        Refusal{"BytesThatAreNoText",
                std::string("\x7f\x45\x4c\x46\0\1\2", 7),
                {},
                ExitCode::kNo,
                "rows.csv: it is no text"},
        Refusal{"AHeaderAlone",
                "store,day,sales\n",
                {},
                ExitCode::kNo,
                "has a header and no row to learn from"},
        Refusal{"OneRow",
                "store,day,sales\nS1,2024-01-01,5\n",
                {},
                ExitCode::kUnfit,
                "rows from 2024-01-01 to 2024-01-01 make 1 whole day, and 8 are needed"},
        Refusal{"AColumnTwice",
                "store,day,store\nS1,2024-01-01,S2\n",
                {},
                ExitCode::kNo,
                "column \"store\" is there twice"},
        Refusal{"NoTimes",
                "store,sales\nS1,5\nS1,6\n",
                {},
                ExitCode::kUsage,
                "has no column whose every value is a time"},
        Refusal{"SeveralTimes",
                "a,b,sales\n2024-01-01,2024-01-02,5\n2024-01-02,2024-01-03,6\n",
                {},
                ExitCode::kUsage,
                "--time b"},
        Refusal{"SeveralNumbers",
                "store,day,sales,visitors\n" + Panel(2, 70, 1,
                                                     [](int key, int day) {
                                                       return fmt::format(
                                                           "S{},{},{},{}\n", key, Day(day),
                                                           Draw(key, day, 90), Draw(day, key, 70));
                                                     }),
                {},
                ExitCode::kUsage,
                "which number is to be forecast? sales (int64"},
        Refusal{"AnUnknownColumn", kPanel, {"--target", "profit"}, ExitCode::kUsage, "--target: "},
        Refusal{"ATextAsTarget",
                kPanel,
                {"--target", "store"},
                ExitCode::kUsage,
                "is no number, which a forecast is"},
        Refusal{"ALabelOfOneClass",
                "day,x,y\n2024-01-01,1,a\n2024-01-02,2,a\n",
                {"--label", "y"},
                ExitCode::kUsage,
                "expected 2 to 1000 different values"},
        Refusal{"AHorizonBeyondTheHistory",
                kPanel,
                {"--horizon", "60"},
                ExitCode::kUnfit,
                "make 70 whole days, and 180 are needed"}),
    [](const auto& param) { return param.param.name; });

TEST_F(Init, WritesOverAFileOnlyWhenForced) {
  folder_.Write("made.json", "mine");
  const Ended refused = RunInit(kPanel);
  EXPECT_EQ(refused.code, static_cast<int>(ExitCode::kUsage));
  EXPECT_THAT(refused.err, HasSubstr("exists: --force writes over it, --out names another"));
  EXPECT_EQ(ReadWhole(pipeline()), "mine");
  EXPECT_EQ(RunInit(kPanel, {"--force"}).code, 0);
  EXPECT_NE(ReadWhole(pipeline()), "mine");
}

TEST_F(Init, SaysThatTheFolderOfThePipelineCannotBeWritten) {
  folder_.Write("data/rows.csv", kPanel);
  const Ended ended = Run(InitCommand(), {"--from", data() / "rows.csv", "--out",
                                          folder_.path() / "nowhere" / "p.json"});
  EXPECT_EQ(ended.code, static_cast<int>(ExitCode::kIo));
  EXPECT_THAT(ended.err, HasSubstr("nowhere"));
}

TEST_F(Init, ReadsAGzip) {
  folder_.WriteGzip("data/rows.csv.gz", kPanel);
  const Ended ended = Run(InitCommand(), {"--from", data() / "rows.csv.gz", "--out", pipeline()});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(Made()["tables"].begin().key(), "rows");
}

TEST_F(Init, DeclaresOnlyWhatIsUsedOfTwoThousandColumns) {
  std::string header = "store,day,sales";
  std::string rest;
  for (int i = 0; i < 1997; ++i) {
    header += fmt::format(",c{}", i);
    rest += ",x";
  }
  const Ended ended = RunInit(header + "\n" + Panel(2, 70, 1, [&](int key, int day) {
                                std::string row = DailyRow(key, day);
                                row.insert(row.size() - 1, rest);
                                return row;
                              }));
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("2000 columns: only those that are used are declared"));
  EXPECT_EQ(Made()["tables"]["rows"]["columns"].size(), 3U);
  EXPECT_EQ(Ingest().code, 0);
}

TEST_F(Init, CutsWhatWouldTakeLongToTrainAndSaysSo) {
  const Ended small = RunInit(kPanel);
  ASSERT_EQ(small.code, 0) << small.err;
  EXPECT_EQ(Made()["forecast"]["strategy"], "direct");
  EXPECT_EQ(Made()["training"]["folds"]["n_splits"], 4);
  EXPECT_THAT(small.out, Not(HasSubstr("in a minute")));
  const Ended large =
      RunInit("store,day,sales\n" + Panel(60, 900, 1, DailyRow), {"--force", "--target", "sales"});
  ASSERT_EQ(large.code, 0) << large.err;
  EXPECT_EQ(Made()["forecast"]["strategy"], "shared");
  EXPECT_EQ(Made()["training"]["folds"]["n_splits"], 3);
  EXPECT_THAT(large.out, HasSubstr("made to be trained in a minute; for better forecasts raise"));
}

TEST_F(Init, TakesRowsOfTheTimeAheadThatHaveAPlanAndNoTargetYet) {
  const auto row = [](int key, int day) {
    return fmt::format("S{},{},{},{}\n", key, Day(day), day < 120 ? Draw(key, day, 90) : -1,
                       day % 2);
  };
  const std::string header = "store,day,sales,promo\n";
  ASSERT_EQ(RunInit(header + Panel(3, 120, 1, row), {"--target", "sales", "--known", "promo"}).code,
            0);
  folder_.Write("data/rows-2.csv", header + "S0,2024-05-01,,1\nS1,2024-05-01,,1\n");
  const Ended ingest = Ingest();
  ASSERT_EQ(ingest.code, 0) << ingest.err;
  EXPECT_THAT(ingest.err, Not(HasSubstr("leaves rows out")));
}

TEST_F(Init, DeclaresTheWordsOfABoolButLeavesTheClassesTheirNames) {
  std::string rows = "placed,amount,express,fraud\n";
  for (int i = 0; i < 80; ++i) {
    rows += fmt::format("{},{},{},{}\n", Day(i), Draw(i, 1, 90), i % 2 == 0 ? "Ja" : "Nein",
                        i % 3 == 0 ? "yes" : "no");
  }
  ASSERT_EQ(RunInit(rows, {"--label", "fraud"}).code, 0);
  const ordered_json words{{"type", "bool"}, {"true", {"Ja"}}, {"false", {"Nein"}}};
  EXPECT_EQ(Made()["tables"]["rows"]["columns"]["express"], words);
  EXPECT_EQ(Made()["request"]["fields"]["express"], words);
  EXPECT_EQ(Made()["tables"]["rows"]["columns"]["fraud"], "text");
  EXPECT_EQ(Ingest().code, 0);
}

TEST_F(Init, WritesToStandardOutputWhenAsked) {
  folder_.Write("data/rows.csv", kPanel);
  const Ended ended = Run(InitCommand(), {"--from", data() / "rows.csv", "--out", "-"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ordered_json::parse(ended.out)["forecast"]["value"], "sales");
  EXPECT_THAT(ended.err, HasSubstr("Chosen:"));
}

TEST_F(Init, KnowsARowByKeyAndTimeWhereNoTwoHaveThemAlike) {
  ASSERT_EQ(RunInit(kPanel).code, 0);
  EXPECT_EQ(Made()["tables"]["rows"]["key"], ordered_json({"store", "day"}));
  ASSERT_EQ(RunInit(kPanel + "S0,2024-01-01,4\n", {"--force", "--key", "store"}).code, 0);
  EXPECT_FALSE(Made()["tables"]["rows"].contains("key"));
}

TEST_F(Init, SaysThatRowsAreDatedAfterNow) {
  const Ended ended = RunInit(kPanel + "S0,2093-01-01,4\n", {"--period", "day"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("1 row is dated after now, up to 2093-01-01"));
}

TEST_F(Init, GrowsTreesOfALimitedDepthForPeriodsOfEveryKind) {
  for (const auto& [period, horizon] :
       {std::pair("day", 14), std::pair("week", 4), std::pair("month", 3)}) {
    const Ended ended =
        RunInit("day,sales\n" + Panel(1, 1200, 1,
                                      [](int key, int day) {
                                        return fmt::format("{},{}\n", Day(day), Draw(key, day, 90));
                                      }),
                {"--period", period, "--force"});
    ASSERT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(Made()["forecast"]["horizon"], horizon);
    EXPECT_GT(Made()["training"]["model"]["max_depth"], 0);
  }
}

struct TriedOut {
  std::string name;
  std::string csv;
  Words flags;
  std::string question;
};

void PrintTo(const TriedOut& one, std::ostream* out) { *out << one.name; }

class InitTells : public Init, public testing::WithParamInterface<TriedOut> {};

TEST_P(InitTells, ARequestToTryTheModelBy) {
  const Ended ended = RunInit(GetParam().csv, GetParam().flags);
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr(fmt::format("curl -s http://127.0.0.1:8080/invocations --json "
                                               "'{}'",
                                               GetParam().question)));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, InitTells,
    testing::Values(TriedOut{"OfAKey", kPanel, {}, R"({"store":"S0"})"},
                    TriedOut{"OfANumberAsKey",
                             "shop,day,sales\n" + Panel(3, 70, 1,
                                                        [](int key, int day) {
                                                          return fmt::format("{},{},{}\n", 7 + key,
                                                                             Day(day),
                                                                             Draw(key, day, 90));
                                                        }),
                             {"--target", "sales"},
                             R"({"shop":7})"},
                    TriedOut{"OfASeriesWithoutKey",
                             "day,sales\n" + Panel(1, 160, 1,
                                                   [](int key, int day) {
                                                     return fmt::format("{},{}\n", Day(day),
                                                                        Draw(key, day, 90));
                                                   }),
                             {},
                             R"({"steps":14})"},
                    // 120 days to 2024-04-29.
                    TriedOut{"OfATimeWhosePlanIsThere",
                             "store,day,sales,promo\n" + Panel(3, 120, 1,
                                                               [](int key, int day) {
                                                                 return fmt::format(
                                                                     "S{},{},{},{}\n", key,
                                                                     Day(day), Draw(key, day, 90),
                                                                     day % 2);
                                                               }),
                             {"--target", "sales", "--known", "promo"},
                             R"({"store":"S0","origin":"2024-04-16"})"}),
    [](const auto& param) { return param.param.name; });

TEST_F(Init, TellsTheCommandsThatLeadOn) {
  const Ended ended = RunInit(kPanel, {"--name", "shops"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("forkcast train --pipeline "), HasSubstr("--store sqlite:shops.db"),
                    HasSubstr("forkcast serve "), HasSubstr("--deploy shops")));
}

}  // namespace
}  // namespace forkcast::model
