#include "model/artefact/folder_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/base/folder_lock.hpp"
#include "data_preprocessing/base/system_error.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/artefact/alias_history.hpp"
#include "model/artefact/registry.hpp"
#include "model/artefact/version_files.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

Error IoError(const fs::path& path, const std::error_code& why) {
  return {ErrorCode::kIo, path.string() + ": " + why.message()};
}

Error LastError(const fs::path& path) {
  return IoError(path, std::error_code(errno, std::generic_category()));
}

/// Makes a folder's entries survive a power failure; one that cannot be synced is only less safe.
void SyncFolder(const fs::path& folder) {
  const Fd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory) ::fsync(directory.get());
}

/// Throws std::system_error.
void WriteNewFile(const fs::path& path, std::string_view bytes) {
  const Fd out(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  // Whoever reads it may be another user, whatever the mask.
  if (!out || ::fchmod(out.get(), 0644) != 0) ThrowErrno(path);
  while (!bytes.empty()) {
    const ssize_t written = ::write(out.get(), bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) ThrowErrno(path);
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// Throws std::system_error.
void SyncFile(const fs::path& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file || ::fsync(file.get()) != 0) ThrowErrno(path);
}

/// Files of a version that is not there yet: what is written is on disk after Sync(), whose waiting
/// for each file after all are written takes less than half of waiting in between. Throws
/// std::system_error.
class NewFiles {
 public:
  explicit NewFiles(fs::path folder) : folder_(std::move(folder)) { MakeFolder(folder_); }

  void Add(const ArtefactFile& file) {
    const fs::path path = folder_ / file.path;
    MakeFolder(path.parent_path());
    // No version changes, so two may share a file. Where they cannot, it is written.
    if (!file.original.empty() && ::link(file.original.c_str(), path.c_str()) == 0) return;
    WriteNewFile(path, file.bytes);
    written_.push_back(path);
  }

  void Sync() const {
    for (const fs::path& path : written_) SyncFile(path);
    for (const fs::path& folder : folders_) SyncFolder(folder);
  }

 private:
  void MakeFolder(const fs::path& path) {
    if (!folders_.insert(path).second) return;
    fs::create_directories(path);
    if (path != folder_) MakeFolder(path.parent_path());
  }

  fs::path folder_;
  std::vector<fs::path> written_;
  std::set<fs::path> folders_;
};

std::string ReadPublishedAt(const fs::path& folder) {
  try {
    return preprocessing::ReadJsonFile(folder / kPublishedName)
        .at("published_at")
        .get<std::string>();
  } catch (const std::exception&) {
    return {};  // for people only; nothing depends on it
  }
}

/// The version that an alias means: the number in a small file or, as registries of before have
/// them, that a symbolic link leads to. None for what is no alias.
std::optional<std::uint64_t> ReadAlias(const fs::directory_entry& entry) {
  const std::string name = entry.path().filename().string();
  if (!IsRegistryName(name) || ToVersionNumber(name)) return std::nullopt;
  std::error_code failed;
  if (entry.is_symlink(failed)) {
    return ToVersionNumber(fs::read_symlink(entry.path(), failed).string());
  }
  if (!entry.is_regular_file(failed) || entry.file_size(failed) > kLongestAlias)
    return std::nullopt;
  std::ifstream file(entry.path());
  return ReadAliasText(std::string(std::istreambuf_iterator<char>(file), {}));
}

/// By the number that they mean, whether there is such a version or not.
std::map<std::uint64_t, std::vector<std::string>> ReadAliases(const fs::path& folder) {
  std::map<std::uint64_t, std::vector<std::string>> aliases;
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, failed)) {
    const auto number = ReadAlias(entry);
    if (number) aliases[*number].push_back(entry.path().filename().string());
  }
  for (auto& [number, names] : aliases) std::ranges::sort(names);
  return aliases;
}

void RemoveUnfinished(const fs::path& folder) {
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, failed)) {
    if (entry.path().filename().string().starts_with(kUnfinished)) {
      fs::remove_all(entry.path(), failed);
    }
  }
}

/// That `alias` is not there or is one, so that it can be made to mean another version.
Status CheckAliasPlace(const fs::path& folder, const std::string& alias) {
  const fs::path place = folder / alias;
  std::error_code failed;
  if (!fs::exists(fs::symlink_status(place, failed))) return {};
  if (fs::is_symlink(place, failed) || ReadAlias(fs::directory_entry(place, failed))) return {};
  return Error{ErrorCode::kIo,
               fmt::format("{} is there and is no alias{}: move it away", place.string(),
                           fs::is_directory(place, failed)
                               ? " but a folder (a copy that followed a symbolic link?)"
                               : "")};
}

