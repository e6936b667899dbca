#include "model/commands/models_command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "data_preprocessing/document/content_hash.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"
#include "model/import/small_models.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using preprocessing::ExitCode;
using testing::HasSubstr;

class ModelsCommandTest : public testing::Test {
 protected:
  /// Publishes a version that was judged so, or was not judged.
  void Publish(std::optional<bool> beats_baselines, double wape = 0.25) const {
    ordered_json manifest{{"seed", 7}};
    if (beats_baselines) {
      manifest["evaluation"] = {{"metric", "wape"},
                                {"value", wape},
                                {"skill", 0.1},
                                {"beats_baselines", *beats_baselines}};
    }
    ASSERT_TRUE(Registry(folder_.path()).Publish("demand", manifest, {{"model.ubj", "trees"}}, {}));
  }

  ExitCode Run(std::vector<std::string> words, bool with_folder = true) {
    if (with_folder) {
      words.push_back("--models");
      words.push_back(folder_.path().string());
    }
    out_.str("");
    err_.str("");
    const SystemClock clock;
    return static_cast<ExitCode>(preprocessing::RunCommand(
        ModelsCommand(), words,
        {.environment = [this](const char* name) -> std::optional<std::string> {
           if (std::string_view(name) != "FORKCAST_MODELS") return {};
           return folder_.path().string();
         },
         .out = out_,
         .err = err_,
         .clock = clock}));
  }
  [[nodiscard]] std::string out() const { return out_.str(); }
  [[nodiscard]] std::string err() const { return err_.str(); }

  preprocessing::TempFolder folder_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(ModelsCommandTest, ListsAVersionOfSingleKeysAsSuch) {
  const ordered_json manifest{
      {"base", {{"version", 3}}},
      {"replaced", {{{"key", {42}}}, {{"key", {7, "north"}}}, {{"key", {1}}, {"version", 2}}}},
      {"evaluation", {{"metric", "wape"}, {"beats_baselines", true}}}};
  ASSERT_TRUE(Registry(folder_.path()).Publish("demand", manifest, {}, {}));
  ASSERT_EQ(Run({"list"}), ExitCode::kDone);
  EXPECT_THAT(out(), HasSubstr("  only 42, 7,north (over 3)  "));
  ASSERT_EQ(Run({"list", "--json"}), ExitCode::kDone);
  const json listed = json::parse(out())[0];
  EXPECT_EQ(listed["only_keys"], json::parse(R"([[42], [7, "north"]])"));
  EXPECT_EQ(listed["base"], 3);
}

TEST_F(ModelsCommandTest, SaysOfAVersionThatTooLittleWasJudged) {
  const ordered_json manifest{
      {"evaluation",
       {{"beats_baselines", false}, {"shortfalls", {"no row of fold 2 could be judged"}}}}};
  ASSERT_TRUE(Registry(folder_.path()).Publish("demand", manifest, {}, {}));
  EXPECT_EQ(Run({"promote", "demand", "1"}), ExitCode::kGate);
  EXPECT_THAT(err(), HasSubstr("was not judged well enough (no row of fold 2 could be judged)"));
}

TEST_F(ModelsCommandTest, ListsVersionsWithWhatTheyAreWorth) {
  Publish(true, 0.25);
  Publish(false, 0.5);
  ASSERT_EQ(Run({"promote", "demand", "1"}), ExitCode::kDone);
  ASSERT_EQ(Run({"list"}), ExitCode::kDone);
  EXPECT_EQ(
      out(),
      "model   version  published             metric  value  skill  beats baselines  keys  "
      "aliases\n"
      "demand        1  1970-01-01T00:00:00Z  wape     0.25    0.1  true             all   "
      "champion\n"
      "demand        2  1970-01-01T00:00:00Z  wape     0.5     0.1  false            all   -\n");
  ASSERT_EQ(Run({"list", "demand", "--json"}), ExitCode::kDone);
  const json listed = json::parse(out());
  EXPECT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed[0]["aliases"], json({"champion"}));
}

