#include "model/learn/joined_fits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"
#include "model/learn/model_files.hpp"
#include "model/predict/published_kinds.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;
using preprocessing::ParseJson;
using preprocessing::SpecError;

/// Counts that names of shards of `model` end with.
std::set<std::size_t> CountsOf(const std::vector<std::string>& names, const std::string& model) {
  std::set<std::size_t> counts;
  for (const std::string& name : names) {
    const std::size_t last = name.rfind('-');
    if (last == name.npos) continue;
    std::size_t count = 0;
    const char* const end = name.data() + name.size();
    if (std::from_chars(name.data() + last + 1, end, count).ptr != end || count == 0) continue;
    for (std::size_t number = 1; number <= std::min(count, kMostShards); ++number) {
      if (name == ShardName(model, {.number = number, .count = count})) counts.insert(count);
    }
  }
  return counts;
}

Result<std::size_t> CountIn(const Registry& registry, const std::string& model) {
  const Result<std::vector<std::string>> names = registry.Models();
  if (!names) return names.error();
  const std::set<std::size_t> counts = CountsOf(*names, model);
  if (counts.empty()) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("{} has no shard of \"{}\"", registry.place(), model)};
  }
  if (counts.size() == 1) return *counts.begin();
  return Error{
      ErrorCode::kInvalidArgument,
      fmt::format("{} has shards of \"{}\" that are of {} each: say by --shard-count which "
                  "are joined",
                  registry.place(), model, fmt::join(counts, ", or of "))};
}

/// The kind that has such a file, served or beside it.
const PublishedKind& KindWith(const std::map<std::string, PublishedFile>& parts) {
  const auto kinds = PublishedKinds();
  const auto found = std::ranges::find_if(
      kinds, [&](const PublishedKind& kind) { return parts.contains(std::string(kind.ending)); });
  if (found == kinds.end()) throw SpecError("a file of no kind of model is there");
  return *found;
}

const PublishedFile* FindPart(const std::map<std::string, PublishedFile>& parts,
                              std::string_view ending) {
  const auto found = ending.empty() ? parts.end() : parts.find(std::string(ending));
  return found == parts.end() ? nullptr : &found->second;
}

/// What stands in tables and does not go, as a part's ending must.
std::string_view LastingEnding(const PublishedKind& kind, std::string_view ending) {
  for (const std::string_view one : {kind.ending, kind.interchange, kind.explanation}) {
    if (one == ending) return one;
  }
  throw SpecError(fmt::format("\"{}\" is no file of such a model", ending));
}

}  // namespace

Result<std::unique_ptr<JoinedFits>> JoinedFits::Open(const std::filesystem::path& place,
                                                     const std::string& model,
                                                     std::optional<std::size_t> count) {
  const Registry registry(place);
  if (!count) {
    const Result<std::size_t> found = CountIn(registry, model);
    if (!found) return found.error();
    count = *found;
  }
  std::vector<std::string> missing;
  std::unique_ptr<JoinedFits> joined(new JoinedFits());
  for (std::size_t number = 1; number <= *count; ++number) {
    const Shard shard{.number = number, .count = *count};
    const Result<VersionInfo> version = registry.Find(ShardName(model, shard), kNewestShard);
    if (!version && version.error().code == ErrorCode::kNotFound) {
      missing.push_back(ToString(shard));
      continue;
    }
    if (!version) return version.error();
    if (Status added = joined->Add(*version); !added) return std::move(added).error();
  }
  if (missing.empty()) return joined;
  return Error{ErrorCode::kNotFound,
               fmt::format("{}: shard{} {} of \"{}\" {} not there yet", registry.place(),
                           missing.size() == 1 ? "" : "s", fmt::join(missing, ", "), model,
                           missing.size() == 1 ? "is" : "are")};
}

Status JoinedFits::Add(const VersionInfo& shard) {
  const Result<CheckedVersion> version = Registry::Check(shard);
  if (!version) return version.error();
  try {
    const ordered_json manifest = ParseJson(version->manifest);
    const JsonNode root(manifest);
    if (root.Get("kind").String() != kShardKind) root.Get("kind").Fail("expected a shard");
    if (root.Get("format").json() != 1) root.Get("format").Fail("expected 1");
    names_.push_back(shard.model);
    origins_.push_back(root.Get("origin").json());
    AddFits(*version);
  } catch (const SpecError& error) {
    return Error{ErrorCode::kCorrupt, fmt::format("{}: {}", shard.folder.string(), error.what())};
  }
  return {};
}

