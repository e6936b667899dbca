#include "serving/http/router.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <exception>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "serving/http/error_response.hpp"
#include "serving/http/guarded_job.hpp"
#include "serving/process/worker_slot.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

constexpr std::size_t kMaxIdBytes = 128;
// A smaller answer fits into one packet anyway.
constexpr std::size_t kWorthPacking = 1024;
constexpr std::size_t kPackedInASlice = 65536;  // about a millisecond
constexpr std::size_t kKeptPacked = 262144;
constexpr std::size_t kMaxAttributesBytes = 1024;  // SageMaker's limit

/// By arithmetic, which the compiler does for many at once.
char HexDigit(unsigned value) noexcept {
  return static_cast<char>(value + (value < 10 ? '0' : 'a' - 10));
}

/// The methods that a row answers, for the header Allow.
std::string_view MethodsOf(const Endpoint& endpoint) {
  switch (endpoint.method) {
    case Method::kGet:
      return "GET, HEAD";
    case Method::kPost:
      return "POST";
    case Method::kDelete:
      return "DELETE";
    case Method::kHead:
    case Method::kOptions:
    case Method::kOther:
      break;
  }
  throw std::invalid_argument("an endpoint is asked by GET, POST or DELETE");
}

bool Answers(const Endpoint& endpoint, Method method) noexcept {
  return endpoint.method == method || (endpoint.method == Method::kGet && method == Method::kHead);
}

/// Gives an error the form that its endpoint's callers expect.
void Wrap(ErrorForm form, const RequestView& request, std::string_view id, Response& response) {
  if (response.status < 400) return;
  switch (form) {
    case ErrorForm::kPlain:
      if (wire::AcceptsProblem(request.accept)) WrapAsProblem(id, response);
      return;
    case ErrorForm::kOwn:
      return;
    case ErrorForm::kSageMaker:
      return WrapForSageMaker(response);
    case ErrorForm::kModels:
      return WrapForModels(response);
    case ErrorForm::kInference:
      return WrapForInference(response);
  }
}

/// "A, B, C" as "A, B or C".
std::string ForPeople(std::string_view list, std::string_view word) {
  std::string text(list);
  if (const std::size_t last = text.rfind(", "); last != std::string::npos) {
    text.replace(last, 2, word);
  }
  return text;
}

}  // namespace

Router::Router(std::span<const Endpoint> endpoints, Service& service, WorkerSlot& slot,
               SeriesWriter& series, spdlog::logger& log, std::uint64_t seed, CorsPolicy cors,
               const Guards* guards)
    : service_(service),
      slot_(slot),
      series_(series),
      log_(log),
      unrouted_(series, {}, "other"),
      cors_(std::move(cors)),
      guards_(guards),
      random_(seed) {
  for (const Endpoint& endpoint : endpoints) {
    Add(endpoint);
    const std::string_view methods = MethodsOf(endpoint);
    if (allow_.find(methods) == std::string::npos) {
      allow_.append(allow_.empty() ? "" : ", ").append(methods);
    }
  }
}

void Router::Add(const Endpoint& endpoint) {
  const auto has_path = [this, &endpoint](const Path& path) {
    return rows_[path.rows.front()].endpoint.path == endpoint.path;
  };
  auto path = std::ranges::find_if(paths_, has_path);
  if (path == paths_.end()) {
    path = paths_.insert(paths_.end(), Path{.pattern = PathPattern(endpoint.path)});
  }
  path->rows.push_back(rows_.size());
  path->allow.append(path->allow.empty() ? "" : ", ").append(MethodsOf(endpoint));
  path->expected = "expected " + ForPeople(path->allow, " or ");
  rows_.push_back({.endpoint = endpoint, .scopes = RouteScopes(series_, endpoint.path)});
}

Progress Router::RefusePath(Exchange& exchange) {
  exchange.errors_ = FormOf(exchange.request().path);
  static_cast<void>(Identify(exchange));
  if (exchange.request().path == "*") {  // of OPTIONS: the server as a whole
    exchange.Refuse({ErrorCode::kMethodNotAllowed, "expected a path, not *"});
    exchange.response().AddHeader("Allow", allow_);
    return Progress::kDone;
  }
  std::string all;
  for (const Path& path : paths_) {
    all.append(all.empty() ? "" : ", ").append(rows_[path.rows.front()].endpoint.path);
  }
  return Refuse({ErrorCode::kNotFound, "no such path; there are " + ForPeople(all, " and ")},
                exchange);
}

ErrorForm Router::FormOf(std::string_view path) const noexcept {
  for (const Path& one : paths_) {
    const ErrorForm form = rows_[one.rows.front()].endpoint.errors;
    const bool is_of_all = form == ErrorForm::kSageMaker || form == ErrorForm::kInference;
    if (is_of_all && path.starts_with(one.pattern.beginning())) return form;
  }
  return ErrorForm::kPlain;
}

