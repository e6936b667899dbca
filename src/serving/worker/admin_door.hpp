#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "serving/config/server_config.hpp"
#include "serving/endpoints/endpoint_table.hpp"
#include "serving/http/guarded_job.hpp"
#include "serving/http/router.hpp"
#include "serving/net/acceptor.hpp"
#include "serving/net/connections.hpp"
#include "serving/service/service.hpp"

namespace boost::asio {
class io_context;
}

namespace forkcast::serving {

/// Where those who look after the server ask a worker: listeners, connections and a table of
/// endpoints of its own, on the worker's loop. So neither too many connections nor too long a
/// queue of callers keeps anybody from asking, and what is asked here counts for none of these.
/// Belongs to the loop's thread.
class AdminDoor {
 public:
  static constexpr std::size_t kMostConnections = 32;

  struct Options {
    std::vector<int> listeners;  ///< Non-blocking, shared with the other workers.
    Offer offer{};
    const ServerConfig& config;
    const Guards& guards;
  };
  /// All but `options` outlives this, `config` and `guards` too.
  AdminDoor(boost::asio::io_context& loop, Service& service, const Options& options,
            std::uint64_t seed);
  AdminDoor(const AdminDoor&) = delete;
  AdminDoor& operator=(const AdminDoor&) = delete;

  /// From now on.
  void Open();
  /// About twice a second.
  void Tick(MonotonicTime now) { connections_.Tick(now); }
  /// Those whose answers others have made.
  void ResumeWaiting() { connections_.ResumeWaiting(); }
  /// Takes no more, and answers what it has for the last time.
  void Close(MonotonicTime now);

 private:
  void PermitOne();
  void OnConnectionWaiting(int listener);

  boost::asio::io_context& loop_;
  Service& service_;
  std::vector<int> listeners_;
  const std::vector<Endpoint> endpoints_;
  /// Nobody else's: what callers are told and counted by is in the worker's.
  std::unique_ptr<WorkerSlot> slot_ = std::make_unique<WorkerSlot>();
  Router router_;
  Connections connections_;
  std::optional<Acceptor> acceptor_;
  bool permit_out_ = false;
};

}  // namespace forkcast::serving
