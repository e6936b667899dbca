#include "model/forecast/forecaster.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <map>
#include <thread>
#include <tuple>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/forecast_request.hpp"
#include "model/forecast/sales_testing.hpp"
#include "model/forecast/trained_forecast.hpp"
#include "model/learn/trainers/trainer_kinds.hpp"
#include "model/learn/version_testing.hpp"
#include "support/allocation_counter.hpp"

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;
using preprocessing::PeriodIndex;
using preprocessing::PipelineSpec;
using preprocessing::Table;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr PeriodIndex kFirstDay = 19723;  // 2024-01-01
constexpr PeriodIndex kNewest = kFirstDay + kDays - 1;

/// By key, origin and step; the bits of the value.
using Bits = std::map<std::tuple<std::string, PeriodIndex, std::size_t>, std::uint64_t>;

/// Asks about the sales of three shops.
class ForecasterTest : public TrainCommandTest {
 protected:
  ForecasterTest() { document_["training"]["model"]["trees"] = 8; }

  /// Trains on all of it.
  void Learn() {
    Ingest();
    spec_ = *preprocessing::ParsePipelineSpec(document_.dump(), folder_.path());
    plan_ = ReadTrainingPlan(JsonNode(document_), spec_, TrainerKinds());
    data_ = *ForecastData::Open(spec_, Snapshots());
    const auto all = *data_->grid().AllPeriods();
    examples_ = *StepExamples::Compute(*data_, plan_, {all.first, all.last}, data_->AllKeys());
    const PeriodRange periods{all.first, all.last};
    const auto go_on = [](const TrainingStage&) { return true; };
    auto trained =
        plan_.candidates.empty()
            ? TrainedForecast::Train(*data_, plan_, *examples_, periods, go_on)
            : TrainedForecast::TrainCandidates(*data_, plan_, *examples_, periods, chosen_, go_on);
    ASSERT_TRUE(trained) << trained.error().message;
    trained_ = **std::move(trained);
  }
  /// With the model learned before, over what is ingested by now.
  void Serve(const ordered_json& cold_start = "refuse") {
    auto forecaster =
        Forecaster::Make({.spec = spec_,
                          .plan = plan_,
                          .model = std::make_shared<const ForecastModel>(*ForecastModel::Load(
                              WriteFiles(*trained_->Files(), published_), spec_, plan_)),
                          .snapshots = *preprocessing::OpenSnapshots(spec_, Snapshots()),
                          .cold_start = ReadColdStart(JsonNode(cold_start))});
    ASSERT_TRUE(forecaster) << forecaster.error().message;
    forecaster_ = *std::move(forecaster);
    session_.emplace(*forecaster_);
  }

  [[nodiscard]] fs::path Snapshots() const { return folder_.path() / "o.db.snapshots"; }
  static Instant At(const std::string& text) {
    return *preprocessing::ParseTimestamp(text, preprocessing::TimeZone());
  }
  [[nodiscard]] Table Row(const std::string& shop, const std::string& at = "") const {
    Table rows(spec_.request.fields);
    rows.column(0).AppendText(shop);
    if (at.empty()) {
      rows.column(1).AppendMissing();
    } else {
      rows.column(1).AppendTimestamp(At(at));
    }
    return rows;
  }
  /// {"shop", "at", "steps", "from", "to", "now", "assume", "explain"}, all but the shop may be
  /// absent.
  Result<ForecastAnswer> Ask(const ordered_json& question) {
    const Table rows = Row(question["shop"], question.value("at", ""));
    ForecastQuestion asked{.rows = rows, .now = At(question.value("now", "2024-05-20"))};
    if (question.contains("steps")) asked.steps = question["steps"].get<std::int64_t>();
    if (question.contains("from")) asked.from = At(question["from"]);
    if (question.contains("to")) asked.to = At(question["to"]);
    asked.explain = question.value("explain", false);
    std::vector<Assumption> assumptions;
    if (question.contains("assume")) {
      auto read = forecaster_->assumable().Read(question["assume"].dump());
      if (!read) return std::move(read).error();
      assumptions = *std::move(read);
      asked.assumptions = assumptions;
    }
    ForecastAnswer answer;
    Status done = session_->Forecast(asked, answer);
    if (!done) return std::move(done).error();
    return answer;
  }
  static std::vector<std::size_t> StepsOf(const ForecastAnswer& answer) {
    std::vector<std::size_t> steps;
    for (const StepForecast& one : answer.steps) steps.push_back(one.step);
    return steps;
  }

  /// What training says of the model at `origins`.
  [[nodiscard]] Bits Judged(PeriodIndex first_origin, PeriodIndex last_origin) const {
    Bits bits;
    for (PeriodIndex origin = first_origin; origin <= last_origin; ++origin) {
      const auto forecasts = trained_->model().Predict(*data_, plan_, *examples_, origin);
      EXPECT_TRUE(forecasts) << forecasts.error().message;
      for (const model::Forecast& one : *forecasts) {
        bits[{data_->KeyName(one.point.key), origin, one.step}] =
            std::bit_cast<std::uint64_t>(one.value);
      }
    }
    return bits;
  }
  [[nodiscard]] Bits Served(PeriodIndex first_origin, PeriodIndex last_origin) {
    Bits bits;
    ForecastSession session(*forecaster_);
    ForecastAnswer answer;
    for (PeriodIndex origin = first_origin; origin <= last_origin; ++origin) {
      std::string at;
      forecaster_->AppendOrigin(origin, at);
      for (int shop = 0; shop < kShops; ++shop) {
        const std::string key = fmt::format("{:03}", shop);
        const Table rows = Row(key, at);
        const Status done = session.Forecast({.rows = rows, .now = {}}, answer);
        EXPECT_TRUE(done) << done.error().message;
        EXPECT_EQ(answer.origin, origin);
        for (const StepForecast& one : answer.steps) {
          EXPECT_FALSE(one.cold_start);
          EXPECT_EQ(one.period, origin + static_cast<PeriodIndex>(one.step));
          bits[{key, origin, one.step}] = std::bit_cast<std::uint64_t>(one.value);
        }
      }
    }
    return bits;
  }

  /// Learns by an algorithm that reads histories.
  void Use(const ordered_json& model) {
    document_["training"].erase("model");
    document_["training"]["model"] = model;
  }
  /// Learns several candidates, and takes what `chosen` says of them.
  void UseCandidates(const ordered_json& candidates, ChosenCandidates chosen) {
    document_["training"].erase("model");
    document_["training"]["candidates"] = candidates;
    chosen_ = std::move(chosen);
  }

  PipelineSpec spec_;
  TrainingPlan plan_;
  ChosenCandidates chosen_;
  std::unique_ptr<ForecastData> data_;
  std::optional<StepExamples> examples_;
  std::optional<TrainedForecast> trained_;
  const preprocessing::TempFolder published_;
  std::unique_ptr<const Forecaster> forecaster_;
  std::optional<ForecastSession> session_;
};

/// What `training` says of the target, and of what becomes of forecasts.
constexpr std::array kTargets{
    std::pair{"plain", "{}"},
    std::pair{"scaled", R"({"target": {"transform": ["scale", "log1p"], "scale": "same_day",
                                       "not_negative": true}})"},
    std::pair{"growth", R"({"target": {"transform": ["log1p", "difference"], "anchor": "last"}})"},
    std::pair{"whole", R"({"output": {"round": "nearest", "minimum": 24}})"},
};
class EveryForecast
    : public ForecasterTest,
      public testing::WithParamInterface<std::tuple<const char*, const char*, int>> {};

TEST_P(EveryForecast, EqualsWhatTheModelIsJudgedByBitForBit) {
  const auto& [strategy, scope, target] = GetParam();
  document_["forecast"]["strategy"] = strategy;
  document_["training"]["scope"] = scope;
  document_["training"].merge_patch(
      ordered_json::parse(kTargets.at(static_cast<std::size_t>(target)).second));
  document_["training"]["transforms"] = {{"last", {{"impute", "mean"}, {"scale", true}}}};
  Learn();
  Serve();
  constexpr PeriodIndex kOrigins = 48;
  const PeriodIndex last = kNewest - kHorizon;
  const Bits judged = Judged(last - kOrigins + 1, last);
  ASSERT_EQ(judged.size(), kOrigins * kShops * kHorizon);
  EXPECT_EQ(Served(last - kOrigins + 1, last), judged);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, EveryForecast,
    testing::Combine(testing::Values("direct", "shared", "pooled", "recursive"),
                     testing::Values("global", "per_key"),
                     testing::Range(0, static_cast<int>(kTargets.size()))),
    [](const auto& param) {
      return fmt::format("{}_{}_{}", std::get<0>(param.param), std::get<1>(param.param),
                         kTargets.at(static_cast<std::size_t>(std::get<2>(param.param))).first);
    });

