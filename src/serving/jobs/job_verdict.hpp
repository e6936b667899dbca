#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace forkcast::serving {

/// So many bytes of what a command said of itself are kept with its job.
inline constexpr std::size_t kMostVerdict = 16'384;

/// A command's summary, an object, as its job keeps it: where it is too long, without its longest
/// lists and members, whose places are named (JSON pointers; "": nothing is kept): `"not_kept":
/// ["/evaluation/steps"]`.
[[nodiscard]] std::string VerdictOf(nlohmann::ordered_json summary,
                                    std::size_t most = kMostVerdict);

}  // namespace forkcast::serving
