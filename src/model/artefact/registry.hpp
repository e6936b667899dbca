#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"

namespace forkcast::model {

/// A file of a version: its path inside the version's folder, and its bytes.
struct ArtefactFile {
  std::string path;
  std::string bytes;
  /// Where a version has a file of these bytes already; empty: nowhere. It need not be written
  /// again.
  std::filesystem::path original{};
};

/// A file of a version that was published. It stays where it is and does not change.
struct PublishedFile {
  std::string path;             ///< Inside the version's folder.
  std::filesystem::path place;  ///< On disk.
};

/// A version on disk.
struct VersionInfo {
  std::string model;
  std::uint64_t number = 0;
  std::filesystem::path folder;
  std::vector<std::string> aliases;  ///< In alphabetical order.
  std::string published_at;          ///< ISO 8601, UTC; empty when nobody noted it.
};

/// A version whose files are those that its manifest lists, byte for byte.
struct CheckedVersion {
  std::string manifest;              ///< The bytes of manifest.json.
  std::vector<PublishedFile> files;  ///< Those that it lists, in its order.
};

/// What an alias must still mean when a version is published that was made from the one it meant.
struct ExpectedAlias {
  std::string alias;
  std::uint64_t number = 0;
};

/// Versions of models in a folder (FORMAT.md): `ROOT/MODEL/1`, `ROOT/MODEL/2`, ..., and aliases as
/// small files with a number beside them, `ROOT/MODEL/champion`. A version is written whole or not
/// at all and never changes afterwards; an alias changes from one version to the other with no
/// moment in between. Writers exclude each other by a lock on the model's folder; readers need
/// none. Errors: kIo with the path, kInvalidArgument for a name that is none, kNotFound, kCorrupt.
class Registry {
 public:
  /// Nothing is opened or created yet.
  explicit Registry(std::filesystem::path root) noexcept : root_(std::move(root)) {}

  [[nodiscard]] const std::filesystem::path& root() const noexcept { return root_; }

  /// Adds the next version and returns its number. Written are `files`, `manifest.json`, which is
  /// `manifest` with the member `files` (path, bytes, hash of each), and `published.json` with the
  /// instant `now`: everything that depends on when it ran is in that last file alone. Creates the
  /// folders above. With `alias`, that one means the version from then on, with no moment in
  /// between for another writer. kIo, and nothing written, when `expected` does not hold any more.
  Result<std::uint64_t> Publish(const std::string& model, const nlohmann::ordered_json& manifest,
                                const std::vector<ArtefactFile>& files, Instant now,
                                const std::string& alias = {},
                                const std::optional<ExpectedAlias>& expected = {}) const;

  /// Models in alphabetical order; none when the folder does not exist.
  [[nodiscard]] Result<std::vector<std::string>> Models() const;
  /// Versions of a model, oldest first. kNotFound for a model that is not there.
  [[nodiscard]] Result<std::vector<VersionInfo>> Versions(const std::string& model) const;
  /// The version that `reference` names: a number or an alias. kNotFound lists what there is.
  [[nodiscard]] Result<VersionInfo> Find(const std::string& model,
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
  std::filesystem::path root_;
};

}  // namespace forkcast::model
