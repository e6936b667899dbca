#include "serving/worker/model_path.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

namespace forkcast::serving {
namespace {

namespace fs = std::filesystem;

bool IsBelow(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

}  // namespace

Result<fs::path> ResolveModelPath(const std::string& url, const fs::path& root) {
  const auto refused = [&](ErrorCode code, std::string_view what) {
    return Error{code, fmt::format("\"{}\" {}", url, what), "url"};
  };
  std::error_code failed;
  // Of what is not there, the folders above it that are.
  fs::path path = fs::weakly_canonical(url, failed);
  const fs::path folder = failed ? fs::path() : fs::weakly_canonical(root, failed);
  const bool has_zero = url.find('\0') != std::string::npos;
  if (failed || has_zero || !fs::path(url).is_absolute() || !IsBelow(path, folder)) {
    return refused(
        ErrorCode::kInvalidArgument,
        fmt::format("is not below {}: expected the absolute path of a model there", root.string()));
  }
  if (!fs::exists(path, failed)) return refused(ErrorCode::kNotFound, "is not there");
  return path;
}

}  // namespace forkcast::serving
