#include "data_preprocessing/kafka/kafka_feed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const TableSpec kSales{
    .name = "sales", .schema = {{{.name = "sku", .type = ColumnType::kText}}}, .key = {}};
const TableSpec kPrices{.name = "prices",
                        .schema = {{{.name = "sku", .type = ColumnType::kText},
                                    {.name = "cents", .type = ColumnType::kInt64}}},
                        .key = {"sku"}};

/// One broker within this process, which speaks Kafka's protocol at a port.
class Cluster {
 public:
  Cluster() {
    producer_ = Producer("127.0.0.1:1");  // which it never asks
    cluster_ = Require(rd_kafka_mock_cluster_new(producer_, 1));
    writer_ = Producer(brokers());
    rd_kafka_mock_topic_create(cluster_, "sales", 1, 1);
    rd_kafka_mock_topic_create(cluster_, "dead", 1, 1);
  }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;
  ~Cluster() {
    rd_kafka_destroy(writer_);
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(producer_);
  }

  [[nodiscard]] std::string brokers() const { return rd_kafka_mock_cluster_bootstraps(cluster_); }
  /// None: a message without value.
  void Write(std::optional<std::string> value) {
    rd_kafka_topic_t* const topic = rd_kafka_topic_new(writer_, "sales", nullptr);
    EXPECT_EQ(rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, value ? value->data() : nullptr,
                               value ? value->size() : 0, nullptr, 0, nullptr),
              0);
    EXPECT_EQ(rd_kafka_flush(writer_, 30'000), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_destroy(topic);
  }
  void End() { rd_kafka_mock_broker_set_down(cluster_, kBroker); }
  void ComeBack() { rd_kafka_mock_broker_set_up(cluster_, kBroker); }
  /// Connections stay; answers take so long.
  void AnswerAfter(std::chrono::milliseconds pause) {
    rd_kafka_mock_broker_set_rtt(cluster_, kBroker, static_cast<int>(pause.count()));
  }

 private:
  static constexpr int kBroker = 1;

  template <typename T>
  static T* Require(T* made) {
    if (made == nullptr) throw std::runtime_error("no cluster");
    return made;
  }

  static rd_kafka_t* Producer(const std::string& brokers) {
    rd_kafka_conf_t* const conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers.c_str(), nullptr, 0);
    rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
    return Require(rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0));
  }

  rd_kafka_t* producer_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
  rd_kafka_t* writer_ = nullptr;
};

class KafkaFeeds : public testing::Test {
 protected:
  KafkaFeeds() { EXPECT_TRUE(dao_->EnsureTable(kSales).ok()); }

  [[nodiscard]] std::unique_ptr<TableDao> OpenDao() const {
    return OpenStore("sqlite:" + (folder_.path() / "s.db").string(), StoreAccess::kReadWriteCreate)
        .value();
  }
  /// Each in a group of its own, since a group waits for its dead.
  [[nodiscard]] std::unique_ptr<KafkaFeed> Feed(const TableSpec& table = kSales,
                                                const std::string& more = "",
                                                const std::string& topic = "sales") const {
    return KafkaFeed::Open({.url = *ParseKafkaUrl("kafka://" + cluster_.brokers() + "/" + topic +
                                                  "?group=g" + std::to_string(++groups_) + more),
                            .options = {},
                            .table = table,
                            .zone = zone_,
                            .rejects = rejects_,
                            .check = {}})
        .value();
  }
  /// Turns until `ends` says so of one.
  FeedTurn TakeUntil(KafkaFeed& feed, const std::function<bool(const FeedTurn&)>& ends) {
    FeedTurn sum;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < deadline) {
      Result<FeedTurn> turn = feed.Take(*dao_, std::chrono::steady_clock::now());
      EXPECT_TRUE(turn.ok()) << turn.error().message;
      if (!turn) break;
      sum.rows += turn->rows;
      sum.rejected += turn->rejected;
      sum.problem = turn->problem;
      sum.lag = turn->lag;
      if (ends(*turn)) return sum;
    }
    ADD_FAILURE() << "never: " << sum.problem;
    return sum;
  }
  FeedTurn TakeToTheEnd(KafkaFeed& feed) {
    return TakeUntil(feed, [&](const FeedTurn&) { return feed.AtEnds(); });
  }
  FeedTurn TakeUntilProblem(KafkaFeed& feed) {
    return TakeUntil(feed, [](const FeedTurn& turn) { return !turn.problem.empty(); });
  }
  void WriteSkus(const std::vector<std::string>& skus) {
    for (const std::string& sku : skus) cluster_.Write(R"({"sku":")" + sku + R"("})");
  }
  std::vector<std::string> Stored(const TableSpec& table = kSales) {
    std::vector<std::string> rows;
    const Status read =
        dao_->Read(TableSource{table.name}, table.schema, {}, 100, [&rows](const Table& batch) {
          for (std::string& row : Rows(batch)) rows.push_back(std::move(row));
          return Status();
        });
    EXPECT_TRUE(read.ok());
    return rows;
  }
  std::optional<std::string> Bookmark() { return *dao_->BookmarkOf("sales", "kafka:sales/0"); }

  TempFolder folder_;
  TimeZone zone_;
  mutable int groups_ = 0;
  std::filesystem::path rejects_;
  Cluster cluster_;
  std::unique_ptr<TableDao> dao_ = OpenDao();
};

