#include "serving/process/server_status.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace forkcast::serving {
namespace {

using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

struct Known {
  MetricId metric;
  std::uint64_t value;
};
/// Of a worker; what is not known is 0.
MetricReadings Readings(std::initializer_list<Known> known) {
  MetricReadings readings;
  for (std::size_t i = 0; i < kMetrics.size(); ++i) {
    if (kMetrics[i].across != Metric::Across::kServer) readings[MetricId(i)] = 0;
  }
  for (const Known& one : known) readings[one.metric] = one.value;
  return readings;
}

ServerStatus Example() {
  MetricReadings of_server;
  of_server["generation"] = 3;
  of_server["target"] = 2;
  of_server["newest_edition"] = 5;
  return {.pid = 100,
          .uptime = milliseconds(3'723'000),
          .metrics = of_server,
          .workers = {{.slot = 0,
                       .pid = 101,
                       .generation = 3,
                       .state = "ready",
                       .stage = "ready",
                       .age = milliseconds(61'000),
                       .serves = "order_triage version 1",
                       .failure = "",
                       .metrics = Readings({{"requests", 12345},
                                            {"client_errors", 6},
                                            {"server_errors", 7},
                                            {"clipped", 8},
                                            {"refused", 15},
                                            {"connections", 9},
                                            {"resident_bytes", 12'582'912},
                                            {"restarts", 10},
                                            {"edition", 5},
                                            {"snapshot_age_seconds", 90}}),
                       .hooks = {{.place = 1,
                                  .type = "library",
                                  .calls = 1000,
                                  .failures = 3,
                                  .flagged = 20,
                                  .rejected = 4,
                                  .mean_ns = 5000,
                                  .is_off = true}}},
                      {.slot = 11,
                       .pid = 99999,
                       .generation = 2,
                       .state = "draining",
                       .stage = "retiring",
                       .age = milliseconds(999),
                       .serves = "order_triage version 1",
                       .failure = "zip.snapshot: checksum\033 differs",
                       .metrics = Readings({{"requests", std::uint64_t{1} << 63U}})}},
          .recorder = {.pid = 102, .captured = 13, .dropped = 14}};
}

TEST(ServerStatus, ComesBackFromJsonAsItWas) {
  const std::string text = ToJson(Example());
  EXPECT_TRUE(text.ends_with("}\n"));
  const auto read = ParseServerStatus(text);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, Example());
}

TEST(ServerStatus, IsReadableAsATable) {
  EXPECT_EQ(ToTable(Example()),
            R"(server pid 100, generation 3, edition 5, up 1h 2m, 2 workers wanted
slot    pid  generation  state     stage       age             requests  4xx  5xx  clipped  refused  connections  memory  restarts  edition  snapshots
   0    101           3  ready     ready     1m 1s                12345    6    7        8       15            9  12 MiB        10        5     1m 30s
  11  99999           2  draining  retiring     0s  9223372036854775808    0    0        0        0            0   0 MiB         0        0         0s
served by workers 0, 11: order_triage version 1
not taken by worker 11: zip.snapshot: checksum? differs
hook 1 (library) is off in worker 0
recorder pid 102, captured 13, dropped 14
)");
}

TEST(ServerStatus, TellsOfLinesThatLogsLost) {
  ServerStatus status = Example();
  status.metrics["log_lines_lost"] = 12;
  status.metrics["access_log_lines_lost"] = 3;
  EXPECT_THAT(ToTable(status), HasSubstr("\nlog lines lost: 12, of the access log 3\nrecorder "));
}

TEST(ServerStatus, SaysThatThereIsNoRecorder) {
  ServerStatus status = Example();
  status.recorder = {};
  EXPECT_THAT(ToTable(status), HasSubstr("\nno recorder, captured 0, dropped 0\n"));
}

/// The keys are documented: tools read them.
TEST(ServerStatus, CallsItsMembersAsDocumented) {
  ServerStatus status = Example();
  status.workers.resize(1);
  const std::string text = ToJson(status);
  EXPECT_THAT(text, StartsWith(R"({"pid":100,"generation":3,"target":2,)"));
  EXPECT_THAT(
      text,
      HasSubstr(
          R"("uptime_ms":3723000,"workers":[{"slot":0,"pid":101,"generation":3,"state":"ready",)"
          R"("stage":"ready","age_ms":61000,"requests":12345,"client_errors":6,"server_errors":7,)"
          R"("clipped":8,"refused":15,"late":0,"in_flight":0,"connections":9,)"
          R"("resident_bytes":12582912,"restarts":10,"captured":0,"capture_dropped":0,)"
          R"("drift_delayed":0,"hook_failures":0)"));
  EXPECT_THAT(text, HasSubstr(R"("serves":"order_triage version 1","failure":"",)"
                              R"("hooks":[{"place":1,"type":"library","calls":1000,"failures":3,)"
                              R"("flagged":20,"rejected":4,"mean_ns":5000,"off":true}]})"));
  EXPECT_THAT(text,
              EndsWith(R"(],"recorder":{"pid":102,"captured":13,"dropped":14},"experiments":[]})"
                       "\n"));
  status.refresher = {.pid = 103, .state = "failing", .last_success = "then", .error = "no disk"};
  EXPECT_THAT(ToJson(status),
              HasSubstr(R"("refresher":{"pid":103,"state":"failing","last_success":"then",)"
                        R"("error":"no disk"})"));
  status.trainer = {.pid = 104, .doing = "job 7 train weekly", .error = ""};
  EXPECT_THAT(ToJson(status),
              HasSubstr(R"("trainer":{"pid":104,"doing":"job 7 train weekly","error":""})"));
}

TEST(ServerStatus, HasALineOnTheTrainer) {
  ServerStatus status = Example();
  status.trainer = {.pid = 104, .doing = "job 7 train weekly", .error = "no store"};
  status.metrics["jobs_queued"] = 3;
  status.metrics["jobs_failed"] = 1;
  EXPECT_THAT(ToTable(status), HasSubstr("\ntrainer pid 104, 3 jobs queued, 0 running, "
                                         "0 succeeded, 1 failed, 0 stopped, job 7 train weekly: "
                                         "no store\n"));
  const auto read = ParseServerStatus(ToJson(status));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->trainer, status.trainer);
}

