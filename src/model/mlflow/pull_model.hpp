#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "model/artefact/registry.hpp"
#include "model/import/import_model.hpp"
#include "model/mlflow/mlflow_client.hpp"
#include "model/mlflow/mlmodel_file.hpp"

namespace forkcast::model {

/// "mlflow:NAME@ALIAS" or "mlflow:NAME@NUMBER".
struct MlflowReference {
  std::string name;
  std::string version;  ///< Alias or number.
};

/// kInvalidArgument saying what is expected; an alias left out is `champion`.
[[nodiscard]] Result<MlflowReference> ParseMlflowReference(std::string_view text);

/// A version in MLflow's registry.
struct MlflowVersion {
  std::string name;
  std::string number;
  std::string artifacts;  ///< Where its files are.
};

/// kNotFound for what is not registered.
[[nodiscard]] Result<MlflowVersion> FindMlflowVersion(MlflowClient& client,
                                                      const MlflowReference& reference);

/// A flavour of MLflow's whose models are read. Pickles are none: to load one is to run it.
struct MlflowFlavor {
  std::string_view name;
  /// Makes a version of what lies in `folder`. `members`: of the flavour, of which `data` names a
  /// file inside it. `request` says the rest: name, pipeline, inputs, classes.
  Result<PreparedImport> (*prepare)(const std::filesystem::path& folder,
                                    const MlmodelFlavor& members, const ImportRequest& request);
};

/// Every flavour that is read: Forkcast's own, and those whose files the table of formats reads.
[[nodiscard]] std::span<const MlflowFlavor> MlflowFlavors() noexcept;

/// Fetches a version's files into `folder`, which is empty, compares their lengths with what MLflow
/// lists, and makes a version of them, whose manifest says from where it is (`mlflow`). Publishes
/// nothing. kInvalidArgument naming the flavours of a model that has none of ours; as
/// PrepareImport().
[[nodiscard]] Result<PreparedImport> PullModel(MlflowClient& client, const MlflowVersion& version,
                                               const std::filesystem::path& folder,
                                               const ImportRequest& request);

/// A version of a registry that came from MLflow.
struct PulledVersion {
  std::uint64_t number = 0;
  bool is_new = false;  ///< Else it was there already, and nothing was fetched.
  std::vector<std::string> notes{};
};

/// Lets `registry` have what `reference` means, under the name of `request` (empty: MLflow's), and
/// `alias` (empty: none) mean it: pulled and published unless a version is there that came from the
/// same one. A failure leaves the registry as it was. As PullModel() and Registry::Publish().
[[nodiscard]] Result<PulledVersion> PullInto(const Registry& registry, MlflowClient& client,
                                             const MlflowReference& reference,
                                             ImportRequest request, const std::string& alias,
                                             Instant now);

}  // namespace forkcast::model
