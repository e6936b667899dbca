// The first byte picks into which pieces the bytes are cut, how many rows a batch has and the
// dialect; the rest is a file.
//
// A scanner must read the same records, and refuse the same at the same place, whether it gets the
// text whole or in pieces, and what it reads must be what a slow reader of RFC 4180 reads. Written
// anew, with every field in quotes, the records are the same again. A table reader must give the
// same rows in small batches, in large ones and from a gzip; and an error says where. Where wrong
// rows are set aside, the good ones before the first are the same, and no line is given twice.
// Whatever the bytes are, the dialect that is guessed of them is one.

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/table/csv_reader.hpp"
#include "data_preprocessing/table/csv_scanner.hpp"
#include "data_preprocessing/table/guess_dialect.hpp"
#include "data_preprocessing/table/value.hpp"
#include "fuzz/memory_file.hpp"
#include "fuzz/require.hpp"

namespace {

using forkcast::Error;
using forkcast::ErrorCode;
using forkcast::Result;
using forkcast::Status;
using forkcast::fuzz::MemoryFile;
using forkcast::fuzz::Require;
using namespace forkcast::preprocessing;

struct Field {
  std::string text;
  bool quoted = false;

  bool operator==(const Field&) const = default;
};
using Record = std::vector<Field>;

struct Records {
  std::vector<Record> records;
  std::vector<std::size_t> lines;    // where each begins
  std::optional<std::string> error;  // what ends them

  bool operator==(const Records&) const = default;
};

// ---- what the scanner reads ----

/// What `scanner` still has in its text; false when it would have more of a longer one.
bool ScanOn(CsvScanner& scanner, Records& into) {
  while (true) {
    const Result<bool> next = scanner.Next();
    if (!next) {
      Require(next.error().code == ErrorCode::kInvalidArgument);
      Require(next.error().message.starts_with("line "));
      into.error = next.error().message;
      return true;
    }
    if (!*next) {
      Require(scanner.fields().empty());
      return false;
    }
    Require(!scanner.fields().empty());
    Record& record = into.records.emplace_back();
    for (const CsvField& field : scanner.fields()) {
      record.push_back({std::string(field.text), field.quoted});
    }
    into.lines.push_back(scanner.position().line);
  }
}

Records Scan(std::string_view text, const CsvDialect& dialect) {
  const std::string exact(text);  // of its own length, so that ASan sees a read beyond
  Records read;
  CsvScanner scanner(dialect);
  scanner.Reset(exact);
  (void)ScanOn(scanner, read);
  return read;
}

Records ScanInPieces(std::string_view text, std::size_t piece, const CsvDialect& dialect) {
  constexpr std::size_t kByteOrderMark = 3;  // the first piece has to hold it
  Records read;
  CsvScanner scanner(dialect);
  std::string buffer;
  for (bool first = true;; first = false) {
    const std::size_t size = first ? std::max(piece, kByteOrderMark) : piece;
    std::string next = first ? std::string() : std::string(scanner.rest());
    next += text.substr(0, size);
    text.remove_prefix(std::min(size, text.size()));
    buffer.swap(next);
    const CsvTextEnd end = text.empty() ? CsvTextEnd::kIsTheEnd : CsvTextEnd::kMoreFollows;
    if (first) {
      scanner.Reset(buffer, end);
    } else {
      scanner.Resume(buffer, end);
    }
    if (ScanOn(scanner, read) || text.empty()) return read;
  }
}

// ---- what a slow reader reads ----

/// The record at the front of `text`, which it takes off; none when it is not RFC 4180 but for the
/// dialect.
std::optional<Record> TakeRecord(std::string_view& text, const CsvDialect& dialect) {
  const std::string_view delimiter(&dialect.delimiter, 1);
  const auto at = [&text](std::string_view what) { return text.starts_with(what); };
  const auto is_blank = [&](char c) { return (c == ' ' || c == '\t') && c != dialect.delimiter; };
  const auto skip_blanks = [&] {
    if (dialect.blanks == CsvBlanks::kKept) return;
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  };
  Record record;
  while (true) {
    Field& field = record.emplace_back();
    skip_blanks();
    if (at("\"")) {
      field.quoted = true;
      text.remove_prefix(1);
      while (!at("\"") || at("\"\"")) {
        if (text.empty()) return std::nullopt;
        field.text += text.front();
        text.remove_prefix(at("\"\"") ? 2 : 1);
      }
      text.remove_prefix(1);
      skip_blanks();
    } else {
      while (!text.empty() && !at(delimiter) && !at("\"") && !at("\n") && !at("\r")) {
        field.text += text.front();
        text.remove_prefix(1);
      }
      while (dialect.blanks == CsvBlanks::kTrimmed && !field.text.empty() &&
             is_blank(field.text.back())) {
        field.text.pop_back();
      }
    }
    if (text.empty()) return record;
    if (at("\n") || at("\r\n")) {
      text.remove_prefix(at("\n") ? 1 : 2);
      return record;
    }
    if (!at(delimiter)) return std::nullopt;
    text.remove_prefix(1);
  }
}

void RequireAsSlowReader(std::string_view text, const Records& read, const CsvDialect& dialect) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const auto skip_empty_lines = [&text] {
    while (text.starts_with("\n") || text.starts_with("\r\n")) {
      text.remove_prefix(text.front() == '\n' ? 1 : 2);
    }
  };
  skip_empty_lines();
  for (const Record& record : read.records) {
    Require(TakeRecord(text, dialect) == record);
    skip_empty_lines();
  }
  // What the scanner refuses beyond the grammar is bytes.
  if (!read.error) {
    Require(text.empty());
  } else if (TakeRecord(text, dialect)) {
    Require(read.error->ends_with("a NUL byte in this field") ||
            read.error->ends_with("this field is not UTF-8"));
  }
}

