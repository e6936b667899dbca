#include "serving/jobs/job_words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "serving/jobs/job_order.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kPublished = FORKCAST_SOURCE_DIR "/tests/data/published";

class Words : public testing::Test {
 protected:
  Words() {
    config_.models = kPublished;
    config_.store = "sqlite:o.db";
    config_.snapshots = "o.db.snapshots";
    config_.jobs_data = folder_.path() / "data";
    config_.deployments = {{.name = "sales", .model = "sales@1"},
                           {.name = "weekly", .model = "sales@champion"}};
    fs::create_directories(folder_.path() / "data/monday");
    fs::create_directories(folder_.path() / "secret");
    fs::create_directory_symlink(folder_.path() / "secret", folder_.path() / "data/link");
  }
  [[nodiscard]] Result<std::vector<std::string>> Of(const std::string& body) const {
    return WordsOf(ReadJobOrder(body).value(), config_);
  }

  preprocessing::TempFolder folder_;
  ServerConfig config_;
};

TEST_F(Words, OfARetraining) {
  EXPECT_THAT(Of(R"({"kind": "retrain", "deployment": "weekly", "again": true})").value(),
              ElementsAre("retrain", "--json", "--models", kPublished, "--name", "sales", "--alias",
                          "champion", "--store", "sqlite:o.db", "--snapshots", "o.db.snapshots",
                          "--again"));
}

TEST_F(Words, OfAForecastInBulk) {
  EXPECT_THAT(Of(R"({"kind": "predict", "deployment": "sales", "table": "f", "steps": 7})").value(),
              ElementsAre("predict", "--json", "--models", kPublished, "--deploy", "sales@1",
                          "--store", "sqlite:o.db", "--snapshots", "o.db.snapshots", "--out",
                          "table:f", "--steps", "7"));
}

TEST_F(Words, OfAnIngest) {
  EXPECT_THAT(
      Of(R"({"kind": "ingest", "deployment": "sales", "from": "monday", "upsert": true})").value(),
      ElementsAre("ingest", "--json", "--pipeline", kPublished + "/sales/1/pipeline.json",
                  "--store", "sqlite:o.db", "--snapshots", "o.db.snapshots", "--from",
                  fs::canonical(folder_.path() / "data/monday").string(), "--upsert"));
}

TEST_F(Words, NoFolderIsTakenInFromElsewhere) {
  for (const char* const from :
       {"../secret", "/etc", "link", "nowhere", "monday/../../secret", "./../secret"}) {
    const auto words =
        Of(std::string(R"({"kind": "ingest", "deployment": "sales", "from": ")") + from + "\"}");
    ASSERT_FALSE(words.ok()) << from;
    EXPECT_EQ(words.error().field, "from");
    EXPECT_THAT(words.error().message, HasSubstr("jobs_data"));
  }
}

TEST_F(Words, OfOneKeyNeedAllItsFieldsAndNoOther) {
  config_.deployments[1].model = "sales@1";  // there is no champion in this folder
  for (const auto& [key, says] : {std::pair(R"({"store": "000"})", "the field \"shop\" is missing"),
                                  std::pair(R"({"shop": "000", "x": 1})", "the key has shop")}) {
    JobOrder order{.kind = JobKind::kEvaluate, .deployment = "sales", .key = key};
    const auto words = WordsOf(order, config_);
    ASSERT_FALSE(words.ok());
    EXPECT_EQ(words.error().field, "key");
    EXPECT_THAT(words.error().message, HasSubstr(says));
  }
}

TEST_F(Words, AModelThatIsNotThereIsToldByTheDeployment) {
  const auto words = Of(R"({"kind": "train", "deployment": "weekly"})");
  ASSERT_FALSE(words.ok());
  EXPECT_EQ(words.error().field, "deployment");
}

TEST_F(Words, WhereNoDeploymentIsDeclaredOneIsTheModelOfItsName) {
  config_.deployments.clear();
  EXPECT_EQ(DeploymentOf("sales", config_).value().model, "sales@champion");
}

}  // namespace
}  // namespace forkcast::serving
