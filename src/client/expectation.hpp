#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::client {

/// Differences and failures beyond so many are counted, not kept.
inline constexpr std::size_t kMaxKeptMessages = 10;

/// Compares results with those of a file that an earlier replay wrote, line by line. Equal means
/// equal as JSON: neither spaces nor the order of members matter, 1 and 1.0 are the same.
class Expectation {
 public:
  /// kIo when the file cannot be opened.
  static Result<Expectation> Open(const std::filesystem::path& path);

  /// Takes the next row's result. Not equal, or no line left to compare with: a difference.
  void Compare(std::string_view result);
  /// After the last row: every line left over is a difference.
  void Finish();

  [[nodiscard]] std::size_t compared() const noexcept { return compared_; }
  [[nodiscard]] std::size_t different() const noexcept { return different_; }
  /// "row 7: expected ..., got ..." of the first kMaxKeptMessages differences.
  [[nodiscard]] const std::vector<std::string>& first_differences() const noexcept {
    return first_differences_;
  }

 private:
  explicit Expectation(std::ifstream file) : file_(std::move(file)) {}
  void AddDifference(std::string_view expected, std::string_view got);

  std::ifstream file_;
  std::string line_;
  std::size_t row_ = 0;
  std::size_t compared_ = 0;
  std::size_t different_ = 0;
  std::vector<std::string> first_differences_;
};

}  // namespace forkcast::client
