#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/document/json.hpp"
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

/// The value as JSON, as answers have it.
[[nodiscard]] std::string JsonOf(const preprocessing::Value& value);

/// Recomputes what was captured from what was known when it was served, and compares. What became
/// known since, but should have been known then (rows that came late, or changed), is found as a
/// difference: so is a pipeline or a version that is not the one that was served.
class SkewCheck {
 public:
  virtual ~SkewCheck() = default;

  /// Compares the rows of one request. Appends what differs to `found`, at most until that has
  /// `most`.
  void Compare(const CaptureRecord& record, std::size_t most, std::vector<SkewedValue>& found);
  [[nodiscard]] const SkewCounts& counts() const noexcept { return counts_; }

 protected:
  /// What a row, or a step of its forecast, was and is.
  struct Line {
    std::size_t row = 0;
    Instant time{};
    const nlohmann::ordered_json* captured = nullptr;  ///< Values by name.
    std::vector<std::string> names{};                  ///< Of what is recomputed,
    std::vector<std::string> values{};  ///< as JSON; none where `error` says why not.
    std::string error{};
  };

  /// `precision`: of the records' `received`, within which nobody knows what was known.
  SkewCheck(const preprocessing::PipelineSpec& spec, std::chrono::microseconds precision)
      : spec_(spec), precision_(precision) {}

  /// Calls AddLine() for the lines of one request of the pipeline; or says why it cannot be.
  virtual std::optional<std::string> Recompute(const CaptureRecord& record) = 0;
  void AddLine(const Line& line);
  /// What is left out of a request of which other rows are compared.
  void Skip(const std::string& why);
  /// By when what the record's answer was made of was known.
  [[nodiscard]] Instant KnownBy(const CaptureRecord& record) const {
    return record.received + precision_;
  }
  [[nodiscard]] const preprocessing::PipelineSpec& spec() const noexcept { return spec_; }

 private:
  const preprocessing::PipelineSpec& spec_;
  std::chrono::microseconds precision_;
  SkewCounts counts_;
  // Of the request at hand.
  const CaptureRecord* record_ = nullptr;
  std::size_t most_ = 0;
  std::vector<SkewedValue>* found_ = nullptr;
};

/// Reads the rows of captured requests.
class CapturedRequests {
 public:
  /// `spec` and `fields`, what a row may have, outlive it.
  CapturedRequests(const preprocessing::PipelineSpec& spec, const preprocessing::Schema& fields);

  /// Why the request's rows cannot be read; none: they are in rows().
  std::optional<std::string> Decode(const CaptureRecord& record);
  [[nodiscard]] const wire::DecodedRequest& rows() const noexcept { return decoded_; }

 private:
  const preprocessing::PipelineSpec& spec_;
  wire::RequestDecoder decoder_;
  wire::DecodedRequest decoded_;
};

/// The features of rows.
class RowSkewCheck final : public SkewCheck {
 public:
  /// Both outlive it; no pipeline with a forecast.
  RowSkewCheck(const preprocessing::PipelineSpec& spec,
               std::span<const preprocessing::Snapshot> snapshots,
               std::chrono::microseconds precision);

 private:
  std::optional<std::string> Recompute(const CaptureRecord& record) override;

  std::span<const preprocessing::Snapshot> snapshots_;
  preprocessing::FeatureComputer computer_;
  CapturedRequests requests_;
  std::vector<preprocessing::Value> values_;
};

}  // namespace forkcast::serving
