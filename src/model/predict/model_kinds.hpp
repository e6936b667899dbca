#pragma once

#include <filesystem>
#include <span>

#include "data_preprocessing/base/result.hpp"
#include "model/model_kind.hpp"

namespace forkcast::model {

/// Every kind of model there is. A new one is a line in this table (../README.md).
[[nodiscard]] std::span<const ModelKind> ModelKinds() noexcept;

/// Loads the model in `file`, of whichever kind its member "format" says. Blocks on the disk. The
/// file's name is put in front of messages. kNotFound or kIo when it cannot be read,
/// kInvalidArgument when it is of no kind, and as ModelKind::load.
[[nodiscard]] Result<LoadedModel> LoadModel(const std::filesystem::path& file,
                                            std::span<const ModelKind> kinds = ModelKinds());

}  // namespace forkcast::model
