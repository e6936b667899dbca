#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <utility>

#include "model/learn/trainer.hpp"
#include "model/linear/linear_model.hpp"
#include "model/linear/polynomial.hpp"

namespace forkcast::model {

/// The terms of the rows to learn from, made in blocks, so that many rows of many terms need not
/// lie in memory at once. Views the rows and the source.
class Design {
 public:
  /// Of `source` what stands before the terms: inputs, is_scaled, polynomial.
  Design(const TrainingRows& rows, const LinearSource& source);

  [[nodiscard]] std::size_t row_count() const noexcept { return rows_.target.size(); }
  [[nodiscard]] Eigen::Index term_count() const noexcept {
    return static_cast<Eigen::Index>(terms_.size());
  }
  [[nodiscard]] const PolynomialTerms& terms() const noexcept { return terms_; }

  /// Rows that are learned from together.
  struct Block {
    std::size_t first_row = 0;
    Eigen::MatrixXd terms;    ///< A row each.
    Eigen::VectorXd target;   ///< The same.
    Eigen::VectorXd weights;  ///< The same.
  };
  /// Calls `take(const Block&)` for all rows, in their order.
  template <typename Take>
  void EachBlock(const Take& take) const {
    Block block;
    for (std::size_t first = 0; first < row_count(); first += kBlockRows) {
      Fill(first, block);
      take(std::as_const(block));
    }
  }

  /// What the rows are on average, by their weights.
  struct Moments {
    Eigen::VectorXd means;       ///< Of the terms.
    Eigen::VectorXd deviations;  ///< The same.
    double target_mean = 0;
    double weight = 0;  ///< Of all rows.
  };
  [[nodiscard]] Moments ComputeMoments() const;

 private:
  static constexpr std::size_t kBlockRows = 1024;

  void Fill(std::size_t first, Block& block) const;

  TrainingRows rows_;
  const LinearSource& source_;
  PolynomialTerms terms_;
};

}  // namespace forkcast::model
