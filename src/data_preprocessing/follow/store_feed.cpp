#include "data_preprocessing/follow/store_feed.hpp"

#include <utility>

namespace forkcast::preprocessing {

Result<FeedTurn> StoreFeed::Take(TableDao& dao, MonotonicTime /*now*/) {
  Result<std::string> mark = dao.ChangeMark();
  if (!mark) {
    mark_.reset();  // another connection counts anew
    return std::move(mark).error();
  }
  FeedTurn turn;
  turn.changed = mark_ != *mark;
  turn.pause = every_;
  mark_ = *std::move(mark);
  return turn;
}

}  // namespace forkcast::preprocessing
