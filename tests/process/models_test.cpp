#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "support/load.hpp"
#include "support/sales_model.hpp"
#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using Connections = LoadOptions::Connections;
using Ends = ServerOptions::Ends;
using Serves = ServerOptions::Serves;

constexpr std::size_t kWorkers = 3;
/// Enough connections that each worker gets several.
constexpr int kOfEachWorker = 20 * static_cast<int>(kWorkers);

/// A server as SageMaker starts one for many models: the image names a pipeline, whose data are not
/// there. Models lie below `models()` as SageMaker lays them, each a version with its snapshots.
class ManyModels : public testing::Test {
 protected:
  ManyModels() : snapshots_(PublishSales(workspace_, "sales.db", 10)) {}

  Server& Start(std::vector<std::string> flags = {}, Ends ends = Ends::kCleanly,
                Serves serves = Serves::kNothing) {
    flags.insert(flags.end(), {"--model-root", root()});
    Server& server = *(server_ = std::make_unique<Server>(
                           workspace_, ServerOptions{.serves = serves,
                                                     .workers = kWorkers,
                                                     .flags = std::move(flags),
                                                     .environment = {"SAGEMAKER_MULTI_MODEL=True",
                                                                     "FORKCAST_PIPELINE=/none"},
                                                     .ends = ends}));
    server.WaitUntilAllReady();
    return server;
  }
  /// Lays a model there; returns its url.
  [[nodiscard]] std::string Lay(const std::string& name) const {
    const fs::path model = root() / "models" / name / "model";
    fs::create_directories(model.parent_path());
    fs::copy(kSalesVersion, model, fs::copy_options::recursive);
    fs::copy(snapshots_, model / "snapshots", fs::copy_options::recursive);
    return model;
  }
  [[nodiscard]] Answer Load(const std::string& name, const std::string& url) const {
    return AskOnce(server_->endpoint(), {.target = "/models",
                                         .headers = "Content-Type: application/json\r\n",
                                         .body = json{{"model_name", name}, {"url", url}}.dump()});
  }
  [[nodiscard]] Answer Unload(const std::string& name) const {
    return AskOnce(server_->endpoint(), {.method = "DELETE", .target = "/models/" + name});
  }
  [[nodiscard]] json Get(const std::string& target) const {
    return json::parse(AskOnce(server_->endpoint(), {.method = "GET", .target = target}).body);
  }
  [[nodiscard]] static Request Invoke(const std::string& name) {
    return SalesOfAShop("/models/" + name + "/invoke");
  }
  /// The one status that all workers answer with; 0 when they differ.
  [[nodiscard]] int StatusOfAll(const std::string& name) const {
    std::vector<int> statuses;
    for (int i = 0; i < kOfEachWorker; ++i) {
      statuses.push_back(AskOnce(server_->endpoint(), Invoke(name)).status);
    }
    const bool agree = std::ranges::count(statuses, statuses.front()) == kOfEachWorker;
    return agree ? statuses.front() : 0;
  }
  [[nodiscard]] fs::path root() const { return workspace_ / "ml"; }

  Workspace workspace_;
  fs::path snapshots_;
  std::unique_ptr<Server> server_;
};

TEST_F(ManyModels, StartsWithNoneAndIsReady) {
  const Server& server = Start();
  EXPECT_EQ(Ping(server.endpoint()), 200);
  EXPECT_EQ(Get("/models"), (json{{"models", json::array()}}));
  const Answer nobody = AskOnce(server.endpoint(), SalesOfAShop("/invocations"));
  EXPECT_EQ(nobody.status, 404);
  EXPECT_THAT(nobody.body, HasSubstr("no deployment is the default"));
}

TEST_F(ManyModels, AreThereInEveryWorkerWhenTheLoadIsAnsweredAndGoneWhenTheUnloadIs) {
  Start();
  const std::string url = Lay("a");
  for (int round = 0; round < 5; ++round) {
    const Answer loaded = Load("a", url);
    EXPECT_EQ(loaded.status, 200) << loaded.body;
    EXPECT_EQ(json::parse(loaded.body).at("status"), "Workers scaled");
    EXPECT_EQ(StatusOfAll("a"), 200);
    EXPECT_EQ(Get("/models/a"), (json{{"modelName", "a"}, {"modelUrl", url}}));
    const Answer unloaded = Unload("a");
    EXPECT_EQ(unloaded.status, 200) << unloaded.body;
    EXPECT_EQ(json::parse(unloaded.body).at("status"), "Model \"a\" unregistered");
    EXPECT_EQ(StatusOfAll("a"), 404);
  }
}

