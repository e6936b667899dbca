#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::serving {

/// What is served under a name: a pipeline file with its model, or a published version of a model.
struct Deployment {
  /// IsDeploymentName(). Empty: the model's, or the name within the pipeline's file.
  std::string name{};
  std::string model{};  ///< "MODEL@ALIAS" or "MODEL@NUMBER"; empty with a pipeline file.
  std::filesystem::path pipeline{};   ///< Empty with a model.
  std::filesystem::path snapshots{};  ///< Folder.
  /// What becomes of a key that a forecast's model or data do not know, as JSON: "refuse" or a
  /// baseline, as model::ReadColdStart() reads it.
  std::string cold_start = "\"refuse\"";
  bool is_default = false;  ///< Answers requests that name none.
  std::string origin{};  ///< Who declared it, for messages: "--deploy", "FILE: $.deployments[1]".

  friend bool operator==(const Deployment&, const Deployment&) = default;
};

/// The alias that is served where none is named.
inline constexpr std::string_view kServedAlias = "champion";

/// Whether a deployment can be called so: IsPlainName() of 128 characters, as a model in a
/// registry.
[[nodiscard]] bool IsDeploymentName(std::string_view name) noexcept;

/// Reads `[NAME=]MODEL[@ALIAS|NUMBER]`; the name is the model's where none is given. The error says
/// what was expected. Whether there is such a model is not looked at.
[[nodiscard]] Result<Deployment> ParseDeployment(std::string_view text);

/// Reads a member of the config file's "deployments":
///   {"name": "weekly", "model": "weekly_demand@champion", "default": true, "cold_start": "naive"}
///   {"name": "triage", "pipeline": "conf/pipelines/order_triage.json", "snapshots": "orders"}
/// Exactly one of model and pipeline. `file` is put before the place in `origin`. Throws SpecError.
[[nodiscard]] Deployment ReadDeployment(const preprocessing::JsonNode& node,
                                        const std::string& file);

/// Checks that the names that are given and the default are there once, and puts the default first:
/// the one that says so, else the first. kInvalidArgument naming the origin of the second one.
Status Arrange(std::vector<Deployment>& deployments);

}  // namespace forkcast::serving
