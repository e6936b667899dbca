#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "model/classify/classifier_job.hpp"
#include "model/classify/classifier_model.hpp"
#include "model/classify/delivery_testing.hpp"
#include "model/commands/train_command.hpp"
#include "model/learn/trainers/trainer_kinds.hpp"
#include "model/learn/xgboost/booster.hpp"
#include "support/stopping_clock.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ReadWhole;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class Algorithms : public ClassifierCommandTest, public testing::WithParamInterface<const char*> {};

TEST_P(Algorithms, LearnTheRuleAndBeatBothBaselines) {
  document_["training"]["model"] = {{"algorithm", GetParam()}, {"trees", 60}, {"threads", 2}};
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_EQ(evaluation()["metrics"]["rows"], kTestRows);
  EXPECT_GE(evaluation()["metrics"]["accuracy"].get<double>(), 0.93) << evaluation().dump(1);
  EXPECT_EQ(evaluation()["metric"], "error_rate");
  EXPECT_NEAR(evaluation()["value"].get<double>(),
              1 - evaluation()["metrics"]["accuracy"].get<double>(), 1e-12);
  EXPECT_TRUE(evaluation()["beats_baselines"]);
  const ordered_json baselines = evaluation()["baselines"];
  ASSERT_EQ(baselines.size(), 2U);
  EXPECT_EQ(baselines[1]["name"], "stump");
  for (const ordered_json& baseline : baselines) {
    EXPECT_GT(baseline["skill"].get<double>(), 0.5) << baseline;
  }
  EXPECT_EQ(evaluation()["rows_left_out"], 0);
}
INSTANTIATE_TEST_SUITE_P(Each, Algorithms, testing::Values("gradient_boosting", "random_forest"),
                         [](const auto& param) { return std::string(param.param); });

TEST_F(ClassifierCommandTest, PublishesALogisticRegressionWhoseProbabilitiesSayMoreThanShares) {
  document_["training"]["model"] = ordered_json::parse(R"({
      "algorithm": "logistic", "scale": "standard",
      "k_best": {"k": 4, "score": "f_classif"}, "polynomial": {"degree": 2}})");
  document_["training"]["transforms"] = {{"shop", {{"encode", "one_hot"}}}};
  Ingest();
  ASSERT_EQ(Train({"--force-promote"}), ExitCode::kDone) << err();
  EXPECT_TRUE(fs::exists(version(1) / "model/1.linear.json"));
  EXPECT_EQ(manifest(1)["libraries"].count("eigen"), 1U) << manifest(1)["libraries"];
  EXPECT_LT(manifest(1)["evaluation"]["metrics"]["log_loss"].get<double>(),
            manifest(1)["evaluation"]["baselines"][0]["metrics"]["log_loss"].get<double>());
}

TEST_F(ClassifierCommandTest, RefusesAlgorithmsThatLearnANumber) {
  document_["training"]["model"] = {{"algorithm", "ridge"}};
  Ingest();
  EXPECT_EQ(Evaluate(), ExitCode::kUsage);
  EXPECT_THAT(err(), HasSubstr("$.training.model.algorithm: it learns a number: of linear models "
                               "logistic tells classes apart"));
}

TEST_F(ClassifierCommandTest, JudgesTheMostFrequentClassByItsDefinition) {
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  double learned = 0;
  double tested = 0;
  for (const Order& order : orders_) {
    (IsTested(order.id) ? tested : learned) += IsDelivered(order) ? 1 : 0;
  }
  const double share = learned / (kRows - kTestRows);
  ASSERT_LT(share, 0.5);
  const ordered_json baseline = evaluation()["baselines"][0];
  EXPECT_EQ(baseline["name"], "most_frequent");
  EXPECT_NEAR(baseline["metrics"]["accuracy"], 1 - tested / kTestRows, 1e-12);
  EXPECT_NEAR(baseline["metrics"]["log_loss"],
              -(tested * std::log(share) + (kTestRows - tested) * std::log(1 - share)) / kTestRows,
              1e-12);
}