void Router::AnswerFault(const RequestFault& fault, const RequestView& seen, Response& response) {
  std::string id;
  static_cast<void>(ResolveId(seen, id));
  response.AddHeader("X-Request-Id", id);
  WriteFault(fault, id, response);
  if (const auto held_back = faults_.Pass(seen.started)) {
    log_.info("request_refused request_id={:?} path={:?} status={} reason={:?} suppressed={}", id,
              seen.path, response.status, fault.message, *held_back);
  }
  Wrap(FormOf(seen.path), seen, id, response);
  cors_.AddTo(response, seen.origin);
  CountAnswer(response.status, unrouted_);
}

void Router::CountAnswer(int status, RequestScope& scope) noexcept {
  scope.CountAnswer(status);
  slot_.metrics.Count("requests");
  if (status >= 500) {
    slot_.metrics.Count("server_errors");
  } else if (status >= 400) {
    slot_.metrics.Count("client_errors");
  }
}

void Router::Handle(const RequestView& request, Response& response) noexcept {
  Progress progress = Start(request, response, whole_);
  while (progress != Progress::kDone) progress = Continue(whole_);
}

template <typename Slice>
Progress Router::Run(Exchange& exchange, Slice slice) noexcept {
  Response& response = exchange.response();
  try {
    if (exchange.packer_ == nullptr) {
      if (const Progress progress = slice(); progress != Progress::kDone) return progress;
      Wrap(exchange.errors_, exchange.request(), exchange.id_, response);
      if (!exchange.request().accept_encoding.empty() && !response.is_stream) {
        BeginPacking(exchange);
      }
    }
    if (exchange.packer_ != nullptr && Pack(exchange) == Progress::kMore) return Progress::kMore;
  } catch (const std::exception& error) {
    log_.error("request_failed request_id={:?} path={:?} error={:?}", exchange.id_,
               exchange.request().path, error.what());
    exchange.job_.reset();
    exchange.packer_.reset();
    response.Clear();
    exchange.Refuse({ErrorCode::kInternal, error.what()});
  }
  cors_.AddTo(response, exchange.request().origin);
  CountAnswer(response.status, *exchange.scope_);
  return Progress::kDone;
}

Progress Router::Start(const RequestView& request, Response& response,
                       Exchange& exchange) noexcept {
  exchange.request_ = &request;
  exchange.response_ = &response;
  exchange.id_.clear();
  exchange.errors_ = ErrorForm::kPlain;
  exchange.scope_ = &unrouted_;
  exchange.parameter_names_ = {};
  exchange.caller_.reset();
  exchange.packer_.reset();
  return Run(exchange, [&] { return Route(exchange); });
}

Progress Router::Continue(Exchange& exchange) noexcept {
  return Run(exchange, [&] {
    slot_.request_id.Store(exchange.id_);
    return Work(exchange);
  });
}

const Router::Path* Router::Find(std::string_view path,
                                 PathPattern::Values& values) const noexcept {
  const auto found = std::ranges::find_if(
      paths_, [path, &values](const Path& one) { return one.pattern.Match(path, values); });
  return found == paths_.end() ? nullptr : &*found;
}

const std::size_t* Router::FindRow(const Path& path, Method method) const noexcept {
  const auto found = std::ranges::find_if(
      path.rows, [this, method](std::size_t row) { return Answers(rows_[row].endpoint, method); });
  return found == path.rows.end() ? nullptr : &*found;
}

Progress Router::Route(Exchange& exchange) {
  const RequestView& request = exchange.request();
  PathPattern::Values values;
  const Path* const path = Find(request.path, values);
  if (path == nullptr) return RefusePath(exchange);
  Row& first = rows_[path->rows.front()];
  exchange.scopes_ = &first.scopes;
  exchange.scope_ = &first.scopes.of_none();
  exchange.errors_ = first.endpoint.errors;
  if (first.endpoint.load == Load::kWork) {
    if (Status identified = Identify(exchange); !identified) {
      return Refuse(identified.error(), exchange);
    }
  }
  if (Status decoded = DecodeParameters(*path, values, exchange); !decoded) {
    return Refuse(decoded.error(), exchange);
  }
  const std::size_t* const row = FindRow(*path, request.method);
  if (row != nullptr) return Begin(*row, exchange);
  if (request.method == Method::kOptions && !request.preflight_method.empty() &&
      cors_.Allows(request.origin)) {
    CorsPolicy::AddPreflight(path->allow, exchange.response());
    return Progress::kDone;
  }
  if (exchange.id_.empty()) static_cast<void>(Identify(exchange));
  exchange.Refuse({ErrorCode::kMethodNotAllowed, path->expected});
  exchange.response().AddHeader("Allow", path->allow);
  return Progress::kDone;
}

Progress Router::Refuse(const Error& error, Exchange& exchange) {
  exchange.Refuse(error);
  return Progress::kDone;
}

Status Router::DecodeParameters(const Path& path, const PathPattern::Values& values,
                                Exchange& exchange) {
  exchange.parameter_names_ = path.pattern.names();
  for (std::size_t i = 0; i < exchange.parameter_names_.size(); ++i) {
    if (!DecodeEscapes(values[i], Plus::kItself, exchange.parameters_[i])) {
      return MalformedEscape(exchange.parameter_names_[i]);
    }
  }
  return {};
}

