#include "model/onnx/graph_steps.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace forkcast::model::onnx {
namespace {

/// The numbers of a group, one after the other.
template <typename Number>
class Group {
 public:
  Group(const double* values, std::span<const Place> places) : values_(values), places_(places) {}
  [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }
  [[nodiscard]] Number operator[](std::size_t i) const noexcept {
    return static_cast<Number>(values_[places_[i]]);
  }

  template <typename Function>
  [[nodiscard]] Number Sum(Function function) const noexcept {
    Number sum = 0;
    for (std::size_t i = 0; i < size(); ++i) sum += function((*this)[i]);
    return sum;
  }
  /// The first of those that no other is beyond.
  template <typename IsBeyond>
  [[nodiscard]] std::size_t Extreme(IsBeyond is_beyond) const noexcept {
    std::size_t best = 0;
    for (std::size_t i = 1; i < size(); ++i) {
      if (is_beyond((*this)[i], (*this)[best])) best = i;
    }
    return best;
  }

 private:
  const double* values_;
  std::span<const Place> places_;
};

template <typename Number>
double Reduce(GroupFunction function, const Group<Number>& group) noexcept {
  const auto greater = [](Number a, Number b) { return a > b; };
  const auto less = [](Number a, Number b) { return a < b; };
  const auto itself = [](Number x) { return x; };
  const auto square = [](Number x) { return x * x; };
  switch (function) {
    case GroupFunction::kSum:
      return static_cast<double>(group.Sum(itself));
    case GroupFunction::kMean:
      return static_cast<double>(group.Sum(itself) / static_cast<Number>(group.size()));
    case GroupFunction::kMax:
      return static_cast<double>(group[group.Extreme(greater)]);
    case GroupFunction::kMin:
      return static_cast<double>(group[group.Extreme(less)]);
    case GroupFunction::kL1:
      return static_cast<double>(group.Sum([](Number x) { return std::abs(x); }));
    case GroupFunction::kL2:
      return static_cast<double>(std::sqrt(group.Sum(square)));
    case GroupFunction::kSumSquare:
      return static_cast<double>(group.Sum(square));
    case GroupFunction::kProduct: {
      Number product = 1;
      for (std::size_t i = 0; i < group.size(); ++i) product *= group[i];
      return static_cast<double>(product);
    }
    case GroupFunction::kLogSumExp: {
      const Number most = group[group.Extreme(greater)];
      const Number base = std::isfinite(most) ? most : Number{0};
      return static_cast<double>(
          std::log(group.Sum([base](Number x) { return std::exp(x - base); })) + base);
    }
    case GroupFunction::kArgMax:
      return static_cast<double>(group.Extreme(greater));
    case GroupFunction::kArgMin:
      return static_cast<double>(group.Extreme(less));
    default:
      return 0;  // those that give many
  }
}

template <typename Number>
void Spread(GroupFunction function, const Group<Number>& group, double* out) noexcept {
  const auto divide_by = [&](Number by) {
    for (std::size_t i = 0; i < group.size(); ++i) {
      out[i] = static_cast<double>(by != 0 ? group[i] / by : group[i]);
    }
  };
  if (function == GroupFunction::kNormalizeLength) {
    divide_by(std::sqrt(group.Sum([](Number x) { return x * x; })));
  } else if (function == GroupFunction::kNormalizeL1) {
    divide_by(group.Sum([](Number x) { return std::abs(x); }));
  } else if (function == GroupFunction::kNormalizeMax) {
    divide_by(group[group.Extreme([](Number a, Number b) { return a > b; })]);
  } else if (function == GroupFunction::kNormalizeL2) {
    const Number sum = group.Sum([](Number x) { return x * x; });
    if (sum == 0) return divide_by(0);
    for (std::size_t i = 0; i < group.size(); ++i) {
      const Number x = group[i];
      const Number size = std::sqrt(x * x / sum);
      out[i] = static_cast<double>(x < 0 ? -size : size);
    }
  } else {
    const Number greatest = group[group.Extreme([](Number a, Number b) { return a > b; })];
    const Number sum = group.Sum([greatest](Number x) { return std::exp(x - greatest); });
    for (std::size_t i = 0; i < group.size(); ++i) {
      out[i] = static_cast<double>(std::exp(group[i] - greatest) / sum);
    }
  }
}

}  // namespace

bool ElementStep::Run(const Frame& frame) const noexcept {
  const double* const values = frame.values;
  for (std::size_t i = 0; i < arguments_.size(); ++i) {
    const auto [a, b, c] = arguments_[i];
    frame.values[out_ + i] = function_(values[a], values[b], values[c]);
  }
  return true;
}

template <typename Number>
void GroupStep::RunIn(const Frame& frame) const noexcept {
  const std::size_t given = GivesMany(function_) ? size_ : 1;
  for (std::size_t i = 0; i * size_ < places_.size(); ++i) {
    const Group<Number> group(frame.values, std::span(places_).subspan(i * size_, size_));
    double* const out = frame.values + out_ + i * given;
    if (GivesMany(function_)) {
      Spread(function_, group, out);
    } else {
      *out = Reduce(function_, group);
    }
  }
}

bool GroupStep::Run(const Frame& frame) const noexcept {
  if (is_double_) {
    RunIn<double>(frame);
  } else {
    RunIn<float>(frame);
  }
  return true;
}

bool LookupStep::Run(const Frame& frame) const noexcept {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const double key = frame.values[places_[i]];
    double& out = frame.values[out_ + i];
    out = table_.otherwise;
    if (std::isnan(key)) {
      if (table_.of_missing) out = *table_.of_missing;
      continue;
    }
    const auto found =
        std::ranges::lower_bound(table_.rows, key, {}, &std::pair<double, double>::first);
    if (found != table_.rows.end() && found->first == key) out = found->second;
  }
  return true;
}

bool OneHotStep::Run(const Frame& frame) const noexcept {
  const std::size_t width = categories_.size();
  bool are_all_known = true;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    double* const out = frame.values + out_ + i * width;
    std::fill_n(out, width, 0.0);
    const auto found = std::ranges::find(categories_, frame.values[places_[i]]);
    if (found != categories_.end()) {
      out[found - categories_.begin()] = 1;
    } else {
      are_all_known = false;
    }
  }
  return are_all_known || !needs_category_;
}

bool AffineStep::Run(const Frame& frame) const noexcept {
  const double* weight = weights_.data();
  for (std::size_t k = 0; k < offsets_.size(); ++k) {
    double sum = offsets_[k];
    for (const Place place : places_) sum += frame.values[place] * *weight++;
    frame.values[out_ + k] = is_double_ ? sum : static_cast<double>(static_cast<float>(sum));
  }
  return true;
}

bool EnsembleStep::Run(const Frame& frame) const noexcept {
  const std::span<double> row(frame.values + work_, places_.size());
  const std::span<double> sums(row.data() + row.size(), ensemble_.targets);
  const std::span<double> has_sum(sums.data() + sums.size(), ensemble_.targets);
  const std::span<double> out(frame.values + out_, ensemble_.outputs());
  if (forest_) {
    for (std::size_t i = 0; i < places_.size(); ++i) {
      frame.floats[i] = static_cast<float>(frame.values[places_[i]]);
    }
    forest_->Predict({frame.floats, places_.size()}, sums);
  } else {
    for (std::size_t i = 0; i < places_.size(); ++i) row[i] = frame.values[places_[i]];
    AddTrees(ensemble_, row, sums, has_sum);
  }
  FinishSums(ensemble_, sums, out);
  return true;
}

}  // namespace forkcast::model::onnx