TEST_F(KafkaFeeds, TakesMessagesAndKeepsWhereItIs) {
  WriteSkus({"007", "8"});
  const auto feed = Feed();
  EXPECT_EQ(TakeToTheEnd(*feed).rows, 2U);
  EXPECT_THAT(Stored(), ElementsAre("'007'", "'8'"));
  EXPECT_EQ(Bookmark(), "2");
}

TEST_F(KafkaFeeds, TheNextConsumerGoesOnWhereTheStoreSays) {
  WriteSkus({"a", "b"});
  EXPECT_EQ(TakeToTheEnd(*Feed()).rows, 2U);
  WriteSkus({"c"});
  EXPECT_EQ(TakeToTheEnd(*Feed()).rows, 1U);
  EXPECT_THAT(Stored(), ElementsAre("'a'", "'b'", "'c'"));
}

TEST_F(KafkaFeeds, OneThatLostItsPartitionWithoutNoticingCommitsNothing) {
  WriteSkus({"a"});
  const auto feed = Feed();
  TakeToTheEnd(*feed);
  // As if another consumer had taken the next two.
  WriteSkus({"b", "c", "d"});
  ASSERT_TRUE(*OpenDao()->MoveBookmark("sales", "kafka:sales/0", "1", "3"));
  TakeUntil(*feed, [this](const FeedTurn&) { return Bookmark() == "4"; });
  EXPECT_THAT(Stored(), ElementsAre("'a'", "'d'"));
}

TEST_F(KafkaFeeds, AStoreThatFailsTakesTheSameMessagesLater) {
  WriteSkus({"a"});
  const auto feed = Feed();
  TakeToTheEnd(*feed);
  WriteSkus({"b"});
  const auto other = OpenDao();
  ASSERT_TRUE(other->Begin().ok());
  while (true) {
    const Result<FeedTurn> turn = feed->Take(*dao_, {});
    if (turn) continue;
    EXPECT_THAT(turn.error().message, HasSubstr("locked"));
    break;
  }
  other->Rollback();
  dao_ = OpenDao();
  TakeUntil(*feed, [this](const FeedTurn&) { return Bookmark() == "2"; });
  EXPECT_THAT(Stored(), ElementsAre("'a'", "'b'"));
}

TEST_F(KafkaFeeds, AMessageThatIsNoRowKeepsThoseBehindItFromComing) {
  cluster_.Write("hello");
  WriteSkus({"a"});
  const auto feed = Feed();
  EXPECT_THAT(TakeUntilProblem(*feed).problem,
              testing::AllOf(HasSubstr("sales/0 at 0: the message is no JSON"),
                             HasSubstr("dead_letter=TOPIC")));
  EXPECT_TRUE(feed->has_bad_message());
  EXPECT_THAT(Stored(), IsEmpty());
}

TEST_F(KafkaFeeds, MessagesThatAreNoRowsGoToTheLogOfRejects) {
  rejects_ = folder_.path() / "rejects.csv";
  cluster_.Write("hello");
  WriteSkus({"a"});
  cluster_.Write(std::nullopt);
  cluster_.Write("");
  const FeedTurn turn = TakeToTheEnd(*Feed());
  EXPECT_EQ(turn.rejected, 3U);
  EXPECT_THAT(Stored(), ElementsAre("'a'"));
  EXPECT_THAT(ReadWhole(rejects_),
              testing::AllOf(HasSubstr("\"kafka:sales/0\",0,\"the message is no JSON"),
                             HasSubstr("\"kafka:sales/0\",2,\"the message has no value"),
                             HasSubstr("\"kafka:sales/0\",3,")));
}