/// Shelves that are empty now and then, and a shop that closes, opens again and closes for good.
class EveryForecastOfStock
    : public ForecasterTest,
      public testing::WithParamInterface<std::tuple<const char*, const char*>> {
 protected:
  static constexpr int kEndedAfter = 10;

  EveryForecastOfStock() {
    ordered_json& daily = document_["series"]["daily"];
    daily.erase("table");
    // A negative amount stands for a day on which nothing was left.
    daily["query"] = "SELECT shop, day, amount, amount < 0 AS empty_shelf FROM sales";
    daily["columns"] = {
        {"shop", "text"}, {"day", "timestamp"}, {"amount", "double"}, {"empty_shelf", "bool"}};
    daily["aggregate"]["values"] = ordered_json::parse(R"({
        "amount": {"op": "sum", "column": "amount", "empty": 0, "censored": "empty_shelf"},
        "empty_shelf": {"op": "max", "column": "empty_shelf", "empty": 0}})");
    document_["training"]["ended_after"] = kEndedAfter;
    for (std::size_t i = 20; i < amounts_.size(); i += 13) amounts_[i].amount = -1;
    for (int day = 0; day < kDays; ++day) {
      const bool is_open = day < kDays - 40 || day == kDays - 25;
      if (is_open) amounts_.push_back({"old", day, 7.0 + day % 3});
    }
  }

  /// What is served, or how a key is refused that has ended.
  void ExpectServed(const Bits& judged, PeriodIndex origin) {
    for (const std::string shop : {"000", "001", "002", "old"}) {
      std::string at;
      forecaster_->AppendOrigin(origin, at);
      const Result<ForecastAnswer> answer = Ask({{"shop", shop}, {"at", at}});
      const bool has_ended = !judged.contains({shop, origin, 1}) && shop == "old";
      ASSERT_EQ(static_cast<bool>(answer), !has_ended) << shop << " as of " << at;
      if (has_ended) {
        EXPECT_EQ(answer.error().code, ErrorCode::kNotFound);
        EXPECT_THAT(
            answer.error().message,
            HasSubstr("key old has ended: it has no \"amount\" but 0 in the 10 days up to"));
        continue;
      }
      for (const StepForecast& one : answer->steps) {
        const auto found = judged.find({shop, origin, one.step});
        // Of a day without stock nothing is judged.
        ASSERT_EQ(found == judged.end(), std::isnan(one.actual)) << shop << " as of " << at;
        if (found == judged.end()) continue;
        EXPECT_EQ(std::bit_cast<std::uint64_t>(one.value), found->second)
            << shop << " as of " << at;
      }
    }
  }
};

TEST_P(EveryForecastOfStock, EqualsWhatTheModelIsJudgedByBitForBit) {
  const auto& [strategy, scope] = GetParam();
  document_["forecast"]["strategy"] = strategy;
  document_["training"]["scope"] = scope;
  Learn();
  Serve();
  constexpr PeriodIndex kOrigins = 45;
  std::size_t ended = 0;
  for (PeriodIndex origin = kNewest - kOrigins; origin <= kNewest - kHorizon; ++origin) {
    const Bits judged = Judged(origin, origin);
    ExpectServed(judged, origin);
    ended += judged.contains({"old", origin, 1}) ? 0 : 1;
  }
  EXPECT_EQ(ended, 14U) << "6 days before it opened again, and 8 behind";
}

INSTANTIATE_TEST_SUITE_P(Shapes, EveryForecastOfStock,
                         testing::Combine(testing::Values("direct", "shared", "recursive"),
                                          testing::Values("global", "per_key")),
                         [](const auto& param) {
                           return fmt::format("{}_{}", std::get<0>(param.param),
                                              std::get<1>(param.param));
                         });

/// Each shop has holidays of its own and prices of its own, and both are known for what comes.
class EveryForecastWithPlans
    : public ForecasterTest,
      public testing::WithParamInterface<std::tuple<const char*, const char*>> {
 protected:
  EveryForecastWithPlans() {
    const auto& [strategy, scope] = GetParam();
    document_["forecast"]["strategy"] = strategy;
    document_["training"]["scope"] = scope;
    document_["training"]["model"].update({{"trees", 60}, {"max_depth", 4}});
    document_["tables"]["plan"] = {
        {"columns",
         {{"shop", "text"}, {"day", "timestamp"}, {"closed", "bool"}, {"price", "double"}}}};
    document_["series"]["plan"] = ordered_json::parse(R"({
        "table": "plan", "key": ["shop"], "time": "day", "known_in_advance": true,
        "aggregate": {"period": "day", "partial": "keep",
                      "values": {"closed": {"op": "max", "column": "closed", "empty": 0},
                                 "price": {"op": "last", "column": "price",
                                           "empty": "previous"}}},
        "max_staleness": "unlimited"})");
    for (const char* const feature :
         {R"({"name": "closed", "op": "lag", "value": "closed", "periods": 1, "at": "target"})",
          R"({"name": "price", "op": "lag", "value": "price", "periods": 1, "at": "target"})",
          R"({"name": "days_to_holiday", "op": "periods_until", "value": "closed", "limit": 9})"}) {
      ordered_json one = ordered_json::parse(feature);
      one.update({{"series", "plan"}, {"key", {"shop"}}, {"missing", "keep"}});
      document_["features"].push_back(one);
    }
    for (std::size_t i = 0; i < amounts_.size(); ++i) {
      const int shop = static_cast<int>(i) / kDays;
      const int day = static_cast<int>(i) % kDays;
      amounts_[i].amount *= (IsHoliday(shop, day) ? 0.05 : 1) * (IsCheap(shop, day) ? 2 : 1);
    }
    WritePlan([](int, int) { return true; });
  }

  static bool IsHoliday(int shop, int day) { return day % 10 == 3 * shop; }
  static bool IsCheap(int shop, int day) { return (day + 2 * shop) % 9 < 3; }
  /// Up to the end of what is forecast; what `holds` is false of is a day like any other.
  template <typename Holds>
  void WritePlan(const Holds& holds) {
    std::string csv = "shop,day,closed,price\n";
    for (int shop = 0; shop < kShops; ++shop) {
      for (int day = 0; day < kDays + kHorizon; ++day) {
        csv += fmt::format("{:03},{},{},{}\n", shop, DateOf(day),
                           IsHoliday(shop, day) && holds(shop, day),
                           IsCheap(shop, day) && holds(shop, day) ? 5 : 10);
      }
    }
    folder_.Write("plan.csv", csv);
  }
  /// As of the newest day.
  [[nodiscard]] std::vector<double> Ahead(int shop) {
    const auto answer = Ask({{"shop", fmt::format("{:03}", shop)}});
    EXPECT_TRUE(answer) << answer.error().message;
    std::vector<double> values;
    for (const StepForecast& step : answer->steps) values.push_back(step.value);
    return values;
  }
};

TEST_P(EveryForecastWithPlans, EqualsWhatTheModelIsJudgedByBitForBit) {
  Learn();
  Serve();
  constexpr PeriodIndex kOrigins = 20;
  const PeriodIndex last = kNewest - kHorizon;
  const Bits judged = Judged(last - kOrigins + 1, last);
  ASSERT_EQ(judged.size(), kOrigins * kShops * kHorizon);
  EXPECT_EQ(Served(last - kOrigins + 1, last), judged);
}

