#include "serving/service/load_deployments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "data_preprocessing/series/snapshot_builder.hpp"
#include "serving/service/forecast_pipeline.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

namespace fs = std::filesystem;
using preprocessing::SnapshotPool;

/// The orders' pipeline, with snapshots without rows.
class LoadDeploymentTest : public testing::Test {
 protected:
  LoadDeploymentTest() {
    std::ifstream file(FORKCAST_SOURCE_DIR "/conf/pipelines/order_triage.json");
    auto pipeline = nlohmann::ordered_json::parse(file);
    pipeline["serving"]["model"] = FORKCAST_SOURCE_DIR "/conf/models/order_triage_v1.json";
    deployment_ = {.pipeline = folder_.Write("orders.json", pipeline.dump()),
                   .snapshots = folder_.path(),
                   .origin = "--pipeline"};
    spec_ = *preprocessing::LoadPipelineSpec(deployment_.pipeline);
    Publish();
  }

  void Publish() {
    for (const preprocessing::SeriesSpec& series : spec_.series) {
      ASSERT_TRUE(preprocessing::SnapshotBuilder(series, spec_.zone).Publish(PathOf(series)).ok());
    }
  }
  [[nodiscard]] fs::path PathOf(const preprocessing::SeriesSpec& series) const {
    return preprocessing::SnapshotPath(folder_.path(), series, spec_.zone);
  }
  [[nodiscard]] LoadAttempt Load(const LoadedDeployment& serves = {}) const {
    SnapshotPool pool;
    return LoadDeployment(deployment_, folder_.path() / "models", serves, pool);
  }
  [[nodiscard]] LoadedDeployment Serving() const {
    LoadAttempt attempt = Load();
    EXPECT_TRUE(attempt.loaded.ok());
    return {.pipeline = *attempt.loaded, .made_of = attempt.made_of};
  }

  const preprocessing::TempFolder folder_;
  preprocessing::PipelineSpec spec_;
  Deployment deployment_;
};

TEST_F(LoadDeploymentTest, SaysWhatItIsMadeOf) {
  const LoadAttempt attempt = Load();
  ASSERT_TRUE(attempt.loaded.ok()) << attempt.loaded.error().message;
  EXPECT_EQ((*attempt.loaded)->spec().name, "order_triage");
  EXPECT_TRUE(attempt.made_of.version.empty());
  std::vector<fs::path> paths;
  for (const auto& series : spec_.series) {
    paths.push_back(PathOf(series));
    paths.push_back(PathOf(series).replace_extension(".runs"));
  }
  EXPECT_EQ(attempt.made_of.snapshots, LookAt(paths));
}

TEST_F(LoadDeploymentTest, OfAFileThatServesTakesNewSnapshotsAndNotTheFile) {
  const LoadedDeployment serves = Serving();
  folder_.Write("orders.json", "{");
  Publish();
  const LoadAttempt attempt = Load(serves);
  ASSERT_TRUE(attempt.loaded.ok()) << attempt.loaded.error().message;
  EXPECT_NE(*attempt.loaded, serves.pipeline);
  EXPECT_EQ((*attempt.loaded)->model_version(), serves.pipeline->model_version());
  EXPECT_EQ((*attempt.loaded)->answer().parts, serves.pipeline->answer().parts);
  EXPECT_NE(attempt.made_of, serves.made_of);
  EXPECT_FALSE(Load().loaded.ok());
}

TEST_F(LoadDeploymentTest, ThatFailsSaysHowFarItCame) {
  fs::remove(PathOf(spec_.series[1]));
  const LoadAttempt attempt = Load();
  ASSERT_FALSE(attempt.loaded.ok());
  EXPECT_EQ(attempt.loaded.error().code, ErrorCode::kNotFound);
  // Of each series its base and its list of runs.
  ASSERT_EQ(attempt.made_of.snapshots.size(), 4U);
  EXPECT_EQ(attempt.made_of.snapshots[0].identity, FileIdentity::At(PathOf(spec_.series[0])));
  EXPECT_EQ(attempt.made_of.snapshots[2].path, PathOf(spec_.series[1]));
  EXPECT_EQ(attempt.made_of.snapshots[2].identity.error, ENOENT);
}

