#include "model/export/exported_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "data_preprocessing/document/content_hash.hpp"
#include "model/artefact/registry.hpp"
#include "model/learn/model_files.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using testing::HasSubstr;

constexpr std::string_view kPipeline = R"({
  "name": "shop", "version": "3", "tables": {}, "series": {},
  "request": {"fields": {"price": "double", "time": "timestamp"}, "time": "time"},
  "features": [{"op": "field", "field": "price"}]})";

constexpr std::string_view kAround =
    R"({"transforms": {"format": "forkcast.transforms", "format_version": 1, "features": [{"name": "price", "kind": "number"}]},
        "target": {"steps": ["log1p"]}})";

std::string LineOf(double intercept) {
  return LinearModel({.algorithm = "ridge",
                      .features = {"price"},
                      .inputs = {{.feature = 0}},
                      .polynomial = {},
                      .outputs = {{.intercept = intercept, .coefficients = {2}}}})
      .Write();
}

class ReadTrainedTest : public testing::Test {
 protected:
  VersionInfo Publish(std::vector<ArtefactFile> files, const char* kind = "forecast") {
    const ordered_json document = ordered_json::parse(kPipeline);
    const ordered_json manifest{{"format", 1},
                                {"kind", kind},
                                {"pipeline",
                                 {{"name", "shop"},
                                  {"version", "3"},
                                  {"hash", preprocessing::ContentHash(document.dump())}}},
                                {"seed", 0},
                                {"libraries", {{"forkcast", "9.9"}}}};
    files.push_back(PipelineFile(document));
    const Registry registry(folder_.path());
    const Result<std::uint64_t> number = registry.Publish("demand", manifest, files, {});
    EXPECT_TRUE(number) << number.error().message;
    return *registry.Find("demand", std::to_string(*number));
  }

  static std::vector<ArtefactFile> Lines(const std::vector<std::string>& stems) {
    std::vector<ArtefactFile> files;
    for (const std::string& stem : stems) {
      files.push_back({"model/" + stem + ".linear.json", LineOf(files.empty() ? 1 : 7)});
      files.push_back({"model/" + stem + ".transforms.json", std::string(kAround)});
    }
    return files;
  }

  static std::string ErrorOf(const VersionInfo& info, std::string_view part = {}) {
    const Result<ExportableModel> model = ReadTrained(info, part);
    EXPECT_FALSE(model);
    return model ? "" : model.error().message;
  }

  preprocessing::TempFolder folder_;
};

TEST_F(ReadTrainedTest, ReadsTheOneModelOfAVersion) {
  const Result<ExportableModel> model = ReadTrained(Publish(Lines({"1"})), {});
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->name, "demand 1");
  EXPECT_EQ(model->library_version, "9.9");
  EXPECT_EQ(model->transforms["features"][0]["name"], "price");
  ASSERT_TRUE(model->target);
  EXPECT_EQ(model->target->StepsText(), "log1p");
  EXPECT_EQ(std::get<LinearSource>(model->scorer).outputs[0].intercept, 1);
}

TEST_F(ReadTrainedTest, ReadsThePartThatIsNamed) {
  const VersionInfo info = Publish(Lines({"1", "2"}));
  EXPECT_THAT(ErrorOf(info), HasSubstr("--part: expected one of its 2 models: 1, 2"));
  EXPECT_THAT(ErrorOf(info, "3"), HasSubstr("--part: expected one of its 2 models: 1, 2"));
  const Result<ExportableModel> model = ReadTrained(info, "2");
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(std::get<LinearSource>(model->scorer).outputs[0].intercept, 7);
}

TEST_F(ReadTrainedTest, RefusesWhatNoOtherProgramReads) {
  EXPECT_THAT(ErrorOf(Publish(Lines({"1"}), "imported")), HasSubstr("it was imported"));
  EXPECT_THAT(ErrorOf(Publish({{"model/history.json", "{}"}})), HasSubstr("each key's history"));
  EXPECT_THAT(ErrorOf(Publish({{"model/candidates.json", "{}"}})), HasSubstr("candidates"));
  EXPECT_THAT(ErrorOf(Publish({{"model/1.table.json", "{}"},
                               {"model/1.transforms.json", std::string(kAround)}})),
              HasSubstr("a quantile table"));
}

TEST_F(ReadTrainedTest, NamesAFileThatIsDamaged) {
  EXPECT_THAT(ErrorOf(Publish({{"model/1.linear.json", "{}"},
                               {"model/1.transforms.json", std::string(kAround)}})),
              HasSubstr("model/1.linear.json: $: missing key"));
}

}  // namespace
}  // namespace forkcast::model