TEST_F(ClassifierCommandTest, ShowsSlicesAndClassesOfTheTestRows) {
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  int out_of_stock = 0;
  int afternoon = 0;
  int delivered = 0;
  for (const Order& order : orders_) {
    if (!IsTested(order.id)) continue;
    const bool in_stock = order.pieces <= LevelFor(order);
    out_of_stock += in_stock ? 0 : 1;
    afternoon += in_stock && !IsMorning(order) ? 1 : 0;
    delivered += IsDelivered(order) ? 1 : 0;
  }
  const ordered_json slices = evaluation()["slices"];
  EXPECT_EQ(slices[0]["slice"], "out_of_stock");
  EXPECT_EQ(slices[0]["rows"], out_of_stock);
  EXPECT_EQ(slices[1]["rows"], afternoon);
  const ordered_json metrics = evaluation()["metrics"];
  EXPECT_EQ(metrics["classes"][0]["class"], false);
  EXPECT_EQ(metrics["classes"][1]["rows"], delivered);
  EXPECT_EQ(metrics["confusion"][1][0].get<int>() + metrics["confusion"][1][1].get<int>(),
            delivered);
}

TEST_F(ClassifierCommandTest, WalksForwardOverBlocksOfTheTestRows) {
  document_["training"]["n_splits"] = 3;
  document_["training"]["label_delay"] = "1d";
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  const ordered_json folds = evaluation()["folds"];
  ASSERT_EQ(folds.size(), 3U);
  int rows = 0;
  for (const ordered_json& fold : folds) {
    const int first = kRows - kTestRows + rows;
    rows += fold["rows"].get<int>();
    // Known are the labels of orders at least a day older than the block's first.
    EXPECT_EQ(fold["train_rows"], (first * kMinutesApart - 1440) / kMinutesApart + 1);
  }
  EXPECT_EQ(rows, kTestRows);
}

TEST_F(ClassifierCommandTest, PublishesTheSameBytesForTheSameDataAndSeed) {
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  ASSERT_EQ(Train({"--threads", "1"}), ExitCode::kDone) << err();
  EXPECT_EQ(summary()["version"], 2);
  EXPECT_EQ(ReadWhole(version(1) / "manifest.json"), ReadWhole(version(2) / "manifest.json"));
  Words paths;
  const ordered_json files = manifest(1)["files"];
  for (const ordered_json& file : files) {
    paths.push_back(file["path"]);
    EXPECT_EQ(ReadWhole(version(1) / paths.back()), ReadWhole(version(2) / paths.back()));
  }
  EXPECT_THAT(
      paths, ElementsAre("model/1.ubj", "model/1.forest", "model/1.shap", "model/1.transforms.json",
                         "classes.json", "pipeline.json", "reference.json", "constraints.json"));
  EXPECT_EQ(Registry(models()).Find("delivery", "champion")->number, 2U);
  EXPECT_EQ(manifest(1)["kind"], "classifier");
  EXPECT_EQ(manifest(1)["classifier"]["classes"], ordered_json({false, true}));
  EXPECT_EQ(manifest(1)["data"]["rows"], kRows);
  EXPECT_EQ(manifest(1)["data"]["from"], "2024-01-01T00:00:00Z");

  const ordered_json reference = ordered_json::parse(ReadWhole(version(1) / "reference.json"));
  EXPECT_EQ(reference["features"]["hour"]["rows"], kRows);
  EXPECT_EQ(reference["outputs"]["probability.false"]["rows"], kRows);
  EXPECT_NEAR(reference["outputs"]["probability.true"]["mean"].get<double>() +
                  reference["outputs"]["probability.false"]["mean"].get<double>(),
              1, 1e-6);
  const ordered_json taken_for = reference["outputs"]["class"]["categories"];
  EXPECT_EQ(taken_for["true"].get<int>() + taken_for["false"].get<int>(), kRows);

  const std::string hash = manifest(1)["data"]["hash"];
  orders_[5].pieces += 1;
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  EXPECT_NE(manifest(3)["data"]["hash"], hash);
}

TEST_F(ClassifierCommandTest, DoesNotPromoteWhatTheStumpDoesAsWell) {
  for (Order& order : orders_) order.delivered = order.pieces > 4 ? "true" : "false";
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kGate) << err();
  EXPECT_FALSE(summary()["promoted"]);
  EXPECT_EQ(evaluation()["best_baseline"], "stump");
  EXPECT_EQ(evaluation()["baselines"][1]["question"], "pieces < 4.5");
  EXPECT_FALSE(Registry(models()).Find("delivery", "champion"));
  ASSERT_EQ(RunWith(false, {"--pipeline", pipeline(), "--store", store(), "--quiet"}),
            ExitCode::kDone);
  ASSERT_EQ(RunWith(false, {"--pipeline", pipeline(), "--store", store()}), ExitCode::kDone);
  EXPECT_THAT(out_.str(),
              HasSubstr("does NOT beat the baselines by error_rate: stump makes no error"));
  EXPECT_EQ(Train({"--force-promote"}), ExitCode::kDone);
  EXPECT_EQ(Registry(models()).Find("delivery", "champion")->number, 2U);
}

