#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/csv_dialect.hpp"

namespace forkcast::preprocessing {

/// Where a record or field stands, for messages. Lines count from 1 and count line breaks inside
/// quotes; a field's column is the 1-based position of its first byte in its line.
struct CsvPosition {
  std::size_t line = 1;
  std::size_t column = 1;

  friend bool operator==(const CsvPosition&, const CsvPosition&) = default;
};

/// kInvalidArgument with the message "line L, column C: WHAT".
[[nodiscard]] Error CsvErrorAt(CsvPosition position, std::string_view what,
                               std::string_view field = {});

/// One field of a record. `text` is unquoted and unescaped.
struct CsvField {
  std::string_view text;
  bool quoted = false;
  CsvPosition position;
};

/// A longer record is an error: most likely a quote was left open.
inline constexpr std::size_t kMaxCsvRecordBytes = std::size_t{1} << 20;

/// Whether a text given to a scanner ends where the CSV ends.
enum class CsvTextEnd { kIsTheEnd, kMoreFollows };

/// Splits CSV text in memory into records (RFC 4180): the dialect's delimiter separates, `"`
/// quotes,
/// `""` inside quotes is one quote, CRLF or LF ends a record, the last end may be absent, a UTF-8
/// byte-order mark in front is skipped, a completely empty line is skipped. Bytes must be UTF-8
/// (checked), whatever the dialect's encoding: a TextDecoder comes before. Where the dialect trims,
/// blanks around a field and its quotes are left out.
/// Errors are kInvalidArgument and name line and column: a quote inside an unquoted field, text
/// behind a closing quote, an open quote at the end, a bare CR, a NUL byte, a record over
/// kMaxCsvRecordBytes. After an error only Reset() makes sense, or SkipBad().
/// Views in `fields()` point into the given text, or into the scanner's own memory for escaped
/// fields, and live until the next call of Next(). Allocates only for fields with escaped quotes
/// and when a record has more fields than any before.
///
/// A text that does not fit into memory is given in pieces that may end anywhere:
///     scanner.Reset(piece, CsvTextEnd::kMoreFollows);
///     ... Next() until it says false ...
///     scanner.Resume(scanner.rest() and more bytes behind it, CsvTextEnd::kIsTheEnd);
class CsvScanner {
 public:
  explicit CsvScanner(const CsvDialect& dialect = {}) noexcept;
  /// Starts over on `text`, which must outlive its use. Keeps the memory of earlier texts. A first
  /// piece must hold the whole byte-order mark, if there is one.
  void Reset(std::string_view text, CsvTextEnd end = CsvTextEnd::kIsTheEnd);
  /// Goes on with a text that starts with a copy of rest(), which the next piece follows; lines
  /// count on.
  void Resume(std::string_view text, CsvTextEnd end);
  /// Reads the next record into fields(). False, without fields, at the end; when more follows,
  /// already before a record that does not end within the text.
  Result<bool> Next();
  [[nodiscard]] const std::vector<CsvField>& fields() const noexcept { return fields_; }
  /// Start of the record that Next() read last.
  [[nodiscard]] CsvPosition position() const noexcept { return record_; }
  /// The bytes of that record as they stand in the text, without the end of its last line.
  [[nodiscard]] std::string_view record_text() const noexcept;
  /// After an error: whether it is known where the record that caused it ends. Not where a quote
  /// was left open, or may have been, since the record reaches over several lines.
  [[nodiscard]] bool knows_end_of_bad() const noexcept { return behind_bad_.has_value(); }
  /// After an error: goes on behind the record that caused it, or behind its first line where
  /// nobody knows where it ends; `skipped` is that text, without the end of its last line. False
  /// when that is not within the text and more follows.
  bool SkipBad(std::string_view& skipped) noexcept;
  /// What Next() has not read yet: from the start of a record on.
  [[nodiscard]] std::string_view rest() const noexcept {
    return text_.substr(static_cast<std::size_t>(next_.at - text_.data()));
  }

 private:
  struct Cursor {
    const char* at = nullptr;
    const char* line_begin = nullptr;
    std::size_t line = 1;

    [[nodiscard]] CsvPosition position() const noexcept {
      return {line, static_cast<std::size_t>(at - line_begin) + 1};
    }
    void EnterLine(const char* begin) noexcept {
      at = line_begin = begin;
      ++line;
    }
  };

  void Start(std::string_view text, CsvTextEnd end);
  [[nodiscard]] const char* end() const noexcept { return text_.data() + text_.size(); }
  void SkipEmptyLines() noexcept;
  void SkipBlanks(Cursor& cursor) const noexcept;
  /// Reads a field up to what ends it. False when its closing quote is not within the text.
  bool ScanField(Cursor& cursor, CsvField& field);
  void ScanPlain(Cursor& cursor, CsvField& field) const noexcept;
  /// False when the closing quote is not within the text.
  bool ScanQuoted(Cursor& cursor, CsvField& field);
  [[nodiscard]] Error Misplaced(CsvPosition position, const CsvField& field) const;
  Result<bool> Unfinished();
  Result<bool> Finish(const Cursor& behind);
  Status CheckBytes(const char* record_end) const;
  /// From the start of the record to `behind`, without the end of its last line.
  [[nodiscard]] std::string_view RecordUpTo(const char* behind) const noexcept;
  /// Notes that the bad record ends where the line of `cursor` does. False when that is not within
  /// the text and more follows.
  bool NoteLineEnd(Cursor cursor) noexcept;
  /// The same, unless the record, which `cursor` is within, began on an earlier line.
  void NoteBadLine(const Cursor& cursor) noexcept;
  void Unescape();

  char delimiter_;
  bool trims_;
  std::array<bool, 256> ends_plain_field_{};

  std::string_view text_;
  CsvTextEnd text_end_ = CsvTextEnd::kIsTheEnd;
  bool bytes_checked_ = true;  // the whole text is UTF-8 without NUL, no need to look at records
  Cursor next_;
  CsvPosition record_;
  const char* record_begin_ = nullptr;
  std::optional<Cursor> behind_bad_;  // behind a record that could not be read
  std::vector<CsvField> fields_;
  std::vector<std::size_t> escaped_;  // fields whose text still has its quotes doubled
  std::vector<char> unescaped_;
};

}  // namespace forkcast::preprocessing
