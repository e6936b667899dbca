#include "model/export/exported_model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"
#include "model/classify/class_files.hpp"
#include "model/learn/model_files.hpp"
#include "model/learn/version.hpp"
#include "model/predict/published_kinds.hpp"
#include "model/refused.hpp"
#include "model/tree/xgboost_reader.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;
using preprocessing::SpecError;

constexpr std::string_view kFolder = "model/";
constexpr std::string_view kTransforms = ".transforms.json";

/// Of all models of a version.
std::vector<std::string> StemsOf(const Version& version) {
  std::vector<std::string> stems;
  for (const PublishedFile& file : version.files()) {
    const std::string_view path = file.path;
    if (!path.starts_with(kFolder) || !path.ends_with(kTransforms)) continue;
    const std::string_view below = path.substr(kFolder.size());
    stems.emplace_back(below.substr(0, below.size() - kTransforms.size()));
  }
  return stems;
}

std::string ChooseStem(const Version& version, std::string_view stem) {
  if (version.FindFile("model/candidates.json") != nullptr) {
    Refuse("candidates: several models are blended, which no file of one model says");
  }
  if (version.FindFile("model/history.json") != nullptr) {
    Refuse("its algorithm learns from each key's history, which other programs do not know");
  }
  const std::vector<std::string> stems = StemsOf(version);
  if (stem.empty() && stems.size() == 1) return stems.front();
  if (std::ranges::find(stems, stem) != stems.end()) return std::string(stem);
  constexpr std::size_t kNamed = 12;
  const std::span<const std::string> named(stems.data(), std::min(kNamed, stems.size()));
  Refuse(fmt::format("--part: expected one of its {} models: {}{}", stems.size(),
                     fmt::join(named, ", "), stems.size() > kNamed ? ", ..." : ""));
}

std::vector<std::string> ClassesOf(const Version& version) {
  const PublishedFile* const file = version.FindFile(kClassesFile);
  if (file == nullptr) return {};
  std::vector<std::string> names;
  for (const ClassLabel& label : ReadClasses(LoadFile(*file), version.spec())) {
    names.push_back(NameOf(label));
  }
  return names;
}

void ReadScorer(const Version& version, const std::string& stem, ExportableModel& model) {
  const auto file = [&](std::string_view ending) {
    return version.FindFile(fmt::format("{}{}{}", kFolder, stem, ending));
  };
  if (const PublishedFile* const trees = file(kXGBoostEnding)) {
    model.interchange = LoadFile(*trees).bytes;
    model.scorer = Need(trees->path, ReadXGBoost(model.interchange));
    return;
  }
  if (const PublishedFile* const linear = file(kLinearEnding)) {
    model.scorer = Need(linear->path, LinearModel::Parse(LoadFile(*linear).bytes)).source();
    return;
  }
  Refuse("a quantile table, which other programs do not read");
}

}  // namespace

Result<ExportableModel> ReadTrained(const VersionInfo& info, std::string_view stem) {
  try {
    const ordered_json manifest = Need(Registry::ReadManifest(info));
    const std::string kind = manifest.value("kind", "");
    if (kind == "imported") {
      Refuse("it was imported: the file it was made of is source/model in its folder");
    }
    const Version version = Need(Version::Read(info, kind));
    const std::string chosen = ChooseStem(version, stem);
    ExportableModel model{.name = fmt::format("{} {}", info.model, info.number)};
    if (const auto libraries = manifest.find("libraries"); libraries != manifest.end()) {
      model.library_version = libraries->value("forkcast", "");
    }
    ReadScorer(version, chosen, model);
    const PublishedFile& around =
        *version.FindFile(fmt::format("{}{}{}", kFolder, chosen, kTransforms));
    ReadJson(LoadFile(around), [&model](const JsonNode& root) {
      model.transforms = root.Get("transforms").json();
      if (const auto target = root.Find("target")) model.target = ReadTargetTransform(*target);
    });
    model.classes = ClassesOf(version);
    return model;
  } catch (const Refused& refused) {
    return refused.error;
  } catch (const SpecError& error) {
    return Error{ErrorCode::kCorrupt, error.what()};
  }
}

}  // namespace forkcast::model
