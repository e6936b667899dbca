#include "serving/worker/admin_door.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace forkcast::serving {

AdminDoor::AdminDoor(boost::asio::io_context& loop, Service& service, const Options& options,
                     std::uint64_t seed)
    : loop_(loop),
      service_(service),
      listeners_(options.listeners),
      endpoints_(AdminEndpoints(options.offer)),
      router_(endpoints_, service, *slot_, service.series, service.log, seed, {}, &options.guards),
      connections_(loop, service.clock, router_, *slot_,
                   {.limits = {.max_header_bytes = options.config.max_header_bytes,
                               .max_body_bytes = options.config.max_body_bytes},
                    .timeout = options.config.timeout,
                    .idle_timeout = options.config.idle_timeout},
                   [this] { PermitOne(); }) {}

void AdminDoor::Open() {
  acceptor_.emplace(
      listeners_, service_.slot.request_started_ns, service_.clock, [] { return true; },
      [this](int listener) {
        boost::asio::post(loop_, [this, listener] { OnConnectionWaiting(listener); });
      },
      service_.log);
  PermitOne();
}

void AdminDoor::Close(MonotonicTime now) {
  if (acceptor_) acceptor_->Stop();
  connections_.BeginDrain(now, std::chrono::milliseconds(0), now);
}

void AdminDoor::PermitOne() {
  if (permit_out_ || !acceptor_ || connections_.size() >= kMostConnections) return;
  permit_out_ = true;
  acceptor_->Permit();
}

void AdminDoor::OnConnectionWaiting(int listener) {
  permit_out_ = false;
  if (Fd connection = acceptor_->Take(listener)) connections_.Start(std::move(connection));
  PermitOne();
}

}  // namespace forkcast::serving
