#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <future>
#include <stdexcept>
#include <string>
#include <vector>

#include "../endpoints/post.hpp"
#include "../endpoints/publish_tables.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "serving/endpoints/endpoint_table.hpp"
#include "serving/http/router.hpp"
#include "serving/page/page_assets.hpp"
#include "serving/page/page_desk.hpp"
#include "serving/service/load_deployments.hpp"
#include "support/test_clock.hpp"
#include "support/test_files.hpp"
#include "support/test_service.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using preprocessing::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kDays = 70;

/// The forecast "sales" of shops 9, 10 and 11 over 70 days, one of which has a peak, and the page.
class PageEndpoints : public testing::Test {
 protected:
  PageEndpoints() {
    std::string sales = "shop,day,amount\n";
    for (const char* const shop : {"10", "9", "Ärzte \"11\""}) {
      for (int day = 0; day < kDays; ++day) {
        const std::chrono::year_month_day date(
            std::chrono::sys_days(std::chrono::year(2024) / 1 / 1) + std::chrono::days(day));
        std::string name(shop);
        if (name.front() != '1' && name.front() != '9') name = "\"Ärzte \"\"11\"\"\"";
        sales += fmt::format("{},2024-{:02}-{:02},{}\n", name, static_cast<unsigned>(date.month()),
                             static_cast<unsigned>(date.day()), day == 33 ? 500 : 10 + day % 7);
      }
    }
    folder_.Write("sales.csv", sales);
    const auto spec = preprocessing::LoadPipelineSpec(Models() / "sales/1/pipeline.json");
    PublishTables(*spec, folder_.path());
    const std::vector<Deployment> deployments{
        {.name = "sales", .model = "sales@1", .snapshots = folder_.path(), .is_default = true}};
    auto loaded = LoadDeployments(deployments, Models());
    if (!loaded) throw std::runtime_error(loaded.error().message);
    test_.service.catalogue.Serve(*std::move(loaded));
    config_.models = Models();
    test_.service.page = &desk_;
    test_.service.config = &config_;
  }

  static std::filesystem::path Models() { return FORKCAST_SOURCE_DIR "/tests/data/published"; }

  Response Get(std::string_view path, std::string_view query = {}, RequestView parts = {}) {
    parts.method = Method::kGet;
    parts.path = path;
    parts.query = query;
    return Ask(router_, {}, parts);
  }
  json GetJson(std::string_view path, std::string_view query = {}) {
    return json::parse(Get(path, query).body);
  }
  json History(std::string_view query) {
    return GetJson("/page/api/deployments/sales/history", query);
  }

  TempFolder folder_;
  TestClock clock_;
  std::array<WorkerSlot, 2> slots_;
  ServerConfig config_;
  TestService test_{slots_, 1, clock_};
  PageDesk desk_{[] {}};
  std::vector<Endpoint> endpoints_ = Endpoints({.page = Page::kShownWithChanges});
  Router router_{endpoints_, test_.service, slots_[1], test_.series.writer, test_.log, /*seed=*/7};
};

TEST_F(PageEndpoints, AnswerThePageWithItsPolicy) {
  const Response page = Get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_EQ(HeaderValue(page, "Content-Security-Policy"), kPagePolicy);
  EXPECT_EQ(HeaderValue(page, "Cache-Control"), "no-cache");
  EXPECT_EQ(HeaderValue(page, "ETag"), "\"" + PageVersion() + "\"");
  EXPECT_THAT(page.body, HasSubstr("<!doctype html>"));
}

