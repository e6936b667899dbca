#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "data_preprocessing/features/feature_computer.hpp"
#include "serving/service/scorer.hpp"
#include "serving/service/served_pipeline.hpp"

namespace forkcast::serving {

/// The features of a request's rows, each at its time, in slices: what every scorer of rows begins
/// with. Scratch memory of one thread.
class RowFeatures {
 public:
  /// `pipeline` outlives the object.
  explicit RowFeatures(const ServedPipeline& pipeline)
      : pipeline_(pipeline),
        computer_(pipeline.spec().features, pipeline.spec().series, pipeline.spec().request,
                  pipeline.spec().zone) {}

  [[nodiscard]] std::size_t width() const noexcept { return computer_.feature_count(); }

  /// As Scorer::Start().
  void Start(const ScoringTask& task, Scores& scores) {
    scores.Clear();
    scores.features.reserve(task.decoded.row_numbers.size() * width());
    decoded_ = &task.decoded;
    received_ = task.received;
    known_by_ = task.known_by;
    scores_ = &scores;
    next_ = 0;
  }

  /// Computes at most so many rows; returns how many are left. `use(features)` takes what was
  /// computed, or says why the row cannot be scored.
  template <typename Use>
  std::size_t Compute(std::size_t rows, Use use) {
    const std::size_t all = decoded_->row_numbers.size();
    const std::size_t end = std::min(next_ + rows, all);
    for (; next_ < end; ++next_) ComputeRow(next_, use);
    return all - end;
  }

 private:
  template <typename Use>
  void ComputeRow(std::size_t row, Use use) {
    scores_->features.resize(scores_->features.size() + width());
    const std::span<preprocessing::Value> features = std::span(scores_->features).last(width());
    preprocessing::SeriesMask stale = 0;
    computer_.Select(pipeline_.snapshots(), decoded_->rows, row);
    preprocessing::FeatureMoment moment = computer_.MomentOf(decoded_->rows, row, received_);
    moment.known_by = known_by_;
    Status computed = computer_.ComputeAt(moment, features, stale);
    if (computed) computed = use(std::span<const preprocessing::Value>(features));
    if (!computed) {
      scores_->features.resize(scores_->features.size() - width());
      scores_->errors.push_back(
          {.row = decoded_->row_numbers[row], .error = std::move(computed).error()});
      return;
    }
    scores_->rows.push_back(row);
    scores_->row_numbers.push_back(decoded_->row_numbers[row]);
    scores_->stale.push_back(stale);
  }

  const ServedPipeline& pipeline_;
  preprocessing::FeatureComputer computer_;
  // Of the request at hand.
  const wire::DecodedRequest* decoded_ = nullptr;
  Instant received_;
  std::optional<Instant> known_by_;
  Scores* scores_ = nullptr;
  std::size_t next_ = 0;
};

}  // namespace forkcast::serving
