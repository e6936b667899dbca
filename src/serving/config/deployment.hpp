#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "serving/config/remote_model.hpp"
#include "serving/experiment/experiment.hpp"

namespace forkcast::serving {

/// Routes as a deployment declares them, validated by whoever makes them (serving/routes).
struct RouteDeclarations {
  std::string json{};  ///< An array; empty for none.
  std::string path{};  ///< Its place, for messages: "FILE: $.deployments[1].routes", "FILE: $".
  friend bool operator==(const RouteDeclarations&, const RouteDeclarations&) = default;
};

/// What is served under a name: a pipeline file with its model, a published version of a model, or
/// a folder that holds either.
struct Deployment {
  /// IsDeploymentName(). Empty: the model's, or the name within the pipeline's file.
  std::string name{};
  /// "MODEL@ALIAS" or "MODEL@NUMBER", of MLflow behind kMlflowScheme; empty with a pipeline file.
  std::string model{};
  std::filesystem::path pipeline{};  ///< Empty with another.
  /// With a pipeline file, whose features it gets: what runs in another server.
  std::optional<RemoteModelSpec> remote{};
  /// What is served as it is (LoadDeployment()); empty with another.
  std::filesystem::path place{};
  std::filesystem::path snapshots{};  ///< Folder.
  /// What becomes of a key that a forecast's model or data do not know, as JSON: "refuse" or a
  /// baseline, as model::ReadColdStart() reads it. Empty: not declared, which is "refuse".
  std::string cold_start{};
  bool is_default = false;  ///< Answers requests that name none.
  RouteDeclarations routes{};
  /// What it is compared with from the start on.
  std::optional<ExperimentPlan> challenger{};
  std::string origin{};  ///< Who declared it, for messages: "--deploy", "FILE: $.deployments[1]".

  friend bool operator==(const Deployment&, const Deployment&) = default;
};

/// What stands before a model that is one of MLflow's registry: "mlflow:demand@champion".
inline constexpr std::string_view kMlflowScheme = "mlflow:";

/// The alias that is served where none is named.
inline constexpr std::string_view kServedAlias = "champion";

inline constexpr std::string_view kDeploymentNameForm =
    "1 to 128 letters, digits, '-', '_' and '.', not beginning with '.'";

/// Whether a deployment can be called so: IsPlainName() of 128 characters, as a model in a
/// registry.
[[nodiscard]] bool IsDeploymentName(std::string_view name) noexcept;

/// Reads `[NAME=][mlflow:]MODEL[@ALIAS|NUMBER]`; the name is the model's where none is given. The
/// error says what was expected. Whether there is such a model is not looked at.
[[nodiscard]] Result<Deployment> ParseDeployment(std::string_view text);

/// Reads a member of the config file's "deployments":
///   {"name": "weekly", "model": "weekly_demand@champion", "default": true, "cold_start": "naive"}
///   {"name": "triage", "pipeline": "conf/pipelines/order_triage.json", "snapshots": "orders"}
///   {"name": "triage", "pipeline": "conf/pipelines/triage.json", "model": "oip://HOST:PORT/NAME",
///    "remote": {"max_batch": 64}}
/// and any with `"routes": [...]`, or with the name of a file that holds such an array, which is
/// read, too, and with `"challenger": {...}` (ReadExperimentPlan()). Exactly one of model and
/// pipeline, but for a model elsewhere (ParseRemoteModel()), which takes both. `file` is put before
/// the place in `origin`. Throws SpecError.
[[nodiscard]] Deployment ReadDeployment(const preprocessing::JsonNode& node,
                                        const std::string& file);

/// The file by which a folder is known to hold a version of a model.
inline constexpr std::string_view kManifestFile = "manifest.json";

/// Checks that the names that are given and the default are there once, and puts the default first:
/// the one that says so, else the first. kInvalidArgument naming the origin of the second one.
Status Arrange(std::vector<Deployment>& deployments);

}  // namespace forkcast::serving