// ---- what is written anew ----

std::string WrittenAnew(const std::vector<Record>& records, const CsvDialect& dialect) {
  std::string text;
  for (const Record& record : records) {
    for (const Field& field : record) {
      if (&field != record.data()) text += dialect.delimiter;
      text += '"';
      for (const char c : field.text) text.append(c == '"' ? 2 : 1, c);
      text += '"';
    }
    text += "\r\n";
  }
  return text;
}

void RequireSameWrittenAnew(const std::vector<Record>& records, const CsvDialect& dialect) {
  const Records again = Scan(WrittenAnew(records, dialect), dialect);
  Require(!again.error && again.records.size() == records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    Require(again.records[i].size() == records[i].size());
    for (std::size_t j = 0; j < records[i].size(); ++j) {
      Require(again.records[i][j].text == records[i][j].text);
    }
  }
}

// ---- what the table reader reads ----

Schema EveryType() {
  using enum ColumnType;
  return {{{.name = "id", .type = kText},
           {.name = "n", .type = kInt64, .nullable = true},
           {.name = "x", .type = kDouble, .nullable = true},
           {.name = "b", .type = kBool, .nullable = true},
           {.name = "t", .type = kTimestamp}}};
}

/// The rows, all in one, and the error behind the file's name.
struct Rows {
  std::vector<std::vector<std::string>> values;
  std::vector<std::size_t> lines;
  std::string error;

  bool operator==(const Rows&) const = default;
};

std::string Shown(const Value& value) {
  const auto show = [](const auto& held) -> std::string {
    using Held = std::decay_t<decltype(held)>;
    if constexpr (std::is_same_v<Held, std::monostate>) {
      return "missing";
    } else if constexpr (std::is_same_v<Held, std::string_view>) {
      return "text " + std::string(held);
    } else if constexpr (std::is_same_v<Held, forkcast::Instant>) {
      return std::to_string(forkcast::ToMicros(held));
    } else {
      return std::to_string(held);
    }
  };
  return std::visit(show, value);
}

std::string WithoutFile(const Error& error, const std::string& file) {
  Require(error.message.starts_with(file + ": ") || error.code == ErrorCode::kIo);
  return error.message.substr(file.size());
}

