#include "model/learn/training_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <ostream>
#include <utility>

#include "model/artefact/registry.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;
using testing::ElementsAre;
using testing::HasSubstr;

/// What a job of these tests does, and what became of it.
struct Script {
  std::map<std::string, Error> errors;  ///< By the step that fails: "open", "check" ...
  std::string stops_in;                 ///< The step that is cancelled.
  std::string data = "some";
  bool beats_baselines = true;
  double champion_error = 2;      ///< The challenger's is 1.
  int judges_too_little_of = -1;  ///< The point with so many trees.
  int cannot_judge = -1;          ///< As above: the data do not allow it.
  std::size_t opened = 0;
  std::size_t read = 0;           ///< Documents of points.
  std::vector<std::string> done;  ///< Steps, with the value of "trees".

  [[nodiscard]] Status Do(const std::string& step, const std::string& trees) {
    done.push_back(step + " " + trees);
    const auto failed = errors.find(step);
    return failed == errors.end() ? Status() : Status(failed->second);
  }
};

/// Its error is the distance of "trees" from 5.
class FakeValidation final : public Validation {
 public:
  FakeValidation(double value, bool beats_baselines, bool is_of_enough)
      : value_(value), beats_baselines_(beats_baselines), is_of_enough_(is_of_enough) {}
  [[nodiscard]] std::optional<double> value() const noexcept override { return value_; }
  [[nodiscard]] bool beats_baselines() const noexcept override { return beats_baselines_; }
  [[nodiscard]] bool is_of_enough() const noexcept override { return is_of_enough_; }
  [[nodiscard]] ordered_json ToJson() const override { return {{"value", value_}}; }
  [[nodiscard]] std::string Describe() const override { return "described\n"; }
  [[nodiscard]] Result<std::string> ReportPage(const std::vector<std::string>&,
                                               const std::string& more) const override {
    return "a page" + more;
  }
  [[nodiscard]] Result<std::string> JudgedRows() const override { return std::string("rows"); }

 private:
  double value_;
  bool beats_baselines_;
  bool is_of_enough_;
};

class FakeJob final : public TrainingJob {
 public:
  FakeJob(const ordered_json& document, Script& script)
      : name_("fake"), trees_(document["training"]["trees"]), script_(script) {
    const JsonNode root(document);
    if (const auto search = root.Get("training").Find("search")) search_ = ReadSearchSpec(*search);
  }
  [[nodiscard]] const std::string& name() const noexcept override { return name_; }
  [[nodiscard]] const SearchSpec* search() const noexcept override {
    return search_ ? &*search_ : nullptr;
  }
  [[nodiscard]] Result<std::unique_ptr<TrainingJob>> With(
      const ordered_json& document) const override {
    ++script_.read;
    return std::unique_ptr<TrainingJob>(std::make_unique<FakeJob>(document, script_));
  }
  [[nodiscard]] JobSummary Summary() const override {
    return {.json = {{"rows", 3}}, .text = "3 rows"};
  }
  [[nodiscard]] Status CheckReportKeys(const std::vector<std::string>&) const override {
    return {};
  }
  [[nodiscard]] Status Check() const override { return script_.Do("check", trees()); }
  [[nodiscard]] ordered_json Origin() const override {
    return {{"data", {{"hash", script_.data}}}, {"seed", trees_}};
  }
  Status ComputeExamples() override { return script_.Do("examples", trees()); }
  Result<const Validation*> Validate(const OnProgress& on_progress) override {
    if (Status done = script_.Do("validate", trees()); !done) return done.error();
    if (!on_progress(1, 2) || script_.stops_in == "validate") return nullptr;
    if (trees_ == script_.cannot_judge) return Error{ErrorCode::kInvalidArgument, "too few rows"};
    return &validation_.emplace(std::abs(trees_ - 5), script_.beats_baselines,
                                trees_ != script_.judges_too_little_of);
  }
  [[nodiscard]] Status CheckRival(const VersionInfo&) const override {
    return script_.Do("check rival", trees());
  }
  [[nodiscard]] Result<Rivalry> CompareWith(const VersionInfo& champion) const override {
    if (Status done = script_.Do("compare", trees()); !done) return done.error();
    return Rivalry{.champion = champion.number,
                   .metric = "fake",
                   .challenger_error = 1,
                   .champion_error = script_.champion_error,
                   .chance = 0.01};
  }
  [[nodiscard]] Result<std::optional<Artefact>> TrainOnAll(
      const OnProgress& on_progress) const override {
    if (Status done = script_.Do("train", trees()); !done) return done.error();
    if (!on_progress(1, 2) || script_.stops_in == "train") return std::optional<Artefact>();
    ordered_json manifest{{"kind", "fake"}};
    manifest.update(Origin());
    manifest["data"]["to"] = "2024-05-19";
    return std::optional(Artefact{.manifest = std::move(manifest), .files = {}});
  }

