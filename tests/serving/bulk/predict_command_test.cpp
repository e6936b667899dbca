#include "serving/commands/predict_command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <sstream>

#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/forecast/forecaster.hpp"
#include "model/forecast/sales_testing.hpp"

namespace forkcast::serving {
namespace {

using model::kDays;
using model::kHorizon;
using model::kShops;
using nlohmann::ordered_json;
using preprocessing::ExitCode;
using preprocessing::ReadWhole;
using preprocessing::Table;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;
using Words = std::vector<std::string>;
namespace fs = std::filesystem;

/// A model of three shops' sales, published, and what predict makes of it.
class PredictCommandTest : public model::TrainCommandTest {
 protected:
  void SetUp() override {
    document_["training"]["model"]["trees"] = 8;
    Ingest();
    ASSERT_THAT(Train({"--force-promote"}), testing::AnyOf(ExitCode::kDone, ExitCode::kGate))
        << err();
  }

  ExitCode Predict(const Words& flags) {
    Words words{"--models", models().string(), "--deploy", "sales", "--store", store()};
    words.insert(words.end(), flags.begin(), flags.end());
    out_.str("");
    err_.str("");
    const SystemClock clock;
    return static_cast<ExitCode>(preprocessing::RunCommand(
        PredictCommand(), words,
        {.environment = NoEnvironment, .out = out_, .err = err_, .clock = clock}));
  }
  [[nodiscard]] fs::path File(const std::string& name) const { return folder_.path() / name; }

