#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// How the times of a column are written, in the directives of strptime: `%d/%m/%Y %H:%M`. Or
/// `epoch_s`, `epoch_ms`: seconds, milliseconds since 1970. Only for reading; a TimePattern also
/// writes. Thread-safe.
///
/// `%Y` has four digits, `%y` two (69 to 99 are 1969 to 1999, as POSIX says); `%m %d %H %I %M %S`
/// have one or two, but two where a directive of digits follows at once. `%b` and `%B` are English
/// names of months, short or whole, `%p` is AM or PM, `%f` one to nine digits of a second, `%z` an
/// offset as `+02:00`, `+0200` or `Z`. `%F` is `%Y-%m-%d`, `%T` is `%H:%M:%S`, `%%` a `%`.
class TimeFormat {
 public:
  /// kInvalidArgument for a format that does not say one instant: without a year, with a part given
  /// twice, or with one that means nothing without a larger one that is not there (`%d %y`).
  static Result<TimeFormat> Make(std::string_view format);

  /// The format itself.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  /// Of the parts that the format lacks the first: `%m/%Y` is the month's first midnight. Without
  /// `%z` it is a time of a wall in `zone`. kInvalidArgument for what is not written so, is on no
  /// calendar, or never shown in `zone`. No allocation unless it fails.
  [[nodiscard]] Result<Instant> Parse(std::string_view text, const TimeZone& zone) const;

  friend bool operator==(const TimeFormat&, const TimeFormat&) = default;

 private:
  enum class Kind : std::uint8_t { kCalendar, kEpochSeconds, kEpochMillis };
  /// What a directive letter reads, or a character that stands for itself.
  struct Piece {
    char directive = '\0';  ///< '\0': literal.
    char literal = '\0';
    std::uint8_t least_digits = 0;
    std::uint8_t most_digits = 0;
    friend bool operator==(const Piece&, const Piece&) = default;
  };
  struct Reading;

  Status AddDirective(char letter);
  [[nodiscard]] Status CheckParts() const;
  [[nodiscard]] Error Refused(std::string_view why) const;
  [[nodiscard]] bool Scan(std::string_view text, Reading& reading) const noexcept;

  std::string text_;
  Kind kind_ = Kind::kCalendar;
  std::vector<Piece> pieces_;
};

/// The formats, of those that are common, in which every one of `texts` is a time; those that more
/// people write first. More than one means that the texts alone do not tell (`01/02/2024`). Empty
/// where there is none, or no text; the times that need no format are none of them.
[[nodiscard]] std::vector<std::string> TimeFormatsOf(const std::vector<std::string_view>& texts);

}  // namespace forkcast::preprocessing