/// Precondition: the folder's lock is held.
Status PointAlias(const fs::path& folder, const std::string& alias, std::uint64_t number,
                  Instant now) {
  if (Status free = CheckAliasPlace(folder, alias); !free) return free;
  std::error_code failed;
  const fs::directory_entry place(folder / alias, failed);
  // What is as it should be is left alone, so that nobody loads the version again.
  if (place.is_regular_file(failed) && !place.is_symlink(failed) && ReadAlias(place) == number) {
    return {};
  }
  const fs::path unfinished = folder / fmt::format("{}{}", kUnfinished, alias);
  std::error_code ignored;
  try {
    WriteNewFile(unfinished, fmt::format("{}\n", number));
    SyncFile(unfinished);
    // Noted first: a move that nobody noted could not be told later.
    Status noted = NoteAliasMove(folder, alias, {.at = now, .number = number});
    if (!noted) {
      fs::remove(unfinished, ignored);
      return noted;
    }
    fs::rename(unfinished, folder / alias);
  } catch (const std::system_error& error) {
    fs::remove(unfinished, ignored);
    return Error{ErrorCode::kIo, error.what()};
  }
  SyncFolder(folder);
  return {};
}

/// The folder itself or, where it is not there, the nearest one around it that is.
fs::path NearestFolder(fs::path folder) {
  std::error_code failed;
  while (!fs::exists(fs::status(folder, failed))) {
    const fs::path parent = folder.parent_path();
    if (parent == folder) break;
    folder = parent.empty() ? fs::path(".") : parent;
  }
  return folder;
}

/// That files can be made in `folder`, by making one that is gone at once.
Status TryToWrite(const fs::path& folder) {
  std::string pattern = (folder / fmt::format("{}try-XXXXXX", kUnfinished)).string();
  const Fd file(::mkostemp(pattern.data(), O_CLOEXEC));
  if (!file) return LastError(folder);
  const bool written = ::write(file.get(), "1\n", 2) == 2;
  const Error error = LastError(folder);
  ::unlink(pattern.c_str());
  return written ? Status() : Status(error);
}

/// That the alias means what it is expected to mean.
Status CheckExpected(const ExpectedAlias& expected, const std::vector<VersionInfo>& versions) {
  const auto meant = std::ranges::find_if(versions, [&](const VersionInfo& version) {
    return std::ranges::find(version.aliases, expected.alias) != version.aliases.end();
  });
  if (meant != versions.end() && meant->number == expected.number) return {};
  return NotExpected(expected);
}

}  // namespace

Result<std::uint64_t> FolderStore::Publish(const std::string& model,
                                           const NewVersion& version) const {
  const fs::path folder = root_ / model;
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return IoError(folder, failed);
  const FolderLock lock(folder);
  if (!lock.held()) return LastError(folder);
  RemoveUnfinished(folder);

  const Result<std::vector<VersionInfo>> versions = Versions(model);
  if (!versions) return versions.error();
  if (version.expected) {
    if (Status holds = CheckExpected(*version.expected, *versions); !holds) {
      return std::move(holds).error();
    }
  }
  const std::uint64_t number = versions->empty() ? 1 : versions->back().number + 1;
  const fs::path unfinished = folder / (std::string(kUnfinished) + std::to_string(number));
  try {
    NewFiles written(unfinished);
    for (const ArtefactFile& file : version.files) written.Add(file);
    written.Add({std::string(kManifestName), WholeManifest(version.manifest, version.files)});
    const std::string published_at = preprocessing::IsoTimestamp(version.now);
    written.Add(
        {std::string(kPublishedName), ordered_json{{"published_at", published_at}}.dump() + "\n"});
    written.Sync();
    fs::rename(unfinished, folder / std::to_string(number));
  } catch (const std::system_error& error) {
    fs::remove_all(unfinished, failed);
    return Error{ErrorCode::kIo, error.what()};
  }
  SyncFolder(folder);
  if (!version.alias.empty()) {
    if (Status pointed = PointAlias(folder, version.alias, number, version.now); !pointed) {
      return std::move(pointed).error();
    }
  }
  return number;
}

