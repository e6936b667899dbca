#include "serving/worker/job_window.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <utility>

namespace forkcast::serving {

namespace net = boost::asio;

class JobWindow::Pending final : public PendingJobRequest {
 public:
  Pending(JobWindow& window, JobRequest::Kind kind, Fd socket)
      : window_(window),
        count_(kind == JobRequest::Kind::kFollow ? window.following_ : window.waiting_),
        socket_(std::move(socket)),
        watched_(window.loop_, socket_.get()) {
    ++count_;
    Tell();
    Watch();
  }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() override {
    (void)watched_.release();  // the descriptor is ours to close
    --count_;
    Tell();
  }

  std::optional<Result<JobReply>> Take() override {
    auto reply = ReceiveJobReply(socket_.get());
    if (!reply && !is_watching_) Watch();
    return reply;
  }

 private:
  struct Exists {};

  void Tell() noexcept { window_.metrics_.Set("job_streams", window_.following_); }

  void Watch() {
    is_watching_ = true;
    // By the time that the loop tells of it this may be gone.
    watched_.async_wait(
        net::posix::stream_descriptor::wait_read,
        [this, exists = std::weak_ptr<Exists>(exists_)](const boost::system::error_code& error) {
          if (error || exists.expired()) return;
          is_watching_ = false;  // until what is there was taken
          window_.on_answer_();
        });
  }

  JobWindow& window_;
  std::size_t& count_;
  Fd socket_;
  net::posix::stream_descriptor watched_;
  bool is_watching_ = false;
  std::shared_ptr<Exists> exists_ = std::make_shared<Exists>();
};

JobWindow::JobWindow(net::io_context& loop, int socket, MetricValues& metrics,
                     std::function<void()> on_answer)
    : loop_(loop), socket_(socket), metrics_(metrics), on_answer_(std::move(on_answer)) {}

JobWindow::~JobWindow() = default;

Result<std::unique_ptr<PendingJobRequest>> JobWindow::Send(const JobRequest& request) {
  if (request.kind == JobRequest::Kind::kFollow && following_ >= kMostFollowing) {
    return Error{ErrorCode::kOverloaded, "too many follow jobs already: ask for the job itself"};
  }
  const Error full{ErrorCode::kNotReady, "too many requests wait for the trainer: try again"};
  if (waiting_ >= kMostWaiting) return full;
  auto [ours, theirs] = MakeJobSockets();
  if (!SendJobRequest(socket_, request, theirs.get())) return full;
  return std::unique_ptr<PendingJobRequest>(
      std::make_unique<Pending>(*this, request.kind, std::move(ours)));
}

}  // namespace forkcast::serving
