#include "model/classify/classifier_version.hpp"

#include <algorithm>
#include <fstream>

#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "model/artefact/registry.hpp"
#include "model/classify/class_files.hpp"
#include "model/classify/delivery_testing.hpp"
#include "model/classify/judgement.hpp"
#include "model/classify/labelled_examples.hpp"
#include "model/classify/time_split.hpp"
#include "model/learn/model_files.hpp"
#include "model/learn/trainers/trainer_kinds.hpp"
#include "model/learn/version_testing.hpp"
#include "model/learn/xgboost/booster.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ReadWhole;
using testing::AllOf;
using testing::HasSubstr;

class ClassifierVersionTest : public ClassifierCommandTest {
 protected:
  [[nodiscard]] VersionInfo Info() const { return *Registry(models()).Find("delivery", "1"); }
  void TrainVersion() {
    Ingest();
    ASSERT_THAT(Train(), testing::AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
  }
  /// All labelled rows of the store, as `spec` sees them.
  [[nodiscard]] LabelledRows Rows(const preprocessing::PipelineSpec& spec) const {
    const auto dao = *preprocessing::OpenStore(store(), preprocessing::StoreAccess::kReadOnly);
    return *LabelledRows::Read(*dao, spec, {}, {});
  }
  /// To train as the version was.
  [[nodiscard]] ClassifierPlan Plan(const preprocessing::PipelineSpec& spec) const {
    return ReadClassifierPlan(preprocessing::JsonNode(document_), spec, TrainerKinds());
  }
  [[nodiscard]] LabelledExamples Examples(const preprocessing::PipelineSpec& spec,
                                          const LabelledRows& rows,
                                          const ClassifierPlan& plan) const {
    const auto snapshots = *preprocessing::OpenSnapshots(spec, folder_.path() / "o.db.snapshots");
    return *LabelledExamples::Compute(spec, snapshots, rows, plan);
  }
};

struct Labels {
  const char* name;
  const char* type;
  std::function<std::string(const Order&)> of;
  std::size_t classes;
};
class EveryLabel : public ClassifierVersionTest, public testing::WithParamInterface<Labels> {};

TEST_P(EveryLabel, AnswersWhenReadBackWhatItDidWhenItWasTrained) {
  UseLabels(GetParam().type, GetParam().of);
  document_["training"]["transforms"] = {{"shop", {{"encode", "one_hot"}}},
                                         {"level", {{"scale", true}}}};
  TrainVersion();
  const auto version = ClassifierVersion::Read(Info());
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(version->classes().size(), GetParam().classes);
  const auto model = version->Model();
  ASSERT_TRUE(model) << model.error().message;

  const LabelledRows rows = Rows(version->spec());
  EXPECT_EQ(version->classes(), rows.classes());
  const LabelledExamples examples = Examples(version->spec(), rows, version->plan());
  const auto trained =
      *TrainedClassifier::Train(Plan(version->spec()), examples, RowNumbers(0, examples.size()),
                                rows.classes(), [](std::size_t, std::size_t) { return true; });
  const auto matrix = *model->Matrix(examples, RowNumbers(0, examples.size()));
  EXPECT_EQ(matrix, *trained->model().Matrix(examples, RowNumbers(0, examples.size())));
  const auto answers = model->Predict(matrix);
  EXPECT_EQ(answers, trained->model().Predict(matrix));
  EXPECT_EQ(answers.size(), kRows * (1 + GetParam().classes));
}

/// The model of the last fold, published and read back, is asked row by row as a server would be.
TEST_P(EveryLabel, AnswersRowByRowWhatTheValidationJudged) {
  UseLabels(GetParam().type, GetParam().of);
  document_["training"]["transforms"] = {{"shop", {{"encode", "one_hot"}}},
                                         {"level", {{"scale", true}}}};
  Ingest();
  const auto spec = *preprocessing::ParsePipelineSpec(document_.dump(), {});
  const ClassifierPlan plan = Plan(spec);
  const LabelledRows rows = Rows(spec);
  const LabelledExamples examples = Examples(spec, rows, plan);
  const auto go_on = [](std::size_t, std::size_t) { return true; };
  const std::vector<TimeFold> folds = *SplitByTime(rows.times(), plan.split);
  const ClassifierJudgement judgement =
      **JudgeClassifier(plan, examples, rows.classes(), folds, go_on);
  const auto trained = *TrainedClassifier::Train(
      plan, examples, RowNumbers(0, judgement.folds.back().train_rows), rows.classes(), go_on);
  const preprocessing::TempFolder place;
  const auto model =
      ClassifierModel::Load(WriteFiles(trained->Files(), place), plan, rows.classes());
  ASSERT_TRUE(model) << model.error().message;
  ASSERT_EQ(judgement.rows.size(), static_cast<std::size_t>(kTestRows));
  for (const JudgedRow& judged : judgement.rows) {
    const std::vector<double> answer = AnswerTo(
        model->predictor(),
        ValuesOf(examples.features, judged.example, plan.inputs.features, spec.features.size()));
    ASSERT_EQ(answer[0], judged.taken_for);
    ASSERT_EQ(answer[1 + judged.taken_for], judged.probability);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Labels, EveryLabel,
    testing::Values(Labels{"Bool", "bool",
                           [](const Order& order) { return order.pieces < 4 ? "true" : "false"; },
                           2},
                    Labels{"ThreeTexts", "text",
                           [](const Order& order) {
                             return order.pieces < 3 ? "few" : order.pieces < 6 ? "some" : "many";
                           },
                           3},
                    Labels{"Numbers", "int64",
                           [](const Order& order) { return std::to_string(order.pieces / 3); }, 3}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(ClassifierVersionTest, IsWrittenAgainAsTheSameBytes) {
  TrainVersion();
  const auto version = ClassifierVersion::Read(Info());
  ASSERT_TRUE(version) << version.error().message;
  const LabelledRows rows = Rows(version->spec());
  const ClassifierPlan plan = Plan(version->spec());
  const LabelledExamples examples = Examples(version->spec(), rows, plan);
  const auto trained =
      *TrainedClassifier::Train(plan, examples, RowNumbers(0, examples.size()), rows.classes(),
                                [](std::size_t, std::size_t) { return true; });
  std::vector<ArtefactFile> files = trained->Files();
  EXPECT_EQ(files.size(), 4U);
  files.push_back(ClassesFile(version->classes(), version->spec()));
  for (const ArtefactFile& file : files) {
    EXPECT_EQ(file.bytes, ReadWhole(Info().folder / file.path)) << file.path;
  }
}

TEST_F(ClassifierVersionTest, KeepsTheSeedThatWasUsed) {
  Ingest();
  ASSERT_EQ(Train({"--seed", "9"}), ExitCode::kDone) << err();
  EXPECT_EQ(ClassifierVersion::Read(Info())->plan().setting.seed, 9U);
}

TEST_F(ClassifierVersionTest, TellsWhichFileWasChangedOrIsMissing) {
  TrainVersion();
  const std::vector<PublishedFile> files = Registry::Check(Info())->files;
  EXPECT_EQ(files.size(), 8U);
  for (const PublishedFile& file : files) {
    const fs::path& path = file.place;
    const std::string bytes = ReadWhole(path);
    std::string changed = bytes;
    changed[changed.size() / 2] ^= 1;
    std::ofstream(path, std::ios::binary) << changed;
    const auto flipped = ClassifierVersion::Read(Info());
    ASSERT_FALSE(flipped) << file.path;
    EXPECT_EQ(flipped.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(flipped.error().message, HasSubstr(path.string()));
    fs::remove(path);
    EXPECT_FALSE(ClassifierVersion::Read(Info())) << file.path;
    std::ofstream(path, std::ios::binary) << bytes;
  }
  EXPECT_TRUE(ClassifierVersion::Read(Info()));
}

struct BadFile {
  const char* name;
  const char* path;
  std::function<void(std::string& bytes)> spoil;
  std::string message;
};
class BadModelFiles : public ClassifierVersionTest, public testing::WithParamInterface<BadFile> {};

TEST_P(BadModelFiles, AreToldWithTheirName) {
  TrainVersion();
  const auto version = ClassifierVersion::Read(Info());
  ASSERT_TRUE(version) << version.error().message;
  std::vector<PublishedFile> files(version->files().begin(), version->files().end());
  Spoil(files, GetParam().path, GetParam().spoil);
  const auto model = ClassifierModel::Load(files, version->plan(), version->classes());
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(model.error().message,
              AllOf(HasSubstr(GetParam().path), HasSubstr(GetParam().message)));
}

void Cut(std::string& bytes) { bytes.resize(bytes.size() / 2); }
void Remove(std::string& bytes) { bytes.clear(); }
std::function<void(std::string&)> Edit(const std::function<void(ordered_json&)>& edit) {
  return [edit](std::string& bytes) {
    ordered_json json = ordered_json::parse(bytes);
    edit(json);
    bytes = json.dump();
  };
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadModelFiles,
    testing::Values(BadFile{"CutTrees", "model/1.forest", Cut, ""},
                    BadFile{"NoTrees", "model/1.ubj", Remove, "missing"},
                    BadFile{"NoTransforms", "model/1.transforms.json", Remove, "missing"},
                    BadFile{"CutTransforms", "model/1.transforms.json", Cut, "not JSON"},
                    BadFile{"TransformsOfOtherFeatures", "model/1.transforms.json",
                            Edit([](ordered_json& json) {
                              json["transforms"]["features"][0]["name"] = "price";
                            }),
                            "the features are not those of the pipeline"},
                    BadFile{"ATarget", "model/1.transforms.json",
                            Edit([](ordered_json& json) { json["target"] = {"log1p"}; }),
                            "$.target: unknown key"},
                    BadFile{"AnotherModel", "model/2.ubj", Cut, "belongs to no model"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(ClassifierVersionTest, RefusesAModelOfAnotherNumberOfClasses) {
  TrainVersion();
  const auto version = ClassifierVersion::Read(Info());
  const std::vector<ClassLabel> three{std::int64_t{1}, std::int64_t{2}, std::int64_t{3}};
  const auto model = ClassifierModel::Load(version->files(), version->plan(), three);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().message, "model/1.ubj: expected a model that answers 3 numbers");
}

struct BadClasses {
  const char* name;
  const char* json;
  std::string message;
};
class ClassesThatAreNone : public ClassifierVersionTest,
                           public testing::WithParamInterface<BadClasses> {};

TEST_P(ClassesThatAreNone, AreToldWithTheirPath) {
  const auto spec = *preprocessing::ParsePipelineSpec(document_.dump(), {});
  try {
    static_cast<void>(ReadClasses({"classes.json", GetParam().json}, spec));
    FAIL() << "expected an error";
  } catch (const preprocessing::SpecError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("classes.json: "), HasSubstr(GetParam().message)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ClassesThatAreNone,
    testing::Values(BadClasses{"NoJson", "{", "not JSON"},
                    BadClasses{"OfAnotherLabel", R"({"label": "x", "classes": [false, true]})",
                               "$.label: expected the pipeline's label \"delivered\""},
                    BadClasses{"OfAnotherType", R"({"label": "delivered", "classes": ["a", "b"]})",
                               "$.classes[0]"},
                    BadClasses{"OneAlone", R"({"label": "delivered", "classes": [false]})",
                               "$.classes: expected two classes at least"},
                    BadClasses{"OneTwice", R"({"label": "delivered", "classes": [true, true]})",
                               "$.classes[1]: expected the classes in ascending order"}),
    [](const auto& param) { return std::string(param.param.name); });

/// As it was published before versions of all kinds were written by the same code, and had the
/// forest that is served beside the trees.
TEST(PublishedClassifier, OfBeforeIsReadAndWouldBeWrittenAlike) {
  const Registry registry(FORKCAST_SOURCE_DIR "/tests/data/published");
  const auto version = ClassifierVersion::Read(*registry.Find("delivery", "1"));
  ASSERT_TRUE(version) << version.error().message;
  const auto model = version->Model();
  ASSERT_TRUE(model) << model.error().message;
  const fs::path folder = version->info().folder;
  std::vector<ArtefactFile> files{ClassesFile(version->classes(), version->spec())};
  AppendFiles(model->predictor(), {}, "1", files);
  EXPECT_EQ(files.size(), 2U);
  for (const ArtefactFile& file : files) {
    EXPECT_EQ(file.bytes, ReadWhole(folder / file.path)) << file.path;
  }
  const std::string trees = ReadWhole(folder / "model/1.ubj");
  EXPECT_EQ(*(*Booster::Load(trees, 1))->Save("ubj"), trees);
  const auto reference = version->ReadReference();
  ASSERT_TRUE(reference) << reference.error().message;
  EXPECT_EQ(reference->features["hour"]["rows"], 120);
  EXPECT_EQ(reference->outputs["class"]["categories"], ordered_json({{"false", 27}, {"true", 9}}));
  EXPECT_EQ(reference->outputs["probability"]["rows"], 36);
}

}  // namespace
}  // namespace forkcast::model
