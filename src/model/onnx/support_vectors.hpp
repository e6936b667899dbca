#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "model/onnx/graph_steps.hpp"
#include "model/onnx/onnx_file.hpp"

namespace forkcast::model::onnx {

/// An operator SVMRegressor or SVMClassifier (ai.onnx.ml 1): how alike a row is to each of some
/// vectors, weighed and added up. A classifier does so for each pair of its classes, and may make
/// probabilities of them (Wu, Lin and Weng, Probability estimates for multi-class classification by
/// pairwise coupling, 2004, section 4.2).
struct SupportVectors {
  enum class Kernel { kLinear, kPolynomial, kRadial, kSigmoid };

  Kernel kernel = Kernel::kLinear;
  float gamma = 0;
  float coef0 = 0;
  float degree = 0;
  std::size_t columns = 0;  ///< Of a row, and of each vector.
  std::vector<float> vectors{};
  /// Of a regressor one a vector. Of a classifier class by class, those of its vectors in the pairs
  /// with the others: classes - 1 rows of one a vector.
  std::vector<float> coefficients{};
  std::vector<float> offsets{};        ///< One a pair; of a regressor one.
  bool is_sign = false;                ///< Of a regressor: 1 where the sum is above 0, else -1.
  std::vector<std::string> classes{};  ///< Of a classifier.
  /// Where each class's vectors begin, and the end of all.
  std::vector<std::size_t> begins{};
  /// Of a pair p that its first class is right, with s its sum: logistic(-(s * a + b)).
  std::vector<float> slopes{};
  std::vector<float> shifts{};

  [[nodiscard]] bool is_classifier() const noexcept { return !classes.empty(); }
  [[nodiscard]] bool gives_probabilities() const noexcept { return !slopes.empty(); }
  [[nodiscard]] std::size_t vector_count() const noexcept { return vectors.size() / columns; }
  [[nodiscard]] std::size_t pairs() const noexcept {
    return classes.size() * (classes.size() - 1) / 2;
  }
  /// Numbers that a row is answered with: without probabilities, of two classes the sum's negative
  /// and the sum, of more the sums of all pairs.
  [[nodiscard]] std::size_t outputs() const noexcept {
    if (!is_classifier()) return 1;
    return gives_probabilities() || classes.size() == 2 ? classes.size() : pairs();
  }
};

/// Understands such a node. Throws Refused naming the attribute.
[[nodiscard]] SupportVectors ReadSupportVectors(const Node& node);

class SupportVectorStep final : public Step {
 public:
  SupportVectorStep(SupportVectors machine, std::vector<Place> places, Place out)
      : machine_(std::move(machine)), places_(std::move(places)), out_(out) {}
  bool Run(const Frame& frame) const noexcept override;
  [[nodiscard]] std::size_t float_count() const noexcept override;

 private:
  void AddKernels(std::span<const float> row, std::span<float> kernels) const noexcept;
  void AddPairs(std::span<const float> kernels, std::span<float> sums) const noexcept;
  void AddProbabilities(std::span<const float> sums, std::span<float> scratch,
                        std::span<float> probabilities) const noexcept;

  SupportVectors machine_;
  std::vector<Place> places_;
  Place out_;
};

}  // namespace forkcast::model::onnx
