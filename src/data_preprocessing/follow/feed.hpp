#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

namespace forkcast::preprocessing {

/// How much of what is there a feed has taken in.
enum class FeedState {
  kMore,      ///< There is more, or may be: to be asked again at once.
  kWaiting,   ///< There is something that cannot be taken yet, such as a file that grows.
  kUpToDate,  ///< All that is there was taken in, but for what `problem` says.
  kAbsent,    ///< Nothing is there yet.
};

/// What one turn of a feed brought.
struct FeedTurn {
  std::size_t rows = 0;      ///< Taken into the store, and committed.
  std::size_t rejected = 0;  ///< Set aside.
  bool changed = false;      ///< The store has other rows than before.
  FeedState state = FeedState::kUpToDate;
  std::vector<std::string> sources{};  ///< A line each that a person reads: "a.csv: 3 rows added".
  std::string problem{};               ///< What is wrong with the source, if anything is.
  bool is_failing = false;  ///< The problem keeps everything from coming, and not one file alone.
  std::optional<std::size_t> lag{};       ///< Messages that are there and not taken in yet.
  std::chrono::milliseconds pause{1000};  ///< When it is worth another look.
};

/// Rows that come again and again, of any kind of place. Not thread-safe.
class Feed {
 public:
  virtual ~Feed() = default;

  /// Takes in what is new, in transactions of its own: rows and what tells them from new ones
  /// together, so that each counts once, whatever is killed when. An error is one of the store: the
  /// same feed is asked again with another connection. What is wrong with the place is part of the
  /// turn. `now`: of a clock that never jumps.
  virtual Result<FeedTurn> Take(TableDao& dao, MonotonicTime now) = 0;
};

}  // namespace forkcast::preprocessing
