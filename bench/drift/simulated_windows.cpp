#include "drift/simulated_windows.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>
#include <utility>

namespace forkcast::bench {
namespace {

using model::ColumnBins;

/// Of a standard normal variable being below.
double NormalBelow(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }

/// Shares that fall as one over the rank (Zipf 1949).
std::vector<double> UnequalShares(std::size_t categories) {
  std::vector<double> shares;
  for (std::size_t i = 0; i < categories; ++i) {
    shares.push_back(1 / (static_cast<double>(i) + 1));
  }
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (double& share : shares) share /= sum;
  return shares;
}

std::vector<double> ShiftedShares(const SimulatedColumn& column) {
  std::vector<double> shares = column.shares;
  const double others = 1 - shares.front();
  for (double& share : shares) share *= (others - column.shift) / others;
  shares.front() = column.shares.front() + column.shift;
  return shares;
}

ColumnBins BinsOfNumbers(std::string name, std::vector<double> values, std::size_t missing) {
  constexpr std::size_t kBins = 10;
  std::ranges::sort(values);
  ColumnBins bins{.name = std::move(name)};
  for (std::size_t i = 1; i < kBins; ++i) {
    bins.edges.push_back(static_cast<float>(values[values.size() * i / kBins]));
  }
  bins.reference.assign(kBins + 1, 0);
  for (const double value : values) {
    const auto above = std::ranges::upper_bound(bins.edges, static_cast<float>(value));
    bins.reference[static_cast<std::size_t>(above - bins.edges.begin())] += 1;
  }
  bins.reference.back() = static_cast<double>(missing);
  bins.minimum = values.front();
  bins.maximum = values.back();
  bins.deviation = 1;
  return bins;
}

/// Categories that the reference does not have are unseen ones.
ColumnBins BinsOfCategories(std::string name, const std::vector<double>& values,
                            std::size_t categories, std::size_t missing) {
  ColumnBins bins{.name = std::move(name), .is_number = false};
  std::vector<double> counts(categories);
  for (const double value : values) counts[static_cast<std::size_t>(value)] += 1;
  for (std::size_t i = 0; i < categories; ++i) {
    if (counts[i] == 0) continue;
    bins.categories.push_back(std::to_string(i));
    bins.reference.push_back(counts[i]);
  }
  bins.reference.push_back(0);
  bins.reference.push_back(static_cast<double>(missing));
  return bins;
}

}  // namespace

std::vector<SimulatedColumn> TwentyColumns() {
  constexpr double kSomeMissing = 0.05;
  std::vector<SimulatedColumn> columns(10);
  columns.insert(columns.end(), 2, SimulatedColumn{.missing = kSomeMissing});
  columns.push_back({.shares = {0.1, 0.9}});
  columns.push_back({.shares = {0.01, 0.99}});
  columns.push_back({.shares = {0.1, 0.2, 0.3, 0.4}});
  columns.push_back({.shares = std::vector<double>(7, 1.0 / 7)});
  columns.push_back({.shares = UnequalShares(20), .missing = kSomeMissing});
  columns.push_back({.shares = UnequalShares(50)});
  columns.push_back({.shares = UnequalShares(100)});
  columns.push_back({.shares = UnequalShares(200)});
  return columns;
}

SimulatedWindows::SimulatedWindows(std::vector<SimulatedColumn> columns, std::size_t reference_rows,
                                   std::uint32_t seed)
    : columns_(std::move(columns)), random_(seed) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const double shift = std::exchange(columns_[i].shift, 0);
    std::vector<double> values = DrawValues(i, reference_rows);
    const std::size_t missing = reference_rows - values.size();
    const std::string name = "column_" + std::to_string(i);
    bins_.push_back(columns_[i].shares.empty()
                        ? BinsOfNumbers(name, values, missing)
                        : BinsOfCategories(name, values, columns_[i].shares.size(), missing));
    reference_values_.push_back(std::move(values));
    columns_[i].shift = shift;
    shares_.push_back(SharesOfBins(i));
  }
}

std::vector<double> SimulatedWindows::SharesOfBins(std::size_t column) const {
  const SimulatedColumn& truth = columns_[column];
  const ColumnBins& bins = bins_[column];
  std::vector<double> shares;
  if (bins.is_number) {
    double below = 0;
    for (const float edge : bins.edges) {
      const double next = NormalBelow(static_cast<double>(edge) - truth.shift);
      shares.push_back(next - below);
      below = next;
    }
    shares.push_back(1 - below);
  } else {
    const std::vector<double> all = ShiftedShares(truth);
    for (const std::string& category : bins.categories) shares.push_back(all[std::stoul(category)]);
    shares.push_back(std::max(1 - std::accumulate(shares.begin(), shares.end(), 0.0), 0.0));
  }
  for (double& share : shares) share *= 1 - truth.missing;
  shares.push_back(truth.missing);
  return shares;
}

std::vector<double> SimulatedWindows::Multinomial(const std::vector<double>& shares,
                                                  std::size_t rows) {
  std::vector<double> counts;
  double left = 1;
  auto rest = static_cast<std::int64_t>(rows);
  for (const double share : shares) {
    const double part = left > 0 ? std::clamp(share / left, 0.0, 1.0) : 0.0;
    const std::int64_t count = std::binomial_distribution<std::int64_t>(rest, part)(random_);
    counts.push_back(static_cast<double>(count));
    rest -= count;
    left -= share;
  }
  // What rounding left over of a share of one.
  counts.front() += static_cast<double>(rest);
  return counts;
}

std::vector<double> SimulatedWindows::Draw(std::size_t rows) {
  std::vector<double> all;
  for (const std::vector<double>& shares : shares_) {
    const std::vector<double> counts = Multinomial(shares, rows);
    all.insert(all.end(), counts.begin(), counts.end());
  }
  return all;
}

std::vector<double> SimulatedWindows::DrawValues(std::size_t column, std::size_t rows) {
  const SimulatedColumn& truth = columns_[column];
  std::normal_distribution<double> numbers(truth.shift, 1);
  const std::vector<double> shares =
      truth.shares.empty() ? std::vector<double>{1} : ShiftedShares(truth);
  std::discrete_distribution<int> categories(shares.begin(), shares.end());
  std::bernoulli_distribution is_missing(truth.missing);
  std::vector<double> values;
  for (std::size_t i = 0; i < rows; ++i) {
    if (is_missing(random_)) continue;
    values.push_back(truth.shares.empty() ? numbers(random_)
                                          : static_cast<double>(categories(random_)));
  }
  return values;
}

}  // namespace forkcast::bench
