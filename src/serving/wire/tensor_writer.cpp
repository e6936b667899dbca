#include "serving/wire/tensor_writer.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <utility>
#include <variant>

#include "data_preprocessing/table/parse_value.hpp"
#include "serving/wire/answer_writer.hpp"

namespace forkcast::wire {

using preprocessing::IsMissing;
using preprocessing::Value;

namespace {

template <typename T>
void AppendBytes(T value, std::string& out) {
  const std::size_t at = out.size();
  out.resize(at + sizeof value);
  std::memcpy(out.data() + at, &value, sizeof value);
}

template <typename T>
T BytesAt(std::string_view bytes, std::size_t i) noexcept {
  T value{};
  std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
  return value;
}

/// NaN for what is none, as JSON has null.
double NumberOf(const Value& value) noexcept {
  double number = std::numeric_limits<double>::quiet_NaN();
  if (const auto* real = std::get_if<double>(&value)) number = *real;
  if (const auto* integer = std::get_if<std::int64_t>(&value))
    number = static_cast<double>(*integer);
  return std::isfinite(number) ? number : std::numeric_limits<double>::quiet_NaN();
}

void AppendText(const Value& value, std::string& out) {
  std::string time;
  std::string_view text;
  if (const auto* its_text = std::get_if<std::string_view>(&value)) text = *its_text;
  if (const auto* instant = std::get_if<Instant>(&value)) {
    preprocessing::AppendIsoTimestamp(*instant, time);
    text = time;
  }
  AppendBytes(static_cast<std::uint32_t>(text.size()), out);
  out += text;
}

/// `,"name":"text"`
void AppendMember(std::string_view name, std::string_view text, std::string& out) {
  if (out.back() != '{') out += ',';
  AppendJsonString(name, out);
  out += ':';
  AppendJsonString(text, out);
}

}  // namespace

void TensorWriter::Start(std::span<const OutputTensor> outputs) {
  count_ = outputs.size();
  if (columns_.size() < count_) columns_.resize(count_);
  for (std::size_t i = 0; i < count_; ++i) {
    columns_[i].output = outputs[i];
    columns_[i].data.clear();
  }
  lines_ = 0;
}

void TensorWriter::AddLine(std::span<const Value> values) {
  for (std::size_t i = 0; i < count_; ++i) {
    Column& column = columns_[i];
    const bool has_no_bytes = IsMissing(values[i]) && (column.output.datatype == Datatype::kInt64 ||
                                                       column.output.datatype == Datatype::kBool);
    if (column.output.binary && has_no_bytes) TurnToJson(column);
    if (column.output.binary) {
      AddBinary(values[i], column);
    } else {
      AddJson(values[i], column.data);
    }
  }
  ++lines_;
}

void TensorWriter::AddJson(const Value& value, std::string& data) {
  if (!data.empty()) data += ',';
  AppendJsonValue(value, data);
}

void TensorWriter::AddBinary(const Value& value, Column& column) {
  switch (column.output.datatype) {
    case Datatype::kInt64:
      return AppendBytes(std::get<std::int64_t>(value), column.data);
    case Datatype::kBool:
      return AppendBytes(static_cast<std::uint8_t>(std::get<bool>(value) ? 1 : 0), column.data);
    case Datatype::kBytes:
      return AppendText(value, column.data);
    default:
      return AppendBytes(NumberOf(value), column.data);
  }
}

/// What it has so far is written anew.
void TensorWriter::TurnToJson(Column& column) const {
  const std::string bytes = std::exchange(column.data, {});
  for (std::size_t line = 0; line < lines_; ++line) {
    const bool is_integer = column.output.datatype == Datatype::kInt64;
    AddJson(is_integer ? Value(BytesAt<std::int64_t>(bytes, line))
                       : Value(BytesAt<std::uint8_t>(bytes, line) == 1),
            column.data);
  }
  column.output.binary = false;
}

std::size_t TensorWriter::Finish(const Head& head, std::string& out) {
  const std::size_t begin = out.size();
  const std::span<const Column> columns = std::span(columns_).first(count_);
  bool any_binary = false;
  out += '{';
  AppendMember("model_name", head.model_name, out);
  AppendMember("model_version", head.model_version, out);
  AppendMember("id", head.id, out);
  out += R"(,"outputs":[)";
  for (const Column& column : columns) {
    if (out.back() != '[') out += ',';
    out += '{';
    AppendMember("name", column.output.name, out);
    AppendMember("datatype", NameOf(column.output.datatype), out);
    fmt::format_to(std::back_inserter(out), R"(,"shape":[{}],)", lines_);
    any_binary = any_binary || column.output.binary;
    if (column.output.binary) {
      fmt::format_to(std::back_inserter(out), R"("parameters":{{"binary_data_size":{}}}}})",
                     column.data.size());
    } else {
      out.append(R"("data":[)").append(column.data).append("]}");
    }
  }
  out += "]}";
  const std::size_t json_size = out.size() - begin;
  for (const Column& column : columns) {
    if (column.output.binary) out += column.data;
  }
  return any_binary ? json_size : 0;
}

}  // namespace forkcast::wire
