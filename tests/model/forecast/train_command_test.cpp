#include "model/commands/train_command.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <sstream>

#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"
#include "model/forecast/forecast_job.hpp"
#include "model/forecast/sales_testing.hpp"
#include "model/learn/trainers/trainer_kinds.hpp"
#include "support/stopping_clock.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ReadWhole;
using testing::AllOf;
using testing::HasSubstr;

class Strategies : public TrainCommandTest, public testing::WithParamInterface<const char*> {};

TEST_P(Strategies, LearnThePatternAndBeatEveryBaseline) {
  document_["forecast"]["strategy"] = GetParam();
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_EQ(evaluation()["metrics"]["rows"], kShops * kHorizon * kFolds);
  EXPECT_EQ(evaluation()["rows_without_forecast"], 0);
  EXPECT_EQ(evaluation()["folds"].size(), kFolds);
  EXPECT_EQ(evaluation()["steps"].size(), kHorizon);
  EXPECT_TRUE(evaluation()["beats_baselines"]) << evaluation().dump(1);
  EXPECT_EQ(evaluation()["best_baseline"], "seasonal_naive_7");
  EXPECT_LT(evaluation()["value"].get<double>(), 0.2);
}
INSTANTIATE_TEST_SUITE_P(Each, Strategies,
                         testing::Values("direct", "shared", "pooled", "recursive"),
                         [](const auto& param) { return std::string(param.param); });

TEST_F(TrainCommandTest, JudgesBaselinesAsTheirDefinitionsSay) {
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  // The folds test the last 3 * 7 days; the value a season before the target, or before that.
  double error = 0;
  double sum = 0;
  double naive_error = 0;
  for (int shop = 0; shop < kShops; ++shop) {
    const auto amount = [&](int day) {
      return amounts_[static_cast<std::size_t>(shop * kDays + day)].amount;
    };
    for (int day = kDays - kFolds * kHorizon; day < kDays; ++day) {
      const int origin = kDays - 1 - (kDays - 1 - day) / kHorizon * kHorizon - kHorizon;
      error += std::abs(amount(day - 7) - amount(day));
      naive_error += std::abs(amount(origin) - amount(day));
      sum += std::abs(amount(day));
    }
  }
  const ordered_json baselines = evaluation()["baselines"];
  EXPECT_EQ(baselines[0]["name"], "naive");
  EXPECT_NEAR(baselines[0]["metrics"]["wape"], naive_error / sum, 1e-12);
  EXPECT_EQ(baselines[1]["name"], "seasonal_naive_7");
  EXPECT_NEAR(baselines[1]["metrics"]["wape"], error / sum, 1e-12);
}

TEST_F(TrainCommandTest, NamesABaselineThatLacksHistory) {
  document_["training"]["baselines"].push_back({{"seasonal_naive", 365}});
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  const ordered_json yearly = evaluation()["baselines"][3];
  EXPECT_EQ(yearly["name"], "seasonal_naive_365");
  EXPECT_EQ(yearly["metrics"]["rows"], 0);
  EXPECT_TRUE(yearly["skill"].is_null());
  EXPECT_EQ(yearly["left_out"].begin().value(), kShops * kHorizon * kFolds);
}

TEST_F(TrainCommandTest, PublishesTheSameBytesForTheSameDataAndSeed) {
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  EXPECT_EQ(summary()["version"], 1);
  ASSERT_EQ(Train({"--threads", "1"}), ExitCode::kDone) << err();
  EXPECT_EQ(summary()["version"], 2);
  const ordered_json manifest = ordered_json::parse(ReadWhole(version(1) / "manifest.json"));
  EXPECT_EQ(ReadWhole(version(1) / "manifest.json"), ReadWhole(version(2) / "manifest.json"));
  for (const ordered_json& file : manifest["files"]) {
    const std::string path = file["path"];
    EXPECT_EQ(ReadWhole(version(1) / path), ReadWhole(version(2) / path)) << path;
  }
  ASSERT_EQ(Train({"--seed", "2"}), ExitCode::kDone) << err();
  EXPECT_EQ(ordered_json::parse(ReadWhole(version(3) / "manifest.json"))["seed"], 2);
  EXPECT_EQ(Registry(models()).Find("sales", "champion")->number, 3U);
}

