#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// How a time is written where that is somebody else's choice: `YYYY-MM`, `DD.MM.YYYY`,
/// `YYYY-MM-DDTHH:MM:SSZ`. `YYYY`, `MM`, `DD`, `HH`, `MM` behind `HH`, and `SS` stand for so many
/// digits, any other character for itself. A time is that of a wall in the zone at hand; with a `Z`
/// at the end of the pattern, of one in UTC. Thread-safe.
class TimePattern {
 public:
  /// kInvalidArgument for a pattern without year, with a part given twice, or with one that means
  /// nothing without a larger one that is not there (a day without month).
  static Result<TimePattern> Make(std::string_view pattern);

  /// The pattern itself.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  /// Of the parts that the pattern lacks the first: `YYYY-MM` is the month's first midnight.
  /// kInvalidArgument for what is not written so, is on no calendar, or never shown in `zone`.
  [[nodiscard]] Result<Instant> Parse(std::string_view text, const TimeZone& zone) const;
  /// Appends `instant`, cut to what the pattern shows.
  void Append(Instant instant, const TimeZone& zone, std::string& out) const;

  friend bool operator==(const TimePattern&, const TimePattern&) = default;

 private:
  enum class Part : std::uint8_t { kYear, kMonth, kDay, kHour, kMinute, kSecond, kLiteral };
  struct Piece {
    Part part = Part::kLiteral;
    char literal = '\0';
    friend bool operator==(const Piece&, const Piece&) = default;
  };

  /// The part that stands at the front of `rest`; kLiteral when none does.
  static Part PartAt(std::string_view rest, bool behind_hour) noexcept;
  [[nodiscard]] bool Scan(std::string_view text, CivilTime& civil) const noexcept;

  std::string text_;
  std::vector<Piece> pieces_;
  bool utc_ = false;
  bool is_date_ = false;  // without an hour
};

}  // namespace forkcast::preprocessing
