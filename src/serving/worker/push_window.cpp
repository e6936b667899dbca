#include "serving/worker/push_window.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <utility>

namespace forkcast::serving {

namespace net = boost::asio;
using preprocessing::PushReply;

class PushWindow::Pending final : public PendingPush {
 public:
  Pending(PushWindow& window, Fd socket)
      : window_(window), socket_(std::move(socket)), watched_(window.loop_, socket_.get()) {
    ++window_.waiting_;
    window_.TellWaiting();
    Watch();
  }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() override {
    (void)watched_.release();  // the descriptor is ours to close
    --window_.waiting_;
    window_.TellWaiting();
  }

  [[nodiscard]] const std::optional<Result<PushReply>>& reply() const noexcept override {
    return reply_;
  }

 private:
  struct Exists {};

  void Watch() {
    // By the time that the loop tells of it this may be gone.
    watched_.async_wait(
        net::posix::stream_descriptor::wait_read,
        [this, exists = std::weak_ptr<Exists>(exists_)](const boost::system::error_code& error) {
          if (error || exists.expired()) return;
          reply_ = preprocessing::ReceivePushReply(socket_.get());
          if (!reply_) return Watch();
          window_.on_answer_();
        });
  }

  PushWindow& window_;
  Fd socket_;
  net::posix::stream_descriptor watched_;
  std::optional<Result<PushReply>> reply_;
  std::shared_ptr<Exists> exists_ = std::make_shared<Exists>();
};

PushWindow::PushWindow(net::io_context& loop, int socket, MetricValues& metrics,
                       std::function<void()> on_answer)
    : loop_(loop), socket_(socket), metrics_(metrics), on_answer_(std::move(on_answer)) {}

PushWindow::~PushWindow() = default;

Result<std::unique_ptr<PendingPush>> PushWindow::Send(const preprocessing::PushRequest& request,
                                                      Fd body) {
  const Error full{ErrorCode::kNotReady,
                   "too many requests wait for the refresher: nothing was stored, send it again"};
  if (waiting_ >= kMostWaiting) return full;
  auto [ours, theirs] = preprocessing::MakePushSockets();
  if (!preprocessing::SendPush(socket_, request, body.get(), theirs.get())) return full;
  return std::unique_ptr<PendingPush>(std::make_unique<Pending>(*this, std::move(ours)));
}

void PushWindow::TellWaiting() noexcept { metrics_.Set("pushes_waiting", waiting_); }

}  // namespace forkcast::serving
