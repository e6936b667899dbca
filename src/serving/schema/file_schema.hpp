#pragma once

#include <span>
#include <string_view>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::serving {

/// A kind of file that people write, and the JSON Schema (draft 2020-12) of it: what an editor
/// knows of the file while it is written. A schema is no second reader. It takes whatever the
/// program takes; it refuses unknown keys, values of a wrong type or beyond their range, and what
/// is missing, but knows nothing of names that refer to nothing. tests/around/schema_test.py holds
/// both to it.
struct FileSchema {
  std::string_view name;     ///< "pipeline".
  std::string_view meaning;  ///< "a pipeline file".
  nlohmann::ordered_json (*make)();
};

/// A row a kind of file.
[[nodiscard]] std::span<const FileSchema> FileSchemas() noexcept;

}  // namespace forkcast::serving