TEST(ServerStatus, ShowsADashForWhatAnOlderServerDoesNotTell) {
  const auto read = ParseServerStatus(
      R"({"pid":1,"generation":1,"target":1,"uptime_ms":1,"workers":[{"slot":0,"pid":2,)"
      R"("generation":1,"state":"ready","stage":"ready","age_ms":1,"requests":7}],)"
      R"("recorder":{"pid":0,"captured":0,"dropped":0}})");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_THAT(ToTable(*read), HasSubstr(" 7    -    -        -"));
}

/// The names of files have any bytes, and a text may be cut within a character.
TEST(ServerStatus, IsJsonWhateverBytesATextHas) {
  ServerStatus status = Example();
  status.workers[0].failure = "caf\xC3";
  const auto read = ParseServerStatus(ToJson(status));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->workers[0].failure, "caf\xEF\xBF\xBD");
}

struct TextCase {
  const char* name;
  const char* text;
};
void PrintTo(const TextCase& one, std::ostream* out) { *out << one.name; }

class NoStatus : public testing::TestWithParam<TextCase> {};

TEST_P(NoStatus, IsRefused) {
  const auto read = ParseServerStatus(GetParam().text);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
}

INSTANTIATE_TEST_SUITE_P(Cases, NoStatus,
                         testing::Values(TextCase{"Nothing", ""},
                                         TextCase{"NoJson", "HTTP/1.1 400 Bad Request\r\n"},
                                         TextCase{"NoObject", "[]"}, TextCase{"NoMembers", "{}"},
                                         TextCase{"WorkersThatAreNone",
                                                  R"({"pid":1,"generation":1,"target":1,)"
                                                  R"("uptime_ms":1,"workers":[{}]})"}),
                         [](const auto& param) { return param.param.name; });

struct DurationCase {
  const char* name;
  milliseconds duration;
  const char* shown;
};
void PrintTo(const DurationCase& one, std::ostream* out) { *out << one.name; }

class Duration : public testing::TestWithParam<DurationCase> {};

TEST_P(Duration, IsShownInItsTwoLargestUnits) {
  EXPECT_EQ(ShowDuration(GetParam().duration), GetParam().shown);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Duration,
    testing::Values(DurationCase{"None", milliseconds(0), "0s"},
                    DurationCase{"UnderAMinute", milliseconds(59'999), "59s"},
                    DurationCase{"AMinute", std::chrono::minutes(1), "1m 0s"},
                    DurationCase{"UnderAnHour", milliseconds(3'599'999), "59m 59s"},
                    DurationCase{"AnHour", std::chrono::hours(1), "1h 0m"},
                    DurationCase{"Days", std::chrono::hours(24 * 400 + 23), "400d 23h"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::serving
