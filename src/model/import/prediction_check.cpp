#include "model/import/prediction_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/table/csv_reader.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ColumnSpec;
using preprocessing::ColumnType;
using preprocessing::CsvTableReader;
using preprocessing::FeatureSpec;
using preprocessing::PipelineSpec;
using preprocessing::Schema;
using preprocessing::Table;
using preprocessing::Value;

constexpr std::size_t kBatchRows = 1'000;

class Checker {
 public:
  Checker(const Predictor& predictor, const PipelineSpec& spec, double tolerance)
      : predictor_(predictor), spec_(spec), tolerance_(tolerance) {}

  /// What is read of a file with the columns `header`: features first, then outputs.
  Result<Schema> Plan(const Schema& header) {
    Schema schema;
    for (const FeatureColumnSpec& input : predictor_.encoder()->transforms().inputs()) {
      const auto feature = std::ranges::find(spec_.features, input.name, &FeatureSpec::name);
      positions_.push_back(static_cast<std::size_t>(feature - spec_.features.begin()));
      schema.columns.push_back({.name = input.name, .type = feature->type, .nullable = true});
    }
    std::string known;
    for (std::size_t i = 0; i < predictor_.outputs().size(); ++i) {
      const OutputColumn& output = predictor_.outputs()[i];
      known += fmt::format("{}{}", known.empty() ? "" : ", ", output.name);
      if (!header.Find(output.name)) continue;
      if (schema.Find(output.name)) {
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("\"{}\" is a feature and an output", output.name)};
      }
      outputs_.push_back(i);
      const bool is_text = output.type == OutputType::kCategory;
      schema.columns.push_back({.name = output.name,
                                .type = is_text ? ColumnType::kText : ColumnType::kDouble,
                                .nullable = true});
    }
    if (outputs_.empty()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("expected a column of predictions, called as an output: {}", known)};
    }
    return schema;
  }

  Status Compare(const Table& batch, const CsvTableReader& reader) {
    std::vector<Value> features(spec_.features.size());
    std::vector<float> inputs(predictor_.input_count());
    std::vector<double> answer(predictor_.outputs().size());
    for (std::size_t row = 0; row < batch.row_count(); ++row) {
      for (std::size_t i = 0; i < positions_.size(); ++i) {
        features[positions_[i]] = ValueAt(batch.column(i), row);
      }
      if (Status encoded = predictor_.Encode(features, inputs); !encoded) {
        return Error{encoded.error().code,
                     fmt::format("line {}: {}: {}", reader.line_of(row), encoded.error().field,
                                 encoded.error().message)};
      }
      predictor_.Predict(inputs, {}, answer);
      ++check_.rows;
      for (std::size_t i = 0; i < outputs_.size(); ++i) {
        const OutputColumn& output = predictor_.outputs()[outputs_[i]];
        Compare(ValueAt(batch.column(positions_.size() + i), row),
                OutputValue(output, answer[outputs_[i]]), output.name, reader.line_of(row));
      }
    }
    return {};
  }

  [[nodiscard]] PredictionCheck check() const { return check_; }

 private:
  void Compare(const Value& expected, const Value& given, std::string_view output,
               std::size_t line) {
    ++check_.numbers;
    double difference = expected == given ? 0 : 1;
    if (const auto* const number = std::get_if<double>(&expected)) {
      if (const auto* const ours = std::get_if<double>(&given)) {
        difference = std::abs(*ours - *number) / std::max(1.0, std::abs(*number));
      }
    }
    check_.greatest = std::max(check_.greatest, difference);
    if (difference <= tolerance_) return;
    ++check_.differing;
    if (check_.differing > 1) return;
    check_.first_difference =
        fmt::format("line {}, {}: expected {}, got {}", line, output, Text(expected), Text(given));
  }

  static std::string Text(const Value& value) {
    if (const auto* const number = std::get_if<double>(&value)) return fmt::format("{}", *number);
    if (const auto* const text = std::get_if<std::string_view>(&value)) return std::string(*text);
    return "nothing";
  }

  const Predictor& predictor_;
  const PipelineSpec& spec_;
  double tolerance_;
  std::vector<std::size_t> positions_;  // of inputs among the features
  std::vector<std::size_t> outputs_;    // of those that the file has
  PredictionCheck check_;
};

}  // namespace

Result<PredictionCheck> CheckPredictions(const Predictor& predictor, const PipelineSpec& spec,
                                         const std::filesystem::path& file, double tolerance) {
  const Result<CsvTableReader> header = CsvTableReader::OpenAsText(file);
  if (!header) return header.error();
  Checker checker(predictor, spec, tolerance);
  Result<Schema> schema = checker.Plan(header->schema());
  const auto in_file = [&file](const Error& error) {
    return Error{error.code, fmt::format("{}: {}", file.string(), error.message)};
  };
  if (!schema) return in_file(schema.error());
  Result<CsvTableReader> reader = CsvTableReader::Open(file, *schema, spec.zone);
  if (!reader) return std::move(reader).error();
  Table batch(*schema);
  while (true) {
    const Result<bool> more = reader->ReadBatch(kBatchRows, batch);
    if (!more) return more.error();
    if (!*more) break;
    if (Status compared = checker.Compare(batch, *reader); !compared) {
      return in_file(compared.error());
    }
  }
  if (checker.check().rows == 0) {
    return in_file({ErrorCode::kInvalidArgument, "no row to compare"});
  }
  return checker.check();
}

}  // namespace forkcast::model
