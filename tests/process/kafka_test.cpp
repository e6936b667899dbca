// Rows from a real Kafka broker: what its stand-in for tests cannot show.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "support/kafka_broker.hpp"
#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using preprocessing::ReadWhole;
using testing::AllOf;
using testing::HasSubstr;

/// Without key, so that a message that is taken twice is there twice.
constexpr std::string_view kPipeline = R"({
  "name": "shop", "version": "1",
  "tables": {"sales": {"columns": {"id": "int64", "sku": "text", "at": "timestamp", "note": "text"}}},
  "series": {"sales": {"table": "sales", "key": ["sku"], "time": "at", "values": ["id"],
                       "max_staleness": "unlimited"}},
  "request": {"fields": {"sku": "text", "at": "timestamp"}, "time": "at"},
  "features": [{"name": "id", "op": "as_of", "series": "sales", "value": "id", "key": ["sku"]}]
})";

KafkaBroker& Broker() {
  static KafkaBroker broker;
  return broker;
}

std::string Note(int id) { return "note " + std::to_string(id * 7919); }

class Kafka : public testing::Test {
 protected:
  void SetUp() override {
    if (!KafkaBroker::IsInstalled()) {
      GTEST_SKIP() << "no Kafka broker: scripts/setup.sh kafka, tests/support/get_kafka.sh FOLDER";
    }
    workspace_.Write("pipeline.json", kPipeline);
    static int topics = 0;
    topic_ = "sales" + std::to_string(++topics);
  }

