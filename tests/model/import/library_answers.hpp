#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/value.hpp"
#include "model/import/imported_version.hpp"

namespace forkcast::model {

/// A line of a model's rows (make_models.py): words of the inputs, and what the library answers.
struct ExpectedRow {
  std::vector<std::string> inputs;
  std::vector<double> answers;
};

inline std::vector<ExpectedRow> ReadRows(const std::filesystem::path& model) {
  std::ifstream file(model.string() + ".rows");
  std::vector<ExpectedRow> rows;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    ExpectedRow row;
    bool is_answer = false;
    for (std::string word; words >> word;) {
      if (word == "|") {
        is_answer = true;
      } else if (is_answer) {
        row.answers.push_back(std::strtod(word.c_str(), nullptr));
      } else {
        row.inputs.push_back(word);
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

inline preprocessing::Value ValueOf(const std::string& word, preprocessing::ColumnType type) {
  if (word == "nan") return {};
  if (type == preprocessing::ColumnType::kText) return std::string_view(word);
  return std::strtod(word.c_str(), nullptr);
}

/// The numbers that the library would give: of two classes the probability of the second.
inline Result<std::vector<double>> AnswerTo(const ExpectedRow& row, const Predictor& predictor,
                                            const preprocessing::PipelineSpec& spec) {
  std::vector<preprocessing::Value> features;
  for (std::size_t i = 0; i < row.inputs.size(); ++i) {
    features.push_back(ValueOf(row.inputs[i], spec.features[i].type));
  }
  std::vector<float> inputs(predictor.input_count());
  if (Status encoded = predictor.Encode(features, inputs); !encoded) {
    return std::move(encoded).error();
  }
  std::vector<double> answers(predictor.outputs().size());
  predictor.Predict(inputs, {}, answers);
  if (predictor.outputs().front().name == "class") {
    const bool is_binary = answers.size() == 3;
    answers.erase(answers.begin(), answers.begin() + (is_binary ? 2 : 1));
  }
  return answers;
}

/// How far from its library's a model's numbers may be: ONNX Runtime adds up products, and computes
/// e^x, as its processor allows; models that do are called so.
inline double ToleranceOf(const std::filesystem::path& model) {
  constexpr double kFewFloats = 4e-6;
  return model.filename().string().find("-near-") == std::string::npos ? 0 : kFewFloats;
}

/// By which part of numbers above 1 they differ; 0: in no bit, whatever the bits of NaN.
inline double DifferenceOf(double given, double expected) {
  if (std::bit_cast<std::uint64_t>(given) == std::bit_cast<std::uint64_t>(expected)) return 0;
  if (std::isnan(given) && std::isnan(expected)) return 0;
  const double difference = std::abs(given - expected) / std::max(1.0, std::abs(expected));
  // 0 and -0 differ, too, and so do a number and none.
  constexpr double kLeast = 5e-324;
  return std::isnan(difference) ? INFINITY : std::max(difference, kLeast);
}

}  // namespace forkcast::model
