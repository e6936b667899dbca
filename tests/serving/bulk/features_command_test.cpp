#include "serving/commands/features_command.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "data_preprocessing/command/command.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "serving/endpoints/publish_tables.hpp"
#include "support/test_clock.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using preprocessing::ExitCode;
using preprocessing::ReadWhole;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
using Words = std::vector<std::string>;
namespace fs = std::filesystem;

/// Levels of three articles on three days, and sales by day.
constexpr const char* kShop = R"({
  "name": "shop", "version": "7",
  "tables": {
    "levels": {"columns": {"sku": "text", "at": "timestamp", "level": "int64",
                         "name": {"type": "text", "nullable": true}}},
    "sales": {"columns": {"sku": "text", "at": "timestamp", "amount": "double"}},
    "orders": {"columns": {"id": "text", "sku": "text", "at": "timestamp", "late": "bool"},
               "key": ["id"]}},
  "series": {
    "levels": {"table": "levels", "key": ["sku"], "time": "at", "values": ["level", "name"],
               "max_staleness": "unlimited"},
    "daily": {"table": "sales", "key": ["sku"], "time": "at", "max_staleness": "unlimited",
              "aggregate": {"period": "day", "from": "all", "partial": "keep",
                            "values": {"amount": {"op": "sum", "column": "amount", "empty": 0}}}}},
  "request": {"fields": {"sku": "text", "at": "timestamp"}, "time": "at"},
  "features": [
    {"op": "as_of", "series": "levels", "value": "level", "missing": "error"},
    {"op": "as_of", "series": "levels", "value": "name", "missing": "keep"},
    {"name": "hour", "op": "calendar", "part": "hour"}],
  "training": {"table": "orders", "label": "late"}
})";

class FeaturesCommandTest : public testing::Test {
 protected:
  explicit FeaturesCommandTest(const char* pipeline = kShop)
      : pipeline_(folder_.Write("shop.json", pipeline)) {
    folder_.Write("levels.csv",
                  "sku,at,level,name\n001,2024-01-01,5,red\n001,2024-01-02,4,\n"
                  "002,2024-01-02,9,\"blue, dark\"\n003,2024-01-03,1,green\n");
    folder_.Write("sales.csv",
                  "sku,at,amount\n001,2024-01-01,1.5\n001,2024-01-02,2\n001,2024-01-03,4\n"
                  "001,2024-01-04,8\n");
    folder_.Write("orders.csv",
                  "id,sku,at,late\na,001,2024-01-01 08:00:00,true\n"
                  "b,002,2024-01-05 09:30:00,false\n");
    PublishTables(*preprocessing::LoadPipelineSpec(pipeline_), folder_.path());
  }

  ExitCode Features(const Words& flags) {
    Words words{"--pipeline", pipeline_.string(), "--snapshots", folder_.path().string()};
    words.insert(words.end(), flags.begin(), flags.end());
    out_.str("");
    err_.str("");
    const TestClock clock;
    return static_cast<ExitCode>(preprocessing::RunCommand(
        FeaturesCommand(), words,
        {.environment = [](const char*) { return std::optional<std::string>(); },
         .out = out_,
         .err = err_,
         .clock = clock}));
  }
  [[nodiscard]] std::string File(const std::string& name) const {
    return (folder_.path() / name).string();
  }
  [[nodiscard]] std::string store() const { return "sqlite:" + File("store.db"); }

  preprocessing::TempFolder folder_;
  fs::path pipeline_;
  std::ostringstream out_;
  std::ostringstream err_;
};

constexpr const char* kRows =
    "id,late,sku,at\na,true,001,2024-01-01 08:00:00\nb,,002,2024-01-05 09:30:00\n"
    "c,false,001,2024-01-03 23:00:00\n";

TEST_F(FeaturesCommandTest, PrintsTheFeaturesOfEachRowAtItsTime) {
  folder_.Write("rows.csv", kRows);
  ASSERT_EQ(Features({"--rows", File("rows.csv")}), ExitCode::kDone) << err_.str();
  EXPECT_EQ(out_.str(), "level,name,hour\n5,red,8\n9,\"blue, dark\",9\n4,,23\n");
}

