#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/follow/feed.hpp"
#include "data_preprocessing/kafka/dead_letters.hpp"
#include "data_preprocessing/kafka/kafka_consumer.hpp"
#include "data_preprocessing/source/ingest.hpp"
#include "data_preprocessing/source/message_reader.hpp"
#include "data_preprocessing/source/row_source.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// The table and the zone outlive the feed.
struct KafkaFeedOptions {
  KafkaUrl url;
  KafkaOptions options;  ///< Of librdkafka, from a file: secrets.
  const TableSpec& table;
  const TimeZone& zone;
  OnConflict on_conflict = OnConflict::kRefuse;
  std::filesystem::path rejects;  ///< A log of messages that are not taken; empty: none.
  /// What stands between messages and the store, such as rules; may be empty.
  std::function<std::unique_ptr<RowSource>(const TableSpec&, std::unique_ptr<RowSource>)> check;
};

/// The messages of a topic, each taken in once: how far each partition was read is a bookmark in
/// the store, moved in the transaction of the rows, and only if it still is where this feed has
/// left it. So a consumer that lost a partition without noticing commits nothing of it. A message
/// that is no row goes to the dead letters or the log of rejects; where there is neither, it keeps
/// what is behind it from coming.
class KafkaFeed final : public Feed {
 public:
  /// kInvalidArgument for options that librdkafka does not take.
  static Result<std::unique_ptr<KafkaFeed>> Open(KafkaFeedOptions options);

  Result<FeedTurn> Take(TableDao& dao, MonotonicTime now) override;
  /// Whether all messages were taken in that were there when their partitions became this
  /// consumer's.
  [[nodiscard]] bool AtEnds() const;
  /// Whether a message that is no row keeps those behind it from coming.
  [[nodiscard]] bool has_bad_message() const noexcept { return bad_turns_ > 0; }

 private:
  enum class Stored : std::uint8_t { kDone, kFenced };

  KafkaFeed(KafkaFeedOptions options, std::unique_ptr<KafkaConsumer> consumer,
            std::optional<DeadLetters> dead_letters);

  void Join(FeedTurn& turn);
  /// Reads from the store where each partition goes on.
  Status Start(TableDao& dao);
  [[nodiscard]] std::vector<KafkaMessage> Poll();
  Status Store(TableDao& dao, const std::vector<KafkaMessage>& messages, FeedTurn& turn);
  /// Within the transaction. What is wrong with a message ends up in `problem`.
  Result<Stored> Write(TableDao& dao, const std::vector<KafkaMessage>& messages,
                       IngestReport& report, std::string& problem);
  Result<Stored> MoveBookmarks(TableDao& dao, const std::map<std::int32_t, std::int64_t>& next);
  [[nodiscard]] std::string BookmarkName(std::int32_t partition) const;

  KafkaFeedOptions options_;
  std::unique_ptr<KafkaConsumer> consumer_;
  std::optional<DeadLetters> dead_letters_;
  MessageReader reader_;
  std::map<std::int32_t, std::optional<std::string>> bookmarks_;  // as this feed knows them
  std::map<std::int32_t, std::int64_t> next_;                     // offset behind what is stored
  int bad_turns_ = 0;                                             // in a row
};

}  // namespace forkcast::preprocessing
