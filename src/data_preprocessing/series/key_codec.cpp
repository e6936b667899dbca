#include "data_preprocessing/series/key_codec.hpp"

#include <algorithm>

#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {

void DecodeKey(std::string_view bytes, std::span<const ColumnType> types, std::span<Value> values) {
  if (types.size() == 1 && types.front() == ColumnType::kText) {
    values.front() = bytes;
    return;
  }
  const auto take = [&bytes](auto number) {
    const std::size_t size = std::min(bytes.size(), sizeof number);
    if (size > 0) std::memcpy(&number, bytes.data(), size);
    bytes.remove_prefix(size);
    return number;
  };
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (types[i] == ColumnType::kText) {
      const auto size = take(std::uint32_t{});
      const std::string_view text = bytes.substr(0, size);
      values[i] = text;
      bytes.remove_prefix(text.size());
      continue;
    }
    const auto number = take(std::int64_t{});
    if (types[i] == ColumnType::kBool) {
      values[i] = number != 0;
    } else if (types[i] == ColumnType::kTimestamp) {
      values[i] = FromMicros(number);
    } else {
      values[i] = number;
    }
  }
}

std::string KeyText(std::span<const std::string> columns, std::span<const Value> values) {
  if (columns.empty()) return "the whole series";
  std::string text;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    text += (i == 0 ? "" : ", ") + columns[i] + "=";
    if (const auto* characters = std::get_if<std::string_view>(&values[i])) {
      text += *characters;
    } else if (const auto* number = std::get_if<std::int64_t>(&values[i])) {
      text += std::to_string(*number);
    } else if (const auto* flag = std::get_if<bool>(&values[i])) {
      text += *flag ? "true" : "false";
    } else if (const auto* instant = std::get_if<Instant>(&values[i])) {
      AppendIsoTimestamp(*instant, text);
    }
  }
  return text;
}

}  // namespace forkcast::preprocessing