TEST_F(ClassifierCommandTest, LeavesOutAndCountsWhatItCannotUse) {
  orders_[3].delivered = "";
  orders_[250].delivered = "";
  orders_[8].shop = "99";  // without stock: no feature "level"
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_EQ(evaluation()["rows_without_label"], 2);
  EXPECT_EQ(evaluation()["rows_left_out"], 1);
  EXPECT_THAT(evaluation()["first_left_out"].get<std::string>(),
              AllOf(HasSubstr("level"), HasSubstr("2024-01-01T12:56:00Z")));
  // Of the 298 with a label 89 are tested; of the others one was left out.
  EXPECT_EQ(evaluation()["metrics"]["rows"], 89);
  EXPECT_EQ(evaluation()["folds"][0]["train_rows"], 298 - 89 - 1);
  ASSERT_EQ(RunWith(false, {"--pipeline", pipeline(), "--store", store()}), ExitCode::kDone);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("2 rows have no label"), HasSubstr("out_of_stock"),
                                HasSubstr("is, taken for"), HasSubstr("beats every baseline")));
}

TEST_F(ClassifierCommandTest, PromotesNothingWhenTooFewRowsCouldBeJudged) {
  for (Order& order : orders_) {
    if (IsTested(order.id) && order.id % 3 == 0) order.shop = "99";  // without stock
  }
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kGate) << err();
  EXPECT_EQ(evaluation()["rows_to_judge"], kTestRows);
  EXPECT_EQ(evaluation()["metrics"]["rows"], 60);
  EXPECT_EQ(evaluation()["shortfalls"],
            ordered_json({"only 60 of 90 rows could be judged, 67 %, and \"min_judged\" is 0.8"}));
  document_["training"]["min_judged"] = 0.5;
  SetDocument();
  EXPECT_EQ(Train(), ExitCode::kDone) << err();
}

TEST_F(ClassifierCommandTest, TellsOfLabelsThatDifferInBlanksOrCaseAlone) {
  UseLabels("text", [this](const Order& order) -> std::string {
    if (IsDelivered(order)) return "yes";
    return order.id % 2 == 0 ? "No" : "No ";
  });
  Ingest();
  const std::string remark =
      "labels \"No\" and \"No \" differ in blanks or in upper and lower case alone, and are two "
      "classes";
  ASSERT_EQ(Evaluate({"--dry-run"}), ExitCode::kDone) << err();
  EXPECT_EQ(summary()["remarks"], ordered_json({remark}));
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_EQ(evaluation()["remarks"][0], remark);
  ASSERT_EQ(RunWith(false, {"--pipeline", pipeline(), "--store", store()}), ExitCode::kDone);
  EXPECT_THAT(out_.str(), HasSubstr(remark));
}

TEST_F(ClassifierCommandTest, SaysBeforeTrainingThatAllLabelsAreOfOneTime) {
  for (Order& order : orders_) order.minute = 60;
  Ingest();
  EXPECT_EQ(Train({"--dry-run"}), ExitCode::kUnfit);
  EXPECT_THAT(err(), HasSubstr("all 300 rows with a label are of one time, 2024-01-01T01:00:00Z"));
}

TEST_F(ClassifierCommandTest, LearnsNothingFromRowsThatWeighNothing) {
  for (Order& order : orders_) {
    if (IsTested(order.id) || order.id % 2 == 0) continue;
    order.delivered = IsDelivered(order) ? "false" : "true";
    order.weight = "0";
  }
  document_["training"]["weight"] = "weight";
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_GE(evaluation()["metrics"]["accuracy"].get<double>(), 0.9);
  document_["training"].erase("weight");
  SetDocument();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_LT(evaluation()["metrics"]["accuracy"].get<double>(), 0.8);
}

TEST_F(ClassifierCommandTest, TellsTextsApartAndCountsAClassItHasNeverSeenAsWrong) {
  UseLabels("text", [this](const Order& order) -> std::string {
    if (order.id == kRows - 1) return "lost";
    if (order.pieces > LevelFor(order)) return "no stock";
    return IsMorning(order) ? "delivered" : "late";
  });
  document_["training"]["metric"] = "log_loss";
  Ingest();
  ASSERT_EQ(Train({"--until", TimeOf((kRows - 2) * kMinutesApart)}), ExitCode::kDone) << err();
  EXPECT_EQ(evaluation()["metric"], "log_loss");
  EXPECT_EQ(manifest(1)["classifier"]["classes"], ordered_json({"delivered", "late", "no stock"}));
  EXPECT_GE(evaluation()["metrics"]["accuracy"].get<double>(), 0.9);
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  const ordered_json metrics = evaluation()["metrics"];
  EXPECT_EQ(metrics["classes"][2]["class"], "lost");
  EXPECT_EQ(metrics["classes"][2]["rows"], 1);
  EXPECT_EQ(metrics["classes"][2]["recall"], 0);
}