TEST_F(ModelsCommandTest, TakesVerbNamesAndFlagsInAnyOrder) {
  Publish(true);
  const std::vector<std::vector<std::string>> orders{{"promote", "demand", "1", "--alias", "next"},
                                                     {"--alias", "next", "promote", "demand", "1"},
                                                     {"promote", "--alias=next", "demand", "1"},
                                                     {"promote", "demand", "--alias", "next", "1"}};
  for (const auto& words : orders) {
    EXPECT_EQ(Run(words), ExitCode::kDone) << err();
    EXPECT_EQ(out(), "next of demand is version 1 now\n");
  }
}

TEST_F(ModelsCommandTest, HelpShowsVerbsWithTheirWordsAndFlags) {
  EXPECT_EQ(Run({"--help"}), ExitCode::kDone);
  for (const char* told :
       {"usage: forkcast models VERB ... [flags]\n", "\n  show MODEL [VERSION] ",
        "\n  --alias NAME\n      promote: the alias to move. Default: champion.\n",
        "\n  4    not promoted: it does not beat the baselines\n"}) {
    EXPECT_THAT(out(), HasSubstr(told));
  }
}

TEST_F(ModelsCommandTest, TakesTheFolderFromTheEnvironment) {
  Publish(true);
  EXPECT_EQ(Run({"list"}, false), ExitCode::kDone);
  EXPECT_THAT(out(), HasSubstr("demand        1"));
}

TEST_F(ModelsCommandTest, SaysThatThereAreNone) {
  EXPECT_EQ(Run({"list"}), ExitCode::kDone);
  EXPECT_THAT(out(), HasSubstr("no models in "));
}

TEST_F(ModelsCommandTest, ShowsAVersionAndItsManifest) {
  Publish(true);
  ASSERT_EQ(Run({"promote", "demand", "1"}), ExitCode::kDone);
  ASSERT_EQ(Run({"show", "demand", "--json"}), ExitCode::kDone);
  const json shown = json::parse(out());
  EXPECT_EQ(shown["version"], 1);
  EXPECT_EQ(shown["manifest"]["seed"], 7);
}

TEST_F(ModelsCommandTest, MarksADamagedVersionInTheListAndRefusesToShowIt) {
  Publish(true);
  std::ofstream(folder_.path() / "demand/1/model.ubj") << "other";
  ASSERT_EQ(Run({"list"}), ExitCode::kDone);
  EXPECT_THAT(out(), HasSubstr("DAMAGED"));
  EXPECT_EQ(Run({"show", "demand", "1"}), ExitCode::kUnfit);
  EXPECT_THAT(err(), HasSubstr("model.ubj"));
  EXPECT_EQ(Run({"promote", "demand", "1"}), ExitCode::kUnfit);
}

struct GateCase {
  const char* name;
  std::optional<bool> beats;
  std::vector<std::string> flags;
  ExitCode exit;
};
class PromotionGate : public ModelsCommandTest, public testing::WithParamInterface<GateCase> {};

