#include "client/topic_writer.hpp"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <array>

namespace forkcast::client {
namespace {

using ErrorText = std::array<char, 512>;

struct FreeConf {
  void operator()(rd_kafka_conf_t* conf) const noexcept { rd_kafka_conf_destroy(conf); }
};

constexpr int kPatienceMs = 10'000;
/// How long a queue that is full is waited for at a time.
constexpr int kSlice = 100;

}  // namespace

void TopicWriter::Destroy::operator()(rd_kafka_s* producer) const noexcept {
  rd_kafka_destroy(producer);
}

void TopicWriter::DestroyTopic::operator()(rd_kafka_topic_s* topic) const noexcept {
  rd_kafka_topic_destroy(topic);
}

Result<TopicWriter> TopicWriter::Open(const std::string& brokers, const std::string& topic,
                                      const Options& options) {
  std::unique_ptr<rd_kafka_conf_t, FreeConf> conf(rd_kafka_conf_new());
  Options all{{"client.id", "forkcast-client"}, {"enable.idempotence", "true"}, {"linger.ms", "5"}};
  all.insert(all.end(), options.begin(), options.end());
  all.emplace_back("bootstrap.servers", brokers);
  ErrorText why{};
  for (const auto& [name, value] : all) {
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), why.data(), why.size()) ==
        RD_KAFKA_CONF_OK) {
      continue;
    }
    // The value may be a secret, which librdkafka's words may show.
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("librdkafka knows no option \"{}\" with such a value", name), name};
  }
  TopicWriter writer(topic);
  rd_kafka_conf_set_opaque(conf.get(), writer.failed_.get());
  rd_kafka_conf_set_dr_msg_cb(conf.get(),
                              [](rd_kafka_t*, const rd_kafka_message_t* sent, void* failed) {
                                if (sent->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
                                  *static_cast<std::atomic<int>*>(failed) = sent->err;
                                }
                              });
  rd_kafka_conf_set_log_cb(conf.get(), [](const rd_kafka_t*, int, const char*, const char*) {});
  writer.producer_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf.get(), why.data(), why.size()));
  if (!writer.producer_) return Error{ErrorCode::kInvalidArgument, fmt::format("{}", why.data())};
  static_cast<void>(conf.release());  // the producer's now
  writer.topic_handle_.reset(rd_kafka_topic_new(writer.producer_.get(), topic.c_str(), nullptr));
  if (Status there = writer.CheckTopic(brokers); !there) return std::move(there).error();
  return writer;
}

Status TopicWriter::CheckTopic(const std::string& brokers) const {
  const rd_kafka_metadata_t* found = nullptr;
  const rd_kafka_resp_err_t asked =
      rd_kafka_metadata(producer_.get(), 0, topic_handle_.get(), &found, kPatienceMs);
  if (asked != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Error{ErrorCode::kIo,
                 fmt::format("no broker of {} answers: {}", brokers, rd_kafka_err2str(asked))};
  }
  const rd_kafka_resp_err_t state =
      found->topic_cnt == 1 ? found->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
  rd_kafka_metadata_destroy(found);
  if (state == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  const ErrorCode code =
      state == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ? ErrorCode::kNotFound : ErrorCode::kIo;
  return Error{code, fmt::format("topic {} on {}: {}", topic_, brokers, rd_kafka_err2str(state))};
}

Error TopicWriter::NotWritten(int code) const {
  return {ErrorCode::kIo, fmt::format("topic {}: {}", topic_,
                                      rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(code)))};
}

Status TopicWriter::Write(std::string_view key, std::string_view value) {
  while (true) {
    const bool is_sent =
        rd_kafka_produce(topic_handle_.get(), RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
                         const_cast<char*>(value.data()), value.size(),
                         key.empty() ? nullptr : key.data(), key.size(), nullptr) == 0;
    const rd_kafka_resp_err_t why = is_sent ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error();
    const bool is_full = why == RD_KAFKA_RESP_ERR__QUEUE_FULL;
    rd_kafka_poll(producer_.get(), is_full ? kSlice : 0);
    if (const int failed = failed_->load(); failed != 0) return NotWritten(failed);
    if (is_sent) return {};
    if (!is_full) return NotWritten(why);
  }
}

Status TopicWriter::Flush() {
  constexpr int kFlushPatienceMs = 60'000;
  const rd_kafka_resp_err_t flushed = rd_kafka_flush(producer_.get(), kFlushPatienceMs);
  if (flushed != RD_KAFKA_RESP_ERR_NO_ERROR) return NotWritten(flushed);
  if (const int failed = failed_->load(); failed != 0) return NotWritten(failed);
  return {};
}

}  // namespace forkcast::client