TEST_F(ClassifierCommandTest, SortsNumbersAsNumbers) {
  UseLabels("int64", [this](const Order& order) { return IsDelivered(order) ? "10" : "2"; });
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_EQ(evaluation()["metrics"]["classes"][0]["class"], 2);
  EXPECT_EQ(evaluation()["metrics"]["classes"][1]["class"], 10);
}

TEST_F(ClassifierCommandTest, StopsEarlyByTheLastOfItsTrainingRows) {
  document_["training"]["model"]["trees"] = 2000;
  document_["training"]["model"]["early_stopping"] = {{"rounds", 5}, {"share", 0.2}};
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  const auto booster = Booster::Load(ReadWhole(version(1) / "model/1.ubj"), 1);
  ASSERT_TRUE(booster);
  EXPECT_LT(*(*booster)->RoundCount(), 500U);
}

TEST_F(ClassifierCommandTest, CutsTheRowsByTheirTime) {
  Ingest();
  // From order 100, of 6 days 17:40, to order 199, of 13 days 9:43.
  ASSERT_EQ(Evaluate({"--since", TimeOf(100 * kMinutesApart), "--until",
                      TimeOf(199 * kMinutesApart), "--dry-run"}),
            ExitCode::kDone)
      << err();
  EXPECT_EQ(summary()["rows"], 100);
  EXPECT_EQ(summary()["test_rows"], 30);
  EXPECT_EQ(summary()["classes"]["true"].get<int>() + summary()["classes"]["false"].get<int>(),
            100);
  ASSERT_EQ(Evaluate({"--last", "2d", "--until", TimeOf(199 * kMinutesApart), "--dry-run"}),
            ExitCode::kDone);
  int rows = 0;
  for (int id = 0; id <= 199; ++id) rows += id * kMinutesApart >= 12 * 1440 ? 1 : 0;
  EXPECT_EQ(summary()["rows"], rows);
  // A label that is known a day later is not known at the end.
  document_["training"]["label_delay"] = "1d";
  SetDocument();
  ASSERT_EQ(Evaluate({"--until", TimeOf(199 * kMinutesApart), "--dry-run"}), ExitCode::kDone);
  EXPECT_EQ(summary()["rows"], (199 * kMinutesApart - 1440) / kMinutesApart + 1);
  EXPECT_FALSE(fs::exists(models()));
}

TEST_F(ClassifierCommandTest, NeedsStoreAndSnapshotsNoMoreForAnotherDocument) {
  Ingest();
  const auto snapshots = preprocessing::DefaultSnapshotFolder(store());
  ASSERT_TRUE(snapshots);
  JobSources sources;
  sources.folder = folder_.path();
  sources.snapshots = *snapshots;
  sources.store = store();
  sources.trainers = TrainerKinds();
  const auto job = ClassifierJob::Load(document_, sources);
  ASSERT_TRUE(job) << job.error().message;
  fs::remove_all(folder_.path());
  const auto other = (*job)->With(WithParameters(document_, {{"model.trees", 3}}));
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_TRUE((*other)->Check());
  EXPECT_TRUE((*other)->ComputeExamples());
}

TEST_F(ClassifierCommandTest, SearchesParametersAndKeepsTheBest) {
  document_["training"]["search"] = {{"parameters", {{"model.trees", {1, 60}}}}};
  document_["training"]["metric"] = "log_loss";
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  const ordered_json points = summary()["search"];
  ASSERT_EQ(points.size(), 2U);
  EXPECT_LT(points[1]["value"].get<double>(), points[0]["value"].get<double>());
  EXPECT_EQ(evaluation()["value"], points[1]["value"]);
}