TEST_F(PageEndpoints, AnswerFilesPackedOnceAndToBeKept) {
  RequestView packed;
  packed.accept_encoding = "gzip";
  const Response file = Get("/page/files/" + PageVersion() + "/main.js", {}, packed);
  EXPECT_EQ(file.status, 200);
  EXPECT_EQ(HeaderValue(file, "Content-Encoding"), "gzip");
  EXPECT_THAT(std::string(HeaderValue(file, "Cache-Control")), HasSubstr("immutable"));
  EXPECT_EQ(file.body, PageFile("main.js", /*packed=*/true)->body);
  const Response other = Get("/page/files/0123/main.js");
  EXPECT_EQ(HeaderValue(other, "Cache-Control"), "no-cache");
}

TEST_F(PageEndpoints, RefuseFilesThatAreNotThereAndLetNobodyKeepThat) {
  const Response none = Get("/page/files/" + PageVersion() + "/passwd");
  EXPECT_EQ(none.status, 404);
  EXPECT_EQ(HeaderValue(none, "Cache-Control"), "");
}

TEST_F(PageEndpoints, LetNobodyKeepThatAFileCouldNotBeAnswered) {
  test_.server.stop_deadline_ns = 1;
  std::promise<void> end;
  const auto busy = desk_.Ask([held = end.get_future().share()]() -> Result<PageAnswer> {
    held.wait();
    return PageAnswer{};
  });
  const Response refused = Get("/page/files/" + PageVersion() + "/main.js");
  end.set_value();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(HeaderValue(refused, "Cache-Control"), "");
  EXPECT_EQ(HeaderValue(refused, "ETag"), "");
}

TEST_F(PageEndpoints, DescribeWhatIsServed) {
  const json all = GetJson("/page/api/deployments");
  EXPECT_EQ(all["worker"], 1);
  ASSERT_EQ(all["deployments"].size(), 1U);
  const json& sales = all["deployments"][0];
  EXPECT_EQ(sales["name"], "sales");
  EXPECT_EQ(sales["version"], "1");
  EXPECT_EQ(sales["fields"][0],
            (json{{"name", "shop"}, {"type", "text"}, {"nullable", false}, {"role", "key"}}));
  EXPECT_EQ(sales["fields"][1]["role"], "time");
  EXPECT_EQ(sales["forecast"]["key"], json::array({"shop"}));
  EXPECT_EQ(sales["forecast"]["horizon"], 2);
  EXPECT_EQ(sales["forecast"]["period"], "day");
  EXPECT_EQ(sales["forecast"]["keys"], 3);
  EXPECT_EQ(sales["forecast"]["member"], "forecast");
  EXPECT_EQ(sales["forecast"]["first"], "2024-01-01");
  EXPECT_EQ(sales["forecast"]["last"], "2024-03-10");
}

TEST_F(PageEndpoints, ListKeysInOrderSearchedAndCut) {
  const std::string path = "/page/api/deployments/sales/keys";
  EXPECT_EQ(GetJson(path)["keys"], json::parse(R"([["10"], ["9"], ["Ärzte \"11\""]])"));
  EXPECT_EQ(GetJson(path)["total"], 3);
  EXPECT_EQ(GetJson(path, "q=%C3%84rZTE")["keys"], json::parse(R"([["Ärzte \"11\""]])"));
  EXPECT_EQ(GetJson(path, "q=1&limit=1")["matching"], 2);
  EXPECT_EQ(GetJson(path, "q=1&limit=1")["keys"].size(), 1U);
  EXPECT_EQ(GetJson(path, "q=nobody")["keys"], json::array());
  EXPECT_EQ(GetJson(path, "field=shop")["fields"], json::array({"shop"}));
  EXPECT_EQ(Get(path, "field=nothing").status, 404);
  EXPECT_EQ(Get(path, "limit=0").status, 400);
  EXPECT_EQ(Get(path, "limit=all").status, 400);
  EXPECT_EQ(Get("/page/api/deployments/nobody/keys").status, 404);
}