TEST_P(PromotionGate, LetsPassWhatBeatsItsBaselinesOrIsForced) {
  Publish(GetParam().beats);
  std::vector<std::string> words{"promote", "demand", "1"};
  words.insert(words.end(), GetParam().flags.begin(), GetParam().flags.end());
  EXPECT_EQ(Run(words), GetParam().exit) << err();
  const auto champion = Registry(folder_.path()).Find("demand", "champion");
  EXPECT_EQ(champion.ok(), GetParam().exit == ExitCode::kDone);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, PromotionGate,
    testing::Values(GateCase{"Better", true, {}, ExitCode::kDone},
                    GateCase{"Worse", false, {}, ExitCode::kGate},
                    GateCase{"NotJudged", std::nullopt, {}, ExitCode::kGate},
                    GateCase{"WorseButForced", false, {"--force-promote"}, ExitCode::kDone}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(ModelsCommandTest, PromotesToAnotherAlias) {
  Publish(true);
  ASSERT_EQ(Run({"promote", "demand", "1", "--alias", "challenger"}), ExitCode::kDone);
  EXPECT_EQ(out(), "challenger of demand is version 1 now\n");
}

TEST_F(ModelsCommandTest, ComparesManifestsMemberByMember) {
  Publish(true, 0.25);
  Publish(false, 0.5);
  ASSERT_EQ(Run({"compare", "demand", "1", "2", "--json"}), ExitCode::kDone);
  EXPECT_EQ(json::parse(out()), json::parse(R"({"/evaluation/value": [0.25, 0.5],
      "/evaluation/beats_baselines": [true, false]})"));
  ASSERT_EQ(Run({"compare", "demand", "1", "1"}), ExitCode::kDone);
  EXPECT_EQ(out(), "no difference\n");
}

TEST_F(ModelsCommandTest, PrunesAndSaysWhatItWouldPrune) {
  for (int i = 0; i < 3; ++i) Publish(true);
  ASSERT_EQ(Run({"prune", "demand", "--keep", "1", "--dry-run"}), ExitCode::kDone);
  EXPECT_EQ(out(), "would remove demand 1\nwould remove demand 2\n");
  ASSERT_EQ(Run({"prune", "demand", "--keep=1"}), ExitCode::kDone);
  EXPECT_EQ(out(), "removed demand 1\nremoved demand 2\n");
}

// ---- models of other programs ----

TEST_F(ModelsCommandTest, ImportsAModel) {
  const std::string file = folder_.Write("demand.json", SmallXGBoost()).string();
  ASSERT_EQ(Run({"import", file, "--name", "demand"}), ExitCode::kDone) << err();
  EXPECT_EQ(out(),
            "demand 1: xgboost 2.1.4, reg:squarederror, 2 trees, 2 inputs\n"
            "answers: value\n");
  ASSERT_EQ(Run({"show", "demand", "1", "--json"}), ExitCode::kDone);
  const json shown = json::parse(out());
  EXPECT_EQ(shown["manifest"]["source"]["format"], "xgboost");
  EXPECT_EQ(shown["aliases"], json::array());
  ASSERT_EQ(Run({"list"}), ExitCode::kDone);
  EXPECT_THAT(out(), HasSubstr("demand"));
}

TEST_F(ModelsCommandTest, ImportsAndPromotesAtOnceWhatAgreesWithItsPredictions) {
  const std::string file = folder_.Write("demand.json", SmallXGBoost()).string();
  const std::string check =
      folder_.Write("check.csv", "price,stock,value\n10,2,1.5\n9,,4.5\n").string();
  ASSERT_EQ(
      Run({"import", file, "--name", "demand", "--check", check, "--promote", "--alias", "best"}),
      ExitCode::kDone)
      << err();
  EXPECT_EQ(out(),
            "demand 1: xgboost 2.1.4, reg:squarederror, 2 trees, 2 inputs\n"
            "answers: value\n"
            "2 predictions of check.csv: the greatest difference is 0\n"
            "best of demand is version 1 now\n");
  EXPECT_TRUE(Registry(folder_.path()).Find("demand", "best"));
  ASSERT_EQ(Run({"import", file, "--name", "demand", "--check", check, "--json"}), ExitCode::kDone);
  const json report = json::parse(out());
  EXPECT_EQ(report["version"], 2);
  EXPECT_EQ(report["outputs"], json({"value"}));
  EXPECT_EQ(report["check"]["rows"], 2);
}

TEST_F(ModelsCommandTest, ImportsNothingThatPredictsSomethingElse) {
  const std::string file = folder_.Write("demand.json", SmallXGBoost()).string();
  const std::string check = folder_.Write("check.csv", "price,stock,value\n10,2,1.25\n").string();
  const std::vector<std::string> words{"import", file, "--name", "demand", "--check", check};
  EXPECT_EQ(Run(words), ExitCode::kNo);
  EXPECT_THAT(err(), HasSubstr("1 of 1 predictions differ, by up to 0.2"));
  EXPECT_THAT(err(), HasSubstr("line 2, value: expected 1.25, got 1.5. Nothing is published"));
  EXPECT_THAT(*Registry(folder_.path()).Models(), testing::IsEmpty());
  std::vector<std::string> tolerant = words;
  tolerant.insert(tolerant.end(), {"--tolerance", "0.3"});
  EXPECT_EQ(Run(tolerant), ExitCode::kDone) << err();
}

TEST_F(ModelsCommandTest, PrintsWhatWhoeverImportsOughtToKnow) {
  const std::string file =
      folder_
          .Write("demand.json", SmallXGBoost("reg:squarederror", R"(["price", "stock"])",
                                             R"({"best_iteration": "0"})"))
          .string();
  ASSERT_EQ(Run({"import", file, "--name", "demand"}), ExitCode::kDone) << err();
  EXPECT_THAT(out(), HasSubstr("note: best_iteration: early stopping found round 0"));
  ASSERT_EQ(Run({"import", file, "--name", "demand", "--rounds", "best"}), ExitCode::kDone);
  EXPECT_THAT(out(), HasSubstr(", 1 trees, "));
}

// ---- export ----

class ExportTest : public ModelsCommandTest {
 protected:
  /// A linear model, 2 * price + 1.
  void PublishALine() const {
    const ordered_json document = ordered_json::parse(R"({
      "name": "shop", "version": "3", "tables": {}, "series": {},
      "request": {"fields": {"price": "double", "time": "timestamp"}, "time": "time"},
      "features": [{"op": "field", "field": "price"}]})");
    const ordered_json manifest{
        {"format", 1},
        {"kind", "forecast"},
        {"pipeline", {{"hash", preprocessing::ContentHash(document.dump())}}},
        {"seed", 0}};
    const std::string line =
        R"({"format": "forkcast.linear", "format_version": 1, "algorithm": "ridge", "link": "identity", "features": ["price"],
            "scaled": false, "inputs": [{"feature": 0, "mean": 0, "deviation": 1}],
            "polynomial": {"degree": 1, "interaction_only": false}, "outputs": [{"intercept": 1, "coefficients": [2]}]})";
    const std::string around =
        R"({"transforms": {"format": "forkcast.transforms", "format_version": 1,
                           "features": [{"name": "price", "kind": "number"}]}})";
    ASSERT_TRUE(Registry(folder_.path())
                    .Publish("demand", manifest,
                             {{"pipeline.json", document.dump()},
                              {"model/1.linear.json", line},
                              {"model/1.transforms.json", around}},
                             {}, "champion"));
  }

  [[nodiscard]] std::string Path(const char* name) const {
    return (folder_.path() / name).string();
  }
};

