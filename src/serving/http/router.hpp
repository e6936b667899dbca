#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/log_limiter.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/http/cors_policy.hpp"
#include "serving/http/endpoint.hpp"
#include "serving/http/exchange.hpp"
#include "serving/http/job.hpp"
#include "serving/http/request.hpp"
#include "serving/http/request_reader.hpp"
#include "serving/http/response.hpp"
#include "serving/http/url.hpp"
#include "serving/metrics/request_scope.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

struct Guards;
struct WorkerSlot;

/// Leads a request to its endpoint and makes every outcome an answer. Knows endpoints by their
/// table alone. Needs no socket, so that endpoints are tested without one. Keeps the jobs that are
/// not in work, so that steady state allocates nothing. One a worker, used by its loop alone.
class Router {
 public:
  /// Everything outlives the router. Of paths that several patterns match, the first one's rows
  /// count. Requests are counted in `slot`, the worker's own, where the id of the one in work is
  /// noted, too, and by deployment, route and status in `series`.
  /// `seed` makes the request ids that callers do not bring. `cors`: whose pages may ask. `guards`:
  /// who may ask for what; null: everybody for everything. Throws std::invalid_argument for a row
  /// that is wrong in itself.
  Router(std::span<const Endpoint> endpoints, Service& service, WorkerSlot& slot,
         SeriesWriter& series, spdlog::logger& log, std::uint64_t seed, CorsPolicy cors = {},
         const Guards* guards = nullptr);

  /// Answers `request` into a cleared `response`. Counts it in the worker's slot.
  void Handle(const RequestView& request, Response& response) noexcept;

  /// The same in slices of a millisecond or so. Until the request is answered Continue() is to be
  /// called, with the same exchange; it, `request` and `response` are to be left alone and where
  /// they are. Other requests may be handled in between.
  [[nodiscard]] Progress Start(const RequestView& request, Response& response,
                               Exchange& exchange) noexcept;
  [[nodiscard]] Progress Continue(Exchange& exchange) noexcept;

  /// Answers what is no request, or did not arrive whole, into a cleared `response`: with an id, in
  /// the form of its path, counted, and logged, but for what comes too often. `seen`: what could be
  /// read of it.
  void AnswerFault(const RequestFault& fault, const RequestView& seen, Response& response);

 private:
  /// A row of the table, and its jobs that are not in work.
  struct Row {
    Endpoint endpoint;
    RouteScopes scopes;
    std::vector<std::unique_ptr<Job>> idle{};
  };
  /// A path, and the rows that share it, which differ in their methods.
  struct Path {
    PathPattern pattern;
    std::vector<std::size_t> rows{};
    std::string allow{};     // the header's value
    std::string expected{};  // the same for people
  };

  void Add(const Endpoint& endpoint);
  /// The answer to a path that there is not.
  Progress RefusePath(Exchange& exchange);
  /// Of a path whether there is one or not: all that begin as one of an AWS SDK's or of the Open
  /// Inference Protocol's, up to the first parameter, take its form.
  [[nodiscard]] ErrorForm FormOf(std::string_view path) const noexcept;
  /// Makes what `slice` does, or throws, an answer, unless there is more to do.
  template <typename Slice>
  Progress Run(Exchange& exchange, Slice slice) noexcept;
  Progress Route(Exchange& exchange);
  /// Makes the error the answer.
  static Progress Refuse(const Error& error, Exchange& exchange);
  /// The path asked for; its parameters, as they were sent, are in `values`.
  [[nodiscard]] const Path* Find(std::string_view path, PathPattern::Values& values) const noexcept;
  [[nodiscard]] const std::size_t* FindRow(const Path& path, Method method) const noexcept;
  static Status DecodeParameters(const Path& path, const PathPattern::Values& values,
                                 Exchange& exchange);
  /// In the slot, and where the request belongs.
  void CountAnswer(int status, RequestScope& scope) noexcept;
  /// Gives the exchange its id, and its answer what comes back as it was sent.
  Status Identify(Exchange& exchange);
  /// The caller's id, or one made here, also instead of one that is refused.
  Status ResolveId(const RequestView& request, std::string& id);
  Progress Begin(std::size_t row, Exchange& exchange);
  /// A job of the endpoint, behind the gate if there is anything to ask.
  [[nodiscard]] std::unique_ptr<Job> Make(const Endpoint& endpoint);
  /// One slice.
  Progress Work(Exchange& exchange);
  /// Takes the job back, whose request is answered.
  Progress Release(Exchange& exchange);
  /// Begins to pack the answer, if that is asked for and worth it.
  void BeginPacking(Exchange& exchange);
  /// One slice of it.
  Progress Pack(Exchange& exchange);

  Service& service_;
  WorkerSlot& slot_;
  SeriesWriter& series_;
  spdlog::logger& log_;
  std::vector<Row> rows_;
  std::vector<Path> paths_;
  RequestScope unrouted_;  // of what asks for no path that there is
  CorsPolicy cors_;
  const Guards* guards_;
  std::string allow_;  // the methods of all paths
  std::vector<std::unique_ptr<wire::GzipWriter>> idle_packers_;
  std::mt19937_64 random_;
  LogLimiter faults_;
  LogLimiter overloads_;
  Exchange whole_;  // of Handle()
};

}  // namespace forkcast::serving
