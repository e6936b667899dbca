#include "serving/endpoints/route_job.hpp"

#include <algorithm>
#include <utility>

#include "serving/http/error_response.hpp"
#include "serving/routes/route_error.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

Result<Catalogue::Found> FindRoute(const Exchange& exchange, Service& service) {
  return service.catalogue.FindRoute(exchange.endpoint().method, exchange.endpoint().path);
}

}  // namespace

Result<Catalogue::Entry*> RouteJob::FindDeployment() {
  auto found = FindRoute(exchange(), service());
  if (!found) return std::move(found).error();
  if (route_ != found->route) {
    route_ = std::move(found->route);
    reader_.emplace(*route_, service().limits);
    answer_.Use(*route_, *found->entry->deployment.pipeline);
  }
  return found->entry;
}

Result<ScoringJob::BadRows> RouteJob::Receive() {
  tells_freshness_ = false;
  if (!request().query.empty()) {
    if (Status read = ReadQuery(); !read) return std::move(read).error();
  }
  segments_.clear();
  for (const Route::Input& input : route_->inputs()) {
    if (input.place != RoutePlace::kPath) continue;
    segments_.push_back(exchange().PathParameter(input.name));
  }
  Status started = reader_->Start({.segments = segments_,
                                   .query = request().query,
                                   .content_type = request().content_type,
                                   .body = body()},
                                  steps().decoded);
  if (!started) return std::move(started).error();
  return route_->error_row() ? BadRows::kToldInPlace : BadRows::kFailAll;
}

Status RouteJob::ReadQuery() {
  if (!HasInput("as_of")) {
    if (Status read = ReadAsOf(); !read) return read;
  }
  if (HasInput("freshness")) return {};
  const Result<bool> fresh = exchange().QueryFlag("freshness");
  if (!fresh) return fresh.error();
  tells_freshness_ = *fresh;
  return {};
}

bool RouteJob::HasInput(std::string_view name) const {
  return std::ranges::any_of(route_->inputs(), [name](const Route::Input& input) {
    return input.place == RoutePlace::kQuery && input.name == name;
  });
}

Result<bool> RouteJob::Decode(std::size_t rows) { return reader_->Continue(rows); }

void RouteJob::StartAnswer() {
  response().content_type = wire::MediaType(wire::Format::kJson);
  if (tells_freshness_) TellFreshness();
  answer_.Start(*reader_, steps(), exchange().id());
  TellStale(answer_.stale());
  TellFlags();
  writer_.Start(route_->answer(), answer_, response().body);
}

bool RouteJob::WriteAnswer(std::size_t lines) { return writer_.Continue(lines); }

void RouteJob::Refuse(const Error& error) {
  const Error known = AsCallersKnow(*route_, error);
  exchange().Refuse(known);
  Shape(known, {});
}

void RouteJob::RefuseRows(const std::vector<wire::RowError>& errors) {
  std::vector<wire::RowError> known;
  for (const wire::RowError& bad : errors) {
    known.push_back({.row = bad.row, .error = AsCallersKnow(*route_, bad.error)});
  }
  WriteRowErrors(known, exchange().id(), response());
  Shape(known.front().error, known.front().row);
}

void RouteJob::Shape(const Error& error, std::optional<std::size_t> row) {
  response().status = route_->StatusOf(error.code);
  if (!route_->error_body()) return;
  exchange().KeepErrorForm();
  response().body.clear();
  AppendError(*route_, *route_->error_body(),
              {.error = error, .request_id = exchange().id(), .row = row}, response().body);
}

void AnswerFixedRoute(Exchange& exchange, Service& service) {
  const auto found = FindRoute(exchange, service);
  if (!found) return exchange.Refuse(found.error());
  Response& response = exchange.response();
  response.content_type = wire::MediaType(wire::Format::kJson);
  response.body = found->route->answer().text();
}

}  // namespace forkcast::serving
