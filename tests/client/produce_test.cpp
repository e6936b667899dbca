#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <chrono>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "client/moved_dates.hpp"
#include "client/produce_command.hpp"
#include "support/stopping_clock.hpp"
#include "support/test_files.hpp"

namespace forkcast::client {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

struct Date {
  std::string name;
  std::string text;
  std::string moved;  ///< By 366 days; empty: it is no date.
};

void PrintTo(const Date& date, std::ostream* out) { *out << date.text; }

class Dates : public testing::TestWithParam<Date> {};

TEST_P(Dates, AreMovedWithTheirTimeOfDay) {
  ASSERT_EQ(DateOf(GetParam().text).has_value(), !GetParam().moved.empty());
  if (GetParam().moved.empty()) return;
  EXPECT_EQ(Moved(GetParam().text, std::chrono::days(366)), GetParam().moved);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Dates,
    testing::Values(Date{"DateAlone", "2023-12-31", "2024-12-31"},
                    Date{"WithATime", "2024-02-29T12:00:00Z", "2025-03-01T12:00:00Z"},
                    Date{"WithABlank", "2024-01-01 00:00:01", "2025-01-01 00:00:01"},
                    Date{"NoSuchDay", "2023-02-29", ""}, Date{"TooShort", "2023-02", ""},
                    Date{"OtherOrder", "31.12.2023", ""}, Date{"Nothing", "", ""}),
    [](const auto& date) { return date.param.name; });

/// A broker within this process, with a topic of one partition.
class Produce : public testing::Test {
 protected:
  Produce() {
    rd_kafka_conf_t* const conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", "127.0.0.1:1", nullptr, 0);
    rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
    owner_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
    cluster_ = rd_kafka_mock_cluster_new(owner_, 1);
    rd_kafka_mock_topic_create(cluster_, "sales", 1, 1);
  }
  ~Produce() override {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(owner_);
  }

  struct Ended {
    int code = 0;
    std::string out;
    std::string err;
  };
  Ended Run(std::vector<std::string> more, std::string_view rows) {
    std::vector<std::string> words{"--input",   folder_.Write("rows.csv", rows),
                                   "--brokers", rd_kafka_mock_cluster_bootstraps(cluster_),
                                   "--topic",   "sales"};
    words.insert(words.end(), more.begin(), more.end());
    std::ostringstream out;
    std::ostringstream err;
    const ActingClock clock(0, [] {});  // on 2026-11-29
    const int code =
        preprocessing::RunCommand(ProduceCommand(), words,
                                  {.environment = [](const char*) { return std::nullopt; },
                                   .out = out,
                                   .err = err,
                                   .clock = clock,
                                   .program = "forkcast-client"});
    return {code, out.str(), err.str()};
  }
  /// The first messages of the topic, each with its key in front.
  [[nodiscard]] std::vector<std::string> Messages(std::size_t count) const {
    rd_kafka_conf_t* const conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster_),
                      nullptr, 0);
    rd_kafka_t* const consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, nullptr, 0);
    rd_kafka_topic_t* const topic = rd_kafka_topic_new(consumer, "sales", nullptr);
    rd_kafka_consume_start(topic, 0, RD_KAFKA_OFFSET_BEGINNING);
    std::vector<std::string> messages;
    while (messages.size() < count) {
      constexpr int kPatienceMs = 30'000;
      rd_kafka_message_t* const message = rd_kafka_consume(topic, 0, kPatienceMs);
      if (message == nullptr || message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        ADD_FAILURE() << "only " << messages.size() << " messages";
        break;
      }
      messages.push_back(std::string(static_cast<const char*>(message->key), message->key_len) +
                         " " +
                         std::string(static_cast<const char*>(message->payload), message->len));
      rd_kafka_message_destroy(message);
    }
    rd_kafka_consume_stop(topic, 0);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(consumer);
    return messages;
  }

  preprocessing::TempFolder folder_;
  rd_kafka_t* owner_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
};

TEST_F(Produce, SendsEachRowAsAnObjectOfTexts) {
  const Ended ended = Run({"--key", "sku"}, "sku,count,note\n007,1,\n8,2,\"a \"\"b\"\"\"\n");
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("2 messages in "));
  EXPECT_THAT(Messages(2), ElementsAre(R"(007 {"sku":"007","count":"1","note":null})",
                                       R"(8 {"sku":"8","count":"2","note":"a \"b\""})"));
}

TEST_F(Produce, MovesDatesSoThatTheNewestIsToday) {
  const Ended ended = Run({"--today", "at"}, "at\n2024-01-09 10:00:00\n2024-01-11\n2024-01-10\n");
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(Messages(3), ElementsAre(R"( {"at":"2026-11-27 10:00:00"})",
                                       R"( {"at":"2026-11-29"})", R"( {"at":"2026-11-28"})"));
}

TEST_F(Produce, AColumnWithoutDatesCannotBeMoved) {
  const Ended ended = Run({"--today", "at"}, "at\nyesterday\n");
  EXPECT_EQ(ended.code, 1);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("column \"at\""), HasSubstr("got \"yesterday\"")));
}

TEST_F(Produce, AColumnThatIsNotThereIsNamed) {
  const Ended ended = Run({"--key", "store"}, "sku\n007\n");
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr("the file has no column \"store\""));
}

TEST_F(Produce, AnOptionThatIsNoneIsNamed) {
  const Ended ended = Run({"--option", "linger=secret123"}, "sku\n007\n");
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("\"linger\""), testing::Not(HasSubstr("secret123"))));
}

}  // namespace
}  // namespace forkcast::client
