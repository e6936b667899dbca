#include "data_preprocessing/push/push_feed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace forkcast::preprocessing {
namespace {

PushReply NoStore() {
  return {.error = Error{ErrorCode::kNotReady,
                         "the store takes no rows at present; what was sent may have been stored: "
                         "send it again, with the same Idempotency-Key"}};
}

}  // namespace

PushFeed::PushFeed(Fd socket, PushDesk desk, std::unique_ptr<Feed> other, const Clock& clock)
    : socket_(std::move(socket)), desk_(std::move(desk)), other_(std::move(other)), clock_(clock) {}

Result<FeedTurn> PushFeed::Take(TableDao& dao, MonotonicTime now) {
  if (failed_) return *std::exchange(failed_, std::nullopt);
  FeedTurn turn;
  bool more = true;
  for (int i = 0; more && i < kMostOfATurn; ++i) {
    Result<bool> answered = AnswerOne(dao, turn);
    if (!answered) {
      if (!turn.changed) return std::move(answered).error();
      failed_ = std::move(answered).error();
      turn.state = FeedState::kMore;
      turn.pause = std::chrono::milliseconds(0);
      return turn;
    }
    more = *answered;
  }
  if (now >= other_due_) {
    Status asked = AskOther(dao, now);
    if (!asked) {
      if (!turn.changed) return std::move(asked).error();
      failed_ = std::move(asked).error();
    }
  }
  turn.rows += last_.rows;
  turn.rejected += last_.rejected;
  turn.changed |= last_.changed;
  std::ranges::move(last_.sources, std::back_inserter(turn.sources));
  turn.state = last_.state;
  turn.problem = last_.problem;
  turn.is_failing = last_.is_failing;
  turn.lag = last_.lag;
  last_.rows = 0;
  last_.rejected = 0;
  last_.changed = false;
  last_.sources.clear();
  const auto pause = std::chrono::ceil<std::chrono::milliseconds>(other_due_ - now);
  turn.pause = more || failed_ ? std::chrono::milliseconds(0)
                               : std::max(pause, std::chrono::milliseconds(0));
  return turn;
}

Status PushFeed::AskOther(TableDao& dao, MonotonicTime now) {
  Result<FeedTurn> turn = other_->Take(dao, now);
  if (!turn) return std::move(turn).error();
  last_ = *std::move(turn);
  other_due_ = now + last_.pause;
  return {};
}

Result<bool> PushFeed::AnswerOne(TableDao& dao, FeedTurn& turn) {
  const std::optional<ReceivedPush> asked = ReceivePush(socket_.get());
  if (!asked) return false;
  // Whoever gave up was told that it may have been stored, and sends it again.
  if (!asked->is_waited_for()) return true;
  const Result<std::string> body = ReadBody(asked->body.get());
  const Result<PushReply> reply =
      body ? desk_.Answer(dao, asked->request, *body, clock_.Now()) : body.error();
  if (!reply) {
    dao.Rollback();
    asked->Answer(NoStore());
    return reply.error();
  }
  asked->Answer(*reply);
  turn.rejected += reply->left_out;
  if (reply->rows == 0) return true;
  turn.rows += reply->rows;
  turn.changed = true;
  turn.sources.push_back(fmt::format("pushed: {} rows", reply->rows));
  return true;
}

void PushFeed::RefuseAll() {
  while (const std::optional<ReceivedPush> asked = ReceivePush(socket_.get())) {
    asked->Answer(NoStore());
  }
}

}  // namespace forkcast::preprocessing
