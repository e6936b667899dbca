// RFC 4180, and what it leaves open decided on the strict side. Fields are views into the text:
// only one with `""` in it is copied. What ends a plain field is looked for in 16 bytes at once,
// where the processor can, and that the bytes are UTF-8 is checked for a whole buffer at once
// (Keiser & Lemire, "Validating UTF-8 in less than one instruction per byte", 2021).

#include "data_preprocessing/table/csv_scanner.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <string>

namespace forkcast::preprocessing {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

constexpr bool IsBlank(char c) noexcept { return c == ' ' || c == '\t'; }

/// Where the plain field from `at` on ends, or at most 15 bytes before `end`, if it does not end
/// before. Of what ends one, `delimiter` is the only one that a dialect chooses.
inline const char* SkipPlainBlocks(const char* at, [[maybe_unused]] const char* end,
                                   [[maybe_unused]] char delimiter) noexcept {
#ifdef __SSE2__  // 16 bytes at once; other processors look at each
  const auto is = [](__m128i bytes, char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i ends = _mm_or_si128(_mm_or_si128(is(bytes, delimiter), is(bytes, '"')),
                                      _mm_or_si128(is(bytes, '\n'), is(bytes, '\r')));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(ends));
    if (mask != 0) return at + std::countr_zero(mask);
  }
#endif
  return at;
}

bool AreGoodBytes(std::string_view text) noexcept {
  return text.find('\0') == std::string_view::npos &&
         simdjson::validate_utf8(text.data(), text.size());
}

}  // namespace

Error CsvErrorAt(CsvPosition position, std::string_view what, std::string_view field) {
  std::string message = "line " + std::to_string(position.line) + ", column " +
                        std::to_string(position.column) + ": ";
  message += what;
  return {ErrorCode::kInvalidArgument, std::move(message), std::string(field)};
}

CsvScanner::CsvScanner(const CsvDialect& dialect) noexcept
    : delimiter_(dialect.delimiter), trims_(dialect.blanks == CsvBlanks::kTrimmed) {
  for (const char c : {delimiter_, '"', '\n', '\r'}) {
    ends_plain_field_[static_cast<unsigned char>(c)] = true;
  }
}

void CsvScanner::Reset(std::string_view text, CsvTextEnd end) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  next_.line = 1;
  Start(text, end);
}

void CsvScanner::Resume(std::string_view text, CsvTextEnd end) { Start(text, end); }

void CsvScanner::Start(std::string_view text, CsvTextEnd end) {
  text_ = text;
  text_end_ = end;
  next_.at = next_.line_begin = text.data();
  fields_.clear();
  // One look at all records that can end here is faster than one look at each. Behind the last
  // line break a character may be cut in two. Should the look find something, each record is
  // looked at again, so that those before the bad one are still read.
  const std::size_t whole =
      end == CsvTextEnd::kIsTheEnd ? text.size() : text.rfind('\n') + 1;  // npos + 1 is 0
  bytes_checked_ = AreGoodBytes(text.substr(0, whole));
}

void CsvScanner::SkipBlanks(Cursor& cursor) const noexcept {
  while (cursor.at != end() && IsBlank(*cursor.at) && *cursor.at != delimiter_) ++cursor.at;
}

inline void CsvScanner::ScanPlain(Cursor& cursor, CsvField& field) const noexcept {
  const char* const begin = cursor.at;
  const char* at = SkipPlainBlocks(begin, end(), delimiter_);
  while (at != end() && !ends_plain_field_[static_cast<unsigned char>(*at)]) ++at;
  field.text = {begin, static_cast<std::size_t>(at - begin)};
  cursor.at = at;
}

// Inline, as ScanPlain(): they are where the time goes.
[[gnu::always_inline]] inline bool CsvScanner::ScanField(Cursor& cursor, CsvField& field) {
  if (trims_) SkipBlanks(cursor);
  field.position = cursor.position();
  field.quoted = cursor.at != end() && *cursor.at == '"';
  if (!field.quoted) {
    ScanPlain(cursor, field);
  } else if (!ScanQuoted(cursor, field)) {
    return false;
  }
  if (!trims_) return true;
  if (field.quoted) SkipBlanks(cursor);
  while (!field.quoted && !field.text.empty() && IsBlank(field.text.back())) {
    field.text.remove_suffix(1);
  }
  return true;
}

Result<bool> CsvScanner::Next() {
  fields_.clear();
  escaped_.clear();
  behind_bad_.reset();
  SkipEmptyLines();
  record_ = next_.position();
  record_begin_ = next_.at;
  if (next_.at == end()) return false;
  Cursor cursor = next_;
  while (true) {
    CsvField& field = fields_.emplace_back();
    if (!ScanField(cursor, field)) {
      if (text_end_ == CsvTextEnd::kMoreFollows) return Unfinished();
      return CsvErrorAt(field.position, "the quote that opens here is never closed");
    }
    if (cursor.at == end()) {
      if (text_end_ == CsvTextEnd::kMoreFollows) return Unfinished();
      return Finish(cursor);
    }
    if (*cursor.at == delimiter_) {
      ++cursor.at;
      continue;
    }
    switch (*cursor.at) {
      case '\n':
        cursor.EnterLine(cursor.at + 1);
        return Finish(cursor);
      case '\r':
        if (cursor.at + 1 == end() && text_end_ == CsvTextEnd::kMoreFollows) return Unfinished();
        if (cursor.at + 1 == end() || cursor.at[1] != '\n') {
          NoteBadLine(cursor);
          return CsvErrorAt(cursor.position(), "a carriage return without a line feed behind it");
        }
        cursor.EnterLine(cursor.at + 2);
        return Finish(cursor);
      default:
        NoteBadLine(cursor);
        return Misplaced(cursor.position(), field);
    }
  }
}

