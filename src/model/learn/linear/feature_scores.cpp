#include "model/learn/linear/feature_scores.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <numeric>

namespace forkcast::model {
namespace {

constexpr std::size_t kNeighbours = 3;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool IsConstant(std::span<const double> values) {
  const auto [least, most] = std::ranges::minmax_element(values);
  return *least == *most;
}

double MeanOf(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double FRegression(std::span<const double> x, std::span<const double> y) {
  const double mean_x = MeanOf(x);
  const double mean_y = MeanOf(y);
  double xx = 0;
  double xy = 0;
  double yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
  }
  if (yy == 0 || x.size() == 2) return 0;  // nothing to tell, or too few to tell it by
  const double r = xy / (std::sqrt(xx) * std::sqrt(yy));
  const double explained = std::min(r * r, 1.0);
  return explained / (1 - explained) * static_cast<double>(x.size() - 2);
}

std::size_t CountClasses(std::span<const double> classes) {
  return static_cast<std::size_t>(*std::ranges::max_element(classes)) + 1;
}

/// The values of each class that has any.
std::vector<std::vector<double>> ByClass(std::span<const double> x,
                                         std::span<const double> classes) {
  std::vector<std::vector<double>> groups(CountClasses(classes));
  for (std::size_t i = 0; i < x.size(); ++i) {
    groups[static_cast<std::size_t>(classes[i])].push_back(x[i]);
  }
  std::erase_if(groups, [](const auto& group) { return group.empty(); });
  return groups;
}

double FClassif(std::span<const double> x, std::span<const double> classes) {
  const std::vector<std::vector<double>> groups = ByClass(x, classes);
  const double mean = MeanOf(x);
  double between = 0;
  double within = 0;
  for (const std::vector<double>& group : groups) {
    const double own = MeanOf(group);
    between += static_cast<double>(group.size()) * (own - mean) * (own - mean);
    for (const double value : group) within += (value - own) * (value - own);
  }
  const auto free_between = static_cast<double>(groups.size() - 1);
  const auto free_within = static_cast<double>(x.size() - groups.size());
  if (free_between == 0 || free_within == 0) return 0;
  return (between / free_between) / (within / free_within);
}

/// psi of whole numbers: psi(1) = -gamma, psi(n + 1) = psi(n) + 1 / n.
class Digamma {
 public:
  explicit Digamma(std::size_t most) : values_(most + 1, -std::numbers::egamma) {
    for (std::size_t n = 1; n < most; ++n) {
      values_[n + 1] = values_[n] + 1 / static_cast<double>(n);
    }
  }
  double operator()(std::size_t n) const { return values_[n]; }

 private:
  std::vector<double> values_;
};

/// How many of the ascending `sorted` are within `radius` of `value`, itself included.
std::size_t CountWithin(std::span<const double> sorted, double value, double radius) {
  const auto first = std::ranges::partition_point(
      sorted, [&](double other) { return other < value && value - other > radius; });
  const auto last = std::ranges::partition_point(
      sorted, [&](double other) { return other <= value || other - value <= radius; });
  return static_cast<std::size_t>(last - first);
}

/// The least of the distances that it is told.
class Nearest {
 public:
  explicit Nearest(std::size_t count) : count_(count) { distances_.fill(kInfinity); }
  void Add(double distance) {
    for (std::size_t i = 0; i < count_; ++i) {
      if (distance < distances_[i]) std::swap(distance, distances_[i]);
    }
  }
  [[nodiscard]] double furthest() const { return distances_[count_ - 1]; }

