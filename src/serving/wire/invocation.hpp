#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/table/table.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::model {
struct DriftReference;
}

namespace forkcast::wire {

/// One invocation as hooks see it, filled in as it goes: `request` before OnRequest(), `rows`
/// before OnRows(), `features` before OnFeatures(), `outputs` before OnOutputs(), `answer` before
/// OnAnswer(). Everything is a view that ends with the call.
struct Invocation {
  struct Request {
    std::string_view id;                 ///< The caller's, or made by the server.
    std::string_view inference_id;       ///< X-Amzn-SageMaker-Inference-Id; empty when not sent.
    std::string_view custom_attributes;  ///< X-Amzn-SageMaker-Custom-Attributes; empty likewise.
    std::string_view traceparent;        ///< The W3C's; empty when none was sent that is valid.
    std::string_view content_type;       ///< As sent; empty means JSON.
    std::string_view body;               ///< Without its content coding.
    Instant received;
    char csv_delimiter = ',';  ///< Of a body in CSV.
  };
  /// Only the rows that could be decoded.
  struct Rows {
    const preprocessing::Table* fields = nullptr;  ///< Null until they are.
    std::span<const std::size_t> row_numbers{};    ///< Position of each row within the request.
  };
  /// Features, or the outputs of the model, by line: a row of a request is one, or of a forecast
  /// one a step.
  struct Values {
    std::span<const std::string> names;
    /// Row-major, lines x names.size(); only of the rows that could be computed.
    std::span<const preprocessing::Value> values;
    std::span<const std::size_t> row_numbers;  ///< Position of each line's row within the request.
  };
  struct Answer {
    int status = 200;  ///< HTTP status; below 400 when `features` is filled.
    std::string_view content_type;
    std::string_view body;
    std::chrono::nanoseconds latency{0};  ///< From the first byte read to the answer made.
    /// What went to each stage, by LatencyStage (serving/metrics).
    std::span<const std::chrono::nanoseconds> stages{};
  };

  std::string_view deployment{};  ///< That was asked,
  std::string_view route{};       ///< by the endpoint of this path.
  std::string_view pipeline;
  std::string_view model_version;
  /// Of the version that answers; null where none is known. Only handed through here.
  const model::DriftReference* drift_reference = nullptr;
  Request request;
  Rows rows{};
  Values features;
  Values outputs{};
  Answer answer;
};

}  // namespace forkcast::wire
