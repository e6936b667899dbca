#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/features/feature_computer.hpp"
#include "data_preprocessing/features/feature_spec.hpp"
#include "data_preprocessing/features/forecast_spec.hpp"
#include "data_preprocessing/features/request_spec.hpp"
#include "data_preprocessing/series/series_spec.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// Where a member of an answer row comes from: a field of the request, or an output of the model.
struct AnswerSource {
  enum class Kind { kRequestField, kModelOutput };
  std::string name;  ///< Of the answer's member.
  Kind kind = Kind::kRequestField;
  std::string source;  ///< The field, or the output ("class").

  friend bool operator==(const AnswerSource&, const AnswerSource&) = default;
};

/// What only serving needs.
struct ServingSpec {
  /// Resolved against the pipeline file's folder; empty for a pipeline whose models are published.
  std::filesystem::path model{};
  std::vector<AnswerSource> answer;
};

/// An output of the model that a server counts, or sums, over all rows that it answers.
struct OutputMetric {
  enum class Kind {
    kCountBy,  ///< How many lines had each of its values.
    kSum,      ///< Of its values.
  };
  std::string name;
  Kind kind = Kind::kCountBy;
  std::string output;

  friend bool operator==(const OutputMetric&, const OutputMetric&) = default;
};

/// What only training needs.
struct TrainingSpec {
  std::string table;  ///< Its rows are the examples.
  std::string label;  ///< The column to predict; never readable as a feature.
};

/// A pipeline file, validated: every name in it refers to something of the right type, so that
/// whoever takes it needs no check of its own. docs/pipelines.md describes the file.
struct PipelineSpec {
  std::string name;
  std::string version;
  TimeZone zone;
  std::vector<TableSpec> tables;
  std::vector<SeriesSpec> series;
  RequestSpec request;
  std::optional<ForecastSpec> forecast;  ///< Else it scores rows as they come.
  std::vector<FeatureSpec> features;
  std::optional<ServingSpec> serving;
  std::vector<OutputMetric> metrics{};
  std::optional<TrainingSpec> training;

  /// Columns that no series may touch: the label's.
  [[nodiscard]] std::vector<ForbiddenColumn> ForbiddenColumns() const;
  /// The series called `name`, which must exist.
  [[nodiscard]] const SeriesSpec& SeriesNamed(std::string_view name) const;
};

/// Validates a pipeline's JSON. kInvalidArgument, with a message "$.path: what is wrong". Relative
/// paths are resolved against `folder`.
Result<PipelineSpec> ParsePipelineSpec(std::string_view json, const std::filesystem::path& folder);

/// The same for a file, whose name is put in front of messages.
Result<PipelineSpec> LoadPipelineSpec(const std::filesystem::path& file);

/// A span of time such as "90s", "15m", "12h", "7d" or "2w", ten years at most. kInvalidArgument.
Result<std::chrono::microseconds> ParseDuration(std::string_view text);

}  // namespace forkcast::preprocessing
