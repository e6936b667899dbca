#include "serving/endpoints/models.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "serving/endpoints/post.hpp"
#include "serving/endpoints/publish_tables.hpp"
#include "serving/service/load_deployments.hpp"
#include "support/http_message.hpp"
#include "support/test_clock.hpp"
#include "support/test_files.hpp"
#include "support/test_service.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using Outcome = ModelChange::Outcome;

/// Notes what it is asked for, which comes to what the test says.
class NotedControl final : public ModelControl {
 public:
  [[nodiscard]] std::string UsualUrl(const std::string& name) const override {
    return "/root/" + name;
  }
  std::shared_ptr<const ModelChange> Load(const std::string& name, const std::string& url,
                                          MonotonicTime deadline) override {
    asked.push_back("load " + name + " " + url);
    deadlines.push_back(deadline);
    return change;
  }
  std::shared_ptr<const ModelChange> Unload(const std::string& name,
                                            MonotonicTime deadline) override {
    asked.push_back("unload " + name);
    deadlines.push_back(deadline);
    return change;
  }

  std::shared_ptr<ModelChange> change = std::make_shared<ModelChange>();
  std::vector<std::string> asked;
  std::vector<MonotonicTime> deadlines;
};

/// A server that may load models. The forecast "sales" of tests/data is declared, or nothing; the
/// same, served as the folder that it is, was loaded as "loaded".
class ModelsTest : public testing::Test {
 protected:
  ModelsTest() {
    std::string sales = "shop,day,amount\n";
    for (int day = 10; day < 30; ++day) sales += "000,2024-01-" + std::to_string(day) + ",7\n";
    folder_.Write("sales.csv", sales);
    const auto spec = preprocessing::LoadPipelineSpec(Folder() / "pipeline.json");
    PublishTables(*spec, folder_.path());
    test_.service.models = &control_;
    Serve({Deployment{.place = Folder(), .snapshots = folder_.path(), .origin = "--model-dir"}});
  }
  static std::filesystem::path Folder() {
    return FORKCAST_SOURCE_DIR "/tests/data/published/sales/1";
  }

  void Serve(const std::vector<Deployment>& deployments) {
    auto declared = LoadDeployments(deployments, {});
    ASSERT_TRUE(declared.ok()) << declared.error().message;
    test_.service.catalogue.Serve(*std::move(declared));
  }
  void AddLoaded(const std::string& name) {
    preprocessing::SnapshotPool pool;
    LoadAttempt attempt = LoadDeployment(
        {.name = name, .place = Folder(), .snapshots = folder_.path()}, {}, {}, pool);
    ASSERT_TRUE(attempt.loaded.ok()) << attempt.loaded.error().message;
    test_.service.catalogue.Add({.name = name,
                                 .pipeline = *attempt.loaded,
                                 .url = "/opt/ml/models/" + name + "/model",
                                 .is_declared = false});
  }

  Response Send(Method method, std::string_view path, std::string_view body = {},
                std::string_view query = {}) {
    return Ask(test_.router, body, {.method = method, .path = path, .query = query});
  }
  Response Load(std::string_view body) { return Send(Method::kPost, "/models", body); }
  void ControlAnswers(Outcome outcome, Error error = {}) {
    control_.change->outcome = outcome;
    control_.change->error = std::move(error);
  }

  preprocessing::TempFolder folder_;
  TestClock clock_;
  std::array<WorkerSlot, 1> slots_;
  NotedControl control_;
  TestService test_{slots_, 0, clock_, {}, Models::kLoaded};
};

constexpr std::string_view kLoad = R"({"model_name": "m", "url": "/opt/ml/models/m/model"})";

TEST_F(ModelsTest, AreListedDeclaredOnesFirst) {
  AddLoaded("loaded");
  const Response response = Send(Method::kGet, "/models");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(json::parse(response.body),
            (json{{"models",
                   {{{"modelName", "sales"}, {"modelUrl", Folder().string()}},
                    {{"modelName", "loaded"}, {"modelUrl", "/opt/ml/models/loaded/model"}}}}}));
}