 private:
  [[nodiscard]] std::string trees() const { return std::to_string(trees_); }

  std::string name_;
  int trees_;
  Script& script_;
  std::optional<SearchSpec> search_;
  std::optional<FakeValidation> validation_;
};

class RecordingObserver final : public TrainingObserver {
 public:
  [[nodiscard]] OnProgress Begin(const std::string& stage) override {
    stages.push_back(stage);
    return [this](std::size_t, std::size_t) { return !stops; };
  }
  void Tell(const std::string& text) override { told += text; }
  [[nodiscard]] bool Stops() const override { return stops; }

  std::vector<std::string> stages;
  std::string told;
  bool stops = false;
};

class TrainingRun : public testing::Test {
 protected:
  TrainingOutcome Run() {
    request_.open = [this](const ordered_json& document) -> Result<std::unique_ptr<TrainingJob>> {
      ++script_.opened;
      if (Status done = script_.Do("open", "data"); !done) return done.error();
      return std::unique_ptr<TrainingJob>(std::make_unique<FakeJob>(document, script_));
    };
    return RunTraining(request_, SystemClock(), observer_);
  }
  void Publish() { request_.publication = Publication{.models = models(), .name = {}}; }
  /// With newer data.
  void ChallengeTheChampion() {
    script_.data = "newer";
    request_.publication->contest =
        Contest{.champion = *Registry(models()).Find("fake", "champion"), .rules = {}};
  }
  [[nodiscard]] std::filesystem::path models() const { return folder_.path() / "models"; }

  preprocessing::TempFolder folder_;
  std::ostringstream page_;
  TrainingRequest request_{
      .document = {{"training", {{"trees", 3}}}}, .open = {}, .standard_output = &page_};
  Script script_;
  RecordingObserver observer_;
};

TEST_F(TrainingRun, JudgesAndPublishesNothingUnlessAsked) {
  const TrainingOutcome outcome = Run();
  EXPECT_EQ(outcome.end, TrainingEnd::kDone) << outcome.message;
  EXPECT_THAT(script_.done, ElementsAre("open data", "check 3", "examples 3", "validate 3"));
  EXPECT_EQ(outcome.summary,
            ordered_json({{"pipeline", "fake"}, {"evaluation", {{"value", 2.0}}}}));
  EXPECT_EQ(observer_.told, "described\n");
}

TEST_F(TrainingRun, OpensTheDataOnceHoweverManyPointsItTries) {
  request_.document["training"]["search"] = {{"parameters", {{"trees", {1, 4, 5, 7, 9, 11}}}}};
  const TrainingOutcome outcome = Run();
  EXPECT_EQ(outcome.end, TrainingEnd::kDone) << outcome.message;
  EXPECT_EQ(script_.opened, 1U);
  ASSERT_EQ(outcome.summary["search"].size(), 6U);
  EXPECT_EQ(outcome.summary["search"][1], ordered_json({{"trees", 4}, {"value", 1.0}}));
  EXPECT_EQ(outcome.summary["evaluation"]["value"], 0.0) << "of the best point, 5 trees";
  EXPECT_EQ(observer_.stages.front(), "search 1 of 6");
  EXPECT_EQ(observer_.stages.back(), "validation");
}

TEST_F(TrainingRun, ChoosesAPointThatWasJudgedOnEnoughRowsBeforeABetterOne) {
  request_.document["training"]["search"] = {{"parameters", {{"trees", {4, 5, 9}}}}};
  script_.judges_too_little_of = 5;
  const TrainingOutcome outcome = Run();
  EXPECT_EQ(outcome.summary["search"][0]["chosen"], true);
  EXPECT_EQ(outcome.summary["search"][1]["judged_enough"], false);
  EXPECT_THAT(observer_.told, HasSubstr("3 of 3 points could be judged; chosen: trees 4."));
}