  /// As a session answers one question after the other, in CSV.
  [[nodiscard]] std::string Expected(const std::string& at = "", int shops = kShops) const {
    const auto version =
        *model::ForecastVersion::Read(*model::Registry(models()).Find("sales", "1"));
    const auto forecaster =
        *model::Forecaster::Open(version, folder_.path() / "o.db.snapshots", std::nullopt);
    model::ForecastSession session(*forecaster);
    model::ForecastAnswer answer;
    std::string csv = "shop,origin,step,period,value,cold_start\n";
    for (int shop = 0; shop < shops; ++shop) {
      Table rows(version.spec().request.fields);
      rows.column(0).AppendText(fmt::format("{:03}", shop));
      if (at.empty()) {
        rows.column(1).AppendMissing();
      } else {
        rows.column(1).AppendTimestamp(*preprocessing::ParseTimestamp(at, {}));
      }
      const Status done = session.Forecast({.rows = rows, .now = {}}, answer);
      EXPECT_TRUE(done) << done.error().message;
      for (const model::StepForecast& step : answer.steps) {
        std::string origin;
        forecaster->AppendOrigin(answer.origin, origin);
        std::string period;
        forecaster->AppendPeriod(step.period, period);
        csv +=
            fmt::format("{:03},{},{},{},{},false\n", shop, origin, step.step, period, step.value);
      }
    }
    return csv;
  }
  /// The rows of a table of the store, each with blanks between its values.
  [[nodiscard]] std::vector<std::string> Stored(const std::string& table) const {
    const auto dao = *preprocessing::OpenStore(store(), preprocessing::StoreAccess::kReadOnly);
    using preprocessing::ColumnType;
    const preprocessing::Schema schema{{{"shop", ColumnType::kText},
                                        {"origin", ColumnType::kText},
                                        {"step", ColumnType::kInt64},
                                        {"period", ColumnType::kText},
                                        {"value", ColumnType::kDouble},
                                        {"cold_start", ColumnType::kBool}}};
    std::vector<std::string> rows;
    const Status read =
        dao->Read(preprocessing::TableSource{table}, schema, {}, 100, [&](const Table& batch) {
          for (std::size_t row = 0; row < batch.row_count(); ++row) {
            rows.push_back(fmt::format("{},{},{},{},{},{}", batch.column(0).Text(row),
                                       batch.column(1).Text(row), batch.column(2).Int64(row),
                                       batch.column(3).Text(row), batch.column(4).Double(row),
                                       batch.column(5).Bool(row)));
          }
          return Status();
        });
    EXPECT_TRUE(read) << read.error().message;
    return rows;
  }
};

TEST_F(PredictCommandTest, PrintsWhatAServerWouldAnswerForEveryKey) {
  ASSERT_EQ(Predict({}), ExitCode::kDone) << err();
  EXPECT_EQ(out_.str(), Expected());
}

TEST_F(PredictCommandTest, GivesTheSameBytesOnAnyNumberOfThreads) {
  for (int shop = kShops; shop < 200; ++shop) {
    for (int day = kDays - 60; day < kDays; ++day) {
      amounts_.push_back({fmt::format("{:03}", shop), day, 10.0 + shop % 7 + day % 5});
    }
  }
  Ingest();
  ASSERT_EQ(Predict({"--threads", "1"}), ExitCode::kDone) << err();
  const std::string alone = out_.str();
  EXPECT_EQ(alone, Expected("", 200));
  ASSERT_EQ(Predict({"--threads", "3"}), ExitCode::kDone) << err();
  EXPECT_EQ(out_.str(), alone);
}

TEST_F(PredictCommandTest, AsksAsOfAnOriginForTheKeysThatHadDataThen) {
  amounts_.push_back({"new", kDays - 1, 5.0});
  Ingest();
  ASSERT_EQ(Predict({"--origin", "2024-04-01"}), ExitCode::kDone) << err();
  EXPECT_EQ(out_.str(), Expected("2024-04-01"));
}

/// A shop that has closed, beside the three.
class PredictOfAnEndedKey : public PredictCommandTest {
 protected:
  PredictOfAnEndedKey() {
    document_["training"]["ended_after"] = 14;
    document_["series"]["daily"]["aggregate"]["values"]["amount"]["empty"] = 0;
    for (int day = 0; day < kDays - 14; ++day) amounts_.push_back({"old", day, 10.0 + day % 7});
  }
};

TEST_F(PredictOfAnEndedKey, LeavesItOutAndSaysSo) {
  ASSERT_EQ(Predict({"--out", File("f.csv")}), ExitCode::kDone) << err();
  EXPECT_EQ(ReadWhole(File("f.csv")), Expected());
  EXPECT_THAT(err_.str(), HasSubstr("1 of 4 keys have ended and are not forecast\n"));
  ASSERT_EQ(Predict({"--out", File("f.csv"), "--json"}), ExitCode::kDone) << err();
  EXPECT_EQ(summary()["ended"], 1);
  EXPECT_EQ(summary()["keys"], kShops);
}

TEST_F(PredictOfAnEndedKey, ForecastsItAsOfWhenItWasSold) {
  ASSERT_EQ(Predict({"--origin", "2024-05-18", "--json", "--out", File("f.csv")}), ExitCode::kDone)
      << err();
  EXPECT_EQ(summary()["ended"], 0);
  EXPECT_EQ(summary()["keys"], kShops + 1);
}

TEST_F(PredictOfAnEndedKey, RefusesItWhereItIsAskedFor) {
  folder_.Write("keys.csv", "shop\n000\nold\n");
  EXPECT_EQ(Predict({"--keys", File("keys.csv")}), ExitCode::kNo);
  EXPECT_THAT(err_.str(), HasSubstr("key old: key old has ended: it has no \"amount\" but 0 in the "
                                    "14 days up to that of 2024-05-19"));
  ASSERT_EQ(Predict({"--keys", File("keys.csv"), "--skip-refused", "--cold-start", "naive"}),
            ExitCode::kDone)
      << "no cold start stands in: " << err();
  EXPECT_EQ(out_.str(), Expected("", 1));
}

TEST_F(PredictCommandTest, WritesAFileAsItsEndingSays) {
  ASSERT_EQ(Predict({"--steps", "1", "--out", File("f.csv")}), ExitCode::kDone) << err();
  EXPECT_THAT(ReadWhole(File("f.csv")),
              StartsWith("shop,origin,step,period,value,cold_start\n000,"));
  EXPECT_THAT(out_.str(), StartsWith("3 forecasts of 3 keys by sales 1 in "));
  ASSERT_EQ(Predict({"--steps", "1", "--out", File("f.jsonl"), "--json"}), ExitCode::kDone);
  std::istringstream lines(ReadWhole(File("f.jsonl")));
  std::string line;
  std::getline(lines, line);
  const ordered_json first = ordered_json::parse(line);
  EXPECT_EQ(first["shop"], "000");
  EXPECT_EQ(first["origin"], "2024-05-20");
  EXPECT_EQ(first["step"], 1);
  EXPECT_EQ(first["period"], "2024-05-20");
  EXPECT_TRUE(first["value"].is_number());
  EXPECT_EQ(first["cold_start"], false);
  EXPECT_EQ(summary()["rows"], kShops);
  EXPECT_EQ(summary()["version"], 1);
}

TEST_F(PredictCommandTest, StoresForecastsInPlaceOfEarlierOnes) {
  ASSERT_EQ(Predict({"--out", "table:results"}), ExitCode::kDone) << err();
  const std::vector<std::string> first = Stored("results");
  std::string csv = "shop,origin,step,period,value,cold_start\n";
  for (const std::string& row : first) csv += row + "\n";
  EXPECT_EQ(csv, Expected());
  ASSERT_EQ(Predict({"--out", "table:results"}), ExitCode::kDone) << err();
  EXPECT_EQ(Stored("results"), first);
  ASSERT_EQ(Predict({"--out", "table:results", "--origin", "2024-05-19"}), ExitCode::kDone);
  EXPECT_EQ(Stored("results").size(), 2 * first.size());
}

TEST_F(PredictCommandTest, ForecastsTheKeysOfAFile) {
  folder_.Write("keys.csv", "name,shop\nfirst,002\nsecond,000\n");
  ASSERT_EQ(Predict({"--steps", "1", "--keys", File("keys.csv")}), ExitCode::kDone) << err();
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("\n002,2024-05-20,1"), HasSubstr("\n000,2024-05-20,1")));
}

