#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "model/artefact/alias_history.hpp"
#include "serving/endpoints/order_service.hpp"
#include "serving/endpoints/sales_service.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

Instant At(const char* time) { return *preprocessing::ParseTimestamp(time, {}); }

constexpr const char* kOrder =
    R"({"order_id": "last", "timestamp": "2021-07-03 10:00:00", "sku_code": "00123",)"
    R"( "zip_code": "01001"})";

/// Asked ten days after the first row of its data.
class ThenAndNow : public testing::Test {
 protected:
  ThenAndNow() { service_.clock().SetNow(At("2021-07-11 00:00:00")); }

  Response Ask(std::string_view query, std::string_view body = kOrder) {
    return service_.Post(body, {.query = query});
  }
  OrderService service_;
};

TEST_F(ThenAndNow, GivesTheAnswerOfWhatWasKnownThen) {
  const json now = json::parse(Ask("features=true").body);
  EXPECT_EQ(now["features"]["inventory"], 0);
  EXPECT_EQ(now["features"]["payment_status"], "OK");
  EXPECT_EQ(now["recommendation"], "HoldCheckAvailability");
  EXPECT_FALSE(now.contains("stale"));
  const Response answer = Ask("features=true&as_of=2021-07-02T12:00:00Z");
  const json then = json::parse(answer.body);
  EXPECT_EQ(then["features"]["inventory"], 5);
  EXPECT_EQ(then["features"]["payment_status"], "UNKNOWN");
  EXPECT_EQ(then["features"]["order_hour_of_day"], 10) << "the order's own hour";
  EXPECT_EQ(then["stale"], json({"inventory", "payments"})) << "of what was the newest then";
  EXPECT_EQ(HeaderValue(answer, "X-Forkcast-Stale"), "inventory, payments");
}

TEST_F(ThenAndNow, GivesTheAnswerOfTodayWhereAllWasKnownThen) {
  const std::string today = Ask("features=true").body;
  EXPECT_EQ(Ask("features=true&as_of=2021-07-03T10:00:00Z").body, today);
  EXPECT_EQ(Ask("features=true&as_of=2021-07-11T00:00:00Z").body, today);
}

struct BadMoment {
  const char* name;
  const char* query;
  int status;
  const char* field;
  const char* says;
};
void PrintTo(const BadMoment& one, std::ostream* out) { *out << one.name; }
class BadMoments : public ThenAndNow, public testing::WithParamInterface<BadMoment> {};

TEST_P(BadMoments, AreRefused) {
  const Response answer = Ask(GetParam().query);
  EXPECT_EQ(answer.status, GetParam().status);
  EXPECT_EQ(json::parse(answer.body)["error"]["field"], GetParam().field);
  EXPECT_THAT(answer.body, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Queries, BadMoments,
    testing::Values(BadMoment{"ToCome", "as_of=2021-07-11T00:00:01Z", 400, "as_of",
                              "2021-07-11T00:00:01Z is to come"},
                    BadMoment{"NoTime", "as_of=yesterday", 400, "as_of", "expected"},
                    BadMoment{"Twice", "as_of=2021-07-01&as_of=2021-07-02", 400, "as_of", "twice"},
                    BadMoment{"OfAModelWithoutHistory", "model_as_of=2021-07-01", 404,
                              "model_as_of", "nobody noted which version"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(ThenAndNow, TellsHowOldTheDataAre) {
  const Response answer = Ask("freshness=true");
  EXPECT_EQ(HeaderValue(answer, "X-Forkcast-Data-Age"), "691200.000");
  EXPECT_EQ(json::parse(answer.body)["freshness"],
            json::parse(R"({"inventory": {"newest": "2021-07-03T00:00:00Z", "age_seconds": 691200},
                            "payments": {"newest": "2021-07-03T00:00:00Z",
                                         "age_seconds": 691200}})"));
  const Response then = Ask("freshness=true&as_of=2021-07-02T00:00:00Z");
  EXPECT_EQ(HeaderValue(then, "X-Forkcast-Data-Age"), "86400.000");
  EXPECT_EQ(json::parse(then.body)["freshness"]["payments"]["newest"], "2021-07-01T01:00:00Z");
}

TEST_F(ThenAndNow, TellsNothingOfTheDatasAgeUnlessAsked) {
  const Response answer = Ask("");
  EXPECT_EQ(HeaderValue(answer, "X-Forkcast-Data-Age"), "");
  EXPECT_FALSE(json::parse(answer.body).contains("freshness"));
}

/// Two versions of a forecast, of which the first was the champion in January, the second since.
class ModelOfThen : public testing::Test {
 protected:
  ModelOfThen() {
    namespace fs = std::filesystem;
    fs::copy(SalesService::Models() / "sales/1", models_ / "1", fs::copy_options::recursive);
    fs::copy(SalesService::Models() / "sales/1", models_ / "2", fs::copy_options::recursive);
    std::ofstream(models_ / "champion") << "2\n";
    for (const auto& [at, number] : {std::pair("2024-01-01", 1), std::pair("2024-02-01", 2)}) {
      EXPECT_TRUE(model::NoteAliasMove(
          models_, "champion", {.at = At(at), .number = static_cast<std::uint64_t>(number)}));
    }
    folder_.Write("sales.csv", "shop,day,amount\n000,2024-01-01,1\n000,2024-03-01,1\n");
    PublishTables(*preprocessing::LoadPipelineSpec(models_ / "1/pipeline.json"), folder_.path());
    clock_.SetNow(At("2024-04-01"));
  }
  void Serve(const std::vector<std::string>& models) {
    for (const std::string& model : models) {
      deployments_.push_back({.name = model.substr(model.find('@') + 1),
                              .model = model,
                              .snapshots = folder_.path(),
                              .is_default = deployments_.empty()});
    }
    auto loaded = LoadDeployments(deployments_, folder_.path() / "models");
    ASSERT_TRUE(loaded) << loaded.error().message;
    test_.service.catalogue.Serve(*std::move(loaded));
  }
  /// The version that is asked, as metrics name its deployment; or the error.
  Response Ask(std::string_view query) {
    return PostTo(test_.router, R"({"shop": "000"})", {.query = query});
  }

  preprocessing::TempFolder folder_;
  std::filesystem::path models_ = [this] {
    std::filesystem::create_directories(folder_.path() / "models/sales");
    return folder_.path() / "models/sales";
  }();
  TestClock clock_;
  std::array<WorkerSlot, 1> slots_;
  std::vector<Deployment> deployments_;
  TestService test_{slots_, 0, clock_, deployments_};
};

TEST_F(ModelOfThen, IsTheChampionOfToday) {
  Serve({"sales@champion"});
  EXPECT_NE(Ask("model_as_of=2024-02-01").status, 409);
  EXPECT_NE(Ask("model_as_of=2024-03-31").status, 409);
}

TEST_F(ModelOfThen, IsRefusedWhereItIsNotServed) {
  Serve({"sales@champion"});
  const Response answer = Ask("model_as_of=2024-01-31T23:59:59Z");
  EXPECT_EQ(answer.status, 409);
  EXPECT_THAT(answer.body, AllOf(HasSubstr("was version 1 of model sales at 2024-01-31T23:59:59Z"),
                                 HasSubstr("--deploy NAME=sales@1")));
  EXPECT_EQ(Ask("model_as_of=2023-12-31").status, 404);
}

TEST_F(ModelOfThen, IsAskedWhereItIsServedBeside) {
  Serve({"sales@champion", "sales@1"});
  EXPECT_NE(Ask("model_as_of=2024-01-31").status, 409);
}

}  // namespace
}  // namespace forkcast::serving