TEST_F(ManyModels, ComeAndGoUnderLoadAndNothingIsLost) {
  const Server& server = Start();
  ASSERT_EQ(Load("stays", Lay("stays")).status, 200);
  const std::string url = Lay("goes");
  std::vector<std::unique_ptr<process_test::Load>> loads;
  for (const Connections connections : {Connections::kKept, Connections::kNewForEach}) {
    loads.push_back(std::make_unique<process_test::Load>(
        server.endpoint(),
        LoadOptions{.clients = 4, .connections = connections, .request = Invoke("stays")}));
  }
  for (int round = 0; round < 8; ++round) {
    EXPECT_EQ(Load("goes", url).status, 200);
    EXPECT_EQ(AskOnce(server.endpoint(), Invoke("goes")).status, 200);
    EXPECT_EQ(Unload("goes").status, 200);
  }
  for (const auto& load : loads) {
    EXPECT_TRUE(load->WaitForMore(20));
    const LoadReport report = load->Stop();
    EXPECT_EQ(report.failed(), 0U) << report;
    EXPECT_EQ(report.statuses.size(), 1U) << report << server.log();
    EXPECT_GT(report.answered(200), 0U) << report;
    EXPECT_EQ(report.wrong_ids, 0U) << report;
  }
}

TEST_F(ManyModels, AreInAWorkerThatTakesTheOthersPlaceBeforeItIsReady) {
  Server& server = Start({}, Ends::kAnyHow);
  for (const char* name : {"a", "b"}) ASSERT_EQ(Load(name, Lay(name)).status, 200);
  ASSERT_EQ(Unload("b").status, 200);
  ::kill(server.worker(0), SIGKILL);
  // While it is away: the load does not wait for it, and it has the model when it comes.
  EXPECT_EQ(Load("c", Lay("c")).status, 200);
  ASSERT_TRUE(Eventually([&] { return server.starts(0) == 2; })) << server.log();
  EXPECT_EQ(StatusOfAll("a"), 200) << server.log();
  EXPECT_EQ(StatusOfAll("b"), 404);
  EXPECT_EQ(StatusOfAll("c"), 200);

  server.Signal(SIGHUP);
  ASSERT_TRUE(Eventually([&] { return server.CountInLog("reload_done") == 1; })) << server.log();
  EXPECT_EQ(StatusOfAll("a"), 200) << server.log();
  EXPECT_EQ(Unload("a").status, 200);
  EXPECT_EQ(StatusOfAll("a"), 404);
}

TEST_F(ManyModels, AreLoadedOnceWhenTwoAskAtOnce) {
  Start();
  const std::string url = Lay("a");
  for (int round = 0; round < 5; ++round) {
    std::vector<int> statuses(4);
    std::vector<std::thread> askers;
    askers.reserve(statuses.size());
    for (int& status : statuses) {
      askers.emplace_back([&, this] { status = Load("a", url).status; });
    }
    for (std::thread& asker : askers) asker.join();
    std::ranges::sort(statuses);
    EXPECT_THAT(statuses, testing::ElementsAre(200, 409, 409, 409));
    EXPECT_EQ(Unload("a").status, 200);
  }
}

TEST_F(ManyModels, ThatCannotBeLoadedAreRefusedWithWhy) {
  Start({"--max-models", "1"});
  const std::string damaged = Lay("damaged");
  fs::remove(fs::path(damaged) / "model/1/0.ubj");
  fs::create_directories(root() / "empty");
  fs::create_directory_symlink("/etc", root() / "link");
  const auto refused = [this](int status, const std::string& url, const std::string& why) {
    const Answer answer = Load("m", url);
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr(why));
    EXPECT_EQ(json::parse(answer.body).at("code"), status);
  };
  refused(404, root() / "none", "is not there");
  refused(400, "/etc", "is not below");
  refused(400, root() / "link", "is not below");
  refused(400, damaged, "model/1/0.ubj");
  refused(400, root() / "empty", "holds no model");
  EXPECT_EQ(StatusOfAll("m"), 404);
  EXPECT_EQ(Unload("m").status, 404);
  ASSERT_EQ(Load("a", Lay("a")).status, 200);
  refused(507, Lay("b"), "max_models");
  EXPECT_EQ(Load("a", Lay("c")).status, 409);
  EXPECT_EQ(StatusOfAll("a"), 200);
}

