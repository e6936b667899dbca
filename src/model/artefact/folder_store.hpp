#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "model/artefact/version_store.hpp"

namespace forkcast::model {

/// Versions in a folder of this machine, `ROOT/MODEL/NUMBER`. Writers exclude each other by a lock
/// on the model's folder.
class FolderStore final : public VersionStore {
 public:
  explicit FolderStore(std::filesystem::path root) noexcept : root_(std::move(root)) {}

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
  Status Refresh(const std::string& model, const std::string& reference,
                 Effort effort) const override;
  bool is_elsewhere() const noexcept override { return false; }
  const std::filesystem::path& folder() const noexcept override { return root_; }

 private:
  std::filesystem::path root_;
};

}  // namespace forkcast::model
