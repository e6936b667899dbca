#include "data_preprocessing/kafka/dead_letters.hpp"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <array>
#include <utility>

#include "data_preprocessing/kafka/message_source.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr int kPatienceMs = 30'000;
/// What a topic takes unless it is told otherwise.
constexpr std::size_t kUsualMostBytes = 1'000'000;

rd_kafka_vu_t Part(rd_kafka_vtype_t type) noexcept {
  rd_kafka_vu_t part{};
  part.vtype = type;
  return part;
}

rd_kafka_vu_t Header(const char* name, std::string_view value) noexcept {
  rd_kafka_vu_t part = Part(RD_KAFKA_VTYPE_HEADER);
  part.u.header = {name, value.data(), static_cast<ssize_t>(value.size())};
  return part;
}

}  // namespace

Result<DeadLetters> DeadLetters::Open(const KafkaUrl& url, const KafkaOptions& options) {
  KafkaOptions all{{"client.id", "forkcast"}};
  all.insert(all.end(), options.begin(), options.end());
  for (const auto& option : url.options) {
    // Those of consumers mean nothing here.
    if (option.first.starts_with("security.") || option.first.starts_with("sasl.") ||
        option.first.starts_with("ssl.") || option.first.starts_with("broker.")) {
      all.push_back(option);
    }
  }
  const KafkaOptions ours{{"bootstrap.servers", url.brokers},
                          {"enable.idempotence", "true"},
                          {"message.timeout.ms", std::to_string(kPatienceMs)}};
  all.insert(all.end(), ours.begin(), ours.end());
  Result<KafkaConf> conf = MakeKafkaConf(all);
  if (!conf) return std::move(conf).error();
  DeadLetters letters(url);
  rd_kafka_conf_set_opaque(conf->get(), letters.failed_.get());
  rd_kafka_conf_set_dr_msg_cb(conf->get(),
                              [](rd_kafka_t*, const rd_kafka_message_t* sent, void* failed) {
                                if (sent->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
                                  *static_cast<std::atomic<int>*>(failed) = sent->err;
                                }
                              });
  rd_kafka_conf_set_log_cb(conf->get(), [](const rd_kafka_t*, int, const char*, const char*) {});
  Result<KafkaHandle> handle = MakeKafkaHandle(KafkaRole::kProducer, *std::move(conf));
  if (!handle) return std::move(handle).error();
  letters.handle_ = *std::move(handle);
  return letters;
}

int DeadLetters::Send(const KafkaMessage& message, std::string_view reason, bool with_value) {
  const std::string place = PlaceOfMessage(url_.topic, message);
  const std::string_view value = with_value ? message.value() : std::string_view();
  std::array<rd_kafka_vu_t, 7> parts{Part(RD_KAFKA_VTYPE_TOPIC),
                                     Part(RD_KAFKA_VTYPE_MSGFLAGS),
                                     Part(RD_KAFKA_VTYPE_KEY),
                                     Part(RD_KAFKA_VTYPE_VALUE),
                                     Header("forkcast.reason", reason),
                                     Header("forkcast.source", place),
                                     Header("forkcast.cut", with_value ? "false" : "true")};
  parts[0].u.cstr = url_.dead_letter.c_str();
  parts[1].u.i = RD_KAFKA_MSG_F_COPY;  // since a message goes with its batch
  parts[2].u.mem = {const_cast<char*>(message.key().data()), message.key().size()};
  parts[3].u.mem = {const_cast<char*>(value.data()), value.size()};
  rd_kafka_error_t* const failed = rd_kafka_produceva(handle_.get(), parts.data(), parts.size());
  if (failed == nullptr) return RD_KAFKA_RESP_ERR_NO_ERROR;
  const int code = rd_kafka_error_code(failed);
  rd_kafka_error_destroy(failed);
  return code;
}

Status DeadLetters::Add(const KafkaMessage& message, std::string_view reason) {
  const auto error = [this](int code) {
    return Error{ErrorCode::kIo,
                 fmt::format("kafka: dead letters cannot be written to {}: {}", url_.dead_letter,
                             rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(code)))};
  };
  int sent = Send(message, reason, message.value().size() < kUsualMostBytes);
  if (sent == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) sent = Send(message, reason, false);
  if (sent == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
    Status flushed = Flush();
    if (!flushed) return flushed;
    sent = Send(message, reason, message.value().size() < kUsualMostBytes);
  }
  return sent == RD_KAFKA_RESP_ERR_NO_ERROR ? Status() : error(sent);
}

Status DeadLetters::Flush() {
  const rd_kafka_resp_err_t flushed = rd_kafka_flush(handle_.get(), kPatienceMs);
  const int failed = flushed != RD_KAFKA_RESP_ERR_NO_ERROR ? flushed : failed_->exchange(0);
  if (failed == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return Error{ErrorCode::kIo,
               fmt::format("kafka: dead letters cannot be written to {}: {}", url_.dead_letter,
                           rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(failed)))};
}

}  // namespace forkcast::preprocessing