TEST_F(TrainingRun, GoesOnWhereOnePointCannotBeJudged) {
  request_.document["training"]["search"] = {{"parameters", {{"trees", {5, 4}}}}};
  script_.cannot_judge = 5;
  const TrainingOutcome outcome = Run();
  EXPECT_EQ(outcome.end, TrainingEnd::kDone) << outcome.message;
  EXPECT_EQ(outcome.summary["search"][0],
            ordered_json({{"trees", 5}, {"value", nullptr}, {"error", "too few rows"}}));
  EXPECT_EQ(outcome.summary["search"][1]["chosen"], true);
}

TEST_F(TrainingRun, EndsWithTheFirstReasonWhenNoPointCanBeJudged) {
  request_.document["training"]["search"] = {{"parameters", {{"trees", {5}}}}};
  script_.cannot_judge = 5;
  const TrainingOutcome outcome = Run();
  EXPECT_EQ(outcome.end, TrainingEnd::kData);
  EXPECT_EQ(outcome.message,
            "no point of the search could be judged; the first, trees 5: too few rows");
}

TEST_F(TrainingRun, FindsOutBeforeItTrainsThatModelsCannotBeWritten) {
  Publish();
  folder_.Write("models", "a file");
  for (const bool dry_run : {true, false}) {
    request_.dry_run = dry_run;
    const TrainingOutcome outcome = Run();
    EXPECT_EQ(outcome.end, TrainingEnd::kIo);
    EXPECT_THAT(outcome.message, HasSubstr("models"));
  }
  EXPECT_THAT(script_.done, ElementsAre("open data", "check 3", "open data", "check 3"));
}

TEST_F(TrainingRun, ReadsAndChecksAPointOnceAndTheBestOneAgain) {
  request_.document["training"]["search"] = {{"parameters", {{"trees", {4, 5, 7}}}}};
  EXPECT_EQ(Run().end, TrainingEnd::kDone);
  EXPECT_EQ(script_.read, 4U);
  EXPECT_THAT(script_.done,
              ElementsAre("open data", "check 3", "check 4", "check 5", "check 7", "examples 4",
                          "validate 4", "examples 5", "validate 5", "examples 7", "validate 7",
                          "check 5", "examples 5", "validate 5"));
}

TEST_F(TrainingRun, PublishesAVersionAndPromotesIt) {
  Publish();
  const TrainingOutcome outcome = Run();
  EXPECT_EQ(outcome.end, TrainingEnd::kDone) << outcome.message;
  EXPECT_EQ(outcome.summary["model"], "fake");
  EXPECT_EQ(outcome.summary["version"], 1);
  EXPECT_EQ(outcome.summary["promoted"], true);
  EXPECT_EQ(Registry(models()).Find("fake", "champion")->number, 1U);
  EXPECT_THAT(observer_.told, HasSubstr("published fake 1"));
}

TEST_F(TrainingRun, PromotesWhoBeatsTheChampionAndKeepsInTheVersionWhy) {
  Publish();
  ASSERT_EQ(Run().end, TrainingEnd::kDone);
  ChallengeTheChampion();
  const TrainingOutcome outcome = Run();
  EXPECT_EQ(outcome.end, TrainingEnd::kDone) << outcome.message;
  EXPECT_EQ(Registry(models()).Find("fake", "champion")->number, 2U);
  EXPECT_EQ(outcome.summary["contest"]["champion"], 1);
  const auto manifest = Registry::ReadManifest(*Registry(models()).Find("fake", "2"));
  ASSERT_TRUE(manifest.ok());
  EXPECT_EQ((*manifest)["contest"], outcome.summary["contest"]);
  EXPECT_THAT(observer_.told, HasSubstr("The challenger is better"));
}

TEST_F(TrainingRun, KeepsAChampionThatIsNotBeaten) {
  Publish();
  ASSERT_EQ(Run().end, TrainingEnd::kDone);
  ChallengeTheChampion();
  script_.champion_error = 0.5;
  EXPECT_EQ(Run().end, TrainingEnd::kNotPromoted);
  EXPECT_EQ(Registry(models()).Find("fake", "champion")->number, 1U);
  EXPECT_TRUE(std::filesystem::exists(models() / "fake/2"));
}

