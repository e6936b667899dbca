#include "data_preprocessing/kafka/kafka_feed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "data_preprocessing/kafka/message_source.hpp"
#include "data_preprocessing/source/describe_report.hpp"
#include "data_preprocessing/source/rejects.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

/// Of one transaction: enough to make its own cost small, and a fraction of a second.
constexpr std::size_t kMostMessages = 20'000;
constexpr std::size_t kMostBytes = std::size_t{32} << 20U;
constexpr std::chrono::milliseconds kLongestPoll{100};
constexpr std::chrono::milliseconds kJoinPatience{5000};
constexpr std::chrono::milliseconds kFirstPause{1000};
constexpr std::chrono::milliseconds kLongestPause{60'000};
/// Of a message in the log of rejects.
constexpr std::size_t kMostText = std::size_t{64} << 10U;

/// Puts messages where they belong that are no rows; a place is one among those at hand.
class MessageRejects final : public RejectSink {
 public:
  MessageRejects(const std::string& topic, const std::vector<KafkaMessage>& messages,
                 DeadLetters* dead_letters, Rejects* log) noexcept
      : topic_(topic), messages_(messages), dead_letters_(dead_letters), log_(log) {}

  Status Add(std::string_view /*source*/, const RejectedRecord& row) override {
    const KafkaMessage& message = messages_[row.line];
    if (dead_letters_ != nullptr) {
      Status sent = dead_letters_->Add(message, row.reason);
      if (!sent) return sent;
    }
    if (log_ == nullptr) return {};
    return log_->Add(fmt::format("{}{}/{}", kKafkaScheme, topic_, message.partition()),
                     {.line = static_cast<std::size_t>(message.offset()),
                      .reason = row.reason,
                      .text = row.text.substr(0, kMostText)});
  }

  /// To be called before the store commits.
  Status Commit() {
    Status done = dead_letters_ != nullptr ? dead_letters_->Flush() : Status();
    return done && log_ != nullptr ? log_->Commit() : done;
  }

 private:
  const std::string& topic_;
  const std::vector<KafkaMessage>& messages_;
  DeadLetters* dead_letters_;
  Rejects* log_;
};

std::map<std::int32_t, std::int64_t> NextOffsets(const std::vector<KafkaMessage>& messages) {
  std::map<std::int32_t, std::int64_t> next;
  for (const KafkaMessage& message : messages) next[message.partition()] = message.offset() + 1;
  return next;
}

}  // namespace

Result<std::unique_ptr<KafkaFeed>> KafkaFeed::Open(KafkaFeedOptions options) {
  Result<std::unique_ptr<KafkaConsumer>> consumer =
      KafkaConsumer::Open(options.url, options.options);
  if (!consumer) return std::move(consumer).error();
  std::optional<DeadLetters> dead_letters;
  if (!options.url.dead_letter.empty()) {
    Result<DeadLetters> opened = DeadLetters::Open(options.url, options.options);
    if (!opened) return std::move(opened).error();
    dead_letters.emplace(*std::move(opened));
  }
  return std::unique_ptr<KafkaFeed>(
      new KafkaFeed(std::move(options), *std::move(consumer), std::move(dead_letters)));
}

KafkaFeed::KafkaFeed(KafkaFeedOptions options, std::unique_ptr<KafkaConsumer> consumer,
                     std::optional<DeadLetters> dead_letters)
    : options_(std::move(options)),
      consumer_(std::move(consumer)),
      dead_letters_(std::move(dead_letters)),
      reader_(options_.table, options_.zone, options_.url.format) {}

std::string KafkaFeed::BookmarkName(std::int32_t partition) const {
  return fmt::format("{}{}/{}", kKafkaScheme, options_.url.topic, partition);
}

Result<FeedTurn> KafkaFeed::Take(TableDao& dao, MonotonicTime /*now*/) {
  FeedTurn turn{.pause = std::chrono::milliseconds(0)};
  if (!consumer_->has_joined()) Join(turn);
  if (turn.is_failing) return turn;
  const std::vector<KafkaMessage> messages = Poll();
  if (consumer_->needs_start()) {
    // What came before is of no more use: it may be another one's by now.
    if (Status started = Start(dao); !started) return std::move(started).error();
  } else if (!messages.empty()) {
    Status stored = Store(dao, messages, turn);
    if (!stored) {
      // Whether the store has committed, it alone knows.
      consumer_->Stop();
      dao.Rollback();
      return std::move(stored).error();
    }
  }
  if (turn.problem.empty()) {
    turn.problem = consumer_->Problem();
    turn.is_failing = !turn.problem.empty();
  }
  turn.lag = consumer_->Lag(next_);
  turn.state = *turn.lag > 0 ? FeedState::kMore : FeedState::kUpToDate;
  return turn;
}

void KafkaFeed::Join(FeedTurn& turn) {
  const Status joined = consumer_->Join(kJoinPatience);
  if (joined) return;
  turn.problem = joined.error().message;
  turn.is_failing = true;
  turn.state = FeedState::kAbsent;
  turn.pause = kFirstPause;
}