TEST_F(ModelsTest, AreListedAPageAtATimeEachOnce) {
  for (const char* name : {"a", "b", "c"}) AddLoaded(name);
  std::vector<std::string> names;
  std::string query = "limit=3";
  for (int page = 0; page < 2; ++page) {
    const json body = json::parse(Send(Method::kGet, "/models", {}, query).body);
    for (const json& model : body.at("models")) names.push_back(model.at("modelName"));
    EXPECT_EQ(body.contains("nextPageToken"), page == 0);
    if (page == 0) query = "next_page_token=" + body.at("nextPageToken").get<std::string>();
  }
  EXPECT_THAT(names, ElementsAre("sales", "a", "b", "c"));
}

TEST_F(ModelsTest, AreShownByName) {
  EXPECT_EQ(json::parse(Send(Method::kGet, "/models/sales").body),
            (json{{"modelName", "sales"}, {"modelUrl", Folder().string()}}));
  const Response unknown = Send(Method::kGet, "/models/x");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(
      json::parse(unknown.body),
      (json{{"code", 404},
            {"type", "ModelNotFoundException"},
            {"message", "Model not found: x"},
            {"error",
             {{"code", "not_found"}, {"message", "Model not found: x"}, {"request_id", "r"}}}}));
}

TEST_F(ModelsTest, ALoadIsAnsweredWhenItIsDoneAndNotBefore) {
  std::string body(kLoad);
  body.resize(kLoad.size() + wire::kBodyPadding);
  const RequestView request{.method = Method::kPost,
                            .path = "/models",
                            .body = std::string_view(body).substr(0, kLoad.size()),
                            .deadline = MonotonicTime(std::chrono::hours(2))};
  Response response;
  Exchange exchange;
  EXPECT_EQ(test_.router.Start(request, response, exchange), Progress::kWaits);
  EXPECT_THAT(control_.asked, ElementsAre("load m /opt/ml/models/m/model"));
  EXPECT_THAT(control_.deadlines, ElementsAre(request.deadline));
  EXPECT_EQ(test_.router.Continue(exchange), Progress::kWaits);
  control_.change->outcome = Outcome::kDone;
  EXPECT_EQ(test_.router.Continue(exchange), Progress::kDone);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"status":"Workers scaled"})");
  EXPECT_EQ(control_.asked.size(), 1U);
}

TEST_F(ModelsTest, ALoadIsNotWaitedForWhenTheServerStops) {
  test_.server.stop_deadline_ns = 1;
  EXPECT_EQ(Load(kLoad).status, 503);
}

TEST_F(ModelsTest, AnUnloadSaysWhatItDid) {
  AddLoaded("m");
  ControlAnswers(Outcome::kDone);
  const Response response = Send(Method::kDelete, "/models/m");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(json::parse(response.body), (json{{"status", "Model \"m\" unregistered"}}));
  EXPECT_THAT(control_.asked, ElementsAre("unload m"));
}

TEST_F(ModelsTest, OneThatIsDeclaredIsNotUnloadedSinceSettingsAloneTakeItAway) {
  const Response response = Send(Method::kDelete, "/models/sales");
  EXPECT_EQ(response.status, 409);
  EXPECT_THAT(response.body, HasSubstr("Model sales is declared by the server's settings"));
  EXPECT_TRUE(control_.asked.empty());
}

struct RefusalCase {
  const char* name;
  Outcome outcome;
  ErrorCode code;
  int status;
  const char* type;
};
void PrintTo(const RefusalCase& one, std::ostream* out) { *out << one.name; }

class RefusedChange : public ModelsTest, public testing::WithParamInterface<RefusalCase> {};