TEST_F(PredictCommandTest, WritesNothingWhereAKeyIsRefused) {
  folder_.Write("keys.csv", "shop\n000\n999\n");
  folder_.Write("f.csv", "as before");
  EXPECT_EQ(Predict({"--keys", File("keys.csv"), "--out", File("f.csv")}), ExitCode::kNo);
  EXPECT_THAT(err(), HasSubstr("key 999: key 999 has no history"));
  EXPECT_EQ(ReadWhole(File("f.csv")), "as before");
  EXPECT_EQ(Predict({"--keys", File("keys.csv"), "--out", "table:results"}), ExitCode::kNo);
  EXPECT_EQ(Predict({"--keys", File("keys.csv"), "--steps", "1", "--skip-refused"}),
            ExitCode::kDone);
  EXPECT_THAT(err(), HasSubstr("1 of 2 keys were left out, the first: key 999: "));
  EXPECT_EQ(Predict({"--keys", File("keys.csv"), "--steps", "1", "--cold-start", "naive"}),
            ExitCode::kDone);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("\n999,2024-05-20,1,2024-05-20,"), HasSubstr(",true\n")));
  EXPECT_EQ(Predict({"--keys", File("keys.csv"), "--steps", "1", "--cold-start",
                     R"({"moving_average": 7})"}),
            ExitCode::kDone);
}

/// The same with intervals.
class PredictIntervalsTest : public PredictCommandTest {
 protected:
  PredictIntervalsTest() { document_["training"]["intervals"] = {0.8, 0.95}; }
};

