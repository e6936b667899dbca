#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

/// A server of orders, the default, and of the published forecast of tests/data, each with
/// snapshots of its own.
class DeploymentsTest : public testing::Test {
 protected:
  DeploymentsTest() {
    workspace_.Ingest(SampleData());
    std::string sales = "shop,day,amount\n";
    for (int day = 1; day <= 29; ++day) {
      const std::string date = "2024-02-" + std::string(day < 10 ? "0" : "") + std::to_string(day);
      sales += "000," + date + "," + std::to_string(10 + day) + "\n";
      sales += "001," + date + "," + std::to_string(20 + day) + "\n";
    }
    workspace_.Write("sales.csv", sales);
    RunToEnd(
        workspace_ / "ingest",
        {kForkcast, "ingest", "--quiet", "--pipeline", kModels / "sales/1/pipeline.json", "--store",
         "sqlite:" + (workspace_ / "sales.db").string(), "--from", workspace_ / ""});
  }

  /// The config file, in which the forecast is of version `version`.
  [[nodiscard]] fs::path Config(const std::string& version) const {
    const json sales{{"name", "weekly"},
                     {"model", "sales@" + version},
                     {"snapshots", (workspace_ / "sales.db.snapshots").string()},
                     {"cold_start", "naive"}};
    return workspace_.Write("server.json",
                            json{{"models", kModels.string()}, {"deployments", {sales}}}.dump());
  }
  /// `forkcast serve --check` with that file; what it wrote, errors behind the rest.
  [[nodiscard]] std::string Check(const std::string& version, int code) const {
    const std::string out =
        RunToEnd(workspace_ / "check",
                 {kForkcast, "serve", "--check", "--pipeline", workspace_.pipeline(), "--store",
                  workspace_.store(), "--bind", "127.0.0.1:0", "--config", Config(version)},
                 code);
    return out + preprocessing::ReadWhole(workspace_ / "check.err");
  }

  const fs::path kModels = kSource / "tests/data/published";
  Workspace workspace_;
};

TEST_F(DeploymentsTest, AnswerSideBySideByNameAndByHeader) {
  Server server(workspace_, {.flags = {"--config", Config("1").string()}});
  server.WaitUntilAllReady();
  const Answer order = AskOnce(server.endpoint(), OneOrder());
  EXPECT_EQ(order.status, 200);
  EXPECT_THAT(order.body, HasSubstr("recommendation"));
  Request shop{.target = "/endpoints/weekly/invocations",
               .headers = "Content-Type: application/json\r\n",
               .body = R"({"shop": "000"})"};
  const Answer forecast = AskOnce(server.endpoint(), shop);
  ASSERT_EQ(forecast.status, 200) << forecast.body;
  const json answer = json::parse(forecast.body);
  EXPECT_EQ(answer["forecast"].size(), 2U);
  EXPECT_EQ(answer["forecast"][0]["period"], "2024-03-01");
  shop.target = "/invocations";
  shop.headers += "X-Amzn-SageMaker-Target-Model: weekly\r\n";
  EXPECT_EQ(AskOnce(server.endpoint(), shop).body, forecast.body);
  shop.headers = "X-Amzn-SageMaker-Target-Model: none\r\n";
  const Answer unknown = AskOnce(server.endpoint(), shop);
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, HasSubstr("there are: order_triage, weekly"));
}

TEST_F(DeploymentsTest, AreAllLoadedByACheckWhichNamesWhatIsNotThere) {
  EXPECT_THAT(Check("1", 0), testing::AllOf(HasSubstr("ok: pipeline order_triage and"),
                                            HasSubstr("ok: pipeline sales as weekly and"),
                                            HasSubstr("ok: model sales version 1")));
  EXPECT_THAT(Check("2", 3), testing::AllOf(HasSubstr("$.deployments[0]"),
                                            HasSubstr("has no version \"2\"; there are: 1")));
}

}  // namespace
}  // namespace forkcast::process_test
