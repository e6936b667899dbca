#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "data_preprocessing/document/json.hpp"
#include "model/forecast/sales_testing.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ReadWhole;
using testing::HasSubstr;

/// A plan that says for each shop and day how much its row counts; a hidden feature reads it.
class SampleWeightTest : public TrainCommandTest {
 protected:
  /// Also in `document_`, but for `training.weight`.
  void IngestWeights(const std::function<std::string(int shop, int day)>& weight) {
    document_["tables"]["weights"] = ordered_json::parse(
        R"({"columns": {"shop": "text", "day": "timestamp",
                        "weight": {"type": "double", "nullable": true}}})");
    document_["series"]["weights"] = ordered_json::parse(R"({
      "table": "weights", "key": ["shop"], "time": "day", "known_in_advance": true,
      "aggregate": {"period": "day", "values": {"weight": {"op": "only", "column": "weight"}},
                    "partial": "keep"},
      "max_staleness": "unlimited"})");
    document_["features"].push_back(ordered_json::parse(R"({
      "name": "weight", "op": "lag", "series": "weights", "value": "weight", "key": ["shop"],
      "periods": 1, "at": "target"})"));
    document_["training"]["hidden"] = {"weight"};
    std::string csv = "shop,day,weight\n";
    for (const Amount& row : amounts_) {
      csv += fmt::format("{},{},{}\n", row.shop, DateOf(row.day),
                         weight(std::stoi(row.shop), row.day));
    }
    folder_.Write("weights.csv", csv);
    Ingest();
  }
  /// The trees of every step of a version.
  [[nodiscard]] std::vector<std::string> Trees(int number) const {
    std::vector<std::string> trees;
    for (int step = 1; step <= kHorizon; ++step) {
      trees.push_back(ReadWhole(version(number) / fmt::format("model/{}.ubj", step)));
    }
    return trees;
  }
};

double HalfLife(int day, double periods) { return std::exp2(-(kDays - 1 - day) / periods); }

TEST_F(SampleWeightTest, CountsARowAsHalfLifeDoesWhenItIsHalfLifesOwn) {
  IngestWeights([](int, int day) { return fmt::format("{}", HalfLife(day, 20)); });
  document_["training"]["half_life"] = 20;
  SetDocument();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  document_["training"].erase("half_life");
  document_["training"]["weight"] = "weight";
  SetDocument();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  document_["training"].erase("weight");
  SetDocument();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  EXPECT_EQ(Trees(2), Trees(1));
  EXPECT_NE(Trees(3), Trees(1));
}

TEST_F(SampleWeightTest, IsMultipliedWithHalfLife) {
  const auto of_shop = [](int shop) { return 0.5 + shop; };
  IngestWeights([&](int shop, int) { return fmt::format("{}", of_shop(shop)); });
  document_["training"]["half_life"] = 20;
  document_["training"]["weight"] = "weight";
  SetDocument();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();

  document_ = Pipeline();
  IngestWeights(
      [&](int shop, int day) { return fmt::format("{}", of_shop(shop) * HalfLife(day, 20)); });
  document_["training"]["weight"] = "weight";
  SetDocument();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  EXPECT_EQ(Trees(2), Trees(1));
}

TEST_F(SampleWeightTest, WeighsTheRowsThatTellWhenToStop) {
  // What the last days are worth decides how long is learned, though nothing is learned from them.
  const auto validation_error = [this](const char* of_shop_1) {
    document_ = Pipeline();
    IngestWeights([&](int shop, int day) {
      return day < kDays - 7 ? "1" : shop == 1 ? of_shop_1 : "0.001";
    });
    document_["forecast"]["strategy"] = "shared";
    document_["training"]["weight"] = "weight";
    document_["training"]["model"]["early_stopping"] = {{"rounds", 5}, {"share", 0.05}};
    SetDocument();
    EXPECT_EQ(Train(), ExitCode::kDone) << err();
    return ReadWhole(version(summary()["version"].get<int>()) / "model/1.ubj");
  };
  EXPECT_NE(validation_error("1"), validation_error("0.00001"));
}

struct BadWeight {
  const char* name;
  std::string of_one_day;
  ordered_json missing;
  std::string message;  ///< Empty: it can be learned with.
};
class OddWeights : public SampleWeightTest, public testing::WithParamInterface<BadWeight> {};

TEST_P(OddWeights, AreNamedBeforeAnythingIsTrained) {
  IngestWeights(
      [](int shop, int day) { return shop == 1 && day == 50 ? GetParam().of_one_day : "1"; });
  document_["training"]["weight"] = "weight";
  if (!GetParam().missing.is_null()) document_["features"].back()["missing"] = GetParam().missing;
  SetDocument();
  if (GetParam().message.empty()) {
    EXPECT_EQ(Train(), ExitCode::kDone) << err();
    return;
  }
  EXPECT_EQ(Train(), ExitCode::kUnfit);
  EXPECT_THAT(err(), HasSubstr("the weight \"weight\" of key 001 in the period of 2024-02-20 is " +
                               GetParam().message));
  EXPECT_FALSE(fs::exists(models()));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, OddWeights,
    testing::Values(BadWeight{"Negative", "-1", {}, "-1: expected a number from 0"},
                    BadWeight{"BeyondFloat", "1e39", {}, "1e+39: expected a number from 0"},
                    BadWeight{"Missing", "", {}, "missing"},
                    BadWeight{"MissingAndKept", "", "keep", "missing"},
                    BadWeight{"MissingWithAValueInstead", "", {{"value", 0.5}}, ""},
                    BadWeight{"Zero", "0", {}, ""}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(SampleWeightTest, IsAFeatureThatIsANumber) {
  Ingest();
  document_["training"]["weight"] = "price";
  SetDocument();
  EXPECT_EQ(Train(), ExitCode::kUsage);
  EXPECT_THAT(err(), HasSubstr("$.training.weight: no feature is called \"price\""));
}

}  // namespace
}  // namespace forkcast::model