TEST_P(EveryForecastWithPlans, FollowsTheHolidaysAndPricesOfItsOwnKey) {
  Learn();
  Serve();
  std::vector<std::vector<double>> planned;
  for (int shop = 0; shop < kShops; ++shop) planned.push_back(Ahead(shop));
  constexpr int kChanged = 1;
  constexpr int kHoliday = 143;  // of this shop alone
  static_assert(kHoliday >= kDays && kHoliday % 10 == 3 * kChanged);
  WritePlan([](int shop, int day) { return shop != kChanged || day < kDays; });
  Ingest();
  Serve();
  for (int shop = 0; shop < kShops; ++shop) {
    if (shop == kChanged) continue;
    EXPECT_EQ(Ahead(shop), planned[static_cast<std::size_t>(shop)]) << shop;
  }
  const std::vector<double> changed = Ahead(kChanged);
  const std::vector<double>& before = planned[kChanged];
  EXPECT_GT(changed[kHoliday - kDays], 2 * before[kHoliday - kDays]) << "open after all";
  constexpr int kCheap = 142;
  ASSERT_TRUE(IsCheap(kChanged, kCheap));
  EXPECT_LT(changed[kCheap - kDays], 0.9 * before[kCheap - kDays]) << "dear after all";
}

INSTANTIATE_TEST_SUITE_P(Shapes, EveryForecastWithPlans,
                         testing::Combine(testing::Values("direct", "shared", "recursive"),
                                          testing::Values("global", "per_key")),
                         [](const auto& param) {
                           return fmt::format("{}_{}", std::get<0>(param.param),
                                              std::get<1>(param.param));
                         });

struct HistoryAlgorithm {
  const char* name;
  const char* declaration;
};
void PrintTo(const HistoryAlgorithm& one, std::ostream* out) { *out << one.name; }

class EveryHistoryForecast
    : public ForecasterTest,
      public testing::WithParamInterface<std::tuple<HistoryAlgorithm, const char*>> {
 protected:
  /// Served as judged, at each of the last origins that have the whole horizon behind them.
  void ExpectServedAsJudged(PeriodIndex origins) {
    Learn();
    Serve();
    const PeriodIndex last = kNewest - kHorizon;
    const Bits judged = Judged(last - origins + 1, last);
    ASSERT_EQ(judged.size(), static_cast<std::size_t>(origins) * kShops * kHorizon);
    EXPECT_EQ(Served(last - origins + 1, last), judged);
  }
};

TEST_P(EveryHistoryForecast, EqualsWhatTheModelIsJudgedByBitForBit) {
  const auto& [algorithm, strategy] = GetParam();
  Use(ordered_json::parse(algorithm.declaration));
  document_["forecast"]["strategy"] = strategy;
  ExpectServedAsJudged(20);
}

INSTANTIATE_TEST_SUITE_P(
    Algorithms, EveryHistoryForecast,
    testing::Combine(
        testing::Values(
            HistoryAlgorithm{"Ets", R"({"algorithm": "ets", "season": 7, "model": "AZA"})"},
            HistoryAlgorithm{"Theta", R"({"algorithm": "theta", "season": 7})"},
            HistoryAlgorithm{"SeasonalNaive", R"({"algorithm": "seasonal_naive", "season": 7})"},
            HistoryAlgorithm{"Tsb", R"({"algorithm": "tsb"})"}),
        testing::Values("direct", "recursive")),
    [](const auto& param) {
      return fmt::format("{}_{}", std::get<0>(param.param).name, std::get<1>(param.param));
    });

const ordered_json kCandidates = ordered_json::parse(R"([
  {"name": "trees", "model": {"algorithm": "gradient_boosting", "trees": 8, "max_depth": 3},
   "hidden": ["last"], "target": {"not_negative": true}},
  {"model": {"algorithm": "theta", "season": 7}},
  {"model": {"algorithm": "moving_average", "window": 14}}
])");

TEST_P(EveryHistoryForecast, OfSeveralCandidatesIsServedAsJudgedToo) {
  const auto& [algorithm, strategy] = GetParam();
  ordered_json candidates = kCandidates;
  candidates.push_back({{"model", ordered_json::parse(algorithm.declaration)}});
  document_["forecast"]["strategy"] = strategy;
  UseCandidates(candidates, {.shared = {0.5, 0.25, 0, 0.25}, .own = {{1, 0}, {2, 3}}});
  ExpectServedAsJudged(4);
}

TEST_F(ForecasterTest, AnswersFromHistoryWhatCameAfterTheTraining) {
  Use({{"algorithm", "theta"}, {"season", 7}});
  Learn();
  Serve();
  const double before = Ask({{"shop", "001"}})->steps.front().value;
  amounts_[static_cast<std::size_t>(2 * kDays - 1)].amount *= 3;  // of the shop's last day
  Ingest();
  Serve();
  EXPECT_GT(Ask({{"shop", "001"}})->steps.front().value, before);
  EXPECT_EQ(Ask({{"shop", "001"}, {"at", "2024-05-19"}})->steps.size(), 7U);
}

TEST_F(ForecasterTest, AnswersForANewKeyWhereNothingIsLearnedOfKeys) {
  for (const auto& [algorithm, is_answered] : {std::pair{"naive", true}, std::pair{"ets", false}}) {
    Use({{"algorithm", algorithm}});
    amounts_.resize(kShops * kDays);
    Learn();
    for (int day = kDays - 10; day < kDays; ++day) amounts_.push_back({"new", day, 7.0});
    Ingest();
    Serve();
    const auto answer = Ask({{"shop", "new"}});
    EXPECT_EQ(static_cast<bool>(answer), is_answered) << algorithm;
    if (answer) {
      EXPECT_EQ(answer->steps.front().value, 7.0);
    } else {
      EXPECT_EQ(answer.error().code, ErrorCode::kNotFound);
    }
  }
}

