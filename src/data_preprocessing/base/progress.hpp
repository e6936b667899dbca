#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

namespace forkcast {

/// Shows how far long work is: on a terminal a bar that rewrites itself, elsewhere a line for every
/// tenth of it (for every 100,000 units when the end is not known). Time is passed in.
class Progress {
 public:
  enum class Style { kNone, kBar, kLines };

  /// `out` must outlive the object. `label` is put before every line; `unit` says what is counted.
  /// `width`: columns of the terminal, of which a bar takes one line; 0: not known.
  Progress(Style style, std::ostream& out, std::string label = {}, std::string unit = "rows",
           std::size_t width = 0)
      : style_(style), out_(out), label_(std::move(label)), unit_(std::move(unit)), width_(width) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { Finish(); }

  void SetTotal(std::optional<std::size_t> units) noexcept { total_ = units; }
  /// Units done so far, and the time since the start. A bar is drawn at most ten times a second;
  /// a line is written at most once a second, and at the end.
  void Update(std::size_t done, std::chrono::nanoseconds elapsed);
  /// Removes the bar.
  void Finish();

 private:
  [[nodiscard]] std::string BarLine(std::size_t done, const std::string& text) const;
  [[nodiscard]] bool IsDue(std::size_t done, std::chrono::nanoseconds elapsed);

  Style style_;
  std::ostream& out_;
  std::string label_;
  std::string unit_;
  std::size_t width_;
  std::optional<std::size_t> total_;
  std::size_t steps_shown_ = 0;
  std::chrono::nanoseconds shown_at_{0};
  bool bar_visible_ = false;
};

/// "45 %  4500 of 10000 rows  812 rows/s  0:07 left".
[[nodiscard]] std::string DescribeProgress(std::size_t done, std::optional<std::size_t> total,
                                           std::chrono::nanoseconds elapsed, std::string_view unit);

}  // namespace forkcast
