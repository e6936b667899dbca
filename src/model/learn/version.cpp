#include "model/learn/version.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "data_preprocessing/document/content_hash.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/learn/model_files.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ContentHash;
using preprocessing::JsonNode;
using preprocessing::ParseJson;
using preprocessing::ParsePipelineSpec;
using preprocessing::PipelineSpec;
using preprocessing::SpecError;

constexpr std::int64_t kFormat = 1;
constexpr const char* kManifestFile = "manifest.json";

}  // namespace

Result<Version> Version::Read(const VersionInfo& info, std::string_view kind) {
  Result<CheckedVersion> checked = Registry::Check(info);
  if (!checked) return std::move(checked).error();
  Version version;
  version.info_ = info;
  try {
    Status read = version.ReadParts(*std::move(checked), kind);
    if (!read) return version.InFolder(std::move(read).error());
    return version;
  } catch (const SpecError& error) {
    return Error{ErrorCode::kCorrupt, info.folder.string() + ": " + error.what()};
  }
}

Status Version::ReadParts(CheckedVersion checked, std::string_view kind) {
  const auto in_file = [](const char* file, ErrorCode code, const std::string& what) {
    return Error{code, std::string(file) + ": " + what};
  };
  manifest_hash_ = ContentHash(checked.manifest);
  manifest_ = ParseJson(checked.manifest);
  const JsonNode manifest(manifest_);
  if (manifest.Get("kind").String() != kind) {
    return in_file(kManifestFile, ErrorCode::kInvalidArgument,
                   fmt::format("$.kind: expected a {}", kind));
  }
  if (manifest.Get("format").json() != kFormat) {
    return in_file(kManifestFile, ErrorCode::kInvalidArgument,
                   fmt::format("$.format: expected {}, got {}", kFormat,
                               manifest.Get("format").json().dump()));
  }
  files_ = std::move(checked.files);
  const PublishedFile* const pipeline = FindFile(kPipelineFile);
  if (pipeline == nullptr) {
    return in_file(kManifestFile, ErrorCode::kCorrupt, "$.files: no pipeline.json");
  }
  document_ = ParseJson(LoadFile(*pipeline).bytes);
  if (ContentHash(document_.dump()) != manifest.Get("pipeline").Get("hash").String()) {
    return in_file(kPipelineFile, ErrorCode::kCorrupt, "not the pipeline of manifest.json");
  }
  Result<PipelineSpec> spec = ParsePipelineSpec(document_.dump(), info_.folder);
  if (!spec) return in_file(kPipelineFile, ErrorCode::kCorrupt, spec.error().message);
  spec_ = *std::move(spec);
  seed_ = static_cast<std::uint32_t>(
      manifest.Get("seed").Integer(0, std::numeric_limits<std::uint32_t>::max()));
  return {};
}

const PublishedFile* Version::FindFile(std::string_view path) const noexcept {
  const auto found = std::ranges::find(files_, path, &PublishedFile::path);
  return found == files_.end() ? nullptr : &*found;
}

Result<Reference> Version::ReadReference() const {
  const PublishedFile* const file = FindFile(Reference::kFile);
  if (file == nullptr) {
    return InFolder({ErrorCode::kCorrupt, std::string(Reference::kFile) + ": missing"});
  }
  try {
    Reference reference;
    ReadJson(LoadFile(*file), [&](const JsonNode& root) { reference = Reference::FromJson(root); });
    return reference;
  } catch (const SpecError& error) {
    return InFolder({ErrorCode::kCorrupt, error.what()});
  }
}

Error Version::InFolder(Error error) const {
  error.message = (info_.folder / error.message).string();
  return error;
}

}  // namespace forkcast::model
