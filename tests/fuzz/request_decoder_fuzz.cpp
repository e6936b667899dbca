// The first byte picks the format and the bytes behind the body; the rest is the body.
//
// What is decoded must not contradict itself, and must be the same in steps, in a decoder that was
// used before, with other bytes behind it, written anew in every format, and, of JSON lines, line
// by line.
// nlohmann-json, which nothing here is made of, says what is JSON.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "fuzz/require.hpp"
#include "serving/wire/answer_writer.hpp"
#include "serving/wire/decode.hpp"
#include "serving/wire/request_decoder.hpp"

namespace {

using forkcast::Instant;
using forkcast::Status;
using forkcast::fuzz::Require;
using forkcast::preprocessing::IsMissing;
using forkcast::preprocessing::Table;
using forkcast::preprocessing::Value;
using forkcast::wire::DecodedRequest;
using forkcast::wire::Decoding;
using forkcast::wire::EveryType;
using forkcast::wire::Format;
using forkcast::wire::ToJson;
using nlohmann::json;

constexpr forkcast::wire::DecoderLimits kLimits{.max_depth = 8, .max_rows = 100};

Format FormatOf(std::uint8_t choice) {
  constexpr Format kFormats[] = {Format::kJson, Format::kJsonLines, Format::kCsv};
  return kFormats[choice % 3];
}

void RequireConsistent(const Status& decoded, const DecodedRequest& request) {
  Require(decoded.ok() || request.row_count == 0);
  Require(decoded.ok() || !decoded.error().message.empty());
  Require(request.row_count == request.row_numbers.size() + request.errors.size());
  for (std::size_t i = 0; i < request.rows.column_count(); ++i) {
    Require(request.rows.column(i).size() == request.row_numbers.size());
  }
  // Good and bad rows together are all there are, each once.
  std::vector<bool> seen(request.row_count);
  const auto see = [&seen](std::size_t row) {
    Require(row < seen.size() && !seen[row]);
    seen[row] = true;
  };
  for (const std::size_t row : request.row_numbers) see(row);
  for (const auto& bad : request.errors) see(bad.row);
}

void RequireEqual(const DecodedRequest& a, const DecodedRequest& b) {
  Require(a.wrapping == b.wrapping && a.row_numbers == b.row_numbers);
  Require(ToJson(a.rows) == ToJson(b.rows));
  // Which of several reasons a text is no JSON for may depend on what is behind it.
  Require(std::ranges::equal(a.errors, b.errors, [](const auto& left, const auto& right) {
    return left.row == right.row && left.error.field == right.error.field &&
           left.error.code == right.error.code;
  }));
}

// ---- what is JSON ----

/// Of a text that nlohmann-json refuses, whether it does so for a number beyond all doubles, which
/// is JSON.
bool IsRefusedForANumber(std::string_view text) {
  constexpr int kNumberOverflow = 406;
  try {
    return json::parse(text).is_discarded();
  } catch (const json::exception& refused) {
    return refused.id == kNumberOverflow;
  }
}

/// The text with null in place of what Python writes for numbers that are none, which is taken
/// where rows are wrapped.
std::string WithNulls(std::string_view body) {
  std::string out;
  bool is_text = false;
  while (!body.empty()) {
    std::size_t size = is_text && body.front() == '\\' ? 2 : 1;
    for (const std::string_view token : {"NaN", "-NaN", "Infinity", "-Infinity"}) {
      if (is_text || !body.starts_with(token)) continue;
      out += "null";
      size = 0;
      body.remove_prefix(token.size());
      break;
    }
    if (size == 0) continue;
    if (body.front() == '"') is_text = !is_text;
    out += body.substr(0, size);
    body.remove_prefix(std::min(size, body.size()));
  }
  return out;
}

void RequireJudgedAlike(std::string_view body, const Status& decoded,
                        const DecodedRequest& request) {
  const bool is_json = json::accept(body);
  // A NaN for a field is an error of its row.
  const bool all_good = decoded.ok() && request.errors.empty();
  const bool is_wrapped = request.wrapping == forkcast::wire::Wrapping::kInstances;
  const std::string judged = is_wrapped ? WithNulls(body) : std::string(body);
  if (all_good) Require(json::accept(judged) || IsRefusedForANumber(judged));
  // It takes a byte-order mark, and a NUL for the end.
  const bool odd = body.starts_with("\xEF\xBB\xBF") || body.find('\0') != std::string_view::npos;
  if (is_json && !odd && !decoded.ok()) {
    Require(decoded.error().message.find("not valid JSON") == std::string::npos);
  }
}

// ---- what is written anew ----

void AppendCsvValue(const Value& value, std::string& out) {
  if (IsMissing(value)) return;
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    forkcast::wire::AppendCsvField(*text, out);
  } else if (const auto* instant = std::get_if<Instant>(&value)) {
    forkcast::preprocessing::AppendIsoTimestamp(*instant, out);
  } else {
    forkcast::wire::AppendJsonValue(value, out);
  }
}

