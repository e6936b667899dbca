#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/environment.hpp"
#include "model/artefact/version_store.hpp"
#include "model/remote/s3_client.hpp"

namespace forkcast::model {

/// What `s3://BUCKET/PREFIX` means here.
struct S3StoreSettings {
  AwsSettings aws;
  std::string bucket;
  std::string prefix{};            ///< Without '/' around it; may be empty.
  std::filesystem::path folder{};  ///< Where versions are that were fetched.
  HttpLimits limits{};
};

/// kInvalidArgument saying what is missing or wrong: the URL, keys (ReadAwsSettings()), or the
/// folder of what is fetched: below FORKCAST_MODELS_CACHE, else ~/.cache/forkcast/models.
[[nodiscard]] Result<S3StoreSettings> ReadS3StoreSettings(std::string_view url,
                                                          const Environment& environment);

/// Versions as objects, PREFIX/MODEL/NUMBER/PATH, and aliases as objects with a number beside them
/// (FORMAT.md): what a folder holds, copied there file by file, is the same. Without locks:
///  1. A number belongs to whoever put its `published.json` where there was none (If-None-Match).
///  2. A version is there when its `manifest.json` is, which is put last.
///  3. An alias is replaced on condition that it is what was read (If-Match).
/// Versions are fetched whole into a folder of this machine, compared with their manifest, and
/// read from there; processes that fetch the same one wait for each other.
class S3Store final : public VersionStore {
 public:
  /// `url` names it in messages. An error is what every call answers. `clock` outlives the store.
  S3Store(std::string url, Result<S3StoreSettings> settings, const Clock& clock);

  Result<std::uint64_t> Publish(const std::string& model, const NewVersion& version) const override;
  Result<std::vector<std::string>> Models() const override;
  Result<std::vector<VersionInfo>> Versions(const std::string& model) const override;
  Result<VersionInfo> Find(const std::string& model, const std::string& reference) const override;
  Result<nlohmann::ordered_json> ManifestOf(const VersionInfo& version) const override;
  Status CheckPlace(const std::string& model, const std::string& alias) const override;
  Status SetAlias(const std::string& model, const std::string& alias,
                  std::uint64_t number) const override;
  Result<std::vector<std::uint64_t>> Prune(const std::string& model, std::size_t keep,
                                           bool dry_run) const override;
  /// Where the version is here already, nobody waits long for S3.
  Status Refresh(const std::string& model, const std::string& reference,
                 Effort effort) const override;
  bool is_elsewhere() const noexcept override { return true; }
  const std::filesystem::path& folder() const noexcept override { return folder_; }

 private:
  class Session;

  std::string url_;
  Result<S3StoreSettings> settings_;
  const Clock& clock_;
  std::filesystem::path folder_;
};

[[nodiscard]] std::shared_ptr<const VersionStore> OpenS3Store(const std::string& place,
                                                              const Environment& environment);

}  // namespace forkcast::model
