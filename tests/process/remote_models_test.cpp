// Two tiers of real servers: features in one, the model in another.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "support/eventually.hpp"
#include "support/load.hpp"
#include "support/loopback.hpp"
#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using nlohmann::ordered_json;
using testing::HasSubstr;

json Stump(int number, int feature, double threshold, double value, int missing_left) {
  return {{"id", number},
          {"left_children", {1, -1, -1}},
          {"right_children", {2, -1, -1}},
          {"split_indices", {feature, 0, 0}},
          {"split_conditions", {threshold, 0.0, value}},
          {"default_left", {missing_left, 0, 0}},
          {"sum_hessian", {8, 4, 4}}};
}

/// What XGBoost would have written: 0.5, and 1 more where the inventory is 10 or more, and 4 more
/// from 3 o'clock on.
json Trees() {
  return {
      {"version", {2, 1, 4}},
      {"learner",
       {{"attributes", json::object()},
        {"feature_names", {"inventory", "order_hour_of_day"}},
        {"gradient_booster",
         {{"name", "gbtree"},
          {"model",
           {{"gbtree_model_param", {{"num_trees", "2"}, {"num_parallel_tree", "1"}}},
            {"tree_info", {0, 0}},
            {"trees", {Stump(0, 0, 10, 1, 1), Stump(1, 1, 3, 4, 0)}}}}}},
        {"learner_model_param",
         {{"base_score", "5E-1"}, {"num_class", "0"}, {"num_feature", "2"}, {"num_target", "1"}}},
        {"objective", {{"name", "reg:squarederror"}}}}}};
}

/// The orders' server with the triage here and the amount elsewhere, and that other server.
constexpr const char* kToAmount = "X-Amzn-SageMaker-Target-Model: amount\r\n";

class RemoteModels : public testing::Test {
 protected:
  RemoteModels() {
    workspace_.Ingest(SampleData());
    WriteAmountPipeline();
    workspace_.Write("trees.json", Trees().dump());
    RunToEnd(workspace_ / "import", {kForkcast, "models", "import", workspace_ / "trees.json",
                                     "--name", "amount", "--models", workspace_ / "models_there"});
  }

  /// Of the features of the orders those that the model reads.
  void WriteAmountPipeline() {
    std::ifstream file(workspace_.pipeline());
    auto pipeline = ordered_json::parse(file);
    pipeline["name"] = "order_amount";
    ordered_json features = ordered_json::array();
    for (const ordered_json& feature : pipeline["features"]) {
      const std::string name = feature.value("name", feature.value("value", ""));
      if (name == "inventory" || name == "order_hour_of_day") features.push_back(feature);
    }
    pipeline["features"] = features;
    pipeline["serving"] = ordered_json::parse(R"({"answer": [
      {"name": "order_id", "field": "order_id"}, {"name": "amount", "output": "value"}]})");
    pipeline.erase("metrics");
    workspace_.Write("amount.json", pipeline.dump());
  }

  void StartThere() {
    const std::string config = workspace_.Write(
        "there.json", json{{"models", (workspace_ / "models_there").string()},
                           {"deployments", {{{"name", "amount"}, {"model", "amount@1"}}}}}
                          .dump());
    there_.emplace(workspace_,
                   ServerOptions{.serves = ServerOptions::Serves::kNothing,
                                 .workers = 1,
                                 .port = port_,
                                 .flags = {"--config", config, "--store", workspace_.store()},
                                 .name = "there" + std::to_string(++starts_),
                                 .ends = ServerOptions::Ends::kAnyHow});
  }
  /// Of the server here; `options`: the deployment's "remote".
  [[nodiscard]] std::string Config(const json& options = json::object()) const {
    const json remote{{"name", "amount"},
                      {"pipeline", (workspace_ / "amount.json").string()},
                      {"model", "oip://127.0.0.1:" + std::to_string(port_) + "/amount"},
                      {"remote", options}};
    return workspace_.Write("here.json", json{{"deployments", {remote}}}.dump());
  }
  void StartHere(const json& options = json::object()) {
    here_.emplace(workspace_, ServerOptions{.flags = {"--config", Config(options)}});
    here_->WaitUntilAllReady();
  }
  [[nodiscard]] static Request Amount() {
    Request request = OneOrder();
    request.headers += kToAmount;  // not /endpoints/amount/..., where every error is 424
    return request;
  }
  [[nodiscard]] Answer Ask(const Request& request) { return AskOnce(here_->endpoint(), request); }
  [[nodiscard]] bool WaitUntilAnswered() {
    return Eventually([this] { return Ask(Amount()).status == 200; });
  }

  Workspace workspace_;
  const std::uint16_t port_ = FreePort();
  int starts_ = 0;
  std::optional<Server> there_;
  std::optional<Server> here_;
};

