#include "model/classify/labelled_examples.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::model {
namespace {

using namespace preprocessing;

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

double NumberOf(const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    return static_cast<double>(*integer);
  }
  return std::nan("");
}

}  // namespace

Result<LabelledExamples> LabelledExamples::Compute(const PipelineSpec& spec,
                                                   std::span<const Snapshot> snapshots,
                                                   const LabelledRows& rows,
                                                   const ClassifierPlan& plan) {
  const std::vector<std::size_t>& seen = plan.inputs.features;
  LabelledExamples examples{.features = FeatureTable(plan.inputs.columns),
                            .rows = {},
                            .times = {},
                            .labels = {},
                            .weights = {},
                            .slices = {},
                            .refused = 0,
                            .first_refusal = {}};
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
      if (examples.refused++ == 0) {
        examples.first_refusal = fmt::format("{}, row of {}", *refusal, IsoTimestamp(time));
      }
      continue;
    }
    for (std::size_t i = 0; i < seen.size(); ++i) model_values[i] = values[seen[i]];
    const Status appended = examples.features.Append(model_values);
    if (!appended) return appended.error();
    if (plan.weight) {
      const double weight = NumberOf(values[*plan.weight]);
      if (!std::isfinite(weight) || weight < 0) {
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("weight feature \"{}\" of the row of {} is {}, expected a number "
                                 "from 0",
                                 spec.features[*plan.weight].name, IsoTimestamp(time),
                                 std::isnan(weight) ? "missing" : fmt::format("{}", weight))};
      }
      examples.weights.push_back(weight);
    }
    std::uint64_t slices = 0;
    for (std::size_t i = 0; i < plan.slices.size(); ++i) {
      if (plan.slices[i].Contains(values)) slices |= std::uint64_t{1} << i;
    }
    examples.rows.push_back(row);
    examples.times.push_back(time);
    examples.labels.push_back(rows.labels()[row]);
    examples.slices.push_back(slices);
  }
  return examples;
}

std::size_t LabelledExamples::CountBefore(std::size_t row) const noexcept {
  return static_cast<std::size_t>(std::ranges::lower_bound(rows, row) - rows.begin());
}

}  // namespace forkcast::model
