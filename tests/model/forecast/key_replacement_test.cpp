#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>

#include "data_preprocessing/document/json.hpp"
#include "model/commands/models_command.hpp"
#include "model/forecast/forecast_version.hpp"
#include "model/forecast/key_replacement_job.hpp"
#include "model/forecast/sales_testing.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ReadWhole;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

/// A version 1 of one model a shop.
class KeyReplacementTest : public TrainCommandTest {
 protected:
  KeyReplacementTest() {
    document_["training"]["scope"] = "per_key";
    document_["forecast"]["strategy"] = "shared";
  }
  void TrainAll() {
    Ingest();
    ASSERT_EQ(Train(), ExitCode::kDone) << err();
  }
  /// Other sales of a shop in the last weeks.
  void ChangeSalesOf(const std::string& shop) {
    std::mt19937 random(11);
    for (Amount& row : amounts_) {
      if (row.shop != shop || row.day < kDays - 30) continue;
      row.amount = 1.4 * Sales(std::stoi(shop), row.day, random);
    }
    Ingest();
  }
  [[nodiscard]] ordered_json Manifest(int number) const {
    return ordered_json::parse(ReadWhole(version(number) / "manifest.json"));
  }
  /// The bytes of a version's files below model/.
  [[nodiscard]] std::map<std::string, std::string> ModelFiles(int number) const {
    std::map<std::string, std::string> files;
    const ordered_json manifest = Manifest(number);
    for (const ordered_json& file : manifest["files"]) {
      const std::string path = file["path"];
      if (path.starts_with("model/")) files[path] = ReadWhole(version(number) / path);
    }
    return files;
  }
  [[nodiscard]] std::vector<std::string> Changed(int before, int after) const {
    std::vector<std::string> changed;
    const auto old = ModelFiles(before);
    for (const auto& [path, bytes] : ModelFiles(after)) {
      const auto found = old.find(path);
      if (found == old.end() || found->second != bytes) changed.push_back(path);
    }
    return changed;
  }
  [[nodiscard]] std::uint64_t Champion() const {
    return Registry(models()).Find("sales", "champion")->number;
  }
};

