#pragma once

#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "serving/capture/capture_line.hpp"

namespace forkcast::serving {

/// The rows of a body, as objects of their fields: those of JSON in any form that a request or an
/// answer has, of JSON lines and of CSV, whose values are texts, or null where a field is empty.
/// Values without a name, as in an array or a CSV without header, are called column_1 and so on.
/// Empty for a body that is not readable, is withheld, or is in base64.
[[nodiscard]] std::vector<nlohmann::ordered_json> RowsOf(const CapturedBody& body);

}  // namespace forkcast::serving
