#include "serving/page/page_models.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"
#include "model/artefact/version_history.hpp"
#include "model/artefact/version_summary.hpp"
#include "serving/page/page_text.hpp"

namespace forkcast::serving {
namespace {

using model::Registry;
using model::VersionInfo;
using nlohmann::ordered_json;

Error NoRegistry() {
  return {ErrorCode::kNotFound, "the server has no registry of models (the setting models)"};
}

/// What each baseline is worth by the metric that counts.
ordered_json BaselinesOf(const ordered_json& judged) {
  ordered_json baselines = ordered_json::array();
  const ordered_json all = judged.value("baselines", ordered_json::array());
  const ordered_json metric = judged.value("metric", ordered_json());
  if (!all.is_array() || !metric.is_string()) return baselines;
  const auto& metric_name = metric.get_ref<const std::string&>();
  for (const ordered_json& one : all) {
    if (!one.is_object()) continue;
    // A forecast's metrics stand apart, a classifier's beside the name.
    const ordered_json metrics = one.value("metrics", ordered_json());
    const ordered_json& holder = metrics.is_object() ? metrics : one;
    baselines.push_back({{"name", one.value("name", ordered_json())},
                         {"skill", one.value("skill", ordered_json())},
                         {"value", holder.value(metric_name, ordered_json())}});
  }
  return baselines;
}

ordered_json Listed(const Registry& registry, const VersionInfo& version) {
  const Result<ordered_json> manifest = registry.ManifestOf(version);
  ordered_json one = SummaryOf(version, manifest ? *manifest : ordered_json::object());
  if (!manifest) {
    one["damaged"] = true;
    return one;
  }
  one["why_not"] = model::WhyNotPromoted(*manifest);
  const auto judged = manifest->find("evaluation");
  if (judged != manifest->end() && judged->is_object()) {
    one["best_baseline"] = judged->value("best_baseline", ordered_json());
    one["baselines"] = BaselinesOf(*judged);
  }
  return one;
}

/// What is to be promoted.
struct Promotion {
  std::int64_t version = 0;
  std::string alias = "champion";
  bool force = false;
};

Result<Promotion> ReadPromotion(const std::string& body) {
  const ordered_json json = ordered_json::parse(body, nullptr, /*allow_exceptions=*/false);
  const auto bad = [](const char* field, const char* expected) {
    return Error{ErrorCode::kInvalidArgument, expected, field};
  };
  if (!json.is_object()) return bad("", R"(expected an object: {"version": 7})");
  Promotion promotion;
  for (const auto& [name, value] : json.items()) {
    if (name == "version") {
      if (!value.is_number_integer()) return bad("version", "expected a version's number");
      promotion.version = value.get<std::int64_t>();
    } else if (name == "alias") {
      if (!value.is_string()) return bad("alias", "expected a name");
      promotion.alias = value.get<std::string>();
    } else if (name == "force") {
      if (!value.is_boolean()) return bad("force", "expected true or false");
      promotion.force = value.get<bool>();
    } else {
      return Error{ErrorCode::kInvalidArgument, "expected version, alias or force", name};
    }
  }
  if (promotion.version <= 0) return bad("version", "expected a version's number");
  return promotion;
}

}  // namespace

Result<std::string> ListVersions(const std::filesystem::path& models, std::size_t most) {
  if (models.empty()) return TextOf({{"place", ""}, {"models", ordered_json::array()}});
  const Registry registry(models);
  const Result<std::vector<std::string>> names = registry.Models();
  if (!names) return names.error();
  ordered_json all = ordered_json::array();
  for (const std::string& name : *names) {
    const Result<std::vector<VersionInfo>> versions = registry.Versions(name);
    if (!versions) return versions.error();
    ordered_json listed = ordered_json::array();
    for (auto version = versions->rbegin(); version != versions->rend(); ++version) {
      const bool is_named = !version->aliases.empty();
      if (listed.size() < most || is_named) listed.push_back(Listed(registry, *version));
    }
    all.push_back({{"model", name}, {"count", versions->size()}, {"versions", std::move(listed)}});
  }
  return TextOf({{"place", registry.place()}, {"models", std::move(all)}});
}

Result<std::string> DescribeVersion(const std::filesystem::path& models, const std::string& name,
                                    const std::string& reference) {
  if (models.empty()) return NoRegistry();
  const Registry registry(models);
  const Result<VersionInfo> version = registry.Find(name, reference);
  if (!version) return version.error();
  const Result<ordered_json> manifest = registry.ManifestOf(*version);
  if (!manifest) return manifest.error();
  const Result<model::VersionHistory> history = ReadHistory(*version);
  return TextOf({{"summary", SummaryOf(*version, *manifest)},
                 {"why_not", model::WhyNotPromoted(*manifest)},
                 {"history", history ? ordered_json(*history) : ordered_json::array()},
                 {"manifest", *manifest}});
}

Result<std::string> PromoteVersion(const std::filesystem::path& models, const std::string& name,
                                   const std::string& body) {
  if (models.empty()) return NoRegistry();
  const Result<Promotion> asked = ReadPromotion(body);
  if (!asked) return asked.error();
  const Registry registry(models);
  const Result<VersionInfo> version = registry.Find(name, fmt::format("{}", asked->version));
  if (!version) return version.error();
  const Result<ordered_json> manifest = Registry::ReadManifest(*version);
  if (!manifest) return manifest.error();
  const std::string why_not = model::WhyNotPromoted(*manifest);
  if (!why_not.empty() && !asked->force) {
    return Error{
        ErrorCode::kRejected,
        fmt::format("version {} {}; {} is as before", version->number, why_not, asked->alias),
        "version"};
  }
  if (Status moved = registry.SetAlias(name, asked->alias, version->number); !moved) {
    return std::move(moved).error();
  }
  const Result<VersionInfo> promoted = registry.Find(name, asked->alias);
  if (!promoted) return promoted.error();
  return TextOf(SummaryOf(*promoted, *manifest));
}

}  // namespace forkcast::serving
