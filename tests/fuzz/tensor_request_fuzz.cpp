// The first two bytes say how much of the body is JSON (all ones: nothing says it); the rest is the
// body.
//
// What is decoded must not contradict itself, and must be the same in a decoder that was used
// before and with other bytes behind it. What is good is written as an answer's tensors, in JSON
// and in binary, and what is read from these is the same.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.hpp"
#include "serving/wire/tensor_decoding.hpp"
#include "serving/wire/tensor_writer.hpp"

namespace {

using namespace forkcast::wire;  // NOLINT(google-build-using-namespace): all of it
using forkcast::Status;
using forkcast::fuzz::Require;
using forkcast::preprocessing::Value;
using nlohmann::json;

constexpr DecoderLimits kLimits{.max_depth = 8, .max_rows = 50};
constexpr std::size_t kNotSaid = 0xFFFF;

void RequireConsistent(const Status& decoded, const DecodedRequest& request) {
  Require(decoded.ok() || request.row_count == 0);
  Require(decoded.ok() || !decoded.error().message.empty());
  Require(request.row_count == request.row_numbers.size() + request.errors.size());
  Require(request.row_count <= kLimits.max_rows);
  for (std::size_t i = 0; i < request.rows.column_count(); ++i) {
    Require(request.rows.column(i).size() == request.row_numbers.size());
  }
}

/// The rows as tensors, and those read again.
void RequireWritten(const TensorDecoding& decoding, bool binary) {
  const auto& rows = decoding.decoded().rows;
  std::vector<OutputTensor> outputs;
  for (const auto& column : rows.schema().columns) {
    outputs.push_back({.name = column.name, .datatype = DatatypeOf(column.type), .binary = binary});
  }
  TensorWriter writer;
  writer.Start(outputs);
  for (std::size_t row = 0; row < rows.row_count(); ++row) {
    std::vector<Value> line;
    for (std::size_t i = 0; i < rows.column_count(); ++i) {
      line.push_back(ValueAt(rows.column(i), row));
    }
    writer.AddLine(line);
  }
  std::string answer;
  const std::size_t json_size = writer.Finish({}, answer);
  const std::size_t size = json_size == 0 ? answer.size() : json_size;
  const json head = json::parse(answer.substr(0, size));
  TensorDecoding again(EveryType(), kLimits);
  const Status decoded =
      again.Decode(json{{"inputs", head.at("outputs")}}.dump(),
                   json_size == 0 ? std::nullopt : std::optional(answer.substr(size)));
  Require(decoded.ok() && again.decoded().errors.empty());
  // A text that is missing is an empty one in binary.
  if (!binary) Require(again.rows() == decoding.rows());
  for (std::size_t row = 0; row < rows.row_count(); ++row) {
    for (const std::size_t column : {0U, 2U, 3U, 4U, 5U}) {
      Require(again.rows().at(row).at(column) == decoding.rows().at(row).at(column));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t said = data[0] | static_cast<std::size_t>(data[1]) << 8U;
  const std::string_view body(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto json_size = said == kNotSaid ? std::nullopt : std::optional(said);
  static TensorDecoding used(EveryType(), kLimits);
  TensorDecoding fresh(EveryType(), kLimits);
  const Status decoded = fresh.DecodeBody(body, json_size);
  RequireConsistent(decoded, fresh.decoded());
  const Status decoded_again = used.DecodeBody(body, json_size);
  Require(decoded.ok() == decoded_again.ok());
  Require(fresh.rows() == used.rows());
  if (!decoded.ok()) return 0;
  RequireWritten(fresh, false);
  RequireWritten(fresh, true);
  return 0;
}
