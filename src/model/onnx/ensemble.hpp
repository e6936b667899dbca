#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/onnx/onnx_file.hpp"
#include "model/tree/forest_source.hpp"

namespace forkcast::model::onnx {

/// The trees of an operator TreeEnsembleRegressor, TreeEnsembleClassifier (ai.onnx.ml 1 and 3) or
/// TreeEnsemble (5), and what becomes of their sums, as ONNX Runtime runs them in one thread:
/// leaves are added to 0 in the order of trees, in the type of the trees' numbers; then the sum is
/// divided by the number of trees (AVERAGE), then the base value is added, then comes the
/// transform.
struct Ensemble {
  enum class Mode : std::uint8_t { kLeq, kLt, kGte, kGt, kEq, kNeq, kMember, kLeaf };
  enum class Aggregate : std::uint8_t { kSum, kAverage, kMin, kMax };
  /// What becomes of a row's sums.
  enum class Finish : std::uint8_t {
    kNone,
    kLogistic,
    kSoftmax,
    kSoftmaxZero,  ///< As kSoftmax, but e^0 counts as 0.
    /// Of the one sum of a classifier of two classes: 1 - s and s.
    kComplement,
    kLogisticPair,  ///< The same: logistic(-s) and logistic(s).
  };

  struct Node {
    double value = 0;  ///< That the test compares with.
    std::uint32_t feature = 0;
    std::uint32_t yes = 0;  ///< The node where a row goes that passes the test.
    std::uint32_t no = 0;
    Mode mode = Mode::kLeaf;
    bool missing_is_yes = false;
    /// Of a leaf its weights; of kMember the members.
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };
  struct Weight {
    std::uint32_t target = 0;
    double value = 0;
  };

  bool is_double = false;  ///< The type of all numbers; else float.
  /// Whether answers are floats all the same: those of TreeEnsembleRegressor and its like.
  bool gives_floats = false;
  std::vector<Node> nodes;
  std::vector<std::uint32_t> roots;  ///< In the order of trees.
  std::vector<Weight> weights;
  std::vector<double> members;
  std::size_t targets = 1;   ///< Sums of a row.
  std::size_t features = 0;  ///< Columns that a row must have at least.
  Aggregate aggregate = Aggregate::kSum;
  std::vector<double> base;  ///< One a target, or none.
  Finish finish = Finish::kNone;
  std::vector<std::string> classes;  ///< Of a classifier, what its columns are called.
  /// Of a classifier: whether its numbers are probabilities, not just scores.
  bool are_probabilities = false;

  /// Numbers that a row is answered with.
  [[nodiscard]] std::size_t outputs() const noexcept {
    return finish == Finish::kComplement || finish == Finish::kLogisticPair ? 2 : targets;
  }
};

/// Understands such a node; `is_double`: the type of its input. Throws Refused naming the
/// attribute.
[[nodiscard]] Ensemble ReadEnsemble(const Node& node, bool is_double);

/// The trees for the forest engine, whose margins are the sums before everything that comes after
/// them; nothing where it cannot hold them: tests of equality or sets, doubles, MIN and MAX, over
/// 2^24 nodes.
[[nodiscard]] std::optional<ForestSource> ToForest(const Ensemble& ensemble,
                                                   std::vector<std::string> features);

/// The sums of a row, tree by tree. `row` has ensemble.features numbers, `sums` one a target.
void AddTrees(const Ensemble& ensemble, std::span<const double> row, std::span<double> sums,
              std::span<double> has_sum) noexcept;

/// What becomes of a row's sums. `out` has ensemble.outputs() numbers.
void FinishSums(const Ensemble& ensemble, std::span<const double> sums,
                std::span<double> out) noexcept;

}  // namespace forkcast::model::onnx
