#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/explainer.hpp"
#include "model/tree/shap_format.hpp"

namespace forkcast::model {

/// What each feature adds to a row's margin in trees: exact Shapley values, of features that are
/// not known when a row goes both ways as the rows of training did (path-dependent TreeSHAP,
/// Lundberg et al. 2020). They are XGBoost's `pred_contribs`, but for rounding.
///
/// The idea: let each feature be known with probability t. Then a row goes its own way at a test
/// with p = t + (1 - t) * (share of training rows that went this way), and F(t) is the mean leaf.
/// A Shapley value is the integral over t in 0..1 of the derivative of F by that feature's
/// probability (Owen 1972), a polynomial of a degree less than the features on a path, which
/// Gauss-Legendre points integrate without error. A row costs O(tests * features on a path / 2),
/// where the classic algorithm costs O(leaves * depth^2), and nothing is divided by what may be 0.
class TreeShap final : public Explainer {
 public:
  /// A copy. kCorrupt when the bytes are not as they were written, kInvalidArgument for a file of
  /// a later version. O(bytes).
  static Result<TreeShap> FromBytes(std::string_view bytes);
  /// Maps a file read-only. Besides kNotFound and kIo; messages name the path. Blocks on the disk:
  /// every byte is read once, to check it.
  static Result<TreeShap> Open(const std::filesystem::path& path);

  TreeShap(TreeShap&&) noexcept;
  TreeShap& operator=(TreeShap&&) noexcept;
  ~TreeShap() override;

  [[nodiscard]] std::size_t input_count() const noexcept override { return feature_count_; }
  [[nodiscard]] std::size_t margin_count() const noexcept override { return bases_.size(); }
  [[nodiscard]] MarginScale scale() const noexcept override { return scale_; }
  [[nodiscard]] std::size_t cost() const noexcept override { return cost_ / bases_.size(); }
  [[nodiscard]] double base(std::size_t margin) const noexcept override { return bases_[margin]; }
  void Explain(std::span<const float> row, std::size_t margin, ExplainScratch& scratch,
               std::span<double> contributions) const override;

 private:
  class Bytes;
  class Reader;
  /// Where the integrand is looked at, and how much that counts.
  struct Quadrature {
    std::vector<double> at{};
    std::vector<double> weights{};
  };

  TreeShap() = default;
  static Result<TreeShap> Make(std::unique_ptr<const Bytes> bytes);
  static Quadrature PointsFor(std::size_t features);

  std::unique_ptr<const Bytes> bytes_;  ///< Views below point into it.
  std::span<const shap_format::Test> tests_;
  std::span<const shap_format::Tree> trees_;
  std::span<const double> bases_;
  std::span<const float> leaves_;
  std::span<const std::uint32_t> words_;
  std::size_t feature_count_ = 0;
  MarginScale scale_ = MarginScale::kOutput;
  std::size_t most_tests_ = 0;      ///< Of a tree.
  std::size_t cost_ = 0;            ///< Tests and points of all trees.
  std::vector<Quadrature> points_;  ///< By the features on the path of a tree that has most.
};

}  // namespace forkcast::model
