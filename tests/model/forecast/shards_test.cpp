#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "model/artefact/registry.hpp"
#include "model/forecast/sales_testing.hpp"
#include "model/learn/shard.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ReadWhole;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;

/// A training that is cut into shards, and the same on one machine.
class Shards : public TrainCommandTest {
 protected:
  [[nodiscard]] std::string place() const { return (folder_.path() / "shards").string(); }
  ExitCode TrainShard(const std::string& shard, Words flags = {}) {
    flags.insert(flags.end(), {"--shard", shard, "--shards", place()});
    return Train(flags);
  }
  void TrainShards(int count, const Words& flags = {}) {
    for (int number = 1; number <= count; ++number) {
      ASSERT_EQ(TrainShard(fmt::format("{}/{}", number, count), flags), ExitCode::kDone) << err();
    }
  }
  ExitCode Join(Words flags = {}) {
    flags.insert(flags.end(), {"--join", place()});
    return Train(flags);
  }
  [[nodiscard]] std::string ShardFolder(int number, int count) const {
    return fmt::format("{}/sales-shard-{}-of-{}/1", place(), number, count);
  }
  void ExpectSameVersions(int one, int other) const {
    EXPECT_EQ(ReadWhole(version(one) / "manifest.json"),
              ReadWhole(version(other) / "manifest.json"));
    std::size_t files = 0;
    const ordered_json told = manifest(one);
    for (const ordered_json& file : told["files"]) {
      const std::string path = file["path"];
      EXPECT_EQ(ReadWhole(version(one) / path), ReadWhole(version(other) / path)) << path;
      ++files;
    }
    EXPECT_GT(files, 3U);
  }
};

struct Plan {
  const char* name;
  std::function<void(ordered_json&)> declare;
};

class ShardsOf : public Shards, public testing::WithParamInterface<Plan> {};

