#include "model/classify/stump.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace forkcast::model {
namespace {

/// n ln n, which is 0 without rows.
double NLogN(std::size_t n) noexcept {
  return n == 0 ? 0 : static_cast<double>(n) * std::log(static_cast<double>(n));
}

/// Rows of each class on one side of a split, and what its class shares lose on them: the sum of
/// -ln(share of the row's class).
class Side {
 public:
  explicit Side(std::size_t classes) : counts_(classes) {}

  void Add(std::uint32_t label) noexcept { Change(label, counts_[label] + 1, rows_ + 1); }
  void Remove(std::uint32_t label) noexcept { Change(label, counts_[label] - 1, rows_ - 1); }
  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] double Loss() const noexcept { return NLogN(rows_) - sum_; }
  [[nodiscard]] std::vector<double> Shares() const {
    std::vector<double> shares;
    const auto all = static_cast<double>(rows_ + counts_.size());
    for (const std::size_t count : counts_) {
      shares.push_back((static_cast<double>(count) + 1) / all);
    }
    return shares;
  }

 private:
  void Change(std::uint32_t label, std::size_t count, std::size_t rows) noexcept {
    sum_ += NLogN(count) - NLogN(counts_[label]);
    counts_[label] = count;
    rows_ = rows;
  }

  std::vector<std::size_t> counts_;
  std::size_t rows_ = 0;
  double sum_ = 0;  // of n ln n over the classes
};

/// A value between two neighbours, a < b: a < it <= b.
float Between(float a, float b) noexcept {
  const float middle = a + (b - a) / 2;
  return middle > a && middle <= b ? middle : b;
}

}  // namespace

Stump Stump::Fit(std::span<const float> values, std::size_t columns,
                 std::span<const std::uint32_t> labels, std::size_t classes) {
  Side all(classes);
  for (const std::uint32_t label : labels) all.Add(label);
  Stump best;
  best.less_ = all.Shares();
  best.rest_ = best.less_;
  // Sums of logarithms carry rounding errors: less than this is no gain.
  double least = all.Loss() - 1e-9 * (1 + all.Loss());

  struct Cell {
    float value = 0;
    std::uint32_t label = 0;
  };
  std::vector<Cell> present;
  for (std::size_t column = 0; column < columns; ++column) {
    present.clear();
    Side missing(classes);
    for (std::size_t row = 0; row < labels.size(); ++row) {
      const float value = values[row * columns + column];
      if (std::isnan(value)) {
        missing.Add(labels[row]);
      } else {
        present.push_back({value, labels[row]});
      }
    }
    std::ranges::stable_sort(present, {}, &Cell::value);
    for (const bool missing_is_less : {false, true}) {
      if (missing_is_less && missing.rows() == 0) continue;
      Side less(classes);
      Side rest = all;
      if (missing_is_less) {
        less = missing;
        for (std::size_t row = 0; row < labels.size(); ++row) {
          if (std::isnan(values[row * columns + column])) rest.Remove(labels[row]);
        }
      }
      for (std::size_t i = 0; i < present.size(); ++i) {
        less.Add(present[i].label);
        rest.Remove(present[i].label);
        const bool is_last = i + 1 == present.size();
        if (!is_last && present[i].value == present[i + 1].value) continue;
        if (rest.rows() == 0 || less.Loss() + rest.Loss() >= least) continue;
        least = less.Loss() + rest.Loss();
        best.splits_ = true;
        best.column_ = column;
        best.threshold_ = is_last ? std::numeric_limits<float>::infinity()
                                  : Between(present[i].value, present[i + 1].value);
        best.missing_is_less_ = missing_is_less;
        best.less_ = less.Shares();
        best.rest_ = rest.Shares();
      }
    }
  }
  return best;
}

std::span<const double> Stump::Predict(std::span<const float> row) const noexcept {
  if (!splits_) return less_;
  const float value = row[column_];
  const bool is_less = std::isnan(value) ? missing_is_less_ : value < threshold_;
  return is_less ? less_ : rest_;
}

}  // namespace forkcast::model
