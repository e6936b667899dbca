#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

/// The last lines of what a job has written, in bounded memory, and which ones they are.
class JobLog {
 public:
  static constexpr std::size_t kMostLines = 200;
  static constexpr std::size_t kMostLineBytes = 400;

  /// A line that is longer is cut; control characters, such as a bar that rewrites itself has, are
  /// blanks.
  void Add(std::string_view line);

  /// Of the first line that is kept: 0 is the first one ever.
  [[nodiscard]] std::uint64_t first() const noexcept { return end_ - lines_.size(); }
  /// Behind the last one.
  [[nodiscard]] std::uint64_t end() const noexcept { return end_; }
  [[nodiscard]] const std::deque<std::string>& lines() const noexcept { return lines_; }
  /// Those from this one on, as far as they are kept.
  [[nodiscard]] std::vector<std::string> From(std::uint64_t line) const;

  [[nodiscard]] std::string Record() const;
  /// kCorrupt when it is no such text.
  [[nodiscard]] static Result<JobLog> Read(std::string_view record);

 private:
  std::deque<std::string> lines_;
  std::uint64_t end_ = 0;
};

/// Lines out of bytes as they come, of bounded length.
class LineSplitter {
 public:
  /// The lines that these bytes complete.
  [[nodiscard]] std::vector<std::string> Add(std::string_view bytes);
  /// What came behind the last line's end; none is left.
  [[nodiscard]] std::string TakeRest();

 private:
  std::string rest_;
};

}  // namespace forkcast::serving
