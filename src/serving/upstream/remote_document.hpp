#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

/// Reads what another server says of itself, of a model or of an error: a JSON object, which is
/// short and flat. kInvalidArgument for another, and for one of more than a MiB or nested more than
/// 32 deep: nlohmann's documents take many times the memory of their text, and are copied and
/// written by recursion, so that one of millions of brackets would end the worker.
[[nodiscard]] Result<nlohmann::json> ReadRemoteObject(std::string_view text);

/// What another server says, to be repeated in a message: cut where it is long.
[[nodiscard]] std::string Shortened(std::string text);

}  // namespace forkcast::serving
