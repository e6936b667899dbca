#include "serving/endpoints/page.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "serving/config/server_config.hpp"
#include "serving/http/request_reader.hpp"
#include "serving/page/page_assets.hpp"
#include "serving/page/page_logs.hpp"
#include "serving/page/page_models.hpp"
#include "serving/page/page_series.hpp"
#include "serving/page/page_watch.hpp"
#include "serving/web/api_operation.hpp"
#include "serving/web/api_schema.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

constexpr std::string_view kForGood = "public, max-age=31536000, immutable";
constexpr std::string_view kAskAgain = "no-cache";
/// What is asked anew each time is nobody else's.
constexpr std::string_view kForNobody = "no-store";
constexpr std::size_t kShownVersions = 50;
constexpr std::size_t kMostBodyBytes = 65'536;  // of what is no rows

/// The machine's name, or the container's.
std::string HostName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

PageServer ServerOf(const Service& service) {
  return {.worker = static_cast<std::size_t>(&service.slot - service.slots.data()),
          .host = HostName()};
}

Result<PageAnswer> AsAnswer(Result<std::string> json) {
  if (!json) return std::move(json).error();
  return PageAnswer{.body = *std::move(json)};
}

/// By which browsers ask whether a file is still what they have.
std::string FileTag() { return fmt::format("\"{}\"", PageVersion()); }

/// What every answer to a browser says.
void AddPageHeaders(Response& response, std::string_view caching) {
  response.AddHeader("Cache-Control", caching);
  if (caching != kForNobody) response.AddHeader("ETag", FileTag());
  response.AddHeader("Content-Security-Policy", kPagePolicy);
  response.AddHeader("X-Content-Type-Options", "nosniff");
  response.AddHeader("Referrer-Policy", "no-referrer");
}

JsonSchema Number() { return {{"type", "number"}}; }

}  // namespace

// ------------------------------------------------------------------- the desk

Status PageJob::Begin(Exchange& exchange) {
  exchange_ = &exchange;
  pending_.reset();
  caching_ = kForNobody;
  return {};
}

Progress PageJob::Work() {
  if (!pending_) {
    Result<PageDesk::Question> question = Ask();
    if (!question) {
      exchange_->Refuse(question.error());
      return Progress::kDone;
    }
    if (!*question) return Progress::kDone;
    auto pending = service_.page->Ask(*std::move(question));
    if (!pending) {
      exchange_->Refuse(pending.error());
      return Progress::kDone;
    }
    pending_ = *std::move(pending);
    return Progress::kWaits;
  }
  const bool stops = service_.server.stop_deadline_ns.load(std::memory_order_relaxed) != 0;
  if (const Result<PageAnswer>* const answer = pending_->answer()) {
    Answer(*answer);
  } else if (stops) {
    exchange_->Refuse({ErrorCode::kNotReady, "the server is stopping"});
  } else if (service_.clock.Monotonic() >= exchange_->request().deadline) {
    exchange_->Refuse({ErrorCode::kDeadlineExceeded, "this was not found out in time"});
  } else {
    return Progress::kWaits;
  }
  pending_.reset();
  return Progress::kDone;
}

void PageJob::Answer(const Result<PageAnswer>& answer) {
  if (!answer) return exchange_->Refuse(answer.error());
  Response& response = exchange_->response();
  response.content_type = answer->content_type;
  response.body = answer->body;
  if (answer->is_packed) {
    response.AddHeader("Content-Encoding", "gzip");
    response.AddHeader("Vary", "Accept-Encoding");
  }
  if (!answer->file_name.empty()) {
    response.AddHeader("Content-Disposition",
                       fmt::format("attachment; filename=\"{}\"", answer->file_name));
  }
  AddPageHeaders(response, caching_);
}

Result<PageDesk::Question> PageJob::AskForFile(std::string_view caching, ReadFile read) {
  caching_ = caching;
  if (Header("If-None-Match").find(FileTag()) != std::string_view::npos) {
    exchange().response().status = 304;
    AddPageHeaders(exchange().response(), caching_);
    return PageDesk::Question();
  }
  const bool packed = wire::PrefersGzip(exchange().request().accept_encoding);
  return PageDesk::Question([packed, read = std::move(read)] { return read(packed); });
}

std::string_view PageJob::Header(std::string_view name) const {
  const RequestReader* const reader = exchange_->peer().reader;
  return reader == nullptr ? std::string_view() : reader->Find(name).value;
}

Result<std::string> PageJob::Parameter(std::string_view name) const {
  Result<std::optional<std::string>> value = exchange_->QueryParameter(name);
  if (!value) return std::move(value).error();
  return std::move(*value).value_or("");
}