TEST_F(PageEndpoints, TellThePastOfAKey) {
  const json past = History("key=%5B%229%22%5D");
  EXPECT_EQ(past["value"], "amount");
  EXPECT_EQ(past["periods"], kDays);
  EXPECT_EQ(past["decimated"], false);
  EXPECT_EQ(past["first"], "2024-01-01");
  EXPECT_EQ(past["last"], "2024-03-10");
  EXPECT_EQ(past["t"][0], 1'704'067'200'000);
  EXPECT_EQ(past["y"][0], 10);
  EXPECT_EQ(past["y"][33], 500);
}

TEST_F(PageEndpoints, ThinALongPastOutAndLoseNoPeak) {
  const json past = History("key=%5B%229%22%5D&points=10");
  EXPECT_EQ(past["decimated"], true);
  const auto values = past["y"].get<std::vector<double>>();
  const auto times = past["t"].get<std::vector<std::int64_t>>();
  EXPECT_LE(values.size(), 10U);
  EXPECT_EQ(times.size(), values.size());
  EXPECT_THAT(values, testing::Contains(500));
  EXPECT_THAT(values, testing::Contains(10));
  EXPECT_TRUE(std::ranges::is_sorted(times));
}

TEST_F(PageEndpoints, TellAPartOfThePastInFull) {
  const json part = History("key=%5B%229%22%5D&from=1704153600000&to=1704326400000");
  EXPECT_THAT(part["y"].get<std::vector<double>>(), ElementsAre(11, 12, 13));
  EXPECT_EQ(History("key=%5B%229%22%5D&from=9904153600000")["y"], json::array());
  EXPECT_EQ(History("key=%5B%229%22%5D&from=1704326400000&to=1704153600000")["y"], json::array());
}

TEST_F(PageEndpoints, RefuseAPastThatIsNone) {
  const std::string path = "/page/api/deployments/sales/history";
  EXPECT_EQ(Get(path, "key=%5B%22nobody%22%5D").status, 404);
  EXPECT_EQ(Get(path, "key=%5B%229%22%5D&value=price").status, 404);
  for (const char* const query :
       {"", "key=9", "key=%5B9%5D", "key=%5B%5D", "key=%5B%229%22,%221%22%5D", "key=%7B%7D",
        "key=%5B%22", "key=%5B%229%22%5D&from=x", "key=%5B%229%22%5D&points=0",
        "key=%5B%229%22%5D&points=-1"}) {
    EXPECT_EQ(Get(path, query).status, 400) << query;
  }
}

TEST_F(PageEndpoints, AnswerRowsAndSayWho) {
  RequestView parts;
  parts.path = "/page/api/deployments/sales/invocations";
  parts.content_type = "application/json";
  const Response answer = PostTo(router_, R"({"shop": "9"})", parts);
  EXPECT_EQ(answer.status, 404) << answer.body;  // the model does not know this shop
  EXPECT_EQ(HeaderValue(answer, "X-Forkcast-Worker"), "1");
  EXPECT_NE(HeaderValue(answer, "X-Forkcast-Host"), "");
}

TEST_F(PageEndpoints, LetNobodyKeepWhatTheyAnswer) {
  for (const char* const path : {"/page/api/deployments", "/page/api/watch", "/page/api/models",
                                 "/page/api/models/sales/1", "/page/api/logs"}) {
    const Response answer = Get(path);
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_EQ(HeaderValue(answer, "Cache-Control"), "no-store") << path;
  }
}

TEST_F(PageEndpoints, RefuseAPromotionThatIsTooLongToBeOne) {
  RequestView parts;
  parts.path = "/page/api/promotions/sales";
  EXPECT_EQ(PostTo(router_, std::string(70'000, ' '), parts).status, 413);
  EXPECT_EQ(PostTo(router_, "{}", parts).status, 400);
}

TEST_F(PageEndpoints, EndWhenTheServerDoes) {
  test_.server.stop_deadline_ns = 1;
  EXPECT_THAT(Get("/page/api/watch").status, testing::AnyOf(200, 503));
}

}  // namespace
}  // namespace forkcast::serving
