#pragma once

#include <memory>
#include <string_view>

#include "data_preprocessing/base/environment.hpp"
#include "model/artefact/version_store.hpp"

namespace forkcast::model {

/// A file of a version that was published. It stays where it is and does not change.
struct PublishedFile {
  std::string path;             ///< Inside the version's folder.
  std::filesystem::path place;  ///< On disk.
};

/// A version whose files are those that its manifest lists, byte for byte.
struct CheckedVersion {
  std::string manifest;              ///< The bytes of manifest.json.
  std::vector<PublishedFile> files;  ///< Those that it lists, in its order.
};

/// Versions of models (FORMAT.md): `MODEL/1`, `MODEL/2`, ..., and aliases beside them,
/// `MODEL/champion`. They are in a folder, or in a bucket of S3 (`s3://BUCKET/PREFIX`), of which a
/// folder of this machine holds what was asked for so far. A version is written whole or not at all
/// and never changes afterwards; an alias changes from one version to the other with no moment in
/// between. Readers need no lock. Errors: kIo with the path, kInvalidArgument for a name that is
/// none, kNotFound, kCorrupt.
class Registry {
 public:
  /// Nothing is opened, created or asked yet: what is wrong with `place` is what the first call
  /// says. `environment` says how S3 is reached and where what comes from there is kept.
  explicit Registry(const std::filesystem::path& place,
                    const Environment& environment = ProcessEnvironment);

  /// What people call it: the folder, or s3://BUCKET/PREFIX.
  [[nodiscard]] const std::string& place() const noexcept { return place_; }
  /// What people call a version.
  [[nodiscard]] std::string PlaceOf(const std::string& model, std::uint64_t number) const;
  /// Whether versions have to be fetched before their files are on this machine.
  [[nodiscard]] bool is_elsewhere() const noexcept { return store_->is_elsewhere(); }
  /// Where the versions are, laid out as FORMAT.md says, or those that were fetched.
  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return store_->folder(); }

  /// Adds the next version and returns its number. Written are `files`, `manifest.json`, which is
  /// `manifest` with the member `files` (path, bytes, hash of each), and `published.json` with the
  /// instant `now`: everything that depends on when it ran is in that last file alone. Creates the
  /// folders above. With `alias`, that one means the version from then on, with no moment in
  /// between for another writer. kIo, and nothing written, when `expected` does not hold any more
  /// (in S3, when it ceases to in the very moment of publishing, the version stays, without alias).
  Result<std::uint64_t> Publish(const std::string& model, const nlohmann::ordered_json& manifest,
                                const std::vector<ArtefactFile>& files, Instant now,
                                const std::string& alias = {},
                                const std::optional<ExpectedAlias>& expected = {}) const;

  /// Models in alphabetical order; none when the folder does not exist.
  [[nodiscard]] Result<std::vector<std::string>> Models() const;
  /// Versions of a model, oldest first. kNotFound for a model that is not there.
  [[nodiscard]] Result<std::vector<VersionInfo>> Versions(const std::string& model) const;
  /// The version that `reference` names: a number or an alias. Its files are on this machine then,
  /// as they were published. kNotFound lists what there is.
  [[nodiscard]] Result<VersionInfo> Find(const std::string& model,
                                         const std::string& reference) const;
  /// The manifest of one of Versions(), whose files need not be on this machine; of those that are,
  /// as ReadManifest().
  [[nodiscard]] Result<nlohmann::ordered_json> ManifestOf(const VersionInfo& version) const;
  /// Brings the version that `reference` means, and the alias, to folder(), so that who serves it
  /// sees there what changed. Nothing to do where versions are there anyway.
  [[nodiscard]] Status Refresh(const std::string& model, const std::string& reference,
                               Effort effort = Effort::kEverything) const;
  /// As Find(), of what is in folder() alone.
  [[nodiscard]] Result<VersionInfo> FindHere(const std::string& model,
                                             const std::string& reference) const;

  /// A version's manifest, after every file has been compared with it: kCorrupt names the first
  /// that is missing or was changed. O(size of the version).
  [[nodiscard]] static Result<nlohmann::ordered_json> ReadManifest(const VersionInfo& version);
  /// The same, and where the files are: they are read through once, and nothing of them is kept.
  [[nodiscard]] static Result<CheckedVersion> Check(const VersionInfo& version);

  /// Whether a model and an alias can be called so.
  [[nodiscard]] static Status CheckNames(const std::string& model, const std::string& alias);

  /// That a version could be published at this moment, with this alias: the folders can be made,
  /// written to and locked, and nothing else is called as the alias. For whoever works long before
  /// it publishes; leaves nothing behind. kIo.
  [[nodiscard]] Status CheckPlace(const std::string& model, const std::string& alias) const;

  /// Lets `alias` mean `number` from now on. An alias is a name that is no number.
  Status SetAlias(const std::string& model, const std::string& alias, std::uint64_t number) const;
  /// Removes all but the newest `keep` versions and those that have an alias; returns the numbers
  /// of what it removed or, when `dry_run`, would have.
  Result<std::vector<std::uint64_t>> Prune(const std::string& model, std::size_t keep,
                                           bool dry_run) const;

 private:
  std::string place_;
  std::shared_ptr<const VersionStore> store_;
};

}  // namespace forkcast::model