TEST_F(ExportTest, WritesAModelThatImportReads) {
  PublishALine();
  ASSERT_EQ(Run({"export", "demand@champion", "--out", Path("line.onnx")}), ExitCode::kDone)
      << err();
  EXPECT_THAT(out(), testing::StartsWith("demand 1: onnx, "));
  const std::string check = folder_.Write("check.csv", "price,value\n3,7\n").string();
  ASSERT_EQ(Run({"import", Path("line.onnx"), "--name", "again", "--check", check}),
            ExitCode::kDone)
      << err();
  EXPECT_THAT(out(), testing::StartsWith("again 1: onnx forkcast"));
  EXPECT_THAT(out(), HasSubstr("the greatest difference is 0\n"));
  EXPECT_EQ(Run({"export", "again@1", "--out", Path("again.onnx")}), ExitCode::kUnfit);
  EXPECT_THAT(err(), HasSubstr("it was imported"));
}

TEST_F(ExportTest, ExportsTheChampionAndTellsSoInJson) {
  PublishALine();
  ASSERT_EQ(Run({"export", "demand", "--out", Path("line.onnx"), "--json"}), ExitCode::kDone)
      << err();
  const json report = json::parse(out());
  EXPECT_EQ(report["version"], 1);
  EXPECT_EQ(report["format"], "onnx");
  EXPECT_EQ(report["bytes"], std::filesystem::file_size(Path("line.onnx")));
}