Status Router::ResolveId(const RequestView& request, std::string& id) {
  const bool is_inference_id = !request.inference_id.empty();
  const std::string_view given = is_inference_id ? request.inference_id : request.request_id;
  const bool is_good = given.size() <= kMaxIdBytes && IsPrintableAscii(given);
  if (given.empty() || !is_good) {
    const std::array<std::uint64_t, 2> bits{random_(), random_()};
    const auto bytes = std::bit_cast<std::array<std::uint8_t, 16>>(bits);
    std::array<char, 32> digits{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      digits[2 * i] = HexDigit(bytes[i] & 15U);
      digits[2 * i + 1] = HexDigit(bytes[i] >> 4U);
    }
    id.assign(digits.data(), digits.size());
  } else {
    id = given;
  }
  if (!is_good) {
    return Error{ErrorCode::kInvalidArgument, "expected at most 128 printable ASCII characters",
                 is_inference_id ? "X-Amzn-SageMaker-Inference-Id" : "X-Request-Id"};
  }
  return {};
}

Status Router::Identify(Exchange& exchange) {
  const RequestView& request = exchange.request();
  Response& response = exchange.response();
  Status resolved = ResolveId(request, exchange.id_);
  slot_.request_id.Store(exchange.id_);
  response.AddHeader("X-Request-Id", exchange.id_);
  if (!resolved) return resolved;
  if (!request.inference_id.empty()) {
    response.AddHeader("X-Amzn-SageMaker-Inference-Id", exchange.id_);
  }
  const std::string_view attributes = request.custom_attributes;
  if (attributes.size() > kMaxAttributesBytes || !IsPrintableAscii(attributes)) {
    return Error{ErrorCode::kInvalidArgument, "expected at most 1024 printable ASCII characters",
                 "X-Amzn-SageMaker-Custom-Attributes"};
  }
  if (!attributes.empty()) {
    response.AddHeader("X-Amzn-SageMaker-Custom-Attributes", attributes);
  }
  return {};
}

std::unique_ptr<Job> Router::Make(const Endpoint& endpoint) {
  std::unique_ptr<Job> job = endpoint.make(service_);
  if (guards_ == nullptr || !guards_->gate.Guards(endpoint.access, endpoint.hosts)) return job;
  return std::make_unique<GuardedJob>(std::move(job), *guards_);
}

Progress Router::Begin(std::size_t row, Exchange& exchange) {
  Row& asked = rows_[row];
  exchange.row_ = row;
  exchange.endpoint_ = &asked.endpoint;
  if (asked.idle.empty()) asked.idle.push_back(Make(asked.endpoint));
  exchange.job_ = std::move(asked.idle.back());
  asked.idle.pop_back();
  if (Status begun = exchange.job_->Begin(exchange); !begun) {
    exchange.Refuse(begun.error());
    return Release(exchange);
  }
  const std::chrono::seconds retry_after = exchange.request().retry_after;
  if (asked.endpoint.load == Load::kWork && retry_after.count() != 0) {
    slot_.metrics.Count("refused");
    if (const auto held_back = overloads_.Pass(exchange.request().started)) {
      log_.warn("request_overload request_id={:?} path={:?} retry_after_s={} suppressed={}",
                exchange.id_, exchange.request().path, retry_after.count(), *held_back);
    }
    WriteOverload(retry_after, exchange.id_, exchange.response());
    return Release(exchange);
  }
  return Work(exchange);
}

Progress Router::Work(Exchange& exchange) {
  const Progress progress = exchange.job_->Work();
  return progress == Progress::kDone ? Release(exchange) : progress;
}

void Router::BeginPacking(Exchange& exchange) {
  Response& response = exchange.response();
  if (response.body.size() < kWorthPacking) return;
  if (!HeaderValue(response, "Content-Encoding").empty()) return;  // it comes packed
  // Of what may be packed, caches have to know what that depends on (RFC 9110, 12.5.5).
  response.AddHeader("Vary", "Accept-Encoding");
  if (!wire::PrefersGzip(exchange.request().accept_encoding)) return;
  if (idle_packers_.empty()) idle_packers_.push_back(std::make_unique<wire::GzipWriter>());
  exchange.packer_ = std::move(idle_packers_.back());
  idle_packers_.pop_back();
  exchange.packer_->Start(response.body);
}

Progress Router::Pack(Exchange& exchange) {
  if (!exchange.packer_->Continue(kPackedInASlice)) return Progress::kMore;
  Response& response = exchange.response();
  if (exchange.packer_->packed().size() < response.body.size()) {
    response.body.swap(exchange.packer_->packed());
    response.AddHeader("Content-Encoding", "gzip");
  }
  std::string& kept = exchange.packer_->packed();
  if (kept.capacity() > kKeptPacked) std::string().swap(kept);
  idle_packers_.push_back(std::move(exchange.packer_));
  return Progress::kDone;
}

Progress Router::Release(Exchange& exchange) {
  if (exchange.job_->is_great()) {
    exchange.job_.reset();
  } else {
    rows_[exchange.row_].idle.push_back(std::move(exchange.job_));
  }
  return Progress::kDone;
}

}  // namespace forkcast::serving