TEST_F(ManyModels, StandBesideWhatSettingsDeclareWhichStays) {
  workspace_.Ingest(SampleData());
  const Server& server = Start({}, Ends::kCleanly, Serves::kWorkspace);
  ASSERT_EQ(Load("a", Lay("a")).status, 200);
  EXPECT_EQ(Get("/models").at("models").size(), 2U);
  EXPECT_EQ(AskOnce(server.endpoint(), OneOrder()).status, 200);
  EXPECT_EQ(AskOnce(server.endpoint(), SalesOfAShop("/endpoints/a/invocations")).status, 200);
  Request order = OneOrder();
  order.target = "/endpoints/any/invocations";
  EXPECT_EQ(AskOnce(server.endpoint(), order).status, 200) << "still the only one declared";
  EXPECT_EQ(Unload("order_triage").status, 409);
  EXPECT_EQ(Load("order_triage", Lay("b")).status, 409);
  EXPECT_EQ(AskOnce(server.endpoint(), OneOrder()).status, 200);
}

TEST_F(ManyModels, AreNotToBeAskedForWhereTheServerIsNotToldTo) {
  workspace_.Ingest(SampleData());
  const Server server(workspace_);
  server.WaitUntilReady();
  EXPECT_EQ(AskOnce(server.endpoint(), {.method = "GET", .target = "/models"}).status, 404);
}

/// A container in which nothing is given but the platform's folder.
class APlatformsFolder : public testing::Test {
 protected:
  [[nodiscard]] fs::path base() const { return workspace_ / "ml"; }
  [[nodiscard]] std::vector<std::string> environment() const {
    return {"SAGEMAKER_BASE_DIR=" + base().string(), "FORKCAST_PIPELINE=/none",
            "FORKCAST_STORE=sqlite:/none/forkcast.db"};
  }
  [[nodiscard]] std::unique_ptr<Server> Serve() const {
    auto server = std::make_unique<Server>(
        workspace_,
        ServerOptions{.serves = Serves::kNothing, .workers = 2, .environment = environment()});
    server->WaitUntilReady();
    return server;
  }

  Workspace workspace_;
};

TEST_F(APlatformsFolder, WithAVersionAndItsSnapshotsIsServedAsItIs) {
  fs::create_directories(base());
  fs::copy(kSalesVersion, base() / "model", fs::copy_options::recursive);
  fs::copy(PublishSales(workspace_, "sales.db", 10), base() / "model/snapshots");
  const auto server = Serve();
  const Answer answer = AskOnce(server->endpoint(), SalesOfAShop("/invocations"));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(json::parse(answer.body).at("forecast").size(), 2U);
}

TEST_F(APlatformsFolder, IsServedAsTrainingInAContainerLeftIt) {
  const fs::path input = base() / "input";
  fs::create_directories(input / "config");
  fs::create_directories(input / "data/train");
  fs::copy(kSource / "data/weekly_demand/order_lines.csv", input / "data/train/order_lines.csv");
  workspace_.Write("ml/input/config/hyperparameters.json",
                   json{{"pipeline", (kSource / "conf/pipelines/weekly_demand.json").string()},
                        {"model.trees", "20"},
                        {"model.learning_rate", "0.2"},
                        {"threads", "1"}}
                       .dump());
  Program training(workspace_ / "train", {kForkcast, "train"},
                   {"SAGEMAKER_BASE_DIR=" + base().string()});
  ASSERT_EQ(training.Wait(10 * kPatience), 0) << training.err();
  fs::remove_all(input);
  const auto server = Serve();
  const Answer answer =
      AskOnce(server->endpoint(),
              {.headers = "Content-Type: application/json\r\n", .body = R"({"product": "07839"})"});
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(json::parse(answer.body).at("forecast").size(), 4U);
}

TEST_F(APlatformsFolder, WithoutAModelIsNoneAndThePipelineOfTheImageIsServed) {
  workspace_.Ingest(SampleData());
  fs::create_directories(base() / "model");
  const Server server(workspace_,
                      {.serves = Serves::kNothing,
                       .environment = {"SAGEMAKER_BASE_DIR=" + base().string(),
                                       "FORKCAST_PIPELINE=" + workspace_.pipeline().string(),
                                       "FORKCAST_STORE=" + workspace_.store()}});
  server.WaitUntilReady();
  EXPECT_EQ(AskOnce(server.endpoint(), OneOrder()).status, 200);
}

}  // namespace
}  // namespace forkcast::process_test
