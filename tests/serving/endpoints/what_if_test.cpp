#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "model/artefact/manifest_parts.hpp"
#include "serving/endpoints/sales_service.hpp"
#include "support/hook_testing.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using testing::HasSubstr;

constexpr const char* kPlan = R"({"table": "promotions", "key": ["shop"], "time": "day",
    "known_in_advance": true, "max_staleness": "unlimited",
    "aggregate": {"period": "day", "partial": "keep",
                  "values": {"promo": {"op": "only", "column": "promo"}}}})";
constexpr const char* kPromoted = R"({"name": "promo", "op": "lag", "series": "promotions",
    "value": "promo", "key": ["shop"], "periods": 1, "at": "target", "missing": {"value": 0},
    "group": "promotion"})";
/// 1 + 0.9 mean + 5 promo
constexpr const char* kModel = R"({"format": "forkcast.linear", "format_version": 1,
    "algorithm": "ridge", "link": "identity", "features": ["last", "mean", "weekday", "promo"],
    "scaled": false, "inputs": [{"feature": 1, "mean": 15, "deviation": 5},
                                {"feature": 3, "mean": 0.25, "deviation": 0.4}],
    "polynomial": {"degree": 1, "interaction_only": false},
    "outputs": [{"intercept": 1, "coefficients": [0.9, 5]}]})";
constexpr const char* kTransforms = R"({"transforms": {"format": "forkcast.transforms",
    "format_version": 1, "features": [{"name": "last", "kind": "number"},
    {"name": "mean", "kind": "number"}, {"name": "weekday", "kind": "number"},
    {"name": "promo", "kind": "number"}]}, "target": "none"})";
constexpr const char* kIntervals = R"({"format": "forkcast.intervals", "format_version": 1,
    "levels": [0.8], "scale": "forecast", "season": 7, "not_negative": true, "errors": 50,
    "steps": [{"lower": [-0.5], "upper": [0.25]}, {"lower": [-0.5], "upper": [0.5]}]})";

/// The sales of SalesService with promotions that are known in advance, and a line that reads them:
/// no promotion is planned but in shop 001 on the first day that is forecast.
class WhatIf : public testing::Test {
 protected:
  explicit WhatIf(std::string_view hooks = "[]") : hooks_(Configs(hooks)) {
    Publish();
    std::string sales = "shop,day,amount\n";
    std::string promotions = "shop,day,promo\n";
    for (int shop = 0; shop < 2; ++shop) {
      for (int day = 0; day < SalesService::kDays + 2; ++day) {
        const bool is_promoted = shop == 1 && day == SalesService::kDays;
        const std::string begin = fmt::format("00{},{},", shop, SalesService::DayText(day));
        promotions += fmt::format("{}{}\n", begin, is_promoted ? 1 : 0);
        if (day < SalesService::kDays) sales += fmt::format("{}{}\n", begin, 10 + 10 * shop);
      }
    }
    data_.Write("sales.csv", sales);
    data_.Write("promotions.csv", promotions);
    const auto spec = preprocessing::LoadPipelineSpec(models_.path() / "sales/1/pipeline.json");
    if (!spec) throw std::runtime_error(spec.error().message);
    PublishTables(*spec, data_.path());
    auto loaded = LoadDeployments(
        std::vector{Deployment{
            .name = "sales", .model = "sales@1", .snapshots = data_.path(), .is_default = true}},
        models_.path());
    if (!loaded) throw std::runtime_error(loaded.error().message);
    test_.service.catalogue.Serve(*std::move(loaded));
    test_.log.sinks().push_back(std::make_shared<spdlog::sinks::ostream_sink_mt>(log_, true));
  }

  json Ask(const json& row, std::string_view query = {}) {
    const Response response = PostTo(test_.router, row.dump(), {.query = query});
    EXPECT_EQ(response.status, 200) << response.body;
    return json::parse(response.body);
  }

  TestClock clock_;
  std::array<WorkerSlot, 1> slots_;
  std::vector<HookConfig> hooks_;
  std::ostringstream log_;
  TestService test_{slots_, 0, clock_, {}, Models::kDeclared, hooks_};

 private:
  /// Of the version that there is, one with the plan and the line.
  void Publish() {
    const auto before =
        model::Registry::Check(*model::Registry(SalesService::Models()).Find("sales", "1"));
    if (!before) throw std::runtime_error(before.error().message);
    ordered_json document = preprocessing::ParseJson(
        preprocessing::ReadTextFile(SalesService::Models() / "sales/1/pipeline.json"));
    document["tables"]["promotions"] = ordered_json::parse(
        R"({"columns": {"shop": "text", "day": "timestamp", "promo": "double"}})");
    document["series"]["promotions"] = ordered_json::parse(kPlan);
    document["features"].push_back(ordered_json::parse(kPromoted));
    document["training"] = ordered_json::parse(R"({"model": {"algorithm": "ridge"},
        "intervals": [0.8], "folds": {"n_splits": 2}, "metric": "wape", "baselines": ["naive"]})");
    const auto spec = preprocessing::ParsePipelineSpec(document.dump(), {});
    if (!spec) throw std::runtime_error(spec.error().message);
    ordered_json manifest = preprocessing::ParseJson(before->manifest);
    manifest.erase("files");
    manifest["models"] = 1;
    manifest["pipeline"] = model::PipelineIdentity(*spec, document);
    const auto number = model::Registry(models_.path())
                            .Publish("sales", manifest,
                                     {{"pipeline.json", document.dump()},
                                      {"model/1.linear.json", kModel},
                                      {"model/1.transforms.json", kTransforms},
                                      {"intervals.json", kIntervals}},
                                     Instant());
    if (!number) throw std::runtime_error(number.error().message);
  }

  preprocessing::TempFolder models_;
  preprocessing::TempFolder data_;
};