Rows ReadRows(std::string_view bytes, std::size_t batch_rows, const CsvReadOptions& options) {
  const MemoryFile file(bytes);
  const std::string name = file.path().string();
  Rows rows;
  Result<CsvTableReader> reader =
      CsvTableReader::Open(file.path(), EveryType(), TimeZone(), options);
  if (!reader) {
    rows.error = WithoutFile(reader.error(), name);
    return rows;
  }
  Table batch(EveryType());
  while (true) {
    const Result<bool> more = reader->ReadBatch(batch_rows, batch);
    Require(batch.row_count() <= batch_rows);
    if (!more) rows.error = WithoutFile(more.error(), name);
    const bool goes_on = more.ok() && *more;
    // Of records that were all set aside a batch is empty, and not the last one.
    Require(batch.row_count() == 0 ? !goes_on || options.reject != nullptr : goes_on);
    if (!goes_on) return rows;
    for (std::size_t row = 0; row < batch.row_count(); ++row) {
      std::vector<std::string>& values = rows.values.emplace_back();
      for (std::size_t i = 0; i < batch.column_count(); ++i) {
        Require(batch.column(i).size() == batch.row_count());
        values.push_back(Shown(ValueAt(batch.column(i), row)));
      }
      rows.lines.push_back(reader->line_of(row));
    }
  }
}

std::string Gzip(std::string_view text) {
  constexpr int kGzip = 15 + 16;  // the greatest window, and gzip's head around it
  z_stream stream{};
  Require(::deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(::deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  Require(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

/// Line by line what is no row is left out, and everything else is as without.
void RequireRejectsLeaveTheRest(std::string_view text, const Rows& all, const CsvDialect& dialect) {
  std::vector<std::size_t> rejected;
  const Rows rest =
      ReadRows(text, 1000, {.dialect = dialect, .reject = [&](const RejectedRecord& row) {
                              Require(rejected.empty() || rejected.back() < row.line);
                              rejected.push_back(row.line);
                              return Status();
                            }});
  if (all.error.empty()) Require(rest == all && rejected.empty());
  for (const std::size_t line : rest.lines) {
    Require(std::ranges::find(rejected, line) == rejected.end());
  }
}

void RequireSameRows(std::string_view text, std::size_t batch_rows, const CsvDialect& dialect) {
  const CsvReadOptions options{.dialect = dialect};
  const Rows all = ReadRows(text, 1000, options);
  const Rows some = ReadRows(text, batch_rows, options);
  RequireRejectsLeaveTheRest(text, all, dialect);
  // Of the batch with the error nothing is given.
  Require(some.error == all.error);
  if (all.error.empty()) Require(some == all);
  // A text that begins as a gzip is read as one, and need not be whole.
  if (text.starts_with("\x1F\x8B")) return;
  const std::string zipped = Gzip(text);
  Require(ReadRows(zipped, 1000, options) == all);
  const Result<std::string> hash = HashCsvContent(MemoryFile(text).path());
  const Result<std::string> hash_of_zipped = HashCsvContent(MemoryFile(zipped).path());
  Require(hash.ok() && hash_of_zipped.ok() && *hash == *hash_of_zipped);
}

/// Dialects that differ in everything.
const CsvDialect& Dialect(std::size_t index) {
  static const std::array<CsvDialect, 4> dialects{
      CsvDialect{},
      CsvDialect{.delimiter = ';',
                 .decimal = ',',
                 .thousands = '.',
                 .blanks = CsvBlanks::kTrimmed,
                 .header = CsvHeaderMatch::kAnyCase,
                 .null = {"NA"}},
      CsvDialect{.delimiter = '\t', .thousands = ' ', .encoding = CsvEncoding::kWindows1252},
      CsvDialect{.delimiter = '|', .encoding = CsvEncoding::kUtf16Le}};
  return dialects.at(index);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 16U;
  const std::size_t batch_rows = 1 + data[0] / 16U % 4U;
  const CsvDialect& dialect = Dialect(data[0] / 64U);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);

  const Records whole = Scan(text, dialect);
  Require(ScanInPieces(text, piece, dialect) == whole);
  RequireAsSlowReader(text, whole, dialect);
  RequireSameWrittenAnew(whole.records, dialect);
  RequireSameRows(text, batch_rows, dialect);
  Require(CheckDialect(GuessDialect(text).dialect).ok());
  return 0;
}
