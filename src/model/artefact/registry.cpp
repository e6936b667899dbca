#include "model/artefact/registry.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <optional>
#include <set>
#include <span>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/base/folder_lock.hpp"
#include "data_preprocessing/base/mapped_file.hpp"
#include "data_preprocessing/document/content_hash.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/artefact/alias_history.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr std::string_view kManifest = "manifest.json";
constexpr std::string_view kPublished = "published.json";
/// What a writer that was killed leaves behind begins so; the next writer removes it.
constexpr std::string_view kUnfinished = ".unfinished-";

Error IoError(const fs::path& path, const std::error_code& why) {
  return {ErrorCode::kIo, path.string() + ": " + why.message()};
}

Error LastError(const fs::path& path) {
  return IoError(path, std::error_code(errno, std::generic_category()));
}

/// Names become file names.
bool IsName(std::string_view name) { return IsPlainName(name, 128); }

std::optional<std::uint64_t> ToNumber(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = failed == std::errc() && end == text.data() + text.size();
  if (!whole || number == 0 || text.front() == '0') return std::nullopt;
  return number;
}

Error BadName(std::string_view what, const std::string& name) {
  return {ErrorCode::kInvalidArgument,
          std::string(what) + " \"" + name +
              "\": expected letters, digits, '_', '-' and '.', not beginning with '.'"};
}

/// Makes a folder's entries survive a power failure; one that cannot be synced is only less safe.
void SyncFolder(const fs::path& folder) {
  const Fd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory) ::fsync(directory.get());
}

[[noreturn]] void ThrowErrno(const fs::path& path) {
  throw std::system_error(errno, std::generic_category(), path.string());
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
    return preprocessing::ReadJsonFile(folder / kPublished).at("published_at").get<std::string>();
  } catch (const std::exception&) {
    return {};  // for people only; nothing depends on it
  }
}

/// The version that an alias means: the number in a small file or, as registries of before have
/// them, that a symbolic link leads to. None for what is no alias.
std::optional<std::uint64_t> ReadAlias(const fs::directory_entry& entry) {
  constexpr std::uintmax_t kLongest = 32;
  const std::string name = entry.path().filename().string();
  if (!IsName(name) || ToNumber(name)) return std::nullopt;
  std::error_code failed;
  if (entry.is_symlink(failed)) {
    return ToNumber(fs::read_symlink(entry.path(), failed).string());
  }
  if (!entry.is_regular_file(failed) || entry.file_size(failed) > kLongest) return std::nullopt;
  std::ifstream file(entry.path());
  std::string line;
  if (!std::getline(file, line) || file.peek() != EOF) return std::nullopt;
  return ToNumber(line);
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

/// Whether a file so called lies in the version's folder.
bool IsInside(const fs::path& name) {
  return name.is_relative() && name == name.lexically_normal() && *name.begin() != "..";
}

/// That the file is the one that `manifest` lists with `hash`. Mapped, so that what is in the page
/// cache is not copied.
Status CheckFile(const fs::path& file, const std::string& hash, const fs::path& manifest) {
  try {
    const MappedFile mapped(file);
    const std::span<const std::byte> bytes = mapped.bytes();
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (preprocessing::ContentHash(text) == hash) return {};
    return Error{ErrorCode::kCorrupt,
                 file.string() + ": not the file that " + manifest.string() + " lists"};
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kCorrupt, error.what()};
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

Status CheckExpected(const ExpectedAlias& expected, const std::vector<VersionInfo>& versions) {
  const auto meant = std::ranges::find_if(versions, [&](const VersionInfo& version) {
    return std::ranges::find(version.aliases, expected.alias) != version.aliases.end();
  });
  if (meant != versions.end() && meant->number == expected.number) return {};
  return Error{ErrorCode::kIo, "alias \"" + expected.alias + "\" does not mean version " +
                                   std::to_string(expected.number) +
                                   " any more, from which this one was made: try again"};
}

}  // namespace

Result<std::uint64_t> Registry::Publish(const std::string& model, const ordered_json& manifest,
                                        const std::vector<ArtefactFile>& files, Instant now,
                                        const std::string& alias,
                                        const std::optional<ExpectedAlias>& expected) const {
  if (!IsName(model)) return BadName("model", model);
  if (!alias.empty()) {
    if (Status named = CheckNames(model, alias); !named) return std::move(named).error();
  }
  const fs::path folder = root_ / model;
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return IoError(folder, failed);
  const FolderLock lock(folder);
  if (!lock.held()) return LastError(folder);
  RemoveUnfinished(folder);

  const Result<std::vector<VersionInfo>> versions = Versions(model);
  if (!versions) return versions.error();
  if (expected) {
    if (Status holds = CheckExpected(*expected, *versions); !holds) {
      return std::move(holds).error();
    }
  }
  const std::uint64_t number = versions->empty() ? 1 : versions->back().number + 1;
  const fs::path unfinished = folder / (std::string(kUnfinished) + std::to_string(number));
  try {
    NewFiles written(unfinished);
    ordered_json whole = manifest;
    whole["files"] = ordered_json::array();
    for (const ArtefactFile& file : files) {
      written.Add(file);
      whole["files"].push_back({{"path", file.path},
                                {"bytes", file.bytes.size()},
                                {"hash", preprocessing::ContentHash(file.bytes)}});
    }
    written.Add({std::string(kManifest), whole.dump(2) + "\n"});
    const std::string published_at = preprocessing::IsoTimestamp(now);
    written.Add(
        {std::string(kPublished), ordered_json{{"published_at", published_at}}.dump() + "\n"});
    written.Sync();
    fs::rename(unfinished, folder / std::to_string(number));
  } catch (const std::system_error& error) {
    fs::remove_all(unfinished, failed);
    return Error{ErrorCode::kIo, error.what()};
  }
  SyncFolder(folder);
  if (!alias.empty()) {
    if (Status pointed = PointAlias(folder, alias, number, now); !pointed) {
      return std::move(pointed).error();
    }
  }
  return number;
}

Result<std::vector<std::string>> Registry::Models() const {
  std::vector<std::string> models;
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::directory_iterator(root_, failed)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory() && IsName(name)) models.push_back(name);
  }
  if (failed && failed != std::errc::no_such_file_or_directory) return IoError(root_, failed);
  std::ranges::sort(models);
  return models;
}

