#include "serving/service/version_kinds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"
#include "model/mlflow/mlflow_cache.hpp"
#include "serving/service/classifier_pipeline.hpp"
#include "serving/service/forecast_pipeline.hpp"
#include "serving/service/imported_pipeline.hpp"

namespace forkcast::serving {
namespace {

using model::Registry;
using model::VersionInfo;
using preprocessing::JsonNode;
using preprocessing::SnapshotPool;
using Loaded = Result<std::shared_ptr<const ServedPipeline>>;

constexpr std::array kKinds{
    VersionKind{.kind = "forecast", .load = ForecastPipeline::Load},
    VersionKind{.kind = "classifier", .load = LoadClassifier},
    VersionKind{.kind = "imported", .load = LoadImported},
};

/// Where a deployment's version is looked for.
struct Reference {
  Registry registry;
  std::string model;
  std::string version;  ///< An alias or a number.
};

/// Of "MODEL@REFERENCE" or "mlflow:MODEL@REFERENCE".
Reference Read(std::string_view text, const std::filesystem::path& models) {
  if (text.starts_with(kMlflowScheme)) {
    const Result<model::MlflowReference> there = model::ParseMlflowReference(text);
    if (there) {
      return {.registry = Registry(model::MlflowCacheFolder(ProcessEnvironment)),
              .model = there->name,
              .version = model::MlflowCacheAlias(*there)};
    }
  }
  const std::size_t at = text.find('@');
  return {.registry = Registry(models),
          .model = std::string(text.substr(0, at)),
          .version = std::string(text.substr(at + 1))};
}

/// The version that is meant, of those that are on this machine.
Result<VersionInfo> Find(const std::string& reference, const std::filesystem::path& models) {
  const auto [registry, model, name] = Read(reference, models);
  Result<VersionInfo> version = registry.FindHere(model, name);
  if (version || version.error().code != ErrorCode::kNotFound || registry.is_elsewhere()) {
    return version;
  }
  const Result<std::vector<std::string>> all = registry.Models();
  if (!all || std::ranges::find(*all, model) != all->end()) return version;
  return Error{ErrorCode::kNotFound,
               fmt::format("no model \"{}\" in {}; there are: {}", model, registry.place(),
                           all->empty() ? "none" : fmt::format("{}", fmt::join(*all, ", ")))};
}

/// What the version says of itself. Throws SpecError.
class Manifest {
 public:
  explicit Manifest(const std::filesystem::path& folder)
      : file_(folder / "manifest.json"), json_(preprocessing::ReadJsonFile(file_)) {}

  [[nodiscard]] const VersionKind& Kind() const;
  [[nodiscard]] std::string PipelineName() const {
    return Root().Get("pipeline").Get("name").String();
  }

 private:
  [[nodiscard]] JsonNode Root() const { return JsonNode(json_, file_.string() + ": $"); }

  std::filesystem::path file_;
  nlohmann::ordered_json json_;
};

const VersionKind& Manifest::Kind() const {
  const JsonNode kind = Root().Get("kind");
  const std::span<const VersionKind> kinds = VersionKinds();
  const auto known = std::ranges::find(kinds, kind.String(), &VersionKind::kind);
  if (known != kinds.end()) return *known;
  std::string names;
  for (const VersionKind& one : kinds) names.append(names.empty() ? "" : ", ").append(one.kind);
  kind.Fail(fmt::format("no kind of model is called \"{}\"; there are: {}", kind.String(), names));
}

}  // namespace

std::span<const VersionKind> VersionKinds() noexcept { return kKinds; }

std::string VersionText(const model::Version& version) {
  constexpr std::size_t kDigits = 12;
  if (version.info().number != 0) return std::to_string(version.info().number);
  const std::string& hash = version.manifest_hash();
  return hash.substr(hash.find(':') + 1, kDigits);
}

std::shared_ptr<const model::DriftReference> DriftReferenceOf(const model::Version& version) {
  auto reference = model::ReadDriftReference(version.info().folder);
  return reference ? *std::move(reference) : nullptr;
}

std::vector<model::AliasMove> AliasMovesOf(const VersionInfo& version,
                                           const Deployment& deployment) {
  const std::string alias = deployment.model.substr(deployment.model.find('@') + 1);
  return model::ReadAliasHistory(version.folder.parent_path(), alias);
}

std::filesystem::path VersionPath(const std::string& reference,
                                  const std::filesystem::path& models) {
  const auto [registry, model, version] = Read(reference, models);
  return registry.folder() / model / version;
}

Status RefreshVersion(const std::string& reference, const std::filesystem::path& models,
                      model::Effort effort) {
  if (reference.starts_with(kMlflowScheme)) {
    return model::RefreshMlflowCache(reference, ProcessEnvironment, SystemClock().Now());
  }
  const auto [registry, model, version] = Read(reference, models);
  return registry.Refresh(model, version, effort);
}

Loaded LoadVersion(const Deployment& deployment, const std::filesystem::path& models,
                   SnapshotPool& pool) {
  Result<VersionInfo> version = Find(deployment.model, models);
  if (!version) return std::move(version).error();
  try {
    return Manifest(version->folder).Kind().load(*version, deployment, pool);
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, error.what()};
  }
}

Loaded LoadVersionFolder(const std::filesystem::path& folder, const Deployment& deployment,
                         SnapshotPool& pool) {
  try {
    const Manifest manifest(folder);
    const VersionInfo version{.model = manifest.PipelineName(),
                              .number = 0,
                              .folder = folder,
                              .aliases = {},
                              .published_at = {}};
    return manifest.Kind().load(version, deployment, pool);
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, error.what()};
  }
}

}  // namespace forkcast::serving