TEST_F(LoadDeploymentTest, OfAVersionLooksAtItsAlias) {
  deployment_ = {.name = "m", .model = "m@champion", .snapshots = folder_.path()};
  fs::create_directories(folder_.path() / "models/m/1");
  fs::create_directory_symlink("1", folder_.path() / "models/m/champion");
  const LoadAttempt attempt = Load();
  EXPECT_FALSE(attempt.loaded.ok());  // there is nothing in that folder
  ASSERT_EQ(attempt.made_of.version.size(), 1U);
  EXPECT_EQ(attempt.made_of.version[0].path, folder_.path() / "models/m/champion");
  EXPECT_EQ(attempt.made_of.version[0].identity.link, "1");
}

TEST_F(LoadDeploymentTest, OfOneNameTwiceIsRefused) {
  const std::array deployments{deployment_, deployment_};
  const auto loaded = LoadDeployments(deployments, {});
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().message, "--pipeline: a second deployment \"order_triage\"");
}

/// A request in work keeps what it began with, and nobody else does.
TEST_F(LoadDeploymentTest, IsReplacedInTheCatalogueBetweenTwoRequests) {
  Catalogue catalogue;
  std::array pipelines{Serving().pipeline};
  catalogue.Serve(*NameDeployments({&deployment_, 1}, {{.name = {}, .pipeline = pipelines[0]}}));
  const std::weak_ptr<const ServedPipeline> old = std::exchange(pipelines[0], nullptr);
  Catalogue::Entry* const entry = *catalogue.Find("order_triage");
  catalogue.GiveBack(Catalogue::Take(*entry, {}));
  std::unique_ptr<ScoringSteps> in_work = Catalogue::Take(*entry, {});
  catalogue.GiveBack(std::make_unique<ScoringSteps>(in_work->pipeline, wire::DecoderLimits{}));

  const auto next = Serving().pipeline;
  catalogue.Replace(0, next);
  EXPECT_EQ(*catalogue.Find(""), entry);
  EXPECT_EQ(Catalogue::Take(*entry, {})->pipeline, next);
  EXPECT_FALSE(old.expired());
  catalogue.GiveBack(std::move(in_work));
  EXPECT_TRUE(old.expired());
  EXPECT_EQ(Catalogue::Take(*entry, {})->pipeline, next);
}

TEST_F(LoadDeploymentTest, WithAColdStartOfWhatIsNoForecastIsRefusedNamingThePlace) {
  deployment_.cold_start = "\"naive\"";
  deployment_.origin = "server.json: $.deployments[1]";
  const auto loaded = LoadDeployments({&deployment_, 1}, {});
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(loaded.error().message,
            "server.json: $.deployments[1].cold_start: expected none: pipeline \"order_triage\" is "
            "no forecast, which alone has keys without history");
}

/// Where its files lie, and where its snapshots do.
struct PlaceCase {
  std::string name;
  std::string place;
  std::string snapshots;
};
void PrintTo(const PlaceCase& one, std::ostream* out) { *out << one.name; }

class Place : public LoadDeploymentTest, public testing::WithParamInterface<PlaceCase> {};

