#pragma once

#include <optional>
#include <string>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"
#include "model/learn/rivalry.hpp"

namespace forkcast::model {

/// Whose place a version is to take, and by which rules.
struct Contest {
  VersionInfo champion;
  RivalryRules rules;
};

/// A contest for `alias`, as the manifest of the challenger has it.
[[nodiscard]] nlohmann::ordered_json ToJson(const Contest& contest, const std::string& alias,
                                            const Rivalry& rivalry);

/// A version that a training would only make again.
struct KnownVersion {
  VersionInfo info;
  std::string learned_up_to;  ///< As LearnedUpTo().
  /// That it lost, or won before it lost the place again; null: it is the champion.
  nlohmann::ordered_json contest;
};

/// The newest version that was learned from `origin` (TrainingJob::Origin()) and is the champion,
/// or was compared with it for `alias` by the same rules. Versions whose manifest cannot be read
/// are none. As Registry::Versions().
[[nodiscard]] Result<std::optional<KnownVersion>> FindKnownVersion(
    const Registry& registry, const nlohmann::ordered_json& origin, const Contest& contest,
    const std::string& alias);

/// That it is there and what was found of it, in a sentence or two.
[[nodiscard]] std::string Describe(const KnownVersion& known);

}  // namespace forkcast::model
