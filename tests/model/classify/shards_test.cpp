#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/classify/delivery_testing.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ReadWhole;
using testing::AnyOf;

class ClassifierShards : public ClassifierCommandTest,
                         public testing::WithParamInterface<const char*> {};

TEST_P(ClassifierShards, JoinIntoTheBytesThatOneMachineTrains) {
  document_["training"].update(ordered_json::parse(GetParam()), /*merge_objects=*/true);
  Ingest();
  ASSERT_THAT(Train(), AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
  const std::string shards = (folder_.path() / "shards").string();
  for (const char* const shard : {"1/3", "2/3", "3/3"}) {
    ASSERT_EQ(Train({"--shard", shard, "--shards", shards}), ExitCode::kDone) << err();
  }
  ASSERT_THAT(Train({"--join", shards}), AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
  const fs::path models = folder_.path() / "models" / "delivery";
  EXPECT_EQ(ReadWhole(models / "1" / "manifest.json"), ReadWhole(models / "2" / "manifest.json"));
  const ordered_json manifest = ordered_json::parse(ReadWhole(models / "1" / "manifest.json"));
  for (const ordered_json& file : manifest["files"]) {
    const std::string path = file["path"];
    EXPECT_EQ(ReadWhole(models / "1" / path), ReadWhole(models / "2" / path)) << path;
  }
}
INSTANTIATE_TEST_SUITE_P(
    Each, ClassifierShards,
    testing::Values(
        R"({})", R"({"n_splits": 3})",
        R"({"search": {"parameters": {"model.trees": [5, 60], "model.max_depth": [1, 3]}}})"));

}  // namespace
}  // namespace forkcast::model
