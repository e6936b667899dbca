#pragma once

#include <nlohmann/json.hpp>
#include <string>

// Their members are compiled in json.cpp alone: each of the many files that read and write
// documents would compile them again, which took a third of the build's time.
extern template class nlohmann::basic_json<>;
extern template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace forkcast::preprocessing {

/// In one line. What comes from outside need not be UTF-8: bytes that are none are replaced.
[[nodiscard]] std::string DumpText(const nlohmann::ordered_json& json);

}  // namespace forkcast::preprocessing
