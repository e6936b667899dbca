#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "model/artefact/version_store.hpp"

namespace forkcast::model {

/// What a list of versions says of one: `model`, `version`, `aliases`, `published_at`, and what it
/// is worth by its own judging: `metric`, `value`, `skill`, `beats_baselines`. Of a version of
/// single keys `only_keys` has their values and `base` the version beneath. Null: the manifest does
/// not say.
[[nodiscard]] nlohmann::ordered_json SummaryOf(const VersionInfo& version,
                                               const nlohmann::ordered_json& manifest);

/// Why a version is not to be promoted, as it says itself: "does not beat the baselines". Empty
/// when it may be.
[[nodiscard]] std::string WhyNotPromoted(const nlohmann::ordered_json& manifest);

}  // namespace forkcast::model
