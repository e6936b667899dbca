#include "model/mlflow/mlflow_cache.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/file_lock.hpp"
#include "model/artefact/models_cache.hpp"
#include "model/artefact/version_files.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;

/// Who serves asks again soon, and has what it pulled before.
constexpr HttpLimits kLimits{
    .connect = std::chrono::seconds(2), .stall = std::chrono::seconds(5), .attempts = 2};

}  // namespace

fs::path MlflowCacheFolder(const Environment& environment) {
  const std::string url = environment("MLFLOW_TRACKING_URI").value_or("");
  const Result<fs::path> folder = CachedRegistry("mlflow", url, environment);
  return folder ? *folder : fs::path("mlflow:");
}

std::string MlflowCacheAlias(const MlflowReference& reference) {
  const bool is_number = ToVersionNumber(reference.version).has_value();
  return fmt::format("{}{}", is_number ? "v" : "", reference.version);
}

Status RefreshMlflowCache(std::string_view reference, const Environment& environment, Instant now) {
  const Result<MlflowReference> meant = ParseMlflowReference(reference);
  if (!meant) return meant.error();
  Result<MlflowSettings> settings = ReadMlflowSettings({}, environment);
  if (!settings) return std::move(settings).error();
  const Result<fs::path> folder =
      CachedRegistry("mlflow", environment("MLFLOW_TRACKING_URI").value_or(""), environment);
  if (!folder) return folder.error();
  std::error_code failed;
  fs::create_directories(*folder, failed);
  const fs::path lock = *folder / fmt::format(".{}.lock", meant->name);
  const FileLock turn(lock);
  if (!turn.held()) {
    return Error{ErrorCode::kIo,
                 fmt::format("{}: {}", lock.string(), std::generic_category().message(errno))};
  }
  MlflowClient client(*std::move(settings), kLimits);
  const Result<PulledVersion> pulled =
      PullInto(Registry(*folder), client, *meant, {}, MlflowCacheAlias(*meant), now);
  return pulled ? Status() : Status(pulled.error());
}

}  // namespace forkcast::model