Result<std::optional<double>> PageJob::NumberParameter(std::string_view name) const {
  const Result<std::string> text = Parameter(name);
  if (!text) return text.error();
  if (text->empty()) return std::optional<double>();
  double number = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (problem != std::errc() || end != text->data() + text->size()) {
    return Error{ErrorCode::kInvalidArgument, "expected a number", std::string(name)};
  }
  return std::optional(number);
}

Result<std::size_t> PageJob::CountParameter(std::string_view name, std::size_t fallback) const {
  const Result<std::string> text = Parameter(name);
  if (!text) return text.error();
  if (text->empty()) return fallback;
  std::size_t count = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), count);
  if (problem != std::errc() || end != text->data() + text->size() || count == 0) {
    return Error{ErrorCode::kInvalidArgument, "expected a whole number from 1 on",
                 std::string(name)};
  }
  return count;
}

Result<std::shared_ptr<const ServedPipeline>> PageJob::FindPipeline() const {
  const Result<Catalogue::Entry*> found = service_.catalogue.Find(exchange_->PathParameter("name"));
  if (!found) return found.error();
  return (*found)->deployment.pipeline;
}

// -------------------------------------------------------------------- its files

Result<PageDesk::Question> PageDocumentJob::Ask() { return AskForFile(kAskAgain, PageDocument); }

Result<PageDesk::Question> PageFileJob::Ask() {
  std::string name(exchange().PathParameter("name"));
  if (!HasPageFile(name)) {
    return Error{ErrorCode::kNotFound, "the page has no such file", "name"};
  }
  // While two generations of workers answer, a page of one may ask the other.
  const bool is_ours = exchange().PathParameter("version") == PageVersion();
  return AskForFile(is_ours ? kForGood : kAskAgain,
                    [file = std::move(name)](bool packed) { return PageFile(file, packed); });
}

// ------------------------------------------------------------- what is served

Result<PageDesk::Question> PageDeploymentsJob::Ask() {
  if (!service().catalogue.is_ready()) return Catalogue::NotReady();
  std::vector<PageDeployment> deployments;
  for (const Catalogue::Entry& entry : service().catalogue.entries()) {
    deployments.push_back({.name = entry.deployment.name, .pipeline = entry.deployment.pipeline});
  }
  return PageDesk::Question(
      [served = std::move(deployments), server = ServerOf(service())]() -> Result<PageAnswer> {
        return PageAnswer{.body = DescribeDeployments(served, server)};
      });
}

Result<PageDesk::Question> PageKeysJob::Ask() {
  auto pipeline = FindPipeline();
  if (!pipeline) return std::move(pipeline).error();
  KeyQuestion asked;
  Result<std::string> search = Parameter("q");
  Result<std::string> field = Parameter("field");
  const Result<std::size_t> limit = CountParameter("limit", asked.limit);
  if (!search) return std::move(search).error();
  if (!field) return std::move(field).error();
  if (!limit) return limit.error();
  asked = {.field = *std::move(field), .search = *std::move(search), .limit = *limit};
  return PageDesk::Question([served = *std::move(pipeline), question = std::move(asked)] {
    return AsAnswer(ListKeys(*served, question));
  });
}

Result<PageDesk::Question> PageHistoryJob::Ask() {
  auto pipeline = FindPipeline();
  if (!pipeline) return std::move(pipeline).error();
  HistoryQuestion asked;
  Result<std::string> key = Parameter("key");
  Result<std::string> value = Parameter("value");
  const Result<std::optional<double>> from = NumberParameter("from");
  const Result<std::optional<double>> to = NumberParameter("to");
  const Result<std::size_t> points = CountParameter("points", asked.points);
  if (!key) return std::move(key).error();
  if (!value) return std::move(value).error();
  if (!from) return from.error();
  if (!to) return to.error();
  if (!points) return points.error();
  asked = {.key = *std::move(key),
           .value = *std::move(value),
           .from = *from,
           .to = *to,
           .points = *points};
  return PageDesk::Question([served = *std::move(pipeline), question = std::move(asked)] {
    return AsAnswer(DescribeHistory(*served, question));
  });
}

Result<Catalogue::Entry*> PageInvocationJob::FindDeployment() {
  const PageServer server = ServerOf(service());
  response().AddHeader("X-Forkcast-Worker", fmt::format("{}", server.worker));
  response().AddHeader("X-Forkcast-Host", server.host);
  return InvocationJob::FindDeployment();
}

// ----------------------------------------------------------------- the registry

Result<PageDesk::Question> PageModelsJob::Ask() {
  return PageDesk::Question([models = service().config->models] {
    return AsAnswer(ListVersions(models, kShownVersions));
  });
}

