#include "serving/endpoints/route_answer.hpp"

#include "serving/routes/route_error.hpp"

namespace forkcast::serving {

using preprocessing::Value;

void RouteAnswer::Use(const Route& route, const ServedPipeline& pipeline) {
  route_ = &route;
  outputs_ = OutputsOf(pipeline);
}

void RouteAnswer::Start(const RouteRows& sent, const ScoringSteps& steps,
                        std::string_view request_id) {
  sent_ = &sent;
  steps_ = &steps;
  request_id_ = request_id;
  const Scores& scores = steps.scores;
  stale_ = 0;
  for (const preprocessing::SeriesMask mask : scores.stale) stale_ |= mask;
  rows_.assign(steps.decoded.row_count, {});
  for (std::size_t line = scores.row_numbers.size(); line > 0; --line) {
    Row& row = rows_[scores.row_numbers[line - 1]];
    row.first_line = line - 1;
    ++row.lines;
  }
  for (const auto* errors : {&steps.decoded.errors, &scores.errors}) {
    for (const wire::RowError& error : *errors) rows_[error.row].error = &error;
  }
}

Value RouteAnswer::Output(std::size_t line, std::size_t output) const {
  const Scores& scores = steps_->scores;
  return scores.outputs[line * (scores.outputs.size() / scores.rows.size()) + output];
}

Value RouteAnswer::RowValue(std::size_t row, std::size_t name) const {
  const std::size_t line = rows_[row].first_line;
  if (name < outputs_.row.size()) return Output(line, outputs_.row[name]);
  return ValueAt(steps_->decoded.rows.column(name - outputs_.row.size()),
                 steps_->scores.rows[line]);
}

Value RouteAnswer::StepValue(std::size_t row, std::size_t step, std::size_t name) const {
  return Output(rows_[row].first_line + step, outputs_.step[name]);
}

void RouteAnswer::AppendRequest(std::size_t row, std::string_view member, std::string& out) const {
  sent_->AppendRequest(row, member, out);
}

bool RouteAnswer::AppendBadRow(std::size_t row, std::string& out) const {
  const wire::RowError* const bad = rows_[row].error;
  if (bad == nullptr) return false;
  const Error error = AsCallersKnow(*route_, bad->error);
  AppendError(*route_, *route_->error_row(),
              {.error = error, .request_id = request_id_, .row = row, .sent = sent_}, out);
  return true;
}

}  // namespace forkcast::serving
