#include "model/quality/quality_decision.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "model/drift/tail_probability.hpp"
#include "model/quality/jackknife.hpp"

namespace forkcast::model {
namespace {

using Worse = MetricReference::Worse;

double WorseBy(const MetricReference& reference, double value) noexcept {
  const double change = value - reference.Mean();
  switch (reference.worse) {
    case Worse::kGreater:
      return change;
    case Worse::kLess:
      return -change;
    case Worse::kApart:
      return std::abs(change);
    case Worse::kNone:
      break;
  }
  return 0;
}

double EffectOf(double worse_by, double unit) noexcept {
  if (unit > 0) return worse_by / unit;
  return worse_by > 0 ? std::numeric_limits<double>::infinity() : 0;
}

/// That a window is as much worse by chance. Its variance has two parts: how folds differ, of which
/// nobody knows with a single one, and how much more its own keys do. How sure each is, its degrees
/// of freedom, makes those of the sum (Satterthwaite 1946).
double ChanceOf(const MetricReference& reference, double worse_by, std::optional<double> variance,
                double rows_by_fold) {
  const std::size_t folds = reference.folds.size();
  if (worse_by <= 0 || (folds == 1 && !variance)) return 1;
  const double of_mean = folds == 1 ? rows_by_fold : 1 / static_cast<double>(folds);
  const double squared = reference.Deviation() * reference.Deviation();
  const double of_folds = squared * (1 + of_mean);
  const double of_keys = std::max(variance.value_or(0) - squared, 0.0) * (1 + of_mean);
  const double sum = of_folds + of_keys;
  if (sum == 0) return 0;
  const double groups = static_cast<double>(kJackknifeGroups) - 1;
  const double doubt = of_keys * of_keys / groups +
                       (folds == 1 ? 0 : of_folds * of_folds / static_cast<double>(folds - 1));
  const double tail = StudentTail(worse_by / std::sqrt(sum), sum * sum / doubt);
  return std::min(reference.worse == Worse::kApart ? 2 * tail : tail, 1.0);
}

}  // namespace

double MetricReference::Mean() const noexcept {
  return folds.empty()
             ? 0
             : std::accumulate(folds.begin(), folds.end(), 0.0) / static_cast<double>(folds.size());
}

double MetricReference::Deviation() const noexcept {
  if (folds.size() < 2) return 0;
  const double mean = Mean();
  double squares = 0;
  for (const double value : folds) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(folds.size() - 1));
}

const MetricReference* QualityReference::Find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(metrics, name, &MetricReference::name);
  return found == metrics.end() ? nullptr : &*found;
}

bool HasAlarm(std::span<const JudgedMetric> metrics) noexcept {
  return std::ranges::any_of(
      metrics, [](const JudgedMetric& one) { return one.status == DriftStatus::kAlarm; });
}

bool QualityJudge::HasEnoughRows(std::uint64_t rows) const noexcept {
  return static_cast<double>(rows) >= std::min(rules_.min_rows, reference_.rows_of_a_fold / 2);
}

void QualityJudge::Decide(std::size_t metric, double most_p, std::uint64_t rows,
                          JudgedMetric& judged) {
  const bool is_enough = HasEnoughRows(rows) && judged.value;
  const bool is_found = is_enough && judged.effect >= rules_.min_effect && judged.p <= most_p;
  std::deque<bool>& found = found_[metric];
  found.push_front(is_found);
  if (found.size() > rules_.memory) found.pop_back();
  if (!is_enough) {
    judged.status = DriftStatus::kTooFewRows;
  } else if (judged.effect < rules_.min_effect) {
    judged.status = DriftStatus::kTooSmall;
  } else if (judged.p > most_p) {
    judged.status = DriftStatus::kByChance;
  } else {
    const auto times = static_cast<std::size_t>(std::ranges::count(found, true));
    judged.status = times >= rules_.persistence ? DriftStatus::kAlarm : DriftStatus::kNotYet;
  }
}

std::vector<JudgedMetric> QualityJudge::Judge(const QualityWindow& window) {
  std::vector<JudgedMetric> all;
  std::vector<std::size_t> tested;
  std::vector<std::size_t> references;
  std::vector<double> p_values;
  const double rows_by_fold = reference_.rows_of_a_fold > 0
                                  ? static_cast<double>(window.rows) / reference_.rows_of_a_fold
                                  : 1;
  for (const MeasuredMetric& measured : window.metrics) {
    JudgedMetric judged{.name = measured.name, .value = measured.value};
    const MetricReference* const reference = reference_.Find(measured.name);
    if (reference != nullptr && !reference->folds.empty()) {
      judged.reference = reference->Mean();
      judged.deviation = reference->Deviation();
      if (reference->worse != Worse::kNone) {
        const double worse_by = measured.value ? WorseBy(*reference, *measured.value) : 0;
        judged.effect = EffectOf(worse_by, reference->unit);
        judged.p = ChanceOf(*reference, worse_by, measured.variance, rows_by_fold);
        tested.push_back(all.size());
        references.push_back(static_cast<std::size_t>(reference - reference_.metrics.data()));
        p_values.push_back(judged.p);
      }
    }
    all.push_back(std::move(judged));
  }
  const double most_p = BenjaminiHochberg(p_values, rules_.false_alarm_rate);
  for (std::size_t i = 0; i < tested.size(); ++i) {
    Decide(references[i], most_p, window.rows, all[tested[i]]);
  }
  return all;
}

}  // namespace forkcast::model
