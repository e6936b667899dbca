#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "data_preprocessing/base/result.hpp"
#include "serving/http/caller.hpp"
#include "serving/http/endpoint.hpp"
#include "serving/http/job.hpp"
#include "serving/http/request.hpp"
#include "serving/http/response.hpp"
#include "serving/http/url.hpp"
#include "serving/metrics/request_scope.hpp"
#include "serving/wire/gzip.hpp"

namespace forkcast::serving {

class RequestReader;

/// Who is at the other end of the connection that a request came over.
struct Peer {
  std::string_view address{};             ///< Empty of a Unix socket, or where nobody knows it.
  bool is_unix = false;                   ///< It came over a Unix socket.
  const RequestReader* reader = nullptr;  ///< That of the connection: for what few ask of a head.
};

/// One request on its way to its answer, as endpoints see it, over as many slices as that takes.
/// Whoever holds a connection holds one, and gives it to the router with one request after the
/// other; destroying it gives the request in work up. Keeps its memory.
class Exchange {
 public:
  [[nodiscard]] const RequestView& request() const noexcept { return *request_; }
  [[nodiscard]] const Peer& peer() const noexcept { return peer_; }
  /// Of all requests from now on; what it views outlives them.
  void SetPeer(const Peer& peer) noexcept { peer_ = peer; }
  /// The one that was asked. Precondition: a job of it has begun.
  [[nodiscard]] const Endpoint& endpoint() const noexcept { return *endpoint_; }
  /// Who asks; null where that is not looked at: of what changes nothing.
  [[nodiscard]] const Caller* caller() const noexcept { return caller_ ? &*caller_ : nullptr; }
  /// The name of who asks; empty: nobody's, or it is not looked at.
  [[nodiscard]] std::string CallerName() const { return caller_ ? caller_->name : std::string(); }
  /// Whom the audit log is to name from now on.
  void SetCaller(Caller caller) { caller_ = std::move(caller); }
  /// Cleared when the request was taken on.
  [[nodiscard]] Response& response() noexcept { return *response_; }
  /// The caller's or one made here; empty where requests have none (Load).
  [[nodiscard]] const std::string& id() const noexcept { return id_; }

  /// The decoded parameter `name` of the endpoint's path; empty when the path has none.
  [[nodiscard]] std::string_view PathParameter(std::string_view name) const noexcept;
  /// See url.hpp.
  [[nodiscard]] Result<std::optional<std::string>> QueryParameter(std::string_view name) const {
    return serving::QueryParameter(request_->query, name);
  }
  [[nodiscard]] Result<bool> QueryFlag(std::string_view name) const {
    return serving::QueryFlag(request_->query, name);
  }

  /// What resumes a request whose job waits (Progress::kWaits), of all requests from now on.
  void SetWake(std::function<void()> wake) { wake_ = std::move(wake); }
  /// The job can go on. On the loop; not from within the job. Where nobody can be told, whoever has
  /// the exchange looks from time to time.
  void Wake() const {
    if (wake_) wake_();
  }

  /// Makes the response an error.
  void Refuse(const Error& error);
  /// The error that the response is stays as it is written.
  void KeepErrorForm() noexcept { errors_ = ErrorForm::kOwn; }

  /// From now on what is counted of the request counts for this deployment.
  RequestScope& CountFor(std::string_view deployment) {
    scope_ = &scopes_->Of(deployment);
    return *scope_;
  }

 private:
  friend class Router;

  Peer peer_;
  const RequestView* request_ = nullptr;
  Response* response_ = nullptr;
  std::string id_;
  std::span<const std::string> parameter_names_;
  std::array<std::string, PathPattern::kMaxParameters> parameters_;
  ErrorForm errors_ = ErrorForm::kPlain;
  const Endpoint* endpoint_ = nullptr;
  std::size_t row_ = 0;            // of the router's table: whose job it is
  RouteScopes* scopes_ = nullptr;  // of its path
  RequestScope* scope_ = nullptr;  // where its answer is counted
  std::optional<Caller> caller_;   // outlives the job, which names it when it is given up
  std::unique_ptr<Job> job_;
  std::unique_ptr<wire::GzipWriter> packer_;  // while the answer is being packed
  std::function<void()> wake_;
};

}  // namespace forkcast::serving
