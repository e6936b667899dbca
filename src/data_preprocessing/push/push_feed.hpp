#pragma once

#include <memory>
#include <optional>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/follow/feed.hpp"
#include "data_preprocessing/push/push_desk.hpp"

namespace forkcast::preprocessing {

/// What callers bring, before what another feed has: requests on a socket are answered one after
/// the other, the feed is asked when it is due.
class PushFeed final : public Feed {
 public:
  /// So many requests are answered before anything else is done.
  static constexpr int kMostOfATurn = 32;

  /// `clock` outlives it: wall time.
  PushFeed(Fd socket, PushDesk desk, std::unique_ptr<Feed> other, const Clock& clock);

  Result<FeedTurn> Take(TableDao& dao, MonotonicTime now) override;
  /// Answers all who wait that the store is not to be had.
  void RefuseAll();
  /// Readable when somebody asks.
  [[nodiscard]] int socket() const noexcept { return socket_.get(); }

 private:
  /// Whether there may be more.
  Result<bool> AnswerOne(TableDao& dao, FeedTurn& turn);
  Status AskOther(TableDao& dao, MonotonicTime now);

  Fd socket_;
  PushDesk desk_;
  std::unique_ptr<Feed> other_;
  const Clock& clock_;
  FeedTurn last_;  // of the other one
  MonotonicTime other_due_{};
  std::optional<Error> failed_;  // to be told in the next turn: this one had something to tell
};

}  // namespace forkcast::preprocessing
