#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "data_preprocessing/table/value.hpp"

namespace forkcast::preprocessing {

/// Bytes by which a key is found: a single text column is its own bytes; otherwise each text is its
/// length (32 bits, little endian) and bytes, each integer, bool or timestamp its 64 bits, little
/// endian. Distinct keys of one series have distinct bytes.
///
/// Returns a view of `values` or of `scratch`, whose capacity is reused. Precondition: no value is
/// missing, and none is a double (a pipeline cannot declare such a key).
inline std::string_view EncodeKey(std::span<const Value> values, std::string& scratch) {
  static_assert(std::endian::native == std::endian::little);
  if (values.size() == 1) {
    if (const auto* text = std::get_if<std::string_view>(&values.front())) return *text;
  }
  scratch.clear();
  const auto append = [&scratch](auto number) {
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    scratch.append(bytes, sizeof number);
  };
  for (const Value& value : values) {
    if (const auto* text = std::get_if<std::string_view>(&value)) {
      append(static_cast<std::uint32_t>(text->size()));
      scratch.append(*text);
    } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      append(*integer);
    } else if (const auto* flag = std::get_if<bool>(&value)) {
      append(static_cast<std::int64_t>(*flag));
    } else if (const auto* instant = std::get_if<Instant>(&value)) {
      append(ToMicros(*instant));
    }
  }
  return scratch;
}

/// The values of a key from its bytes, which EncodeKey() made of `types`; of others, something
/// within them. Texts are views of `bytes`. Precondition: values.size() == types.size().
void DecodeKey(std::string_view bytes, std::span<const ColumnType> types, std::span<Value> values);

/// "sku=00123, shop=7", or "the whole series" where a series has no key; for messages.
[[nodiscard]] std::string KeyText(std::span<const std::string> columns,
                                  std::span<const Value> values);

}  // namespace forkcast::preprocessing
