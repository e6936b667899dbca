#include "data_preprocessing/follow/follower.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

namespace forkcast::preprocessing {
namespace {

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TurnReport Follower::Turn() {
  const MonotonicTime now = clock_.Monotonic();
  const Instant begin = clock_.Now();  // what comes while it works may not be seen
  TurnReport report;
  FeedTurn turn;
  Status done = Work(now, report, turn);
  if (done && HasAll(turn)) done = actions_.mark(begin);
  if (!done) {
    Fail(done.error(), now, report);
    return report;
  }
  failures_ = 0;
  Tell(turn.problem, report);
  status_.lag = turn.lag;
  if (turn.is_failing) {
    status_.state = FollowStatus::State::kFailing;
  } else if (turn.state == FeedState::kAbsent && status_.rows == 0) {
    status_.state = FollowStatus::State::kWaiting;
  } else {
    status_.state = FollowStatus::State::kFollowing;
  }
  if (HasAll(turn)) status_.last_success = begin;
  due_ = now + turn.pause;
  if (is_unpublished_) due_ = std::min(due_, std::max(publish_from_, now));
  return report;
}

bool Follower::HasAll(const FeedTurn& turn) const noexcept {
  const bool is_done = turn.state == FeedState::kUpToDate || turn.state == FeedState::kAbsent;
  return is_done && !turn.is_failing && !is_unpublished_;
}

Status Follower::Work(MonotonicTime now, TurnReport& report, FeedTurn& turn) {
  if (!dao_) {
    Result<std::unique_ptr<TableDao>> opened = actions_.open();
    if (!opened) return std::move(opened).error();
    dao_ = *std::move(opened);
  }
  Result<FeedTurn> taken = feed_.Take(*dao_, now);
  if (!taken) {
    is_unpublished_ = true;  // nobody knows whether a commit has gone through
    return std::move(taken).error();
  }
  turn = *std::move(taken);
  status_.rows += turn.rows;
  status_.rejected += turn.rejected;
  report.rows = turn.rows;
  report.rejected = turn.rejected;
  report.sources = turn.sources;
  is_unpublished_ |= turn.changed;
  // What has never been published may wait for the files that are about to be taken.
  const bool waits = turn.state == FeedState::kWaiting && status_.published == 0 && !turn.changed;
  if (!is_unpublished_ || waits || now < publish_from_) return {};
  return Publish(now, report);
}

Status Follower::Publish(MonotonicTime now, TurnReport& report) {
  Status published = actions_.publish(*dao_);
  if (!published) return published;
  // One that takes long leaves as much time for rows, which would else come in more slowly than
  // they are made.
  const MonotonicTime end = clock_.Monotonic();
  publish_from_ = std::max(now + every_, end + (end - now));
  is_unpublished_ = false;
  ++status_.published;
  report.is_published = true;
  return {};
}

void Follower::Fail(const Error& error, MonotonicTime now, TurnReport& report) {
  dao_.reset();  // a connection that is lost does not come back
  Tell(error.message, report);
  status_.state = FollowStatus::State::kFailing;
  due_ = now + std::min(kFirstDelay * (std::int64_t{1} << std::min(failures_, 6)), kLongestDelay);
  ++failures_;
}

void Follower::Tell(const std::string& problem, TurnReport& report) {
  const std::vector<std::string> before = Lines(status_.error);
  for (const std::string& line : Lines(problem)) {
    if (std::ranges::find(before, line) == before.end()) report.problems.push_back(line);
  }
  report.is_well_again = problem.empty() && !status_.error.empty();
  status_.error = problem;
}

}  // namespace forkcast::preprocessing
