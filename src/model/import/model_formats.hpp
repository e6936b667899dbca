#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "model/import/imported_model.hpp"

namespace forkcast::model {

/// Which trees of a file count.
enum class Rounds {
  kAll,
  kBest,         ///< Up to the round that early stopping found best, which the file has to name.
  kBestIfNamed,  ///< The same; all where the file names none.
};

/// A format of model files, known by its content: what a file is called says nothing.
struct ModelFormat {
  std::string_view name;
  /// What people call it: "XGBoost, JSON or UBJSON".
  std::string_view meaning;
  bool (*matches)(std::string_view bytes) noexcept;
  /// kCorrupt when the bytes are no whole model or contradict themselves; kInvalidArgument naming
  /// the member or parameter for what is not understood. O(bytes).
  Result<ImportedModel> (*read)(std::string_view bytes, Rounds rounds);
};

/// Every format that is read. A new one is a file and a line in this table (README.md).
[[nodiscard]] std::span<const ModelFormat> ModelFormats() noexcept;

/// Reads the model of whichever format the bytes are. kInvalidArgument naming what they look like
/// and what is read, for those of none; else as ModelFormat::read.
[[nodiscard]] Result<ImportedModel> ReadModel(std::string_view bytes, Rounds rounds);

}  // namespace forkcast::model
