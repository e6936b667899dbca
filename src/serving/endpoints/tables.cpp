#include "serving/endpoints/tables.hpp"

#include <string>
#include <string_view>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "serving/http/error_response.hpp"
#include "serving/web/api_operation.hpp"
#include "serving/wire/content_encoding.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::PushReply;
using preprocessing::PushRequest;

constexpr std::size_t kSlice = 262'144;  // of a body, a fraction of a millisecond
constexpr std::size_t kUnpackedSlice = 65'536;
constexpr std::size_t kLongestKey = 256;

constexpr std::string_view kNotAnswered =
    "the refresher has not answered in time; what was sent may have been stored: send it again, "
    "with the same Idempotency-Key";

Status CheckKey(std::string_view key) {
  if (key.size() <= kLongestKey && IsVisibleAscii(key)) return {};
  return Error{ErrorCode::kInvalidArgument,
               "expected at most 256 printable ASCII characters without blanks", "Idempotency-Key"};
}

JsonSchema CountSchema() { return {{"type", "integer"}, {"minimum", 0}}; }

}  // namespace

Status TablesJob::Begin(Exchange& exchange) {
  exchange_ = &exchange;
  body_.Reset();
  copied_ = 0;
  pending_.reset();
  unpacked_.reset();
  const Result<bool> is_packed = wire::IsGzip(exchange.request().content_encoding);
  if (!is_packed) return is_packed.error();
  if (*is_packed) unpacked_.emplace().Start(exchange.request().body, service_.max_body_bytes);
  return {};
}

Progress TablesJob::Work() {
  if (!pending_) {
    const Result<Progress> taken = TakeBody();
    if (taken && *taken == Progress::kMore) return Progress::kMore;
    const Status sent = taken ? Send() : Status(taken.error());
    if (!sent) {
      PutOff(sent.error());
      return Progress::kDone;
    }
  }
  const bool stops = service_.server.stop_deadline_ns.load(std::memory_order_relaxed) != 0;
  const bool is_late = service_.clock.Monotonic() >= exchange_->request().deadline;
  if (pending_->reply()) {
    Answer(*pending_->reply());
  } else if (stops || is_late) {
    PutOff({ErrorCode::kNotReady, std::string(kNotAnswered)});
  } else {
    return Progress::kWaits;
  }
  pending_.reset();
  return Progress::kDone;
}

Result<Progress> TablesJob::TakeBody() {
  if (unpacked_ && !body_) {
    Result<bool> whole = unpacked_->Continue(kUnpackedSlice);
    if (!whole) return std::move(whole).error();
    if (!*whole) return Progress::kMore;
  }
  const std::string_view body = unpacked_ ? unpacked_->text() : exchange_->request().body;
  if (!body_) {
    Result<Fd> made = preprocessing::MakeBody({});
    if (!made) return std::move(made).error();
    body_ = *std::move(made);
  }
  const std::string_view slice = body.substr(copied_, kSlice);
  if (Status written = preprocessing::AppendToBody(body_.get(), slice); !written) {
    return std::move(written).error();
  }
  copied_ += slice.size();
  if (copied_ < body.size()) return Progress::kMore;
  unpacked_.reset();
  return Progress::kDone;
}

Status TablesJob::Send() {
  const Result<PushRequest> request = Ask();
  if (!request) return request.error();
  auto pending = service_.pushes->Send(*request, std::move(body_));
  if (!pending) return std::move(pending).error();
  pending_ = *std::move(pending);
  service_.slot.metrics.Count("pushed_bytes", copied_);
  return {};
}

void TablesJob::PutOff(const Error& error) {
  const bool is_refused = error.code != ErrorCode::kNotReady;
  service_.slot.metrics.Count(is_refused ? MetricId("pushes_refused") : MetricId("pushes_put_off"));
  exchange_->Refuse(error);
  body_.Reset();
}

