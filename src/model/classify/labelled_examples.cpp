#include "model/classify/labelled_examples.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ColumnSpec;
using preprocessing::FeatureComputer;
using preprocessing::IsoTimestamp;
using preprocessing::PipelineSpec;
using preprocessing::SeriesMask;
using preprocessing::Snapshot;
using preprocessing::Table;
using preprocessing::Value;

/// A field that a request may not leave out, but the row does.
std::optional<std::string> MissingField(const Table& requests, std::size_t request) {
  for (std::size_t field = 0; field < requests.column_count(); ++field) {
    const ColumnSpec& declared = requests.schema().columns[field];
    if (!declared.nullable && requests.column(field).IsMissing(request)) {
      return fmt::format("request field \"{}\" is missing", declared.name);
    }
  }
  return std::nullopt;
}

/// The weight of a row of `time`.
Result<double> WeightIn(std::span<const Value> values, std::size_t feature,
                        const PipelineSpec& spec, Instant time) {
  const double weight = NumberOf(values[feature]);
  if (std::isfinite(weight) && weight >= 0) return weight;
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("weight feature \"{}\" of the row of {} is {}, expected a number from 0",
                           spec.features[feature].name, IsoTimestamp(time),
                           std::isnan(weight) ? "missing" : fmt::format("{}", weight))};
}

/// Bit i: whether the row is in slice i.
std::uint64_t SlicesOf(std::span<const SliceSpec> slices, std::span<const Value> values) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    if (slices[i].Contains(values)) bits |= std::uint64_t{1} << i;
  }
  return bits;
}

}  // namespace

Result<LabelledExamples> LabelledExamples::Compute(const PipelineSpec& spec,
                                                   std::span<const Snapshot> snapshots,
                                                   const LabelledRows& rows,
                                                   const ClassifierPlan& plan) {
  const std::vector<std::size_t>& seen = plan.inputs.features;
  LabelledExamples examples(plan.inputs.columns);
  examples.features.Reserve(rows.size());
  FeatureComputer computer(spec.features, spec.series, spec.request, spec.zone);
  std::vector<Value> values(computer.feature_count());
  std::vector<Value> model_values(seen.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const std::size_t request = rows.request_of(row);
    const Instant time = rows.times()[row];
    std::optional<std::string> refusal = MissingField(rows.requests(), request);
    if (!refusal) {
      SeriesMask stale = 0;  // of data that are answered with a flag: a request would be, too
      const Status computed =
          computer.Compute(snapshots, rows.requests(), request, time, values, stale);
      if (!computed) {
        refusal = fmt::format("{} ({})", computed.error().message, computed.error().field);
      }
    }
    if (refusal) {
      examples.Refuse([&] { return fmt::format("{}, row of {}", *refusal, IsoTimestamp(time)); });
      continue;
    }
    for (std::size_t i = 0; i < seen.size(); ++i) model_values[i] = values[seen[i]];
    const Status appended = examples.features.Append(model_values);
    if (!appended) return appended.error();
    if (plan.weight) {
      const Result<double> weight = WeightIn(values, *plan.weight, spec, time);
      if (!weight) return weight.error();
      examples.weights.push_back(*weight);
    }
    examples.rows.push_back(row);
    examples.times.push_back(time);
    examples.labels.push_back(rows.labels()[row]);
    examples.slices.push_back(SlicesOf(plan.slices, values));
  }
  return examples;
}

std::size_t LabelledExamples::CountBefore(std::size_t row) const noexcept {
  return static_cast<std::size_t>(std::ranges::lower_bound(rows, row) - rows.begin());
}

}  // namespace forkcast::model