TEST_F(FeaturesCommandTest, CarriesColumnsInFrontAndTheLabelBehind) {
  folder_.Write("rows.csv", kRows);
  ASSERT_EQ(Features({"--rows", File("rows.csv"), "--keep", "id", "--keep", "at", "--label", "late",
                      "--out", File("f.csv")}),
            ExitCode::kDone)
      << err_.str();
  EXPECT_EQ(ReadWhole(File("f.csv")),
            "id,at,level,name,hour,late\na,2024-01-01T08:00:00Z,5,red,8,true\n"
            "b,2024-01-05T09:30:00Z,9,\"blue, dark\",9,\nc,2024-01-03T23:00:00Z,4,,23,false\n");
  EXPECT_THAT(out_.str(), StartsWith("3 features of 3 rows by shop 7 in "));
}

TEST_F(FeaturesCommandTest, WritesJsonLinesWithNullWhereAValueIsMissing) {
  folder_.Write("rows.csv", kRows);
  ASSERT_EQ(
      Features({"--rows", File("rows.csv"), "--label", "late", "--out", File("f.jsonl"), "--json"}),
      ExitCode::kDone);
  EXPECT_THAT(ReadWhole(File("f.jsonl")),
              EndsWith("{\"level\":4,\"name\":null,\"hour\":23,\"late\":false}\n"));
  const json summary = json::parse(out_.str());
  EXPECT_EQ(summary["rows"], 3);
  EXPECT_EQ(summary["refused"], 0);
  EXPECT_EQ(summary["pipeline"], "shop");
}

struct RowsCase {
  const char* name;
  Words flags;
};
void PrintTo(const RowsCase& one, std::ostream* out) { *out << one.name; }
class RowsFrom : public FeaturesCommandTest, public testing::WithParamInterface<RowsCase> {};

TEST_P(RowsFrom, AnyPlaceGiveTheSameFeatures) {
  folder_.Write("rows.csv", "id,sku,at\na,001,2024-01-01 08:00:00\nb,002,2024-01-05 09:30:00\n");
  folder_.WriteGzip("rows.csv.gz", ReadWhole(File("rows.csv")));
  folder_.Write("rows.jsonl",
                "{\"id\": \"a\", \"sku\": \"001\", \"at\": \"2024-01-01 08:00:00\"}\n\n"
                "{\"at\": \"2024-01-05T09:30:00Z\", \"sku\": \"002\", \"id\": \"b\"}");
  Words flags = GetParam().flags;
  if (!flags[1].starts_with("table:") && !flags[1].starts_with("query:")) {
    flags[1] = File(flags[1]);
  } else {
    flags.insert(flags.end(), {"--store", store()});
  }
  flags.insert(flags.end(), {"--keep", "id"});
  ASSERT_EQ(Features(flags), ExitCode::kDone) << err_.str();
  EXPECT_EQ(out_.str(), "id,level,name,hour\na,5,red,8\nb,9,\"blue, dark\",9\n");
}

