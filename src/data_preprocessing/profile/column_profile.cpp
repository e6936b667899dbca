#include "data_preprocessing/profile/column_profile.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "data_preprocessing/table/csv_hints.hpp"

namespace forkcast::preprocessing {
namespace {

/// Values in which formats of times are sought; all that follow are tried in those.
constexpr std::size_t kSamples = 100;

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

/// In the order of ColumnType.
Schema OneOfEachType() {
  Schema schema;
  for (const ColumnType type : {ColumnType::kText, ColumnType::kInt64, ColumnType::kDouble,
                                ColumnType::kBool, ColumnType::kTimestamp}) {
    schema.columns.push_back({.name = std::string(ToString(type)), .type = type});
  }
  return schema;
}

}  // namespace

void ColumnProfile::BecomeTime() {
  auto format = TimeFormat::Make(time_formats.front());
  spec.format.time = *std::move(format);
  spec.type = ColumnType::kTimestamp;
}

void ColumnProfile::BecomeText() {
  if (spec.format.true_words.empty()) return;
  spec.format.true_words.clear();
  spec.format.false_words.clear();
  spec.type = ColumnType::kText;
}

TypeProbe::TypeProbe(const CsvDialect& dialect, const TimeZone& zone)
    : dialect_(dialect), zone_(zone), schema_(OneOfEachType()), reader_(schema_, dialect_, zone_) {
  for (const ColumnSpec& column : schema_.columns) scratch_.emplace_back(column.type);
}

bool TypeProbe::Takes(ColumnType type, std::string_view text) {
  const auto place = static_cast<std::size_t>(type);
  Column& into = scratch_[place];
  into.Clear();
  if (!reader_.Append(text, place, into)) return false;
  if (type == ColumnType::kInt64) number_ = static_cast<double>(into.Int64(0));
  if (type == ColumnType::kDouble) number_ = into.Double(0);
  return true;
}

bool TypeProbe::IsMissing(std::string_view text) const noexcept {
  return text.empty() || std::ranges::find(dialect_.null, text) != dialect_.null.end();
}

void ColumnProfiler::AddNumber(std::string_view text, TypeProbe& probe) {
  const bool keeps_zeros = HasLeadingZero(text);
  const bool is_number = probe.Takes(ColumnType::kDouble, text);
  profile_.has_leading_zero = profile_.has_leading_zero || (keeps_zeros && is_number);
  int64_ = int64_ && !keeps_zeros && probe.Takes(ColumnType::kInt64, text);
  double_ = int64_ || (is_number && !keeps_zeros && !IsLongNumber(text));
  if (!double_) return;
  const double value = probe.number();
  profile_.negative += value < 0 ? 1 : 0;
  profile_.least = present_ == 1 ? value : std::min(profile_.least, value);
  profile_.most = present_ == 1 ? value : std::max(profile_.most, value);
}

void ColumnProfiler::FindFormats() {
  sought_formats_ = true;
  const std::vector<std::string_view> texts(samples_.begin(), samples_.end());
  for (const std::string& format : TimeFormatsOf(texts)) {
    formats_.push_back(*TimeFormat::Make(format));
  }
  samples_.clear();
}

void ColumnProfiler::AddTime(std::string_view text, TypeProbe& probe) {
  timestamp_ = timestamp_ && probe.Takes(ColumnType::kTimestamp, text);
  if (!sought_formats_) {
    samples_.emplace_back(text);
    if (samples_.size() == kSamples) FindFormats();
    return;
  }
  std::erase_if(formats_, [&](const TimeFormat& one) { return !one.Parse(text, probe.zone()); });
}

/// Makes a bool of a text of two words that people write for it.
void ColumnProfiler::FindWords() {
  if (words_.size() != 2) return;
  if (!AreBoolWords(words_[0], words_[1])) std::swap(words_[0], words_[1]);
  if (!AreBoolWords(words_[0], words_[1])) return;
  profile_.spec.type = ColumnType::kBool;
  profile_.spec.format.true_words = {words_[0]};
  profile_.spec.format.false_words = {words_[1]};
}

void ColumnProfiler::Add(std::string_view text, TypeProbe& probe) {
  if (probe.IsMissing(text)) {
    ++texts_if_text_;
    return;
  }
  if (++present_ == 1) profile_.first = text;
  if (!profile_.has_more) {
    hashes_.insert(std::hash<std::string_view>()(text));
    profile_.has_more = hashes_.size() > most_distinct_;
  }
  if (words_.size() < 3 && std::ranges::find(words_, text) == words_.end()) {
    words_.emplace_back(text);
  }
  if (double_) AddNumber(text, probe);
  if (timestamp_ || !sought_formats_ || !formats_.empty()) AddTime(text, probe);
  bool_ = bool_ && probe.Takes(ColumnType::kBool, text);
}

ColumnProfile ColumnProfiler::Finish(TypeProbe& probe) {
  if (!sought_formats_ && !timestamp_) {
    const std::vector<std::string> seen = samples_;
    FindFormats();
    std::erase_if(formats_, [&](const TimeFormat& one) {
      return !std::ranges::all_of(
          seen, [&](const std::string& text) { return one.Parse(text, probe.zone()).ok(); });
    });
  }
  profile_.distinct = std::min(hashes_.size(), most_distinct_);
  profile_.spec.type = ColumnType::kText;
  if (present_ > 0) {
    if (int64_) {
      profile_.spec.type = ColumnType::kInt64;
    } else if (double_) {
      profile_.spec.type = ColumnType::kDouble;
    } else if (timestamp_) {
      profile_.spec.type = ColumnType::kTimestamp;
    } else if (bool_) {
      profile_.spec.type = ColumnType::kBool;
    }
  }
  for (const TimeFormat& format : formats_) profile_.time_formats.push_back(format.text());
  if (profile_.spec.type == ColumnType::kText && !profile_.time_formats.empty()) {
    profile_.BecomeTime();
  }
  if (profile_.spec.type == ColumnType::kText) FindWords();
  if (profile_.spec.type != ColumnType::kText) profile_.missing += texts_if_text_;
  profile_.spec.nullable = profile_.missing > 0;
  return std::move(profile_);
}

}  // namespace forkcast::preprocessing
