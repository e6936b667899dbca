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
#include "model/tree/gauss_legendre.hpp"
#include "model/tree/shap_format.hpp"
#include "model/tree/shap_kernel.hpp"

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
/// Eight trees lie over each other, so that an instruction is about a test of each of them.
class TreeShap final : public Explainer {
 public:
  /// A copy. kCorrupt when the bytes are not as they were written, kInvalidArgument for a file of
  /// a later version. O(bytes).
  static Result<TreeShap> FromBytes(std::string_view bytes,
                                    const ShapKernel& kernel = ShapKernels().front());
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

  explicit TreeShap(const ShapKernel& kernel);
  static Result<TreeShap> Make(std::unique_ptr<const Bytes> bytes, const ShapKernel& kernel);

  const ShapKernel* kernel_;
  std::unique_ptr<const Bytes> bytes_;  ///< Views below point into it.
  std::span<const shap_format::Place> places_;
  std::span<const shap_format::Group> groups_;
  std::span<const double> bases_;
  std::span<const shap_format::Leaves> leaves_;
  std::span<const std::uint32_t> words_;
  std::size_t feature_count_ = 0;
  MarginScale scale_ = MarginScale::kOutput;
  std::size_t most_places_ = 0;     ///< Of a group.
  std::size_t cost_ = 0;            ///< Of all groups.
  std::vector<Quadrature> points_;  ///< By the features on the path of a group that has most.
};

}  // namespace forkcast::model
