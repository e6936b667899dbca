#include "serving/drift/drift_alarms.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "serving/webhook/webhook_receiver.hpp"
#include "support/eventually.hpp"
#include "support/hook_testing.hpp"
#include "support/http_message.hpp"
#include "support/test_files.hpp"
#include "support/test_series.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::TempFolder;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class DriftAlarmsTest : public testing::Test {
 protected:
  DriftAlarmsTest() {
    folder_.Write("secret", "0123456789abcdef");
    settings_.webhook = WebhookSettings{.url = receiver_.url(),
                                        .secret_file = folder_.path() / "secret",
                                        .again = std::chrono::seconds(100)};
  }
  /// A window in which these columns alarm.
  void Window(const std::vector<std::string>& columns, const std::string& deployment = "shop") {
    ordered_json report{{"deployment", deployment},
                        {"pipeline", "orders"},
                        {"version", "1"},
                        {"alarm", !columns.empty()},
                        {"window", {{"number", ++windows_}}},
                        {"columns", {{{"name", "quiet"}, {"status", "by_chance"}}}}};
    for (const std::string& name : columns) {
      report["columns"].push_back({{"name", name}, {"status", "alarm"}});
    }
    alarms_->OnWindow(report, "/models/demand/3", settings_);
  }
  /// What the receiver was told, in short, once it is so many.
  std::vector<std::string> Told(std::size_t count) {
    EXPECT_TRUE(Eventually([&] { return receiver_.requests().size() >= count; }));
    alarms_.reset();  // nothing more comes
    std::vector<std::string> told;
    for (const std::string& request : receiver_.requests()) {
      const auto body = preprocessing::ParseJson(FirstMessage(request).body);
      std::string text = body["event"].get<std::string>() + " " + body["id"].get<std::string>();
      for (const ordered_json& column : body["columns"]) {
        text += " " + column["name"].get<std::string>();
      }
      told.push_back(text);
    }
    return told;
  }

  WebhookReceiver receiver_{{WebhookReceiver::Answers::kOk}};
  TempFolder folder_;
  LogLines lines_;
  ManualClock clock_;
  TestSeries series_;
  DriftSettings settings_;
  int windows_ = 0;
  int ids_ = 0;
  std::vector<RetrainWish> wishes_;
  std::unique_ptr<DriftAlarms> alarms_ = std::make_unique<DriftAlarms>(DriftAlarms::Context{
      .log = lines_.log(),
      .clock = clock_,
      .series = series_.writer,
      .make_id = [this] { return std::to_string(++ids_); },
      .retrain = [this](const RetrainWish& wish) { wishes_.push_back(wish); }});
};

TEST_F(DriftAlarmsTest, TellWhenColumnsBeginToDriftOthersDoAndNoneDoesAnyMore) {
  Window({});
  Window({"price"});
  Window({"price"});
  Window({"price", "size"});
  Window({});
  Window({});
  EXPECT_THAT(Told(3),
              ElementsAre("drift_alarm 1 price", "drift_alarm 2 price size", "drift_over 3"));
}

TEST_F(DriftAlarmsTest, TellWhatLastsAgainAfterAWhile) {
  Window({"price"});
  clock_.Advance(std::chrono::seconds(99));
  Window({"price"});
  clock_.Advance(std::chrono::seconds(1));
  Window({"price"});
  EXPECT_THAT(Told(2), ElementsAre("drift_alarm 1 price", "drift_alarm 2 price"));
}

TEST_F(DriftAlarmsTest, KeepDeploymentsApart) {
  Window({"price"}, "one");
  Window({"price"}, "two");
  EXPECT_THAT(Told(2), SizeIs(2));
}

TEST_F(DriftAlarmsTest, TellNobodyWhereNobodyIsNamed) {
  settings_.webhook.reset();
  Window({"price"});
  alarms_.reset();
  EXPECT_THAT(receiver_.requests(), IsEmpty());
}

TEST_F(DriftAlarmsTest, AskForTrainingWithEachWindowThatAlarms) {
  settings_.webhook.reset();
  settings_.retraining = RetrainOnAlarm{.least_pause = std::chrono::seconds(7)};
  Window({});
  Window({"price"});
  Window({"price"});
  const RetrainWish wish{
      .models = "/models", .name = "demand", .least_pause = std::chrono::seconds(7)};
  EXPECT_THAT(wishes_, ElementsAre(wish, wish));
}

}  // namespace
}  // namespace forkcast::serving
