#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "data_preprocessing/document/json.hpp"
#include "model/artefact/alias_history.hpp"
#include "model/artefact/registry.hpp"
#include "support/s3_server.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;
using preprocessing::ReadWhole;
using process_test::S3Server;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr Instant kNow{std::chrono::seconds(1'700'000'000)};

/// What holds wherever versions are kept: in a folder, or in S3 (a real server).
class VersionStoreContract : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "Folder") {
      registry_ = std::make_unique<Registry>(folder_.path() / "models");
      return;
    }
    if (!S3Server::IsInstalled()) GTEST_SKIP() << "versitygw cannot be had: no Go or no network";
    server_ = std::make_unique<S3Server>();
    registry_ = std::make_unique<Registry>(OnHost("cache"));
  }

  /// The registry as another machine sees it, which has a cache of its own.
  [[nodiscard]] Registry OnHost(const std::string& name) const {
    if (!server_) return *registry_;
    return Registry(std::string("s3://") + S3Server::kBucket + "/team/models",
                    process_test::EnvironmentOf(server_->Variables(server_->port(), name)));
  }

  std::uint64_t Publish(const std::string& bytes, const std::string& alias = {}) const {
    const auto number =
        registry_->Publish("demand", {{"seed", 7}}, {{"model/1.ubj", bytes}}, kNow, alias);
    EXPECT_TRUE(number) << number.error().message;
    return number ? *number : 0;
  }
  [[nodiscard]] std::vector<std::uint64_t> Numbers() const {
    std::vector<std::uint64_t> numbers;
    const auto versions = registry_->Versions("demand");
    EXPECT_TRUE(versions) << versions.error().message;
    for (const VersionInfo& version : *versions) numbers.push_back(version.number);
    return numbers;
  }

  preprocessing::TempFolder folder_;
  std::unique_ptr<S3Server> server_;
  std::unique_ptr<Registry> registry_;
};

TEST_P(VersionStoreContract, CountsVersionsUpAndReadsBackOnAnotherHostWhatWasPublished) {
  EXPECT_EQ(Publish("first"), 1U);
  EXPECT_EQ(Publish("second & more", "champion"), 2U);
  EXPECT_THAT(Numbers(), ElementsAre(1, 2));
  const Registry other = OnHost("other");
  EXPECT_THAT(*other.Models(), ElementsAre("demand"));
  const auto found = other.Find("demand", "champion");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->number, 2U);
  EXPECT_THAT(found->aliases, ElementsAre("champion"));
  EXPECT_EQ(ReadWhole(found->folder / "model/1.ubj"), "second & more");
  const auto manifest = Registry::ReadManifest(*found);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->at("seed"), 7);
  EXPECT_THAT(ReadWhole(found->folder / "published.json"),
              HasSubstr("\"published_at\":\"2023-11-14T22:13:20Z\""));
}

TEST_P(VersionStoreContract, TellsManifestsWithoutFetchingFiles) {
  Publish("first");
  const Registry other = OnHost("other");
  const auto versions = other.Versions("demand");
  ASSERT_TRUE(versions) << versions.error().message;
  const auto manifest = other.ManifestOf(versions->front());
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->at("files").at(0).at("path"), "model/1.ubj");
  EXPECT_EQ(fs::exists(other.folder() / "demand/1"), !other.is_elsewhere());
}

TEST_P(VersionStoreContract, MovesAliasesAndKeepsTheirHistory) {
  Publish("first", "champion");
  Publish("second");
  ASSERT_TRUE(registry_->SetAlias("demand", "champion", 2));
  ASSERT_TRUE(registry_->SetAlias("demand", "before", 1));
  const Registry other = OnHost("other");
  EXPECT_EQ(other.Find("demand", "champion")->number, 2U);
  EXPECT_EQ(other.Find("demand", "before")->number, 1U);
  ASSERT_TRUE(other.Refresh("demand", "champion"));
  const auto moves = ReadAliasHistory(other.folder() / "demand", "champion");
  ASSERT_EQ(moves.size(), 2U);
  EXPECT_EQ(moves[0].number, 1U);
  EXPECT_EQ(moves[1].number, 2U);
  EXPECT_EQ(other.FindHere("demand", "champion")->number, 2U);
}

TEST_P(VersionStoreContract, PublishesNothingWhenAnExpectedAliasHasMoved) {
  Publish("first", "champion");
  Publish("second", "champion");
  const auto published =
      registry_->Publish("demand", {}, {{"model/1.ubj", "third"}}, kNow, "champion",
                         ExpectedAlias{.alias = "champion", .number = 1});
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code, ErrorCode::kIo);
  EXPECT_THAT(published.error().message, HasSubstr("does not mean version 1 any more"));
  EXPECT_THAT(Numbers(), ElementsAre(1, 2));
}

TEST_P(VersionStoreContract, GivesTwoWhoPublishAtOnceANumberEach) {
  std::vector<std::uint64_t> numbers(6);
  std::vector<std::thread> writers;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    writers.emplace_back([&, i] {
      const auto number = registry_->Publish("demand", {}, {{"a", std::to_string(i)}}, kNow);
      numbers[i] = number ? *number : 0;
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_THAT(numbers, UnorderedElementsAre(1, 2, 3, 4, 5, 6));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto found = registry_->Find("demand", std::to_string(numbers[i]));
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(ReadWhole(found->folder / "a"), std::to_string(i));
  }
}

TEST_P(VersionStoreContract, PrunesOldVersionsWithoutAlias) {
  Publish("1", "champion");
  for (const char* const bytes : {"2", "3", "4"}) Publish(bytes);
  EXPECT_THAT(*registry_->Prune("demand", 1, /*dry_run=*/true), ElementsAre(2, 3));
  EXPECT_THAT(Numbers(), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(*registry_->Prune("demand", 1, /*dry_run=*/false), ElementsAre(2, 3));
  EXPECT_THAT(Numbers(), ElementsAre(1, 4));
  EXPECT_EQ(Publish("5"), 5U);
}

TEST_P(VersionStoreContract, SaysWhatThereIsWhenSomethingIsNot) {
  const auto none = registry_->Find("demand", "champion");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(none.error().message, HasSubstr("no model \"demand\" in " + registry_->place()));
  EXPECT_THAT(*registry_->Models(), IsEmpty());
  Publish("1", "champion");
  EXPECT_THAT(registry_->Find("demand", "9").error().message, HasSubstr("there are: 1 (champion)"));
  EXPECT_EQ(registry_->SetAlias("demand", "champion", 9).error().code, ErrorCode::kNotFound);
}

TEST_P(VersionStoreContract, CanSayBeforeWhetherItCouldPublish) {
  EXPECT_TRUE(registry_->CheckPlace("demand", "champion"));
  EXPECT_THAT(*registry_->Models(), IsEmpty());
  Publish("1", "champion");
  EXPECT_TRUE(registry_->CheckPlace("demand", "champion"));
  EXPECT_THAT(Numbers(), ElementsAre(1));
}

INSTANTIATE_TEST_SUITE_P(Stores, VersionStoreContract, testing::Values("Folder", "S3"),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace forkcast::model