TEST_F(ClassifierCommandTest, WritesAPageOfWhatWasFound) {
  orders_[kRows - 1].delivered = orders_[kRows - 1].delivered == "true" ? "false" : "true";
  Ingest();
  const std::string page = (folder_.path() / "report.html").string();
  ASSERT_EQ(Evaluate({"--report", page}), ExitCode::kDone) << err();
  const std::string html = ReadWhole(page);
  EXPECT_THAT(html, AllOf(HasSubstr("beats every baseline"), HasSubstr("afternoon_in_stock"),
                          HasSubstr("<h2>Confusion"), HasSubstr("<h2>Calibration"),
                          HasSubstr("Surest mistakes"), HasSubstr("2024-01-21T03:23:00Z"),
                          HasSubstr("spare")));
}

TEST_F(ClassifierCommandTest, PublishesNothingWhenItIsStopped) {
  Ingest();
  EXPECT_EQ(Run(true, {}, StoppingClock(5)), ExitCode::kStopped);
  EXPECT_THAT(err(), HasSubstr("nothing was published"));
  EXPECT_FALSE(fs::exists(models()));
}

TEST_F(ClassifierCommandTest, JudgesNothingByWhatHappenedLater) {
  constexpr int kKnown = 220;
  const int until = kKnown * kMinutesApart;
  Ingest();
  ASSERT_EQ(Evaluate({"--until", TimeOf(until)}), ExitCode::kDone) << err();
  const std::string before = out_.str();
  for (Order& order : orders_) {
    if (order.minute > until) order.delivered = order.delivered == "true" ? "false" : "true";
  }
  for (Stock& row : stock_) {
    if (row.minute > until) row.level = 9 - row.level;
  }
  Ingest();
  ASSERT_EQ(Evaluate({"--until", TimeOf(until)}), ExitCode::kDone) << err();
  EXPECT_EQ(out_.str(), before);
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_NE(out_.str(), before);
}

/// What a model trained on the orders before order `known` says of it and of those before.
struct Said {
  std::vector<float> inputs;
  std::vector<double> answers;
};

class ClassifierLeakTest : public ClassifierCommandTest {
 protected:
  void Load() {
    spec_ = *preprocessing::ParsePipelineSpec(document_.dump(), {});
    plan_ = ReadClassifierPlan(preprocessing::JsonNode(document_), spec_, TrainerKinds());
    const auto dao = *preprocessing::OpenStore(store(), preprocessing::StoreAccess::kReadOnly);
    rows_ = *LabelledRows::Read(*dao, spec_, {}, {});
    const auto snapshots = *preprocessing::OpenSnapshots(spec_, folder_.path() / "o.db.snapshots");
    examples_ = *LabelledExamples::Compute(spec_, snapshots, *rows_, plan_);
  }
  Said Ask(std::size_t known) {
    const auto trained =
        *TrainedClassifier::Train(plan_, *examples_, RowNumbers(0, known), rows_->classes(),
                                  [](std::size_t, std::size_t) { return true; });
    std::vector<float> matrix = *trained->model().Matrix(*examples_, RowNumbers(0, known + 1));
    std::vector<double> answers = trained->model().Predict(matrix);
    return {std::move(matrix), std::move(answers)};
  }

  preprocessing::PipelineSpec spec_;
  ClassifierPlan plan_;
  std::optional<LabelledRows> rows_;
  std::optional<LabelledExamples> examples_;
};

TEST_F(ClassifierLeakTest, NeitherLaterLabelsNorLaterRowsChangeAFeatureOrAnAnswer) {
  constexpr int kKnown = 200;
  UseLabels("text", [this](const Order& order) { return IsDelivered(order) ? "yes" : "no"; });
  document_["training"]["transforms"] = {{"shop", {{"encode", "target_mean"}}},
                                         {"level", {{"scale", true}}}};
  Ingest();
  Load();
  const Said before = Ask(kKnown);
  for (Order& order : orders_) {
    if (order.id >= kKnown) order.delivered = order.id % 2 == 0 ? "a third class" : "yes";
    if (order.id > kKnown) order.pieces = 99;
  }
  for (Stock& row : stock_) {
    if (row.minute > kKnown * kMinutesApart) row.level = 77;
  }
  Ingest();
  Load();
  ASSERT_EQ(rows_->classes().size(), 3U);
  const Said after = Ask(kKnown);
  EXPECT_EQ(after.inputs, before.inputs);
  EXPECT_EQ(after.answers, before.answers);
}

TEST_F(ClassifierLeakTest, ARowCountsWithWhatWasKnownInItsOwnSecond) {
  stock_.push_back({orders_[50].shop, orders_[50].minute, 1000});
  stock_.push_back({orders_[51].shop, orders_[51].minute + 1, 2000});
  Ingest();
  Load();
  const std::span<const float> levels = examples_->features.column(2);
  EXPECT_EQ(examples_->features.columns()[2].name, "level");
  EXPECT_EQ(levels[50], 1000);
  EXPECT_NE(levels[51], 2000);
}