TEST_F(ForecasterTest, RefusesToForecastAHistoryThatIsTooOldByNow) {
  Use({{"algorithm", "naive"}});
  document_["series"]["daily"]["max_staleness"] = "3d";
  document_["series"]["daily"]["when_stale"] = "refuse";
  Learn();
  Serve();
  EXPECT_TRUE(Ask({{"shop", "000"}, {"now", "2024-05-23"}}));
  const auto refused = Ask({{"shop", "000"}, {"now", "2024-05-24"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kFeatureStale);
  EXPECT_EQ(refused.error().field, "daily");
}

TEST_F(ForecasterTest, AnswersWholeNumbersFromTheMinimumOnWhereThePlanSaysSo) {
  document_["training"]["output"] = {{"round", "up"}, {"minimum", 24}};
  Learn();
  Serve();
  bool has_minimum = false;
  for (const auto& [of, bits] : Served(kNewest - 20, kNewest - kHorizon)) {
    const auto value = std::bit_cast<double>(bits);
    EXPECT_EQ(value, std::round(value));
    EXPECT_GE(value, 24);
    has_minimum = has_minimum || value == 24;
  }
  EXPECT_TRUE(has_minimum);  // on weak days of the first shop
}

class LinearForecast : public ForecasterTest,
                       public testing::WithParamInterface<std::tuple<const char*, const char*>> {};

TEST_P(LinearForecast, EqualsWhatTheModelIsJudgedByBitForBit) {
  const auto& [strategy, scope] = GetParam();
  document_["forecast"]["strategy"] = strategy;
  document_["training"]["scope"] = scope;
  document_["training"]["model"] = ordered_json::parse(R"({
      "algorithm": "ridge", "scale": "standard", "k_best": {"k": 2, "score": "mutual_information"},
      "polynomial": {"degree": 2}})");
  for (const char* const feature : {"last", "week_ago", "same_day"}) {
    document_["training"]["transforms"][feature] = {{"impute", "median"}};
  }
  Learn();
  Serve();
  constexpr PeriodIndex kOrigins = 20;
  const PeriodIndex last = kNewest - kHorizon;
  const Bits judged = Judged(last - kOrigins + 1, last);
  ASSERT_EQ(judged.size(), kOrigins * kShops * kHorizon);
  EXPECT_EQ(Served(last - kOrigins + 1, last), judged);
}

INSTANTIATE_TEST_SUITE_P(Shapes, LinearForecast,
                         testing::Combine(testing::Values("direct", "shared", "pooled",
                                                          "recursive"),
                                          testing::Values("global", "per_key")),
                         [](const auto& param) {
                           return fmt::format("{}_{}", std::get<0>(param.param),
                                              std::get<1>(param.param));
                         });

class TableForecast : public ForecasterTest, public testing::WithParamInterface<const char*> {};

TEST_P(TableForecast, EqualsWhatTheModelIsJudgedByBitForBit) {
  document_["forecast"]["strategy"] = GetParam();
  document_["features"].push_back({{"op", "field"}, {"name", "shop"}, {"field", "shop"}});
  document_["training"]["model"] = {{"algorithm", "quantile_table"},
                                    {"cells", {"shop", "weekday"}}};
  Learn();
  Serve();
  constexpr PeriodIndex kOrigins = 20;
  const PeriodIndex last = kNewest - kHorizon;
  const Bits judged = Judged(last - kOrigins + 1, last);
  ASSERT_EQ(judged.size(), kOrigins * kShops * kHorizon);
  EXPECT_EQ(Served(last - kOrigins + 1, last), judged);
}

INSTANTIATE_TEST_SUITE_P(Strategies, TableForecast,
                         testing::Values("direct", "shared", "pooled", "recursive"),
                         [](const auto& param) { return std::string(param.param); });

struct ExplainedShape {
  const char* name;
  const char* training;  ///< Of the section `training`, in place of the model.
  ChosenCandidates chosen{};
};
void PrintTo(const ExplainedShape& one, std::ostream* out) { *out << one.name; }

class Reasons : public ForecasterTest {
 protected:
  void UseTraining(const ExplainedShape& shape) {
    ordered_json& training = document_["training"];
    training.erase("model");
    training.update(ordered_json::parse(shape.training));
    ordered_json transforms;
    for (const char* const feature : {"last", "week_ago", "same_day"}) {
      transforms[feature] = {{"impute", "median"}};
    }
    if (training.contains("candidates")) {
      for (ordered_json& candidate : training["candidates"]) candidate["transforms"] = transforms;
    } else {
      training["transforms"] = transforms;
    }
    chosen_ = shape.chosen;
  }
};

class ExplainedForecast
    : public Reasons,
      public testing::WithParamInterface<std::tuple<ExplainedShape, const char*>> {};

TEST_P(ExplainedForecast, AddsUpToItsValue) {
  const auto& [shape, strategy] = GetParam();
  UseTraining(shape);
  document_["forecast"]["strategy"] = strategy;
  Learn();
  Serve();
  ASSERT_EQ(forecaster_->model().explained(), Explained::kYes);
  EXPECT_EQ(forecaster_->model().contribution_scale().name, "value");
  for (const char* const shop : {"000", "001", "002"}) {
    const Table rows = Row(shop, "2024-05-10");
    ForecastAnswer plain;
    ASSERT_TRUE(session_->Forecast({.rows = rows, .now = At("2024-05-20")}, plain));
    ForecastAnswer answer;
    ASSERT_TRUE(
        session_->Forecast({.rows = rows, .now = At("2024-05-20"), .explain = true}, answer));
    EXPECT_EQ(answer.steps, plain.steps);
    ASSERT_EQ(answer.explanations.size(), answer.steps.size());
    for (std::size_t i = 0; i < answer.steps.size(); ++i) {
      const StepExplanation& one = answer.explanations[i];
      ASSERT_TRUE(one.is_there);
      double sum = one.base;
      for (const double contribution : one.contributions) sum += contribution;
      EXPECT_NEAR(sum, one.score, 1e-9);
      EXPECT_NEAR(one.score, answer.steps[i].value, 1e-4);  // trees answer floats
    }
  }
}

constexpr const char* kTwoCandidates = R"({"candidates": [
    {"name": "trees", "model": {"algorithm": "gradient_boosting", "trees": 8}},
    {"name": "line", "model": {"algorithm": "ridge", "scale": "standard"}, "hidden": ["weekday"]}]})";

INSTANTIATE_TEST_SUITE_P(
    Shapes, ExplainedForecast,
    testing::Combine(
        testing::Values(
            ExplainedShape{"Line", R"({"model": {"algorithm": "lasso", "alpha": 0.1}})"},
            ExplainedShape{"Products", R"({"model": {"algorithm": "ridge", "scale": "standard",
                                                     "polynomial": {"degree": 2}}})"},
            ExplainedShape{"MeanOfCandidates", kTwoCandidates, {.shared = {0.75, 0.25}}},
            ExplainedShape{
                "ACandidateForAKey", kTwoCandidates, {.shared = {1, 0}, .own = {{1, 1}}}}),
        testing::Values("direct", "shared", "recursive")),
    [](const auto& param) {
      return fmt::format("{}_{}", std::get<0>(param.param).name, std::get<1>(param.param));
    });

TEST_F(Reasons, OfCandidatesAreTheMeanOfTheirs) {
  const auto learn = [this](const ChosenCandidates& chosen) {
    UseTraining({"", kTwoCandidates, chosen});
    Learn();
    Serve();
    const Table rows = Row("001");
    ForecastAnswer answer;
    EXPECT_TRUE(
        session_->Forecast({.rows = rows, .now = At("2024-05-20"), .explain = true}, answer));
    return answer.explanations.front();
  };
  const StepExplanation trees = learn({.shared = {1, 0}});
  const StepExplanation line = learn({.shared = {0, 1}});
  const StepExplanation both = learn({.shared = {3, 1}});
  EXPECT_NE(trees.base, line.base);
  EXPECT_NEAR(both.base, 0.75 * trees.base + 0.25 * line.base, 1e-9);
  for (std::size_t i = 0; i < both.contributions.size(); ++i) {
    EXPECT_NEAR(both.contributions[i], 0.75 * trees.contributions[i] + 0.25 * line.contributions[i],
                1e-9);
  }
}

struct UnexplainedShape {
  const char* name;
  const char* candidates;
  ChosenCandidates chosen;
  Explained explained;
};
void PrintTo(const UnexplainedShape& one, std::ostream* out) { *out << one.name; }

class CandidatesReasons : public ForecasterTest,
                          public testing::WithParamInterface<UnexplainedShape> {};

TEST_P(CandidatesReasons, AreThereWhereAllThatIsUsedHasThem) {
  UseCandidates(ordered_json::parse(GetParam().candidates), GetParam().chosen);
  Learn();
  EXPECT_EQ(trained_->model().explained(), GetParam().explained);
  Serve();
  EXPECT_EQ(forecaster_->model().explained(), GetParam().explained);
}

constexpr const char* kWithHistory = R"([
    {"model": {"algorithm": "gradient_boosting", "trees": 8}}, {"model": {"algorithm": "naive"}}])";
constexpr const char* kWithLogarithm = R"([
    {"name": "plain", "model": {"algorithm": "gradient_boosting", "trees": 8}},
    {"name": "log", "model": {"algorithm": "gradient_boosting", "trees": 8},
     "target": {"transform": ["log1p"]}}])";

INSTANTIATE_TEST_SUITE_P(
    Cases, CandidatesReasons,
    testing::Values(
        UnexplainedShape{
            "AMeanWithAHistory", kWithHistory, {.shared = {1, 1}}, Explained::kFromHistory},
        UnexplainedShape{"AHistoryForOneKey",
                         kWithHistory,
                         {.shared = {1, 0}, .own = {{2, 1}}},
                         Explained::kFromHistory},
        UnexplainedShape{
            "AHistoryThatIsNotUsed", kWithHistory, {.shared = {1, 0}}, Explained::kYes},
        UnexplainedShape{
            "AMeanWithALogarithm", kWithLogarithm, {.shared = {1, 1}}, Explained::kNotOfOneAnswer},
        UnexplainedShape{"ALogarithmAlone", kWithLogarithm, {.shared = {0, 1}}, Explained::kYes},
        UnexplainedShape{"ALogarithmForOneKey",
                         kWithLogarithm,
                         {.shared = {1, 0}, .own = {{2, 1}}},
                         Explained::kNotOfOneAnswer}),
    [](const auto& param) { return std::string(param.param.name); });

std::vector<double> ValuesOf(const ForecastAnswer& answer) {
  std::vector<double> values;
  for (const StepForecast& step : answer.steps) values.push_back(step.value);
  return values;
}

