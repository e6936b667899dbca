#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "serving/endpoints/route_answer.hpp"
#include "serving/endpoints/scoring_job.hpp"
#include "serving/routes/answer_template.hpp"
#include "serving/routes/route.hpp"
#include "serving/routes/route_rows.hpp"

namespace forkcast::serving {

/// A route that a deployment declares, and that asks its model: its requests become rows, and rows
/// its answer, as the declaration says.
class RouteJob final : public ScoringJob {
 public:
  explicit RouteJob(Service& service) : ScoringJob(service) {}

 private:
  Result<Catalogue::Entry*> FindDeployment() override;
  Result<BadRows> Receive() override;
  Result<bool> Decode(std::size_t rows) override;
  void StartAnswer() override;
  bool WriteAnswer(std::size_t lines) override;
  void Refuse(const Error& error) override;
  void RefuseRows(const std::vector<wire::RowError>& errors) override;
  /// What every deployment understands, unless the declaration means something else by it.
  Status ReadQuery();
  /// Whether its declaration gives a parameter of the query a meaning of its own.
  [[nodiscard]] bool HasInput(std::string_view name) const;
  /// Makes the error that stands in the response one of the route's.
  void Shape(const Error& error, std::optional<std::size_t> row);

  std::shared_ptr<const Route> route_;
  std::optional<RouteRows> reader_;  // of the route
  // Of the request at hand.
  std::vector<std::string_view> segments_;
  bool tells_freshness_ = false;
  RouteAnswer answer_;
  TemplateWriter writer_;
};

/// `GET` or `POST` of a route that asks no model: its answer, which is the same for all.
void AnswerFixedRoute(Exchange& exchange, Service& service);

}  // namespace forkcast::serving