 private:
  std::size_t count_;
  std::array<double, kNeighbours> distances_{};
};

/// Calls `add(j)` for the neighbours of the i-th of the ascending `x`, the nearest first, until one
/// is no nearer than `enough()`.
template <typename Add, typename Enough>
void VisitOutwards(std::span<const double> x, std::size_t i, const Add& add, const Enough& enough) {
  std::size_t left = i;  // everything from here to right has been visited
  std::size_t right = i + 1;
  while (left > 0 || right < x.size()) {
    const double to_left = left > 0 ? x[i] - x[left - 1] : kInfinity;
    const double to_right = right < x.size() ? x[right] - x[i] : kInfinity;
    if (std::min(to_left, to_right) >= enough()) return;
    add(to_left <= to_right ? --left : right++);
  }
}

/// Just below the distance of the furthest of the nearest, so that it is not within it.
double RadiusBelow(double distance) { return std::nextafter(distance, 0.0); }

std::vector<double> Scaled(std::span<const double> values) {
  const double mean = MeanOf(values);
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  const double deviation = std::sqrt(sum / static_cast<double>(values.size()));
  std::vector<double> scaled(values.begin(), values.end());
  if (deviation > 0) {
    for (double& value : scaled) value /= deviation;
  }
  return scaled;
}

double InformationOfNumbers(std::span<const double> feature, std::span<const double> target) {
  const std::size_t n = feature.size();
  const std::vector<double> scaled_x = Scaled(feature);
  const std::vector<double> scaled_y = Scaled(target);
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return scaled_x[i]; });
  std::vector<double> x(n);
  std::vector<double> y(n);
  for (std::size_t i = 0; i < n; ++i) {
    x[i] = scaled_x[order[i]];
    y[i] = scaled_y[order[i]];
  }
  std::vector<double> sorted_y = y;
  std::ranges::sort(sorted_y);

  const std::size_t k = std::min(kNeighbours, n - 1);
  const Digamma psi(n + 1);
  double counts = 0;
  for (std::size_t i = 0; i < n; ++i) {
    Nearest nearest(k);
    VisitOutwards(
        x, i,
        [&](std::size_t j) { nearest.Add(std::max(std::abs(x[i] - x[j]), std::abs(y[i] - y[j]))); },
        [&] { return nearest.furthest(); });
    const double radius = RadiusBelow(nearest.furthest());
    counts += psi(CountWithin(x, x[i], radius)) + psi(CountWithin(sorted_y, y[i], radius));
  }
  return std::max(0.0, psi(n) + psi(k) - counts / static_cast<double>(n));
}

double InformationOfClasses(std::span<const double> feature, std::span<const double> classes) {
  std::vector<std::vector<double>> groups = ByClass(Scaled(feature), classes);
  std::erase_if(groups, [](const auto& group) { return group.size() < 2; });
  std::vector<double> all;
  for (std::vector<double>& group : groups) {
    std::ranges::sort(group);
    all.insert(all.end(), group.begin(), group.end());
  }
  if (all.empty()) return 0;
  std::ranges::sort(all);
  const Digamma psi(all.size());
  double sum = 0;
  for (const std::vector<double>& group : groups) {
    const std::size_t k = std::min(kNeighbours, group.size() - 1);
    for (std::size_t i = 0; i < group.size(); ++i) {
      Nearest nearest(k);
      VisitOutwards(
          group, i, [&](std::size_t j) { nearest.Add(std::abs(group[i] - group[j])); },
          [&] { return nearest.furthest(); });
      const double radius = RadiusBelow(nearest.furthest());
      sum += psi(k) - psi(group.size()) - psi(CountWithin(all, group[i], radius));
    }
  }
  return std::max(0.0, psi(all.size()) + sum / static_cast<double>(all.size()));
}

}  // namespace

std::optional<double> ScoreOf(FeatureScore score, std::span<const double> feature,
                              std::span<const double> target, bool of_classes) {
  if (IsConstant(feature)) return std::nullopt;
  switch (score) {
    case FeatureScore::kFRegression:
      return FRegression(feature, target);
    case FeatureScore::kFClassif:
      return FClassif(feature, target);
    case FeatureScore::kMutualInformation:
      break;
  }
  return of_classes ? InformationOfClasses(feature, target) : InformationOfNumbers(feature, target);
}

}  // namespace forkcast::model