/// Sales that promotions and prices of days ahead change: promotions by day, prices as a plan
/// whose newest row counts.
class Plans : public ForecasterTest {
 protected:
  Plans() {
    document_["tables"].update(ordered_json::parse(R"({
      "promotions": {"columns": {"shop": "text", "day": "timestamp", "promo": "double"}},
      "prices": {"columns": {"shop": "text", "day": "timestamp",
                             "price": {"type": "double", "nullable": true}}}})"));
    document_["series"].update(ordered_json::parse(R"({
      "promotions": {"table": "promotions", "key": ["shop"], "time": "day",
        "known_in_advance": true, "max_staleness": "unlimited",
        "aggregate": {"period": "day", "values": {"promo": {"op": "only", "column": "promo"}},
                      "partial": "keep"}},
      "prices": {"table": "prices", "key": ["shop"], "time": "day", "known_in_advance": true,
        "values": ["price"], "max_staleness": "unlimited"}})"));
    const ordered_json features = ordered_json::parse(R"([
      {"name": "promo", "op": "lag", "series": "promotions", "value": "promo", "key": ["shop"],
       "periods": 1, "at": "target", "missing": "keep"},
      {"name": "promo_mean", "op": "rolling", "statistic": "mean", "series": "promotions",
       "value": "promo", "key": ["shop"], "window": 3, "min_count": 1, "at": "target",
       "missing": "keep"},
      {"name": "until", "op": "periods_until", "series": "promotions", "value": "promo",
       "key": ["shop"], "limit": 5, "missing": "keep"},
      {"op": "as_of", "series": "prices", "value": "price", "key": ["shop"], "at": "target",
       "missing": "keep"}])");
    for (const ordered_json& feature : features) document_["features"].push_back(feature);
    for (int shop = 0; shop < kShops; ++shop) {
      for (int day = 0; day < kDays + kHorizon; ++day) {
        const bool is_promoted = (day + shop) % 5 == 0;
        plans_.push_back({shop, day, is_promoted ? 1.0 : 0.0, day % 11 < 4 ? 8.0 : 10.0});
        if (day >= kDays) continue;
        Amount& row = amounts_[static_cast<std::size_t>(shop * kDays + day)];
        row.amount += 40 * *plans_.back().promo - 5 * *plans_.back().price + 60;
      }
    }
    document_["training"]["model"]["trees"] = 40;
  }

  struct Plan {
    int shop = 0;
    int day = 0;
    std::optional<double> promo{};
    std::optional<double> price{};
  };

  /// Plans and sales, into a new store.
  void IngestAll() {
    std::string promotions = "shop,day,promo\n";
    std::string prices = "shop,day,price\n";
    for (const Plan& one : plans_) {
      const std::string begin = fmt::format("{:03},{},", one.shop, DateOf(one.day));
      if (one.promo) promotions += fmt::format("{}{}\n", begin, *one.promo);
      prices += begin + (one.price ? fmt::format("{}", *one.price) : "") + "\n";
    }
    folder_.Write("promotions.csv", promotions);
    folder_.Write("prices.csv", prices);
    Ingest();
  }
  void LearnAndServe() {
    IngestAll();
    Learn();
    Serve();
  }
  /// The plan of shop 001 for the step, 1 and on, behind the newest day.
  Plan& PlanOf(int step) {
    return plans_[static_cast<std::size_t>((kDays + kHorizon) + kDays + step - 1)];
  }

  std::vector<Plan> plans_;
};

/// A training, and whether features are read again for each step.
using PlanShape = std::tuple<const char*, const char*>;
class SupposedPlans : public Plans, public testing::WithParamInterface<PlanShape> {
 protected:
  void UseShape() {
    const auto& [training, strategy] = GetParam();
    document_["forecast"]["strategy"] = strategy;
    ordered_json changes = ordered_json::parse(training);
    if (!changes.contains("candidates")) return;
    UseCandidates(changes["candidates"], {.shared = {0.5, 0.5}});
  }
};

constexpr const char* kTrees = "{}";
constexpr const char* kTreesAndNaive = R"({"candidates": [
    {"model": {"algorithm": "gradient_boosting", "trees": 40}},
    {"model": {"algorithm": "naive"}}]})";

TEST_P(SupposedPlans, ForecastAsIfTheyHadBeenThePlansAllAlong) {
  UseShape();
  LearnAndServe();
  const auto planned = Ask({{"shop", "001"}});
  const auto supposed = Ask({{"shop", "001"}, {"assume", {{"promo", true}, {"price", 7.5}}}});
  ASSERT_TRUE(planned && supposed) << supposed.error().message;
  EXPECT_NE(ValuesOf(*supposed), ValuesOf(*planned));
  for (int step = 1; step <= kHorizon; ++step) {
    PlanOf(step).promo = 1;
    PlanOf(step).price = 7.5;
  }
  IngestAll();
  Serve();
  EXPECT_EQ(ValuesOf(*Ask({{"shop", "001"}})), ValuesOf(*supposed));
  EXPECT_EQ(Ask({{"shop", "001"}})->features, supposed->features);
}

TEST_P(SupposedPlans, MayBeOfSomePeriodsAlone) {
  UseShape();
  LearnAndServe();
  const auto supposed = Ask({{"shop", "001"},
                             {"assume",
                              {{"promo", {{"2024-05-21", 1}, {"2024-05-23", nullptr}}},
                               {"price", {{"2024-05-22", nullptr}}}}}});
  ASSERT_TRUE(supposed) << supposed.error().message;
  PlanOf(2).promo = 1;
  PlanOf(4).promo.reset();
  PlanOf(3).price.reset();
  IngestAll();
  Serve();
  EXPECT_EQ(ValuesOf(*Ask({{"shop", "001"}})), ValuesOf(*supposed));
}

INSTANTIATE_TEST_SUITE_P(Shapes, SupposedPlans,
                         testing::Combine(testing::Values(kTrees, kTreesAndNaive),
                                          testing::Values("direct", "shared", "recursive")),
                         [](const auto& param) {
                           return fmt::format(
                               "{}_{}", std::get<0>(param.param) == kTrees ? "Trees" : "Candidates",
                               std::get<1>(param.param));
                         });

TEST_F(Plans, ChangeNothingWhereTheyAreSupposedAsTheyAre) {
  LearnAndServe();
  ordered_json same;
  for (int step = 1; step <= kHorizon; ++step) {
    same[DateOf(kDays + step - 1)] = *PlanOf(step).promo;
  }
  const auto supposed = Ask({{"shop", "001"}, {"assume", {{"promo", same}}}});
  ASSERT_TRUE(supposed) << supposed.error().message;
  EXPECT_EQ(ValuesOf(*supposed), ValuesOf(*Ask({{"shop", "001"}})));
}

TEST_F(Plans, AreSupposedForOneQuestionAlone) {
  LearnAndServe();
  const auto before = Ask({{"shop", "001"}});
  ASSERT_TRUE(Ask({{"shop", "001"}, {"assume", {{"promo", 1}, {"price", 1}}}}));
  const auto after = Ask({{"shop", "001"}});
  EXPECT_EQ(ValuesOf(*after), ValuesOf(*before));
  EXPECT_EQ(after->features, before->features);
}

TEST_F(Plans, ThatAreSupposedAreAmongTheReasons) {
  document_["forecast"]["strategy"] = "shared";
  LearnAndServe();
  const auto supposed = Ask({{"shop", "001"}, {"explain", true}, {"assume", {{"promo", 1}}}});
  ASSERT_TRUE(supposed) << supposed.error().message;
  const auto promo = static_cast<std::size_t>(
      std::ranges::find(spec_.features, "promo", &preprocessing::FeatureSpec::name) -
      spec_.features.begin());
  for (std::size_t i = 0; i < supposed->steps.size(); ++i) {
    const StepExplanation& one = supposed->explanations[i];
    EXPECT_GT(one.contributions[promo], 0);
    double sum = one.base;
    for (const double contribution : one.contributions) sum += contribution;
    EXPECT_NEAR(sum, one.score, 1e-6);
    EXPECT_NEAR(one.score, supposed->steps[i].value, 1e-4);
  }
}

struct BadAssumption {
  const char* name;
  const char* assume;
  const char* message;
};
void PrintTo(const BadAssumption& one, std::ostream* out) { *out << one.name; }

