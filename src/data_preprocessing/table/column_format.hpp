#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/table/time_format.hpp"

namespace forkcast::preprocessing {

/// How the values of one column are written by others, in files and in requests. By default as
/// parse_value.hpp says.
struct ColumnFormat {
  std::string header{};              ///< The column's name in CSV headers; empty: its own.
  std::optional<TimeFormat> time{};  ///< Of a timestamp.
  /// The words of a bool, in exactly this spelling; both lists are given, or none.
  std::vector<std::string> true_words{};
  std::vector<std::string> false_words{};

  friend bool operator==(const ColumnFormat&, const ColumnFormat&) = default;
};

}  // namespace forkcast::preprocessing
