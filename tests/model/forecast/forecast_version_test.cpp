#include "model/forecast/forecast_version.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <fstream>
#include <functional>
#include <map>

#include "data_preprocessing/document/content_hash.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/forecast/backtest.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/forecast_files.hpp"
#include "model/forecast/sales_testing.hpp"
#include "model/forecast/trained_forecast.hpp"
#include "model/learn/model_files.hpp"
#include "model/learn/trainers/trainer_kinds.hpp"
#include "model/learn/version_testing.hpp"
#include "model/learn/xgboost/booster.hpp"

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;
using preprocessing::PipelineSpec;
using preprocessing::ReadWhole;
using testing::AllOf;
using testing::HasSubstr;

/// Forecasts by key, as people call it, and step; by their bits.
using Bits = std::map<std::pair<std::string, std::size_t>, std::uint64_t>;

class ForecastVersionTest : public TrainCommandTest {
 protected:
  [[nodiscard]] VersionInfo Info(int number = 1) const {
    return *Registry(models()).Find("sales", std::to_string(number));
  }
  void TrainVersion(const char* strategy = "direct", const char* scope = "per_key") {
    document_["forecast"]["strategy"] = strategy;
    document_["training"]["scope"] = scope;
    Ingest();
    ASSERT_THAT(Train(), testing::AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
  }

  /// What `model` forecasts as of the last period but a horizon.
  [[nodiscard]] Bits Predict(const ForecastModel& model, const PipelineSpec& spec,
                             const TrainingPlan& plan) const {
    const auto data = *ForecastData::Open(spec, folder_.path() / "o.db.snapshots");
    const auto all = *data->grid().AllPeriods();
    const StepExamples examples =
        *StepExamples::Compute(*data, plan, {all.first, all.last}, data->AllKeys());
    Bits bits;
    const auto forecasts = model.Predict(*data, plan, examples, all.last - kHorizon);
    EXPECT_TRUE(forecasts) << forecasts.error().message;
    for (const Forecast& forecast : *forecasts) {
      bits[{data->KeyName(forecast.point.key), forecast.step}] =
          std::bit_cast<std::uint64_t>(forecast.value);
    }
    return bits;
  }
  /// As the version was trained.
  [[nodiscard]] TrainedForecast TrainAgain(const PipelineSpec& spec,
                                           const TrainingPlan& plan) const {
    const auto data = *ForecastData::Open(spec, folder_.path() / "o.db.snapshots");
    const auto all = *data->grid().AllPeriods();
    const StepExamples examples =
        *StepExamples::Compute(*data, plan, {all.first, all.last}, data->AllKeys());
    auto trained = TrainedForecast::Train(*data, plan, examples, {all.first, all.last},
                                          [](const TrainingStage&) { return true; });
    if (!trained) throw std::runtime_error(trained.error().message);
    return **std::move(trained);
  }
  [[nodiscard]] Bits PredictLoaded() const {
    const auto version = ForecastVersion::Read(Info());
    EXPECT_TRUE(version) << version.error().message;
    const auto model = version->Model();
    EXPECT_TRUE(model) << model.error().message;
    return Predict(*model, version->spec(), version->plan());
  }
};

struct Shape {
  const char* strategy;
  const char* scope;
};
void PrintTo(const Shape& one, std::ostream* out) { *out << one.strategy << ' ' << one.scope; }

class EveryShape : public ForecastVersionTest, public testing::WithParamInterface<Shape> {};

TEST_P(EveryShape, ForecastsWhenReadBackWhatItDidWhenItWasTrained) {
  document_["training"]["target"] = {
      {"transform", {"scale", "log1p"}}, {"scale", "same_day"}, {"not_negative", true}};
  document_["training"]["transforms"] = {{"last", {{"impute", "mean"}, {"scale", true}}}};
  TrainVersion(GetParam().strategy, GetParam().scope);
  const PipelineSpec spec = *preprocessing::ParsePipelineSpec(document_.dump(), folder_.path());
  const TrainingPlan plan = ReadTrainingPlan(JsonNode(document_), spec, TrainerKinds());
  const Bits expected = Predict(TrainAgain(spec, plan).model(), spec, plan);
  EXPECT_EQ(expected.size(), kShops * kHorizon);
  EXPECT_EQ(PredictLoaded(), expected);
}

TEST_P(EveryShape, IsWrittenAgainAsTheSameBytes) {
  TrainVersion(GetParam().strategy, GetParam().scope);
  const ForecastVersion version = *ForecastVersion::Read(Info());
  const TrainingPlan plan = ReadTrainingPlan(JsonNode(document_), version.spec(), TrainerKinds());
  const auto files = TrainAgain(version.spec(), plan).Files();
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_FALSE(files->empty());
  for (const ArtefactFile& file : *files) {
    EXPECT_EQ(file.bytes, ReadWhole(Info().folder / file.path)) << file.path;
  }
}

/// The model of the last fold, published and read back, is asked row by row as a server would be:
/// every forecast that the validation judged, bit for bit. Later steps of a recursive forecast are
/// asked of forecasts, and not here.
TEST_P(EveryShape, ForecastsRowByRowWhatTheValidationJudged) {
  document_["training"]["target"] = {
      {"transform", {"scale", "log1p"}}, {"scale", "same_day"}, {"not_negative", true}};
  document_["training"]["transforms"] = {{"last", {{"impute", "mean"}, {"scale", true}}}};
  document_["training"]["hidden"] = {"week_ago"};
  TrainVersion(GetParam().strategy, GetParam().scope);
  const PipelineSpec spec = *preprocessing::ParsePipelineSpec(document_.dump(), folder_.path());
  const TrainingPlan plan = ReadTrainingPlan(JsonNode(document_), spec, TrainerKinds());
  const auto data = *ForecastData::Open(spec, folder_.path() / "o.db.snapshots");
  const auto all = *data->grid().AllPeriods();
  const StepExamples examples =
      *StepExamples::Compute(*data, plan, {all.first, all.last}, data->AllKeys());
  const Backtest backtest = **RunBacktest(*data, plan, examples, {all.first, all.last},
                                          [](const BacktestStage&) { return true; });
  const Fold& fold = backtest.folds.back();
  const auto trained = *TrainedForecast::Train(*data, plan, examples, fold.train,
                                               [](const TrainingStage&) { return true; });
  const preprocessing::TempFolder place;
  const auto model = ForecastModel::Load(WriteFiles(*trained->Files(), place), spec, plan);
  ASSERT_TRUE(model) << model.error().message;

  std::size_t asked = 0;
  for (const JudgedForecast& judged : backtest.rows) {
    const auto& [point, step, value] = judged.forecast;
    if (judged.fold + 1 != backtest.folds.size()) continue;
    if (step > 1 && GetParam().strategy == std::string("recursive")) continue;
    const PointExamples& of_step = examples.of_model(std::min(step, examples.model_count()) - 1);
    const auto found =
        std::ranges::find_if(of_step.points, [&wanted = point](const ForecastPoint& one) {
          return one.key == wanted.key && one.period == wanted.period;
        });
    const auto row = static_cast<std::size_t>(found - of_step.points.begin());
    const Predictor* const predictor =
        model->ModelOf(step, *model->FindKey(data->grid().KeyBytes(point.key)));
    ASSERT_NE(predictor, nullptr);
    const double answer = AnswerTo(
        *predictor, ValuesOf(of_step.features, row, plan.inputs.features, spec.features.size()),
        of_step.references[row])[0];
    ASSERT_EQ(std::bit_cast<std::uint64_t>(std::max(answer, 0.0)),
              std::bit_cast<std::uint64_t>(value));
    ++asked;
  }
  EXPECT_GE(asked, static_cast<std::size_t>(kShops));
}

/// As it was published before versions of all kinds were written by the same code, and had the
/// forests that are served beside the trees.
TEST(PublishedForecast, OfBeforeIsReadAndWouldBeWrittenAlike) {
  const Registry registry(FORKCAST_SOURCE_DIR "/tests/data/published");
  const auto version = ForecastVersion::Read(*registry.Find("sales", "1"));
  ASSERT_TRUE(version) << version.error().message;
  const auto model = version->Model();
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->keys().size(), 2U);
  const fs::path folder = version->info().folder;
  std::vector<ArtefactFile> files;
  ASSERT_TRUE(AppendKeys(model->keys(), files));
  for (std::size_t step = 0; step < model->predictors().size(); ++step) {
    for (std::size_t key = 0; key < model->keys().size(); ++key) {
      const std::string stem = StemOf(step, key);
      AppendFiles(*model->predictors()[step][key], {}, stem, files);
      const std::string trees = ReadWhole(folder / ModelPath(stem + ".ubj"));
      EXPECT_EQ(*(*Booster::Load(trees, 1))->Save("ubj"), trees);
    }
  }
  EXPECT_GT(files.size(), 2U);
  for (const ArtefactFile& file : files) {
    EXPECT_EQ(file.bytes, ReadWhole(folder / file.path)) << file.path;
  }
  const auto reference = version->ReadReference();
  ASSERT_TRUE(reference) << reference.error().message;
  EXPECT_EQ(reference->features["weekday"]["max"], 7);
  EXPECT_EQ(reference->outputs["value"]["rows"], 8);
}

