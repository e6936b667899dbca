#include "model/learn/contest.hpp"

#include <fmt/format.h>

#include <vector>

#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

/// Whether `whole` has all members of `part`, and theirs alike.
bool Has(const ordered_json& whole, const ordered_json& part) {
  if (!part.is_object()) return whole == part;
  if (!whole.is_object()) return false;
  for (const auto& [name, member] : part.items()) {
    const auto found = whole.find(name);
    if (found == whole.end() || !Has(*found, member)) return false;
  }
  return true;
}

/// Whether all is learned anew, and not some keys of another version.
bool IsWhole(const ordered_json& manifest) { return !manifest.contains("base"); }

/// Whether it says what `contest` would find.
bool IsSame(const ordered_json& judged, const Contest& contest, const std::string& alias) {
  return judged.is_object() &&
         judged.value("champion", ordered_json()) == contest.champion.number &&
         judged.value("alias", "champion") == alias &&
         judged.value("least_gain", ordered_json()) == contest.rules.least_gain &&
         judged.value("most_chance", ordered_json()) == contest.rules.most_chance;
}

}  // namespace

ordered_json ToJson(const Contest& contest, const std::string& alias, const Rivalry& rivalry) {
  ordered_json json = ToJson(rivalry, contest.rules);
  json["alias"] = alias;
  return json;
}

Result<std::optional<KnownVersion>> FindKnownVersion(const Registry& registry,
                                                     const ordered_json& origin,
                                                     const Contest& contest,
                                                     const std::string& alias) {
  const Result<std::vector<VersionInfo>> versions = registry.Versions(contest.champion.model);
  if (!versions) return versions.error();
  for (auto one = versions->rbegin(); one != versions->rend(); ++one) {
    const VersionInfo& version = *one;
    // Who was compared with the champion came behind it.
    if (version.number < contest.champion.number) break;
    const Result<ordered_json> read = registry.ManifestOf(version);
    if (!read || !IsWhole(*read) || !Has(*read, origin)) continue;
    const ordered_json& manifest = *read;
    KnownVersion known{
        .info = version, .learned_up_to = manifest.at("data").value("to", ""), .contest = {}};
    if (version.number == contest.champion.number) return std::optional(std::move(known));
    known.contest = manifest.value("contest", ordered_json());
    if (IsSame(known.contest, contest, alias)) return std::optional(std::move(known));
  }
  return std::optional<KnownVersion>();
}

std::string Describe(const KnownVersion& known) {
  const std::string same =
      fmt::format("version {} of {} was trained by the same pipeline on the same data, up to {}",
                  known.info.number, known.info.model, known.learned_up_to);
  if (known.contest.is_null()) {
    return fmt::format("Nothing is new: {}, and is the champion.", same);
  }
  return fmt::format("Nothing is new: {}, and compared with the champion. {}", same,
                     known.contest.value("why", ""));
}

}  // namespace forkcast::model
