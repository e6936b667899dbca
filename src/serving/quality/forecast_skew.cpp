#include "serving/quality/forecast_skew.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "serving/quality/answered_rows.hpp"
#include "serving/service/forecast_pipeline.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::PipelineSpec;

/// What is compared beside the features: the output of that name.
constexpr const char* kValue = "value";
constexpr std::size_t kLinesAtOnce = 4096;

/// The captured lines of one request, in the order in which they were answered: of each its
/// features and its value, by name.
std::vector<ordered_json> CapturedLines(const CaptureRecord& record, const PipelineSpec& spec) {
  std::vector<ordered_json> lines;
  VisitAnswers(record, spec, [&lines](const AnsweredRow& row) {
    ordered_json line = ordered_json::object();
    if (const ordered_json* const value = row.Output(kValue)) line[kValue] = *value;
    lines.push_back(std::move(line));
  });
  const auto rows = ordered_json::parse(record.features, nullptr, /*allow_exceptions=*/false);
  if (!rows.is_array() || rows.size() != lines.size()) return lines;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    lines[i].update(rows[i].value("features", ordered_json::object()));
  }
  return lines;
}

}  // namespace

ForecastSkewCheck::ForecastSkewCheck(const PipelineSpec& spec, const std::filesystem::path& models,
                                     std::filesystem::path snapshots,
                                     std::chrono::microseconds precision)
    : SkewCheck(spec, precision), registry_(models), snapshots_(std::move(snapshots)) {}

ForecastSkewCheck::Version ForecastSkewCheck::Load(const std::string& number) {
  Version version;
  const auto info = registry_.Find(spec().name, number);
  if (!info) {
    version.error = info.error().message;
    return version;
  }
  auto loaded = ForecastPipeline::Load(*info, {.snapshots = snapshots_}, pool_);
  if (!loaded) {
    version.error = loaded.error().message;
    return version;
  }
  version.pipeline = *std::move(loaded);
  version.scorer = version.pipeline->MakeScorer();
  version.requests =
      std::make_unique<CapturedRequests>(version.pipeline->spec(), version.pipeline->fields());
  return version;
}

ForecastSkewCheck::Version& ForecastSkewCheck::VersionOf(const std::string& number) {
  const auto known = versions_.find(number);
  return known != versions_.end() ? known->second
                                  : versions_.emplace(number, Load(number)).first->second;
}

std::optional<std::string> ForecastSkewCheck::Recompute(const CaptureRecord& record) {
  if (record.status != 200) return fmt::format("it was answered with status {}", record.status);
  Version& version = VersionOf(record.model_version);
  if (version.pipeline == nullptr) return version.error;
  if (auto why = version.requests->Decode(record)) return why;
  const std::vector<ordered_json> captured = CapturedLines(record, version.pipeline->spec());
  version.scorer->Start({.decoded = version.requests->rows(),
                         .received = record.received,
                         .known_by = KnownBy(record)},
                        scores_);
  while (version.scorer->ComputeFeatures(kLinesAtOnce) > 0) {
  }
  while (version.scorer->Predict(kLinesAtOnce).value() == Progress::kMore) {
  }
  if (scores_.rows.size() != captured.size()) {
    return fmt::format("{} lines were answered, and are {} by what was known then{}",
                       captured.size(), scores_.rows.size(),
                       scores_.errors.empty() ? "" : ": " + scores_.errors.front().error.message);
  }
  const std::vector<AnswerOutput>& outputs = version.pipeline->answer().outputs;
  const auto value = std::ranges::find(outputs, kValue, &AnswerOutput::name) - outputs.begin();
  const std::vector<preprocessing::FeatureSpec>& features = version.pipeline->spec().features;
  for (std::size_t i = 0; i < captured.size(); ++i) {
    Line line{.row = scores_.row_numbers[i], .time = record.received, .captured = &captured[i]};
    // The hook may keep answers without features.
    const bool has_features = captured[i].size() > 1;
    for (std::size_t k = 0; has_features && k < features.size(); ++k) {
      line.names.push_back(features[k].name);
      line.values.push_back(JsonOf(scores_.features[i * features.size() + k]));
    }
    line.names.emplace_back(kValue);
    line.values.push_back(
        JsonOf(scores_.outputs[i * outputs.size() + static_cast<std::size_t>(value)]));
    AddLine(line);
  }
  return std::nullopt;
}

}  // namespace forkcast::serving
