#include "data_preprocessing/table/schema.hpp"

#include <array>
#include <utility>

namespace forkcast::preprocessing {
namespace {

constexpr std::array<std::pair<ColumnType, std::string_view>, 5> kTypeNames{{
    {ColumnType::kText, "text"},
    {ColumnType::kInt64, "int64"},
    {ColumnType::kDouble, "double"},
    {ColumnType::kBool, "bool"},
    {ColumnType::kTimestamp, "timestamp"},
}};

}  // namespace

std::string_view ToString(ColumnType type) noexcept {
  for (const auto& [known, name] : kTypeNames) {
    if (known == type) return name;
  }
  return "?";
}

std::optional<ColumnType> ColumnTypeFromString(std::string_view name) noexcept {
  for (const auto& [type, known] : kTypeNames) {
    if (known == name) return type;
  }
  return std::nullopt;
}

std::optional<std::size_t> Schema::Find(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == name) return i;
  }
  return std::nullopt;
}

}  // namespace forkcast::preprocessing
