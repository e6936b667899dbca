#pragma once

#include <map>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::model {

/// The members of a flavour that are plain scalars.
using MlmodelFlavor = std::map<std::string, std::string>;

/// What a file `MLmodel` says that matters here: its flavours. Of YAML the part is read that MLflow
/// writes (block mappings, plain and quoted scalars); what is nested deeper is left out.
using MlmodelFlavors = std::map<std::string, MlmodelFlavor, std::less<>>;

/// kCorrupt for a text without a mapping `flavors`.
[[nodiscard]] Result<MlmodelFlavors> ReadMlmodel(std::string_view text);

}  // namespace forkcast::model