TEST_F(TrainingRun, RefusesAChampionThatItCannotBeComparedWithBeforeItTrains) {
  Publish();
  ASSERT_EQ(Run().end, TrainingEnd::kDone);
  ChallengeTheChampion();
  script_.errors["check rival"] = {ErrorCode::kInvalidArgument, "forecasts something else"};
  script_.done.clear();
  const TrainingOutcome outcome = Run();
  EXPECT_EQ(outcome.end, TrainingEnd::kRefused);
  EXPECT_EQ(outcome.message, "forecasts something else");
  EXPECT_THAT(script_.done, ElementsAre("open data", "check 3", "check rival 3"));
}

TEST_F(TrainingRun, TrainsNothingWhenTheChampionHasLearnedFromTheSameData) {
  Publish();
  ASSERT_EQ(Run().end, TrainingEnd::kDone);
  ChallengeTheChampion();
  script_.data = "some";
  script_.done.clear();
  const TrainingOutcome outcome = Run();
  EXPECT_EQ(outcome.end, TrainingEnd::kNothingNew) << outcome.message;
  EXPECT_THAT(script_.done, ElementsAre("open data", "check 3", "check rival 3"));
  EXPECT_FALSE(std::filesystem::exists(models() / "fake/2"));
  EXPECT_EQ(outcome.summary["version"], 1);
  EXPECT_EQ(outcome.summary["promoted"], false);
  EXPECT_EQ(outcome.summary["nothing_new"], true);
  EXPECT_THAT(observer_.told,
              HasSubstr("Nothing is new: version 1 of fake was trained by the same pipeline on the "
                        "same data, up to 2024-05-19, and is the champion."));
  request_.publication->even_if_known = true;
  EXPECT_EQ(Run().end, TrainingEnd::kDone);
  EXPECT_TRUE(std::filesystem::exists(models() / "fake/2"));
}

/// What changes between two contests, and whether the second one is another.
struct SecondContest {
  const char* name;
  void (*change)(Script& script, TrainingRequest& request);
  TrainingEnd end;
};
std::ostream& operator<<(std::ostream& out, const SecondContest& one) { return out << one.name; }

class AChallengerThatLost : public TrainingRun,
                            public testing::WithParamInterface<SecondContest> {};

