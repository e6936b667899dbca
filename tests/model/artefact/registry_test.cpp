#include "model/artefact/registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <ostream>
#include <thread>

#include "data_preprocessing/base/file_identity.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/artefact/alias_history.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;
using preprocessing::ReadWhole;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Instant kNow{std::chrono::seconds(1'700'000'000)};

class RegistryTest : public testing::Test {
 protected:
  [[nodiscard]] fs::path root() const { return folder_.path() / "models"; }

  std::uint64_t Publish(const std::string& bytes = "trees", Instant now = kNow) const {
    const auto number = registry_.Publish("demand", {{"seed", 7}}, {{"model.ubj", bytes}}, now);
    EXPECT_TRUE(number) << number.error().message;
    return number ? *number : 0;
  }
  [[nodiscard]] std::vector<std::uint64_t> Numbers() const {
    std::vector<std::uint64_t> numbers;
    const auto versions = registry_.Versions("demand");
    for (const VersionInfo& version : *versions) numbers.push_back(version.number);
    return numbers;
  }
  [[nodiscard]] std::uint64_t Resolved(const std::string& reference) const {
    const auto version = registry_.Find("demand", reference);
    return version ? version->number : 0;
  }

  preprocessing::TempFolder folder_;
  Registry registry_{root()};
};

TEST_F(RegistryTest, CountsVersionsUpAndReadsBackWhatWasPublished) {
  EXPECT_EQ(Publish("first"), 1U);
  EXPECT_EQ(Publish("second"), 2U);
  EXPECT_THAT(Numbers(), ElementsAre(1, 2));
  EXPECT_THAT(*registry_.Models(), ElementsAre("demand"));
  const VersionInfo second = *registry_.Find("demand", "2");
  EXPECT_EQ(second.published_at, "2023-11-14T22:13:20Z");
  EXPECT_EQ(ReadWhole(second.folder / "model.ubj"), "second");
  const auto manifest = Registry::ReadManifest(second);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->at("seed"), 7);
  EXPECT_EQ(manifest->at("files").at(0).at("bytes"), 6);
}

TEST_F(RegistryTest, LetsAVersionShareTheFilesThatItHasInCommonWithAnother) {
  const std::vector<ArtefactFile> first{{"model/1/7.ubj", "trees"}, {"model/1/8.ubj", "more"}};
  ASSERT_TRUE(registry_.Publish("demand", {{"seed", 7}}, first, kNow));
  const auto checked = Registry::Check(*registry_.Find("demand", "1"));
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(checked->manifest, ReadWhole(root() / "demand" / "1" / "manifest.json"));
  ASSERT_THAT(checked->files, testing::SizeIs(2));
  const PublishedFile& shared = checked->files.front();
  EXPECT_EQ(shared.path, "model/1/7.ubj");
  const std::vector<ArtefactFile> files{{shared.path, ReadWhole(shared.place), shared.place},
                                        {"model/1/8.ubj", "others"}};
  ASSERT_TRUE(registry_.Publish("demand", {{"seed", 7}}, files, kNow));
  const fs::path second = root() / "demand" / "2" / "model" / "1";
  EXPECT_EQ(fs::hard_link_count(second / "7.ubj"), 2U);
  EXPECT_EQ(fs::hard_link_count(second / "8.ubj"), 1U);
  EXPECT_EQ(ReadWhole(second / "8.ubj"), "others");

  ASSERT_TRUE(registry_.Prune("demand", 1, false));
  EXPECT_THAT(Numbers(), ElementsAre(2));
  EXPECT_TRUE(Registry::ReadManifest(*registry_.Find("demand", "2")));
  EXPECT_EQ(ReadWhole(second / "7.ubj"), "trees");
}

TEST_F(RegistryTest, WritesAFileWhoseOriginalIsGone) {
  ASSERT_TRUE(registry_.Publish("demand", {}, {{"model.ubj", "trees", root() / "gone"}}, kNow));
  EXPECT_EQ(ReadWhole(root() / "demand" / "1" / "model.ubj"), "trees");
}

TEST_F(RegistryTest, ReadsNoFileOutsideOfTheVersion) {
  Publish();
  const VersionInfo version = *registry_.Find("demand", "1");
  for (const char* path : {"../2/model.ubj", "/etc/passwd", "model/../../x", "./model.ubj"}) {
    nlohmann::ordered_json manifest =
        nlohmann::ordered_json::parse(ReadWhole(version.folder / "manifest.json"));
    manifest["files"][0]["path"] = path;
    std::ofstream(version.folder / "manifest.json") << manifest.dump();
    const auto read = Registry::ReadManifest(version);
    ASSERT_FALSE(read) << path;
    EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(read.error().message, HasSubstr("$.files[0].path: expected a path inside"));
  }
}

TEST_F(RegistryTest, WritesTheSameBytesWheneverTheSameIsPublished) {
  Publish("same", kNow);
  Publish("same", kNow + std::chrono::hours(1));
  for (const char* file : {"manifest.json", "model.ubj"}) {
    EXPECT_EQ(ReadWhole(root() / "demand/1" / file), ReadWhole(root() / "demand/2" / file));
  }
}

TEST_F(RegistryTest, NamesTheFileThatWasChangedOrIsGone) {
  Publish("trees");
  const VersionInfo version = *registry_.Find("demand", "1");
  std::ofstream(version.folder / "model.ubj") << "tree5";
  EXPECT_EQ(Registry::ReadManifest(version).error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(Registry::ReadManifest(version).error().message, HasSubstr("1/model.ubj"));
  fs::remove(version.folder / "model.ubj");
  EXPECT_EQ(Registry::ReadManifest(version).error().code, ErrorCode::kCorrupt);
}

TEST_F(RegistryTest, MovesAnAliasFromOneVersionToTheOther) {
  Publish("a");
  Publish("b");
  ASSERT_TRUE(registry_.SetAlias("demand", "champion", 1));
  EXPECT_EQ(Resolved("champion"), 1U);
  ASSERT_TRUE(registry_.SetAlias("demand", "champion", 2));
  EXPECT_EQ(Resolved("champion"), 2U);
  EXPECT_THAT(registry_.Find("demand", "2")->aliases, ElementsAre("champion"));
  EXPECT_EQ(ReadWhole(root() / "demand/champion"), "2\n");
}

TEST_F(RegistryTest, NeverShowsAnAliasThatMeansNothingWhileItMoves) {
  Publish("a");
  Publish("b");
  ASSERT_TRUE(registry_.SetAlias("demand", "champion", 1));
  std::jthread mover([this](const std::stop_token& stop) {
    for (std::uint64_t i = 0; !stop.stop_requested(); ++i) {
      EXPECT_TRUE(registry_.SetAlias("demand", "champion", 1 + i % 2));
    }
  });
  for (int i = 0; i < 2000; ++i) {
    ASSERT_NE(Resolved("champion"), 0U);
  }
}

TEST_F(RegistryTest, ReadsAliasesThatAreSymbolicLinksAndMakesFilesOfThem) {
  Publish("a");
  Publish("b");
  fs::create_directory_symlink("1", root() / "demand/champion");
  EXPECT_EQ(Resolved("champion"), 1U);
  EXPECT_THAT(registry_.Find("demand", "1")->aliases, ElementsAre("champion"));
  ASSERT_TRUE(registry_.SetAlias("demand", "champion", 2));
  EXPECT_EQ(Resolved("champion"), 2U);
  EXPECT_FALSE(fs::is_symlink(root() / "demand/champion"));
}

TEST_F(RegistryTest, MakesAnotherFileOfAnAliasThatMovesAndOfNoOther) {
  Publish("a");
  Publish("b");
  const auto look = [this] { return FileIdentity::At(root() / "demand/champion"); };
  ASSERT_TRUE(registry_.SetAlias("demand", "champion", 1));
  const FileIdentity before = look();
  ASSERT_TRUE(registry_.SetAlias("demand", "champion", 1));
  EXPECT_EQ(look(), before) << "a server that looks at it has nothing to load";
  ASSERT_TRUE(registry_.SetAlias("demand", "champion", 2));
  EXPECT_NE(look(), before);
}

TEST_F(RegistryTest, KeepsItsAliasesInACopyWithoutLinks) {
  Publish();
  Publish();
  ASSERT_TRUE(registry_.SetAlias("demand", "champion", 1));
  const fs::path copy = folder_.path() / "copy";
  fs::copy(root(), copy, fs::copy_options::recursive | fs::copy_options::skip_symlinks);
  EXPECT_EQ(Registry(copy).Find("demand", "champion")->number, 1U);
}

/// What may lie under an alias' name.
struct AliasCase {
  const char* name;
  std::function<void(const fs::path& place)> put;
  std::string found;  ///< What Find() says.
  std::string place;  ///< What CheckPlace() says; empty: the alias can be set.
};
void PrintTo(const AliasCase& one, std::ostream* out) { *out << one.name; }
class OddAliases : public RegistryTest, public testing::WithParamInterface<AliasCase> {};

TEST_P(OddAliases, AreTold) {
  Publish();
  GetParam().put(root() / "demand/champion");
  EXPECT_THAT(registry_.Find("demand", "champion").error().message, HasSubstr(GetParam().found));
  const Status place = registry_.CheckPlace("demand", "champion");
  const Status set = registry_.SetAlias("demand", "champion", 1);
  if (GetParam().place.empty()) {
    EXPECT_TRUE(place.ok() && set.ok());
    EXPECT_EQ(Resolved("champion"), 1U);
    return;
  }
  EXPECT_THAT(place.error().message, HasSubstr(GetParam().place));
  EXPECT_THAT(set.error().message, HasSubstr(GetParam().place));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, OddAliases,
    testing::Values(
        AliasCase{"DanglingLink",
                  [](const fs::path& place) { fs::create_directory_symlink("7", place); },
                  "alias \"champion\" of model \"demand\" means version 7, which is not there; "
                  "there are: 1",
                  ""},
        AliasCase{"FileOfAVersionThatIsGone",
                  [](const fs::path& place) { std::ofstream(place) << "7\n"; },
                  "means version 7, which is not there", ""},
        AliasCase{"CopyOfTheVersion", [](const fs::path& place) { fs::create_directories(place); },
                  "has no version \"champion\"", "is no alias but a folder"},
        AliasCase{"FileOfSomethingElse",
                  [](const fs::path& place) { std::ofstream(place) << "2 or 3\n"; },
                  "has no version \"champion\"", "champion is there and is no alias"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(RegistryTest, SaysBeforeAnythingIsPublishedThatItsFolderCannotBeMade) {
  EXPECT_TRUE(registry_.CheckPlace("demand", "champion").ok());
  EXPECT_FALSE(fs::exists(root())) << "nothing is left behind";
  std::ofstream(root()) << "a file";
  const Status place = registry_.CheckPlace("demand", "champion");
  EXPECT_EQ(place.error().code, ErrorCode::kIo);
  EXPECT_THAT(place.error().message, HasSubstr(root().string()));
  const Registry in_proc(fs::path("/proc/models"));  // where nobody can make a file
  EXPECT_EQ(in_proc.CheckPlace("demand", "champion").error().code, ErrorCode::kIo);
}

TEST_F(RegistryTest, GivesEveryConcurrentWriterItsOwnNumber) {
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 4; ++i) {
      writers.emplace_back([this] {
        for (int j = 0; j < 5; ++j) Publish();
      });
    }
  }
  const std::vector<std::uint64_t> numbers = Numbers();
  EXPECT_EQ(numbers.size(), 20U);
  EXPECT_EQ(numbers.back(), 20U);
}

TEST_F(RegistryTest, RemovesWhatAKilledWriterLeftAndNeverShowsIt) {
  Publish();
  fs::create_directories(root() / "demand/.unfinished-2");
  std::ofstream(root() / "demand/.unfinished-2/model.ubj") << "half";
  EXPECT_THAT(Numbers(), ElementsAre(1));
  EXPECT_EQ(Publish(), 2U);
  EXPECT_FALSE(fs::exists(root() / "demand/.unfinished-2"));
}

TEST_F(RegistryTest, KeepsTheNewestAndThoseWithAnAliasWhenPruning) {
  for (int i = 0; i < 5; ++i) Publish();
  ASSERT_TRUE(registry_.SetAlias("demand", "champion", 2));
  EXPECT_THAT(*registry_.Prune("demand", 2, true), ElementsAre(1, 3));
  EXPECT_THAT(Numbers(), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(*registry_.Prune("demand", 2, false), ElementsAre(1, 3));
  EXPECT_THAT(Numbers(), ElementsAre(2, 4, 5));
  EXPECT_EQ(Publish(), 6U);
  EXPECT_EQ(registry_.Prune("demand", 0, false).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(RegistryTest, LeavesNoVersionBehindWhenAFileCannotBeWritten) {
  const auto number = registry_.Publish("demand", {}, {{std::string(300, 'x'), "bytes"}}, kNow);
  ASSERT_FALSE(number);
  EXPECT_EQ(number.error().code, ErrorCode::kIo);
  EXPECT_THAT(Numbers(), ElementsAre());
  EXPECT_TRUE(fs::is_empty(root() / "demand"));
}

TEST_F(RegistryTest, SaysWhichVersionsThereAreWhenOneIsNot) {
  Publish();
  Publish();
  ASSERT_TRUE(registry_.SetAlias("demand", "champion", 1));
  const auto missing = registry_.Find("demand", "challenger");
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("there are: 1 (champion), 2"));
  EXPECT_EQ(registry_.Find("sales", "1").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(registry_.SetAlias("demand", "champion", 3).error().code, ErrorCode::kNotFound);
}

struct NameCase {
  const char* name;
  std::string text;
};
class BadNames : public RegistryTest, public testing::WithParamInterface<NameCase> {};

TEST_P(BadNames, AreRefusedAsModelAndAsAlias) {
  Publish();
  const std::string& text = GetParam().text;
  EXPECT_EQ(registry_.Publish(text, {}, {}, kNow).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(registry_.SetAlias("demand", text, 1).error().code, ErrorCode::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(Cases, BadNames,
                         testing::Values(NameCase{"Empty", ""}, NameCase{"AWayOut", ".."},
                                         NameCase{"AFolder", "a/b"}, NameCase{"Hidden", ".a"},
                                         NameCase{"ASpace", "a b"},
                                         NameCase{"TooLong", std::string(129, 'a')}),
                         [](const auto& param) { return std::string(param.param.name); });

TEST_F(RegistryTest, RefusesANumberAsAlias) {
  Publish();
  EXPECT_EQ(registry_.SetAlias("demand", "2", 1).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(RegistryTest, PublishesUnderAnAliasOnlyWhileItMeansWhatTheVersionWasMadeFrom) {
  const auto publish = [&](std::uint64_t made_from) {
    return registry_.Publish("demand", {{"seed", 7}}, {{"model.ubj", "trees"}}, kNow, "champion",
                             ExpectedAlias{.alias = "champion", .number = made_from});
  };
  Publish();
  const auto without = publish(1);
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().code, ErrorCode::kIo);
  ASSERT_TRUE(registry_.SetAlias("demand", "champion", 1).ok());
  ASSERT_TRUE(publish(1));
  EXPECT_EQ(Resolved("champion"), 2U);
  const auto late = publish(1);
  ASSERT_FALSE(late);
  EXPECT_THAT(late.error().message, testing::HasSubstr("does not mean version 1 any more"));
  EXPECT_THAT(Numbers(), ElementsAre(1, 2));
}

std::vector<std::uint64_t> MovesOf(const std::filesystem::path& folder) {
  std::vector<std::uint64_t> numbers;
  for (const AliasMove& move : ReadAliasHistory(folder, "champion")) numbers.push_back(move.number);
  return numbers;
}

TEST_F(RegistryTest, NotesEachMoveOfAnAlias) {
  Publish("first");
  Publish("second");
  ASSERT_TRUE(registry_.SetAlias("demand", "champion", 1));
  ASSERT_TRUE(registry_.SetAlias("demand", "champion", 1));
  ASSERT_TRUE(registry_.SetAlias("demand", "challenger", 2));
  ASSERT_TRUE(registry_.SetAlias("demand", "champion", 2));
  EXPECT_EQ(MovesOf(root() / "demand"), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_TRUE(ReadAliasHistory(root() / "demand", "nobody").empty());
  std::ofstream(root() / "demand/.aliases.jsonl", std::ios::app) << "{\"at\": \"2024";  // cut off
  ASSERT_TRUE(registry_.SetAlias("demand", "champion", 1));
  EXPECT_EQ(MovesOf(root() / "demand"), (std::vector<std::uint64_t>{1, 2, 1}));
}

TEST(AnAlias, MeantWhatItWasMovedToLast) {
  const auto at = [](int hour) { return Instant(std::chrono::hours(hour)); };
  const std::vector<AliasMove> moves{{at(1), 1}, {at(5), 2}, {at(9), 1}};
  EXPECT_EQ(MeantAt(moves, at(0)), std::nullopt);
  EXPECT_EQ(MeantAt(moves, at(1)), 1U);
  EXPECT_EQ(MeantAt(moves, at(8)), 2U);
  EXPECT_EQ(MeantAt(moves, at(10)), 1U);
}

}  // namespace
}  // namespace forkcast::model