TEST_P(Place, IsServedAsItIsWithItsOwnSnapshotsFirst) {
  fs::create_directories(folder_.path() / "model");
  fs::copy(deployment_.pipeline, folder_.path() / "model/pipeline.json");
  fs::create_directories(folder_.path() / "published");
  const fs::path snapshots = folder_.path() / GetParam().snapshots;
  fs::create_directories(snapshots);
  for (const preprocessing::SeriesSpec& series : spec_.series) {
    fs::rename(PathOf(series), snapshots / PathOf(series).filename());
  }
  deployment_ = {.place = folder_.path() / GetParam().place,
                 .snapshots = folder_.path() / "published"};
  const LoadAttempt attempt = Load();
  ASSERT_TRUE(attempt.loaded.ok()) << attempt.loaded.error().message;
  EXPECT_EQ((*attempt.loaded)->spec().name, "order_triage");
  EXPECT_EQ(attempt.made_of.snapshots.front().path.parent_path(), snapshots);
}
INSTANTIATE_TEST_SUITE_P(
    Cases, Place,
    testing::Values(PlaceCase{"Folder", "model", "model/snapshots"},
                    PlaceCase{"FolderWithoutSnapshots", "model", "published"},
                    PlaceCase{"PipelineFile", "model/pipeline.json", "model/snapshots"},
                    PlaceCase{"PipelineFileWithoutSnapshots", "model/pipeline.json", "published"}),
    [](const auto& param) { return param.param.name; });

TEST_F(LoadDeploymentTest, OfAPlaceSaysWhatIsMissingThere) {
  fs::create_directories(folder_.path() / "empty");
  deployment_ = {.place = folder_.path() / "empty", .snapshots = folder_.path()};
  EXPECT_THAT(Load().loaded.error().message, testing::HasSubstr("empty: holds no model"));
  deployment_.snapshots.clear();
  folder_.Write("empty/pipeline.json", "{}");
  EXPECT_THAT(Load().loaded.error().message,
              testing::HasSubstr("empty: there is no folder \"snapshots\""));
}

/// The forecast of tests/data, over snapshots without rows.
class LoadForecastTest : public testing::Test {
 protected:
  LoadForecastTest() {
    const auto spec = preprocessing::LoadPipelineSpec(kVersion / "pipeline.json");
    for (const preprocessing::SeriesSpec& series : spec->series) {
      EXPECT_TRUE(preprocessing::SnapshotBuilder(series, spec->zone)
                      .Publish(preprocessing::SnapshotPath(folder_.path(), series, spec->zone))
                      .ok());
    }
  }
  [[nodiscard]] LoadAttempt Load(const LoadedDeployment& serves) const {
    SnapshotPool pool;
    return LoadDeployment({.place = kVersion, .snapshots = folder_.path()}, {}, serves, pool);
  }

  const fs::path kVersion = FORKCAST_SOURCE_DIR "/tests/data/published/sales/1";
  const preprocessing::TempFolder folder_;
};

TEST_F(LoadForecastTest, OverNewSnapshotsIsLentTheModelThatServes) {
  const LoadAttempt first = Load({});
  ASSERT_TRUE(first.loaded.ok()) << first.loaded.error().message;
  const LoadAttempt second = Load({.pipeline = *first.loaded, .made_of = first.made_of});
  ASSERT_TRUE(second.loaded.ok()) << second.loaded.error().message;
  ASSERT_NE(*first.loaded, *second.loaded);
  const auto model_of = [](const LoadAttempt& attempt) {
    return &dynamic_cast<const ForecastPipeline&>(**attempt.loaded).forecaster().model();
  };
  EXPECT_EQ(model_of(first), model_of(second));
  EXPECT_EQ((*first.loaded)->answer().parts, (*second.loaded)->answer().parts);
  EXPECT_EQ((*first.loaded)->fields().columns.size(), (*second.loaded)->fields().columns.size());
}

TEST_F(LoadForecastTest, OutsideOfARegistryIsCalledByItsManifest) {
  const LoadAttempt attempt = Load({});
  ASSERT_TRUE(attempt.loaded.ok()) << attempt.loaded.error().message;
  EXPECT_EQ((*attempt.loaded)->model_name(), "sales");
  EXPECT_THAT((*attempt.loaded)->model_version(), testing::MatchesRegex("[0-9a-f]{12}"));
}

}  // namespace
}  // namespace forkcast::serving
