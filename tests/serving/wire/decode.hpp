#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/table/value.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::wire {

/// A body with its padding and not a byte more, so that ASan sees a read beyond.
class PaddedBody {
 public:
  explicit PaddedBody(std::string_view body, char padding = '\0')
      : bytes_(std::make_unique<char[]>(body.size() + kBodyPadding)), size_(body.size()) {
    std::ranges::copy(body, bytes_.get());
    std::fill_n(bytes_.get() + size_, kBodyPadding, padding);
  }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
};

/// A schema with every type; only `id` is required.
inline preprocessing::Schema EveryType() {
  using enum preprocessing::ColumnType;
  return {{{.name = "id", .type = kText, .nullable = false},
           {.name = "note", .type = kText, .nullable = true},
           {.name = "n", .type = kInt64, .nullable = true},
           {.name = "x", .type = kDouble, .nullable = true},
           {.name = "b", .type = kBool, .nullable = true},
           {.name = "t", .type = kTimestamp, .nullable = true}}};
}

inline nlohmann::json ToJson(const preprocessing::Value& value) {
  return std::visit(
      [](const auto& held) -> nlohmann::json {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::monostate>) {
          return nullptr;
        } else if constexpr (std::is_same_v<Held, Instant>) {
          return ToMicros(held);
        } else {
          return held;
        }
      },
      value);
}

/// The rows as arrays of values; timestamps are microseconds.
inline nlohmann::json ToJson(const preprocessing::Table& table) {
  nlohmann::json rows = nlohmann::json::array();
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    nlohmann::json values = nlohmann::json::array();
    for (std::size_t column = 0; column < table.column_count(); ++column) {
      values.push_back(ToJson(preprocessing::ValueAt(table.column(column), row)));
    }
    rows.push_back(std::move(values));
  }
  return rows;
}

/// One decoder with a request to decode into; and another one that does the same in steps, which
/// must come to the same.
class Decoding {
 public:
  explicit Decoding(const preprocessing::Schema& schema = EveryType(), DecoderLimits limits = {})
      : decoder_(schema, preprocessing::TimeZone(), limits),
        request_(schema),
        stepping_decoder_(schema, preprocessing::TimeZone(), limits),
        stepped_(schema) {}

  Status Decode(Format format, std::string_view body, char padding = '\0') {
    const PaddedBody padded(body, padding);
    Status decoded = decoder_.Decode(format, padded.view(), request_);
    EXPECT_EQ(decoded.ok() ? Error{} : decoded.error(), DecodeInSteps(format, padded.view()));
    EXPECT_EQ(ToJson(request_.rows), ToJson(stepped_.rows));
    EXPECT_EQ(request_.row_numbers, stepped_.row_numbers);
    EXPECT_EQ(request_.row_count, stepped_.row_count);
    EXPECT_EQ(request_.wrapping, stepped_.wrapping);
    EXPECT_TRUE(std::ranges::equal(
        request_.errors, stepped_.errors,
        [](const RowError& a, const RowError& b) { return a.row == b.row && a.error == b.error; }));
    return decoded;
  }
  [[nodiscard]] const DecodedRequest& request() const noexcept { return request_; }

 private:
  /// A default Error for success.
  Error DecodeInSteps(Format format, std::string_view body) {
    stepping_decoder_.Start(format, body, stepped_);
    while (true) {
      const std::size_t before = stepped_.row_count;
      const std::size_t steps = 1 + times_++ % 3;
      const Result<bool> read = stepping_decoder_.Continue(steps);
      if (!read) return read.error();
      if (*read) return {};
      EXPECT_LE(stepped_.row_count - before, steps);
    }
  }

  RequestDecoder decoder_;
  DecodedRequest request_;
  RequestDecoder stepping_decoder_;
  DecodedRequest stepped_;
  std::size_t times_ = 0;
};

}  // namespace forkcast::wire
