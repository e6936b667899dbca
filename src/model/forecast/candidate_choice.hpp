#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/evaluate/metrics.hpp"
#include "model/forecast/candidate_weights.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/training_plan.hpp"

/// Which candidates forecast what comes, by what they forecast before. A fold's choice is made by
/// the folds whose tests lie in its training, so that the choice is judged with the forecasts; that
/// of the version by the last folds, which all lie in its training.
namespace forkcast::model {

/// What the candidates said of a row of a fold's test.
struct CandidateRow {
  std::size_t fold = 0;  ///< Of those that are trained for the candidates.
  std::size_t step = 1;
  ForecastPoint point;
  double actual = 0;
  double mase_scale = 0;
  std::vector<double> forecasts;  ///< By candidate; NaN where one has none.
};

/// How much each candidate counts; keys by their numbers in the data.
struct ChosenCandidates {
  std::vector<double> shared;
  std::map<std::uint32_t, std::size_t> own{};  ///< Keys with a candidate of their own.

  [[nodiscard]] double Blend(const CandidateRow& row) const;
  /// As it is published.
  [[nodiscard]] CandidateWeights Weights(const ForecastData& data) const;
};

/// The choice by the errors of `rows`, by the plan's metric and rule. A candidate that has no
/// forecast for a fifth of what another one has is left out, whatever its errors are, and errors
/// are compared on rows that all others have. None where no candidate has a forecast.
[[nodiscard]] std::optional<ChosenCandidates> ChooseCandidates(const TrainingPlan& plan,
                                                               std::span<const CandidateRow> rows);

/// What became of the candidates in a backtest.
struct CandidateReport {
  CandidateChoice choice = CandidateChoice::kOne;
  std::size_t choice_folds = 0;
  std::vector<std::string> names{};
  std::vector<ErrorSums> errors{};        ///< Of each alone, in the folds that are judged.
  std::vector<ChosenCandidates> folds{};  ///< What was chosen for each of these folds.
  std::vector<std::size_t> keys{};        ///< Keys that were judged in each.
  ChosenCandidates last{};                ///< For what comes after all folds.
  /// Of candidates that learn from histories: keys by the form that they got in the last fold.
  std::vector<std::map<std::string, std::size_t>> forms{};
};

/// For programs, and for people: a table for LaidOut().
[[nodiscard]] nlohmann::ordered_json ToJson(const CandidateReport& report);
[[nodiscard]] std::string Describe(const CandidateReport& report);

}  // namespace forkcast::model
