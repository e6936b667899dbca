#include "model/forecast/candidate_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "data_preprocessing/base/nan.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

/// The candidates that have forecasts for most of the rows that some candidate has.
std::vector<std::size_t> Eligible(std::size_t candidates, std::span<const CandidateRow> rows) {
  std::vector<std::size_t> counts(candidates);
  for (const CandidateRow& row : rows) {
    for (std::size_t i = 0; i < candidates; ++i) counts[i] += std::isnan(row.forecasts[i]) ? 0 : 1;
  }
  const std::size_t most = std::ranges::max(counts);
  std::vector<std::size_t> eligible;
  for (std::size_t i = 0; i < candidates; ++i) {
    if (counts[i] > 0 && 5 * counts[i] >= 4 * most) eligible.push_back(i);
  }
  return eligible;
}

/// Errors by candidate, of rows that all eligible ones have a forecast for.
class Errors {
 public:
  explicit Errors(std::size_t candidates) : sums_(candidates) {}

  void Add(const CandidateRow& row, std::span<const std::size_t> eligible) {
    for (const std::size_t i : eligible) {
      if (std::isnan(row.forecasts[i])) return;
    }
    for (const std::size_t i : eligible) sums_[i].Add(row.actual, row.forecasts[i], row.mase_scale);
  }
  [[nodiscard]] double Of(std::size_t candidate, Metric metric) const {
    return sums_[candidate].Value(metric).value_or(kNaN);
  }
  /// The first of the least; none where the metric is defined for none.
  [[nodiscard]] std::optional<std::size_t> Best(std::span<const std::size_t> eligible,
                                                Metric metric) const {
    std::optional<std::size_t> best;
    for (const std::size_t i : eligible) {
      if (std::isnan(Of(i, metric))) continue;
      if (!best || Of(i, metric) < Of(*best, metric)) best = i;
    }
    return best;
  }

 private:
  std::vector<ErrorSums> sums_;
};

/// A key's candidate in place of the one for all: the one that is best on the key's rows, when it
/// is better than that in more than half of the folds, too.
std::optional<std::size_t> OwnOf(const TrainingPlan& plan, std::size_t shared,
                                 std::span<const CandidateRow* const> rows,
                                 std::span<const std::size_t> eligible) {
  Errors all(plan.candidates.size());
  std::map<std::size_t, Errors> by_fold;
  for (const CandidateRow* const row : rows) {
    all.Add(*row, eligible);
    by_fold.try_emplace(row->fold, plan.candidates.size()).first->second.Add(*row, eligible);
  }
  const std::optional<std::size_t> best = all.Best(eligible, plan.metric);
  if (!best || *best == shared || !(all.Of(*best, plan.metric) < all.Of(shared, plan.metric))) {
    return std::nullopt;
  }
  std::size_t better = 0;
  for (const auto& [fold, errors] : by_fold) {
    better += errors.Of(*best, plan.metric) < errors.Of(shared, plan.metric) ? 1 : 0;
  }
  if (2 * better <= by_fold.size()) return std::nullopt;
  return best;
}

