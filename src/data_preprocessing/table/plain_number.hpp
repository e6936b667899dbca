#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "data_preprocessing/table/csv_dialect.hpp"

namespace forkcast::preprocessing {

/// A number as a dialect writes it (`1.234,5`), rewritten as we do (`1234.5`).
class PlainNumber {
 public:
  /// False when `text` is not of the dialect: the decimal point of another one, or thousands that
  /// are no groups of three digits (`1.23`, which most likely means something else). Whether it is
  /// a number at all is left to who parses it. A blank between thousands may be one that does not
  /// break, an apostrophe a typographic one.
  [[nodiscard]] bool Assign(std::string_view text, const CsvDialect& dialect) noexcept;
  [[nodiscard]] std::string_view text() const noexcept { return {bytes_.data(), size_}; }

 private:
  bool TakeWhole(std::string_view& text, char thousands) noexcept;
  bool TakeDigits(std::string_view& text, std::size_t least, std::size_t most) noexcept;
  bool Push(char c) noexcept;

  std::array<char, 400> bytes_{};  // more than the digits of any double that is written out
  std::size_t size_ = 0;
};

}  // namespace forkcast::preprocessing
