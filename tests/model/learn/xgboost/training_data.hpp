#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/base/random.hpp"
#include "model/learn/xgboost/tree_algorithm.hpp"
#include "model/learn/xgboost/tree_trainers.hpp"

namespace forkcast::model {

/// Rows that a trainer learns from, owned.
struct TrainingData {
  std::vector<std::string> features;
  std::vector<float> values;
  std::vector<double> target;
  std::vector<double> weights{};
  std::size_t validation_rows = 0;

  [[nodiscard]] TrainingRows rows() const {
    return {.features = features,
            .values = values,
            .target = target,
            .weights = weights,
            .validation_rows = validation_rows};
  }
};

/// `columns` even numbers of 0..1 a row, every 20th missing, of which the first two tell the
/// target: 3 a - 2 where b is above a half, and noise of 0..0.2. The other columns say nothing.
inline TrainingData NoisyRows(std::size_t rows, std::size_t columns, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  TrainingData data;
  for (std::size_t i = 0; i < columns; ++i) data.features.push_back("f" + std::to_string(i));
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t column = 0; column < columns; ++column) {
      const bool is_missing = DrawBelow(engine, 20) == 0;
      const auto value = static_cast<float>(DrawShare(engine));
      data.values.push_back(is_missing ? NAN : value);
    }
    const float* row = data.values.data() + i * columns;
    const double a = std::isnan(row[0]) ? 0.5 : row[0];
    data.target.push_back(3 * a - (row[1] > 0.5F ? 2 : 0) + 0.2 * DrawShare(engine));
  }
  return data;
}

/// The same with classes 0 .. classes - 1 as target, by the target's size.
inline TrainingData NoisyClasses(std::size_t rows, std::size_t columns, std::size_t classes,
                                 std::uint64_t seed) {
  TrainingData data = NoisyRows(rows, columns, seed);
  for (double& y : data.target) {  // from -2 to 3.2
    y = std::floor((y + 2) / 5.2 * static_cast<double>(classes));
  }
  return data;
}

/// Trains what must succeed.
inline TrainedModel Train(const TreeOptions& options, const TrainingData& data,
                          const OnRound& on_round = {}) {
  auto result = MakeTreeTrainer(options)->Train(data.rows(), options, on_round);
  if (!result) throw std::runtime_error(result.error().message);
  if (!*result) throw std::runtime_error("cancelled");
  return **std::move(result);
}

/// What a model answers, row-major; shares of classes as part of their sum.
inline std::vector<double> Predict(const TrainedModel& trained, std::span<const float> rows) {
  const Model& model = *trained.scoring.model;
  const std::size_t outputs = model.outputs().size();
  std::vector<double> answers(rows.size() / model.inputs().size() * outputs);
  model.Predict(rows, answers);
  for (std::size_t i = 0; trained.scoring.are_shares && i < answers.size(); i += outputs) {
    const auto row = std::span(answers).subspan(i, outputs);
    const double sum = std::accumulate(row.begin(), row.end(), 0.0);
    for (double& share : row) share /= sum;
  }
  return answers;
}

/// The file of this ending.
inline const std::string& PartOf(const TrainedModel& trained, std::string_view ending) {
  return std::ranges::find(trained.parts, ending, &ModelPart::ending)->bytes;
}

/// All that is published of a model.
inline std::string BytesOf(const TrainedModel& trained) {
  std::string bytes;
  for (const ModelPart& part : trained.parts) bytes += part.bytes;
  return bytes;
}

}  // namespace forkcast::model
