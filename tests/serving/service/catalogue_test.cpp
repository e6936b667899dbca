#include "serving/service/catalogue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace forkcast::serving {
namespace {

using testing::HasSubstr;

/// A pipeline that cannot be asked.
class NamedPipeline final : public ServedPipeline {
 public:
  explicit NamedPipeline(const std::string& name) : ServedPipeline({}, "model", "1") {
    spec_.name = name;
  }
  [[nodiscard]] std::span<const preprocessing::Snapshot> snapshots() const noexcept override {
    return {};
  }
  [[nodiscard]] std::unique_ptr<Scorer> MakeScorer() const override { return nullptr; }
  [[nodiscard]] Status CheckExplains() const override { return {}; }
  [[nodiscard]] Result<std::shared_ptr<const ServedPipeline>> Over(
      const std::filesystem::path& /*folder*/,
      preprocessing::SnapshotPool& /*pool*/) const override {
    return Error{ErrorCode::kNotFound, "no snapshots"};
  }
};

ServedDeployment Deployed(const std::string& name) {
  return {.name = name, .pipeline = std::make_shared<NamedPipeline>(name + "'s")};
}

std::vector<ServedDeployment> TwoDeployments() {
  std::vector<ServedDeployment> deployments;
  deployments.push_back(Deployed("triage"));
  deployments.push_back(Deployed("weekly"));
  return deployments;
}

/// The pipeline that was found, or the error.
std::string Found(const Result<Catalogue::Entry*>& found) {
  return found ? (*found)->deployment.pipeline->spec().name : found.error().message;
}

TEST(Catalogue, IsNotReadyWhileNothingIsLoaded) {
  Catalogue catalogue;
  const auto found = catalogue.Find("");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, ErrorCode::kNotReady);
}

TEST(Catalogue, HasTheFirstAsDefaultAndAllByName) {
  Catalogue catalogue;
  catalogue.Serve(TwoDeployments());
  EXPECT_EQ(Found(catalogue.Find("")), "triage's");
  EXPECT_EQ(Found(catalogue.Find("triage")), "triage's");
  EXPECT_EQ(Found(catalogue.Find("weekly")), "weekly's");
  EXPECT_EQ(Found(catalogue.FindEndpoint("weekly")), "weekly's");
  EXPECT_EQ(Found(catalogue.FindEndpoint("")), "triage's");
}

TEST(Catalogue, NamesWhatThereIsWhenAskedForWhatThereIsNot) {
  Catalogue catalogue;
  catalogue.Serve(TwoDeployments());
  for (const auto& found : {catalogue.Find("Weekly"), catalogue.FindEndpoint("Weekly")}) {
    ASSERT_FALSE(found.ok());
    EXPECT_EQ(found.error().code, ErrorCode::kNotFound);
    EXPECT_EQ(found.error().message, "no deployment \"Weekly\"; there are: triage, weekly");
  }
}

TEST(Catalogue, TakesAnyEndpointsNameForTheOnlyDeploymentButNoOtherModels) {
  Catalogue catalogue;
  std::vector<ServedDeployment> one;
  one.push_back(Deployed("triage"));
  catalogue.Serve(std::move(one));
  EXPECT_EQ(Found(catalogue.FindEndpoint("any")), "triage's");
  EXPECT_THAT(Found(catalogue.Find("any")), HasSubstr("no deployment"));
}

ServedDeployment Loaded(const std::string& name) {
  ServedDeployment deployment = Deployed(name);
  deployment.is_declared = false;
  return deployment;
}

TEST(Catalogue, HasWhatIsLoadedByNameAloneUntilItIsRemoved) {
  Catalogue catalogue;
  std::vector<ServedDeployment> one;
  one.push_back(Deployed("triage"));
  catalogue.Serve(std::move(one));
  catalogue.Add(Loaded("m"));
  EXPECT_EQ(Found(catalogue.Find("m")), "m's");
  EXPECT_EQ(Found(catalogue.FindEndpoint("m")), "m's");
  EXPECT_EQ(Found(catalogue.Find("")), "triage's");
  EXPECT_EQ(Found(catalogue.FindEndpoint("any")), "triage's") << "the only one that is declared";
  auto in_work = Catalogue::Take(**catalogue.Find("m"), {});
  catalogue.Remove("m");
  EXPECT_THAT(Found(catalogue.Find("m")), HasSubstr("there are: triage"));
  catalogue.GiveBack(std::move(in_work));
}

TEST(Catalogue, OfNothingDeclaredIsReadyAndHasNoDefault) {
  Catalogue catalogue;
  EXPECT_FALSE(catalogue.is_ready());
  catalogue.Serve({});
  EXPECT_TRUE(catalogue.is_ready());
  EXPECT_THAT(Found(catalogue.Find("")),
              HasSubstr("no deployment is the default; there are: none"));
  catalogue.Add(Loaded("m"));
  EXPECT_THAT(Found(catalogue.Find("")), HasSubstr("there are: m"));
  EXPECT_EQ(Found(catalogue.Find("m")), "m's");
}

TEST(Catalogue, KeepsStepsForTheNextRequestWhileTheirPipelineIsServed) {
  Catalogue catalogue;
  catalogue.Serve(TwoDeployments());
  Catalogue::Entry& weekly = **catalogue.Find("weekly");
  auto steps = Catalogue::Take(weekly, {});
  const ScoringSteps* const first = steps.get();
  catalogue.GiveBack(std::move(steps));
  steps = Catalogue::Take(weekly, {});
  EXPECT_EQ(steps.get(), first);
  EXPECT_NE(Catalogue::Take(weekly, {}).get(), first);
}

TEST(Catalogue, LetsGoOfAPipelineWithTheLastRequestThatUsesIt) {
  Catalogue catalogue;
  catalogue.Serve(TwoDeployments());
  const std::weak_ptr<const ServedPipeline> old = (*catalogue.Find("weekly"))->deployment.pipeline;
  catalogue.GiveBack(Catalogue::Take(**catalogue.Find("weekly"), {}));
  auto in_work = Catalogue::Take(**catalogue.Find("weekly"), {});
  catalogue.Serve(TwoDeployments());
  EXPECT_EQ(in_work->pipeline, old.lock());
  catalogue.GiveBack(std::move(in_work));
  EXPECT_TRUE(old.expired());
}

}  // namespace
}  // namespace forkcast::serving
