#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "captured_line.hpp"
#include "model/classify/delivery_testing.hpp"
#include "serving/commands/drift_command.hpp"

namespace forkcast::serving {
namespace {

using model::kMinutesApart;
using model::kRows;
using model::Order;
using model::TimeOf;
using nlohmann::ordered_json;
using preprocessing::ExitCode;
using testing::HasSubstr;
using testing::SizeIs;
using Words = std::vector<std::string>;
namespace fs = std::filesystem;

/// Orders of which the first 200 were learned from, and what a server answered of the others.
class ClassQualityTest : public model::ClassifierCommandTest {
 protected:
  static constexpr int kLearned = 200;
  static constexpr int kWindow = 40;

  void SetUp() override {
    document_["request"]["fields"]["id"] = "text";
    document_["training"]["n_splits"] = 3;
  }
  void IngestAndTrain() {
    Ingest();
    ASSERT_THAT(Train({"--until", TimeOf(kLearned * kMinutesApart - 1), "--force-promote"}),
                testing::AnyOf(ExitCode::kDone, ExitCode::kGate))
        << err();
  }
  /// `sure`: the probability of what is true.
  [[nodiscard]] static std::string Answered(const Order& order, double sure) {
    const double delivered = order.delivered == "true" ? sure : 1 - sure;
    return CapturedLine("delivery", "1",
                        {{"id", std::to_string(order.id)}, {"at", TimeOf(order.minute)}},
                        {{"id", std::to_string(order.id)},
                         {"class", delivered > 0.5},
                         {"probability.false", 1 - delivered},
                         {"probability.true", delivered}});
  }
  ExitCode Quality(const std::string& lines, Words more = {}) {
    Words words{"quality",   "--json",
                "--model",   "delivery",
                "--models",  models().string(),
                "--store",   store(),
                "--window",  std::to_string(kWindow),
                "--capture", folder_.Write("captured.jsonl", lines).string()};
    words.insert(words.end(), more.begin(), more.end());
    out_.str("");
    err_.str("");
    const SystemClock clock;
    return static_cast<ExitCode>(preprocessing::RunCommand(
        DriftCommand(), words,
        {.environment = NoEnvironment, .out = out_, .err = err_, .clock = clock}));
  }
  [[nodiscard]] double Value(std::size_t window, std::size_t metric) const {
    return summary()["windows"][window]["metrics"][metric]["value"];
  }
};

TEST_F(ClassQualityTest, ComparesClassesWithTheLabelsThatBecameKnown) {
  IngestAndTrain();
  std::string lines;
  for (const Order& order : orders_) lines += Answered(order, 0.995);
  EXPECT_EQ(Quality(lines), ExitCode::kDone) << err();
  ASSERT_THAT(summary()["windows"], SizeIs((kRows - kLearned) / kWindow));
  EXPECT_EQ(summary()["windows"][0]["rows"], kWindow);
  EXPECT_EQ(Value(0, 0), 1);
  EXPECT_NEAR(Value(0, 1), -std::log(0.995), 1e-12);
  EXPECT_EQ(summary()["left_out"],
            (ordered_json{{"learned_from", kLearned}, {"open", (kRows - kLearned) % kWindow}}));
}

TEST_F(ClassQualityTest, AlarmsWhereItHasBecomeWorse) {
  IngestAndTrain();
  std::string lines;
  for (const Order& order : orders_) lines += Answered(order, order.id % 2 == 0 ? 0.95 : 0.05);
  EXPECT_EQ(Quality(lines), ExitCode::kNo) << out_.str() << err();
  EXPECT_EQ(Value(1, 0), 0.5);
  EXPECT_EQ(summary()["windows"][0]["metrics"][0]["status"], "not_yet");
  EXPECT_EQ(summary()["windows"][1]["metrics"][0]["status"], "alarm");
}

TEST_F(ClassQualityTest, WaitsForLabelsAndTakesTheLastAnswerOfARow) {
  for (int i = kLearned; i < kLearned + 10; ++i) {
    orders_[static_cast<std::size_t>(i)].delivered.clear();
  }
  IngestAndTrain();
  std::string lines;
  for (const Order& order : orders_) lines += Answered(order, 0.005) + Answered(order, 0.995);
  EXPECT_EQ(Quality(lines), ExitCode::kDone) << err();
  EXPECT_EQ(Value(0, 0), 1);
  EXPECT_EQ(summary()["left_out"]["no_label"], 10);
  EXPECT_EQ(summary()["left_out"]["told_again"], kRows - kLearned);
}

TEST_F(ClassQualityTest, NeedsTheKeyOfTheTableInRequests) {
  document_["request"]["fields"].erase("id");
  IngestAndTrain();
  EXPECT_EQ(Quality(Answered(orders_.back(), 0.9)), ExitCode::kUnfit);
  EXPECT_THAT(err(), HasSubstr("column \"id\" of the key of table \"orders\" is no request field"));
}

}  // namespace
}  // namespace forkcast::serving
