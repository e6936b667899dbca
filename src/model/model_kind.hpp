#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "model/model.hpp"

namespace forkcast::model {

/// A model's file, read whole. What else a model consists of lies beside it.
struct ModelFile {
  std::filesystem::path path;
  std::string text;
};

/// A model and what it is called; the version is logged and captured with every answer.
struct LoadedModel {
  std::string name;
  std::string version;
  std::unique_ptr<const Model> model{};
};

/// One kind of model that can be loaded.
struct ModelKind {
  std::string_view format;  ///< What the member "format" of its file says.
  /// kCorrupt when the file is not as it was written, kInvalidArgument naming the JSON path for
  /// anything else that is wrong. Messages leave out the file's name. Blocks on the disk.
  Result<LoadedModel> (*load)(const ModelFile& file);
};

}  // namespace forkcast::model
