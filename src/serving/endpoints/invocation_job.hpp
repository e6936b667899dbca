#pragma once

#include <cstddef>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/features/feature_computer.hpp"
#include "serving/endpoints/scoring_job.hpp"
#include "serving/service/answer_lines.hpp"
#include "serving/wire/answer_writer.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::serving {

/// `POST /invocations`, and the same of a deployment by name: rows in any of the wire's forms,
/// answered in any of them.
class InvocationJob : public ScoringJob {
 public:
  explicit InvocationJob(Service& service) : ScoringJob(service) {}

 protected:
  /// The one that the request names, or the default.
  Result<Catalogue::Entry*> FindDeployment() override;

 private:
  Result<BadRows> Receive() override;
  Result<bool> Decode(std::size_t rows) override;
  void StartAnswer() override;
  bool WriteAnswer(std::size_t lines) override;
  void Refuse(const Error& error) override;
  void RefuseRows(const std::vector<wire::RowError>& errors) override;

  Status ReadQuery();
  /// The deployment of the same model whose version `entry`'s alias meant at the time that
  /// `?model_as_of=TIME` names; `entry` itself without one.
  Result<Catalogue::Entry*> AsOfModel(Catalogue::Entry* entry);
  void WriteRow(std::size_t number);

  // Of the request at hand.
  struct Asked {
    bool partial = false;
    bool features = false;
    bool actuals = false;
    bool freshness = false;
    bool predictions = false;  ///< Rows in CSV, to be answered within `{"predictions": [...]}`.
  };
  Asked asked_;  // by the query, and by what was sent
  wire::Format answer_format_ = wire::Format::kJson;
  std::size_t next_ = 0;  // of the rows
  AnswerLines lines_;
  preprocessing::SeriesMask stale_anywhere_ = 0;
  std::vector<preprocessing::Value> answer_row_;  // lines x what is written of each
};

/// `POST /invocations`, and the same by name.
void DescribeInvocation(ApiOperation& operation);
/// What is asked and answered wherever rows are, in any of the wire's forms.
void DescribeRows(ApiOperation& operation);

}  // namespace forkcast::serving