TEST_F(KeyReplacementTest, ReplacesOneKeysFilesAndLeavesThoseOfAllOthersAsTheyWere) {
  TrainAll();
  ChangeSalesOf("001");
  ASSERT_EQ(Train({"--only-key", "001", "--force-promote"}), ExitCode::kDone) << err();
  EXPECT_EQ(summary()["version"], 2);
  EXPECT_EQ(ModelFiles(2).size(), ModelFiles(1).size());
  EXPECT_THAT(Changed(1, 2), ElementsAre("model/1/1.forest", "model/1/1.shap", "model/1/1.ubj"));
  EXPECT_EQ(ReadWhole(version(2) / "pipeline.json"), ReadWhole(version(1) / "pipeline.json"));
  EXPECT_EQ(ReadWhole(version(2) / "reference.json"), ReadWhole(version(1) / "reference.json"));
  EXPECT_EQ(Champion(), 2U);

  const ordered_json manifest = Manifest(2);
  EXPECT_EQ(manifest["base"]["version"], 1);
  EXPECT_EQ(manifest["models"], kShops);
  EXPECT_EQ(manifest["data"]["keys"], 1);
  EXPECT_EQ(manifest["data"]["rows"], kDays);
  EXPECT_EQ(manifest["evaluation"]["metrics"]["rows"], kHorizon * kFolds);
  ASSERT_EQ(manifest["replaced"].size(), 1U);
  const ordered_json one = manifest["replaced"][0];
  EXPECT_EQ(one["key"], ordered_json({"001"}));
  EXPECT_EQ(one["is_new"], false);
  EXPECT_EQ(one["data"],
            ordered_json({{"from", DateOf(0)}, {"to", DateOf(kDays - 1)}, {"rows", kDays}}));
  EXPECT_EQ(one["evaluation"]["metrics"], manifest["evaluation"]["metrics"]);
  EXPECT_EQ(one["evaluation"]["skill"], manifest["evaluation"]["skill"]);
  EXPECT_EQ(manifest["full_training"]["version"], 1);
  EXPECT_EQ(manifest["full_training"]["evaluation"], Manifest(1)["evaluation"]);
  const auto read = ForecastVersion::Read(*Registry(models()).Find("sales", "2"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->Model());
}

TEST_F(KeyReplacementTest, TrainsTheSameBytesAsWithAllOthersWhenNothingHasChanged) {
  TrainAll();
  ASSERT_EQ(Train({"--only-key", "002", "--only-key", "000", "--threads", "1"}), ExitCode::kDone)
      << err();
  EXPECT_THAT(Changed(1, 2), ElementsAre());
}

TEST_F(KeyReplacementTest, JudgesAKeyAsIfThereWereNoOther) {
  TrainAll();
  ASSERT_EQ(Train({"--only-key", "001", "--only-key", "002"}), ExitCode::kDone) << err();
  const ordered_json both = Manifest(2);
  std::erase_if(amounts_, [](const Amount& row) { return row.shop == "000"; });
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_EQ(both["evaluation"], evaluation());
  std::erase_if(amounts_, [](const Amount& row) { return row.shop != "002"; });
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  for (const auto& [name, value] : both["replaced"][1]["evaluation"].items()) {
    EXPECT_EQ(value, evaluation()[name]) << name;
  }
}

TEST_F(KeyReplacementTest, SaysOfEveryKeyWhichVersionBroughtIt) {
  TrainAll();
  const auto replace = [&](const char* key, const char* base) {
    const ExitCode exit = Train({"--only-key", key, "--from-version", base, "--force-promote"});
    ASSERT_EQ(exit, ExitCode::kDone) << err();
  };
  replace("001", "champion");
  replace("002", "2");
  replace("001", "3");
  const ordered_json last = Manifest(4);
  EXPECT_EQ(last["base"]["version"], 3);
  EXPECT_EQ(last["full_training"]["version"], 1);
  ASSERT_EQ(last["replaced"].size(), 2U);
  EXPECT_EQ(last["replaced"][0]["key"], ordered_json({"001"}));
  EXPECT_FALSE(last["replaced"][0].contains("version"));
  EXPECT_EQ(last["replaced"][1]["key"], ordered_json({"002"}));
  EXPECT_EQ(last["replaced"][1]["version"], 3);
}

TEST_F(KeyReplacementTest, AddsAKeyBehindTheOthersWhateverItsPlaceInTheData) {
  TrainAll();
  std::mt19937 random(5);
  for (int day = kDays - 1; day >= 40; --day) {
    amounts_.insert(amounts_.begin(), {"new", day, Sales(4, day, random)});
  }
  Ingest();
  ASSERT_EQ(Train({"--only-key", "new", "--force-promote"}), ExitCode::kDone) << err();
  EXPECT_THAT(Changed(1, 2),
              ElementsAre("model/1/3.forest", "model/1/3.shap", "model/1/3.transforms.json",
                          "model/1/3.ubj", "model/keys.json"));
  const ordered_json keys = ordered_json::parse(ReadWhole(version(2) / "model/keys.json"))["keys"];
  EXPECT_EQ(keys[3]["values"], ordered_json({"new"}));
  EXPECT_EQ(Manifest(2)["models"], kShops + 1);
  const ordered_json one = Manifest(2)["replaced"][0];
  EXPECT_EQ(one["is_new"], true);
  EXPECT_EQ(one["data"]["from"], DateOf(40));
  EXPECT_EQ(one["data"]["rows"], kDays - 40);
}

TEST_F(KeyReplacementTest, MakesTheSameVersionWhateverTheOrderOfTheFlags) {
  TrainAll();
  const auto manifest_of = [this](const Words& keys, int number) {
    Words flags{"--from-version", "1", "--force-promote"};
    flags.insert(flags.end(), keys.begin(), keys.end());
    EXPECT_EQ(Train(flags), ExitCode::kDone) << err();
    return ReadWhole(version(number) / "manifest.json");
  };
  const std::string upwards = manifest_of({"--only-key", "000", "--only-key", "002"}, 2);
  EXPECT_EQ(manifest_of({"--only-key", "002", "--only-key", "000"}, 3), upwards);
}

TEST_F(KeyReplacementTest, HoldsTheGateWithTheseKeysAlone) {
  TrainAll();
  for (Amount& row : amounts_) {
    if (row.shop == "001") row.amount = row.day == 0 ? 51 : 50;
  }
  document_["training"]["baselines"] = {{{"rolling_median", 28}}};
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_TRUE(evaluation()["beats_baselines"]) << "over all keys";
  EXPECT_EQ(Train({"--only-key", "001"}), ExitCode::kGate) << err();
  EXPECT_FALSE(summary()["promoted"]);
  EXPECT_EQ(Champion(), 1U);
  EXPECT_FALSE(Manifest(2)["evaluation"]["beats_baselines"]);
  ASSERT_EQ(Train({"--only-key", "001", "--force-promote"}), ExitCode::kDone) << err();
  EXPECT_EQ(Champion(), 3U);
}

TEST_F(KeyReplacementTest, TakesWhatASearchChoseForTheBase) {
  document_["training"]["search"] = {
      {"parameters", {{"model.trees", {1, 40}}, {"features.same_day.window", {7, 56}}}}};
  TrainAll();
  ASSERT_EQ(Train({"--only-key", "001", "--force-promote"}), ExitCode::kDone) << err();
  EXPECT_FALSE(summary().contains("search"));
  EXPECT_EQ(ReadWhole(version(2) / "pipeline.json"), ReadWhole(version(1) / "pipeline.json"));
  EXPECT_THAT(Changed(1, 2), ElementsAre());
}

TEST_F(KeyReplacementTest, MayBeJudgedOtherwiseThanTheBase) {
  TrainAll();
  document_["version"] = "2";
  document_["training"]["folds"]["n_splits"] = 2;
  document_["training"]["metric"] = "rmse";
  document_["training"]["model"]["threads"] = 1;
  SetDocument();
  ASSERT_EQ(Train({"--only-key", "001", "--force-promote"}), ExitCode::kDone) << err();
  EXPECT_EQ(Manifest(2)["evaluation"]["metric"], "rmse");
  EXPECT_THAT(Changed(1, 2), ElementsAre());
  EXPECT_TRUE(ForecastVersion::Read(*Registry(models()).Find("sales", "2")));
}

TEST_F(KeyReplacementTest, LooksOnlyAtTheWindowThatIsAskedFor) {
  TrainAll();
  ASSERT_THAT(Train({"--only-key", "001", "--last", "10w"}),
              testing::AnyOf(ExitCode::kDone, ExitCode::kGate))
      << err();
  EXPECT_EQ(Manifest(2)["replaced"][0]["data"]["from"], DateOf(kDays - 70));
  EXPECT_EQ(Manifest(2)["full_training"]["data"]["from"], DateOf(0));
}

TEST_F(KeyReplacementTest, IsShownAndComparedLikeAnyVersion) {
  TrainAll();
  ChangeSalesOf("001");
  ASSERT_EQ(Train({"--only-key", "001", "--force-promote"}), ExitCode::kDone) << err();
  const auto run = [this](Words words) {
    words.insert(words.end(), {"--models", models().string(), "--json"});
    out_.str("");
    const SystemClock clock;
    return preprocessing::RunCommand(
        ModelsCommand(), words,
        {.environment = NoEnvironment, .out = out_, .err = err_, .clock = clock});
  };
  ASSERT_EQ(run({"show", "sales"}), 0) << err();
  EXPECT_EQ(summary()["version"], 2);
  EXPECT_EQ(summary()["beats_baselines"], Manifest(2)["evaluation"]["beats_baselines"]);
  ASSERT_EQ(run({"compare", "sales", "1", "2"}), 0) << err();
  EXPECT_EQ(summary()["/base/version"], ordered_json({nullptr, 1}));
  EXPECT_FALSE(summary().contains("/files/0/hash"));
}

TEST_F(KeyReplacementTest, SaysWhatItWouldDo) {
  TrainAll();
  ASSERT_EQ(Train({"--only-key", "001", "--dry-run"}), ExitCode::kDone) << err();
  EXPECT_EQ(summary()["keys"], 1);
  EXPECT_EQ(summary()["base"], 1);
  EXPECT_FALSE(fs::exists(version(2)));
}

struct Refusal {
  const char* name;
  std::function<void(ordered_json& document)> spoil;
  Words flags;
  ExitCode exit;
  std::string message;
};
class Refusals : public KeyReplacementTest, public testing::WithParamInterface<Refusal> {};

TEST_P(Refusals, PublishNothing) {
  amounts_.push_back({"one day", kDays - 1, 5});
  amounts_.push_back({"one day", kDays - 2, 5});
  TrainAll();
  amounts_.pop_back();
  Ingest();
  GetParam().spoil(document_);
  SetDocument();
  EXPECT_EQ(Train(GetParam().flags), GetParam().exit);
  EXPECT_THAT(err(), HasSubstr(GetParam().message));
  EXPECT_FALSE(fs::exists(version(2)));
  EXPECT_EQ(Champion(), 1U);
}

void Nothing(ordered_json&) {}
std::function<void(ordered_json&)> Set(const char* pointer, const ordered_json& value) {
  return [=](ordered_json& document) { document[ordered_json::json_pointer(pointer)] = value; };
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Refusals,
    testing::Values(
        Refusal{"UnknownKey",
                Nothing,
                {"--only-key", "007"},
                ExitCode::kUsage,
                "--only-key: series \"daily\" has no key \"007\" among its 4"},
        Refusal{"AKeyTwice",
                Nothing,
                {"--only-key", "001", "--only-key", "001"},
                ExitCode::kUsage,
                "\"001\" is given twice"},
        Refusal{"AKeyWithoutHistory",
                Nothing,
                {"--only-key", "one day"},
                ExitCode::kUnfit,
                "at least 2 periods with a value each: one day (1 value"},
        Refusal{"OneModelForAll",
                Set("/training/scope", "global"),
                {"--only-key", "001"},
                ExitCode::kUsage,
                "one model for all keys"},
        Refusal{"UnknownVersion",
                Nothing,
                {"--only-key", "001", "--from-version", "7"},
                ExitCode::kUsage,
                "--from-version: model \"sales\" has no version \"7\"; there are: 1 (champion)"},
        Refusal{"UnknownModel",
                Nothing,
                {"--only-key", "001", "--name", "other"},
                ExitCode::kUsage,
                "--from-version: no model \"other\""},
        Refusal{"VersionWithoutKey",
                Nothing,
                {"--from-version", "1"},
                ExitCode::kUsage,
                "--from-version: only --only-key"},
        Refusal{"OtherFeatures",
                Set("/features/2/window", 28),
                {"--only-key", "001"},
                ExitCode::kUsage,
                "$.features[2].window differs from the pipeline of sales 1"},
        Refusal{"OtherTrees",
                Set("/training/model/trees", 41),
                {"--only-key", "001"},
                ExitCode::kUsage,
                "$.training.model.trees differs"},
        Refusal{"OtherZone",
                Set("/timezone", "Europe/Berlin"),
                {"--only-key", "001"},
                ExitCode::kUsage,
                "$.timezone differs"},
        Refusal{"OtherSeed",
                Nothing,
                {"--only-key", "001", "--seed", "2"},
                ExitCode::kUsage,
                "--seed: sales 1 was trained with the seed 1"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(KeyReplacementTest, NamesTheFileOfADamagedBase) {
  TrainAll();
  std::ofstream(version(1) / "model/1/2.ubj", std::ios::app) << "x";
  EXPECT_EQ(Train({"--only-key", "001"}), ExitCode::kUnfit);
  EXPECT_THAT(err(), HasSubstr("model/1/2.ubj"));
  EXPECT_FALSE(fs::exists(version(2)));
}

TEST_F(KeyReplacementTest, AsksWhichOfSeveralKeysThatAreCalledAlikeIsMeant) {
  document_["tables"]["sales"]["columns"]["region"] = "text";
  document_["series"]["daily"]["key"] = {"region", "shop"};
  document_["request"]["fields"]["region"] = "text";
  document_["forecast"]["key"] = {"region", "shop"};
  for (int i = 0; i < 3; ++i) document_["features"][i]["key"] = {"region", "shop"};
  std::string csv = "region,shop,day,amount\n";
  for (const Amount& row : amounts_) {
    const char* const key = row.shop == "000"   ? "\"a,b\",c"
                            : row.shop == "001" ? "a,\"b,c\""
                                                : "d,e";
    csv += fmt::format("{},{},{}\n", key, DateOf(row.day), row.amount);
  }
  IngestCsv(csv);
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  EXPECT_EQ(Train({"--only-key", "a,b,c"}), ExitCode::kUsage);
  EXPECT_THAT(err(), AllOf(HasSubstr("several keys are called \"a,b,c\""),
                           HasSubstr(R"(["a,b","c"], ["a","b,c"])")));
  EXPECT_FALSE(fs::exists(version(2)));
  ASSERT_EQ(Train({"--only-key", R"(["a", "b,c"])", "--force-promote"}), ExitCode::kDone) << err();
  EXPECT_EQ(Manifest(2)["replaced"][0]["key"], ordered_json({"a", "b,c"}));
  ASSERT_EQ(Train({"--only-key", "d,e", "--force-promote"}), ExitCode::kDone) << err();
}

}  // namespace
}  // namespace forkcast::model