class BadAssumptions : public Plans, public testing::WithParamInterface<BadAssumption> {};

TEST_P(BadAssumptions, SayWhatMayBeSupposed) {
  LearnAndServe();
  const auto refused = Ask({{"shop", "001"}, {"assume", ordered_json::parse(GetParam().assume)}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused.error().field, "assume");
  EXPECT_THAT(refused.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadAssumptions,
    testing::Values(
        BadAssumption{"OfWhatIsNoPlan", R"({"amount": 1})", "what may be supposed: promo, price"},
        BadAssumption{"OfNothing", "{}", "expected an object of values known in advance: promo"},
        BadAssumption{"OfAList", "[1]", "expected an object"},
        BadAssumption{"OfAText", R"({"price": "cheap"})", "assume.price: expected a number"},
        BadAssumption{"OfNoDay", R"({"promo": {"soon": 1}})", "assume.promo.soon"},
        BadAssumption{"OfADayThatIsOver", R"({"promo": {"2024-05-19": 1}})",
                      "2024-05-19 is not among the periods that are forecast: 2024-05-20 to "
                      "2024-05-26"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(ForecasterTest, SupposesNothingWherePlansAreNotDeclared) {
  Learn();
  Serve();
  const auto refused = Ask({{"shop", "001"}, {"assume", {{"promo", 1}}}});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("declared with \"known_in_advance\""));
}

class OneSeries : public ForecasterTest,
                  public testing::WithParamInterface<std::tuple<const char*, const char*>> {};

TEST_P(OneSeries, IsForecastWithoutAKeyAsItWasJudged) {
  const auto& [strategy, scope] = GetParam();
  document_["forecast"]["strategy"] = strategy;
  document_["training"]["scope"] = scope;
  document_["series"]["daily"]["key"] = ordered_json::array();
  document_["request"]["fields"].erase("shop");
  document_["forecast"].erase("key");
  for (ordered_json& feature : document_["features"]) feature.erase("key");
  Learn();
  Serve();
  constexpr PeriodIndex kOrigin = kNewest - kHorizon;
  const Bits judged = Judged(kOrigin, kOrigin);
  ASSERT_EQ(judged.size(), kHorizon);
  Table rows(spec_.request.fields);
  std::string at;
  forecaster_->AppendOrigin(kOrigin, at);
  rows.column(0).AppendTimestamp(At(at));
  ForecastAnswer answer;
  const Status done = session_->Forecast({.rows = rows, .now = {}}, answer);
  ASSERT_TRUE(done) << done.error().message;
  Bits served;
  for (const StepForecast& one : answer.steps) {
    served[{"all", answer.origin, one.step}] = std::bit_cast<std::uint64_t>(one.value);
  }
  EXPECT_EQ(served, judged);
}

INSTANTIATE_TEST_SUITE_P(Shapes, OneSeries,
                         testing::Combine(testing::Values("direct", "shared", "pooled",
                                                          "recursive"),
                                          testing::Values("global", "per_key")),
                         [](const auto& param) {
                           return fmt::format("{}_{}", std::get<0>(param.param),
                                              std::get<1>(param.param));
                         });

TEST_F(ForecasterTest, AnswersFromTheNewestPeriodUnlessAskedOtherwise) {
  Learn();
  Serve();
  const auto newest = Ask({{"shop", "001"}});
  ASSERT_TRUE(newest) << newest.error().message;
  EXPECT_EQ(newest->origin, kNewest);
  EXPECT_THAT(StepsOf(*newest), ElementsAre(1, 2, 3, 4, 5, 6, 7));
  EXPECT_EQ(newest->steps.front().period, kNewest + 1);
  EXPECT_TRUE(std::isnan(newest->steps.front().actual)) << "nobody knows it yet";
  const auto same = Ask({{"shop", "001"}, {"at", "2024-05-20T17:00:00Z"}});
  ASSERT_TRUE(same) << same.error().message;
  for (std::size_t i = 0; i < newest->steps.size(); ++i) {
    EXPECT_EQ(same->steps[i].value, newest->steps[i].value);
  }
}

TEST_F(ForecasterTest, TakesAnOriginWithinAPeriodForTheLastCompleteOne) {
  Learn();
  Serve();
  for (const char* at : {"2024-03-10", "2024-03-10T00:00:01Z", "2024-03-10T23:59:59Z"}) {
    const auto answer = Ask({{"shop", "001"}, {"at", at}});
    ASSERT_TRUE(answer) << answer.error().message;
    std::string period;
    forecaster_->AppendPeriod(answer->origin, period);
    EXPECT_EQ(period, "2024-03-09") << at;
    std::string origin;
    forecaster_->AppendOrigin(answer->origin, origin);
    EXPECT_EQ(origin, "2024-03-10") << at;
  }
}

TEST_F(ForecasterTest, SaysAnOriginThatAsksForTheSameWhereDataComeLate) {
  document_["series"]["daily"]["delay"] = "90m";
  document_["timezone"] = "Europe/Berlin";
  Learn();
  Serve();
  std::string origin;
  forecaster_->AppendOrigin(kNewest, origin);
  EXPECT_EQ(origin, "2024-05-19T23:30:00Z");
  const auto answer = Ask({{"shop", "001"}, {"at", origin}});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->origin, kNewest);
  EXPECT_EQ(Ask({{"shop", "001"}, {"at", "2024-05-19T23:29:59Z"}})->origin, kNewest - 1);
}

TEST_F(ForecasterTest, TellsWhatHappenedWhereItIsKnown) {
  Learn();
  Serve();
  const auto answer = Ask({{"shop", "002"}, {"at", "2024-05-18"}});
  ASSERT_TRUE(answer) << answer.error().message;
  const auto first = static_cast<std::size_t>(2 * kDays + kDays - 2);
  EXPECT_EQ(answer->steps[0].actual, amounts_[first].amount);
  EXPECT_EQ(answer->steps[1].actual, amounts_[first + 1].amount);
  EXPECT_TRUE(std::isnan(answer->steps[2].actual));
}

TEST_F(ForecasterTest, ForecastsWhatHappenedAsOfThePeriodBeforeEach) {
  Learn();
  Serve();
  const auto range = Ask({{"shop", "001"}, {"from", "2024-05-10"}, {"to", "2024-05-20"}});
  ASSERT_TRUE(range) << range.error().message;
  ASSERT_EQ(range->steps.size(), 11U);
  for (const StepForecast& one : range->steps) {
    std::string origin;
    forecaster_->AppendOrigin(one.origin(), origin);
    const auto alone = Ask({{"shop", "001"}, {"at", origin}, {"steps", 1}});
    ASSERT_TRUE(alone) << alone.error().message;
    EXPECT_EQ(alone->steps.front().period, one.period);
    EXPECT_EQ(alone->steps.front().value, one.value) << origin;
    EXPECT_EQ(std::isnan(one.actual), one.period > kNewest) << origin;
  }
}

struct Asked {
  const char* name;
  const char* question;
  std::vector<std::size_t> steps;
};
class Questions : public ForecasterTest, public testing::WithParamInterface<Asked> {};

TEST_P(Questions, ChooseTheSteps) {
  Learn();
  Serve();
  const auto answer = Ask(ordered_json::parse(GetParam().question));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(StepsOf(*answer), GetParam().steps);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Questions,
    testing::Values(
        Asked{"First", R"({"shop": "000", "steps": 1})", {1}},
        Asked{"All", R"({"shop": "000", "steps": 7})", {1, 2, 3, 4, 5, 6, 7}},
        Asked{"FromOn", R"({"shop": "000", "from": "2024-05-24T13:00:00Z"})", {5, 6, 7}},
        Asked{"UpTo", R"({"shop": "000", "to": "2024-05-21"})", {1, 2}},
        Asked{"Between", R"({"shop": "000", "from": "2024-05-21", "to": "2024-05-23"})", {2, 3, 4}},
        Asked{"One", R"({"shop": "000", "from": "2024-05-21", "to": "2024-05-21"})", {2}},
        Asked{"ThatHappened",
              R"({"shop": "000", "from": "2024-05-10", "to": "2024-05-12"})",
              {1, 1, 1}},
        Asked{"FromWhatHappenedOn",
              R"({"shop": "000", "from": "2024-05-18", "to": "2024-05-21"})",
              {1, 1, 1, 2}},
        Asked{"OfThePast",
              R"({"shop": "000", "at": "2024-02-01", "from": "2024-02-02", "to": "2024-02-03"})",
              {2, 3}}),
    [](const auto& param) { return std::string(param.param.name); });

struct BadQuestion {
  const char* name;
  const char* question;
  ErrorCode code;
  const char* field;
  const char* message;
};
class BadQuestions : public ForecasterTest, public testing::WithParamInterface<BadQuestion> {};

TEST_P(BadQuestions, SayWhatIsPossible) {
  Learn();
  Serve();
  const auto answer = Ask(ordered_json::parse(GetParam().question));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, GetParam().code);
  EXPECT_EQ(answer.error().field, GetParam().field);
  EXPECT_THAT(answer.error().message, HasSubstr(GetParam().message));
}

constexpr ErrorCode kWrong = ErrorCode::kInvalidArgument;
INSTANTIATE_TEST_SUITE_P(
    Cases, BadQuestions,
    testing::Values(
        BadQuestion{"NoSteps", R"({"shop": "000", "steps": 0})", kWrong, "steps",
                    "0 steps cannot be forecast: possible are 1 to 7"},
        BadQuestion{"BeyondTheHorizon", R"({"shop": "000", "steps": 8})", kWrong, "steps",
                    "possible are 1 to 7"},
        BadQuestion{"Negative", R"({"shop": "000", "steps": -9223372036854775808})", kWrong,
                    "steps", "possible are 1 to 7"},
        BadQuestion{"StepsAndFrom", R"({"shop": "000", "steps": 1, "from": "2024-05-21"})", kWrong,
                    "steps", "not both"},
        BadQuestion{"FromAfterTo", R"({"shop": "000", "from": "2024-05-22", "to": "2024-05-21"})",
                    kWrong, "from", "\"from\" 2024-05-22T00:00:00Z lies after \"to\" 2024-05-21"},
        BadQuestion{"FromTheKnown", R"({"shop": "000", "at": "2024-05-20", "from": "2024-05-19"})",
                    kWrong, "from",
                    "the day of 2024-05-19 cannot be forecast from that of 2024-05-19: possible "
                    "are 2024-05-20 to 2024-05-26"},
        BadQuestion{"FromBeforeAnythingWasKnown",
                    R"({"shop": "000", "from": "2024-01-01", "to": "2024-01-05"})", kWrong, "from",
                    "the day of 2024-01-01 cannot be forecast, since nothing is known before: the "
                    "first is that of 2024-01-02"},
        BadQuestion{"FromWhatHappenedTooFar",
                    R"({"shop": "000", "from": "2024-05-01", "to": "2024-05-27"})", kWrong, "to",
                    "possible are 2024-05-20 to 2024-05-26"},
        BadQuestion{"ToTooFar", R"({"shop": "000", "to": "2024-05-27"})", kWrong, "to",
                    "possible are 2024-05-20 to 2024-05-26"},
        BadQuestion{"OriginBeforeTheData", R"({"shop": "000", "at": "2024-01-01T23:59:59Z"})",
                    kWrong, "at", "the first day is that of 2024-01-01, known from 2024-01-02"},
        BadQuestion{"OriginBehindTheData", R"({"shop": "000", "at": "2024-05-21"})", kWrong, "at",
                    "the newest day is that of 2024-05-19, so it must be before 2024-05-21"},
        BadQuestion{"OfAnUnknownKey", R"({"shop": "999"})", ErrorCode::kNotFound, "shop",
                    "key 999 has no history in series \"daily\" up to 2024-05-19"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(ForecasterTest, NeedsTheWholeKey) {
  document_["request"]["fields"]["shop"] = {{"type", "text"}, {"nullable", true}};
  Learn();
  Serve();
  Table rows(spec_.request.fields);
  rows.column(0).AppendMissing();
  rows.column(1).AppendMissing();
  ForecastAnswer answer;
  const Status done = session_->Forecast({.rows = rows, .now = {}}, answer);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(done.error().field, "shop");
}

TEST_F(ForecasterTest, RefusesToAnswerFromDataThatAreTooOldByNow) {
  document_["series"]["daily"]["max_staleness"] = "3d";
  document_["series"]["daily"]["when_stale"] = "refuse";
  Learn();
  Serve();
  EXPECT_TRUE(Ask({{"shop", "000"}, {"now", "2024-05-23"}}));
  const auto refused = Ask({{"shop", "000"}, {"now", "2024-05-23T00:00:01Z"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kFeatureStale);
  EXPECT_EQ(refused.error().field, "last");
  EXPECT_TRUE(Ask({{"shop", "000"}, {"at", "2024-05-20"}, {"now", "2025-01-01"}}))
      << "as of then they were new";
  Serve("naive");
  EXPECT_TRUE(Ask({{"shop", "new"}, {"now", "2024-05-23"}}));
  EXPECT_EQ(Ask({{"shop", "new"}, {"now", "2024-05-24"}}).error().code, ErrorCode::kFeatureStale);
}

TEST_F(ForecasterTest, FlagsDataThatAreTooOldByNow) {
  document_["series"]["daily"]["max_staleness"] = "3d";
  document_["series"]["daily"]["when_stale"] = "flag";
  Learn();
  Serve();
  EXPECT_EQ(Ask({{"shop", "000"}, {"now", "2024-05-23"}})->stale, 0U);
  EXPECT_EQ(Ask({{"shop", "000"}, {"now", "2024-05-24"}})->stale, 1U);
  Serve("naive");
  EXPECT_EQ(Ask({{"shop", "new"}, {"now", "2024-05-24"}})->stale, 1U);
}

TEST_F(ForecasterTest, NamesTheFeatureThatHasNoData) {
  document_["features"].push_back({{"name", "month"},
                                   {"op", "rolling"},
                                   {"statistic", "mean"},
                                   {"series", "daily"},
                                   {"value", "amount"},
                                   {"key", {"shop"}},
                                   {"window", 28}});
  Learn();
  Serve();
  const auto answer = Ask({{"shop", "000"}, {"at", "2024-01-20"}, {"from", "2024-01-22"}});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kFeatureMissing);
  EXPECT_EQ(answer.error().field, "month");
  EXPECT_THAT(answer.error().message,
              AllOf(HasSubstr("series \"daily\" has no \"amount\" in the days of 2023-12-23, "),
                    HasSubstr("(step 3, the day of 2024-01-22)")));
}

TEST_F(ForecasterTest, AnswersAStepOfARecursiveForecastWhereOnlyOneBeforeItIsRefused) {
  document_["forecast"]["strategy"] = "recursive";
  // No number on Fridays in May, the month's number being that of the day: a division by 0.
  const auto add = [&](ordered_json feature) { document_["features"].push_back(feature); };
  add({{"name", "month"}, {"op", "calendar"}, {"part", "month"}, {"at", "target"}});
  add({{"name", "gap"}, {"op", "subtract"}, {"left", "weekday"}, {"right", "month"}});
  add({{"name", "share"}, {"op", "divide"}, {"left", "month"}, {"right", "gap"}});
  document_["training"]["hidden"] = {"month", "gap", "share"};
  Learn();
  Serve();
  constexpr PeriodIndex kWednesday = kFirstDay + 128;  // 2024-05-08
  const auto weekend =
      Ask({{"shop", "000"}, {"at", "2024-05-09"}, {"from", "2024-05-11"}, {"to", "2024-05-12"}});
  ASSERT_TRUE(weekend) << weekend.error().message;
  const Bits judged = Judged(kWednesday, kWednesday);
  EXPECT_FALSE(judged.contains({"000", kWednesday, 2}));
  for (const StepForecast& one : weekend->steps) {
    EXPECT_EQ(std::bit_cast<std::uint64_t>(one.value), judged.at({"000", kWednesday, one.step}));
  }
  const auto all = Ask({{"shop", "000"}, {"at", "2024-05-09"}});
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().field, "share");
  EXPECT_THAT(all.error().message, HasSubstr("(step 2, the day of 2024-05-10)"));
}

TEST_F(ForecasterTest, TakesWhatAKeyThatEndedEarlierLacksForMissing) {
  document_["series"]["daily"]["aggregate"]["to"] = "key";
  Learn();
  // Shop 000 stopped 10 days before the others.
  std::erase_if(amounts_, [](const Amount& row) { return row.shop == "000" && row.day >= 130; });
  Ingest();
  Serve();
  const auto ended = Ask({{"shop", "000"}});
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->origin, kNewest) << "its periods are everybody's";
  // The same with rows that say nothing.
  document_["series"]["daily"]["aggregate"]["to"] = "all";
  Ingest();
  spec_ = *preprocessing::ParsePipelineSpec(document_.dump(), folder_.path());
  Serve();
  const auto filled = Ask({{"shop", "000"}});
  ASSERT_TRUE(filled) << filled.error().message;
  for (std::size_t i = 0; i < ended->steps.size(); ++i) {
    EXPECT_EQ(ended->steps[i].value, filled->steps[i].value) << i;
  }
}

TEST_F(ForecasterTest, SaysZeroToNobodyWithoutHistoryButTheMeanOfAll) {
  Learn();
  Serve("naive");
  const auto answer = Ask({{"shop", "new"}, {"steps", 2}});
  ASSERT_TRUE(answer) << answer.error().message;
  double sum = 0;
  for (int shop = 0; shop < kShops; ++shop) {
    sum += amounts_[static_cast<std::size_t>(shop * kDays + kDays - 1)].amount;
  }
  for (const StepForecast& one : answer->steps) {
    EXPECT_TRUE(one.cold_start);
    EXPECT_DOUBLE_EQ(one.value, sum / kShops);
    EXPECT_TRUE(std::isnan(one.actual));
  }
}

TEST_F(ForecasterTest, BeginsColdWithAKeysOwnHistoryWhereItHasNoModel) {
  document_["training"]["scope"] = "per_key";
  Learn();
  for (int day = kDays - 3; day < kDays; ++day) amounts_.push_back({"new", day, 5.0 + day});
  Ingest();
  Serve("naive");
  const auto own = Ask({{"shop", "new"}, {"steps", 1}});
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_TRUE(own->steps[0].cold_start);
  EXPECT_EQ(own->steps[0].value, 5.0 + kDays - 1);
  EXPECT_FALSE(Ask({{"shop", "001"}, {"steps", 1}})->steps[0].cold_start) << "it has a model";
  Serve({{"seasonal_naive", 7}});
  const auto average = Ask({{"shop", "new"}, {"steps", 1}});
  ASSERT_TRUE(average) << average.error().message;
  double sum = 0;
  for (int shop = 0; shop < kShops; ++shop) {
    sum += amounts_[static_cast<std::size_t>(shop * kDays + kDays - 7)].amount;
  }
  EXPECT_DOUBLE_EQ(average->steps[0].value, sum / kShops) << "three days are no season of its own";
  Serve();
  const auto refused = Ask({{"shop", "new"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(refused.error().message, HasSubstr("key new has no model for step 1"));
}

TEST_F(ForecasterTest, TellsAKeyBeforeItsHistoryFromOneWithoutModel) {
  Learn();
  for (int day = kDays - 3; day < kDays; ++day) amounts_.push_back({"new", day, 5});
  Ingest();
  Serve();
  EXPECT_TRUE(Ask({{"shop", "new"}})) << "one model is for all";
  const auto before = Ask({{"shop", "new"}, {"at", "2024-05-01"}});
  ASSERT_FALSE(before);
  EXPECT_EQ(before.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(before.error().message, HasSubstr("no history in series \"daily\" up to 2024-04-30"));
}

TEST_F(ForecasterTest, RefusesWhereEvenTheBaselineKnowsNothing) {
  Learn();
  Serve({{"seasonal_naive", 365}});
  const auto refused = Ask({{"shop", "new"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kNotFound);
}

TEST_F(ForecasterTest, AnswersTwoThreadsAtOnce) {
  document_["forecast"]["strategy"] = "recursive";
  Learn();
  Serve();
  const PeriodIndex last = kNewest - kHorizon;
  const Bits alone = Served(last - 9, last);
  std::array<Bits, 2> together;
  {
    std::vector<std::jthread> threads;
    for (Bits& bits : together) {
      threads.emplace_back([&] { bits = Served(last - 9, last); });
    }
  }
  EXPECT_EQ(together[0], alone);
  EXPECT_EQ(together[1], alone);
}

class WarmSessions : public ForecasterTest,
                     public testing::WithParamInterface<std::tuple<const char*, const char*>> {};

TEST_P(WarmSessions, AllocateNothing) {
  const auto& [strategy, scope] = GetParam();
  document_["forecast"]["strategy"] = strategy;
  document_["training"]["scope"] = scope;
  Learn();
  Serve("naive");
  const std::array rows{Row("000"), Row("001", "2024-05-01"), Row("a shop that nobody knows of")};
  ForecastAnswer answer;
  std::size_t before = 0;
  for (int round = 0; round < 2; ++round) {
    before = AllocationCount();
    for (const Table& row : rows) {
      ASSERT_TRUE(session_->Forecast({.rows = row, .now = At("2024-05-20")}, answer));
    }
  }
  EXPECT_EQ(AllocationCount() - before, 0U);
}

INSTANTIATE_TEST_SUITE_P(Shapes, WarmSessions,
                         testing::Combine(testing::Values("direct", "shared", "pooled",
                                                          "recursive"),
                                          testing::Values("global", "per_key")),
                         [](const auto& param) {
                           return fmt::format("{}_{}", std::get<0>(param.param),
                                              std::get<1>(param.param));
                         });

TEST_F(ForecasterTest, AllocatesNothingForCandidatesOfAWarmSession) {
  UseCandidates(kCandidates, {.shared = {0.5, 0.5, 0}, .own = {{1, 2}}});
  Learn();
  Serve();
  const std::array rows{Row("000"), Row("001", "2024-05-01"), Row("002")};
  ForecastAnswer answer;
  std::size_t before = 0;
  for (int round = 0; round < 2; ++round) {
    before = AllocationCount();
    for (const Table& row : rows) {
      ASSERT_TRUE(session_->Forecast({.rows = row, .now = At("2024-05-20")}, answer));
    }
  }
  EXPECT_EQ(AllocationCount() - before, 0U);
}

TEST_F(ForecasterTest, IsMadeOfAPublishedVersion) {
  Learn();
  ASSERT_THAT(Train(), testing::AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
  const auto version = ForecastVersion::Read(*Registry(models()).Find("sales", "1"));
  ASSERT_TRUE(version) << version.error().message;
  auto forecaster = Forecaster::Open(*version, Snapshots(), std::nullopt);
  ASSERT_TRUE(forecaster) << forecaster.error().message;
  forecaster_ = *std::move(forecaster);
  const PeriodIndex last = kNewest - kHorizon;
  EXPECT_EQ(Served(last, last), Judged(last, last));
  EXPECT_EQ(Forecaster::Open(*version, folder_.path() / "nowhere", std::nullopt).error().code,
            ErrorCode::kNotFound);
}

TEST(ColdStarts, AreReadAsBaselinesOrRefused) {
  const auto read = [](const ordered_json& json) { return ReadColdStart(JsonNode(json)); };
  EXPECT_EQ(read("refuse"), std::nullopt);
  EXPECT_EQ(read("croston")->baseline.kind, BaselineKind::kCroston);
  EXPECT_EQ(read({{"moving_average", 4}})->baseline.periods, 4U);
  const ordered_json alike{{"baseline", {{"moving_average", 4}}}, {"alike", {"category"}}};
  EXPECT_EQ(read(alike)->baseline.periods, 4U);
  EXPECT_THAT(read(alike)->alike, ElementsAre("category"));
  EXPECT_THROW(read({{"baseline", "naive"}, {"alike", ordered_json::array()}}),
               preprocessing::SpecError);
  EXPECT_THROW(read({{"alike", {"category"}}}), preprocessing::SpecError);
  EXPECT_THROW(read("mean"), preprocessing::SpecError);
  EXPECT_THROW(read(nullptr), preprocessing::SpecError);
}

}  // namespace
}  // namespace forkcast::model
