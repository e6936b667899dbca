#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "data_preprocessing/base/clock.hpp"

namespace forkcast::serving {

/// Which rows are sent to a remote model together: those of several requests that wait at the same
/// time, as Triton's dynamic batcher does it. A batch is due when it is full or its first row has
/// waited long enough; while every connection is busy others join, so that batches grow with the
/// load even where nobody is told to wait. `Piece` has `rows` and `since`, and `is_dead()` once
/// nobody waits for it. First come, first served; a piece is never cut. Pure: times are passed in.
template <typename Piece>
class BatchQueue {
 public:
  struct Rules {
    std::size_t max_rows = 64;  ///< Of a batch; no piece has more.
    std::chrono::microseconds max_delay{0};
  };
  using Batch = std::vector<Piece>;

  explicit BatchQueue(Rules rules) : rules_(rules) {}

  [[nodiscard]] bool empty() const noexcept { return pieces_.empty(); }
  /// That wait, those of dead pieces included until they are met.
  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }

  void Add(Piece piece) {
    rows_ += piece.rows();
    pieces_.push_back(std::move(piece));
  }

  /// When the next batch is due, as it is now; none: nothing waits.
  [[nodiscard]] std::optional<MonotonicTime> due() {
    DropDead();
    if (pieces_.empty()) return std::nullopt;
    if (rows_ >= rules_.max_rows) return MonotonicTime::min();
    return pieces_.front().since() + rules_.max_delay;
  }

  /// The next batch; empty where none is due.
  [[nodiscard]] Batch Take(MonotonicTime now) {
    Batch batch;
    const std::optional<MonotonicTime> when = due();
    if (!when || now < *when) return batch;
    std::size_t rows = 0;
    while (!pieces_.empty()) {
      Piece& next = pieces_.front();
      if (next.is_dead()) {
        Pop();
        continue;
      }
      if (rows + next.rows() > rules_.max_rows && rows > 0) break;
      rows += next.rows();
      batch.push_back(Pop());
    }
    return batch;
  }

  /// Those of which `is_over(piece)` holds, at the front: whoever came first waits longest.
  template <typename IsOver>
  [[nodiscard]] Batch TakeOver(IsOver is_over) {
    Batch over;
    while (!pieces_.empty() && (pieces_.front().is_dead() || is_over(pieces_.front()))) {
      Piece piece = Pop();
      if (!piece.is_dead()) over.push_back(std::move(piece));
    }
    return over;
  }
  /// The piece that has waited longest. Precondition: not empty().
  [[nodiscard]] const Piece& front() const noexcept { return pieces_.front(); }

 private:
  void DropDead() {
    while (!pieces_.empty() && pieces_.front().is_dead()) Pop();
  }
  Piece Pop() {
    Piece piece = std::move(pieces_.front());
    pieces_.pop_front();
    rows_ -= piece.rows();
    return piece;
  }

  Rules rules_;
  std::deque<Piece> pieces_;
  std::size_t rows_ = 0;
};

}  // namespace forkcast::serving