TEST_F(KafkaFeeds, MessagesThatAreNoRowsGoToTheDeadLetters) {
  cluster_.Write("hello");
  WriteSkus({"a"});
  EXPECT_EQ(TakeToTheEnd(*Feed(kSales, "&dead_letter=dead")).rejected, 1U);
  EXPECT_THAT(Stored(), ElementsAre("'a'"));
  // What went there is a message like any other.
  const TableSpec dead{
      .name = "dead", .schema = {{{.name = "line", .type = ColumnType::kText}}}, .key = {}};
  EXPECT_EQ(TakeToTheEnd(*Feed(dead, "&format=csv", "dead")).rows, 1U);
  EXPECT_THAT(Stored(dead), ElementsAre("'hello'"));
}

TEST_F(KafkaFeeds, ARowThatContradictsAStoredOneIsRejectedLikeABadMessage) {
  rejects_ = folder_.path() / "rejects.csv";
  cluster_.Write(R"({"sku":"a","cents":1})");
  cluster_.Write(R"({"sku":"a","cents":2})");
  const FeedTurn turn = TakeToTheEnd(*Feed(kPrices));
  EXPECT_EQ(turn.rows, 1U);
  EXPECT_EQ(turn.rejected, 1U);
  EXPECT_THAT(Stored(kPrices), ElementsAre("'a' 1"));
  EXPECT_THAT(ReadWhole(rejects_), HasSubstr("\"kafka:sales/0\",1,"));
}

TEST_F(KafkaFeeds, TellsHowFarItIsBehind) {
  const auto feed = Feed();
  WriteSkus({"a", "b", "c"});
  EXPECT_EQ(TakeToTheEnd(*feed).lag, 0U);
}

TEST_F(KafkaFeeds, ABrokerThatIsNotThereIsToldAndWaitedFor) {
  const auto feed = KafkaFeed::Open({.url = *ParseKafkaUrl("kafka://127.0.0.1:1/sales?group=g"),
                                     .options = {},
                                     .table = kSales,
                                     .zone = zone_,
                                     .rejects = {},
                                     .check = {}})
                        .value();
  const FeedTurn turn = feed->Take(*dao_, {}).value();
  EXPECT_TRUE(turn.is_failing);
  EXPECT_EQ(turn.state, FeedState::kAbsent);
  EXPECT_THAT(turn.problem, HasSubstr("no broker of 127.0.0.1:1 answers"));
}

TEST_F(KafkaFeeds, ABrokerThatEndsIsToldUntilItIsBack) {
  const auto feed = Feed();
  WriteSkus({"a"});
  TakeToTheEnd(*feed);
  cluster_.End();
  EXPECT_THAT(TakeUntilProblem(*feed).problem, HasSubstr("no broker of"));
  cluster_.ComeBack();
  TakeUntil(*feed, [](const FeedTurn& turn) { return turn.problem.empty(); });
  WriteSkus({"b"});
  TakeUntil(*feed, [](const FeedTurn& turn) { return turn.rows > 0; });
  EXPECT_THAT(Stored(), ElementsAre("'a'", "'b'"));
}

TEST_F(KafkaFeeds, ABrokerThatHangsIsToldThoughNoConnectionIsClosed) {
  const auto feed = Feed();
  WriteSkus({"a"});
  TakeToTheEnd(*feed);
  cluster_.AnswerAfter(std::chrono::seconds(5));
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_THAT(TakeUntilProblem(*feed).problem, HasSubstr("no broker of"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(30));
  cluster_.AnswerAfter(std::chrono::milliseconds(0));
  TakeUntil(*feed, [](const FeedTurn& turn) { return turn.problem.empty(); });
}

TEST_F(KafkaFeeds, AnOptionThatLibrdkafkaDoesNotKnowIsNamedWithoutItsValue) {
  const auto feed =
      KafkaFeed::Open({.url = *ParseKafkaUrl("kafka://b/sales?group=g&session.timeout=secret123"),
                       .options = {},
                       .table = kSales,
                       .zone = zone_,
                       .rejects = {},
                       .check = {}});
  ASSERT_FALSE(feed.ok());
  EXPECT_EQ(feed.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(feed.error().message,
              testing::AllOf(HasSubstr("session.timeout"), testing::Not(HasSubstr("secret123"))));
}

}  // namespace
}  // namespace forkcast::preprocessing
