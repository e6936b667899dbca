#include "model/learn/model_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/rules/constraints.hpp"
#include "model/drift/learned_constraints.hpp"

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;
using preprocessing::SpecError;

constexpr std::string_view kFolder = "model/";
constexpr std::string_view kTransforms = ".transforms.json";

std::string WithEnding(const std::string& stem, std::string_view ending) {
  return fmt::format("{}{}", stem, ending);
}

[[noreturn]] void Fail(const std::string& path, const std::string& what) {
  throw SpecError(fmt::format("{}: {}", path, what));
}

ScoringModel ReadScoring(const StoredModel& stored, InputPool& pool) {
  const PublishedFile& file = stored.served != nullptr ? *stored.served : *stored.interchange;
  Result<ScoringModel> scoring = stored.served != nullptr
                                     ? stored.kind->open(file.place, pool)
                                     : stored.kind->convert(LoadFile(file).bytes);
  if (!scoring) Fail(file.path, scoring.error().message);
  if (stored.explanation != nullptr) {
    auto explainer = stored.kind->explain(stored.explanation->place);
    if (!explainer) Fail(stored.explanation->path, explainer.error().message);
    scoring->explainer = *std::move(explainer);
  }
  return *std::move(scoring);
}

Predictor MakePredictor(const StoredModel& stored, ScoringModel scoring,
                        std::shared_ptr<const FittedEncoder> encoder, TrainedAnswer answer) {
  Result<Predictor> predictor =
      Predictor::Make(std::move(scoring), std::move(encoder), std::move(answer));
  if (!predictor) Fail(stored.files().front()->path, predictor.error().message);
  return *std::move(predictor);
}

}  // namespace

std::string ModelPath(const std::string& path) { return std::string(kFolder) + path; }

ArtefactFile PipelineFile(const nlohmann::ordered_json& document) {
  return {kPipelineFile, document.dump(2) + "\n"};
}

ArtefactFile ReferenceFile(const Reference& reference) {
  return {Reference::kFile, reference.ToJson().dump() + "\n"};
}

ArtefactFile ConstraintsFile(const Reference& reference) {
  return {preprocessing::Constraints::kFile, LearnConstraints(reference).ToJson().dump(2) + "\n"};
}

void AppendFiles(const Predictor& predictor, const TrainedParts& parts, const std::string& stem,
                 std::vector<ArtefactFile>& files) {
  for (const ModelPart& part : parts.published) {
    files.push_back({ModelPath(WithEnding(stem, part.ending)), part.bytes});
  }
  files.push_back({ModelPath(WithEnding(stem, kTransforms)), AroundJson(predictor).dump() + "\n"});
}

nlohmann::ordered_json AroundJson(const Predictor& predictor) {
  nlohmann::ordered_json around{{"transforms", predictor.encoder()->transforms().ToJson()}};
  if (predictor.target() != nullptr) around["target"] = predictor.target()->ToJson();
  return around;
}

std::size_t CountModels(std::span<const ArtefactFile> files) noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      files, [](const ArtefactFile& file) { return file.path.ends_with(kTransforms); }));
}

ArtefactFile LoadFile(const PublishedFile& file) {
  return {file.path, preprocessing::ReadTextFile(file.place), file.place};
}

void ReadJson(const ArtefactFile& file, const std::function<void(const JsonNode& root)>& read) {
  try {
    const nlohmann::ordered_json json = preprocessing::ParseJson(file.bytes);
    read(JsonNode(json));
  } catch (const SpecError& error) {
    Fail(file.path, error.what());
  }
}

std::vector<const PublishedFile*> StoredModel::files() const {
  std::vector<const PublishedFile*> there{interchange, served, explanation, around};
  std::erase(there, nullptr);
  return there;
}