TEST_P(ShardsOf, JoinIntoTheBytesThatOneMachineTrains) {
  GetParam().declare(document_);
  Ingest();
  ASSERT_THAT(Train(), AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
  const ordered_json alone = summary();
  TrainShards(2);
  ASSERT_THAT(Join(), AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
  EXPECT_EQ(summary()["evaluation"], alone["evaluation"]);
  EXPECT_EQ(summary()["promoted"], alone["promoted"]);
  ExpectSameVersions(1, 2);
}

void SetPerKey(ordered_json& document, const char* model) {
  document["training"]["scope"] = "per_key";
  document["forecast"]["strategy"] = "shared";
  if (model != nullptr) document["training"]["model"] = ordered_json::parse(model);
}

INSTANTIATE_TEST_SUITE_P(
    Each, ShardsOf,
    testing::Values(
        Plan{"OneModelOfAllKeysAStep", [](ordered_json&) {}},
        Plan{"BoostedTreesOfEachKey", [](ordered_json& document) { SetPerKey(document, nullptr); }},
        Plan{"BoostedTreesOfEachKeyAndStep",
             [](ordered_json& document) {
               document["training"]["scope"] = "per_key";
               document["forecast"]["horizon"] = 3;
               document["training"]["model"]["trees"] = 8;
             }},
        Plan{"AForestOfEachKey",
             [](ordered_json& document) {
               SetPerKey(document, R"({"algorithm": "random_forest", "trees": 12, "seed": 3})");
             }},
        Plan{"ARidgeOfEachKey",
             [](ordered_json& document) {
               SetPerKey(document, R"({"algorithm": "ridge", "alpha": 0.1, "scale": "standard"})");
               document["training"]["transforms"] = {{"last", {{"impute", "mean"}}},
                                                     {"week_ago", {{"impute", "mean"}}},
                                                     {"same_day", {{"impute", "mean"}}}};
             }},
        Plan{"AHistoryOfEachKey",
             [](ordered_json& document) {
               document["training"]["model"] = {{"algorithm", "ets"}, {"season", 7}};
             }},
        Plan{"AScaledTargetAndIntervals",
             [](ordered_json& document) {
               SetPerKey(document, nullptr);
               document["training"]["target"] = {{"transform", {"scale", "log1p"}},
                                                 {"scale", "same_day"},
                                                 {"not_negative", true}};
               document["training"]["intervals"] = {0.8};
               document["training"]["calibration_folds"] = 3;
             }},
        Plan{"CandidatesOfWhichEachKeyHasItsOwn",
             [](ordered_json& document) {
               document["forecast"]["strategy"] = "shared";
               ordered_json trees = document["training"]["model"];
               document["training"].erase("model");
               document["training"]["candidates"] = {
                   {{"name", "trees"}, {"model", trees}, {"scope", "per_key"}},
                   {{"name", "all"}, {"model", trees}},
                   {{"model", {{"algorithm", "theta"}, {"season", 7}}}},
                   {{"model", {{"algorithm", "moving_average"}, {"window", 28}}}}};
               document["training"]["choose"] = "per_key";
             }},
        Plan{"ASearchOfEachKeysModel",
             [](ordered_json& document) {
               SetPerKey(document, nullptr);
               document["training"]["search"] = {
                   {"parameters",
                    {{"model.trees", {5, 40}}, {"features.same_day.window", {7, 56}}}}};
             }},
        Plan{"ASearchOverScopesWithAPointThatIsNone",
             [](ordered_json& document) {
               document["forecast"]["strategy"] = "shared";
               document["training"]["search"] = {
                   {"parameters",
                    {{"scope", {"global", "per_key"}}, {"model.max_depth", {3, -1}}}}};
             }}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(Shards, AreMoreThanThereAreKeys) {
  SetPerKey(document_, nullptr);
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  TrainShards(5);
  EXPECT_EQ(summary()["models"], 0) << "the fifth, of three keys";
  ASSERT_EQ(Join(), ExitCode::kDone) << err();
  ExpectSameVersions(1, 2);
}

TEST_F(Shards, OfOneWindowAndSeedAreJoinedWithTheSameFlags) {
  SetPerKey(document_, nullptr);
  Ingest();
  const Words flags{"--seed", "9", "--until", DateOf(120)};
  ASSERT_THAT(Train(flags), AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
  TrainShards(2, flags);
  ASSERT_EQ(Join(), ExitCode::kUnfit);
  EXPECT_THAT(err(), AllOf(HasSubstr("sales-shard-1-of-2 was trained with another seed"),
                           HasSubstr("train this shard again")));
  ASSERT_THAT(Join(flags), AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
  ExpectSameVersions(1, 2);
}

TEST_F(Shards, WithoutEnoughValuesForAKeyLeaveItOutAsOneMachineDoes) {
  SetPerKey(document_, nullptr);
  std::erase_if(amounts_,
                [](const Amount& row) { return row.shop == "001" && row.day < kDays - 1; });
  Ingest();
  ASSERT_THAT(Train(), AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
  TrainShards(2);
  ASSERT_THAT(Join(), AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
  ExpectSameVersions(1, 2);
}

TEST_F(Shards, HaveTheSameBytesWheneverTheyAreTrained) {
  SetPerKey(document_, nullptr);
  Ingest();
  ASSERT_EQ(TrainShard("2/2", {"--threads", "1"}), ExitCode::kDone) << err();
  ASSERT_EQ(TrainShard("2/2", {"--threads", "3"}), ExitCode::kDone) << err();
  const fs::path shard = fs::path(place()) / "sales-shard-2-of-2";
  EXPECT_EQ(ReadWhole(shard / "1" / "manifest.json"), ReadWhole(shard / "2" / "manifest.json"));
  EXPECT_EQ(ReadWhole(shard / "newest"), "2\n");
  ASSERT_EQ(TrainShard("2/2"), ExitCode::kDone) << err();
  EXPECT_FALSE(fs::exists(shard / "1")) << "the last two are kept";
}

class RefusedShards : public Shards {
 protected:
  RefusedShards() { SetPerKey(document_, R"({"algorithm": "gradient_boosting", "trees": 5})"); }
  void ExpectNothingPublished() const { EXPECT_FALSE(fs::exists(models() / "sales")); }
};

TEST_F(RefusedShards, AreThoseThatAreNotThere) {
  Ingest();
  ASSERT_EQ(Join(), ExitCode::kUnfit);
  EXPECT_THAT(err(), HasSubstr("has no shard of \"sales\""));
  ASSERT_EQ(TrainShard("2/4"), ExitCode::kDone) << err();
  ASSERT_EQ(Join(), ExitCode::kUnfit);
  EXPECT_THAT(err(), HasSubstr("shards 1/4, 3/4, 4/4 of \"sales\" are not there yet"));
  ExpectNothingPublished();
}

TEST_F(RefusedShards, AreThoseOfOtherData) {
  Ingest();
  TrainShards(2);
  amounts_.front().amount += 1;
  Ingest();
  ASSERT_EQ(TrainShard("1/2"), ExitCode::kDone) << err();
  ASSERT_EQ(Join(), ExitCode::kUnfit);
  EXPECT_THAT(err(), HasSubstr("sales-shard-2-of-2 was trained from other data"));
  ExpectNothingPublished();
  ASSERT_EQ(TrainShard("2/2"), ExitCode::kDone) << err();
  EXPECT_THAT(Join(), AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
}

TEST_F(RefusedShards, AreThoseOfAnotherPipeline) {
  Ingest();
  TrainShards(1);
  document_["training"]["model"]["trees"] = 6;
  SetDocument();
  ASSERT_EQ(Join(), ExitCode::kUnfit);
  EXPECT_THAT(err(), HasSubstr("sales-shard-1-of-1 was trained by another pipeline"));
  ExpectNothingPublished();
}

TEST_F(RefusedShards, AreThoseOfAnotherVersionOfThePrograms) {
  Ingest();
  TrainShards(1);
  // As a shard of before would be: whole, with a manifest that says so.
  const Registry registry{fs::path(place())};
  const auto shard = registry.Find("sales-shard-1-of-1", "newest");
  ASSERT_TRUE(shard) << shard.error().message;
  ordered_json told = ordered_json::parse(ReadWhole(shard->folder / "manifest.json"));
  std::vector<ArtefactFile> files;
  for (const ordered_json& file : told["files"]) {
    const std::string path = file["path"];
    files.push_back({path, ReadWhole(shard->folder / path)});
  }
  told.erase("files");
  told["origin"]["libraries"]["forkcast"] = "0.0.9";
  ASSERT_TRUE(registry.Publish("sales-shard-1-of-1", told, files, Instant(), "newest"));
  ASSERT_EQ(Join(), ExitCode::kUnfit);
  EXPECT_THAT(err(), AllOf(HasSubstr("by other versions"), HasSubstr("0.0.9")));
  ExpectNothingPublished();
}

TEST_F(RefusedShards, AreThoseWithAFileThatWasChanged) {
  Ingest();
  TrainShards(1);
  const fs::path file = fs::path(ShardFolder(1, 1)) / "fits.json";
  std::string text = ReadWhole(file);
  text[text.size() / 2] ^= 1;
  std::ofstream(file, std::ios::binary) << text;
  ASSERT_EQ(Join(), ExitCode::kUnfit);
  EXPECT_THAT(err(), HasSubstr("fits.json"));
  ExpectNothingPublished();
}

TEST_F(RefusedShards, AreThoseOfSeveralCountsUnlessOneIsSaid) {
  Ingest();
  TrainShards(1);
  TrainShards(2);
  ASSERT_EQ(Join(), ExitCode::kUsage);
  EXPECT_THAT(err(), HasSubstr("shards of \"sales\" that are of 1, or of 2 each: say by "
                               "--shard-count which are joined"));
  ExpectNothingPublished();
  EXPECT_THAT(Join({"--shard-count", "2"}), AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
}

TEST_F(RefusedShards, AreThoseOfAFolderThatIsAnothersMachine) {
  Ingest();
  ASSERT_EQ(TrainShard("1/1", {"--shard-nonce", "ab12"}), ExitCode::kUnfit);
  EXPECT_THAT(err(), AllOf(HasSubstr(".nonce is not there on "),
                           HasSubstr("--shards must be a folder that all machines share")));
  fs::create_directories(place());
  folder_.Write("shards/.nonce", "other\n");
  ASSERT_EQ(TrainShard("1/1", {"--shard-nonce", "ab12"}), ExitCode::kUnfit);
  EXPECT_THAT(err(), HasSubstr("is of another training"));
  folder_.Write("shards/.nonce", "ab12\n");
  EXPECT_EQ(TrainShard("1/1", {"--shard-nonce", "ab12"}), ExitCode::kDone) << err();
}

TEST_F(RefusedShards, SayWhichModelNoneOfThemHas) {
  Ingest();
  TrainShards(1);
  const Registry registry{fs::path(place())};
  const auto shard = registry.Find("sales-shard-1-of-1", "newest");
  ASSERT_TRUE(shard);
  ordered_json told = ordered_json::parse(ReadWhole(shard->folder / "manifest.json"));
  told.erase("files");
  const ArtefactFile none{"fits.json",
                          R"({"format": "forkcast.fits", "format_version": 1, "fits": []})"};
  ASSERT_TRUE(registry.Publish("sales-shard-1-of-1", told, {none}, Instant(), "newest"));
  ASSERT_EQ(Join(), ExitCode::kUnfit);
  EXPECT_THAT(err(), AllOf(HasSubstr("no shard has the model"), HasSubstr("[\"000\"]")));
  ExpectNothingPublished();
}

struct Wrong {
  const char* name;
  Words flags;
  const char* said;
};
class WrongWords : public RefusedShards, public testing::WithParamInterface<Wrong> {};

TEST_P(WrongWords, AreSaidBeforeAnythingIsRead) {
  SetDocument();
  EXPECT_EQ(Train(GetParam().flags), ExitCode::kUsage) << err();
  EXPECT_THAT(err(), HasSubstr(GetParam().said));
  ExpectNothingPublished();
}
INSTANTIATE_TEST_SUITE_P(
    Each, WrongWords,
    testing::Values(
        Wrong{"NoShardZero", {"--shard", "0/2", "--shards", "s"}, "expected NUMBER/COUNT"},
        Wrong{"NoThirdOfTwo", {"--shard", "3/2", "--shards", "s"}, "expected NUMBER/COUNT"},
        Wrong{"NoWord", {"--shard", "second", "--shards", "s"}, "got \"second\""},
        Wrong{"NoShardForNowhere", {"--shard", "1/2"}, "--shards says where shards are put"},
        Wrong{"NoAutoOutsideKubernetes",
              {"--shard", "auto/2", "--shards", "s"},
              "JOB_COMPLETION_INDEX is not set"},
        Wrong{"NoPodOutsideKubernetes",
              {"--indexed", "2", "--shards", "s"},
              "--indexed: JOB_COMPLETION_INDEX is not set, expected 0 to 2"},
        Wrong{
            "NoPlaceOfNothing", {"--shards", "s"}, "--shards: --shard, --join, --indexed or --on"},
        Wrong{"NotBothAtOnce",
              {"--shard", "1/2", "--shards", "s", "--join", "s"},
              "--join: --shard says already what is done"},
        Wrong{"NoReportOfAShard",
              {"--shard", "1/2", "--shards", "s", "--report", "r.html"},
              "--report: a shard judges nothing"},
        Wrong{"NoRowsTakenByAShard",
              {"--shard", "1/2", "--shards", "s", "--from", "d"},
              "--from: rows are taken in once"},
        Wrong{"NoSingleKeys",
              {"--shard", "1/2", "--shards", "s", "--only-key", "000"},
              "--only-key: not with --shard"},
        Wrong{"NoDryRun", {"--join", "s", "--dry-run"}, "--dry-run: not with --join"},
        Wrong{"NoOtherScheme",
              {"--on", "http://127.0.0.1:8265", "--shards", "s"},
              "--on: expected the address of Ray's dashboard, ray://HOST:PORT"},
        Wrong{"NoShardsOfRayInABucket",
              {"--on", "ray://127.0.0.1:1", "--shards", "s3://b/shards"},
              "--shards: with --on expected a folder"},
        Wrong{"NoStoreThatIsAFile",
              {"--on", "ray://127.0.0.1:1", "--shards", "s", "--from-store"},
              "--from-store: expected a store that other machines reach"},
        Wrong{"NoThreadsOfAShard",
              {"--shard", "1/2", "--shards", "s", "--shard-threads", "2"},
              "--shard-threads: not with --shard: --threads says it"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(ShardText, IsANumberOfACount) {
  EXPECT_EQ(*ParseShard("2/4", ""), (Shard{.number = 2, .count = 4}));
  EXPECT_EQ(*ParseShard("auto/4", "0"), (Shard{.number = 1, .count = 4}));
  EXPECT_EQ(*ParseShard("auto/4", "3"), (Shard{.number = 4, .count = 4}));
  EXPECT_THAT(ParseShard("auto/4", "4").error().message, HasSubstr("there are 4 shards, from 0"));
  EXPECT_THAT(ParseShard("auto/4", "x").error().message, HasSubstr("\"x\", no number"));
  for (const char* const wrong : {"", "/", "1", "1/", "/2", "-1/2", "1/2/3", "1/1001", "1 /2"}) {
    EXPECT_FALSE(ParseShard(wrong, "")) << wrong;
  }
}

}  // namespace
}  // namespace forkcast::model
