#include "model/predict/model_kinds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <set>
#include <string>

#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr auto kShipped = FORKCAST_SOURCE_DIR "/conf/models/order_triage_v1.json";

TEST(ModelKinds, HaveDifferentFormats) {
  std::set<std::string_view> formats;
  for (const ModelKind& kind : ModelKinds()) {
    EXPECT_TRUE(formats.insert(kind.format).second) << kind.format;
    EXPECT_NE(kind.load, nullptr) << kind.format;
  }
}

TEST(LoadModel, SaysWhatTheModelIsCalled) {
  const Result<LoadedModel> loaded = LoadModel(kShipped);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(loaded->name, "order_triage");
  EXPECT_EQ(loaded->version, "1");
  EXPECT_EQ(loaded->model->outputs().front().name, "class");
}

TEST(LoadModel, HandsTheFileToItsKind) {
  const preprocessing::TempFolder folder;
  const auto file = folder.Write("m.json", R"({"format": "second", "more": 1})");
  const ModelKind kinds[] = {
      {.format = "first",
       .load = [](const ModelFile&) -> Result<LoadedModel> {
         return Error{ErrorCode::kInternal, "the wrong kind"};
       }},
      {.format = "second", .load = [](const ModelFile& given) -> Result<LoadedModel> {
         return LoadedModel{.name = given.path.string(), .version = given.text, .model = nullptr};
       }}};
  const Result<LoadedModel> loaded = LoadModel(file, kinds);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(loaded->name, file.string());
  EXPECT_EQ(loaded->version, R"({"format": "second", "more": 1})");
}

TEST(ModelFile, IsNamedInErrors) {
  const preprocessing::TempFolder folder;
  const auto file = folder.Write("tree.json", "{}");
  const Result<LoadedModel> wrong = LoadModel(file);
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(wrong.error().message, StartsWith(file.string() + ": $: missing key"));

  const Result<LoadedModel> absent = LoadModel(folder.path() / "absent.json");
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(absent.error().message, HasSubstr("absent.json"));

  const Result<LoadedModel> a_folder = LoadModel(folder.path());
  ASSERT_FALSE(a_folder.ok());
  EXPECT_EQ(a_folder.error().code, ErrorCode::kIo);
}

struct WrongFile {
  std::string name;
  std::string text;
  ErrorCode code;
  std::string message;
};

void PrintTo(const WrongFile& one, std::ostream* out) { *out << one.name; }

class WrongModelFile : public testing::TestWithParam<WrongFile> {};

TEST_P(WrongModelFile, IsRefusedWithItsNameAndWhatIsWrong) {
  const preprocessing::TempFolder folder;
  const auto file = folder.Write("m.json", GetParam().text);
  const Result<LoadedModel> loaded = LoadModel(file);
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code, GetParam().code);
  EXPECT_THAT(loaded.error().message, StartsWith(file.string() + ": " + GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WrongModelFile,
    testing::Values(
        WrongFile{"OfNoKind", R"({"format": "banana"})", ErrorCode::kInvalidArgument,
                  "$.format: no kind of model is called \"banana\"; there are: "
                  "forkcast.decision_tree"},
        WrongFile{"FormatThatIsNoText", R"({"format": 1})", ErrorCode::kInvalidArgument,
                  "$.format: expected a"},
        WrongFile{"NoObject", "[]", ErrorCode::kInvalidArgument, "$: expected an object"},
        WrongFile{"WrongWithinItsKind", R"({"format": "forkcast.decision_tree", "more": 1})",
                  ErrorCode::kInvalidArgument, "$.more: unknown key"}),
    [](const auto& param) { return param.param.name; });

TEST(ModelFile, ThatWasEditedIsCorrupt) {
  std::string text = preprocessing::ReadWhole(kShipped);
  text.replace(text.find("\"<\": 6"), 6, "\"<\": 7");
  const preprocessing::TempFolder folder;
  const auto file = folder.Write("m.json", text);
  const Result<LoadedModel> loaded = LoadModel(file);
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(loaded.error().message, StartsWith(file.string() + ": $.checksum: "));
}

}  // namespace
}  // namespace forkcast::model