  [[nodiscard]] fs::path store() const { return workspace_ / "s.db"; }
  [[nodiscard]] std::vector<std::string> Ingest(const std::vector<std::string>& more,
                                                const std::string& parameters = "") const {
    std::vector<std::string> command{kForkcast,
                                     "ingest",
                                     "--pipeline",
                                     workspace_ / "pipeline.json",
                                     "--store",
                                     "sqlite:" + store().string(),
                                     "--from",
                                     "kafka://" + Broker().address() + "/" + topic_ +
                                         "?group=g&session.timeout.ms=6000" + parameters};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }
  /// Rows 0 to `rows`, a file.
  fs::path WriteRows(int rows) const {
    std::string text = "id,sku,at,note\n";
    for (int id = 0; id < rows; ++id) {
      text += std::to_string(id) + "," + std::to_string(id % 101) + ",2024-01-02 03:04:05," +
              Note(id) + "\n";
    }
    return workspace_.Write("rows.csv", text);
  }
  [[nodiscard]] std::vector<std::string> Produce(const fs::path& file,
                                                 const std::string& rate) const {
    return {kClient, "produce", "--input", file,     "--brokers", Broker().address(), "--topic",
            topic_,  "--key",   "sku",     "--rate", rate,        "--quiet"};
  }
  /// Ids of the stored rows whose notes are theirs; -1 for others.
  [[nodiscard]] std::vector<int> StoredIds() const {
    std::vector<int> ids;
    sqlite3* database = nullptr;
    sqlite3_open_v2(store().c_str(), &database, SQLITE_OPEN_READONLY, nullptr);
    sqlite3_busy_timeout(database, 30'000);
    sqlite3_stmt* select = nullptr;
    sqlite3_prepare_v2(database, "SELECT id, note FROM sales", -1, &select, nullptr);
    while (select != nullptr && sqlite3_step(select) == SQLITE_ROW) {
      const int id = sqlite3_column_int(select, 0);
      const bool is_its = Note(id) == reinterpret_cast<const char*>(sqlite3_column_text(select, 1));
      ids.push_back(is_its ? id : -1);
    }
    sqlite3_finalize(select);
    sqlite3_close(database);
    return ids;
  }

  Workspace workspace_;
  std::string topic_;
};

TEST_F(Kafka, EachMessageCountsOnceWhateverIsKilled) {
  constexpr int kRows = 20'000;
  constexpr int kConsumers = 3;
  Broker().CreateTopic(topic_, 6);
  const auto start = [this](int consumer) {
    return std::make_unique<Program>(workspace_ / ("consumer" + std::to_string(consumer)),
                                     Ingest({"--follow", "--every", "200ms"}));
  };
  std::vector<std::unique_ptr<Program>> consumers;
  for (int i = 0; i < kConsumers; ++i) consumers.push_back(start(i));
  Program producer(workspace_ / "producer", Produce(WriteRows(kRows), "2000"));

  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  // Each consumer twice (0, 1, 2), the broker once (3), in random order at random numbers of rows.
  std::vector<int> victims{0, 0, 1, 1, 2, 2, 3};
  std::ranges::shuffle(victims, random);
  std::vector<std::size_t> moments;
  for (std::size_t i = 0; i < victims.size(); ++i) moments.push_back(random() % (kRows * 9 / 10));
  std::ranges::sort(moments);
  constexpr std::chrono::seconds kLong{200};
  for (std::size_t i = 0; i < victims.size(); ++i) {
    ASSERT_TRUE(Eventually([&] { return StoredIds().size() >= moments[i]; }, kLong))
        << StoredIds().size() << " of " << moments[i];
    if (victims[i] == kConsumers) {
      Broker().Kill();
      Broker().Start();
      continue;
    }
    std::unique_ptr<Program>& consumer = consumers[static_cast<std::size_t>(victims[i])];
    consumer->Signal(SIGKILL);
    static_cast<void>(consumer->Wait());
    consumer = start(victims[i]);
  }
  EXPECT_EQ(producer.Wait(kLong), 0) << producer.err();
  EXPECT_TRUE(Eventually([&] { return StoredIds().size() >= kRows; }, kLong));
  for (const auto& consumer : consumers) {
    consumer->Signal(SIGTERM);
    // One that was started again a moment ago may not be so far that it ends as planned.
    EXPECT_THAT(consumer->Wait(), testing::AnyOf(0, -SIGTERM)) << consumer->err();
  }
  // Behind the end of all, so that one that comes twice is seen.
  std::vector<int> ids = StoredIds();
  std::ranges::sort(ids);
  std::vector<int> expected(kRows);
  for (int id = 0; id < kRows; ++id) expected[static_cast<std::size_t>(id)] = id;
  EXPECT_TRUE(ids == expected) << ids.size() << " rows, "
                               << std::set<int>(ids.begin(), ids.end()).size() << " different ones";
}

TEST_F(Kafka, WithoutFollowItReadsToTheEndsAndStops) {
  Broker().CreateTopic(topic_, 3);
  RunToEnd(workspace_ / "producer", Produce(WriteRows(500), "100000"));
  const std::string told = RunToEnd(workspace_ / "ingest", Ingest({}));
  EXPECT_THAT(told, AllOf(HasSubstr(": 500 rows added\n"), HasSubstr("series sales: 101 keys")));
  EXPECT_THAT(RunToEnd(workspace_ / "again", Ingest({})), HasSubstr(": no rows\n"));
  EXPECT_EQ(StoredIds().size(), 500U);
}

TEST_F(Kafka, WhatIsNoRowGoesToTheDeadLettersAndTheOthersAreTaken) {
  Broker().CreateTopic(topic_, 1);
  Broker().CreateTopic(topic_ + ".dead", 1);
  const std::string good = R"({"id":1,"sku":"a","at":"2024-01-02","note":")" + Note(1) + "\"}";
  const std::string large = R"({"id":2,"note":")" + std::string(10'000'000, 'x') + "\"}";
  Broker().Write(topic_, {"hello", std::nullopt, "", good, large, R"({"id":"many"})"});
  const std::string told =
      RunToEnd(workspace_ / "ingest", Ingest({}, "&dead_letter=" + topic_ + ".dead"));
  EXPECT_THAT(told, HasSubstr("1 row added, 5 rejected"));
  EXPECT_EQ(StoredIds(), std::vector<int>{1});
}

TEST_F(Kafka, AMessageThatIsNoRowEndsARunThatPutsNoneAside) {
  Broker().CreateTopic(topic_, 1);
  Broker().Write(topic_, {"hello"});
  Program ingest(workspace_ / "ingest", Ingest({}));
  EXPECT_EQ(ingest.Wait(), 1);
  EXPECT_THAT(ingest.err(), AllOf(HasSubstr(topic_ + "/0 at 0: the message is no JSON"),
                                  HasSubstr("--rejects FILE or &dead_letter=TOPIC")));
}

TEST_F(Kafka, ATopicThatIsNotThereIsNamed) {
  Program ingest(workspace_ / "ingest", Ingest({}));
  EXPECT_EQ(ingest.Wait(), 5);
  EXPECT_THAT(ingest.err(), HasSubstr("there is no topic " + topic_));
}

}  // namespace
}  // namespace forkcast::process_test
