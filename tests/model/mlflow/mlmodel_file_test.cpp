#include "model/mlflow/mlmodel_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace forkcast::model {
namespace {

using testing::Contains;
using testing::Key;
using testing::Not;
using testing::Pair;
using testing::SizeIs;

TEST(ReadMlmodel, GivesEachFlavourWithItsPlainMembers) {
  const auto flavors = ReadMlmodel(
      "artifact_path: mlflow-artifacts:/1/models/m-1/artifacts\n"
      "flavors:\n"
      "  python_function:\n"
      "    data: model.ubj\n"
      "    env:\n"
      "      conda: conda.yaml\n"
      "    loader_module: mlflow.xgboost\n"
      "  xgboost:\n"
      "    code: null\n"
      "    data: 'a model.ubj'  \n"
      "mlflow_version: 3.17.2\n"
      "utc_time_created: '2026-11-30 13:44:23.209551'\n");
  ASSERT_TRUE(flavors) << flavors.error().message;
  EXPECT_THAT(*flavors, SizeIs(2));
  EXPECT_THAT(flavors->at("xgboost"), Contains(Pair("data", "a model.ubj")));
  EXPECT_THAT(flavors->at("python_function"), Contains(Pair("loader_module", "mlflow.xgboost")));
  EXPECT_THAT(flavors->at("python_function"), Not(Contains(Key("conda"))));
}

struct NoFlavors {
  std::string name;
  std::string text;
};

class MlmodelWithoutFlavors : public testing::TestWithParam<NoFlavors> {};

TEST_P(MlmodelWithoutFlavors, IsCorrupt) {
  const auto flavors = ReadMlmodel(GetParam().text);
  ASSERT_FALSE(flavors);
  EXPECT_EQ(flavors.error().code, ErrorCode::kCorrupt);
}

INSTANTIATE_TEST_SUITE_P(Cases, MlmodelWithoutFlavors,
                         testing::Values(NoFlavors{"Empty", ""},
                                         NoFlavors{"NoMember", "run_id: 1\n"},
                                         NoFlavors{"NoneOfThem", "flavors:\nrun_id: 1\n"},
                                         NoFlavors{"NoYaml", std::string("\x80\x03}q\0.", 6)}),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::model