std::string NamesOf(const CandidateReport& report, const ChosenCandidates& chosen,
                    std::size_t keys) {
  std::vector<std::size_t> counts(report.names.size());
  for (const auto& [key, candidate] : chosen.own) ++counts[candidate];
  std::vector<std::string> parts;
  const bool is_one = std::ranges::count_if(chosen.shared, [](double w) { return w > 0; }) == 1;
  for (std::size_t i = 0; i < report.names.size(); ++i) {
    if (report.choice == CandidateChoice::kPerKey) {
      const std::size_t of_keys = counts[i] + (chosen.shared[i] > 0 ? keys - chosen.own.size() : 0);
      if (of_keys > 0) parts.push_back(fmt::format("{} of {} keys", report.names[i], of_keys));
    } else if (chosen.shared[i] > 0) {
      parts.push_back(is_one ? report.names[i]
                             : fmt::format("{} {:.2f}", report.names[i], chosen.shared[i]));
    }
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

ordered_json ToJson(const CandidateReport& report, const ChosenCandidates& chosen,
                    std::size_t keys) {
  ordered_json json = ordered_json::object();
  std::vector<std::size_t> counts(report.names.size());
  for (const auto& [key, candidate] : chosen.own) ++counts[candidate];
  for (std::size_t i = 0; i < report.names.size(); ++i) {
    ordered_json& one = json[report.names[i]] = {{"weight", chosen.shared[i]}};
    if (report.choice != CandidateChoice::kPerKey) continue;
    one["keys"] = counts[i] + (chosen.shared[i] > 0 ? keys - chosen.own.size() : 0);
  }
  return json;
}

}  // namespace

double ChosenCandidates::Blend(const CandidateRow& row) const {
  const auto found = own.find(row.point.key);
  return found == own.end() ? model::Blend(shared, row.forecasts) : row.forecasts[found->second];
}

CandidateWeights ChosenCandidates::Weights(const ForecastData& data) const {
  ModelKeys keys(data.series());
  std::vector<std::size_t> candidates;
  for (const auto& [key, candidate] : own) {
    keys.Add(data.grid().KeyValues(key));
    candidates.push_back(candidate);
  }
  return {shared, std::move(keys), std::move(candidates)};
}

std::optional<ChosenCandidates> ChooseCandidates(const TrainingPlan& plan,
                                                 std::span<const CandidateRow> rows) {
  const std::size_t candidates = plan.candidates.size();
  const std::vector<std::size_t> eligible = Eligible(candidates, rows);
  Errors errors(candidates);
  for (const CandidateRow& row : rows) errors.Add(row, eligible);
  const std::optional<std::size_t> best = errors.Best(eligible, plan.metric);
  if (!best) return std::nullopt;
  ChosenCandidates chosen{.shared = std::vector<double>(candidates, 0)};
  switch (plan.choice) {
    case CandidateChoice::kMean:
      for (const std::size_t i : eligible) chosen.shared[i] = 1;
      break;
    case CandidateChoice::kWeightedMean:
      for (const std::size_t i : eligible) {
        // One that makes no error at all would be infinitely better.
        const double error = errors.Of(i, plan.metric);
        const double least = std::max(errors.Of(*best, plan.metric), 1e-12);
        if (!std::isnan(error)) chosen.shared[i] = least / std::max(error, least);
      }
      break;
    case CandidateChoice::kOne:
    case CandidateChoice::kPerKey:
      chosen.shared[*best] = 1;
  }
  if (plan.choice != CandidateChoice::kPerKey) return chosen;
  std::map<std::uint32_t, std::vector<const CandidateRow*>> by_key;
  for (const CandidateRow& row : rows) by_key[row.point.key].push_back(&row);
  for (const auto& [key, of_key] : by_key) {
    if (const auto own = OwnOf(plan, *best, of_key, eligible)) chosen.own.emplace(key, *own);
  }
  return chosen;
}

ordered_json ToJson(const CandidateReport& report) {
  ordered_json candidates = ordered_json::array();
  for (std::size_t i = 0; i < report.names.size(); ++i) {
    ordered_json one{{"name", report.names[i]}, {"rows", report.errors[i].rows()}};
    for (const Metric metric : Metric::All()) {
      const auto value = report.errors[i].Value(metric);
      one[std::string(metric->name)] = value ? ordered_json(*value) : ordered_json();
    }
    for (const auto& [form, keys] : report.forms[i]) one["forms"][form] = keys;
    candidates.push_back(std::move(one));
  }
  ordered_json folds = ordered_json::array();
  for (std::size_t i = 0; i < report.folds.size(); ++i) {
    folds.push_back(ToJson(report, report.folds[i], report.keys[i]));
  }
  return {{"choose", ToString(report.choice)},
          {"choose_folds", report.choice_folds},
          {"candidates", std::move(candidates)},
          {"chosen_by_fold", std::move(folds)},
          {"chosen", ToJson(report, report.last, report.keys.back())}};
}

std::string Describe(const CandidateReport& report) {
  std::string text = fmt::format("candidate\trows");
  for (const Metric metric : Metric::All()) text += fmt::format("\t{}", metric->name);
  text += "\n";
  for (std::size_t i = 0; i < report.names.size(); ++i) {
    text += fmt::format("{}\t{}", report.names[i], report.errors[i].rows());
    for (const Metric metric : Metric::All()) {
      const auto value = report.errors[i].Value(metric);
      text += value ? fmt::format("\t{:.4g}", *value) : "\t-";
    }
    text += "\n";
  }
  text += fmt::format("\nchosen ({}, by the {} folds before):\n", ToString(report.choice),
                      report.choice_folds);
  for (std::size_t i = 0; i < report.folds.size(); ++i) {
    text += fmt::format("fold {}\t{}\n", i + 1, NamesOf(report, report.folds[i], report.keys[i]));
  }
  return text + fmt::format("version\t{}\n", NamesOf(report, report.last, report.keys.back()));
}

}  // namespace forkcast::model
