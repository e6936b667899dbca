#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "serving/routes/answer_template.hpp"
#include "serving/routes/route.hpp"
#include "serving/routes/route_rows.hpp"
#include "serving/service/route_subject.hpp"
#include "serving/service/scoring_steps.hpp"
#include "serving/service/served_pipeline.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::serving {

/// What the rows of a request of a route came to, as the route's answer takes it: by row, while
/// scores are by line. Used for one request after the other.
class RouteAnswer final : public TemplateValues {
 public:
  /// What follows is of this route, which is bound to the pipeline.
  void Use(const Route& route, const ServedPipeline& pipeline);
  /// All live as long as this is used. The rows of `steps`, those that
  /// were `sent`, are scored.
  void Start(const RouteRows& sent, const ScoringSteps& steps, std::string_view request_id);

  /// The series whose data were too old for some row.
  [[nodiscard]] preprocessing::SeriesMask stale() const noexcept { return stale_; }

  [[nodiscard]] std::size_t rows() const override { return rows_.size(); }
  [[nodiscard]] std::size_t steps(std::size_t row) const override { return rows_[row].lines; }
  [[nodiscard]] preprocessing::Value RowValue(std::size_t row, std::size_t name) const override;
  [[nodiscard]] preprocessing::Value StepValue(std::size_t row, std::size_t step,
                                               std::size_t name) const override;
  void AppendRequest(std::size_t row, std::string_view member, std::string& out) const override;
  bool AppendBadRow(std::size_t row, std::string& out) const override;

 private:
  struct Row {
    std::size_t first_line = 0;
    std::size_t lines = 0;                  ///< 0: it could not be answered.
    const wire::RowError* error = nullptr;  ///< Why not.
  };

  [[nodiscard]] preprocessing::Value Output(std::size_t line, std::size_t output) const;

  const Route* route_ = nullptr;
  SubjectOutputs outputs_;
  const RouteRows* sent_ = nullptr;
  const ScoringSteps* steps_ = nullptr;
  std::string_view request_id_;
  std::vector<Row> rows_;  // by number
  preprocessing::SeriesMask stale_ = 0;
};

}  // namespace forkcast::serving
