#include "client/row_requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "serving/wire/answer_writer.hpp"

namespace forkcast::client {

using preprocessing::Column;
using preprocessing::ColumnSpec;
using preprocessing::CsvDialect;
using preprocessing::CsvTableReader;
using preprocessing::Schema;
using preprocessing::Table;

namespace {

/// Any header is one of a single column to who expects another delimiter.
Status CheckDelimiter(const std::filesystem::path& path, const Schema& schema) {
  if (schema.columns.size() != 1) return {};
  const std::string& name = schema.columns.front().name;
  for (const auto& [mark, written] :
       {std::pair(';', ";"), std::pair('\t', "\\t"), std::pair('|', "|"), std::pair(',', ",")}) {
    const auto count = std::ranges::count(name, mark);
    if (count == 0) continue;
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: line 1: one field with {} \"{}\" in it: is the delimiter "
                             "\"{}\"? (--csv '{{\"delimiter\": \"{}\"}}')",
                             path.string(), count, written, written, written)};
  }
  return {};
}

}  // namespace

Result<RowRequests> RowRequests::Open(const std::filesystem::path& path, const Form& form) {
  Result<CsvTableReader> reader = CsvTableReader::OpenAsText(path, {.dialect = form.read});
  if (!reader) return std::move(reader).error();
  Status checked = CheckDelimiter(path, reader->schema());
  if (!checked) return std::move(checked).error();
  return RowRequests(*std::move(reader), form);
}

RowRequests::RowRequests(CsvTableReader reader, const Form& form)
    : reader_(std::move(reader)), form_(form), batch_(reader_.schema()) {
  for (const ColumnSpec& column : reader_.schema().columns) {
    if (!csv_header_.empty()) csv_header_ += form_.sent.delimiter;
    AppendCsvField(column.name, csv_header_);
    wire::AppendJsonString(column.name, json_names_.emplace_back());
    json_names_.back() += ':';
  }
  csv_header_ += '\n';
}

Result<bool> RowRequests::Next(RowRequest& request) {
  request.body.clear();
  const Result<bool> read = reader_.ReadBatch(form_.rows_per_request, batch_);
  if (!read || !*read) return read;
  request.first_row = next_row_;
  request.rows = batch_.row_count();
  next_row_ += request.rows;

  const bool is_array = form_.format == wire::Format::kJson && form_.rows_per_request > 1;
  if (form_.format == wire::Format::kCsv) request.body = csv_header_;
  if (is_array) request.body += '[';
  for (std::size_t row = 0; row < request.rows; ++row) {
    switch (form_.format) {
      case wire::Format::kCsv:
        AppendCsvRow(row, request.body);
        break;
      case wire::Format::kJson:
        if (row > 0) request.body += ',';
        AppendJsonRow(row, request.body);
        break;
      case wire::Format::kJsonLines:
        AppendJsonRow(row, request.body);
        request.body += '\n';
        break;
    }
  }
  if (is_array) request.body += ']';
  return true;
}

void RowRequests::AppendCsvField(std::string_view text, std::string& body) const {
  if (form_.sent == CsvDialect()) return wire::AppendCsvField(text, body);
  // In quotes it is no missing value, keeps its blanks, and holds no delimiter.
  body += '"';
  for (const char c : text) body.append(c == '"' ? 2 : 1, c);
  body += '"';
}

void RowRequests::AppendCsvRow(std::size_t row, std::string& body) const {
  for (std::size_t i = 0; i < batch_.column_count(); ++i) {
    if (i > 0) body += form_.sent.delimiter;
    const Column& column = batch_.column(i);
    if (!column.IsMissing(row)) AppendCsvField(column.Text(row), body);
  }
  body += '\n';
}

void RowRequests::AppendJsonRow(std::size_t row, std::string& body) const {
  body += '{';
  for (std::size_t i = 0; i < batch_.column_count(); ++i) {
    if (i > 0) body += ',';
    body += json_names_[i];
    const Column& column = batch_.column(i);
    if (column.IsMissing(row)) {
      body += "null";
    } else {
      wire::AppendJsonString(column.Text(row), body);
    }
  }
  body += '}';
}

Result<std::optional<std::size_t>> CountRows(const std::filesystem::path& path,
                                             const CsvDialect& dialect) {
  std::error_code unknown;
  if (!std::filesystem::is_regular_file(path, unknown)) return std::optional<std::size_t>();
  Result<CsvTableReader> reader = CsvTableReader::OpenAsText(path, {.dialect = dialect});
  if (!reader) return std::move(reader).error();
  constexpr std::size_t kRowsAtOnce = 1024;
  Table batch(reader->schema());
  std::size_t rows = 0;
  while (true) {
    const Result<bool> read = reader->ReadBatch(kRowsAtOnce, batch);
    if (!read) return read.error();
    if (!*read) return std::optional(rows);
    rows += batch.row_count();
  }
}

}  // namespace forkcast::client
