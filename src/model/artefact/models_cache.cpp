#include "model/artefact/models_cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "model/remote/signature_v4.hpp"

namespace forkcast::model {

namespace fs = std::filesystem;

Result<fs::path> CachedRegistry(std::string_view name, std::string_view place,
                                const Environment& environment) {
  fs::path folder;
  if (const auto given = environment(kModelsCacheVariable)) {
    folder = *given;
  } else if (const auto home = environment("HOME")) {
    folder = fs::path(*home) / ".cache/forkcast/models";
  } else {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} is not set, and neither is HOME: expected a folder in which "
                             "versions that come from elsewhere are kept",
                             kModelsCacheVariable)};
  }
  std::string readable(name);
  std::ranges::replace(readable, '/', '-');
  constexpr std::size_t kDigits = 12;
  return folder / fmt::format("{}-{}", readable, HexSha256(place).substr(0, kDigits));
}

}  // namespace forkcast::model