void TablesJob::Answer(const Result<PushReply>& reply) {
  if (!reply) {
    const bool is_gone = reply.error().code == ErrorCode::kNotReady;
    return PutOff(is_gone ? Error{ErrorCode::kNotReady, std::string(kNotAnswered)} : reply.error());
  }
  service_.slot.metrics.Count("pushed_left_out", reply->left_out);
  if (reply->error) {
    const bool is_put_off = reply->error->code == ErrorCode::kNotReady;
    service_.slot.metrics.Count(is_put_off ? MetricId("pushes_put_off")
                                           : MetricId("pushes_refused"));
    return WriteError(*reply->error, exchange_->id(), reply->json, exchange_->response());
  }
  service_.slot.metrics.Count("pushes_taken");
  service_.slot.metrics.Count("pushed_rows", reply->rows);
  Response& response = exchange_->response();
  response.content_type = wire::MediaType(wire::Format::kJson);
  response.body = reply->json;
}

Result<PushRequest> PushRowsJob::Ask() {
  const RequestView& request = exchange().request();
  if (Status good = CheckKey(request.idempotency_key); !good) return std::move(good).error();
  const Result<bool> partial = exchange().QueryFlag("partial");
  if (!partial) return partial.error();
  const Result<bool> check = exchange().QueryFlag("check");
  if (!check) return check.error();
  return PushRequest{.kind = PushRequest::Kind::kRows,
                     .table = std::string(exchange().PathParameter("name")),
                     .content_type = std::string(request.content_type),
                     .key = std::string(request.idempotency_key),
                     .partial = *partial,
                     .check = *check};
}

void DescribePushRows(ApiOperation& operation) {
  operation.Add({.in = ApiOperation::In::kQuery,
                 .name = "partial",
                 .description = "true: bad rows are left out, and the others taken.",
                 .schema = {{"type", "boolean"}}});
  operation.Add({.in = ApiOperation::In::kQuery,
                 .name = "check",
                 .description = "true: says what would come of it, and stores nothing.",
                 .schema = {{"type", "boolean"}}});
  operation.Add({.in = ApiOperation::In::kHeader,
                 .name = "Idempotency-Key",
                 .description = "The same request with the same key is done once, for a day.",
                 .schema = {{"type", "string"}, {"maxLength", kLongestKey}}});
  const JsonSchema text{{"type", "string"}};
  operation.AddBody("text/csv", text);
  operation.AddBody("application/jsonlines", text);
  operation.AddBody("multipart/form-data", JsonSchema{{"type", "object"}});
  operation.AddAnswer("200", "The rows are stored.", wire::MediaType(wire::Format::kJson),
                      {{"type", "object"},
                       {"required", JsonSchema::array({"table", "rows", "added"})},
                       {"properties",
                        {{"table", text},
                         {"rows", CountSchema()},
                         {"added", CountSchema()},
                         {"identical", CountSchema()},
                         {"replaced", CountSchema()},
                         {"left_out", CountSchema()},
                         {"repeated", {{"type", "boolean"}}},
                         {"checked", {{"type", "boolean"}}},
                         {"files", {{"type", "array"}, {"items", {{"type", "object"}}}}}}}});
}

Result<PushRequest> ListTablesJob::Ask() { return PushRequest{.kind = PushRequest::Kind::kTables}; }

void DescribeListTables(ApiOperation& operation) {
  operation.AddAnswer(
      "200", "Rows, first and last time, and missing periods of each table.", "application/json",
      {{"type", "object"},
       {"required", JsonSchema::array({"tables"})},
       {"properties", {{"tables", {{"type", "array"}, {"items", {{"type", "object"}}}}}}}});
}

Result<PushRequest> ResetTablesJob::Ask() { return PushRequest{.kind = PushRequest::Kind::kReset}; }

void DescribeResetTables(ApiOperation& operation) {
  operation.AddAnswer(
      "200", "The tables have the rows of the original files.", "application/json",
      {{"type", "object"},
       {"required", JsonSchema::array({"tables"})},
       {"properties", {{"tables", {{"type", "array"}, {"items", {{"type", "object"}}}}}}}});
}

}  // namespace forkcast::serving
