#include "serving/bulk/row_form.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <vector>

#include "data_preprocessing/base/output_file.hpp"
#include "serving/wire/answer_writer.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::ColumnSpec;
using preprocessing::ColumnType;
using preprocessing::Schema;
using preprocessing::Value;
using Values = std::span<const Value>;

// Text: values read as in answers over HTTP.

Status TakeAll(const Schema&) { return {}; }

void AppendCsvHead(const Schema& schema, std::size_t, std::string& bytes) {
  for (const ColumnSpec& column : schema.columns) {
    if (&column != &schema.columns.front()) bytes += ',';
    wire::AppendCsvField(column.name, bytes);
  }
  bytes += '\n';
}

void AppendCsvRow(const Schema&, Values values, std::string& bytes) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) bytes += ',';
    wire::AppendCsvValue(values[i], bytes);
  }
  bytes += '\n';
}

void AppendNoHead(const Schema&, std::size_t, std::string&) {}

void AppendJsonLine(const Schema& schema, Values values, std::string& bytes) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    bytes += i == 0 ? '{' : ',';
    wire::AppendJsonString(schema.columns[i].name, bytes);
    bytes += ':';
    wire::AppendJsonValue(values[i], bytes);
  }
  bytes += "}\n";
}

// NumPy's format, version 1.0 (numpy.lib.format): an array of doubles, a row a row.

Status TakeNumbers(const Schema& schema) {
  std::vector<std::string_view> others;
  for (const ColumnSpec& column : schema.columns) {
    const bool is_number =
        column.type != ColumnType::kText && column.type != ColumnType::kTimestamp;
    if (!is_number) others.push_back(column.name);
  }
  if (others.empty()) return {};
  return Error{
      ErrorCode::kInvalidArgument,
      fmt::format("a .npy file holds numbers, and these are texts or times: {}; write .csv "
                  "or .jsonl",
                  fmt::join(others, ", "))};
}

void AppendNumpyHead(const Schema& schema, std::size_t rows, std::string& bytes) {
  constexpr std::string_view kMagic("\x93NUMPY\x01\x00", 8);
  constexpr std::size_t kHeadBytes = 128;  // a multiple of 64, with room for any shape
  constexpr std::size_t kTextBytes = kHeadBytes - kMagic.size() - 2;
  bytes += kMagic;
  bytes += static_cast<char>(kTextBytes & 0xFF);
  bytes += static_cast<char>(kTextBytes >> 8);
  const std::string shape =
      fmt::format("{{'descr': '<f8', 'fortran_order': False, 'shape': ({}, {}), }}", rows,
                  schema.columns.size());
  fmt::format_to(std::back_inserter(bytes), "{:<{}}\n", shape, kTextBytes - 1);
}

double NumberIn(const Value& value) noexcept {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? 1 : 0;
  return std::numeric_limits<double>::quiet_NaN();
}

void AppendNumpyRow(const Schema&, Values values, std::string& bytes) {
  const std::size_t begin = bytes.size();
  bytes.resize(begin + values.size() * sizeof(double));
  char* to = bytes.data() + begin;
  for (const Value& value : values) {
    const double number = NumberIn(value);
    std::memcpy(to, &number, sizeof number);
    to += sizeof number;
  }
}

constexpr std::array kForms{
    RowForm{.ending = ".csv",
            .check = TakeAll,
            .append_head = AppendCsvHead,
            .append_row = AppendCsvRow},
    RowForm{.ending = ".jsonl",
            .check = TakeAll,
            .append_head = AppendNoHead,
            .append_row = AppendJsonLine},
    RowForm{.ending = ".npy",
            .check = TakeNumbers,
            .append_head = AppendNumpyHead,
            .append_row = AppendNumpyRow,
            .head_counts_rows = true,
            .names_columns = false},
};

}  // namespace

Result<const RowForm*> RowFormOf(const std::filesystem::path& path) {
  if (OutputFile::IsStream(path)) return &kForms.front();
  const std::string ending = path.extension().string();
  const auto* const found = std::ranges::find(kForms, ending, &RowForm::ending);
  if (found != kForms.end()) return found;
  std::vector<std::string_view> endings;
  for (const RowForm& form : kForms) endings.push_back(form.ending);
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{}: nothing is known of files that end so; expected {}", path.string(),
                           fmt::join(endings, ", "))};
}

}  // namespace forkcast::serving