std::string AsJsonLines(const Table& table) {
  std::string out;
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    for (std::size_t i = 0; i < table.column_count(); ++i) {
      out += i == 0 ? '{' : ',';
      forkcast::wire::AppendJsonString(table.schema().columns[i].name, out);
      out += ':';
      forkcast::wire::AppendJsonValue(ValueAt(table.column(i), row), out);
    }
    out += "}\n";
  }
  return out;
}

/// Lines as the array that holds them.
std::string AsJson(std::string lines) {
  if (!lines.empty()) lines.pop_back();
  std::string array = "[";
  for (const char c : lines) array += c == '\n' ? ',' : c;  // within a line they are escaped
  return array + "]";
}

std::string AsCsv(const Table& table) {
  std::string out;
  for (std::size_t i = 0; i < table.column_count(); ++i) {
    out.append(i == 0 ? "" : ",").append(table.schema().columns[i].name);
  }
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    for (std::size_t i = 0; i < table.column_count(); ++i) {
      out += i == 0 ? '\n' : ',';
      AppendCsvValue(ValueAt(table.column(i), row), out);
    }
  }
  return out;
}

bool HasNul(const Table& table) {
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    for (std::size_t i = 0; i < table.column_count(); ++i) {
      const Value value = ValueAt(table.column(i), row);
      const auto* text = std::get_if<std::string_view>(&value);
      if (text != nullptr && text->find('\0') != std::string_view::npos) return true;
    }
  }
  return false;
}

void RequireSameWrittenAnew(const Table& rows, Decoding& decoding) {
  const json expected = ToJson(rows);
  const auto require = [&](Format format, const std::string& body) {
    Require(decoding.Decode(format, body).ok());
    Require(decoding.request().errors.empty());
    Require(ToJson(decoding.request().rows) == expected);
  };
  const std::string lines = AsJsonLines(rows);
  require(Format::kJson, AsJson(lines));
  if (rows.row_count() > 0) require(Format::kJsonLines, lines);
  if (!HasNul(rows)) require(Format::kCsv, AsCsv(rows));  // CSV has none
}

/// None of the formats has a form for it that is written.
bool HasInfinity(const Table& table) {
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    for (std::size_t i = 0; i < table.column_count(); ++i) {
      const Value value = ValueAt(table.column(i), row);
      const auto* number = std::get_if<double>(&value);
      if (number != nullptr && std::isinf(*number)) return true;
    }
  }
  return false;
}

// ---- line by line ----

void RequireSameLineByLine(std::string_view body, const DecodedRequest& whole) {
  Decoding decoding(EveryType(), kLimits);
  json rows = json::array();
  std::vector<std::size_t> bad;
  std::size_t count = 0;
  while (!body.empty()) {
    const std::size_t size = std::min(body.find('\n'), body.size() - 1) + 1;
    const Status decoded = decoding.Decode(Format::kJsonLines, body.substr(0, size));
    body.remove_prefix(size);
    if (!decoded) continue;  // an empty line
    Require(decoding.request().row_count == 1);
    if (!decoding.request().errors.empty()) bad.push_back(count);
    for (const json& row : ToJson(decoding.request().rows)) rows.push_back(row);
    ++count;
  }
  Require(count == whole.row_count);
  Require(rows == ToJson(whole.rows));
  Require(std::ranges::equal(bad, whole.errors, {}, {}, &forkcast::wire::RowError::row));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  GTEST_FLAG_SET(break_on_failure, true);  // what Decoding expects is required here
  constexpr std::string_view kPaddings("\0}],:\"0{", 8);
  const Format format = FormatOf(data[0]);
  const char padding = kPaddings[data[0] / 3 % kPaddings.size()];
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);

  Decoding decoding(EveryType(), kLimits);
  const Status decoded = decoding.Decode(format, body, padding);
  const DecodedRequest& request = decoding.request();
  RequireConsistent(decoded, request);
  if (format == Format::kJson) RequireJudgedAlike(body, decoded, request);
  if (format == Format::kJsonLines && decoded.ok()) RequireSameLineByLine(body, request);

  Decoding used(EveryType(), kLimits);
  if (!HasInfinity(request.rows)) RequireSameWrittenAnew(request.rows, used);
  const Status again = used.Decode(format, body, ' ');
  Require(again.ok() == decoded.ok());
  if (!again) Require(again.error().code == decoded.error().code);
  RequireEqual(used.request(), request);
  return 0;
}