INSTANTIATE_TEST_SUITE_P(Shapes, EveryShape,
                         testing::Values(Shape{"direct", "global"}, Shape{"direct", "per_key"},
                                         Shape{"shared", "global"}, Shape{"shared", "per_key"},
                                         Shape{"recursive", "global"},
                                         Shape{"recursive", "per_key"}),
                         [](const auto& param) {
                           return std::string(param.param.strategy) + "_" + param.param.scope;
                         });

TEST_F(ForecastVersionTest, KnowsKeysByTheirValuesWhateverTheirNumbersAre) {
  TrainVersion();
  const Bits before = PredictLoaded();
  std::ranges::reverse(amounts_);
  for (int day = 0; day < kDays; ++day) amounts_.insert(amounts_.begin(), {"new", day, 5});
  Ingest();
  Bits after = PredictLoaded();
  const double of_new = std::bit_cast<double>(after.at({"new", 1}));
  EXPECT_TRUE(std::isnan(of_new)) << "it has no model";
  std::erase_if(after, [](const auto& one) { return one.first.first == "new"; });
  EXPECT_EQ(after, before);
}

TEST_F(ForecastVersionTest, KeepsTheSeedThatWasUsed) {
  Ingest();
  ASSERT_EQ(Train({"--seed", "9"}), ExitCode::kDone) << err();
  EXPECT_EQ(ForecastVersion::Read(Info())->plan().setting.seed, 9U);
}

