#include "serving/bulk/text_sink.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/atomic_file.hpp"
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
class TextSink : public RowSink {
 public:
  TextSink(const RowFormat& format, const Schema& schema) : format_(format) {
    format_.append_head(schema, text_);
  }

  Status Write(const Table& batch) final {
    for (std::size_t row = 0; row < batch.row_count(); ++row) {
      format_.append_row(batch, row, text_);
    }
    return Flush();
  }

 protected:
  Status Flush() {
    Status put = Put(text_);
    text_.clear();
    return put;
  }
  virtual Status Put(std::string_view text) = 0;

 private:
  const RowFormat& format_;
  std::string text_;
};

class FileSink final : public TextSink {
 public:
  FileSink(std::filesystem::path file, const RowFormat& format, const Schema& schema)
      : TextSink(format, schema), file_(std::move(file)) {}

  Status Finish() override {
    Status flushed = Flush();
    if (!flushed) return flushed;
    return Catch([this] { file_.Commit(); });
  }

 private:
  Status Put(std::string_view text) override {
    return Catch([this, text] { file_.Write(text); });
  }
  template <typename Action>
  static Status Catch(Action action) {
    try {
      action();
      return {};
    } catch (const std::system_error& error) {
      return Error{ErrorCode::kIo, error.what()};
    }
  }

  AtomicFile file_;
};

class StreamSink final : public TextSink {
 public:
  StreamSink(std::ostream& out, const RowFormat& format, const Schema& schema)
      : TextSink(format, schema), out_(out) {}

  Status Finish() override { return Flush(); }

 private:
  Status Put(std::string_view text) override {
    out_ << text;
    if (out_) return {};
    return Error{ErrorCode::kIo, "standard output takes no more"};
  }

  std::ostream& out_;
};

}  // namespace

Result<const RowFormat*> RowFormatOf(const std::filesystem::path& file) {
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

const RowFormat& StreamFormat() noexcept { return kFormats.front(); }

std::unique_ptr<RowSink> MakeFileSink(std::filesystem::path file, const RowFormat& format,
                                      const Schema& schema) {
  return std::make_unique<FileSink>(std::move(file), format, schema);
}

std::unique_ptr<RowSink> MakeStreamSink(std::ostream& out, const RowFormat& format,
                                        const Schema& schema) {
  return std::make_unique<StreamSink>(out, format, schema);
}

}  // namespace forkcast::serving
