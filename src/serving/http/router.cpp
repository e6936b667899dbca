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

#include "serving/http/error_response.hpp"
#include "serving/process/worker_slot.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

constexpr std::size_t kMaxIdBytes = 128;
// A smaller answer fits into one packet anyway.
constexpr std::size_t kWorthPacking = 1024;
constexpr std::size_t kPackedInASlice = 65536;  // about a millisecond
constexpr std::size_t kKeptCapacity = 262144;
constexpr std::size_t kMaxAttributesBytes = 1024;  // SageMaker's limit

/// Visible ASCII and blanks: what may be sent back in a header.
bool IsPrintable(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
}

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
    case Method::kHead:
    case Method::kOther:
      break;
  }
  throw std::invalid_argument("an endpoint is asked by GET or POST");
}

bool Answers(const Endpoint& endpoint, Method method) noexcept {
  return endpoint.method == method || (endpoint.method == Method::kGet && method == Method::kHead);
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

void CountAnswer(int status, WorkerSlot& slot) noexcept {
  slot.metrics.Count("requests");
  if (status >= 500) {
    slot.metrics.Count("server_errors");
  } else if (status >= 400) {
    slot.metrics.Count("client_errors");
  }
}

Router::Router(std::span<const Endpoint> endpoints, Service& service, WorkerSlot& slot,
               spdlog::logger& log, std::uint64_t seed)
    : service_(service), slot_(slot), log_(log), random_(seed) {
  for (const Endpoint& endpoint : endpoints) Add(endpoint);
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
  rows_.push_back({.endpoint = endpoint});
}

Error Router::NoSuchPath() const {
  std::string all;
  for (const Path& path : paths_) {
    all.append(all.empty() ? "" : ", ").append(rows_[path.rows.front()].endpoint.path);
  }
  return {ErrorCode::kNotFound, "no such path; there are " + ForPeople(all, " and ")};
}

void Router::Handle(const RequestView& request, Response& response) noexcept {
  Progress progress = Start(request, response, whole_);
  while (progress == Progress::kMore) progress = Continue(whole_);
}

template <typename Slice>
Progress Router::Run(Exchange& exchange, Slice slice) noexcept {
  Response& response = exchange.response();
  try {
    if (exchange.packer_ == nullptr) {
      if (slice() == Progress::kMore) return Progress::kMore;
      if (exchange.errors_ == ErrorForm::kSageMaker) WrapForSageMaker(response);
      if (!exchange.request().accept_encoding.empty()) BeginPacking(exchange);
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
  CountAnswer(response.status, slot_);
  return Progress::kDone;
}

Progress Router::Start(const RequestView& request, Response& response,
                       Exchange& exchange) noexcept {
  exchange.request_ = &request;
  exchange.response_ = &response;
  exchange.id_.clear();
  exchange.errors_ = ErrorForm::kPlain;
  exchange.parameter_names_ = {};
  exchange.packer_.reset();
  return Run(exchange, [&] { return Route(exchange); });
}

Progress Router::Continue(Exchange& exchange) noexcept {
  return Run(exchange, [&] {
    NoteId(exchange.id_);
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
  if (path == nullptr) return Refuse(NoSuchPath(), exchange);
  const Endpoint& first = rows_[path->rows.front()].endpoint;
  exchange.errors_ = first.errors;
  if (first.load == Load::kWork) {
    if (Status identified = Identify(exchange); !identified) {
      return Refuse(identified.error(), exchange);
    }
  }
  if (Status decoded = DecodeParameters(*path, values, exchange); !decoded) {
    return Refuse(decoded.error(), exchange);
  }
  const std::size_t* const row = FindRow(*path, request.method);
  if (row != nullptr) return Begin(*row, exchange);
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
  if (given.empty()) {
    const std::array<std::uint64_t, 2> bits{random_(), random_()};
    const auto bytes = std::bit_cast<std::array<std::uint8_t, 16>>(bits);
    std::array<char, 32> digits{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      digits[2 * i] = HexDigit(bytes[i] & 15U);
      digits[2 * i + 1] = HexDigit(bytes[i] >> 4U);
    }
    id.assign(digits.data(), digits.size());
    return {};
  }
  if (given.size() > kMaxIdBytes || !IsPrintable(given)) {
    return Error{ErrorCode::kInvalidArgument, "expected at most 128 printable ASCII characters",
                 is_inference_id ? "X-Amzn-SageMaker-Inference-Id" : "X-Request-Id"};
  }
  id = given;
  return {};
}

void Router::NoteId(const std::string& id) noexcept {
  // Pointers of its own: what is stored through a char might be any other's.
  const char* const from = id.data();
  std::atomic<char>* const to = slot_.request_id.data();
  const std::size_t size = std::min(id.size(), slot_.request_id.size() - 1);
  for (std::size_t i = 0; i < size; ++i) to[i].store(from[i], std::memory_order_relaxed);
  to[size].store('\0', std::memory_order_relaxed);
}

Status Router::Identify(Exchange& exchange) {
  const RequestView& request = exchange.request();
  Response& response = exchange.response();
  if (Status resolved = ResolveId(request, exchange.id_); !resolved) return resolved;
  NoteId(exchange.id_);
  response.AddHeader("X-Request-Id", exchange.id_);
  if (!request.inference_id.empty()) {
    response.AddHeader("X-Amzn-SageMaker-Inference-Id", exchange.id_);
  }
  const std::string_view attributes = request.custom_attributes;
  if (attributes.size() > kMaxAttributesBytes || !IsPrintable(attributes)) {
    return Error{ErrorCode::kInvalidArgument, "expected at most 1024 printable ASCII characters",
                 "X-Amzn-SageMaker-Custom-Attributes"};
  }
  if (!attributes.empty()) {
    response.AddHeader("X-Amzn-SageMaker-Custom-Attributes", attributes);
  }
  return {};
}

Progress Router::Begin(std::size_t row, Exchange& exchange) {
  Row& asked = rows_[row];
  exchange.row_ = row;
  exchange.endpoint_ = &asked.endpoint;
  if (asked.idle.empty()) asked.idle.push_back(asked.endpoint.make(service_));
  exchange.job_ = std::move(asked.idle.back());
  asked.idle.pop_back();
  if (Status begun = exchange.job_->Begin(exchange); !begun) {
    exchange.Refuse(begun.error());
    return Release(exchange);
  }
  const std::chrono::seconds retry_after = exchange.request().retry_after;
  if (asked.endpoint.load == Load::kWork && retry_after.count() != 0) {
    slot_.metrics.Count("refused");
    WriteOverload(retry_after, exchange.id_, exchange.response());
    return Release(exchange);
  }
  return Work(exchange);
}

Progress Router::Work(Exchange& exchange) {
  if (exchange.job_->Work() == Progress::kMore) return Progress::kMore;
  return Release(exchange);
}

void Router::BeginPacking(Exchange& exchange) {
  Response& response = exchange.response();
  if (response.body.size() < kWorthPacking) return;
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
  if (kept.capacity() > kKeptCapacity) std::string().swap(kept);
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