TEST_P(RefusedChange, IsToldInTheFormsOfBoth) {
  const RefusalCase& one = GetParam();
  ControlAnswers(one.outcome, {one.code, "since \"so\""});
  const Response response = Load(kLoad);
  EXPECT_EQ(response.status, one.status);
  const json body = json::parse(response.body);
  EXPECT_EQ(body.at("code"), one.status);
  EXPECT_EQ(body.at("type"), one.type);
  EXPECT_EQ(body.at("message"), body.at("error").at("message"));
  EXPECT_EQ(body.at("message"),
            one.status == 500 ? "internal error; see the server's log" : "since \"so\"");
}
INSTANTIATE_TEST_SUITE_P(
    Cases, RefusedChange,
    testing::Values(RefusalCase{"Place", Outcome::kRefused, ErrorCode::kInvalidArgument, 400,
                                "BadRequestException"},
                    RefusalCase{"NothingThere", Outcome::kRefused, ErrorCode::kNotFound, 404,
                                "ModelNotFoundException"},
                    RefusalCase{"NameTaken", Outcome::kRefused, ErrorCode::kConflict, 409,
                                "ConflictStatusException"},
                    RefusalCase{"NoRoom", Outcome::kNoRoom, ErrorCode::kConflict, 507,
                                "InsufficientStorageException"},
                    RefusalCase{"TooLate", Outcome::kRefused, ErrorCode::kDeadlineExceeded, 504,
                                "InternalServerException"},
                    RefusalCase{"Disk", Outcome::kRefused, ErrorCode::kIo, 500,
                                "InternalServerException"}),
    [](const auto& param) { return std::string(param.param.name); });

struct BadLoad {
  const char* name;
  const char* body;
  const char* message;
};
void PrintTo(const BadLoad& one, std::ostream* out) { *out << one.name; }

class BadLoadRequest : public ModelsTest, public testing::WithParamInterface<BadLoad> {};

