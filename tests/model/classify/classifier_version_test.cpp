#include "model/classify/classifier_version.hpp"

#include <algorithm>
#include <fstream>

#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "model/artefact/registry.hpp"
#include "model/classify/class_files.hpp"
#include "model/classify/delivery_testing.hpp"
#include "model/classify/labelled_examples.hpp"

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
      *ClassifierModel::Train(version->plan(), examples, examples.size(), rows.classes(),
                              [](std::size_t, std::size_t) { return true; });
  const auto matrix = *model->Matrix(examples, 0, examples.size());
  EXPECT_EQ(matrix, *trained->Matrix(examples, 0, examples.size()));
  const auto answers = *model->Predict(matrix);
  EXPECT_EQ(answers, *trained->Predict(matrix));
  EXPECT_EQ(answers.size(), kRows * GetParam().classes);
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
  std::vector<ArtefactFile> files = *version->Model()->Files();
  files.push_back(ClassesFile(version->classes(), version->spec()));
  for (const ArtefactFile& file : files) {
    EXPECT_EQ(file.bytes, ReadWhole(Info().folder / file.path)) << file.path;
  }
}

TEST_F(ClassifierVersionTest, KeepsTheSeedThatWasUsed) {
  Ingest();
  ASSERT_EQ(Train({"--seed", "9"}), ExitCode::kDone) << err();
  EXPECT_EQ(ClassifierVersion::Read(Info())->plan().trainer.seed, 9U);
}

TEST_F(ClassifierVersionTest, TellsWhichFileWasChangedOrIsMissing) {
  TrainVersion();
  const auto files = *Registry::ReadFiles(Info());
  for (const ArtefactFile& file : files) {
    if (file.path == "manifest.json") continue;
    const fs::path path = Info().folder / file.path;
    std::string bytes = file.bytes;
    bytes[bytes.size() / 2] ^= 1;
    std::ofstream(path, std::ios::binary) << bytes;
    const auto flipped = ClassifierVersion::Read(Info());
    ASSERT_FALSE(flipped) << file.path;
    EXPECT_EQ(flipped.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(flipped.error().message, HasSubstr(path.string()));
    fs::remove(path);
    EXPECT_FALSE(ClassifierVersion::Read(Info())) << file.path;
    std::ofstream(path, std::ios::binary) << file.bytes;
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
  std::vector<ArtefactFile> files(version->files().begin(), version->files().end());
  const auto file = std::ranges::find(files, GetParam().path, &ArtefactFile::path);
  if (file != files.end()) {
    GetParam().spoil(file->bytes);
  } else {
    files.push_back({GetParam().path, "x"});
  }
  std::erase_if(files, [](const ArtefactFile& one) { return one.bytes.empty(); });
  const auto model = ClassifierModel::Load(files, version->plan(), version->classes().size());
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
    testing::Values(BadFile{"CutTrees", "model/1.ubj", Cut, "not a model of XGBoost"},
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
  const auto model = ClassifierModel::Load(version->files(), version->plan(), 3);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().message,
            "model/1.ubj: expected a model for multiclass that answers 3 numbers");
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

/// As it was published before versions of all kinds were written by the same code.
TEST(PublishedClassifier, OfBeforeIsReadAndWouldBeWrittenAlike) {
  const Registry registry(FORKCAST_SOURCE_DIR "/tests/data/published");
  const auto version = ClassifierVersion::Read(*registry.Find("delivery", "1"));
  ASSERT_TRUE(version) << version.error().message;
  const auto model = version->Model();
  ASSERT_TRUE(model) << model.error().message;
  std::vector<ArtefactFile> files = *model->Files();
  files.push_back(ClassesFile(version->classes(), version->spec()));
  for (const ArtefactFile& file : files) {
    EXPECT_EQ(file.bytes, ReadWhole(version->info().folder / file.path)) << file.path;
  }
  const auto reference = version->ReadReference();
  ASSERT_TRUE(reference) << reference.error().message;
  EXPECT_EQ(reference->features["hour"]["rows"], 120);
  EXPECT_EQ(reference->outputs["class"]["categories"], ordered_json({{"false", 27}, {"true", 9}}));
  EXPECT_EQ(reference->outputs["probability"]["rows"], 36);
}

}  // namespace
}  // namespace forkcast::model