TEST_F(TrainCommandTest, KeepsWhatALaterCheckForDriftNeeds) {
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  const ordered_json reference = ordered_json::parse(ReadWhole(version(1) / "reference.json"));
  const ordered_json weekday = reference["features"]["weekday"];
  EXPECT_EQ(weekday["rows"], kShops * kDays);
  EXPECT_EQ(weekday["min"], 1);
  EXPECT_EQ(weekday["max"], 7);
  int counted = 0;
  for (const ordered_json& count : weekday["counts"]) counted += count.get<int>();
  EXPECT_EQ(counted, kShops * kDays);
  EXPECT_EQ(reference["outputs"]["value"]["rows"], kShops * kHorizon * kFolds);
}

TEST_F(TrainCommandTest, ForecastsNothingFromWhatHappenedLater) {
  constexpr int kKnown = 110;
  Ingest();
  const Words until{"--until", DateOf(kKnown)};
  ASSERT_EQ(Evaluate(until), ExitCode::kDone) << err();
  const std::string before = out_.str();
  std::mt19937 random(3);
  for (Amount& row : amounts_) {
    if (row.day >= kKnown) row.amount = std::uniform_real_distribution(0.0, 1000.0)(random);
  }
  Ingest();
  ASSERT_EQ(Evaluate(until), ExitCode::kDone) << err();
  EXPECT_EQ(out_.str(), before);
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_NE(out_.str(), before);
}

TEST_F(TrainCommandTest, DoesNotPromoteWhatABaselineBeatsUnlessForced) {
  for (Amount& row : amounts_) row.amount = row.day == 0 ? 51 : 50;
  document_["training"]["baselines"] = {{{"rolling_median", 28}}};
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kGate) << err();
  EXPECT_FALSE(summary()["promoted"]);
  EXPECT_EQ(evaluation()["best_baseline"], "rolling_median_28");
  EXPECT_TRUE(fs::exists(version(1) / "manifest.json"));
  EXPECT_FALSE(Registry(models()).Find("sales", "champion"));
  EXPECT_EQ(Train({"--force-promote"}), ExitCode::kDone);
  EXPECT_EQ(Registry(models()).Find("sales", "champion")->number, 2U);
}

TEST_F(TrainCommandTest, TrainsOneModelAKey) {
  document_["training"]["scope"] = "per_key";
  document_["forecast"]["strategy"] = "shared";
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  EXPECT_LT(evaluation()["value"].get<double>(), 0.25);
  EXPECT_EQ(ordered_json::parse(ReadWhole(version(1) / "model/keys.json")), ordered_json::parse(R"({
              "format": "forkcast.model_keys", "format_version": 1,
              "columns": [{"name": "shop", "type": "text"}],
              "keys": [{"values": ["000"]}, {"values": ["001"]}, {"values": ["002"]}]})"));
  for (int key = 0; key < kShops; ++key) {
    EXPECT_TRUE(fs::exists(version(1) / fmt::format("model/1/{}.ubj", key)));
  }
}