Predictor PredictorReader::Read(const StoredModel& stored) {
  ScoringModel scoring = ReadScoring(stored, inputs_pool_);
  std::shared_ptr<const FittedEncoder> encoder;
  TrainedAnswer answer;
  ReadJson(LoadFile(*stored.around), [&](const JsonNode& node) {
    answer = AnswerOf(node);
    encoder = EncoderOf(node.Get("transforms"));
  });
  return MakePredictor(stored, std::move(scoring), std::move(encoder), std::move(answer));
}

Predictor PredictorReader::Read(const StoredModel& stored, const JsonNode& around) {
  ScoringModel scoring = ReadScoring(stored, inputs_pool_);
  TrainedAnswer answer = AnswerOf(around);
  return MakePredictor(stored, std::move(scoring), EncoderOf(around.Get("transforms")),
                       std::move(answer));
}

std::shared_ptr<const FittedEncoder> PredictorReader::EncoderOf(const JsonNode& transforms) {
  std::string text = transforms.json().dump();
  const std::scoped_lock lock(mutex_);
  std::shared_ptr<const FittedEncoder>& encoder = encoders_[std::move(text)];
  if (encoder != nullptr) return encoder;
  FittedTransforms fitted = FittedTransforms::FromJson(transforms);
  if (fitted.inputs() != inputs_.columns) {
    transforms.Fail("the features are not those of the pipeline");
  }
  encoder = std::make_shared<const FittedEncoder>(std::move(fitted), inputs_.features);
  return encoder;
}

/// What the file says of the target must be what the pipeline says.
TrainedAnswer PredictorReader::AnswerOf(const JsonNode& around) const {
  const auto* const value = std::get_if<ValueAnswer>(&answer_);
  if (value == nullptr || !value->target) {
    around.RequireObject({"transforms"});
    return answer_;
  }
  around.RequireObject({"transforms", "target"});
  const TargetTransform target = ReadTargetTransform(around.Get("target"));
  TargetTransform steps = target;
  steps.fallback_scale = value->target->fallback_scale;
  if (steps != *value->target) around.Get("target").Fail("not the pipeline's");
  return ValueAnswer{target};
}

ModelFiles::ModelFiles(std::span<const PublishedFile> files) {
  for (const PublishedFile& file : files) {
    if (file.path.starts_with(kFolder)) files_[file.path] = &file;
  }
}

bool ModelFiles::Has(const std::string& path) const { return files_.contains(ModelPath(path)); }

const PublishedFile& ModelFiles::Take(const std::string& path) {
  const auto found = files_.find(ModelPath(path));
  if (found == files_.end()) Fail(ModelPath(path), "missing");
  const PublishedFile& file = *found->second;
  files_.erase(found);
  return file;
}

StoredModel ModelFiles::TakeModel(const std::string& stem) {
  const std::span<const PublishedKind> kinds = PublishedKinds();
  const auto kind = std::ranges::find_if(kinds, [&](const PublishedKind& one) {
    return Has(WithEnding(stem, one.ending)) ||
           (!one.interchange.empty() && Has(WithEnding(stem, one.interchange)));
  });
  if (kind == kinds.end()) Fail(ModelPath(stem), "missing: a file of no kind of model is there");
  StoredModel stored{.kind = &*kind};
  if (!kind->interchange.empty()) stored.interchange = &Take(WithEnding(stem, kind->interchange));
  if (kind->interchange.empty() || Has(WithEnding(stem, kind->ending))) {
    stored.served = &Take(WithEnding(stem, kind->ending));
  }
  if (!kind->explanation.empty() && Has(WithEnding(stem, kind->explanation))) {
    stored.explanation = &Take(WithEnding(stem, kind->explanation));
  }
  stored.around = &Take(WithEnding(stem, kTransforms));
  return stored;
}

void ModelFiles::RequireAllTaken(const char* owner) const {
  if (files_.empty()) return;
  Fail(files_.begin()->first, fmt::format("belongs to no {}", owner));
}

}  // namespace forkcast::model
