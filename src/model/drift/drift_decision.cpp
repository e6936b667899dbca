#include "model/drift/drift_decision.hpp"

#include <algorithm>
#include <cmath>

#include "model/drift/divergence.hpp"
#include "model/drift/tail_probability.hpp"

namespace forkcast::model {
namespace {

/// Half a row where there is none, so that PSI stays finite and a bin that one row would fill
/// does not weigh more than that row.
std::vector<double> SharesWithHalfRows(std::span<const double> counts, double rows) {
  std::vector<double> shares = SharesOf(counts, rows);
  std::ranges::replace(shares, 0.0, 0.5 / rows);
  return shares;
}

/// Counts of the bins that have a row on either side.
struct Occupied {
  std::vector<double> reference;
  std::vector<double> current;
};
Occupied OccupiedBins(std::span<const double> reference, std::span<const double> current) {
  Occupied bins;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    if (reference[i] + current[i] == 0) continue;
    bins.reference.push_back(reference[i]);
    bins.current.push_back(current[i]);
  }
  return bins;
}

/// Where the values of each bin of numbers are taken to be: in its middle. Of an outer bin, which
/// reaches as far as one lone value, as far from its edge as the next bin is wide.
std::vector<double> PlacesOf(const ColumnBins& bins) {
  const std::vector<double> edges(bins.edges.begin(), bins.edges.end());
  if (edges.size() < 2) {
    const double edge = edges.empty() ? bins.maximum : edges.front();
    return {(bins.minimum + edge) / 2, (edge + bins.maximum) / 2};
  }
  std::vector<double> places{std::max(2 * edges[0] - edges[1], bins.minimum)};
  for (std::size_t i = 1; i < edges.size(); ++i) places.push_back((edges[i - 1] + edges[i]) / 2);
  const double last = edges.back();
  places.push_back(std::min(2 * last - edges[edges.size() - 2], bins.maximum));
  return places;
}

/// The statistics that know an order, of the numbers that are there.
void CompareInOrder(const ColumnBins& bins, std::span<const double> counts, ColumnDrift& drift) {
  const auto was = std::span(bins.reference).first(bins.missing_bin());
  const auto is = counts.first(bins.missing_bin());
  const double reference_rows = SumOf(was);
  const double rows = SumOf(is);
  if (reference_rows == 0 || rows == 0) return;
  const std::vector<double> reference = SharesOf(was, reference_rows);
  const std::vector<double> current = SharesOf(is, rows);
  drift.kolmogorov_smirnov = BinnedKolmogorovSmirnov(reference, current);
  if (bins.deviation == 0) return;
  const std::vector<double> places = PlacesOf(bins);
  double gap = 0;
  for (std::size_t i = 0; i + 1 < current.size(); ++i) {
    gap += current[i] - reference[i];
    drift.wasserstein += std::abs(gap) * (places[i + 1] - places[i]) / bins.deviation;
  }
}

}  // namespace

std::string_view WordFor(DriftStatus status) noexcept {
  switch (status) {
    case DriftStatus::kTooFewRows:
      return "too_few_rows";
    case DriftStatus::kTooSmall:
      return "too_small";
    case DriftStatus::kByChance:
      return "by_chance";
    case DriftStatus::kNotYet:
      return "not_yet";
    case DriftStatus::kAlarm:
      break;
  }
  return "alarm";
}

double ChanceOf(std::span<const double> reference, std::span<const double> current) {
  constexpr double kLeastExpected = 5;  // Cochran 1954
  const double reference_rows = SumOf(reference);
  const double rows = SumOf(current);
  const double current_part = rows / (reference_rows + rows);
  const double smaller_part = std::min(current_part, 1 - current_part);
  Occupied frequent;
  double rare_reference = 0;
  double rare_current = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    if ((reference[i] + current[i]) * smaller_part >= kLeastExpected) {
      frequent.reference.push_back(reference[i]);
      frequent.current.push_back(current[i]);
    } else {
      rare_reference += reference[i];
      rare_current += current[i];
    }
  }
  const double rare = rare_reference + rare_current;
  double rare_p = 1;
  if (rare * smaller_part >= kLeastExpected) {
    frequent.reference.push_back(rare_reference);
    frequent.current.push_back(rare_current);
  } else if (rare > 0) {
    rare_p = BinomialTail(rare_current, rare, current_part);
  }
  const double p = ChiSquareHomogeneity(frequent.reference, frequent.current, Yates::kNo).p;
  return std::min(2 * std::min(p, rare_p), 1.0);
}

ColumnDrift CompareColumn(const ColumnBins& bins, std::span<const double> counts) {
  const double reference_rows = SumOf(bins.reference);
  ColumnDrift drift{.rows = SumOf(counts)};
  if (drift.rows == 0 || reference_rows == 0) return drift;
  const Occupied occupied = OccupiedBins(bins.reference, counts);
  const std::vector<double> was = SharesWithHalfRows(occupied.reference, reference_rows);
  const std::vector<double> is = SharesWithHalfRows(occupied.current, drift.rows);
  const double degrees = static_cast<double>(was.size()) - 1;
  drift.psi = Psi(was, is);
  drift.effect = std::max(drift.psi - degrees * (1 / drift.rows + 1 / reference_rows), 0.0);
  drift.p = ChanceOf(occupied.reference, occupied.current);
  drift.jensen_shannon = JensenShannon(occupied.reference, occupied.current, Logarithm::kBinary);
  drift.chi_square =
      ChiSquareHomogeneity(occupied.reference, occupied.current, Yates::kNo).statistic;
  drift.missing = counts[bins.missing_bin()] / drift.rows;
  drift.reference_missing = bins.reference[bins.missing_bin()] / reference_rows;
  if (bins.is_number) {
    CompareInOrder(bins, counts, drift);
  } else {
    drift.unseen = counts[bins.other_bin()] / drift.rows;
  }
  return drift;
}

std::vector<ColumnDrift> DriftJudge::Judge(std::span<const double> counts) {
  std::vector<ColumnDrift> columns;
  std::vector<double> p_values;
  for (const ColumnBins& bins : bins_) {
    columns.push_back(CompareColumn(bins, counts.first(bins.reference.size())));
    counts = counts.subspan(bins.reference.size());
    p_values.push_back(columns.back().p);
  }
  const double significant = BenjaminiHochberg(p_values, rules_.false_alarm_rate);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    ColumnDrift& column = columns[i];
    if (std::min(column.rows, SumOf(bins_[i].reference)) >= rules_.min_rows) {
      column.status = column.effect < rules_.min_effect ? DriftStatus::kTooSmall
                      : column.p > significant          ? DriftStatus::kByChance
                                                        : DriftStatus::kNotYet;
    }
    std::deque<bool>& found = found_[i];
    found.push_front(column.status == DriftStatus::kNotYet);
    if (found.size() > rules_.memory) found.pop_back();
    const auto times = static_cast<std::size_t>(std::ranges::count(found, true));
    if (found.front() && times >= rules_.persistence) column.status = DriftStatus::kAlarm;
  }
  return columns;
}

}  // namespace forkcast::model
