#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "model/classify/classifier_plan.hpp"
#include "model/classify/labelled_rows.hpp"
#include "model/learn/examples.hpp"

namespace forkcast::model {

/// What a classifier learns from and is judged on, in the order of the labelled rows.
struct LabelledExamples : Examples {
  using Examples::Examples;

  std::vector<std::size_t> rows;      ///< Of each example, its labelled row; ascending.
  std::vector<Instant> times;         ///< One an example, as all that follows; ascending.
  std::vector<std::uint32_t> labels;  ///< Positions among the rows' classes.
  std::vector<std::uint64_t> slices;  ///< Bit i: whether it is in the plan's slice i.

  /// Computes the features of each row exactly as those of a request at the row's time, and as of
  /// it. kInvalidArgument for a weight that is missing, negative or not finite, naming the row's
  /// time.
  static Result<LabelledExamples> Compute(const preprocessing::PipelineSpec& spec,
                                          std::span<const preprocessing::Snapshot> snapshots,
                                          const LabelledRows& rows, const ClassifierPlan& plan);

  [[nodiscard]] std::size_t size() const noexcept { return rows.size(); }
  /// How many examples are of labelled rows before `row`.
  [[nodiscard]] std::size_t CountBefore(std::size_t row) const noexcept;
};

}  // namespace forkcast::model