Result<std::vector<std::string>> FolderStore::Models() const {
  std::vector<std::string> models;
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::directory_iterator(root_, failed)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory() && IsRegistryName(name)) models.push_back(name);
  }
  if (failed && failed != std::errc::no_such_file_or_directory) return IoError(root_, failed);
  std::ranges::sort(models);
  return models;
}

Result<std::vector<VersionInfo>> FolderStore::Versions(const std::string& model) const {
  const fs::path folder = root_ / model;
  std::error_code failed;
  fs::directory_iterator entries(folder, failed);
  if (failed == std::errc::no_such_file_or_directory) {
    return NoSuchModel(root_.string(), model);
  }
  if (failed) return IoError(folder, failed);
  const auto aliases = ReadAliases(folder);
  std::vector<VersionInfo> versions;
  for (const fs::directory_entry& entry : entries) {
    const auto number = ToVersionNumber(entry.path().filename().string());
    if (!number || entry.is_symlink() || !entry.is_directory()) continue;
    const auto named = aliases.find(*number);
    versions.push_back(
        {.model = model,
         .number = *number,
         .folder = entry.path(),
         .aliases = named == aliases.end() ? std::vector<std::string>() : named->second,
         .published_at = ReadPublishedAt(entry.path())});
  }
  std::ranges::sort(versions, {}, &VersionInfo::number);
  return versions;
}

Result<VersionInfo> FolderStore::Find(const std::string& model,
                                      const std::string& reference) const {
  Result<std::vector<VersionInfo>> versions = Versions(model);
  if (!versions) return versions.error();
  auto number = ToVersionNumber(reference);
  std::error_code failed;
  // By its path: a folder that is listed while an alias is replaced may lack it.
  const bool is_alias = !number && IsRegistryName(reference);
  if (is_alias) number = ReadAlias(fs::directory_entry(root_ / model / reference, failed));
  const auto found = std::ranges::find(*versions, number.value_or(0), &VersionInfo::number);
  if (found != versions->end()) return std::move(*found);
  return NoSuchVersion(root_.string(), model, reference, number, *versions);
}

Result<ordered_json> FolderStore::ManifestOf(const VersionInfo& version) const {
  return Registry::ReadManifest(version);
}

Status FolderStore::Refresh(const std::string& /*model*/, const std::string& /*reference*/,
                            Effort /*effort*/) const {
  return {};
}

Status FolderStore::CheckPlace(const std::string& model, const std::string& alias) const {
  const fs::path folder = NearestFolder(root_ / model);
  std::error_code failed;
  if (!fs::is_directory(folder, failed)) {
    return IoError(folder, std::make_error_code(std::errc::not_a_directory));
  }
  if (Status writable = TryToWrite(folder); !writable) return writable;
  // Somebody who publishes at this moment is waited for later on.
  const FolderLock lock(folder, FolderLock::Wait::kNo);
  if (!lock.held() && errno != EWOULDBLOCK) return LastError(folder);
  return CheckAliasPlace(root_ / model, alias);
}

Status FolderStore::SetAlias(const std::string& model, const std::string& alias,
                             std::uint64_t number) const {
  const Result<VersionInfo> version = Find(model, std::to_string(number));
  if (!version) return version.error();
  const fs::path folder = root_ / model;
  const FolderLock lock(folder);
  if (!lock.held()) return LastError(folder);
  RemoveUnfinished(folder);
  // Pruned meanwhile? Nobody can prune while the lock is held.
  if (!fs::exists(version->folder)) {
    return Error{ErrorCode::kNotFound, version->folder.string() + " is gone"};
  }
  return PointAlias(folder, alias, number, SystemClock().Now());
}

Result<std::vector<std::uint64_t>> FolderStore::Prune(const std::string& model, std::size_t keep,
                                                      bool dry_run) const {
  const fs::path folder = root_ / model;
  const FolderLock lock(folder);
  if (!lock.held() && errno != ENOENT) return LastError(folder);
  const Result<std::vector<VersionInfo>> versions = Versions(model);
  if (!versions) return versions.error();
  std::vector<std::uint64_t> removed;
  for (const VersionInfo& version : ToPrune(*versions, keep)) {
    removed.push_back(version.number);
    if (dry_run) continue;
    // Out of sight first, so that no version is ever there in part.
    const fs::path gone = folder / (std::string(kUnfinished) + std::to_string(version.number));
    std::error_code failed;
    fs::rename(version.folder, gone, failed);
    if (!failed) fs::remove_all(gone, failed);
    if (failed) return IoError(version.folder, failed);
  }
  return removed;
}

}  // namespace forkcast::model