void JoinedFits::AddFits(const CheckedVersion& version) {
  std::map<std::string, const PublishedFile*> files;
  for (const PublishedFile& file : version.files) files[file.path] = &file;
  const auto index = files.find(kFitsFile);
  if (index == files.end()) throw SpecError(fmt::format("{} is missing", kFitsFile));
  ReadJson(LoadFile(*index->second), [&](const JsonNode& root) {
    root.RequireObject({"format", "format_version", "fits"});
    if (root.Get("format").String() != "forkcast.fits") root.Get("format").Fail("is another one");
    static_cast<void>(root.Get("format_version").Integer(1, 1));
    for (const JsonNode& fit : root.Get("fits").Elements()) {
      fit.RequireObject({"name", "around", "importances", "history", "error", "stem", "parts"});
      const std::string name = fit.Get("name").String();
      Joined one{.entry = fit.json(), .parts = {}, .endings = {}};
      if (const auto stem = fit.Find("stem")) {
        for (const JsonNode& ending : fit.Get("parts").Elements()) {
          const std::string path = stem->String() + ending.String();
          const auto file = files.find(path);
          if (file == files.end()) ending.Fail(fmt::format("{} is missing", path));
          one.parts[ending.String()] = *file->second;
          one.endings.push_back(ending.String());
        }
      }
      if (!fits_.emplace(name, std::move(one)).second) {
        fit.Get("name").Fail(fmt::format("\"{}\" is there twice", name));
      }
    }
  });
}

Status JoinedFits::CheckOrigin(const ordered_json& origin) const {
  for (std::size_t i = 0; i < origins_.size(); ++i) {
    const std::string difference = DifferenceOf(origins_[i], origin);
    if (difference.empty()) continue;
    return Error{ErrorCode::kRefusedData,
                 fmt::format("{} was trained {}: train this shard again", names_[i], difference)};
  }
  return {};
}

Result<const JoinedFits::Joined*> JoinedFits::Find(const std::string& name) const {
  const auto found = fits_.find(name);
  if (found == fits_.end()) {
    return Error{ErrorCode::kCorrupt, fmt::format("no shard has the model \"{}\"", name)};
  }
  const ordered_json& entry = found->second.entry;
  if (!entry.contains("error")) return &found->second;
  const ordered_json& error = entry["error"];
  return Error{ErrorCode::kInvalidArgument, error.value("message", ""), error.value("field", "")};
}

TrainedPredictor JoinedFits::Read(const Joined& one, const ModelInputs& inputs,
                                  const TrainedAnswer& answer) {
  const PublishedKind& kind = KindWith(one.parts);
  TrainedParts parts;
  const bool is_whole =
      kind.interchange.empty() || FindPart(one.parts, kind.interchange) != nullptr;
  for (const std::string& ending : one.endings) {
    const std::string_view lasting = LastingEnding(kind, ending);
    // Of a fold's model nothing is published.
    if (is_whole) parts.published.push_back({lasting, LoadFile(one.parts.at(ending)).bytes});
  }
  const JsonNode entry(one.entry);
  if (const auto importances = entry.Find("importances")) {
    for (const JsonNode& share : importances->Elements()) {
      const std::vector<JsonNode> pair = share.Elements();
      if (pair.size() != 2) share.Fail("expected a feature and its share");
      parts.importances.push_back({.feature = pair[0].String(), .share = pair[1].Number(-1, 2)});
    }
  }
  PredictorReader reader(inputs, answer);
  return {.predictor = reader.Read({.kind = &kind,
                                    .served = FindPart(one.parts, kind.ending),
                                    .interchange = nullptr,
                                    .explanation = FindPart(one.parts, kind.explanation),
                                    .around = nullptr},
                                   entry.Get("around")),
          .parts = std::move(parts)};
}

Result<std::optional<TrainedPredictor>> JoinedFits::Fit(const std::string& name,
                                                        const ModelInputs& inputs,
                                                        const TrainedAnswer& answer,
                                                        const Train& /*train*/) {
  const Result<const Joined*> found = Find(name);
  if (!found) return found.error();
  try {
    return std::optional(Read(**found, inputs, answer));
  } catch (const SpecError& error) {
    return Error{ErrorCode::kCorrupt, fmt::format("model \"{}\": {}", name, error.what())};
  }
}

Result<ordered_json> JoinedFits::History(const std::string& name, const Learn& /*learn*/) {
  const Result<const Joined*> found = Find(name);
  if (!found) return found.error();
  const auto history = (*found)->entry.find("history");
  if (history != (*found)->entry.end()) return *history;
  return Error{ErrorCode::kCorrupt, fmt::format("\"{}\": expected what a history taught", name)};
}

}  // namespace forkcast::model
