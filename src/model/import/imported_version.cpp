#include "model/import/imported_version.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "model/inputs/feature_table.hpp"
#include "model/learn/model_files.hpp"
#include "model/predict/published_kinds.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::FeatureSpec;
using preprocessing::JsonNode;
using preprocessing::PipelineSpec;
using preprocessing::SpecError;

/// Where the pipeline has each input, which must be of the same kind there.
std::vector<std::size_t> PositionsOf(const FittedTransforms& transforms, const JsonNode& node,
                                     const PipelineSpec& spec) {
  std::vector<std::size_t> positions;
  for (const FeatureColumnSpec& input : transforms.inputs()) {
    const auto feature = std::ranges::find(spec.features, input.name, &FeatureSpec::name);
    if (feature == spec.features.end()) {
      node.Fail(fmt::format("the pipeline has no feature \"{}\"", input.name));
    }
    const Result<FeatureColumnSpec> column = FeatureColumnOf(feature->name, feature->type);
    if (!column || *column != input) {
      node.Fail(fmt::format("feature \"{}\" of the pipeline is of another type", input.name));
    }
    positions.push_back(static_cast<std::size_t>(feature - spec.features.begin()));
  }
  return positions;
}

}  // namespace

ordered_json AnswerJson(const TrainedAnswer& answer) {
  if (const auto* const classes = std::get_if<ClassAnswer>(&answer)) {
    return {{"kind", "class"}, {"classes", classes->classes}};
  }
  if (const auto* const values = std::get_if<ValuesAnswer>(&answer)) {
    return {{"kind", "values"}, {"count", values->count}};
  }
  return {{"kind", "value"}};
}

TrainedAnswer ReadAnswer(const JsonNode& node) {
  const std::string kind = node.Get("kind").String();
  if (kind == "class") {
    node.RequireObject({"kind", "classes"});
    return ClassAnswer{node.Get("classes").Strings()};
  }
  if (kind == "values") {
    node.RequireObject({"kind", "count"});
    const std::int64_t count = node.Get("count").Integer(1, ForestSource::kMostMargins);
    return ValuesAnswer{static_cast<std::size_t>(count)};
  }
  node.RequireObject({"kind"});
  if (kind != "value") node.Get("kind").Fail("expected class, value or values");
  return ValueAnswer{};
}

Predictor MakePredictor(ScoringModel scoring, const JsonNode& transforms, const PipelineSpec& spec,
                        TrainedAnswer answer) {
  FittedTransforms fitted = FittedTransforms::FromJson(transforms);
  std::vector<std::size_t> positions = PositionsOf(fitted, transforms, spec);
  // Numbers of classes are what the library answers, whether or not they sum to 1.
  scoring.are_shares = false;
  Result<Predictor> predictor = Predictor::Make(
      std::move(scoring),
      std::make_shared<const FittedEncoder>(std::move(fitted), std::move(positions)),
      std::move(answer));
  if (!predictor) transforms.Fail(predictor.error().message);
  return *std::move(predictor);
}

std::string ImportedPath(std::string_view ending) { return ModelPath(fmt::format("1{}", ending)); }

Result<ImportedVersion> ImportedVersion::Read(const VersionInfo& info) {
  Result<Version> version = Version::Read(info, kImportedKind);
  if (!version) return std::move(version).error();
  try {
    const JsonNode manifest(version->manifest(), "manifest.json: $");
    TrainedAnswer answer = ReadAnswer(manifest.Get("answer"));
    const auto predictions = manifest.Find("predictions");
    PredictionForm form = predictions ? ReadPredictionForm(*predictions) : PredictionForm();
    return ImportedVersion(*std::move(version), std::move(answer), std::move(form));
  } catch (const SpecError& error) {
    return version->InFolder({ErrorCode::kCorrupt, error.what()});
  }
}

const PublishedFile* ImportedVersion::ModelFile(std::string_view ending) const {
  return FindFile(ImportedPath(ending));
}

ScoringModel ImportedVersion::OpenModel() const {
  const auto kind = std::ranges::find_if(PublishedKinds(), [this](const PublishedKind& one) {
    return ModelFile(one.ending) != nullptr;
  });
  if (kind == PublishedKinds().end()) {
    throw SpecError(fmt::format("{}: missing", ImportedPath(kForestEnding)));
  }
  const PublishedFile& served = *ModelFile(kind->ending);
  InputPool pool;  // there is one model
  Result<ScoringModel> scoring = kind->open(served.place, pool);
  if (!scoring) throw SpecError(fmt::format("{}: {}", served.path, scoring.error().message));
  const PublishedFile* const reasons =
      kind->explain == nullptr ? nullptr : ModelFile(kind->explanation);
  if (reasons != nullptr) {
    auto explainer = kind->explain(reasons->place);
    if (!explainer) {
      throw SpecError(fmt::format("{}: {}", reasons->path, explainer.error().message));
    }
    scoring->explainer = *std::move(explainer);
  }
  return *std::move(scoring);
}

Result<Predictor> ImportedVersion::ReadPredictor() const {
  try {
    ScoringModel scoring = OpenModel();
    const PublishedFile* const around = ModelFile(kTransformsEnding);
    if (around == nullptr) {
      throw SpecError(fmt::format("{}: missing", ImportedPath(kTransformsEnding)));
    }
    std::optional<Predictor> predictor;
    ReadJson(LoadFile(*around), [&](const JsonNode& root) {
      root.RequireObject({"transforms"});
      predictor = MakePredictor(std::move(scoring), root.Get("transforms"), spec(), answer_);
    });
    return *std::move(predictor);
  } catch (const SpecError& error) {
    return InFolder({ErrorCode::kCorrupt, error.what()});
  }
}

}  // namespace forkcast::model