TEST_F(WhatIf, SaysWhatIsForecastThenBesideThePlansForecast) {
  const json planned = Ask({{"shop", "000"}});
  const json supposed = Ask({{"shop", "000"}, {"assume", {{"promo", 1}}}});
  for (std::size_t step = 0; step < 2; ++step) {
    json line = supposed["forecast"][step];
    EXPECT_DOUBLE_EQ(line["assumed"], 1 + 0.9 * 10 + 5);
    EXPECT_DOUBLE_EQ(line["change"], 5);
    EXPECT_DOUBLE_EQ(line["assumed_lower_80"], 15 * 0.5);
    EXPECT_DOUBLE_EQ(line["assumed_upper_80"], 15 * (step == 0 ? 1.25 : 1.5));
    for (const char* const added : {"assumed", "change", "assumed_lower_80", "assumed_upper_80"}) {
      line.erase(added);
    }
    EXPECT_EQ(line, planned["forecast"][step]);
  }
}

TEST_F(WhatIf, MayBeAskedOfOnePeriodAndByRow) {
  const std::string second = SalesService::DayText(SalesService::kDays + 1);
  const json answer = Ask({{{"shop", "001"}, {"assume", {{"promo", {{second, 1}}}}}},
                           {{"shop", "001"}},
                           {{"shop", "001"}, {"assume", {{"promo", false}}}}});
  EXPECT_EQ(answer[0]["forecast"][0]["change"], 0);  // it is planned
  EXPECT_DOUBLE_EQ(answer[0]["forecast"][1]["change"], 5);
  EXPECT_FALSE(answer[1]["forecast"][0].contains("assumed"));
  EXPECT_DOUBLE_EQ(answer[2]["forecast"][0]["change"], -5);
  EXPECT_EQ(answer[2]["forecast"][1]["change"], 0);
}

TEST_F(WhatIf, SaysWhyOfBoth) {
  const json line = Ask({{"shop", "000"}, {"steps", 1}, {"assume", {{"promo", 1}}}},
                        "explain=true")["forecast"][0];
  const auto promotion = [&line](const char* why) {
    return line[why]["groups"][1]["contribution"].get<double>();
  };
  EXPECT_EQ(line["explanation"]["groups"][1]["group"], "promotion");
  EXPECT_DOUBLE_EQ(promotion("explanation"), 5 * (0 - 0.25));
  EXPECT_DOUBLE_EQ(promotion("assumed_explanation"), 5 * (1 - 0.25));
  EXPECT_NEAR(line["explanation"]["score"].get<double>(), line["value"].get<double>(), 1e-9);
  EXPECT_NEAR(line["assumed_explanation"]["score"].get<double>(), line["assumed"].get<double>(),
              1e-9);
}

TEST_F(WhatIf, IsDescribedInOpenApi) {
  const Response response =
      ::forkcast::serving::Ask(test_.router, "", {.method = Method::kGet, .path = "/openapi.json"});
  ASSERT_EQ(response.status, 200) << response.body;
  const std::string api = ordered_json::parse(response.body).dump();
  EXPECT_THAT(api, HasSubstr(R"("assume":{"type":"object","properties":{"promo":)"));
  EXPECT_THAT(api, HasSubstr(R"("assumed":{"type":"number")"));
}

struct Refusal {
  const char* name;
  const char* row;
  int status;
  const char* message;
  const char* accept = "";
};
void PrintTo(const Refusal& one, std::ostream* out) { *out << one.name; }

class WhatIfRefusal : public WhatIf, public testing::WithParamInterface<Refusal> {};

TEST_P(WhatIfRefusal, SaysWhatMayBeSupposed) {
  const Response response = PostTo(test_.router, GetParam().row, {.accept = GetParam().accept});
  EXPECT_EQ(response.status, GetParam().status) << response.body;
  EXPECT_THAT(response.body, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WhatIfRefusal,
    testing::Values(
        Refusal{"OfWhatIsNoPlan", R"({"shop": "000", "assume": {"amount": 1}})", 400,
                "what may be supposed: promo"},
        Refusal{"OfADayThatIsNotForecast",
                R"({"shop": "000", "assume": {"promo": {"2024-03-20": 1}}})", 400,
                "2024-03-20 is not among the periods that are forecast: 2024-03-11 to 2024-03-12"},
        Refusal{"OfANumber", R"({"shop": "000", "assume": 1})", 400, "assume"},
        Refusal{"OfAList", R"({"shop": "000", "assume": [1]})", 400, "assume"},
        Refusal{"InCsv", R"({"shop": "000", "assume": {"promo": 1}})", 406, "ask for JSON",
                "text/csv"}),
    [](const auto& param) { return std::string(param.param.name); });

/// Behind hooks that see each answer of the traffic: one that refuses promotions, and one that
/// writes into the log.
class WatchedWhatIf : public WhatIf {
 protected:
  WatchedWhatIf()
      : WhatIf(R"([{"type": "thresholds", "action": "reject", "features": {"promo": {"max": 0}}},
                   {"type": "slow_request", "threshold_ms": 1}])") {
    clock_.PassWithEachLook(std::chrono::milliseconds(2));
  }
};

TEST_F(WatchedWhatIf, IsNoTrafficToHooks) {
  const json supposed = Ask({{"shop", "000"}, {"assume", {{"promo", 1}}}});
  EXPECT_DOUBLE_EQ(supposed["forecast"][0]["assumed"], 15);
  EXPECT_EQ(log_.str(), "");
  Ask({{"shop", "000"}});
  EXPECT_THAT(log_.str(), HasSubstr("slow"));
  EXPECT_EQ(PostTo(test_.router, R"({"shop": "001"})").status, 422);
}

}  // namespace
}  // namespace forkcast::serving