TEST_P(AChallengerThatLost, IsNotTrainedAgainUnlessSomethingIsNew) {
  Publish();
  ASSERT_EQ(Run().end, TrainingEnd::kDone);
  ChallengeTheChampion();
  script_.champion_error = 0.5;
  ASSERT_EQ(Run().end, TrainingEnd::kNotPromoted);
  GetParam().change(script_, request_);
  const TrainingOutcome second = Run();
  EXPECT_EQ(second.end, GetParam().end) << second.message;
  const bool trained = std::filesystem::exists(models() / "fake/3");
  EXPECT_EQ(trained, GetParam().end != TrainingEnd::kNothingNew);
  if (trained) return;
  EXPECT_EQ(second.summary["version"], 2);
  EXPECT_FALSE(second.summary["contest"]["is_better"]);
  EXPECT_THAT(second.summary["why"].get<std::string>(), HasSubstr("is NOT better"));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AChallengerThatLost,
    testing::Values(
        SecondContest{"Nothing", [](Script&, TrainingRequest&) {}, TrainingEnd::kNothingNew},
        SecondContest{"NewerData", [](Script& script, TrainingRequest&) { script.data = "newest"; },
                      TrainingEnd::kNotPromoted},
        SecondContest{
            "ASecondSeed",
            [](Script&, TrainingRequest& request) { request.document["training"]["trees"] = 4; },
            TrainingEnd::kNotPromoted},
        SecondContest{"ALesserGainThatIsAskedFor",
                      [](Script&, TrainingRequest& request) {
                        request.publication->contest->rules.least_gain = 0;
                      },
                      TrainingEnd::kNotPromoted},
        SecondContest{
            "AnotherAlias",
            [](Script&, TrainingRequest& request) { request.publication->alias = "canary"; },
            TrainingEnd::kNotPromoted},
        SecondContest{"AnotherChampion",
                      [](Script&, TrainingRequest& request) {
                        request.publication->contest->champion.number = 0;
                      },
                      TrainingEnd::kNotPromoted}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(TrainingRun, DoesNotTakeThePlaceOfAChampionThatItWasNotComparedWith) {
  Publish();
  ASSERT_EQ(Run().end, TrainingEnd::kDone);
  ChallengeTheChampion();
  request_.publication->contest->champion.number = 7;  // another one had the alias then
  const TrainingOutcome outcome = Run();
  EXPECT_EQ(outcome.end, TrainingEnd::kIo) << outcome.message;
  EXPECT_FALSE(std::filesystem::exists(models() / "fake/2"));
}

TEST_F(TrainingRun, PublishesWithoutPromotingWhatDoesNotBeatTheBaselines) {
  Publish();
  script_.beats_baselines = false;
  EXPECT_EQ(Run().end, TrainingEnd::kNotPromoted);
  EXPECT_TRUE(std::filesystem::exists(models() / "fake/1"));
  EXPECT_FALSE(std::filesystem::exists(models() / "fake/champion"));
  request_.publication->force_promote = true;
  EXPECT_EQ(Run().end, TrainingEnd::kDone);
  EXPECT_TRUE(std::filesystem::exists(models() / "fake/champion"));
}

TEST_F(TrainingRun, ChecksOnlyInADryRun) {
  request_.dry_run = true;
  const TrainingOutcome outcome = Run();
  EXPECT_THAT(script_.done, ElementsAre("open data", "check 3"));
  EXPECT_EQ(outcome.summary, ordered_json({{"pipeline", "fake"}, {"rows", 3}, {"dry_run", true}}));
  EXPECT_EQ(observer_.told, "fake: 3 rows: nothing is in the way\n");
}

struct EndCase {
  const char* name;
  const char* step;
  ErrorCode code;
  TrainingEnd end;
};
class FailedStep : public TrainingRun, public testing::WithParamInterface<EndCase> {};

TEST_P(FailedStep, SaysWhoseFaultItIsAndPublishesNothing) {
  Publish();
  script_.errors[GetParam().step] = {GetParam().code, "no good"};
  const TrainingOutcome outcome = Run();
  EXPECT_EQ(outcome.end, GetParam().end);
  EXPECT_EQ(outcome.message, "no good");
  EXPECT_FALSE(std::filesystem::exists(models()));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, FailedStep,
    testing::Values(
        EndCase{"WrongDocument", "open", ErrorCode::kInvalidArgument, TrainingEnd::kRefused},
        EndCase{"DataThatAreNotThere", "open", ErrorCode::kNotFound, TrainingEnd::kData},
        EndCase{"DataThatCannotBeOpened", "open", ErrorCode::kIo, TrainingEnd::kIo},
        EndCase{"TooFewData", "check", ErrorCode::kInvalidArgument, TrainingEnd::kData},
        EndCase{"BadExamples", "examples", ErrorCode::kInvalidArgument, TrainingEnd::kData},
        EndCase{"FoldThatCannotBeTrained", "validate", ErrorCode::kInvalidArgument,
                TrainingEnd::kData},
        EndCase{"CorruptWhileTraining", "train", ErrorCode::kCorrupt, TrainingEnd::kData}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(TrainingRun, StopsBetweenTrainingAndPublishing) {
  Publish();
  for (const char* const step : {"validate", "train"}) {
    script_.stops_in = step;
    const TrainingOutcome outcome = Run();
    EXPECT_EQ(outcome.end, TrainingEnd::kStopped) << step;
    EXPECT_EQ(outcome.message, "stopped; nothing was published");
  }
  EXPECT_FALSE(std::filesystem::exists(models()));
}

TEST_F(TrainingRun, RefusesANameThatIsNoneBeforeItTrains) {
  Publish();
  request_.publication->alias = "7";
  EXPECT_EQ(Run().end, TrainingEnd::kRefused);
  EXPECT_THAT(script_.done, ElementsAre("open data", "check 3"));
}

TEST_F(TrainingRun, SaysWhatItFoundThoughThePageCannotBeWritten) {
  request_.report = folder_.path() / "absent" / "page.html";
  const TrainingOutcome outcome = Run();
  EXPECT_EQ(outcome.end, TrainingEnd::kIo);
  EXPECT_THAT(outcome.message, HasSubstr("absent"));
  EXPECT_THAT(observer_.told, HasSubstr("described"));
}

TEST_F(TrainingRun, PrintsThePageForADash) {
  request_.report = "-";
  EXPECT_EQ(Run().end, TrainingEnd::kDone);
  EXPECT_EQ(page_.str(), "a page");
}

}  // namespace
}  // namespace forkcast::model
