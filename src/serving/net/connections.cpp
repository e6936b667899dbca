#include "serving/net/connections.hpp"

#include <utility>

#include "serving/net/connection_loop.hpp"

namespace forkcast::serving {

Connections::Connections(boost::asio::io_context& loop, const Clock& clock, Router& router,
                         WorkerSlot& slot, const ConnectionOptions& options,
                         std::function<void()> on_closed)
    : loop_(std::make_shared<ConnectionLoop>(loop, clock, router, slot, options,
                                             std::move(on_closed))) {}

Connections::~Connections() { loop_->End(); }

void Connections::Start(Fd socket) { loop_->Start(std::move(socket)); }

void Connections::Tick(MonotonicTime now) { loop_->Tick(now); }

void Connections::BeginDrain(MonotonicTime now, std::chrono::milliseconds idle_patience,
                             MonotonicTime stop_by) {
  loop_->BeginDrain(now + idle_patience, stop_by);
}

void Connections::ResumeWaiting() { loop_->ResumeWaiting(); }

bool Connections::IsBusy() const noexcept { return loop_->IsBusy(); }

std::size_t Connections::size() const noexcept { return loop_->size(); }

}  // namespace forkcast::serving