TEST_F(ExportTest, LeavesAFileAsItIsWhereAModelCannotBeWritten) {
  PublishALine();
  const std::string file = folder_.Write("line.ubj", "before").string();
  EXPECT_EQ(Run({"export", "demand", "--format", "xgboost", "--out", file}), ExitCode::kUnfit);
  EXPECT_THAT(err(), HasSubstr("a linear model: XGBoost's format holds trees alone"));
  EXPECT_EQ(preprocessing::ReadWhole(file), "before");
}

struct UsageCase {
  const char* name;
  std::vector<std::string> words;
  ExitCode exit;
  const char* message;
};
class WrongUse : public ModelsCommandTest, public testing::WithParamInterface<UsageCase> {};

TEST_P(WrongUse, IsToldInOneLineWithItsExitCode) {
  Publish(true);
  EXPECT_EQ(Run(GetParam().words), GetParam().exit);
  EXPECT_THAT(err(), HasSubstr(GetParam().message));
  EXPECT_EQ(out(), "");
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WrongUse,
    testing::Values(
        UsageCase{"NoVerb", {}, ExitCode::kUsage, "no verb"},
        UsageCase{"UnknownVerb", {"delete"}, ExitCode::kUsage, "unknown verb \"delete\""},
        UsageCase{"NoModel", {"show"}, ExitCode::kUsage, "models show MODEL [VERSION]"},
        UsageCase{"TooManyWords", {"list", "demand", "1"}, ExitCode::kUsage, "models list [MODEL]"},
        UsageCase{"FlagOfAnotherVerb", {"list", "--keep", "3"}, ExitCode::kUsage, "--keep"},
        UsageCase{"KeepNone", {"prune", "demand", "--keep", "0"}, ExitCode::kUsage, "from 1"},
        UsageCase{"KeepWords", {"prune", "demand", "--keep", "two"}, ExitCode::kUsage, "\"two\""},
        UsageCase{"ImportOfNothing", {"import"}, ExitCode::kUsage, "models import FILE"},
        UsageCase{"ImportWithoutName", {"import", "x.ubj"}, ExitCode::kUsage, "--name"},
        UsageCase{
            "ImportOfNoFile", {"import", "no/x.ubj", "--name", "x"}, ExitCode::kUnfit, "no/x.ubj"},
        UsageCase{"ImportUnderABadName",
                  {"import", "x.ubj", "--name", "../x"},
                  ExitCode::kUsage,
                  "model \"../x\""},
        UsageCase{"ImportOfUnknownRounds",
                  {"import", "x.ubj", "--name", "x", "--rounds", "few"},
                  ExitCode::kUsage,
                  "few"},
        UsageCase{"ImportWithANegativeTolerance",
                  {"import", "x.ubj", "--name", "x", "--tolerance", "-1"},
                  ExitCode::kUsage,
                  "a number from 0"},
        UsageCase{"ExportWithoutFile", {"export", "demand"}, ExitCode::kUsage, "--out"},
        UsageCase{"ExportToAnUnknownFormat",
                  {"export", "demand", "--out", "x", "--format", "pickle"},
                  ExitCode::kUsage,
                  "pickle"},
        UsageCase{"ExportOfAnUnknownVersion",
                  {"export", "demand@9", "--out", "x"},
                  ExitCode::kUnfit,
                  "\"9\""},
        UsageCase{"UnknownModel", {"show", "sales"}, ExitCode::kUnfit, "no model \"sales\""},
        UsageCase{"UnknownVersion", {"promote", "demand", "9"}, ExitCode::kUnfit, "\"9\""},
        UsageCase{"BadName", {"show", "../demand"}, ExitCode::kUsage, "model \"../demand\""}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::model
