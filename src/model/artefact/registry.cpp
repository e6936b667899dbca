#include "model/artefact/registry.hpp"

#include <fmt/format.h>

#include <array>
#include <span>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/mapped_file.hpp"
#include "data_preprocessing/document/content_hash.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/artefact/folder_store.hpp"
#include "model/artefact/s3_store.hpp"
#include "model/artefact/version_files.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

/// Where versions can be kept that are not in a folder.
struct Scheme {
  std::string_view prefix;
  std::shared_ptr<const VersionStore> (*open)(const std::string& place,
                                              const Environment& environment);
};
constexpr std::array kSchemes{Scheme{.prefix = "s3://", .open = OpenS3Store}};

std::shared_ptr<const VersionStore> Open(const std::string& place, const Environment& environment) {
  for (const Scheme& scheme : kSchemes) {
    if (place.starts_with(scheme.prefix)) return scheme.open(place, environment);
  }
  return std::make_shared<FolderStore>(place);
}

Error BadName(std::string_view what, const std::string& name) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("{} \"{}\": expected letters, digits, '_', '-' and '.', not beginning with "
                      "'.'",
                      what, name)};
}

Status CheckModel(const std::string& model) {
  if (IsRegistryName(model)) return {};
  return BadName("model", model);
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
                 fmt::format("{}: not the file that {} lists", file.string(), manifest.string())};
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kCorrupt, error.what()};
  }
}

}  // namespace

Registry::Registry(const fs::path& place, const Environment& environment)
    : place_(place.string()), store_(Open(place_, environment)) {}

std::string Registry::PlaceOf(const std::string& model, std::uint64_t number) const {
  // As fs::path joins them.
  const char* const joint = place_.empty() || place_.ends_with('/') ? "" : "/";
  return fmt::format("{}{}{}/{}", place_, joint, model, number);
}

Result<std::uint64_t> Registry::Publish(const std::string& model, const ordered_json& manifest,
                                        const std::vector<ArtefactFile>& files, Instant now,
                                        const std::string& alias,
                                        const std::optional<ExpectedAlias>& expected) const {
  Status named = alias.empty() ? CheckModel(model) : CheckNames(model, alias);
  if (!named) return std::move(named).error();
  return store_->Publish(
      model,
      {.manifest = manifest, .files = files, .now = now, .alias = alias, .expected = expected});
}

Result<std::vector<std::string>> Registry::Models() const { return store_->Models(); }

Result<std::vector<VersionInfo>> Registry::Versions(const std::string& model) const {
  if (Status named = CheckModel(model); !named) return std::move(named).error();
  return store_->Versions(model);
}

Result<VersionInfo> Registry::Find(const std::string& model, const std::string& reference) const {
  if (Status named = CheckModel(model); !named) return std::move(named).error();
  return store_->Find(model, reference);
}

Result<VersionInfo> Registry::FindHere(const std::string& model,
                                       const std::string& reference) const {
  if (Status named = CheckModel(model); !named) return std::move(named).error();
  return is_elsewhere() ? FolderStore(folder()).Find(model, reference)
                        : store_->Find(model, reference);
}

Status Registry::Refresh(const std::string& model, const std::string& reference,
                         Effort effort) const {
  if (Status named = CheckModel(model); !named) return named;
  return store_->Refresh(model, reference, effort);
}

Result<ordered_json> Registry::ManifestOf(const VersionInfo& version) const {
  return store_->ManifestOf(version);
}

Result<ordered_json> Registry::ReadManifest(const VersionInfo& version) {
  const Result<CheckedVersion> checked = Check(version);
  if (!checked) return checked.error();
  return preprocessing::ParseJson(checked->manifest);
}

Result<CheckedVersion> Registry::Check(const VersionInfo& version) {
  const fs::path path = version.folder / kManifestName;
  try {
    CheckedVersion checked{.manifest = preprocessing::ReadTextFile(path), .files = {}};
    const ordered_json manifest = preprocessing::ParseJson(checked.manifest);
    const preprocessing::JsonNode node(manifest);
    for (const preprocessing::JsonNode& file : node.Get("files").Elements()) {
      const preprocessing::JsonNode name = file.Get("path");
      if (!IsInsideVersion(name.String())) name.Fail("expected a path inside the version's folder");
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
  if (Status named = CheckModel(model); !named) return named;
  if (!IsRegistryName(alias)) return BadName("alias", alias);
  if (!ToVersionNumber(alias)) return {};
  return Error{ErrorCode::kInvalidArgument,
               "alias \"" + alias + "\": expected no number, which would be a version's"};
}

Status Registry::CheckPlace(const std::string& model, const std::string& alias) const {
  return store_->CheckPlace(model, alias);
}

Status Registry::SetAlias(const std::string& model, const std::string& alias,
                          std::uint64_t number) const {
  if (Status named = CheckNames(model, alias); !named) return named;
  return store_->SetAlias(model, alias, number);
}

Result<std::vector<std::uint64_t>> Registry::Prune(const std::string& model, std::size_t keep,
                                                   bool dry_run) const {
  if (Status named = CheckModel(model); !named) return std::move(named).error();
  if (keep == 0) return Error{ErrorCode::kInvalidArgument, "at least one version is kept"};
  return store_->Prune(model, keep, dry_run);
}

}  // namespace forkcast::model