INSTANTIATE_TEST_SUITE_P(
    Places, RowsFrom,
    testing::Values(RowsCase{"Csv", {"--rows", "rows.csv"}},
                    RowsCase{"PackedCsv", {"--rows", "rows.csv.gz"}},
                    RowsCase{"JsonLines", {"--rows", "rows.jsonl"}},
                    RowsCase{"ATableOfTheStore", {"--rows", "table:orders"}},
                    RowsCase{"AQueryOfTheStore",
                             {"--rows", "query:SELECT id, sku, at FROM orders ORDER BY id"}}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(FeaturesCommandTest, GivesTheSameBytesInTheRowsOrderOnAnyNumberOfThreads) {
  std::string rows = "n,sku,at\n";
  for (int i = 0; i < 50'000; ++i) {
    rows += fmt::format("{},00{},2024-01-0{} {:02}:00:00\n", i, 1 + i % 2, 2 + i % 7, i % 24);
  }
  folder_.Write("rows.csv", rows);
  const Words flags{"--rows", File("rows.csv"), "--keep", "n", "--threads"};
  Words alone = flags;
  alone.insert(alone.end(), {"1", "--out", File("one.csv")});
  ASSERT_EQ(Features(alone), ExitCode::kDone) << err_.str();
  Words together = flags;
  together.insert(together.end(), {"5", "--out", File("five.csv")});
  ASSERT_EQ(Features(together), ExitCode::kDone) << err_.str();
  const std::string one = ReadWhole(File("one.csv"));
  EXPECT_EQ(one, ReadWhole(File("five.csv")));
  std::istringstream lines(one);
  std::string line;
  std::getline(lines, line);
  int n = 0;
  for (; std::getline(lines, line); ++n) ASSERT_THAT(line, StartsWith(fmt::format("{},", n)));
  EXPECT_EQ(n, 50'000);
}

/// What numpy.load() does.
struct NumpyArray {
  explicit NumpyArray(const std::string& bytes) {
    EXPECT_EQ(bytes.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
    const std::size_t size =
        static_cast<unsigned char>(bytes[8]) + 256U * static_cast<unsigned char>(bytes[9]);
    EXPECT_EQ((10 + size) % 64, 0U);
    head = bytes.substr(10, size);
    values.resize((bytes.size() - 10 - size) / sizeof(double));
    std::memcpy(values.data(), bytes.data() + 10 + size, values.size() * sizeof(double));
  }
  std::string head;
  std::vector<double> values;
};

TEST_F(FeaturesCommandTest, WritesNumbersAsNumpyLoadsThemAndTheirNamesBeside) {
  folder_.Write("pipeline.json", [] {
    json shop = json::parse(kShop);
    shop["features"].erase(1);
    shop["features"][0]["missing"] = "keep";
    return shop.dump();
  }());
  pipeline_ = folder_.path() / "pipeline.json";
  PublishTables(*preprocessing::LoadPipelineSpec(pipeline_), folder_.path());
  folder_.Write("rows.csv", kRows);
  ASSERT_EQ(Features({"--rows", File("rows.csv"), "--label", "late", "--out", File("f.npy")}),
            ExitCode::kDone)
      << err_.str();
  const NumpyArray array(ReadWhole(File("f.npy")));
  EXPECT_THAT(array.head,
              StartsWith("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 3), }"));
  EXPECT_THAT(array.head, EndsWith(" \n"));
  ASSERT_EQ(array.values.size(), 9U);
  const std::vector<double> expected{5, 8, 1, 9, 9, NAN, 4, 23, 0};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(array.values[i] == expected[i] ||
                (std::isnan(array.values[i]) && std::isnan(expected[i])))
        << i << ": " << array.values[i];
  }
  EXPECT_EQ(ReadWhole(File("f.columns.json")), "[\"level\",\"hour\",\"late\"]\n");
}

TEST_F(FeaturesCommandTest, WritesNothingWhereARowIsRefusedUnlessItIsLeftOut) {
  folder_.Write("rows.csv",
                "sku,at\n001,2024-01-02\n999,2024-01-02\n001,today\n002,2024-01-04 07:00:00\n");
  folder_.Write("f.csv", "as before");
  EXPECT_EQ(Features({"--rows", File("rows.csv"), "--out", File("f.csv")}), ExitCode::kNo);
  EXPECT_THAT(err_.str(), HasSubstr("rows.csv: line "));
  EXPECT_EQ(ReadWhole(File("f.csv")), "as before");
  ASSERT_EQ(Features({"--rows", File("rows.csv"), "--out", File("f.csv"), "--skip-refused"}),
            ExitCode::kDone)
      << err_.str();
  EXPECT_EQ(ReadWhole(File("f.csv")), "level,name,hour\n4,,0\n9,\"blue, dark\",7\n");
  EXPECT_THAT(err_.str(), HasSubstr("2 of 4 rows were left out, the first: "));
}

TEST_F(FeaturesCommandTest, SaysWhichRowOfJsonLinesIsWrong) {
  folder_.Write(
      "rows.jsonl",
      "{\"sku\": \"001\", \"at\": \"2024-01-02\"}\n{\"sku\": 1, \"at\": \"2024-01-02\"}\n");
  EXPECT_EQ(Features({"--rows", File("rows.jsonl")}), ExitCode::kNo);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("rows.jsonl: row 2: sku: "), HasSubstr("text")));
}

struct BadFlags {
  const char* name;
  Words flags;
  ExitCode code;
  const char* says;
};
void PrintTo(const BadFlags& one, std::ostream* out) { *out << one.name; }
class BadFeatures : public FeaturesCommandTest, public testing::WithParamInterface<BadFlags> {};

TEST_P(BadFeatures, SayWhatIsWrong) {
  folder_.Write("rows.csv", kRows);
  Words flags = GetParam().flags;
  for (std::string& flag : flags) {
    if (flag.find('.') != std::string::npos) flag = File(flag);
  }
  EXPECT_EQ(Features(flags), GetParam().code);
  EXPECT_THAT(err_.str(), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Flags, BadFeatures,
    testing::Values(
        BadFlags{"NoRows", {}, ExitCode::kUsage, "--rows or --grid: expected one of both"},
        BadFlags{"RowsAndGrid",
                 {"--rows", "rows.csv", "--grid"},
                 ExitCode::kUsage,
                 "expected one of both"},
        BadFlags{"TheRowsThemselvesAsOut",
                 {"--rows", "rows.csv", "--out", "rows.csv"},
                 ExitCode::kUsage,
                 "would overwrite the file of --rows"},
        BadFlags{"AFieldAsLabel",
                 {"--rows", "rows.csv", "--label", "sku"},
                 ExitCode::kUsage,
                 "--label: \"sku\" is a request field"},
        BadFlags{"AFeaturesNameKept",
                 {"--rows", "rows.csv", "--keep", "level"},
                 ExitCode::kUsage,
                 "--keep: two columns would be called \"level\""},
        BadFlags{"AColumnThatIsNotThere",
                 {"--rows", "rows.csv", "--keep", "colour"},
                 ExitCode::kNo,
                 "colour"},
        BadFlags{"ATextAmongNumbers",
                 {"--rows", "rows.csv", "--out", "f.npy"},
                 ExitCode::kUsage,
                 "these are texts or times: name"},
        BadFlags{"AnUnknownEnding",
                 {"--rows", "rows.csv", "--out", "f.parquet"},
                 ExitCode::kUsage,
                 "expected .csv, .jsonl, .npy"},
        BadFlags{"AGridOfWhatForecastsNothing",
                 {"--grid"},
                 ExitCode::kUsage,
                 "pipeline \"shop\" forecasts nothing"},
        BadFlags{"JsonBesideTheFeatures",
                 {"--rows", "rows.csv", "--json"},
                 ExitCode::kUsage,
                 "standard output has the features already"},
        BadFlags{"RowsThatAreNotThere", {"--rows", "none.csv"}, ExitCode::kIo, "none.csv"},
        BadFlags{
            "ATableWithoutStore", {"--rows", "table:orders"}, ExitCode::kNo, "expected --store"}),
    [](const auto& param) { return std::string(param.param.name); });

/// Forecasts of the same sales, one day and two ahead.
class FeaturesOfAGrid : public FeaturesCommandTest {
 protected:
  static std::string Pipeline(const char* strategy) {
    json shop = json::parse(kShop);
    shop.erase("training");
    shop["forecast"] = {{"series", "daily"},
                        {"value", "amount"},
                        {"key", {"sku"}},
                        {"horizon", 2},
                        {"strategy", strategy}};
    shop["features"] = json::parse(R"([
      {"name": "last", "op": "lag", "series": "daily", "value": "amount", "key": ["sku"],
       "periods": 1, "missing": "error"}])");
    return shop.dump();
  }
  ExitCode Grid(const char* strategy, const std::string& out) {
    pipeline_ = folder_.Write("grid.json", Pipeline(strategy));
    PublishTables(*preprocessing::LoadPipelineSpec(pipeline_), folder_.path());
    return Features({"--grid", "--out", out});
  }
};

TEST_F(FeaturesOfAGrid, HasAnExampleForEachPeriodAndStepThatHasFeatures) {
  ASSERT_EQ(Grid("direct", "-"), ExitCode::kDone) << err_.str();
  EXPECT_EQ(out_.str(),
            "sku,origin,period,step,last,target\n"
            "001,2024-01-02T00:00:00Z,2024-01-02,1,1.5,2\n"
            "001,2024-01-03T00:00:00Z,2024-01-03,1,2,4\n"
            "001,2024-01-02T00:00:00Z,2024-01-03,2,1.5,4\n"
            "001,2024-01-04T00:00:00Z,2024-01-04,1,4,8\n"
            "001,2024-01-03T00:00:00Z,2024-01-04,2,2,8\n");
}

TEST_F(FeaturesOfAGrid, HasTheStepThatTheStrategyLearnsFrom) {
  ASSERT_EQ(Grid("shared", "-"), ExitCode::kDone) << err_.str();
  EXPECT_EQ(out_.str(),
            "sku,origin,period,step,last,target\n"
            "001,2024-01-02T00:00:00Z,2024-01-03,2,1.5,4\n"
            "001,2024-01-03T00:00:00Z,2024-01-04,2,2,8\n");
  ASSERT_EQ(Grid("recursive", File("g.npy")), ExitCode::kDone) << err_.str();
  EXPECT_EQ(NumpyArray(ReadWhole(File("g.npy"))).values,
            (std::vector<double>{1, 1.5, 2, 1, 2, 4, 1, 4, 8}));
  EXPECT_EQ(ReadWhole(File("g.columns.json")), "[\"step\",\"last\",\"target\"]\n");
}

}  // namespace
}  // namespace forkcast::serving
