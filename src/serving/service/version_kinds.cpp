#include "serving/service/version_kinds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"
#include "serving/service/classifier_pipeline.hpp"
#include "serving/service/forecast_pipeline.hpp"

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
};

/// The version that "MODEL@REFERENCE" names.
Result<VersionInfo> Find(const std::string& reference, const std::filesystem::path& models) {
  const Registry registry(models);
  const std::size_t at = reference.find('@');
  const std::string model = reference.substr(0, at);
  Result<VersionInfo> version = registry.Find(model, reference.substr(at + 1));
  if (version || version.error().code != ErrorCode::kNotFound) return version;
  const Result<std::vector<std::string>> all = registry.Models();
  if (!all || std::ranges::find(*all, model) != all->end()) return version;
  return Error{ErrorCode::kNotFound,
               fmt::format("no model \"{}\" in {}; there are: {}", model, models.string(),
                           all->empty() ? "none" : fmt::format("{}", fmt::join(*all, ", ")))};
}

/// The kind that the version says it is of. Throws SpecError.
const VersionKind& KindOf(const VersionInfo& version) {
  const std::filesystem::path file = version.folder / "manifest.json";
  const nlohmann::ordered_json manifest = preprocessing::ReadJsonFile(file);
  const JsonNode kind = JsonNode(manifest, file.string() + ": $").Get("kind");
  const std::span<const VersionKind> kinds = VersionKinds();
  const auto known = std::ranges::find(kinds, kind.String(), &VersionKind::kind);
  if (known != kinds.end()) return *known;
  std::string names;
  for (const VersionKind& one : kinds) names.append(names.empty() ? "" : ", ").append(one.kind);
  kind.Fail(fmt::format("no kind of model is called \"{}\"; there are: {}", kind.String(), names));
}

}  // namespace

std::span<const VersionKind> VersionKinds() noexcept { return kKinds; }

std::filesystem::path VersionPath(const std::string& reference,
                                  const std::filesystem::path& models) {
  const std::size_t at = reference.find('@');
  return models / reference.substr(0, at) / reference.substr(at + 1);
}

Loaded LoadVersion(const Deployment& deployment, const std::filesystem::path& models,
                   SnapshotPool& pool) {
  Result<VersionInfo> version = Find(deployment.model, models);
  if (!version) return std::move(version).error();
  try {
    return KindOf(*version).load(*version, deployment, pool);
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, error.what()};
  }
}

}  // namespace forkcast::serving
