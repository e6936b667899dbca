#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "serving/endpoints/scoring_job.hpp"
#include "serving/service/answer_lines.hpp"
#include "serving/wire/tensor_request.hpp"
#include "serving/wire/tensor_rows.hpp"
#include "serving/wire/tensor_writer.hpp"

namespace forkcast::serving {

/// `POST /v2/models/{name}/infer`, of the Open Inference Protocol: rows as tensors, each a field of
/// the request (wire::TensorRows), answered by tensors, each a member of the answer. Where a row
/// has several lines, tensors have a value a line, as CSV has.
class InferenceJob final : public ScoringJob {
 public:
  explicit InferenceJob(Service& service)
      : ScoringJob(service), request_(service.limits.max_depth) {}

 private:
  Result<Catalogue::Entry*> FindDeployment() override;
  Result<BadRows> Receive() override;
  Result<bool> Decode(std::size_t rows) override;
  void StartAnswer() override;
  bool WriteAnswer(std::size_t lines) override;
  void Refuse(const Error& error) override;
  void RefuseRows(const std::vector<wire::RowError>& errors) override;

  Status ReadQuery();
  /// How much of the body is JSON; none: all of it is.
  [[nodiscard]] Result<std::optional<std::size_t>> JsonSize() const;
  /// Those of the deployment that are asked for. kInvalidArgument naming one that there is not.
  Status ChooseOutputs();

  wire::TensorRequest request_;
  wire::TensorRows rows_;
  wire::TensorWriter writer_;
  // Of the request at hand.
  bool tells_freshness_ = false;
  std::string_view deployment_;  // the one that is asked
  std::vector<wire::OutputTensor> outputs_;
  std::vector<std::size_t> parts_;  // by output: its place among the values of a line
  std::size_t width_ = 0;           // of a line
  AnswerLines lines_;
  std::size_t next_ = 0;  // of the rows
  preprocessing::SeriesMask stale_ = 0;
  std::vector<preprocessing::Value> values_;  // of a row: lines x width_
  std::vector<preprocessing::Value> chosen_;  // of a line, by output
};

void DescribeInference(ApiOperation& operation);

}  // namespace forkcast::serving
