#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
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

/// A version, and where its files are or will be when Find() has given it.
struct VersionInfo {
  std::string model{};
  std::uint64_t number = 0;
  std::filesystem::path folder{};
  std::vector<std::string> aliases{};  ///< In alphabetical order.
  std::string published_at{};          ///< ISO 8601, UTC; empty when nobody noted it.
};

/// What an alias must still mean when a version is published that was made from the one it meant.
struct ExpectedAlias {
  std::string alias;
  std::uint64_t number = 0;
};

/// A version to publish.
struct NewVersion {
  const nlohmann::ordered_json& manifest;
  const std::vector<ArtefactFile>& files;
  Instant now;
  const std::string& alias;  ///< Empty: none.
  const std::optional<ExpectedAlias>& expected;
};

/// How closely what was fetched before is looked at.
enum class Effort {
  kWhatChanged,  ///< Only what an alias means by now.
  kEverything,   ///< Also whether every file is as it was published; else it is fetched anew.
};

/// Where versions are kept. What each function does, Registry says, which has checked the names.
class VersionStore {
 public:
  virtual ~VersionStore() = default;

  [[nodiscard]] virtual Result<std::uint64_t> Publish(const std::string& model,
                                                      const NewVersion& version) const = 0;
  [[nodiscard]] virtual Result<std::vector<std::string>> Models() const = 0;
  [[nodiscard]] virtual Result<std::vector<VersionInfo>> Versions(
      const std::string& model) const = 0;
  [[nodiscard]] virtual Result<VersionInfo> Find(const std::string& model,
                                                 const std::string& reference) const = 0;
  [[nodiscard]] virtual Result<nlohmann::ordered_json> ManifestOf(
      const VersionInfo& version) const = 0;
  [[nodiscard]] virtual Status CheckPlace(const std::string& model,
                                          const std::string& alias) const = 0;
  [[nodiscard]] virtual Status SetAlias(const std::string& model, const std::string& alias,
                                        std::uint64_t number) const = 0;
  [[nodiscard]] virtual Result<std::vector<std::uint64_t>> Prune(const std::string& model,
                                                                 std::size_t keep,
                                                                 bool dry_run) const = 0;
  [[nodiscard]] virtual Status Refresh(const std::string& model, const std::string& reference,
                                       Effort effort) const = 0;
  [[nodiscard]] virtual bool is_elsewhere() const noexcept = 0;
  [[nodiscard]] virtual const std::filesystem::path& folder() const noexcept = 0;
};

}  // namespace forkcast::model