Error CsvScanner::Misplaced(CsvPosition position, const CsvField& field) const {
  if (!field.quoted) {
    return CsvErrorAt(position, "a quote inside a field that does not start with one");
  }
  const std::string delimiter = delimiter_ == ','    ? "a comma"
                                : delimiter_ == '\t' ? "a tab"
                                                     : fmt::format("\"{}\"", delimiter_);
  return CsvErrorAt(position, fmt::format("expected {} or the end of the line behind a closing "
                                          "quote (a quote inside quotes is written twice)",
                                          delimiter));
}

std::string_view CsvScanner::RecordUpTo(const char* behind) const noexcept {
  std::string_view record(record_begin_, static_cast<std::size_t>(behind - record_begin_));
  if (record.ends_with('\n')) record.remove_suffix(1);
  if (record.ends_with('\r')) record.remove_suffix(1);
  return record;
}

std::string_view CsvScanner::record_text() const noexcept { return RecordUpTo(next_.at); }

bool CsvScanner::NoteLineEnd(Cursor cursor) noexcept {
  const char* const line_end = std::find(cursor.at, end(), '\n');
  if (line_end == end()) {
    if (text_end_ == CsvTextEnd::kMoreFollows) return false;
    cursor.at = line_end;
  } else {
    cursor.EnterLine(line_end + 1);
  }
  behind_bad_ = cursor;
  return true;
}

void CsvScanner::NoteBadLine(const Cursor& cursor) noexcept {
  if (cursor.line == record_.line) NoteLineEnd(cursor);
}

bool CsvScanner::SkipBad(std::string_view& skipped) noexcept {
  record_begin_ = next_.at;  // the text may have been continued since
  if (!behind_bad_ && !NoteLineEnd(next_)) return false;
  skipped = RecordUpTo(behind_bad_->at);
  next_ = *behind_bad_;
  return true;
}

void CsvScanner::SkipEmptyLines() noexcept {
  while (true) {
    const char* at = next_.at;
    if (at != end() && *at == '\r') ++at;
    if (at == end() || *at != '\n') return;
    next_.EnterLine(at + 1);
  }
}

bool CsvScanner::ScanQuoted(Cursor& cursor, CsvField& field) {
  const char* const begin = cursor.at + 1;
  bool escaped = false;
  for (const char* at = begin; at != end(); ++at) {
    if (*at == '\n') {
      ++cursor.line;
      cursor.line_begin = at + 1;
    } else if (*at == '"') {
      const bool doubled = at + 1 != end() && at[1] == '"';
      if (!doubled) {
        field.text = {begin, static_cast<std::size_t>(at - begin)};
        if (escaped) escaped_.push_back(fields_.size() - 1);
        cursor.at = at + 1;
        return true;
      }
      escaped = true;
      ++at;
    }
  }
  return false;
}

Result<bool> CsvScanner::Unfinished() {
  fields_.clear();
  if (rest().size() > kMaxCsvRecordBytes) {
    return CsvErrorAt(record_, "a record of more than 1 MiB (is a quote left open?)");
  }
  return false;
}

Result<bool> CsvScanner::Finish(const Cursor& behind) {
  behind_bad_ = behind;  // should it turn out to be
  if (static_cast<std::size_t>(behind.at - next_.at) > kMaxCsvRecordBytes) {
    return CsvErrorAt(record_, "a record of more than 1 MiB (is a quote left open?)");
  }
  if (!bytes_checked_) {
    const Status good = CheckBytes(behind.at);
    if (!good) return good.error();
  }
  Unescape();
  next_ = behind;
  return true;
}

Status CsvScanner::CheckBytes(const char* record_end) const {
  if (AreGoodBytes({next_.at, static_cast<std::size_t>(record_end - next_.at)})) return {};
  // Separators are ASCII, so the bad byte is within some field.
  const CsvField& field = *std::ranges::find_if_not(fields_, AreGoodBytes, &CsvField::text);
  return CsvErrorAt(field.position, field.text.find('\0') != std::string_view::npos
                                        ? "a NUL byte in this field"
                                        : "this field is not UTF-8");
}

void CsvScanner::Unescape() {
  // Room for all of them first: views into unescaped_ must not move while others are added.
  std::size_t size = 0;
  for (const std::size_t index : escaped_) size += fields_[index].text.size();
  unescaped_.clear();
  unescaped_.reserve(size);
  for (const std::size_t index : escaped_) {
    CsvField& field = fields_[index];
    const std::size_t begin = unescaped_.size();
    for (std::size_t i = 0; i < field.text.size(); ++i) {
      unescaped_.push_back(field.text[i]);
      if (field.text[i] == '"') ++i;
    }
    field.text = {unescaped_.data() + begin, unescaped_.size() - begin};
  }
}

}  // namespace forkcast::preprocessing
