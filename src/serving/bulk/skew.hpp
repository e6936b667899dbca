#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/features/feature_computer.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "serving/capture/capture_store.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::serving {

/// A feature that is another one today than it was when it was served.
struct SkewedValue {
  std::string request_id;
  std::size_t row = 0;
  Instant time;  ///< Of the row.
  std::string feature;
  std::string captured;    ///< As JSON; empty: it was not there.
  std::string recomputed;  ///< Likewise; why not, where it cannot be computed.
};

struct SkewCounts {
  std::size_t requests = 0;  ///< With rows that were compared,
  std::size_t rows = 0;
  std::size_t values = 0;
  std::size_t different_rows = 0;
  std::size_t different_values = 0;
  std::size_t skipped = 0;      ///< Requests that could not be compared; those of other pipelines
  std::size_t of_others = 0;    ///< count here.
  std::string first_skipped{};  ///< Why.
};

/// Recomputes captured features from what was known when they were served, and compares. What
/// became known since, but should have been known then (rows that came late, or changed), is found
/// as a difference: so is a pipeline that is not the one that was served.
class SkewCheck {
 public:
  /// Both outlive it; no pipeline with a forecast. `precision`: of the records' `received`, within
  /// which nobody knows what was known.
  SkewCheck(const preprocessing::PipelineSpec& spec,
            std::span<const preprocessing::Snapshot> snapshots,
            std::chrono::microseconds precision);

  /// Compares the rows of one request. Appends what differs to `found`, at most until that has
  /// `most`.
  void Compare(const CaptureRecord& record, std::size_t most, std::vector<SkewedValue>& found);
  [[nodiscard]] const SkewCounts& counts() const noexcept { return counts_; }

 private:
  /// Why the request's rows cannot be read; none: they are in decoded_.
  std::optional<std::string> Decode(const CaptureRecord& record);
  void Skip(const CaptureRecord& record, const std::string& why);

  const preprocessing::PipelineSpec& spec_;
  std::span<const preprocessing::Snapshot> snapshots_;
  std::chrono::microseconds precision_;
  preprocessing::FeatureComputer computer_;
  wire::RequestDecoder decoder_;
  wire::DecodedRequest decoded_;
  std::vector<preprocessing::Value> values_;
  SkewCounts counts_;
};

}  // namespace forkcast::serving