Result<PageDesk::Question> PageVersionJob::Ask() {
  return PageDesk::Question([models = service().config->models,
                             model = std::string(exchange().PathParameter("model")),
                             version = std::string(exchange().PathParameter("version"))] {
    return AsAnswer(DescribeVersion(models, model, version));
  });
}

Result<PageDesk::Question> PagePromoteJob::Ask() {
  const std::string_view body = exchange().request().body;
  if (body.size() > kMostBodyBytes) {
    return Error{ErrorCode::kTooLarge, fmt::format("expected at most {} bytes", kMostBodyBytes)};
  }
  return PageDesk::Question(
      [models = service().config->models, model = std::string(exchange().PathParameter("model")),
       text = std::string(body)] { return AsAnswer(PromoteVersion(models, model, text)); });
}

// ------------------------------------------------------------- watch and logs

Result<PageDesk::Question> PageWatchJob::Ask() {
  const Service& all = service();
  const PageWatch watch{
      .slots = all.slots, .server = all.server, .counts = all.counts, .drift = all.drift};
  return PageDesk::Question(
      [watch, server = ServerOf(all), now = all.clock.Now()]() -> Result<PageAnswer> {
        return PageAnswer{.body = DescribeWatch(watch, server, now)};
      });
}

Result<PageDesk::Question> PageLogsJob::Ask() {
  return PageDesk::Question([logs = LogsOf(*service().config)]() -> Result<PageAnswer> {
    return PageAnswer{.body = ListLogs(logs)};
  });
}

Result<PageDesk::Question> PageLogJob::Ask() {
  LogQuestion asked;
  Result<std::string> search = Parameter("q");
  const Result<std::size_t> lines = CountParameter("lines", asked.lines);
  const Result<bool> download = exchange().QueryFlag("download");
  if (!search) return std::move(search).error();
  if (!lines) return lines.error();
  if (!download) return download.error();
  asked = {.name = std::string(exchange().PathParameter("log")),
           .search = *std::move(search),
           .lines = *lines};
  return PageDesk::Question(
      [logs = LogsOf(*service().config), question = std::move(asked), as_file = *download] {
        return as_file ? DownloadLog(logs, question) : AsAnswer(TailLog(logs, question));
      });
}

// ------------------------------------------------------------------ OpenAPI

void DescribePageDocument(ApiOperation& operation) {
  operation.AddAnswer("200", "The page.", "text/html", TextSchema());
}

void DescribePageFile(ApiOperation& operation) {
  operation.AddAnswer("200", "The file.", "text/plain", TextSchema());
}

void DescribePageQuestion(ApiOperation& operation) {
  operation.AddAnswer("200", "What the page shows; it may change from version to version.",
                      wire::MediaType(wire::Format::kJson), {{"type", "object"}});
}

void DescribePageKeys(ApiOperation& operation) {
  operation.Add({.name = "q", .description = "A part of a key.", .schema = TextSchema()});
  operation.Add({.name = "field",
                 .description = "A field of the request, instead of the key that is forecast.",
                 .schema = TextSchema()});
  operation.Add({.name = "limit", .description = "At most so many keys.", .schema = Number()});
  DescribePageQuestion(operation);
}

void DescribePageHistory(ApiOperation& operation) {
  operation.Add({.name = "key",
                 .description = "A JSON array with the key's values.",
                 .required = true,
                 .schema = TextSchema()});
  operation.Add({.name = "value",
                 .description = "A value of the series; that which is forecast by default.",
                 .schema = TextSchema()});
  operation.Add({.name = "from", .description = "Milliseconds since 1970.", .schema = Number()});
  operation.Add({.name = "to", .description = "Milliseconds since 1970.", .schema = Number()});
  operation.Add({.name = "points", .description = "At most so many.", .schema = Number()});
  DescribePageQuestion(operation);
}

void DescribePagePromotion(ApiOperation& operation) {
  operation.AddBody(wire::MediaType(wire::Format::kJson),
                    {{"type", "object"},
                     {"required", JsonSchema::array({"version"})},
                     {"properties",
                      {{"version", {{"type", "integer"}}},
                       {"alias", TextSchema()},
                       {"force", {{"type", "boolean"}}}}}},
                    {{"version", 1}});
  DescribePageQuestion(operation);
}

void DescribePageLog(ApiOperation& operation) {
  operation.Add({.name = "q", .description = "A part of a line.", .schema = TextSchema()});
  operation.Add({.name = "lines", .description = "At most so many.", .schema = Number()});
  operation.Add({.name = "download",
                 .description = "true: as a file of text.",
                 .schema = {{"type", "boolean"}}});
  DescribePageQuestion(operation);
}

}  // namespace forkcast::serving
