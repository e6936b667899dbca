#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "data_preprocessing/dao/sqlite/sqlite_connection.hpp"
#include "data_preprocessing/table/schema.hpp"

/// Parts of SQL statements.
namespace forkcast::preprocessing {

/// `part` of all indices below `count`, with `separator` between them.
template <typename Part>
std::string Join(std::size_t count, std::string_view separator, const Part& part) {
  std::string joined;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) joined += separator;
    joined += part(i);
  }
  return joined;
}

inline std::string JoinNames(std::span<const ColumnSpec> columns) {
  return Join(columns.size(), ", ",
              [&](std::size_t i) { return QuoteIdentifier(columns[i].name); });
}

}  // namespace forkcast::preprocessing
