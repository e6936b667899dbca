#include "model/import/model_formats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace forkcast::model {
namespace {

using testing::HasSubstr;

struct StrangerCase {
  const char* name;
  std::string bytes;
  const char* advice;

  friend std::ostream& operator<<(std::ostream& out, const StrangerCase& one) {
    return out << one.name;
  }
};

class Stranger : public testing::TestWithParam<StrangerCase> {};

TEST_P(Stranger, IsRefusedWithWhatItLooksLike) {
  const Result<ImportedModel> model = ReadModel(GetParam().bytes, Rounds::kAll);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(model.error().message, HasSubstr(GetParam().advice));
  EXPECT_THAT(model.error().message,
              HasSubstr("there are: XGBoost, JSON or UBJSON; LightGBM, text; ONNX"));
}

INSTANTIATE_TEST_SUITE_P(
    Files, Stranger,
    testing::Values(StrangerCase{"Nothing", "", "no model that is understood; there are"},
                    StrangerCase{"AText", "hello", "no model that is understood; there are"},
                    StrangerCase{"APickle", "\x80\x04\x95", "a Python pickle, which can run"},
                    StrangerCase{"AnOldXGBoost", "binf\x01", "XGBoost's older binary format"},
                    StrangerCase{"ACatBoost", "CBM1", "a model of CatBoost"},
                    StrangerCase{"AZip", "PK\x03\x04", "a zip: unpack it"},
                    StrangerCase{"AGzip", "\x1F\x8B\x08", "a gzip: unpack it"}),
    [](const auto& param) { return param.param.name; });

TEST(ModelFormats, RefuseNamesThatAreNoText) {
  const std::string text =
      "tree\nversion=v4\nnum_tree_per_iteration=1\nmax_feature_idx=0\nfeature_names=\xFF\n"
      "feature_infos=[0:1]\n\nend of trees\n";
  const Result<ImportedModel> model = ReadModel(text, Rounds::kAll);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(model.error().message, HasSubstr("not UTF-8"));
}

}  // namespace
}  // namespace forkcast::model
