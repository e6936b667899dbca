#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::serving {

/// How rows stand in a file, by the ending of the files that have them so. Threads may share it.
struct RowForm {
  std::string_view ending;
  /// kInvalidArgument names the columns that cannot stand so.
  Status (*check)(const preprocessing::Schema& schema);
  /// Appends what stands before the rows, of which there are `rows`. Its length is the same for any
  /// number of them.
  void (*append_head)(const preprocessing::Schema& schema, std::size_t rows, std::string& bytes);
  /// Appends a row: a value a column.
  void (*append_row)(const preprocessing::Schema& schema,
                     std::span<const preprocessing::Value> values, std::string& bytes);
  /// Whether the head says how many rows there are.
  bool head_counts_rows = false;
  /// Whether the file says itself what its columns are called.
  bool names_columns = true;
};

/// By the path's ending; what bytes go through (OutputFile::IsStream) has no name that says it, and
/// gets CSV. kInvalidArgument for an ending that says nothing, listing those that do.
[[nodiscard]] Result<const RowForm*> RowFormOf(const std::filesystem::path& path);

}  // namespace forkcast::serving