TEST_P(BadLoadRequest, IsRefusedNamingTheMember) {
  const Response response = Load(GetParam().body);
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr(GetParam().message));
  EXPECT_TRUE(control_.asked.empty());
}
INSTANTIATE_TEST_SUITE_P(
    Cases, BadLoadRequest,
    testing::Values(BadLoad{"NoJson", "{", "line 1"}, BadLoad{"NoObject", "[]", "$: "},
                    BadLoad{"NoName", R"({"url": "/opt/ml/m"})", "model_name"},
                    BadLoad{"NoUrl", R"({"model_name": "m"})", "url"},
                    BadLoad{"NameThatIsNoText", R"({"model_name": 1, "url": "/opt/ml/m"})",
                            "$.model_name"},
                    BadLoad{"NameOfAPath", R"({"model_name": "../m", "url": "/opt/ml/m"})",
                            R"("field":"model_name")"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(ModelsTest, ALoadIsRefusedForTooMuchAtOnce) {
  EXPECT_EQ(Load("{\"model_name\": \"" + std::string(70000, 'm')).status, 413);
}

TEST_F(ModelsTest, ListedWrongAreRefused) {
  for (const char* query : {"limit=0", "limit=101", "limit=x", "next_page_token=-1",
                            "next_page_token=2", "next_page_token="}) {
    const Response response = Send(Method::kGet, "/models", {}, query);
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_EQ(json::parse(response.body).at("type"), "BadRequestException") << query;
  }
}

constexpr std::string_view kShop = R"({"shop": "000", "steps": 1})";

TEST_F(ModelsTest, AreInvokedByNameWhateverTheTargetModelSays) {
  AddLoaded("loaded");
  const Response declared = PostTo(test_.router, kShop);
  EXPECT_EQ(declared.status, 200) << declared.body;
  const Response loaded = PostTo(test_.router, kShop,
                                 {.path = "/models/loaded/invoke",
                                  .custom_attributes = "c=1",
                                  .target_model = "some/model.tar.gz"});
  EXPECT_EQ(loaded.body, declared.body);
  EXPECT_EQ(HeaderOf(loaded.headers, "X-Amzn-SageMaker-Custom-Attributes"), "c=1");
  EXPECT_EQ(PostTo(test_.router, kShop, {.path = "/models/sales/invoke"}).body, declared.body);
  const Response unknown = PostTo(test_.router, kShop, {.path = "/models/x/invoke"});
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, HasSubstr("Model not found: x"));
}

TEST_F(ModelsTest, TellWhatIsWrongWithRowsInTheFormsOfBoth) {
  const Response response =
      PostTo(test_.router, R"({"shop": "000", "steps": 9})", {.path = "/models/sales/invoke"});
  EXPECT_EQ(response.status, 400);
  const json body = json::parse(response.body);
  EXPECT_EQ(body.at("code"), 400);
  EXPECT_EQ(body.at("message"), body.at("error").at("message"));
  EXPECT_EQ(body.at("error").at("bad_rows"), 1);
}

TEST_F(ModelsTest, NeedNoneToBeginWith) {
  Serve({});
  EXPECT_EQ(json::parse(Send(Method::kGet, "/models").body), (json{{"models", json::array()}}));
  const Response nobody = PostTo(test_.router, kShop);
  EXPECT_EQ(nobody.status, 404);
  EXPECT_THAT(nobody.body, HasSubstr("no deployment is the default"));
  EXPECT_EQ(Send(Method::kGet, "/openapi.json").status, 200);
  AddLoaded("loaded");
  EXPECT_EQ(PostTo(test_.router, kShop).status, 404) << "a model that was loaded is no default";
  EXPECT_EQ(PostTo(test_.router, kShop, {.path = "/models/loaded/invoke"}).status, 200);
}

TEST_F(ModelsTest, AreNotReadyBeforeTheServerIs) {
  std::array<WorkerSlot, 1> slots;
  TestService booting(slots, 0, clock_, {}, Models::kLoaded);
  booting.service.models = &control_;
  for (const auto& [method, path] :
       {std::pair{Method::kGet, "/models"}, std::pair{Method::kGet, "/models/m"},
        std::pair{Method::kPost, "/models"}, std::pair{Method::kDelete, "/models/m"},
        std::pair{Method::kPost, "/models/m/invoke"}}) {
    EXPECT_EQ(Ask(booting.router, kLoad, {.method = method, .path = path}).status, 503) << path;
  }
}

// ---- the Open Inference Protocol's way ----

TEST_F(ModelsTest, AreLoadedFromTheFolderOfTheirNameByTheProtocol) {
  ControlAnswers(Outcome::kDone);
  const Response loaded = Send(Method::kPost, "/v2/repository/models/m/load");
  EXPECT_EQ(loaded.status, 200) << loaded.body;
  EXPECT_EQ(
      Send(Method::kPost, "/v2/repository/models/n/load", R"({"parameters": {"url": "/opt/n"}})")
          .status,
      200);
  EXPECT_THAT(control_.asked, ElementsAre("load m /root/m", "load n /opt/n"));
}

TEST_F(ModelsTest, ThatAreServedAreLeftAloneByALoadOfTheProtocol) {
  AddLoaded("loaded");
  EXPECT_EQ(Send(Method::kPost, "/v2/repository/models/loaded/load").status, 200);
  EXPECT_EQ(Send(Method::kPost, "/v2/repository/models/sales/load").status, 200);
  EXPECT_THAT(control_.asked, testing::IsEmpty());
}

TEST_F(ModelsTest, AreUnloadedByTheProtocol) {
  ControlAnswers(Outcome::kDone);
  AddLoaded("loaded");
  EXPECT_EQ(Send(Method::kPost, "/v2/repository/models/loaded/unload").status, 200);
  EXPECT_THAT(control_.asked, ElementsAre("unload loaded"));
  const Response declared = Send(Method::kPost, "/v2/repository/models/sales/unload");
  EXPECT_EQ(declared.status, 409);
  EXPECT_THAT(json::parse(declared.body).at("error").get<std::string>(),
              HasSubstr("is declared by the server's settings"));
}

TEST_F(ModelsTest, ThatCannotBeLoadedByTheProtocolAreRefusedWithOneText) {
  ControlAnswers(Outcome::kNoRoom, {ErrorCode::kConflict, "5 models are loaded"});
  const Response full = Send(Method::kPost, "/v2/repository/models/m/load");
  EXPECT_EQ(full.status, 507);
  EXPECT_EQ(json::parse(full.body), (json{{"error", "5 models are loaded"}}));
  const Response config =
      Send(Method::kPost, "/v2/repository/models/m/load", R"({"parameters": {"config": "{}"}})");
  EXPECT_EQ(config.status, 400);
  EXPECT_THAT(config.body, HasSubstr("a model is loaded as it lies on the disk"));
  EXPECT_EQ(Send(Method::kPost, "/v2/repository/models/.m/load").status, 400);
  EXPECT_EQ(Send(Method::kPost, "/v2/repository/models/m/load", "{").status, 400);
}

}  // namespace
}  // namespace forkcast::serving