TEST_F(PredictIntervalsTest, WritesTheBoundsOfEachLevelBehindTheForecast) {
  ASSERT_EQ(Predict({"--out", File("f.jsonl")}), ExitCode::kDone) << err();
  std::istringstream lines(ReadWhole(File("f.jsonl")));
  std::size_t rows = 0;
  for (std::string line; std::getline(lines, line); ++rows) {
    const ordered_json row = ordered_json::parse(line);
    const std::vector<double> ascending{row["lower_95"], row["lower_80"], row["value"],
                                        row["upper_80"], row["upper_95"]};
    EXPECT_TRUE(std::ranges::is_sorted(ascending)) << line;
    EXPECT_GE(ascending.front(), 0);
    EXPECT_LT(ascending[1], ascending[3]);
  }
  EXPECT_EQ(rows, kShops * kHorizon);
  ASSERT_EQ(Predict({"--steps", "1"}), ExitCode::kDone) << err();
  EXPECT_THAT(out_.str(), StartsWith("shop,origin,step,period,value,cold_start,lower_80,upper_80,"
                                     "lower_95,upper_95\n"));
  EXPECT_EQ(Predict({"--out", "table:results"}), ExitCode::kDone) << err();
}

TEST_F(PredictIntervalsTest, HasNoneAroundAColdStart) {
  folder_.Write("keys.csv", "shop\n999\n");
  ASSERT_EQ(Predict({"--keys", File("keys.csv"), "--steps", "1", "--cold-start", "naive"}),
            ExitCode::kDone)
      << err();
  EXPECT_THAT(out_.str(), testing::EndsWith(",true,,,,\n"));
}

struct BadPrediction {
  const char* name;
  Words flags;
  ExitCode code;
  const char* message;
};
class BadPredictions : public PredictCommandTest,
                       public testing::WithParamInterface<BadPrediction> {};

TEST_P(BadPredictions, SayWhatIsWrong) {
  EXPECT_EQ(Predict(GetParam().flags), GetParam().code);
  EXPECT_THAT(err(), HasSubstr(GetParam().message));
  EXPECT_EQ(out_.str(), "");
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadPredictions,
    testing::Values(
        BadPrediction{"TooManySteps", {"--steps", "8"}, ExitCode::kUsage, "possible are 1 to 7"},
        BadPrediction{"OriginBehindTheData",
                      {"--origin", "2025-01-01"},
                      ExitCode::kUsage,
                      "--origin: the origin 2025-01-01T00:00:00Z lies behind the data"},
        BadPrediction{"NoOrigin", {"--origin", "soon"}, ExitCode::kUsage, "--origin: "},
        BadPrediction{"NoBaseline", {"--cold-start", "mean"}, ExitCode::kUsage, "no such baseline"},
        BadPrediction{"BrokenBaseline", {"--cold-start", "{"}, ExitCode::kUsage, "--cold-start: "},
        BadPrediction{
            "UnknownEnding", {"--out", "/tmp/f.xlsx"}, ExitCode::kUsage, "expected .csv, .jsonl"},
        BadPrediction{"NoTable", {"--out", "table:"}, ExitCode::kUsage, "expected table:NAME"},
        BadPrediction{
            "FolderOfNobody", {"--out", "/nowhere/f.csv"}, ExitCode::kIo, "/nowhere/f.csv"},
        BadPrediction{"JsonBesideForecasts", {"--json"}, ExitCode::kUsage, "--json: "},
        BadPrediction{"NoKeys", {"--keys", "/nowhere.csv"}, ExitCode::kIo, "/nowhere.csv"},
        BadPrediction{
            "NoSnapshots", {"--snapshots", "/nowhere"}, ExitCode::kUnfit, "run forkcast ingest"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(PredictCommandTest, NamesTheVersionsThatThereAre) {
  const SystemClock clock;
  const preprocessing::CommandContext context{
      .environment = NoEnvironment, .out = out_, .err = err_, .clock = clock};
  EXPECT_EQ(
      preprocessing::RunCommand(
          PredictCommand(),
          {"--models", models().string(), "--deploy", "sales@7", "--store", store()}, context),
      static_cast<int>(ExitCode::kUnfit));
  EXPECT_THAT(err(), HasSubstr("sales"));
}

}  // namespace
}  // namespace forkcast::serving
