#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <ostream>
#include <string>

namespace forkcast::client {

/// Shows how far a replay is: a bar that rewrites itself on a terminal, elsewhere a line for every
/// tenth of the rows (for every 100,000 rows when their number is not known).
class Progress {
 public:
  enum class Style { kNone, kBar, kLines };

  /// `out` must outlive the object.
  Progress(Style style, std::ostream& out) noexcept : style_(style), out_(out) {}

  void SetTotal(std::optional<std::size_t> rows) noexcept { total_ = rows; }
  /// Rows done so far, and the time that took. A bar is drawn at most ten times a second.
  void Update(std::size_t done, std::chrono::nanoseconds elapsed);
  /// Removes the bar.
  void Finish();

 private:
  Style style_;
  std::ostream& out_;
  std::optional<std::size_t> total_;
  std::size_t steps_shown_ = 0;
  std::optional<std::chrono::nanoseconds> drawn_at_;
};

/// "45 %  4500 of 10000 rows  812 rows/s  0:07 left".
[[nodiscard]] std::string DescribeProgress(std::size_t done, std::optional<std::size_t> total,
                                           std::chrono::nanoseconds elapsed);

}  // namespace forkcast::client
