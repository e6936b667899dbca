#pragma once

#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"

namespace forkcast::model {

/// Reads the part of UBJSON (draft 12) in which XGBoost writes models: objects without a size,
/// arrays with or without size and type. nlohmann's reader calls itself for each array within an
/// array, so that a few kilobytes of '[' end the process; this one has a stack of its own.
///
/// Tells `visitor` what comes, in its order; a number of 32 bits comes as the double that it is.
/// kCorrupt, naming the byte, for what is no such document, that ends too soon or goes on, or is
/// nested over 64 deep. When the visitor returns false, reading ends well: the visitor knows why.
[[nodiscard]] Status ReadUbjson(std::string_view bytes,
                                nlohmann::json_sax<nlohmann::json>& visitor);

}  // namespace forkcast::model
