#include "serving/drift/drift_settings.hpp"

#include <gmock/gmock.h>

#include <ostream>
#include <string>

namespace forkcast::serving {
namespace {

using preprocessing::JsonNode;
using preprocessing::SpecError;
using testing::HasSubstr;

DriftSettings Read(const std::string& json) {
  const auto parsed = preprocessing::ParseJson(json);
  return ReadDriftSettings(JsonNode(parsed));
}

TEST(DriftSettings, NeedAFolderAlone) {
  const DriftSettings settings = Read(R"({"type":"drift","folder":"drift"})");
  EXPECT_EQ(settings, (DriftSettings{.folder = "drift"}));
  EXPECT_EQ(settings.window.rows, 5'000U);
}

TEST(DriftSettings, TakeWindowsByTime) {
  const DriftSettings settings =
      Read(R"({"type":"drift","folder":"d","window_seconds":3600,"steps":6,"min_rows":200})");
  EXPECT_EQ(settings.window, (WindowLength{.time = std::chrono::hours(1)}));
  EXPECT_EQ(settings.steps, 6U);
  EXPECT_EQ(settings.rules.min_rows, 200);
}

TEST(DriftSettings, SayWhatAnAlarmDoes) {
  const DriftSettings settings = Read(
      R"({"type":"drift","folder":"d","on_alarm":"retrain","retrain_seconds":60,
          "webhook":{"url":"http://a","secret_file":"s"}})");
  EXPECT_EQ(settings.retraining, (RetrainOnAlarm{.least_pause = std::chrono::seconds(60)}));
  EXPECT_EQ(settings.webhook, (WebhookSettings{.url = "http://a", .secret_file = "s"}));
  EXPECT_EQ(Read(R"({"type":"drift","folder":"d","on_alarm":"retrain"})").retraining,
            (RetrainOnAlarm{.least_pause = std::chrono::hours(24)}));
}

struct WrongSettings {
  const char* name;
  const char* json;
  const char* message;
};
void PrintTo(const WrongSettings& value, std::ostream* out) { *out << value.name; }

class WrongDriftSettings : public testing::TestWithParam<WrongSettings> {};

TEST_P(WrongDriftSettings, AreRefusedNamingTheirPlace) {
  try {
    static_cast<void>(Read(GetParam().json));
    FAIL() << "was taken";
  } catch (const SpecError& error) {
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Wrong, WrongDriftSettings,
    testing::Values(
        WrongSettings{"NoFolder", R"({"type":"drift"})", "folder"},
        WrongSettings{"AnotherAction", R"({"type":"drift","folder":"d","on_alarm":"reboot"})",
                      "$.on_alarm: expected \"retrain\""},
        WrongSettings{"APauseOfNothing", R"({"type":"drift","folder":"d","retrain_seconds":60})",
                      "$.retrain_seconds: only with"},
        WrongSettings{"AWebhookWithoutReceiver",
                      R"({"type":"drift","folder":"d","webhook":{"secret_file":"s"}})",
                      "$.webhook"},
        WrongSettings{"AWindowOfOneRow", R"({"type":"drift","folder":"d","window_rows":1})",
                      "$.window_rows: a window of 1 rows could never alarm"},
        WrongSettings{"MoreRowsAskedForThanAWindowHas",
                      R"({"type":"drift","folder":"d","min_rows":6000})",
                      "$.min_rows: a window of 5000 rows could never alarm"},
        WrongSettings{"RowsAndSeconds",
                      R"({"type":"drift","folder":"d","window_rows":600,"window_seconds":60})",
                      "$.window_seconds: a window has rows or seconds, not both"},
        WrongSettings{"AnAlarmInEveryOtherWindow",
                      R"({"type":"drift","folder":"d","false_alarm_rate":0.5})",
                      "$.false_alarm_rate"},
        WrongSettings{"AnUnknownMember", R"({"type":"drift","folder":"d","windows":1})",
                      "windows"}),
    [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace forkcast::serving