TEST_F(ForecastVersionTest, TellsWhichFileWasChangedOrIsMissing) {
  TrainVersion("shared");
  const ordered_json manifest = ordered_json::parse(ReadWhole(version(1) / "manifest.json"));
  for (const ordered_json& file : manifest["files"]) {
    const std::string name = file["path"];
    const std::string bytes = ReadWhole(version(1) / name);
    std::string changed = bytes;
    changed[changed.size() / 2] ^= 1;
    std::ofstream(version(1) / name, std::ios::binary) << changed;
    const auto flipped = ForecastVersion::Read(Info());
    ASSERT_FALSE(flipped) << name;
    EXPECT_EQ(flipped.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(flipped.error().message, HasSubstr(name));
    fs::remove(version(1) / name);
    const auto missing = ForecastVersion::Read(Info());
    ASSERT_FALSE(missing) << name;
    EXPECT_EQ(missing.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(missing.error().message, HasSubstr(name));
    std::ofstream(version(1) / name, std::ios::binary) << bytes;
  }
  EXPECT_TRUE(ForecastVersion::Read(Info()));
}

struct BadManifest {
  const char* name;
  std::function<void(ordered_json& manifest)> spoil;
  ErrorCode code;
  std::string message;
};
class BadManifests : public ForecastVersionTest, public testing::WithParamInterface<BadManifest> {};

TEST_P(BadManifests, AreToldWithTheirPlace) {
  TrainVersion("shared");
  ordered_json manifest = ordered_json::parse(ReadWhole(version(1) / "manifest.json"));
  GetParam().spoil(manifest);
  std::ofstream(version(1) / "manifest.json") << manifest.dump();
  const auto version = ForecastVersion::Read(Info());
  const auto model = version ? version->Model() : Result<ForecastModel>(version.error());
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, GetParam().code);
  EXPECT_THAT(model.error().message, HasSubstr(GetParam().message));
}

using Json = ordered_json;
INSTANTIATE_TEST_SUITE_P(
    Cases, BadManifests,
    testing::Values(
        BadManifest{"OfLaterDays", [](Json& manifest) { manifest["format"] = 2; },
                    ErrorCode::kInvalidArgument, "manifest.json: $.format: expected 1, got 2"},
        BadManifest{"OfAnotherKind", [](Json& manifest) { manifest["kind"] = "classifier"; },
                    ErrorCode::kInvalidArgument, "manifest.json: $.kind: expected a forecast"},
        BadManifest{"WithoutSeed", [](Json& manifest) { manifest.erase("seed"); },
                    ErrorCode::kCorrupt, "seed"},
        BadManifest{
            "OfAnotherPipeline",
            [](Json& manifest) { manifest["pipeline"]["hash"] = preprocessing::ContentHash("x"); },
            ErrorCode::kCorrupt, "pipeline.json: not the pipeline of manifest.json"},
        BadManifest{"WithoutPipeline",
                    [](Json& manifest) {
                      auto& files = manifest["files"];
                      for (auto file = files.begin(); file != files.end(); ++file) {
                        if ((*file)["path"] != "pipeline.json") continue;
                        files.erase(file);
                        break;
                      }
                    },
                    ErrorCode::kCorrupt, "no pipeline.json"},
        BadManifest{"WithoutFiles", [](Json& manifest) { manifest.erase("files"); },
                    ErrorCode::kCorrupt, "files"},
        BadManifest{"WithAFileElsewhere",
                    [](Json& manifest) { manifest["files"][0]["path"] = "../2/model/1.ubj"; },
                    ErrorCode::kCorrupt, "$.files[0].path: expected a path inside"},
        BadManifest{"WithoutAModelsFile", [](Json& manifest) { manifest["files"].erase(0); },
                    ErrorCode::kCorrupt, "model/1/0.ubj: missing"},
        BadManifest{"OfOtherModels", [](Json& manifest) { manifest["models"] = 4; },
                    ErrorCode::kCorrupt, "3 models, but manifest.json says 4"}),
    [](const auto& param) { return std::string(param.param.name); });

struct BadFile {
  const char* name;
  const char* path;
  std::function<void(std::string& bytes)> spoil;
  std::string message;
};
class BadFiles : public ForecastVersionTest, public testing::WithParamInterface<BadFile> {};

TEST_P(BadFiles, AreToldWithTheirName) {
  TrainVersion();
  const ForecastVersion version = *ForecastVersion::Read(Info());
  std::vector<PublishedFile> files(version.files().begin(), version.files().end());
  Spoil(files, GetParam().path, GetParam().spoil);
  const auto model = ForecastModel::Load(files, version.spec(), version.plan());
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(model.error().message,
              AllOf(HasSubstr(GetParam().path), HasSubstr(GetParam().message)));
}

/// Changes a file's JSON.
std::function<void(std::string&)> Edit(const std::function<void(Json&)>& edit) {
  return [edit](std::string& bytes) {
    Json json = Json::parse(bytes);
    edit(json);
    bytes = json.dump();
  };
}
void Cut(std::string& bytes) { bytes.resize(bytes.size() / 2); }
void Remove(std::string& bytes) { bytes.clear(); }

constexpr const char* kKeys = "model/keys.json";
constexpr const char* kTrees = "model/3/1.ubj";
constexpr const char* kForest = "model/3/1.forest";
constexpr const char* kShap = "model/3/1.shap";
constexpr const char* kTransforms = "model/3/1.transforms.json";

INSTANTIATE_TEST_SUITE_P(
    Cases, BadFiles,
    testing::Values(
        BadFile{"CutForest", kForest, Cut, ""},
        BadFile{"ForestOfNobody", kForest, [](std::string& bytes) { bytes = "{}"; }, ""},
        BadFile{"CutShap", kShap, Cut, ""},
        BadFile{"ShapOfNobody", kShap, [](std::string& bytes) { bytes = "{}"; }, "not a SHAP file"},
        BadFile{"NoTrees", kTrees, Remove, "missing"},
        BadFile{"CutTransforms", kTransforms, Cut, "not JSON"},
        BadFile{"NoTransforms", kTransforms, Remove, "missing"},
        BadFile{"TransformsOfOtherFeatures", kTransforms,
                Edit([](Json& json) { json["transforms"]["features"][0]["name"] = "price"; }),
                "the features are not those of the pipeline"},
        BadFile{"TransformsInAnotherOrder", kTransforms, Edit([](Json& json) {
                  auto& features = json["transforms"]["features"];
                  std::swap(features[0], features[1]);
                }),
                "the features are not those of the pipeline"},
        BadFile{"TransformsOfLaterDays", kTransforms,
                Edit([](Json& json) { json["transforms"]["format_version"] = 2; }),
                "$.transforms.format_version"},
        BadFile{"AnotherTarget", kTransforms,
                Edit([](Json& json) { json["target"]["steps"] = {"log1p"}; }),
                "$.target: not the pipeline's"},
        BadFile{"MoreThanTransforms", kTransforms, Edit([](Json& json) { json["scale"] = 1; }),
                "$.scale: unknown key"},
        BadFile{"NoKeys", kKeys, Remove, "missing"}, BadFile{"CutKeys", kKeys, Cut, "not JSON"},
        BadFile{"KeysByTheirNames", kKeys, Edit([](Json& json) {
                  json = {"000", "001", "002"};
                }),
                "expected an object"},
        BadFile{"KeysOfLaterDays", kKeys, Edit([](Json& json) { json["format_version"] = 2; }),
                "$.format_version"},
        BadFile{"OtherColumns", kKeys,
                Edit([](Json& json) { json["columns"][0]["type"] = "int64"; }),
                "$.columns: expected the key columns of series \"daily\""},
        BadFile{"AKeyTwice", kKeys, Edit([](Json& json) { json["keys"][2]["values"] = {"001"}; }),
                "$.keys[2]: key 001 is given twice"},
        BadFile{"AKeyOfTwoColumns", kKeys, Edit([](Json& json) {
                  json["keys"][1]["values"] = {"001", "x"};
                }),
                "$.keys[1].values: expected 1 value"},
        BadFile{"AKeyThatIsANumber", kKeys,
                Edit([](Json& json) { json["keys"][1]["values"] = {1}; }),
                "$.keys[1].values[0]: expected a text"},
        BadFile{"AStepThatNoModelHas", kKeys,
                Edit([](Json& json) { json["keys"][1]["missing_steps"] = {8}; }),
                "$.keys[1].missing_steps[0]"}),
    [](const auto& param) { return std::string(param.param.name); });

/// The trees, where no forest is beside them: as versions of before are.
struct BadTrees {
  const char* name;
  std::function<void(std::string& bytes)> spoil;
  std::string message;
};
class TreesOfBefore : public ForecastVersionTest, public testing::WithParamInterface<BadTrees> {};

TEST_P(TreesOfBefore, AreToldWithTheirNameWhenTheyCannotBeRead) {
  TrainVersion();
  const ForecastVersion version = *ForecastVersion::Read(Info());
  std::vector<PublishedFile> files(version.files().begin(), version.files().end());
  Spoil(files, kForest, Remove);
  ASSERT_TRUE(ForecastModel::Load(files, version.spec(), version.plan()));
  Spoil(files, kTrees, GetParam().spoil);
  const auto model = ForecastModel::Load(files, version.spec(), version.plan());
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(model.error().message, AllOf(HasSubstr("model/3/1"), HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(Cases, TreesOfBefore,
                         testing::Values(BadTrees{"Cut", Cut, ""},
                                         BadTrees{"OfNobody",
                                                  [](std::string& bytes) { bytes = "{}"; }, ""},
                                         BadTrees{"Gone", Remove, "missing"}),
                         [](const auto& param) { return std::string(param.param.name); });

TEST_F(ForecastVersionTest, AnswersAlikeFromTheTreesAloneAndFromTheForestBesideThem) {
  TrainVersion("recursive");
  const Bits mapped = PredictLoaded();
  const ForecastVersion version = *ForecastVersion::Read(Info());
  std::vector<PublishedFile> files(version.files().begin(), version.files().end());
  EXPECT_EQ(std::erase_if(files,
                          [](const PublishedFile& file) { return file.path.ends_with(".forest"); }),
            kShops);
  const auto model = ForecastModel::Load(files, version.spec(), version.plan());
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(Predict(*model, version.spec(), version.plan()), mapped);
}

TEST_F(ForecastVersionTest, ExplainsUnlessItIsOfBefore) {
  TrainVersion();
  const ForecastVersion version = *ForecastVersion::Read(Info());
  std::vector<PublishedFile> files(version.files().begin(), version.files().end());
  const auto whole = ForecastModel::Load(files, version.spec(), version.plan());
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(whole->explained(), Explained::kYes);
  std::erase_if(files, [](const PublishedFile& file) { return file.path.ends_with(".shap"); });
  const auto before = ForecastModel::Load(files, version.spec(), version.plan());
  ASSERT_TRUE(before) << before.error().message;
  EXPECT_EQ(before->explained(), Explained::kNotPublished);
}

TEST_F(ForecastVersionTest, RefusesAModelThatBelongsToNoKey) {
  TrainVersion();
  const ForecastVersion version = *ForecastVersion::Read(Info());
  std::vector<PublishedFile> files(version.files().begin(), version.files().end());
  files.push_back({.path = "model/3/3.ubj", .place = {}});
  const auto extra = ForecastModel::Load(files, version.spec(), version.plan());
  ASSERT_FALSE(extra);
  EXPECT_EQ(extra.error().message, "model/3/3.ubj: belongs to no step and key");
}

TEST_F(ForecastVersionTest, KeepsKeysOfSeveralTypesApart) {
  const preprocessing::SeriesSpec series = [] {
    ordered_json document = Pipeline();
    document["tables"]["sales"]["columns"] = {
        {"a", "text"},          {"b", "text"},        {"n", "int64"},      {"flag", "bool"},
        {"since", "timestamp"}, {"day", "timestamp"}, {"amount", "double"}};
    document["series"]["daily"]["key"] = {"a", "b", "n", "flag", "since"};
    document["request"]["fields"] = document["tables"]["sales"]["columns"];
    document["request"]["fields"].erase("amount");
    document["request"]["time"] = "day";
    document["forecast"]["key"] = document["series"]["daily"]["key"];
    for (int i = 0; i < 3; ++i) document["features"][i]["key"] = document["forecast"]["key"];
    const auto spec = preprocessing::ParsePipelineSpec(document.dump(), "");
    EXPECT_TRUE(spec) << spec.error().message;
    return spec->series.front();
  }();
  using Values = std::vector<preprocessing::Value>;
  using namespace std::string_view_literals;
  const Instant since = FromMicros(1'700'000'000'000'001);
  const std::vector<Values> all{{"a,b"sv, "c"sv, std::int64_t{-7}, true, since},
                                {"a"sv, "b,c"sv, std::int64_t{-7}, true, since},
                                {"a"sv, "b,c"sv, std::int64_t{-7}, false, since}};
  ModelKeys keys(series);
  for (const Values& values : all) keys.Add(values);
  EXPECT_EQ(JoinedKey(all[0]), JoinedKey(all[1]));
  EXPECT_EQ(keys.size(), 3U);
  keys.SetMissingSteps(1, {2, 3});
  const ordered_json json = keys.ToJson();
  EXPECT_EQ(json["keys"][0]["values"].dump(),
            R"(["a,b","c",-7,true,"2023-11-14T22:13:20.000001Z"])");
  const ModelKeys again = ModelKeys::FromJson(JsonNode(json), series, 3);
  EXPECT_EQ(again.ToJson(), json);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(again.Find(all[i]), i);
    EXPECT_EQ(again.Values(i), all[i]);
  }
}

}  // namespace
}  // namespace forkcast::model
