#include "model/artefact/fetched_versions.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <string_view>
#include <system_error>

#include "data_preprocessing/base/atomic_file.hpp"
#include "data_preprocessing/base/folder_lock.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/artefact/alias_history.hpp"
#include "model/artefact/registry.hpp"
#include "model/artefact/version_files.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;

void WriteWhole(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.Write(text);
  file.Commit();
}

/// A folder that is removed unless it has become something else.
class Unfinished {
 public:
  /// Throws fs::filesystem_error.
  explicit Unfinished(fs::path path) : path_(std::move(path)) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const noexcept { return path_; }

 private:
  fs::path path_;
};

/// Fetches what the manifest in `folder` lists. Throws SpecError for one that is none.
Status FetchListed(const fs::path& folder, const FetchFile& fetch) {
  const auto json = preprocessing::ReadJsonFile(folder / kManifestName);
  const preprocessing::JsonNode manifest(json, std::string(kManifestName) + ": $");
  for (const preprocessing::JsonNode& file : manifest.Get("files").Elements()) {
    const preprocessing::JsonNode name = file.Get("path");
    if (!IsInsideVersion(name.String())) name.Fail("expected a path inside the version's folder");
    const fs::path place = folder / name.String();
    fs::create_directories(place.parent_path());
    if (Status fetched = fetch(name.String(), place); !fetched) return fetched;
  }
  return {};
}

/// A version that is in `folder` then, whole.
Status FetchInto(const fs::path& folder, const std::string& source, const FetchFile& fetch) {
  Status manifest = fetch(std::string(kManifestName), folder / kManifestName);
  if (!manifest) return manifest;
  // For people only; nothing depends on it.
  static_cast<void>(fetch(std::string(kPublishedName), folder / kPublishedName));
  try {
    if (Status listed = FetchListed(folder, fetch); !listed) return listed;
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, fmt::format("{}: {}", source, error.what())};
  }
  const Result<CheckedVersion> checked = Registry::Check({.folder = folder});
  if (checked) return {};
  return Error{ErrorCode::kCorrupt, fmt::format("{}: not what was published, or cut short: {}",
                                                source, checked.error().message)};
}

}  // namespace

bool FetchedVersions::Has(std::uint64_t number) const {
  std::error_code failed;
  return fs::exists(folder_ / std::to_string(number) / kManifestName, failed);
}

std::uint64_t FetchedVersions::AliasOf(const std::string& alias) const {
  try {
    return ReadAliasText(preprocessing::ReadTextFile(folder_ / alias)).value_or(0);
  } catch (const preprocessing::SpecError&) {
    return 0;
  }
}

Status FetchedVersions::Fetch(std::uint64_t number, const std::string& source,
                              const FetchFile& fetch) const {
  const auto is_whole = [this, number] {
    return Has(number) && Registry::Check({.folder = folder_ / std::to_string(number)}).ok();
  };
  if (is_whole()) return {};
  try {
    fs::create_directories(folder_);
    const FolderLock lock(folder_);
    if (!lock.held()) {
      return Error{ErrorCode::kIo,
                   fmt::format("{}: {}", folder_.string(), std::generic_category().message(errno))};
    }
    if (is_whole()) return {};  // another process has fetched it meanwhile
    const Unfinished fetched(folder_ / fmt::format("{}{}", kUnfinished, number));
    if (Status done = FetchInto(fetched.path(), source, fetch); !done) return done;
    const fs::path place = folder_ / std::to_string(number);
    const Unfinished damaged(folder_ / fmt::format("{}damaged-{}", kUnfinished, number));
    // Who has mapped files of it keeps them.
    if (fs::exists(place)) fs::rename(place, damaged.path());
    fs::rename(fetched.path(), place);
    return {};
  } catch (const std::system_error& error) {  // fs::filesystem_error is one
    return Error{ErrorCode::kIo, error.what()};
  }
}

Status FetchedVersions::SetAlias(const std::string& alias, std::uint64_t number,
                                 const std::string& history) const {
  if (AliasOf(alias) == number) return {};
  try {
    WriteWhole(folder_ / kAliasHistoryName, history);
    WriteWhole(folder_ / alias, fmt::format("{}\n", number));
    return {};
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kIo, error.what()};
  }
}

void FetchedVersions::RemoveAlias(const std::string& alias) const {
  std::error_code ignored;
  fs::remove(folder_ / alias, ignored);
}

}  // namespace forkcast::model
