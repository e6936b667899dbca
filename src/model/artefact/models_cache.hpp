#pragma once

#include <filesystem>
#include <string_view>

#include "data_preprocessing/base/environment.hpp"
#include "data_preprocessing/base/result.hpp"

namespace forkcast::model {

/// Names the folder under which versions that come from elsewhere are kept on this machine.
inline constexpr const char* kModelsCacheVariable = "FORKCAST_MODELS_CACHE";

/// A folder of its own for each place elsewhere: below the one that the variable names, else below
/// ~/.cache/forkcast/models. `name`: by what people recognise it; `place`: all that tells it from
/// others. kInvalidArgument where the environment has neither variable nor HOME.
[[nodiscard]] Result<std::filesystem::path> CachedRegistry(std::string_view name,
                                                           std::string_view place,
                                                           const Environment& environment);

}  // namespace forkcast::model
