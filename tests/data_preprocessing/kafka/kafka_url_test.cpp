#include "data_preprocessing/kafka/kafka_url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace forkcast::preprocessing {
namespace {

using testing::HasSubstr;
using testing::Not;

struct GoodUrl {
  std::string name;
  std::string text;
  KafkaUrl url;
};

void PrintTo(const GoodUrl& url, std::ostream* out) { *out << url.text; }

class KafkaUrls : public testing::TestWithParam<GoodUrl> {};

TEST_P(KafkaUrls, AreTakenApart) {
  const Result<KafkaUrl> url = ParseKafkaUrl(GetParam().text);
  ASSERT_TRUE(url.ok()) << url.error().message;
  EXPECT_EQ(*url, GetParam().url);
}

INSTANTIATE_TEST_SUITE_P(
    Good, KafkaUrls,
    testing::Values(GoodUrl{"Least",
                            "kafka://b:9092/orders?group=g",
                            {.brokers = "b:9092", .topic = "orders", .group = "g"}},
                    GoodUrl{"SeveralBrokers",
                            "kafka://b:9092,[::1]:9093/orders.v1?group=g",
                            {.brokers = "b:9092,[::1]:9093", .topic = "orders.v1", .group = "g"}},
                    GoodUrl{
                        "Everything",
                        "kafka://b/t?group=g&table=sales&dead_letter=t.dead&format=csv&"
                        "security.protocol=SASL_SSL&client.rack=a%2fb",
                        {.brokers = "b",
                         .topic = "t",
                         .group = "g",
                         .table = "sales",
                         .dead_letter = "t.dead",
                         .format = MessageFormat::kCsv,
                         .options = {{"security.protocol", "SASL_SSL"}, {"client.rack", "a/b"}}}}),
    [](const auto& url) { return url.param.name; });

struct BadUrl {
  std::string name;
  std::string text;
  std::string message;
};

void PrintTo(const BadUrl& url, std::ostream* out) { *out << url.text; }

class BadKafkaUrls : public testing::TestWithParam<BadUrl> {};

TEST_P(BadKafkaUrls, AreRefusedWithTheReason) {
  const Result<KafkaUrl> url = ParseKafkaUrl(GetParam().text);
  ASSERT_FALSE(url.ok());
  EXPECT_EQ(url.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(url.error().message, HasSubstr(GetParam().message));
  EXPECT_THAT(url.error().message, Not(HasSubstr("secret123")));
}

INSTANTIATE_TEST_SUITE_P(
    Bad, BadKafkaUrls,
    testing::Values(BadUrl{"NoSlashes", "kafka:b/t?group=g", "this is no address of a topic"},
                    BadUrl{"NoBroker", "kafka:///t?group=g", "no broker is named"},
                    BadUrl{"NoTopic", "kafka://b?group=g", "no topic is named"},
                    BadUrl{"TopicOfTwoParts", "kafka://b/a/b?group=g", "no topic is named"},
                    BadUrl{"NoGroup", "kafka://b/t", "\"group\" is missing"},
                    BadUrl{"EmptyGroup", "kafka://b/t?group=", "\"group\" has no value"},
                    BadUrl{"Twice", "kafka://b/t?group=g&group=h", "\"group\" is given twice"},
                    BadUrl{"UnknownFormat", "kafka://b/t?group=g&format=avro",
                           "\"format\" is json or csv"},
                    BadUrl{"DeadLettersIntoTheTopic", "kafka://b/t?group=g&dead_letter=t",
                           "which would be read for ever"},
                    BadUrl{"HalfAPercent", "kafka://b/t?group=%4", "two hexadecimal digits"},
                    BadUrl{"Password", "kafka://b/t?group=g&sasl.password=secret123",
                           "name the file in FORKCAST_KAFKA_CONFIG"},
                    BadUrl{"UserInTheAddress", "kafka://me:secret123@b/t?group=g",
                           "user and password are no part"},
                    BadUrl{"WhatForkcastNeeds", "kafka://b/t?group=g&enable.auto.commit=true",
                           "\"enable.auto.commit\" is set by Forkcast itself"}),
    [](const auto& url) { return url.param.name; });

}  // namespace
}  // namespace forkcast::preprocessing
