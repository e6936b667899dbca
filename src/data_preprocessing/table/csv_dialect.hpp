#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::preprocessing {

/// How bytes are characters.
enum class CsvEncoding : std::uint8_t { kUtf8, kWindows1252, kIso88591, kUtf16Le, kUtf16Be };

/// Whether blanks around a field, which a person put there for the eye, belong to it.
enum class CsvBlanks : std::uint8_t { kKept, kTrimmed };

/// How a column is found by its name in the header.
enum class CsvHeaderMatch : std::uint8_t { kExact, kAnyCase };

/// How a CSV is written. The defaults are what Forkcast writes itself: RFC 4180 in UTF-8.
struct CsvDialect {
  char delimiter = ',';
  char decimal = '.';     ///< '\0': numbers have no fraction.
  char thousands = '\0';  ///< Between groups of three digits; none by default.
  CsvEncoding encoding = CsvEncoding::kUtf8;
  CsvBlanks blanks = CsvBlanks::kKept;
  CsvHeaderMatch header = CsvHeaderMatch::kExact;
  /// What stands for a missing value beside nothing at all. In a text column only where it is not
  /// quoted, so that a text that reads so can be written.
  std::vector<std::string> null{};

  friend bool operator==(const CsvDialect&, const CsvDialect&) = default;
};

/// The names that pipeline files use: "utf-8", "windows-1252", "iso-8859-1", "utf-16le",
/// "utf-16be".
[[nodiscard]] constexpr std::string_view ToString(CsvEncoding encoding) noexcept {
  switch (encoding) {
    case CsvEncoding::kUtf8:
      return "utf-8";
    case CsvEncoding::kWindows1252:
      return "windows-1252";
    case CsvEncoding::kIso88591:
      return "iso-8859-1";
    case CsvEncoding::kUtf16Le:
      return "utf-16le";
    case CsvEncoding::kUtf16Be:
      return "utf-16be";
  }
  return "?";
}

/// kInvalidArgument for a dialect that contradicts itself, its field the member that is to be
/// changed: a delimiter that can be part of a value or that is the decimal point as well, thousands
/// parted by the decimal point, and the like.
[[nodiscard]] Status CheckDialect(const CsvDialect& dialect);

}  // namespace forkcast::preprocessing
