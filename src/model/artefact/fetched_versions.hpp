#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::model {

/// Puts the file of this path within a version (or, for "", nothing yet) at a place on disk.
using FetchFile =
    std::function<Status(const std::string& path, const std::filesystem::path& place)>;

/// The folder of this machine into which versions come from elsewhere, laid out as a registry: what
/// serves reads it as any other. Processes take turns by the lock on a model's folder.
class FetchedVersions {
 public:
  /// `model_folder`: ROOT/MODEL.
  explicit FetchedVersions(std::filesystem::path model_folder) : folder_(std::move(model_folder)) {}

  /// Whether it was fetched; whole, since it was compared then.
  [[nodiscard]] bool Has(std::uint64_t number) const;
  /// The version of an alias as it was fetched last; 0: none.
  [[nodiscard]] std::uint64_t AliasOf(const std::string& alias) const;

  /// Fetches a version unless it is here and as its manifest says, which is always looked at. All
  /// of it is here afterwards, or nothing is changed: what is here already and cannot be used makes
  /// place for what was fetched alone. kCorrupt naming `source` for what is not as it says itself.
  [[nodiscard]] Status Fetch(std::uint64_t number, const std::string& source,
                             const FetchFile& fetch) const;

  /// Lets the alias mean the version here; its history as it is there. An alias that means it
  /// already is left alone, so that nobody loads the version again.
  [[nodiscard]] Status SetAlias(const std::string& alias, std::uint64_t number,
                                const std::string& history) const;
  /// The alias is no more.
  void RemoveAlias(const std::string& alias) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace forkcast::model
