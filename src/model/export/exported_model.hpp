#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"
#include "model/inputs/target_transform.hpp"
#include "model/linear/linear_model.hpp"
#include "model/tree/forest_source.hpp"

namespace forkcast::model {

/// One model of a version that was trained here, as other programs are to read it.
struct ExportableModel {
  std::string name{};                   ///< "demand 3".
  std::string library_version{};        ///< Of forkcast, that trained it.
  nlohmann::ordered_json transforms{};  ///< The member "transforms" of STEM.transforms.json.
  std::optional<TargetTransform> target{};
  std::vector<std::string> classes{};  ///< In the order of its scores; empty: it answers a number.
  std::variant<ForestSource, LinearSource> scorer{};
  std::string interchange{};  ///< Of a forest: XGBoost's own model.
};

/// Reads the one model of a version, or the one called `stem` where it has several ("2", "1/7").
/// kInvalidArgument for a version of several of which none was chosen, naming them, and for what no
/// other program can read: history methods, quantile tables, candidates that are blended, a model
/// that was imported. As Version::Read.
[[nodiscard]] Result<ExportableModel> ReadTrained(const VersionInfo& info, std::string_view stem);

/// A file for other programs.
struct ExportedFile {
  std::string bytes;
  std::vector<std::string> notes{};  ///< What whoever reads it ought to know; sentences.
};

/// From the features to the answer: inputs are called as the features, each a column of float, or
/// of string; outputs are `value`, or `label` and `probabilities`. Read back by `models import` it
/// answers as the version, bit for bit, but for a target's log1p. kInvalidArgument naming what ONNX
/// cannot say: a target that is put in relation to a row's own scale or last value, categories as
/// sets, texts that are errors.
[[nodiscard]] Result<ExportedFile> ExportOnnx(const ExportableModel& model);

/// As XGBoost saves it (UBJSON). kInvalidArgument for a model that is no forest.
[[nodiscard]] Result<ExportedFile> ExportXGBoost(const ExportableModel& model);

}  // namespace forkcast::model