TEST_F(TrainCommandTest, CutsTheFeaturesOfAKeysModelIntoFewBins) {
  document_["training"]["scope"] = "per_key";
  document_["forecast"]["strategy"] = "shared";
  const auto trees = [this] {
    EXPECT_THAT(Train(), testing::AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
    return ReadWhole(version(summary()["version"].get<int>()) / "model/1/0.ubj");
  };
  Ingest();
  const std::string by_default = trees();
  document_["training"]["model"]["max_bins"] = 64;
  SetDocument();
  EXPECT_EQ(trees(), by_default);
  document_["training"]["model"]["max_bins"] = 256;
  SetDocument();
  EXPECT_NE(trees(), by_default);
}

TEST_F(TrainCommandTest, TransformsTheTargetAndBack) {
  document_["training"]["target"] = {
      {"transform", {"scale", "log1p"}}, {"scale", "same_day"}, {"not_negative", true}};
  document_["training"]["hidden"] = {"same_day"};
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_LT(evaluation()["value"].get<double>(), 0.2);
  EXPECT_FALSE(evaluation()["importances"].contains("same_day"));
}

TEST_F(TrainCommandTest, NeedsTheSnapshotsNoMoreForAnotherDocument) {
  Ingest();
  const auto snapshots = preprocessing::DefaultSnapshotFolder(store());
  ASSERT_TRUE(snapshots);
  JobSources sources;
  sources.folder = folder_.path();
  sources.snapshots = *snapshots;
  sources.trainers = TrainerKinds();
  const auto job = ForecastJob::Load(document_, sources);
  ASSERT_TRUE(job) << job.error().message;
  fs::remove_all(*snapshots);
  const auto other = (*job)->With(WithParameters(document_, {{"features.same_day.window", 7}}));
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_TRUE((*other)->Check());
  EXPECT_TRUE((*other)->ComputeExamples());
}

TEST_F(TrainCommandTest, WritesAPageOfWhatWasFound) {
  Ingest();
  const std::string page = (folder_.path() / "report.html").string();
  ASSERT_EQ(Evaluate({"--report", page, "--report-key", "001"}), ExitCode::kDone) << err();
  const std::string html = ReadWhole(page);
  EXPECT_THAT(html, AllOf(HasSubstr("beats every baseline"), HasSubstr("<h3>001</h3>"),
                          HasSubstr("seasonal_naive_7"), HasSubstr("same_day"), HasSubstr("<svg")));
}

TEST_F(TrainCommandTest, NamesPeriodsByTheDayOfThePipelinesZone) {
  document_["timezone"] = "Europe/Berlin";  // where a day begins before midnight of UTC
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  const ordered_json last = evaluation()["folds"].back();
  EXPECT_EQ(last["test_from"], DateOf(kDays - kHorizon));
  EXPECT_EQ(last["test_to"], DateOf(kDays - 1));
}

TEST_F(TrainCommandTest, UsesOnlyTheLastWeeksWhenTold) {
  Ingest();
  ASSERT_EQ(Evaluate({"--last", "8w", "--dry-run"}), ExitCode::kDone) << err();
  EXPECT_EQ(summary()["periods"], 56);
  ASSERT_EQ(Evaluate({"--since", DateOf(100), "--until", DateOf(130), "--dry-run"}),
            ExitCode::kDone);
  EXPECT_EQ(summary()["periods"], 30);
}

TEST_F(TrainCommandTest, PublishesNothingWhenItIsStopped) {
  Ingest();
  EXPECT_EQ(Run(true, {}, StoppingClock(5)), ExitCode::kStopped);
  EXPECT_THAT(err(), HasSubstr("nothing was published"));
  EXPECT_FALSE(fs::exists(models()));
}

TEST_F(TrainCommandTest, HashesTheSnapshotsThatItReadAndNotThoseThatCameSince) {
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  const auto snapshots = [this](int number) {
    return ordered_json::parse(ReadWhole(version(number) / "manifest.json"))["data"]["snapshots"];
  };
  const ordered_json before = snapshots(1);
  const ActingClock ingesting(1, [this] {  // when the validation begins
    amounts_.front().amount += 1;
    Ingest();
  });
  ASSERT_EQ(Run(true, {}, ingesting), ExitCode::kDone) << err();
  EXPECT_EQ(snapshots(2), before);
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  EXPECT_NE(snapshots(3), before);
}

TEST_F(TrainCommandTest, WritesNothingInADryRun) {
  Ingest();
  ASSERT_EQ(Train({"--dry-run"}), ExitCode::kDone) << err();
  EXPECT_TRUE(summary()["dry_run"]);
  EXPECT_FALSE(fs::exists(models()));
}

/// What becomes of every amount.
struct Change {
  double factor = 1;
  double plus = 0;
};
struct BadCase {
  const char* name;
  std::function<void(ordered_json&, Change&)> spoil;
  Words flags;
  ExitCode exit;
  std::string message;
};
class BadInput : public TrainCommandTest, public testing::WithParamInterface<BadCase> {};

TEST_P(BadInput, IsToldBeforeAnythingIsTrained) {
  Change change;
  GetParam().spoil(document_, change);
  for (Amount& row : amounts_) row.amount = row.amount * change.factor + change.plus;
  const ordered_json spoilt = document_;
  document_ = Pipeline();
  Ingest();
  document_ = spoilt;
  SetDocument();
  EXPECT_EQ(Train(GetParam().flags), GetParam().exit);
  EXPECT_THAT(err(), HasSubstr(GetParam().message));
  EXPECT_FALSE(fs::exists(models()));
}

void Nothing(ordered_json&, Change&) {}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadInput,
    testing::Values(
        BadCase{"TooLittleHistory", Nothing, {"--last", "2w"}, ExitCode::kUnfit, "periods"},
        BadCase{"AllZero",
                [](ordered_json&, Change& change) { change.factor = 0; },
                {},
                ExitCode::kUnfit,
                "every value of \"amount\" is 0"},
        BadCase{"Constant",
                [](ordered_json&, Change& change) { change = {.factor = 0, .plus = 2.5}; },
                {},
                ExitCode::kUnfit,
                "every value of \"amount\" is 2.5"},
        BadCase{"NoPeriodLeft",
                Nothing,
                {"--since", "2030-01-01"},
                ExitCode::kUsage,
                "no period is left"},
        BadCase{"SpanWithoutUnit", Nothing, {"--last", "12"}, ExitCode::kUsage, "--last"},
        BadCase{"NoTime", Nothing, {"--until", "soon"}, ExitCode::kUsage, "--until"},
        BadCase{"SeedInWords", Nothing, {"--seed", "x"}, ExitCode::kUsage, "--seed"},
        BadCase{"UnknownHiddenFeature",
                [](ordered_json& document, Change&) { document["training"]["hidden"] = {"price"}; },
                {},
                ExitCode::kUsage,
                "$.training.hidden: no feature is called \"price\""},
        BadCase{
            "SeedBeyondWhatAPipelineMayHold",
            Nothing,
            {"--seed", "2147483648"},
            ExitCode::kUsage,
            "--seed: \"2147483648\" is not allowed; expected a whole number from 0 to 2147483647"},
        BadCase{"TransformOfWhatIsNoFeature",
                [](ordered_json& document, Change&) {
                  document["training"]["transforms"] = {{"price", {{"scale", true}}}};
                },
                {"--dry-run"},
                ExitCode::kUsage,
                "$.training.transforms.price: no feature is called \"price\""},
        BadCase{"TransformOfAHiddenFeature",
                [](ordered_json& document, Change&) {
                  document["training"]["hidden"] = {"last"};
                  document["training"]["transforms"] = {{"last", {{"scale", true}}}};
                },
                {"--dry-run"},
                ExitCode::kUsage,
                "$.training.transforms.last: the feature is hidden"},
        BadCase{"TransformThatDoesNotFitItsFeature",
                [](ordered_json& document, Change&) {
                  document["training"]["transforms"] = {{"weekday", {{"encode", "one_hot"}}}};
                },
                {"--dry-run"},
                ExitCode::kUsage,
                "$.training.transforms.weekday: only a text can be encoded"},
        BadCase{"UnknownMember",
                [](ordered_json& document, Change&) { document["training"]["model"]["tres"] = 1; },
                {},
                ExitCode::kUsage,
                "tres"},
        BadCase{"NoBaselines",
                [](ordered_json& document, Change&) { document["training"].erase("baselines"); },
                {},
                ExitCode::kUsage,
                "baselines"},
        BadCase{"UnknownMetric",
                [](ordered_json& document, Change&) { document["training"]["metric"] = "mape"; },
                {},
                ExitCode::kUsage,
                "$.training.metric"},
        BadCase{"AnchorWithoutItsFeature",
                [](ordered_json& document, Change&) {
                  document["training"]["target"] = {{"transform", "difference"}};
                },
                {},
                ExitCode::kUsage,
                "pipeline.json: $.training.target: \"anchor\" is missing: the step \"difference\" "
                "reads a feature for it"},
        BadCase{"AnchorWithoutItsStep",
                [](ordered_json& document, Change&) {
                  document["training"]["target"] = {{"transform", "log1p"}, {"anchor", "last"}};
                },
                {},
                ExitCode::kUsage,
                "pipeline.json: $.training.target.anchor: only the step \"difference\" reads it"},
        BadCase{"ScaleWithoutItsStep",
                [](ordered_json& document, Change&) {
                  document["training"]["target"] = {{"scale", "last"}};
                },
                {"--dry-run"},
                ExitCode::kUsage,
                "pipeline.json: $.training.target.scale: only the step \"scale\" reads it"},
        BadCase{"OutputThatSaysNothing",
                [](ordered_json& document, Change&) {
                  document["training"]["output"] = ordered_json::object();
                },
                {},
                ExitCode::kUsage,
                "$.training.output: expected \"round\", \"minimum\" or both"},
        BadCase{"OutputRoundedToAFraction",
                [](ordered_json& document, Change&) {
                  document["training"]["output"] = {{"round", "up"}, {"minimum", 0.5}};
                },
                {},
                ExitCode::kUsage,
                "$.training.output.minimum: forecasts are whole numbers by \"round\""},
        BadCase{"OutputRoundedInAnUnknownWay",
                [](ordered_json& document, Change&) {
                  document["training"]["output"] = {{"round", "half"}};
                },
                {},
                ExitCode::kUsage,
                "$.training.output.round: expected nearest, up or down"},
        BadCase{"TwoMinima",
                [](ordered_json& document, Change&) {
                  document["training"]["output"] = {{"minimum", 1}};
                  document["training"]["target"] = {{"not_negative", true}};
                },
                {},
                ExitCode::kUsage,
                "$.training.target.not_negative: \"output\" has a \"minimum\""},
        BadCase{
            "SearchOfWhatIsNoMember",
            [](ordered_json& document, Change&) {
              document["training"]["search"] = {{"parameters", {{"transforms.~2", {1}}}}};
            },
            {},
            ExitCode::kUsage,
            "$.training.search: \"transforms.~2\" is no member of \"training\" or of a feature"},
        BadCase{"SearchOverWhatIsJudged",
                [](ordered_json& document, Change&) {
                  document["training"]["search"] = {{"parameters", {{"folds.n_splits", {2, 3}}}}};
                },
                {},
                ExitCode::kUsage,
                "$.training.search.parameters.folds.n_splits: it says what is judged"},
        BadCase{"AliasThatIsANumber",
                Nothing,
                {"--alias", "12"},
                ExitCode::kUsage,
                "alias \"12\": expected no number"},
        BadCase{"NameThatWouldLeaveItsFolder",
                Nothing,
                {"--name", "a/b"},
                ExitCode::kUsage,
                "model \"a/b\": expected letters"},
        BadCase{
            "SearchWithoutAValidPoint",
            [](ordered_json& document, Change&) {
              document["training"]["search"] = {{"parameters", {{"model.max_depth", {-1, -2}}}}};
            },
            {},
            ExitCode::kUsage,
            "no point of the search is valid; the first: model.max_depth -1: "},
        BadCase{"SearchOverAForecastsHorizon",
                [](ordered_json& document, Change&) {
                  document["training"]["search"] = {{"parameters", {{"forecast.horizon", {3}}}}};
                },
                {},
                ExitCode::kUsage,
                "of a forecast only its \"strategy\" can be searched"},
        BadCase{"KeyOfTheReportThatIsNone",
                Nothing,
                {"--report-key", "999"},
                ExitCode::kUsage,
                "--report-key: series \"daily\" has no key \"999\" among its 3"},
        BadCase{"RmsleOfNegativeValues",
                [](ordered_json& document, Change& change) {
                  document["training"]["metric"] = "rmsle";
                  change.plus = -15;
                },
                {"--dry-run"},
                ExitCode::kUnfit,
                "rmsle is not defined: \"amount\" is negative in "},
        BadCase{
            "LogarithmOfNegativeValues",
            [](ordered_json& document, Change& change) {
              document["training"]["target"] = {{"transform", "log1p"}};
              change.plus = -15;
            },
            {},
            ExitCode::kUnfit,
            " has no logarithm: \"log1p\" in \"target\" takes ln(1 + value), of values above -1. "
            "Leave such rows out of series \"daily\""},
        BadCase{
            "LinearModelOfFeaturesThatMayBeMissing",
            [](ordered_json& document, Change&) {
              document["training"]["model"] = {{"algorithm", "ridge"}};
            },
            {"--dry-run"},
            ExitCode::kUsage,
            "$.training.model.algorithm: \"last\" may be missing (\"missing\": \"keep\"), and this "
            "algorithm takes no missing values: say what stands in"},
        BadCase{"LinearModelOfWordsWithoutNumbers",
                [](ordered_json& document, Change&) {
                  document["training"]["model"] = {{"algorithm", "ridge"}};
                  document["features"] = {{{"name", "name"}, {"op", "field"}, {"field", "shop"}}};
                },
                {"--dry-run"},
                ExitCode::kUsage,
                "$.training.model.algorithm: \"name\" is a text, whose position in a list"},
        BadCase{"TableOfAFeatureThatIsHidden",
                [](ordered_json& document, Change&) {
                  document["training"]["model"] = {{"algorithm", "quantile_table"},
                                                   {"cells", {"weekday"}}};
                  document["training"]["hidden"] = {"weekday"};
                },
                {"--dry-run"},
                ExitCode::kUsage,
                "$.training.model: \"weekday\" is no feature that the model sees"},
        BadCase{"TableOfNothing",
                [](ordered_json& document, Change&) {
                  document["training"]["model"] = {{"algorithm", "quantile_table"},
                                                   {"cells", ordered_json::array()}};
                },
                {"--dry-run"},
                ExitCode::kUsage,
                "$.training.model.cells: expected 1 to 16 features"},
        BadCase{"BaselineOfAFeatureThatIsNone",
                [](ordered_json& document, Change&) {
                  document["training"]["baselines"] = {{{"quantile_table", {"promo"}}}};
                },
                {"--dry-run"},
                ExitCode::kUsage,
                "$.training.baselines: quantile_table: \"promo\" is no feature that a model sees"},
        BadCase{
            "BaselineOfFeaturesWhereNoneAreRead",
            [](ordered_json& document, Change&) {
              document["training"]["model"] = {{"algorithm", "naive"}};
              document["training"]["baselines"] = {{{"quantile_table", {"weekday"}}}};
            },
            {"--dry-run"},
            ExitCode::kUsage,
            "$.training.baselines: quantile_table: \"weekday\" is no feature that a model sees"},
        BadCase{"LogisticForecast",
                [](ordered_json& document, Change&) {
                  document["training"]["model"] = {{"algorithm", "logistic"}};
                },
                {"--dry-run"},
                ExitCode::kUsage,
                "$.training.model.algorithm: it tells classes apart: a forecast is a number"},
        BadCase{"MoreOfTheBestThanFeaturesDiffer",
                [](ordered_json& document, Change&) {
                  document["training"]["model"] = {
                      {"algorithm", "ridge"}, {"k_best", {{"k", 2}, {"score", "f_regression"}}}};
                  document["training"]["hidden"] = {"last", "week_ago", "same_day"};
                },
                {},
                ExitCode::kUnfit,
                "k_best asks for 2 features, and 1 of 1 differ"},
        BadCase{"GridOfAMillionPoints",
                [](ordered_json& document, Change&) {
                  ordered_json hundred;
                  for (int i = 1; i <= 100; ++i) hundred.push_back(i);
                  document["training"]["search"]["parameters"] = {{"model.trees", hundred},
                                                                  {"model.max_leaves", hundred},
                                                                  {"model.max_depth", hundred}};
                },
                {"--dry-run"},
                ExitCode::kUsage,
                "$.training.search.parameters: a grid of 1000000 points"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(TrainCommandTest, SaysThatSnapshotsAreMissing) {
  folder_.Write("pipeline.json", document_.dump());
  EXPECT_EQ(Evaluate(), ExitCode::kUnfit);
  EXPECT_THAT(err(), HasSubstr("run forkcast ingest"));
}

// ---- where the data end ----

struct StrayCase {
  std::string name;
  std::string shop;
  int day;  // after the first
  std::string message;
};

void PrintTo(const StrayCase& one, std::ostream* out) { *out << one.name; }

class StrayRow : public TrainCommandTest, public testing::WithParamInterface<StrayCase> {};

/// Neither invents periods out of it, nor trains without saying so.
TEST_P(StrayRow, IsNamedAndRefusedUntilThePipelineSaysWhereTheDataEnd) {
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  const auto judged = evaluation()["folds"];
  amounts_.push_back({GetParam().shop, GetParam().day, 5});
  Ingest();
  EXPECT_EQ(Evaluate(), ExitCode::kUnfit);
  EXPECT_THAT(err(), AllOf(HasSubstr("series \"daily\" leaves rows out: " + GetParam().message),
                           HasSubstr("\"until\": \"last_full\" leaves them out")));
  EXPECT_EQ(Train(), ExitCode::kUnfit);

  document_["series"]["daily"]["aggregate"]["until"] = "last_full";
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_EQ(evaluation()["folds"], judged) << "as if the row were not there";
}

INSTANTIATE_TEST_SUITE_P(
    Cases, StrayRow,
    testing::Values(StrayCase{"InTheFuture", "000", 65'000, "1 row from 2201-12-19T00:00:00Z"},
                    StrayCase{"WeeksBehindAllOthers", "001", kDays + 84,
                              "1 row (the first of shop=001) from the day of 2024-08-12 on"},
                    StrayCase{"OnTheDayThatTheOthersDoNotHaveYet", "002", kDays,
                              "1 row (the first of shop=002) from the day of 2024-05-20 on"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::model
