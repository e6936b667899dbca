#include "serving/config/refresher_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "support/spec_error.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::JsonNode;
using preprocessing::SpecErrorOf;
using testing::ElementsAre;
using testing::HasSubstr;

RefresherConfig Read(const std::string& json) {
  const auto document = preprocessing::ParseJson(json);
  return ReadRefresher(JsonNode(document));
}

TEST(RefresherConfig, BecomesTheCommandThatFollows) {
  RefresherConfig config = Read(
      R"({"from": "incoming", "pipeline": "p.json", "store": "sqlite:o.db", "snapshots": "s",
          "options": ["--rejects", "r.csv", "--upsert"]})");
  EXPECT_THAT(
      CommandLineOf(config),
      ElementsAre("ingest", "--follow", "--pipeline", "p.json", "--store", "sqlite:o.db", "--from",
                  "incoming", "--snapshots", "s", "--rejects", "r.csv", "--upsert"));
}

TEST(RefresherConfig, WithoutSourcePublishesWhatOthersWriteIntoTheStore) {
  EXPECT_THAT(
      CommandLineOf(Read(R"({"pipeline": "p.json", "store": "sqlite:o.db", "snapshots": "s"})")),
      ElementsAre("ingest", "--follow", "--pipeline", "p.json", "--store", "sqlite:o.db",
                  "--snapshots", "s"));
}

TEST(RefresherConfig, OfOneThatTakesRowsFromCallersNeedsNoPlaceToReadFrom) {
  const RefresherConfig config = Read(
      R"({"push": true, "originals": "data", "pipeline": "p.json", "store": "sqlite:o.db",
          "snapshots": "s"})");
  EXPECT_TRUE(config.takes_pushes);
  EXPECT_THAT(CommandLineOf(config),
              ElementsAre("ingest", "--follow", "--pipeline", "p.json", "--store", "sqlite:o.db",
                          "--snapshots", "s", "--originals", "data"));
}

TEST(RefresherConfig, LeavesWhatItDoesNotNameToTheServer) {
  EXPECT_EQ(Read(R"({"from": "incoming"})"), RefresherConfig{.from = "incoming"});
}

struct WrongCase {
  std::string name;
  std::string json;
  std::string message;
};

void PrintTo(const WrongCase& one, std::ostream* out) { *out << one.name; }

class AWrongRefresher : public testing::TestWithParam<WrongCase> {};

TEST_P(AWrongRefresher, IsRefusedSayingWhereAndWhy) {
  EXPECT_THAT(SpecErrorOf([] { Read(GetParam().json); }), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Of, AWrongRefresher,
    testing::Values(
        WrongCase{"ASourceThatIsNoText", R"({"from": 7})", "$.from"},
        WrongCase{"OriginalsThatNobodyAsksFor", R"({"from": "f", "originals": "data"})",
                  "$.originals: of no use"},
        WrongCase{"OriginalsAsAnOption", R"({"push": true, "options": ["--originals", "data"]})",
                  "$.options[0]: --originals is not one"},
        WrongCase{"AnUnknownMember", R"({"from": "f", "every": "1s"})", "every"},
        WrongCase{"OptionsThatAreNoList", R"({"from": "f", "options": "--upsert"})", "$.options"},
        WrongCase{"AnOptionWithAMemberOfItsOwn",
                  R"({"from": "f", "options": ["--store=sqlite:x"]})",
                  "$.options[0]: --store is not one of the options of a refresher"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::serving