TEST_F(RemoteModels, AnswerWithFeaturesOfOneServerAndTheModelOfAnother) {
  StartThere();
  there_->WaitUntilAllReady();
  StartHere();
  ASSERT_TRUE(WaitUntilAnswered()) << here_->log();
  Request request = Amount();
  request.target += "?features=true";
  const Answer answer = Ask(request);
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json body = json::parse(answer.body);
  const double inventory = body["features"]["inventory"];
  const double expected = 0.5 + (inventory >= 10 ? 1 : 0) + 4;  // at 10 o'clock
  EXPECT_EQ(body["amount"], expected) << answer.body;
  EXPECT_EQ(Ask(OneOrder()).status, 200);
  // Many rows are several requests to the other server.
  std::string lines;
  for (int i = 0; i < 300; ++i) lines += OneOrder().body + "\n";
  const Answer many =
      Ask({.target = Amount().target,
           .headers = std::string("Content-Type: application/jsonlines\r\n") + kToAmount,
           .body = lines});
  ASSERT_EQ(many.status, 200) << many.body;
  EXPECT_EQ(std::ranges::count(many.body, '\n'), 300);
  // As the protocol has it, in two tiers, too.
  EXPECT_EQ(Ask({.method = "GET", .target = "/v2/models/amount/ready"}).status, 200);
  const Answer metrics = Ask({.method = "GET", .target = "/metrics"});
  EXPECT_THAT(metrics.body, HasSubstr(R"(forkcast_remote_requests_total{deployment="amount")"));
  EXPECT_THAT(metrics.body, HasSubstr("forkcast_remote_breaker{"));
}

TEST_F(RemoteModels, AreWaitedForWhereTheyAreAwayAtTheStart) {
  StartHere({{"breaker_rest_ms", 50}});
  const Answer early = Ask(Amount());
  EXPECT_EQ(early.status, 503) << early.body;
  EXPECT_THAT(early.body, HasSubstr("not ready"));
  EXPECT_EQ(Ask({.method = "GET", .target = "/v2/models/amount/ready"}).status, 503);
  EXPECT_EQ(Ask(OneOrder()).status, 200);
  EXPECT_THAT(here_->log(), testing::Not(HasSubstr("invocation_failed")))
      << "what repeats with each request is said once";
  StartThere();
  EXPECT_TRUE(WaitUntilAnswered()) << here_->log();
}

TEST_F(RemoteModels, ThatDoNotFitAreAnErrorOfTheStart) {
  StartThere();
  there_->WaitUntilAllReady();
  const auto check = [this](const json& options) {
    RunToEnd(workspace_ / "check",
             {kForkcast, "serve", "--check", "--store", workspace_.store(), "--bind", "127.0.0.1:0",
              "--config", Config(options)},
             3);
    return preprocessing::ReadWhole(workspace_ / "check.err");
  };
  EXPECT_THAT(check({{"outputs", {{"value", "number"}, {"valeu", "number"}}}}),
              testing::AllOf(HasSubstr("no output \"valeu\""), HasSubstr("value")));
  std::ifstream file(workspace_ / "amount.json");
  auto pipeline = ordered_json::parse(file);
  pipeline["features"].erase(0);
  workspace_.Write("amount.json", pipeline.dump());
  EXPECT_THAT(check(json::object()),
              testing::AllOf(HasSubstr("amount.json"), HasSubstr("it reads \"inventory\""),
                             HasSubstr("127.0.0.1:" + std::to_string(port_))));
}

TEST_F(RemoteModels, CostOnlyTheirOwnRequestsWhenTheyAreKilledAndComeBackByThemselves) {
  StartThere();
  there_->WaitUntilAllReady();
  StartHere({{"breaker_failures", 3}, {"breaker_rest_ms", 100}, {"timeout_ms", 500}});
  ASSERT_TRUE(WaitUntilAnswered()) << here_->log();
  Load amounts(here_->endpoint(), {.clients = 4, .request = Amount()});
  Load orders(here_->endpoint(), {.clients = 2, .request = OneOrder()});
  Load pings(here_->endpoint(), {.clients = 1, .request = {.method = "GET", .target = "/ping"}});
  ASSERT_TRUE(amounts.WaitForMore(200));
  for (const pid_t child : ChildrenOf(there_->pid())) ::kill(child, SIGKILL);
  there_->Signal(SIGKILL);
  static_cast<void>(there_->Wait());
  ASSERT_TRUE(Eventually([this] {
    const int status = Ask(Amount()).status;
    return status == 502 || status == 504;
  }));
  ASSERT_TRUE(orders.WaitForMore(200)) << "what needs no other server goes on";
  there_.reset();
  StartThere();
  ASSERT_TRUE(amounts.WaitForMore(500)) << "it comes back by itself\n" << here_->log();
  const LoadReport amount = amounts.Stop();
  for (const auto& [status, count] : amount.statuses) {
    EXPECT_TRUE(status == 200 || status == 502 || status == 504) << amount;
  }
  EXPECT_EQ(amount.failed(), 0U) << amount;
  EXPECT_EQ(amount.wrong_ids, 0U);
  EXPECT_LT(amount.slowest, std::chrono::milliseconds(3000)) << amount;
  EXPECT_THAT(here_->log(), testing::Not(HasSubstr("invocation_failed")));
  for (Load* const other : {&orders, &pings}) {
    const LoadReport report = other->Stop();
    EXPECT_EQ(report.statuses.size(), 1U) << report;
    EXPECT_EQ(report.failed(), 0U) << report;
  }
}

}  // namespace
}  // namespace forkcast::process_test
