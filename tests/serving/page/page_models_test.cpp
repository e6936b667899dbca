#include "serving/page/page_models.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using preprocessing::TempFolder;
using testing::HasSubstr;

/// A registry with a version of "sales" that beats its baselines, and one that does not.
class PageModels : public testing::Test {
 protected:
  PageModels() {
    std::filesystem::copy(FORKCAST_SOURCE_DIR "/tests/data/published", models_,
                          std::filesystem::copy_options::recursive);
    nlohmann::ordered_json worse{
        {"format", 1},
        {"kind", "forecast"},
        {"evaluation",
         {{"metric", "wape"}, {"value", 0.9}, {"skill", -0.1}, {"beats_baselines", false}}}};
    EXPECT_EQ(model::Registry(models_).Publish("sales", worse, {}, Instant()).value(), 2U);
    EXPECT_TRUE(model::Registry(models_).SetAlias("sales", "champion", 1).ok());
  }

  std::string ChampionIs() { return preprocessing::ReadWhole(models_ / "sales" / "champion"); }
  Result<std::string> Promote(const std::string& body) {
    return PromoteVersion(models_, "sales", body);
  }

  TempFolder folder_;
  std::filesystem::path models_ = folder_.path() / "models";
};

TEST_F(PageModels, AreListedNewestFirstWithWhatTheyAreWorth) {
  const json listed = json::parse(ListVersions(models_, 50).value());
  ASSERT_EQ(listed["models"].size(), 2U);
  const json& sales = listed["models"][1];
  EXPECT_EQ(sales["model"], "sales");
  ASSERT_EQ(sales["versions"].size(), 2U);
  EXPECT_EQ(sales["versions"][0]["version"], 2);
  EXPECT_EQ(sales["versions"][0]["why_not"], "does not beat the baselines");
  EXPECT_EQ(sales["versions"][1]["aliases"], json::array({"champion"}));
  EXPECT_EQ(sales["versions"][1]["why_not"], "");
  EXPECT_EQ(sales["versions"][1]["best_baseline"], "naive");
  EXPECT_EQ(sales["versions"][1]["baselines"][0]["name"], "naive");
}

TEST_F(PageModels, OfWhichThereAreManyAreTheNewestAndThoseWithAnAlias) {
  const json sales = json::parse(ListVersions(models_, 1).value())["models"][1];
  EXPECT_EQ(sales["count"], 2);
  EXPECT_EQ(sales["versions"].size(), 2U);  // the older one is champion
  EXPECT_TRUE(model::Registry(models_).SetAlias("sales", "champion", 2).ok());
  EXPECT_EQ(json::parse(ListVersions(models_, 1).value())["models"][1]["versions"].size(), 1U);
}

TEST_F(PageModels, ThatAreDamagedAreListedAsSuch) {
  std::filesystem::remove(models_ / "sales/2/manifest.json");
  const json sales = json::parse(ListVersions(models_, 50).value())["models"][1];
  EXPECT_EQ(sales["versions"][0]["damaged"], true);
}

TEST_F(PageModels, AreNoneWithoutARegistry) {
  EXPECT_EQ(ListVersions({}, 50).value(), R"({"place":"","models":[]})");
  EXPECT_EQ(DescribeVersion({}, "sales", "1").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(PromoteVersion({}, "sales", R"({"version":1})").error().code, ErrorCode::kNotFound);
}

TEST_F(PageModels, SayEverythingOfAVersionByNumberOrAlias) {
  for (const char* const reference : {"1", "champion"}) {
    const json one = json::parse(DescribeVersion(models_, "sales", reference).value());
    EXPECT_EQ(one["summary"]["version"], 1);
    EXPECT_EQ(one["manifest"]["kind"], "forecast");
    EXPECT_EQ(one["history"], json::array());
  }
  for (const char* const reference : {"7", "nobody", "../1", ""}) {
    EXPECT_FALSE(DescribeVersion(models_, "sales", reference).ok()) << reference;
  }
  EXPECT_FALSE(DescribeVersion(models_, "../sales", "1").ok());
}

TEST_F(PageModels, ArePromotedOnPurposeAlone) {
  const Result<std::string> refused = Promote(R"({"version": 2})");
  EXPECT_EQ(refused.error().code, ErrorCode::kRejected);
  EXPECT_THAT(refused.error().message, HasSubstr("does not beat the baselines"));
  EXPECT_EQ(ChampionIs(), "1\n");
  const json promoted = json::parse(Promote(R"({"version": 2, "force": true})").value());
  EXPECT_EQ(promoted["aliases"], json::array({"champion"}));
  EXPECT_EQ(ChampionIs(), "2\n");
  EXPECT_TRUE(Promote(R"({"version": 1, "alias": "champion"})").ok());
  EXPECT_EQ(ChampionIs(), "1\n");
}

TEST_F(PageModels, ArePromotedByNothingElseThanWhatIsAsked) {
  for (const char* const body :
       {"", "[]", "{", "{}", R"({"version": "2"})", R"({"version": 2.5})", R"({"version": 0})",
        R"({"version": -1})", R"({"version": 2, "alias": 7})", R"({"version": 2, "force": "yes"})",
        R"({"version": 2, "forced": true})", R"({"version": 99, "force": true})",
        R"({"version": 2, "alias": "../x", "force": true})",
        R"({"version": 2, "alias": "7", "force": true})"}) {
    EXPECT_FALSE(Promote(body).ok()) << body;
    EXPECT_EQ(ChampionIs(), "1\n") << body;
  }
}

}  // namespace
}  // namespace forkcast::serving
