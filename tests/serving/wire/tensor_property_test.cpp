#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "serving/wire/tensor_decoding.hpp"
#include "serving/wire/tensor_writer.hpp"

namespace forkcast::wire {
namespace {

using nlohmann::json;
using Random = std::mt19937_64;

/// A number that the type can hold, as text and as bytes, which say the same.
struct Number {
  std::string text;
  std::string bytes;
};

template <typename T>
Number RandomInteger(Random& random) {
  const auto value = static_cast<T>(random() >> random() % 64);
  return {fmt::format("{}", value), BytesOf(value)};
}

template <typename T, typename Bits>
Number RandomReal(Random& random) {
  const auto value = std::bit_cast<T>(static_cast<Bits>(random()));
  if (!std::isfinite(value)) return {"null", BytesOf(std::numeric_limits<T>::quiet_NaN())};
  return {fmt::format("{}", value), BytesOf(value)};
}

/// All finite ones are doubles with a few digits.
Number RandomShort(Random& random, Datatype type) {
  const auto bits = static_cast<std::uint16_t>(random());
  Tensor tensor;
  tensor.datatype = type;
  const std::string bytes = BytesOf(bits);
  tensor.bytes = bytes;
  const auto value = tensor.NumberAt(0);
  if (!value) return RandomShort(random, type);  // an infinity
  return {*value ? fmt::format("{}", **value) : "null", bytes};
}

Number RandomNumber(Datatype type, Random& random) {
  switch (type) {
    case Datatype::kUint8:
      return RandomInteger<std::uint8_t>(random);
    case Datatype::kUint16:
      return RandomInteger<std::uint16_t>(random);
    case Datatype::kUint32:
      return RandomInteger<std::uint32_t>(random);
    case Datatype::kUint64:
      return RandomInteger<std::uint64_t>(random);
    case Datatype::kInt8:
      return RandomInteger<std::int8_t>(random);
    case Datatype::kInt16:
      return RandomInteger<std::int16_t>(random);
    case Datatype::kInt32:
      return RandomInteger<std::int32_t>(random);
    case Datatype::kInt64:
      return RandomInteger<std::int64_t>(random);
    case Datatype::kFp32:
      return RandomReal<float, std::uint32_t>(random);
    case Datatype::kFp64:
      return RandomReal<double, std::uint64_t>(random);
    default:
      return RandomShort(random, type);
  }
}

constexpr Datatype kNumeric[] = {Datatype::kUint8,  Datatype::kUint16, Datatype::kUint32,
                                 Datatype::kUint64, Datatype::kInt8,   Datatype::kInt16,
                                 Datatype::kInt32,  Datatype::kInt64,  Datatype::kFp16,
                                 Datatype::kBf16,   Datatype::kFp32,   Datatype::kFp64};

TEST(TensorProperty, JsonAndBinaryDataSayTheSame) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  TensorDecoding decoding;
  for (int round = 0; round < 2000 && !HasFailure(); ++round) {
    const std::size_t rows = 1 + random() % 5;
    const Datatype type = kNumeric[random() % std::size(kNumeric)];
    std::string numbers;
    std::string texts;
    std::string behind;
    std::string number_bytes;
    for (std::size_t row = 0; row < rows; ++row) {
      const std::string text(random() % 4, static_cast<char>('a' + random() % 26));
      texts += fmt::format("{}\"{}\"", row > 0 ? "," : "", text);
      behind += BytesOf(text);
      const Number number = RandomNumber(type, random);
      numbers += (row > 0 ? "," : "") + number.text;
      number_bytes += number.bytes;
    }
    const auto body = [&](const std::string& id, const std::string& x) {
      return fmt::format(R"({{"inputs":[{{"name":"id","shape":[{0}],"datatype":"BYTES",{1}}},)"
                         R"({{"name":"x","shape":[{0},1],"datatype":"{2}",{3}}}]}})",
                         rows, id, NameOf(type), x);
    };
    const auto data = [](const std::string& values) { return "\"data\":[" + values + "]"; };
    const auto size = [](const std::string& bytes) {
      return fmt::format(R"("parameters":{{"binary_data_size":{}}})", bytes.size());
    };
    const std::string text_body = body(data(texts), data(numbers));
    ASSERT_TRUE(decoding.Decode(text_body).ok()) << text_body;
    ASSERT_TRUE(decoding.decoded().errors.empty())
        << text_body << decoding.decoded().errors[0].error.message;
    const json as_json = decoding.rows();
    ASSERT_TRUE(
        decoding.Decode(body(size(behind), size(number_bytes)), behind + number_bytes).ok());
    ASSERT_TRUE(decoding.decoded().errors.empty());
    EXPECT_EQ(decoding.rows(), as_json) << text_body;
  }
}

/// An answer's tensors as inputs of a request: what was written is what is read.
TEST(TensorProperty, WhatIsWrittenIsReadAgainInJsonAndInBinary) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  TensorDecoding decoding;
  const preprocessing::Schema schema = EveryType();
  for (int round = 0; round < 500 && !HasFailure(); ++round) {
    std::vector<OutputTensor> outputs;
    for (const preprocessing::ColumnSpec& column : schema.columns) {
      outputs.push_back(
          {.name = column.name, .datatype = DatatypeOf(column.type), .binary = random() % 2 == 0});
    }
    TensorWriter writer;
    writer.Start(outputs);
    json expected = json::array();
    const std::size_t rows = random() % 4;
    for (std::size_t row = 0; row < rows; ++row) {
      const auto real = std::bit_cast<double>(random());
      std::vector<preprocessing::Value> line{
          std::string_view("\"\xC3\xA9"),
          std::string_view("x"),
          static_cast<std::int64_t>(random()),
          std::isfinite(real) ? real : 0.1,
          random() % 2 == 0,
          FromMicros(static_cast<std::int32_t>(random()) * std::int64_t{1'000'001})};
      if (random() % 3 == 0) line[2 + random() % 3] = {};
      writer.AddLine(line);
      json values = json::array();
      for (const preprocessing::Value& value : line) values.push_back(ToJson(value));
      expected.push_back(std::move(values));
    }
    std::string answer;
    const std::size_t json_size = writer.Finish({}, answer);
    const std::size_t size = json_size == 0 ? answer.size() : json_size;
    json body = json::parse(answer.substr(0, size));
    const std::string behind = answer.substr(size);
    const Status decoded = decoding.Decode(json{{"inputs", body["outputs"]}}.dump(),
                                           json_size == 0 ? std::nullopt : std::optional(behind));
    ASSERT_TRUE(decoded.ok()) << decoded.error().message << answer;
    EXPECT_EQ(decoding.rows(), expected) << answer;
  }
}

}  // namespace
}  // namespace forkcast::wire
