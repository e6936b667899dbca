#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/follow/feed.hpp"
#include "data_preprocessing/follow/follow_status.hpp"

namespace forkcast::preprocessing {

/// What happened in a turn, for a person or a log.
struct TurnReport {
  std::vector<std::string> sources{};  ///< A line each: "a.csv: 3 rows added".
  std::size_t rows = 0;
  std::size_t rejected = 0;
  bool is_published = false;
  std::vector<std::string> problems{};  ///< Those that were not told before.
  bool is_well_again = false;           ///< What was wrong before is not any more.

  [[nodiscard]] bool is_empty() const noexcept {
    return sources.empty() && rows == 0 && rejected == 0 && !is_published && problems.empty() &&
           !is_well_again;
  }
};

/// What a follower does with the world.
struct FollowActions {
  /// Opens the store and makes its tables.
  std::function<Result<std::unique_ptr<TableDao>>()> open;
  /// Publishes the snapshots of what the store has.
  std::function<Status(TableDao&)> publish;
  /// Notes that all that there was at an instant is published.
  std::function<Status(Instant)> mark;
};

/// Turn after turn: rows of a feed into the store, and snapshots of what came. What goes wrong is
/// tried again, after 1 s and then twice as long each time, up to a minute. Does not wait itself,
/// and asks `clock` alone what time it is; wall time is for telling. All outlive it.
class Follower {
 public:
  /// `every`: at least so long between the beginnings of two publications; and between the end of
  /// one and the next at least as long as it took.
  Follower(Feed& feed, FollowActions actions, std::chrono::milliseconds every, const Clock& clock)
      : feed_(feed), actions_(std::move(actions)), every_(every), clock_(clock) {}

  /// One turn. Throws what the actions throw.
  TurnReport Turn();
  /// When the next one is due.
  [[nodiscard]] MonotonicTime due() const noexcept { return due_; }
  [[nodiscard]] const FollowStatus& status() const noexcept { return status_; }

  static constexpr std::chrono::milliseconds kFirstDelay{1000};
  static constexpr std::chrono::milliseconds kLongestDelay{60'000};

 private:
  /// Takes in and publishes what is to be; an error is one of the store.
  Status Work(MonotonicTime now, TurnReport& report, FeedTurn& turn);
  Status Publish(MonotonicTime now, TurnReport& report);
  /// Whether store and snapshots have all that the source had.
  [[nodiscard]] bool HasAll(const FeedTurn& turn) const noexcept;
  void Fail(const Error& error, MonotonicTime now, TurnReport& report);
  /// Notes what is wrong, and tells it unless it was wrong before.
  void Tell(const std::string& problem, TurnReport& report);

  Feed& feed_;
  FollowActions actions_;
  std::chrono::milliseconds every_;
  const Clock& clock_;

  std::unique_ptr<TableDao> dao_;  // null: to be opened
  FollowStatus status_;
  MonotonicTime due_{};
  MonotonicTime publish_from_{};  // when a publication may be next
  bool is_unpublished_ = true;    // who was here before may have been killed between the two
  int failures_ = 0;              // in a row
};

}  // namespace forkcast::preprocessing
