#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace forkcast::model {

/// Where a parameter begins, and between what it must stay.
struct Variable {
  double start = 0;
  double least = 0;
  double greatest = 0;
};

struct Minimum {
  std::vector<double> at;
  double value = 0;
};

/// Looks for the least of a function of a few variables by a simplex that walks downhill (Nelder
/// and Mead 1965), with the coefficients of Gao and Han 2012, which grow with the number of
/// variables. A variable that would leave its bounds stops there. Ends when the simplex is level
/// (standard deviation of its values below 1e-4, as of twice a log likelihood) or after 1000 steps.
/// The same function and variables give the same bits.
template <typename Function>
class NelderMead {
 public:
  NelderMead(Function function, std::span<const Variable> variables)
      : function_(std::move(function)), variables_(variables), n_(variables.size()) {}

  [[nodiscard]] Minimum operator()() {
    Begin();
    constexpr int kMostSteps = 1000;
    for (int i = 0; i < kMostSteps && !IsLevel(); ++i) Step();
    const auto best = static_cast<std::size_t>(std::ranges::min_element(values_) - values_.begin());
    return {.at = {Vertex(best).begin(), Vertex(best).end()}, .value = values_[best]};
  }

 private:
  [[nodiscard]] std::span<double> Vertex(std::size_t i) {
    return std::span(simplex_).subspan(i * n_, n_);
  }
  [[nodiscard]] double Clamped(std::size_t variable, double value) const {
    return std::clamp(value, variables_[variable].least, variables_[variable].greatest);
  }

  void Begin() {
    constexpr double kStep = 0.05;
    constexpr double kStepFromZero = 1e-4;
    simplex_.resize((n_ + 1) * n_);
    values_.resize(n_ + 1);
    for (std::vector<double>* const point : {&centroid_, &reflected_, &tried_}) point->resize(n_);
    for (std::size_t i = 0; i <= n_; ++i) {
      for (std::size_t v = 0; v < n_; ++v) Vertex(i)[v] = Clamped(v, variables_[v].start);
      if (i < n_) {
        double& moved = Vertex(i)[i];
        moved = Clamped(i, moved == 0 ? kStepFromZero : moved * (1 + kStep));
      }
      values_[i] = function_(Vertex(i));
    }
  }

  [[nodiscard]] bool IsLevel() const {
    constexpr double kLevel = 1e-4;
    const auto count = static_cast<double>(values_.size());
    const double mean = std::accumulate(values_.begin(), values_.end(), 0.0) / count;
    double squares = 0;
    for (const double value : values_) squares += (value - mean) * (value - mean);
    return std::sqrt(squares / count) < kLevel;
  }

  /// centroid + times * (point - centroid), and what it is worth.
  double Try(double times, std::span<const double> point, std::vector<double>& at) {
    for (std::size_t v = 0; v < n_; ++v) {
      at[v] = Clamped(v, centroid_[v] + times * (point[v] - centroid_[v]));
    }
    return function_(std::span<const double>(at));
  }

  void Put(std::size_t place, std::span<const double> point, double value) {
    std::ranges::copy(point, Vertex(place).begin());
    values_[place] = value;
  }

  void Step() {
    std::size_t best = 0;
    std::size_t worst = 0;
    for (std::size_t i = 1; i <= n_; ++i) {
      if (values_[i] < values_[best]) best = i;
      if (values_[i] >= values_[worst]) worst = i;
    }
    std::size_t second = best;
    for (std::size_t i = 0; i <= n_; ++i) {
      if (i != worst && values_[i] >= values_[second]) second = i;
    }
    FindCentroid(worst);
    const auto n = static_cast<double>(n_);
    const double reflected = Try(-1, Vertex(worst), reflected_);
    if (values_[best] <= reflected && reflected < values_[second]) {
      return Put(worst, reflected_, reflected);
    }
    if (reflected < values_[best]) {
      const double expanded = Try(1 + 2 / n, reflected_, tried_);
      return expanded < reflected ? Put(worst, tried_, expanded)
                                  : Put(worst, reflected_, reflected);
    }
    const bool is_outside = reflected < values_[worst];
    const double contraction = 0.75 - 1 / (2 * n);
    const double contracted = Try(is_outside ? contraction : -contraction, reflected_, tried_);
    if (is_outside ? contracted <= reflected : contracted < values_[worst]) {
      return Put(worst, tried_, contracted);
    }
    Shrink(best);
  }

  void FindCentroid(std::size_t worst) {
    std::ranges::fill(centroid_, 0);
    for (std::size_t i = 0; i <= n_; ++i) {
      if (i == worst) continue;
      for (std::size_t v = 0; v < n_; ++v) centroid_[v] += Vertex(i)[v];
    }
    for (double& value : centroid_) value /= static_cast<double>(n_);
  }

  /// Towards the best vertex.
  void Shrink(std::size_t best) {
    const double kept = 1 - 1 / static_cast<double>(n_);
    for (std::size_t i = 0; i <= n_; ++i) {
      if (i == best) continue;
      for (std::size_t v = 0; v < n_; ++v) {
        Vertex(i)[v] = Clamped(v, Vertex(best)[v] + kept * (Vertex(i)[v] - Vertex(best)[v]));
      }
      values_[i] = function_(Vertex(i));
    }
  }

  Function function_;
  std::span<const Variable> variables_;
  std::size_t n_;
  std::vector<double> simplex_;  // n + 1 vertices, row-major
  std::vector<double> values_;
  std::vector<double> centroid_;
  std::vector<double> reflected_;
  std::vector<double> tried_;
};

}  // namespace forkcast::model