TEST_F(ClassifierLeakTest, TheArtefactAloneAnswersAsTheModelDid) {
  Ingest();
  Load();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  const auto booster = Booster::Load(ReadWhole(version(1) / "model/1.ubj"), 1);
  ASSERT_TRUE(booster) << booster.error().message;
  const ordered_json around =
      ordered_json::parse(ReadWhole(version(1) / "model/1.transforms.json"));
  const auto transforms =
      FittedTransforms::FromJson(preprocessing::JsonNode(around).Get("transforms"));
  std::vector<std::uint32_t> all(kRows);
  for (std::uint32_t i = 0; i < kRows; ++i) all[i] = i;
  const auto scores = *(*booster)->Predict(*transforms.Transform(examples_->features, all),
                                           transforms.outputs().size());
  const auto trained =
      *TrainedClassifier::Train(plan_, *examples_, RowNumbers(0, kRows), rows_->classes(),
                                [](std::size_t, std::size_t) { return true; });
  const ClassifierModel& model = trained->model();
  const auto answers = model.Predict(*model.Matrix(*examples_, RowNumbers(0, kRows)));
  for (std::size_t i = 0; i < kRows; ++i) EXPECT_EQ(scores.values[i], answers[3 * i + 2]);
  EXPECT_EQ(ordered_json::parse(ReadWhole(version(1) / "classes.json")),
            ordered_json({{"label", "delivered"}, {"classes", {false, true}}}));
}

struct BadCase {
  const char* name;
  std::function<void(ordered_json& document, std::vector<Order>& orders)> spoil;
  Words flags;
  ExitCode exit;
  std::string message;
};
class BadClassifierInput : public ClassifierCommandTest,
                           public testing::WithParamInterface<BadCase> {};

TEST_P(BadClassifierInput, IsToldBeforeAnythingIsTrained) {
  ordered_json spoilt = document_;
  GetParam().spoil(spoilt, orders_);
  document_["tables"] = spoilt["tables"];
  Ingest();
  document_ = spoilt;
  SetDocument();
  EXPECT_EQ(Train(GetParam().flags), GetParam().exit);
  EXPECT_THAT(err(), HasSubstr(GetParam().message));
  EXPECT_FALSE(fs::exists(models()));
}

std::function<void(ordered_json&, std::vector<Order>&)> Set(const char* pointer,
                                                            const char* value) {
  return [=](ordered_json& document, std::vector<Order>&) {
    document[ordered_json::json_pointer(pointer)] = ordered_json::parse(value);
  };
}
std::function<void(ordered_json&, std::vector<Order>&)> Each(
    const std::function<void(Order&)>& change) {
  return [change](ordered_json&, std::vector<Order>& orders) {
    for (Order& order : orders) change(order);
  };
}
void Nothing(ordered_json&, std::vector<Order>&) {}

