#include "data_preprocessing/kafka/kafka_consumer.hpp"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>

namespace forkcast::preprocessing {
namespace {

struct DestroyPartitions {
  void operator()(rd_kafka_topic_partition_list_t* list) const noexcept {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, DestroyPartitions>;

PartitionList MakeList(std::size_t size) {
  return PartitionList(rd_kafka_topic_partition_list_new(static_cast<int>(size)));
}

Error FromKafka(rd_kafka_resp_err_t error, std::string_view what) {
  return {ErrorCode::kIo, fmt::format("{}: {}", what, rd_kafka_err2str(error))};
}

}  // namespace

std::int32_t KafkaMessage::partition() const noexcept { return message_->partition; }
std::int64_t KafkaMessage::offset() const noexcept { return message_->offset; }
bool KafkaMessage::is_tombstone() const noexcept { return message_->payload == nullptr; }
std::string_view KafkaMessage::value() const noexcept {
  return {static_cast<const char*>(message_->payload), message_->len};
}
std::string_view KafkaMessage::key() const noexcept {
  return {static_cast<const char*>(message_->key), message_->key_len};
}
void KafkaMessage::Destroy::operator()(rd_kafka_message_s* message) const noexcept {
  rd_kafka_message_destroy(message);
}
void KafkaConsumer::DestroyTopic::operator()(rd_kafka_topic_s* topic) const noexcept {
  rd_kafka_topic_destroy(topic);
}

Result<std::unique_ptr<KafkaConsumer>> KafkaConsumer::Open(const KafkaUrl& url,
                                                           const KafkaOptions& options) {
  KafkaOptions all{{"client.id", "forkcast"},
                   // New partitions, and a topic that is just being made, are seen soon.
                   {"topic.metadata.refresh.interval.ms", "10000"},
                   // Where messages have gone before they were read, that is not passed over.
                   {"auto.offset.reset", "error"}};
  all.insert(all.end(), options.begin(), options.end());
  all.insert(all.end(), url.options.begin(), url.options.end());
  // What the store has is what counts.
  const KafkaOptions ours{
      {"bootstrap.servers", url.brokers}, {"group.id", url.group},
      {"enable.auto.commit", "false"},    {"enable.auto.offset.store", "false"},
      {"enable.partition.eof", "true"},   {"partition.assignment.strategy", "range,roundrobin"}};
  all.insert(all.end(), ours.begin(), ours.end());
  Result<KafkaConf> conf = MakeKafkaConf(all);
  if (!conf) return std::move(conf).error();

  std::unique_ptr<KafkaConsumer> consumer(new KafkaConsumer(url));
  rd_kafka_conf_set_opaque(conf->get(), consumer.get());
  rd_kafka_conf_set_rebalance_cb(
      conf->get(),
      [](rd_kafka_t* handle, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t* partitions,
         void* self) { OnRebalance(handle, error, partitions, self); });
  rd_kafka_conf_set_error_cb(conf->get(), [](rd_kafka_t*, int error, const char* why, void* self) {
    static_cast<KafkaConsumer*>(self)->Note(error, why, RD_KAFKA_PARTITION_UA);
  });
  // Problem() tells what matters, unless somebody wants to see everything.
  if (std::ranges::find(all, "debug", &KafkaOptions::value_type::first) == all.end()) {
    rd_kafka_conf_set_log_cb(conf->get(), [](const rd_kafka_t*, int, const char*, const char*) {});
  }
  Result<KafkaHandle> handle = MakeKafkaHandle(KafkaRole::kConsumer, *std::move(conf));
  if (!handle) return std::move(handle).error();
  consumer->handle_ = *std::move(handle);
  rd_kafka_poll_set_consumer(consumer->handle_.get());
  consumer->topic_.reset(rd_kafka_topic_new(consumer->handle_.get(), url.topic.c_str(), nullptr));
  return consumer;
}

KafkaConsumer::~KafkaConsumer() {
  topic_.reset();
  if (handle_) rd_kafka_consumer_close(handle_.get());
}

Status KafkaConsumer::Join(std::chrono::milliseconds patience) {
  const rd_kafka_metadata_t* found = nullptr;
  const rd_kafka_resp_err_t asked =
      rd_kafka_metadata(handle_.get(), 0, topic_.get(), &found, static_cast<int>(patience.count()));
  if (asked != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Error{ErrorCode::kIo,
                 fmt::format("kafka: no broker of {} answers ({})", url_.brokers,
                             unreachable_.empty() ? rd_kafka_err2str(asked) : unreachable_)};
  }
  const rd_kafka_resp_err_t topic =
      found->topic_cnt == 1 ? found->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
  rd_kafka_metadata_destroy(found);
  if (topic == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("kafka: there is no topic {} on {}", url_.topic, url_.brokers)};
  }
  if (topic != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return FromKafka(topic, fmt::format("kafka: topic {}", url_.topic));
  }
  const PartitionList topics = MakeList(1);
  rd_kafka_topic_partition_list_add(topics.get(), url_.topic.c_str(), RD_KAFKA_PARTITION_UA);
  const rd_kafka_resp_err_t subscribed = rd_kafka_subscribe(handle_.get(), topics.get());
  if (subscribed != RD_KAFKA_RESP_ERR_NO_ERROR) return FromKafka(subscribed, "kafka");
  unreachable_.clear();
  has_joined_ = true;
  return {};
}

void KafkaConsumer::OnRebalance(rd_kafka_t* handle, int error,
                                rd_kafka_topic_partition_list_t* partitions, void* self) {
  auto& consumer = *static_cast<KafkaConsumer*>(self);
  consumer.partitions_.clear();
  consumer.is_assigned_ = error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
  if (consumer.is_assigned_) {
    for (int i = 0; i < partitions->cnt; ++i) {
      consumer.partitions_.push_back(partitions->elems[i].partition);
    }
  }
  consumer.needs_start_ = !consumer.partitions_.empty();
  // Those that it gets are taken over by Start(), which knows where they go on.
  if (!consumer.needs_start_) rd_kafka_assign(handle, nullptr);
}

Status KafkaConsumer::Start(const std::map<std::int32_t, std::optional<std::int64_t>>& offsets) {
  const PartitionList list = MakeList(offsets.size());
  ends_.clear();
  for (const auto& [partition, offset] : offsets) {
    rd_kafka_topic_partition_list_add(list.get(), url_.topic.c_str(), partition)->offset =
        offset.value_or(RD_KAFKA_OFFSET_BEGINNING);
    std::int64_t low = 0;
    std::int64_t high = INT64_MAX;
    constexpr int kPatienceMs = 5000;
    const rd_kafka_resp_err_t asked = rd_kafka_query_watermark_offsets(
        handle_.get(), url_.topic.c_str(), partition, &low, &high, kPatienceMs);
    ends_[partition] = asked == RD_KAFKA_RESP_ERR_NO_ERROR ? high : INT64_MAX;
  }
  const rd_kafka_resp_err_t assigned = rd_kafka_assign(handle_.get(), list.get());
  if (assigned != RD_KAFKA_RESP_ERR_NO_ERROR) return FromKafka(assigned, "kafka");
  problem_.clear();
  needs_start_ = false;
  return {};
}

std::optional<KafkaMessage> KafkaConsumer::Poll(std::chrono::milliseconds wait) {
  KafkaMessage message(rd_kafka_consumer_poll(handle_.get(), static_cast<int>(wait.count())));
  rd_kafka_message_t* const raw = message.get();
  if (raw == nullptr) return std::nullopt;
  if (raw->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    ends_[raw->partition] = 0;
    unreachable_.clear();
    return std::nullopt;
  }
  if (raw->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    Note(raw->err, rd_kafka_message_errstr(raw), raw->partition);
    return std::nullopt;
  }
  unreachable_.clear();
  if (needs_start_ || std::ranges::find(partitions_, raw->partition) == partitions_.end()) {
    return std::nullopt;
  }
  return message;
}

void KafkaConsumer::Note(int error, std::string_view text, std::int32_t partition) {
  switch (error) {
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__RESOLVE:
      unreachable_ = text;
      return;
    case RD_KAFKA_RESP_ERR__TRANSPORT:  // one of them, which is connected again
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:  // a rebalance follows
      return;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      problem_ = fmt::format(
          "kafka: {}/{}: the message that would be next is not there any more: the topic was made "
          "anew, or keeps too short. Say &auto.offset.reset=earliest to go on with the oldest",
          url_.topic, partition);
      return;
    default:
      problem_ = fmt::format("kafka: {}: {}", url_.topic, text);
  }
}

std::string KafkaConsumer::Problem() {
  // librdkafka says once that no broker is there, or not at all: of some that ended in good order,
  // and what was on its way from others comes behind it. So they are asked.
  constexpr std::chrono::seconds kBetweenQuestions{2};
  constexpr int kPatienceMs = 2000;
  constexpr int kPatienceWithAbsentMs = 500;
  const bool were_there = unreachable_.empty();
  if (!were_there || std::chrono::steady_clock::now() - asked_ >= kBetweenQuestions) {
    const rd_kafka_metadata_t* found = nullptr;
    const rd_kafka_resp_err_t answer = rd_kafka_metadata(
        handle_.get(), 0, topic_.get(), &found, were_there ? kPatienceMs : kPatienceWithAbsentMs);
    if (answer == RD_KAFKA_RESP_ERR_NO_ERROR) {
      rd_kafka_metadata_destroy(found);
      unreachable_.clear();
    } else if (were_there) {
      unreachable_ = rd_kafka_err2str(answer);
    }
    asked_ = std::chrono::steady_clock::now();
  }
  if (!unreachable_.empty()) {
    return fmt::format("kafka: no broker of {} answers ({})", url_.brokers, unreachable_);
  }
  return problem_;
}

void KafkaConsumer::TellOffsets(const std::map<std::int32_t, std::int64_t>& next) const {
  const PartitionList list = MakeList(next.size());
  for (const auto& [partition, offset] : next) {
    rd_kafka_topic_partition_list_add(list.get(), url_.topic.c_str(), partition)->offset = offset;
  }
  rd_kafka_commit(handle_.get(), list.get(), /*async=*/1);
}

std::size_t KafkaConsumer::Lag(const std::map<std::int32_t, std::int64_t>& next) const {
  std::int64_t lag = 0;
  for (const std::int32_t partition : partitions_) {
    std::int64_t low = 0;
    std::int64_t high = 0;
    const rd_kafka_resp_err_t known =
        rd_kafka_get_watermark_offsets(handle_.get(), url_.topic.c_str(), partition, &low, &high);
    if (known != RD_KAFKA_RESP_ERR_NO_ERROR || high < 0) continue;
    const auto position = next.find(partition);
    lag += std::max<std::int64_t>(high - (position == next.end() ? low : position->second), 0);
  }
  return static_cast<std::size_t>(lag);
}

bool KafkaConsumer::AtEnds(const std::map<std::int32_t, std::int64_t>& next) const {
  return std::ranges::all_of(partitions_, [&](std::int32_t partition) {
    const auto end = ends_.find(partition);
    if (end == ends_.end()) return false;
    const auto position = next.find(partition);
    return end->second <= (position == next.end() ? 0 : position->second);
  });
}

}  // namespace forkcast::preprocessing
