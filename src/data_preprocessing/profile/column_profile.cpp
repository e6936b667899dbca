#include "data_preprocessing/profile/column_profile.hpp"

#include <algorithm>
#include <cctype>
#include <functional>

#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

bool IsDigit(char c) noexcept { return c >= '0' && c <= '9'; }

/// 00123 is a name, not a number: as one it would lose its zeros.
bool HasLeadingZero(std::string_view text) noexcept {
  if (text.starts_with('-')) text.remove_prefix(1);
  return text.size() > 1 && text[0] == '0' && IsDigit(text[1]);
}

/// Digits that no int64 holds are a name, too: a double would round them.
bool IsLongNumber(std::string_view text) noexcept {
  return text.size() > 15 && std::ranges::all_of(text, IsDigit);
}

}  // namespace

void ColumnProfiler::NoteNumber(double value) noexcept {
  profile_.negative += value < 0 ? 1 : 0;
  profile_.zeros += value == 0 ? 1 : 0;
  profile_.least = present_ == 1 ? value : std::min(profile_.least, value);
  profile_.most = present_ == 1 ? value : std::max(profile_.most, value);
}

void ColumnProfiler::Add(std::string_view text) {
  ++present_;
  if (!profile_.has_more) {
    hashes_.insert(std::hash<std::string_view>()(text));
    profile_.has_more = hashes_.size() > most_distinct_;
  }
  if (double_) {
    const bool keeps_zeros = HasLeadingZero(text);
    const Result<std::int64_t> integer =
        int64_ && !keeps_zeros ? ParseInt64(text) : Result<std::int64_t>(Error{});
    int64_ = integer.ok();
    const Result<double> number =
        integer || keeps_zeros || IsLongNumber(text) ? Result<double>(Error{}) : ParseDouble(text);
    profile_.has_leading_zero =
        profile_.has_leading_zero || (keeps_zeros && ParseDouble(text).ok());
    double_ = integer || number;
    if (integer) NoteNumber(static_cast<double>(*integer));
    if (number) NoteNumber(*number);
  }
  timestamp_ = timestamp_ && ParseTimestamp(text, zone_).ok();
  bool_ = bool_ && ParseBool(text).ok();
}

ColumnProfile ColumnProfiler::Profile() const {
  ColumnProfile profile = profile_;
  profile.distinct = std::min(hashes_.size(), most_distinct_);
  profile.spec.nullable = profile.missing > 0;
  profile.spec.type = ColumnType::kText;
  if (present_ == 0) return profile;
  if (int64_) {
    profile.spec.type = ColumnType::kInt64;
  } else if (double_) {
    profile.spec.type = ColumnType::kDouble;
  } else if (timestamp_) {
    profile.spec.type = ColumnType::kTimestamp;
  } else if (bool_) {
    profile.spec.type = ColumnType::kBool;
  }
  return profile;
}

}  // namespace forkcast::preprocessing
