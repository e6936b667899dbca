#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/artefact/registry.hpp"
#include "model/drift/reference.hpp"

namespace forkcast::model {

/// A version that was published, read back, as far as all kinds are alike (artefact/FORMAT.md): the
/// manifest, the pipeline document, and where the files are, of which its kind makes models.
class Version {
 public:
  /// `kind`: what the manifest must say. kCorrupt with the file's name, when it is not what was
  /// published or does not fit to the others; kInvalidArgument when the version is of another kind,
  /// or of a format of later days.
  static Result<Version> Read(const VersionInfo& info, std::string_view kind);

  [[nodiscard]] const VersionInfo& info() const noexcept { return info_; }
  [[nodiscard]] const nlohmann::ordered_json& manifest() const noexcept { return manifest_; }
  /// What manifest.json itself hashes to.
  [[nodiscard]] const std::string& manifest_hash() const noexcept { return manifest_hash_; }
  /// The pipeline that it was trained from, what a search chose included, and what it means.
  [[nodiscard]] const nlohmann::ordered_json& document() const noexcept { return document_; }
  [[nodiscard]] const preprocessing::PipelineSpec& spec() const noexcept { return spec_; }
  /// The one that was used, whatever the document says.
  [[nodiscard]] std::uint32_t seed() const noexcept { return seed_; }
  /// All that the manifest lists, in its order. They were as published when the version was read.
  [[nodiscard]] std::span<const PublishedFile> files() const noexcept { return files_; }
  /// The file of this path, or null.
  [[nodiscard]] const PublishedFile* FindFile(std::string_view path) const noexcept;

  /// What training rows and judged answers looked like. kCorrupt.
  [[nodiscard]] Result<Reference> ReadReference() const;

  /// An error whose message begins with the name of a file, with its whole path.
  [[nodiscard]] Error InFolder(Error error) const;

 private:
  Version() = default;
  /// Throws SpecError.
  Status ReadParts(CheckedVersion checked, std::string_view kind);

  VersionInfo info_;
  nlohmann::ordered_json manifest_;
  std::string manifest_hash_;
  nlohmann::ordered_json document_;
  preprocessing::PipelineSpec spec_;
  std::uint32_t seed_ = 0;
  std::vector<PublishedFile> files_;
};

}  // namespace forkcast::model
