#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace forkcast::serving {

/// An answer's text; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string TextOf(const nlohmann::ordered_json& json);

/// Whether `part` stands in `text`, in whatever case its letters from a to z are written; an empty
/// one stands in all.
[[nodiscard]] bool Contains(std::string_view text, std::string_view part);

}  // namespace forkcast::serving
