#include "model/learn/shard_fits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "model/learn/model_files.hpp"
#include "model/predict/published_kinds.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

/// Whether a part with this ending is ever read again.
bool IsNeeded(std::string_view ending, FitUse use) {
  if (use == FitUse::kPublished) return true;
  return std::ranges::any_of(PublishedKinds(), [&](const PublishedKind& kind) {
    if (ending == kind.ending) return true;
    return use == FitUse::kExplained && !kind.explanation.empty() && ending == kind.explanation;
  });
}

}  // namespace

ShardFits::Kept ShardFits::PartsOf(const TrainedPredictor& model) const {
  Kept kept;
  for (const ModelPart& part : model.parts.published) {
    if (IsNeeded(part.ending, place_.use)) kept.parts.push_back(part);
  }
  kept.entry["around"] = AroundJson(model.predictor);
  if (place_.use == FitUse::kJudged) return kept;
  ordered_json& importances = kept.entry["importances"] = ordered_json::array();
  for (const FeatureImportance& one : model.parts.importances) {
    importances.push_back({one.feature, one.share});
  }
  return kept;
}

void ShardFits::Keep(const std::string& name, Kept kept) {
  const std::lock_guard lock(mutex_);
  kept_.insert_or_assign(name, std::move(kept));
}

Result<std::optional<TrainedPredictor>> ShardFits::Fit(const std::string& name,
                                                       const ModelInputs& /*inputs*/,
                                                       const TrainedAnswer& /*answer*/,
                                                       const Train& train) {
  Result<std::optional<TrainedPredictor>> model = train();
  if (model && *model) Keep(name, PartsOf(**model));
  // Whoever joins meets it at the same model, and does with it what a run alone would do.
  if (!model && model.error().code == ErrorCode::kInvalidArgument) {
    Keep(name, {.entry = {{"error",
                           {{"message", model.error().message}, {"field", model.error().field}}}}});
  }
  return model;
}

Result<ordered_json> ShardFits::History(const std::string& name, const Learn& learn) {
  ordered_json learned = learn();
  Keep(name, {.entry = {{"history", learned}}});
  return learned;
}

std::size_t ShardFits::size() const {
  const std::lock_guard lock(mutex_);
  return kept_.size();
}

std::vector<ArtefactFile> ShardFits::TakeFiles() {
  const std::lock_guard lock(mutex_);
  std::vector<ArtefactFile> files;
  ordered_json fits = ordered_json::array();
  std::size_t number = 0;
  for (auto& [name, kept] : kept_) {
    ordered_json entry{{"name", name}};
    entry.update(kept.entry);
    if (!kept.parts.empty()) {
      const std::string stem = fmt::format("fits/{}", ++number);
      entry["stem"] = stem;
      ordered_json& endings = entry["parts"] = ordered_json::array();
      for (ModelPart& part : kept.parts) {
        endings.push_back(part.ending);
        files.push_back({fmt::format("{}{}", stem, part.ending), std::move(part.bytes)});
      }
    }
    fits.push_back(std::move(entry));
  }
  kept_.clear();
  const ordered_json index{
      {"format", "forkcast.fits"}, {"format_version", 1}, {"fits", std::move(fits)}};
  files.push_back({kFitsFile, index.dump() + "\n"});
  return files;
}

}  // namespace forkcast::model