INSTANTIATE_TEST_SUITE_P(
    Document, BadClassifierInput,
    testing::Values(
        BadCase{"UnknownLabel",
                Set("/training/label", "\"sent\""),
                {},
                ExitCode::kUsage,
                "$.training.label: no column \"sent\""},
        BadCase{"ADoubleAsLabel",
                [](ordered_json& document, std::vector<Order>&) {
                  document["training"]["label"] = "weight";
                  document["request"]["fields"].erase("weight");
                  document["features"].erase(5);
                  document["training"]["hidden"] = {"coupon"};
                },
                {},
                ExitCode::kUsage,
                "$.training.label: column \"weight\" is double"},
        BadCase{"TheLabelAsAField",
                Set("/request/fields/delivered", "\"bool\""),
                {},
                ExitCode::kUsage,
                "$.request.fields.delivered: the label cannot be a field of a request"},
        BadCase{"UnknownSliceFeature",
                Set("/training/slices/0/feature", "\"cost\""),
                {},
                ExitCode::kUsage,
                "$.training.slices[0].feature: no feature is called \"cost\""},
        BadCase{"UnknownHiddenFeature",
                Set("/training/hidden", "[\"cost\"]"),
                {},
                ExitCode::kUsage,
                "$.training.hidden: no feature is called \"cost\""},
        BadCase{"UnknownWeight",
                Set("/training/weight", "\"cost\""),
                {},
                ExitCode::kUsage,
                "$.training.weight: no feature is called \"cost\""},
        BadCase{"ATextAsWeight",
                Set("/training/weight", "\"shop\""),
                {},
                ExitCode::kUsage,
                "$.training.weight: feature \"shop\" is no number"},
        BadCase{"UnknownTransformFeature",
                Set("/training/transforms", R"({"cost": {}})"),
                {},
                ExitCode::kUsage,
                "$.training.transforms.cost: no feature"},
        BadCase{"HiddenTransformFeature",
                Set("/training/transforms", R"({"weight": {}})"),
                {},
                ExitCode::kUsage,
                "$.training.transforms.weight: the feature is hidden"},
        BadCase{"AMemberOfForecasts",
                Set("/training/scope", "\"global\""),
                {},
                ExitCode::kUsage,
                "$.training.scope: unknown key"},
        BadCase{
            "UnknownModelMember", Set("/training/model/tres", "1"), {}, ExitCode::kUsage, "tres"},
        BadCase{"ATask",
                Set("/training/model/task", "\"binary\""),
                {},
                ExitCode::kUsage,
                "$.training.model.task"},
        BadCase{"AnObjective",
                Set("/training/model/objective", "\"squared_error\""),
                {},
                ExitCode::kUsage,
                "$.training.model.objective"},
        BadCase{"AMetricOfForecasts",
                Set("/training/metric", "\"wape\""),
                {},
                ExitCode::kUsage,
                "$.training.metric: expected accuracy or log_loss"},
        BadCase{"NoShareToTest",
                Set("/training/test_share", "0"),
                {},
                ExitCode::kUsage,
                "$.training.test_share"},
        BadCase{"ADelayThatIsNoSpan",
                Set("/training/label_delay", "\"soon\""),
                {},
                ExitCode::kUsage,
                "$.training.label_delay: expected a span"},
        BadCase{"ARequestFieldWithoutAColumn",
                Set("/request/fields/color", "\"text\""),
                {},
                ExitCode::kUsage,
                "request field \"color\" is no column of table \"orders\""},
        BadCase{"ARequestFieldOfAnotherType",
                Set("/request/fields/pieces", "\"double\""),
                {},
                ExitCode::kUsage,
                "request field \"pieces\" is double, but the column of table \"orders\" is int64"},
        BadCase{"NoModel",
                [](ordered_json& document, std::vector<Order>&) {
                  document["training"].erase("model");
                },
                {},
                ExitCode::kUsage,
                "$.training: missing key \"model\""},
        BadCase{"NeitherForecastNorLabel",
                [](ordered_json& document, std::vector<Order>&) { document.erase("training"); },
                {},
                ExitCode::kUsage,
                "neither a \"forecast\" nor a \"training\""},
        BadCase{"AReportOfAKey",
                Nothing,
                {"--report-key", "01"},
                ExitCode::kUsage,
                "--report-key: only a forecast has keys"},
        BadCase{"AModelOfAKey",
                Nothing,
                {"--only-key", "01"},
                ExitCode::kUsage,
                "--only-key: only a forecast has keys"},
        BadCase{"NoTime", Nothing, {"--until", "soon"}, ExitCode::kUsage, "--until"},
        BadCase{"SpanWithoutUnit", Nothing, {"--last", "12"}, ExitCode::kUsage, "--last"},
        BadCase{"NothingInTheWindow",
                Nothing,
                {"--since", "2030-01-01"},
                ExitCode::kUsage,
                "none of the 300 rows"}),
    [](const auto& param) { return std::string(param.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Data, BadClassifierInput,
    testing::Values(
        BadCase{"NoRows",
                [](ordered_json&, std::vector<Order>& orders) { orders.clear(); },
                {},
                ExitCode::kUnfit,
                "table \"orders\" has no rows"},
        BadCase{"AllLabelsMissing",
                Each([](Order& order) { order.delivered = ""; }),
                {},
                ExitCode::kUnfit,
                "300 have no label"},
        BadCase{"OneClassOnly",
                Each([](Order& order) { order.delivered = "true"; }),
                {},
                ExitCode::kUnfit,
                "\"delivered\" is true in all 300 rows"},
        BadCase{"OneClassToLearnFrom",
                Each([](Order& order) { order.delivered = order.id < 250 ? "true" : "false"; }),
                {},
                ExitCode::kUnfit,
                "fold 1: all 210 rows to learn from are of class \"true\""},
        BadCase{"AClassWithoutWeight",
                [](ordered_json& document, std::vector<Order>& orders) {
                  document["training"]["weight"] = "weight";
                  for (Order& order : orders) order.weight = order.delivered == "true" ? "0" : "1";
                },
                {},
                ExitCode::kUnfit,
                "only rows of class \"false\" have a weight other than 0"},
        BadCase{"ASearchOverWhatIsJudged",
                Set("/training/search", R"({"parameters": {"test_share": [0.1, 0.3]}})"),
                {},
                ExitCode::kUsage,
                "$.training.search.parameters.test_share: it says what is judged"},
        BadCase{"AShareOfLessThanARow",
                Set("/training/test_share", "0.001"),
                {},
                ExitCode::kUnfit,
                "test_share of 0.001 leaves none of 300 rows to judge"},
        BadCase{"AShareOfAllRows",
                Set("/training/test_share", "0.999"),
                {},
                ExitCode::kUnfit,
                "none is left to learn from"},
        BadCase{"ADelayLongerThanThePast",
                Set("/training/label_delay", "\"52w\""),
                {},
                ExitCode::kUnfit,
                "label_delay hides"},
        BadCase{"AMissingWeight",
                [](ordered_json& document, std::vector<Order>& orders) {
                  document["training"]["weight"] = "weight";
                  orders[7].weight = "";
                },
                {},
                ExitCode::kUnfit,
                "weight feature \"weight\" of the row of 2024-01-01T11:19:00Z is missing"},
        BadCase{"ANegativeWeight",
                [](ordered_json& document, std::vector<Order>& orders) {
                  document["training"]["weight"] = "weight";
                  orders[7].weight = "-0.5";
                },
                {},
                ExitCode::kUnfit,
                "is -0.5, expected a number from 0"},
        BadCase{"NoFeatureOfAnyRow",
                Each([](Order& order) { order.shop = "99"; }),
                {},
                ExitCode::kUnfit,
                "the features of none of 300 rows could be computed"},
        BadCase{"ATargetMeanOfThreeClasses",
                [](ordered_json& document, std::vector<Order>& orders) {
                  document["tables"]["orders"]["columns"]["delivered"] = "text";
                  document["training"]["transforms"] = {{"shop", {{"encode", "target_mean"}}}};
                  for (Order& order : orders) order.delivered = std::to_string(order.id % 3);
                },
                {},
                ExitCode::kUnfit,
                "$.training.transforms.shop.encode: target_mean is for two classes"},
        BadCase{"AsManyClassesAsRows",
                [](ordered_json& document, std::vector<Order>& orders) {
                  document["tables"]["orders"]["columns"]["delivered"] = "int64";
                  for (int i = kRows; i < 1200; ++i) {
                    orders.push_back(orders[0]);
                    orders.back().id = i;
                    orders.back().minute = i * kMinutesApart;
                  }
                  for (Order& order : orders) order.delivered = std::to_string(order.id);
                },
                {},
                ExitCode::kUnfit,
                "has 1200 values, at most 1000 classes"}),
    [](const auto& param) { return std::string(param.param.name); });

class LabelsInSeries : public ClassifierCommandTest,
                       public testing::WithParamInterface<const char*> {};

TEST_P(LabelsInSeries, AreRefusedWhateverTheirType) {
  document_["tables"]["orders"]["columns"]["delivered"] = GetParam();
  const ordered_json series{{"key", {"shop"}}, {"time", "at"}, {"max_staleness", "unlimited"}};
  ordered_json of_table = series;
  of_table.update({{"table", "orders"}, {"values", {"delivered"}}});
  document_["series"]["past"] = of_table;
  SetDocument();
  EXPECT_EQ(Train(), ExitCode::kUsage);
  EXPECT_THAT(err(), HasSubstr("\"delivered\" is the label: it can never be a feature"));
  EXPECT_FALSE(fs::exists(models()));
}
INSTANTIATE_TEST_SUITE_P(Types, LabelsInSeries, testing::Values("bool", "text", "int64"),
                         [](const auto& param) { return std::string(param.param); });

TEST_F(ClassifierCommandTest, NeedsTheStoreAndNotItsSnapshotsAlone) {
  Ingest();
  EXPECT_EQ(RunWith(true, {"--pipeline", pipeline(), "--snapshots",
                           (folder_.path() / "o.db.snapshots").string()}),
            ExitCode::kUsage);
  EXPECT_THAT(err(), HasSubstr("--store (or FORKCAST_STORE) is missing"));
  fs::remove(folder_.path() / "o.db");
  EXPECT_EQ(Train(), ExitCode::kIo);
  EXPECT_FALSE(fs::exists(models()));
}

}  // namespace
}  // namespace forkcast::model
