#include "serving/bulk/text_sink.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "data_preprocessing/base/output_file.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "data_preprocessing/table/value.hpp"
#include "serving/wire/answer_writer.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::ColumnSpec;
using preprocessing::IsMissing;
using preprocessing::Schema;
using preprocessing::Table;
using preprocessing::Value;
using preprocessing::ValueAt;

/// A form of rows as text, by the ending of the files that have it. Values read as in answers over
/// HTTP.
struct RowFormat {
  std::string_view ending;
  /// Appends what stands before the rows.
  void (*append_head)(const Schema& schema, std::string& text);
  void (*append_row)(const Table& rows, std::size_t row, std::string& text);
};

void AppendCsvHead(const Schema& schema, std::string& text) {
  for (const ColumnSpec& column : schema.columns) {
    if (&column != &schema.columns.front()) text += ',';
    wire::AppendCsvField(column.name, text);
  }
  text += '\n';
}

void AppendCsvRow(const Table& rows, std::size_t row, std::string& text) {
  for (std::size_t i = 0; i < rows.column_count(); ++i) {
    if (i > 0) text += ',';
    const Value value = ValueAt(rows.column(i), row);
    if (const auto* field = std::get_if<std::string_view>(&value)) {
      wire::AppendCsvField(*field, text);
    } else if (const auto* instant = std::get_if<Instant>(&value)) {
      preprocessing::AppendIsoTimestamp(*instant, text);
    } else if (!IsMissing(value)) {
      wire::AppendJsonValue(value, text);
    }
  }
  text += '\n';
}

void AppendNoHead(const Schema&, std::string&) {}

void AppendJsonLine(const Table& rows, std::size_t row, std::string& text) {
  for (std::size_t i = 0; i < rows.column_count(); ++i) {
    text += i == 0 ? '{' : ',';
    wire::AppendJsonString(rows.schema().columns[i].name, text);
    text += ':';
    wire::AppendJsonValue(ValueAt(rows.column(i), row), text);
  }
  text += "}\n";
}

constexpr std::array kFormats{
    RowFormat{.ending = ".csv", .append_head = AppendCsvHead, .append_row = AppendCsvRow},
    RowFormat{.ending = ".jsonl", .append_head = AppendNoHead, .append_row = AppendJsonLine},
};

/// Rows as text.
class TextSink final : public RowSink {
 public:
  TextSink(OutputFile file, const RowFormat& format, const Schema& schema)
      : file_(std::move(file)), format_(format) {
    format_.append_head(schema, text_);
  }

  Status Write(const Table& batch) override {
    for (std::size_t row = 0; row < batch.row_count(); ++row) {
      format_.append_row(batch, row, text_);
    }
    return Flush();
  }

  Status Finish() override {
    Status flushed = Flush();
    return flushed ? file_.Finish() : flushed;
  }

 private:
  Status Flush() {
    Status written = file_.Write(text_);
    text_.clear();
    return written;
  }

  OutputFile file_;
  const RowFormat& format_;
  std::string text_;
};

/// By the file's ending; what bytes go through has no name that says it.
Result<const RowFormat*> RowFormatOf(const std::filesystem::path& file) {
  if (OutputFile::IsStream(file)) return &kFormats.front();
  const std::string ending = file.extension().string();
  const auto* const found = std::ranges::find(kFormats, ending, &RowFormat::ending);
  if (found != kFormats.end()) return found;
  std::string endings;
  for (const RowFormat& format : kFormats) {
    endings.append(endings.empty() ? "" : ", ").append(format.ending);
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{}: nothing is known of files that end so; expected {}", file.string(),
                           endings)};
}

}  // namespace

Result<std::unique_ptr<RowSink>> OpenTextSink(const std::filesystem::path& path,
                                              const Schema& schema, std::ostream& standard_output) {
  const Result<const RowFormat*> format = RowFormatOf(path);
  if (!format) return format.error();
  Result<OutputFile> file = OutputFile::Open(path, standard_output);
  if (!file) return std::move(file).error();
  return std::unique_ptr<RowSink>(std::make_unique<TextSink>(*std::move(file), **format, schema));
}

}  // namespace forkcast::serving
