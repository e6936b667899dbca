#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/command/command_context.hpp"
#include "data_preprocessing/commands/ingest_follow.hpp"
#include "data_preprocessing/follow/follow_status.hpp"
#include "data_preprocessing/follow/follower.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"

namespace forkcast::preprocessing {

/// What is told of turns, on the streams of `context`, which outlives it: a line where rows were
/// published or something has gone wrong or well again. Rows that came in turns before are added up
/// until then.
class TurnText {
 public:
  TurnText(TurnFormat format, const CommandContext& context) noexcept
      : format_(format), context_(context) {}

  void Tell(const TurnReport& turn, const FollowStatus& status);
  /// Warns of rows that series leave out, unless that was told before.
  void TellLeftOut(std::span<const PublishedSeries> published);

 private:
  [[nodiscard]] std::string Text(const TurnReport& turn) const;
  [[nodiscard]] std::string Json(const TurnReport& turn, const FollowStatus& status) const;

  TurnFormat format_;
  const CommandContext& context_;
  std::size_t rows_ = 0;      // since the last line
  std::size_t rejected_ = 0;  // likewise
  std::vector<std::string> left_out_;
};

}  // namespace forkcast::preprocessing
