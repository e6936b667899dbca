#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "model/onnx/ensemble.hpp"
#include "model/tree/forest.hpp"

/// What a graph does with a row: steps over one array of numbers, in which every number of a tensor
/// has its place. All are doubles: a float, a bool, and a whole number up to 2^53 are doubles, too;
/// what is computed in float is rounded to one. Texts are numbers by which they are told apart, -1
/// is one that the graph does not know.
namespace forkcast::model::onnx {

/// Where a number is among a row's values: of a constant number k it is -1 - k.
using Place = std::int32_t;

/// What steps work on.
struct Frame {
  double* values;  ///< Constants lie before it.
  float* floats;   ///< Scratch, as many as the widest step needs (Step::float_count).
};

class Step {
 public:
  Step() = default;
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;
  virtual ~Step() = default;

  /// False where ONNX Runtime would fail for this row.
  virtual bool Run(const Frame& frame) const noexcept = 0;
  [[nodiscard]] virtual std::size_t float_count() const noexcept { return 0; }
};

/// A number from up to three others.
using ElementFunction = double (*)(double, double, double);

/// out + i = function(arguments[i]).
class ElementStep final : public Step {
 public:
  ElementStep(ElementFunction function, std::vector<std::array<Place, 3>> arguments, Place out)
      : function_(function), arguments_(std::move(arguments)), out_(out) {}
  bool Run(const Frame& frame) const noexcept override;

 private:
  ElementFunction function_;
  std::vector<std::array<Place, 3>> arguments_;
  Place out_;
};

/// A number, or as many as it has, from each of some groups of equal size.
enum class GroupFunction {
  kSum,
  kMean,
  kMax,
  kMin,
  kL1,
  kL2,
  kSumSquare,
  kProduct,
  kLogSumExp,  ///< ln(sum of e^x).
  kArgMax,
  kArgMin,
  kSoftmax,  ///< As many as the group has, as the next four.
  kNormalizeMax,
  kNormalizeL1,
  kNormalizeL2,
  kNormalizeLength,  ///< As kNormalizeL2, but divided by the length: at times another float.
};
[[nodiscard]] constexpr bool GivesMany(GroupFunction function) noexcept {
  return function >= GroupFunction::kSoftmax;
}

class GroupStep final : public Step {
 public:
  /// `places`: group after group.
  GroupStep(GroupFunction function, bool is_double, std::vector<Place> places, std::size_t size,
            Place out)
      : function_(function),
        is_double_(is_double),
        places_(std::move(places)),
        size_(size),
        out_(out) {}
  bool Run(const Frame& frame) const noexcept override;

 private:
  template <typename Number>
  void RunIn(const Frame& frame) const noexcept;

  GroupFunction function_;
  bool is_double_;
  std::vector<Place> places_;
  std::size_t size_;
  Place out_;
};

/// A number by a table of keys, which may be NaN; any other by a default.
class LookupStep final : public Step {
 public:
  struct Table {
    std::vector<std::pair<double, double>> rows;  ///< By ascending key, none twice.
    std::optional<double> of_missing;             ///< Of NaN; none: the default.
    double otherwise = 0;
  };
  LookupStep(Table table, std::vector<Place> places, Place out)
      : table_(std::move(table)), places_(std::move(places)), out_(out) {}
  bool Run(const Frame& frame) const noexcept override;

 private:
  Table table_;
  std::vector<Place> places_;
  Place out_;
};

/// For each place as many numbers as there are categories: 1 at its own, else 0.
class OneHotStep final : public Step {
 public:
  OneHotStep(std::vector<double> categories, bool needs_category, std::vector<Place> places,
             Place out)
      : categories_(std::move(categories)),
        needs_category_(needs_category),
        places_(std::move(places)),
        out_(out) {}
  bool Run(const Frame& frame) const noexcept override;

 private:
  std::vector<double> categories_;
  bool needs_category_;
  std::vector<Place> places_;
  Place out_;
};

/// Sums of products: of each output the products of all inputs with its weights, and its offset.
/// Added up in double, and rounded to float at the end: what ONNX Runtime answers is close to it,
/// as it adds floats in an order of its processor's.
class AffineStep final : public Step {
 public:
  /// `weights`: output after output.
  AffineStep(bool is_double, std::vector<Place> places, std::vector<double> weights,
             std::vector<double> offsets, Place out)
      : is_double_(is_double),
        places_(std::move(places)),
        weights_(std::move(weights)),
        offsets_(std::move(offsets)),
        out_(out) {}
  bool Run(const Frame& frame) const noexcept override;

 private:
  bool is_double_;
  std::vector<Place> places_;
  std::vector<double> weights_;
  std::vector<double> offsets_;
  Place out_;
};

/// Trees: by the forest engine where that can hold them.
class EnsembleStep final : public Step {
 public:
  /// `work`: places of ensemble.features + 2 * ensemble.targets numbers.
  EnsembleStep(Ensemble ensemble, std::optional<Forest> forest, std::vector<Place> places,
               Place work, Place out)
      : ensemble_(std::move(ensemble)),
        forest_(std::move(forest)),
        places_(std::move(places)),
        work_(work),
        out_(out) {}
  bool Run(const Frame& frame) const noexcept override;
  [[nodiscard]] std::size_t float_count() const noexcept override { return places_.size(); }

 private:
  Ensemble ensemble_;  ///< Without its nodes where there is a forest.
  std::optional<Forest> forest_;
  std::vector<Place> places_;
  Place work_;
  Place out_;
};

}  // namespace forkcast::model::onnx