Status KafkaFeed::Start(TableDao& dao) {
  std::map<std::int32_t, std::optional<std::int64_t>> offsets;
  bookmarks_.clear();
  next_.clear();
  for (const std::int32_t partition : consumer_->partitions()) {
    Result<std::optional<std::string>> bookmark =
        dao.BookmarkOf(options_.table.name, BookmarkName(partition));
    if (!bookmark) return std::move(bookmark).error();
    offsets[partition] = std::nullopt;
    if (*bookmark) {
      const Result<std::int64_t> offset = ParseInt64(**bookmark);
      if (!offset) return offset.error();
      offsets[partition] = *offset;
      next_[partition] = *offset;
    }
    bookmarks_[partition] = *std::move(bookmark);
  }
  return consumer_->Start(offsets);
}

std::vector<KafkaMessage> KafkaFeed::Poll() {
  std::vector<KafkaMessage> messages;
  std::size_t bytes = 0;
  const auto deadline = std::chrono::steady_clock::now() + kLongestPoll;
  while (messages.size() < kMostMessages && bytes < kMostBytes && !consumer_->needs_start()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) break;
    std::optional<KafkaMessage> message = consumer_->Poll(left);
    if (!message) continue;
    bytes += message->value().size();
    messages.push_back(*std::move(message));
  }
  // Partitions that went while these came are another one's.
  const std::vector<std::int32_t>& ours = consumer_->partitions();
  std::erase_if(messages, [&ours](const KafkaMessage& message) {
    return std::ranges::find(ours, message.partition()) == ours.end();
  });
  return messages;
}

Status KafkaFeed::Store(TableDao& dao, const std::vector<KafkaMessage>& messages, FeedTurn& turn) {
  IngestReport report;
  std::string problem;
  if (Status begun = dao.Begin(); !begun) return begun;
  const Result<Stored> stored = Write(dao, messages, report, problem);
  if (!stored) return stored.error();
  if (*stored == Stored::kFenced || !problem.empty()) {
    dao.Rollback();
    consumer_->Stop();
    if (problem.empty()) return {};
    turn.problem = std::move(problem);
    turn.is_failing = true;
    turn.pause =
        std::min(kFirstPause * (std::int64_t{1} << std::min(bad_turns_++, 6)), kLongestPause);
    return {};
  }
  if (Status committed = dao.Commit(); !committed) return committed;
  bad_turns_ = 0;
  const std::map<std::int32_t, std::int64_t> next = NextOffsets(messages);
  for (const auto& [partition, offset] : next) {
    next_[partition] = offset;
    bookmarks_[partition] = std::to_string(offset);
  }
  consumer_->TellOffsets(next);
  turn.rows = report.counts.added + report.counts.replaced;
  turn.rejected = report.rejected;
  turn.changed = turn.rows > 0;
  turn.sources.push_back(DescribeReport(report));
  return {};
}

Result<KafkaFeed::Stored> KafkaFeed::Write(TableDao& dao, const std::vector<KafkaMessage>& messages,
                                           IngestReport& report, std::string& problem) {
  // First of all: the rows of one who is too late are not worth the work.
  const Result<Stored> moved = MoveBookmarks(dao, NextOffsets(messages));
  if (!moved || *moved == Stored::kFenced) return moved;
  if (Status kept = KeepZone(dao, options_.table, options_.zone); !kept)
    return std::move(kept).error();
  std::optional<Rejects> log;
  if (!options_.rejects.empty()) {
    Result<Rejects> opened = Rejects::OpenLog(options_.rejects, {.share = 1});
    if (!opened) return std::move(opened).error();
    log.emplace(*std::move(opened));
  }
  MessageRejects rejects(options_.url.topic, messages, dead_letters_ ? &*dead_letters_ : nullptr,
                         log ? &*log : nullptr);
  const bool takes_rejects = dead_letters_ || log;
  std::unique_ptr<RowSource> source =
      std::make_unique<MessageSource>(options_.url.topic, messages, reader_);
  if (options_.check) source = options_.check(options_.table, std::move(source));
  Result<IngestReport> done =
      IngestRows(dao, options_.table, *source, {.on_conflict = options_.on_conflict},
                 takes_rejects ? &rejects : nullptr);
  if (!done && done.error().code != ErrorCode::kIo) {
    problem = fmt::format("kafka: {}{}", done.error().message,
                          takes_rejects ? ""
                                        : "; nothing behind it is taken. --rejects FILE or "
                                          "&dead_letter=TOPIC would set such messages aside");
    return Stored::kDone;
  }
  if (!done) return std::move(done).error();
  report = *std::move(done);
  if (Status committed = takes_rejects ? rejects.Commit() : Status(); !committed) {
    return std::move(committed).error();
  }
  return Stored::kDone;
}

Result<KafkaFeed::Stored> KafkaFeed::MoveBookmarks(
    TableDao& dao, const std::map<std::int32_t, std::int64_t>& next) {
  for (const auto& [partition, offset] : next) {
    const Result<bool> moved = dao.MoveBookmark(options_.table.name, BookmarkName(partition),
                                                bookmarks_[partition], std::to_string(offset));
    if (!moved) return moved.error();
    if (!*moved) return Stored::kFenced;
  }
  return Stored::kDone;
}

bool KafkaFeed::AtEnds() const {
  return consumer_->is_assigned() && !consumer_->needs_start() && consumer_->AtEnds(next_);
}

}  // namespace forkcast::preprocessing