Result<std::vector<VersionInfo>> Registry::Versions(const std::string& model) const {
  if (!IsName(model)) return BadName("model", model);
  const fs::path folder = root_ / model;
  std::error_code failed;
  fs::directory_iterator entries(folder, failed);
  if (failed == std::errc::no_such_file_or_directory) {
    return Error{ErrorCode::kNotFound, "no model \"" + model + "\" in " + root_.string()};
  }
  if (failed) return IoError(folder, failed);
  const auto aliases = ReadAliases(folder);
  std::vector<VersionInfo> versions;
  for (const fs::directory_entry& entry : entries) {
    const auto number = ToNumber(entry.path().filename().string());
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

Result<VersionInfo> Registry::Find(const std::string& model, const std::string& reference) const {
  Result<std::vector<VersionInfo>> versions = Versions(model);
  if (!versions) return versions.error();
  auto number = ToNumber(reference);
  std::error_code failed;
  // By its path: a folder that is listed while an alias is replaced may lack it.
  const bool is_alias = !number && IsName(reference);
  if (is_alias) number = ReadAlias(fs::directory_entry(root_ / model / reference, failed));
  std::string known;
  for (VersionInfo& version : *versions) {
    if (number == version.number) return std::move(version);
    known += fmt::format("{}{}", known.empty() ? "" : ", ", version.number);
    for (const std::string& alias : version.aliases) known += fmt::format(" ({})", alias);
  }
  if (known.empty()) known = "none";
  if (is_alias && number) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("alias \"{}\" of model \"{}\" means version {}, which is not there; "
                             "there are: {}",
                             reference, model, *number, known)};
  }
  // What a newcomer meets whose first model did not beat its baselines.
  const std::string hint =
      is_alias && !versions->empty()
          ? fmt::format(
                ". To call one so: forkcast models promote --models {} {} NUMBER --alias {}",
                root_.string(), model, reference)
          : "";
  return Error{ErrorCode::kNotFound, fmt::format("model \"{}\" has no version \"{}\"; there are: "
                                                 "{}{}",
                                                 model, reference, known, hint)};
}

Result<ordered_json> Registry::ReadManifest(const VersionInfo& version) {
  const Result<CheckedVersion> checked = Check(version);
  if (!checked) return checked.error();
  return preprocessing::ParseJson(checked->manifest);
}

Result<CheckedVersion> Registry::Check(const VersionInfo& version) {
  const fs::path path = version.folder / kManifest;
  try {
    CheckedVersion checked{.manifest = preprocessing::ReadTextFile(path), .files = {}};
    const ordered_json manifest = preprocessing::ParseJson(checked.manifest);
    const preprocessing::JsonNode node(manifest);
    for (const preprocessing::JsonNode& file : node.Get("files").Elements()) {
      const preprocessing::JsonNode name = file.Get("path");
      if (!IsInside(name.String())) name.Fail("expected a path inside the version's folder");
      PublishedFile listed{.path = name.String(), .place = version.folder / name.String()};
      Status same = CheckFile(listed.place, file.Get("hash").String(), path);
      if (!same) return std::move(same).error();
      checked.files.push_back(std::move(listed));
    }
    return checked;
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, path.string() + ": " + error.what()};
  }
}

Status Registry::CheckNames(const std::string& model, const std::string& alias) {
  if (!IsName(model)) return BadName("model", model);
  if (!IsName(alias)) return BadName("alias", alias);
  if (!ToNumber(alias)) return {};
  return Error{ErrorCode::kInvalidArgument,
               "alias \"" + alias + "\": expected no number, which would be a version's"};
}

Status Registry::CheckPlace(const std::string& model, const std::string& alias) const {
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

Status Registry::SetAlias(const std::string& model, const std::string& alias,
                          std::uint64_t number) const {
  if (Status named = CheckNames(model, alias); !named) return named;
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

Result<std::vector<std::uint64_t>> Registry::Prune(const std::string& model, std::size_t keep,
                                                   bool dry_run) const {
  if (!IsName(model)) return BadName("model", model);
  if (keep == 0) return Error{ErrorCode::kInvalidArgument, "at least one version is kept"};
  const fs::path folder = root_ / model;
  const FolderLock lock(folder);
  if (!lock.held() && errno != ENOENT) return LastError(folder);
  const Result<std::vector<VersionInfo>> versions = Versions(model);
  if (!versions) return versions.error();
  std::vector<std::uint64_t> removed;
  const std::size_t old = versions->size() - std::min(keep, versions->size());
  for (const VersionInfo& version : std::span(*versions).first(old)) {
    if (!version.aliases.empty()) continue;
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
