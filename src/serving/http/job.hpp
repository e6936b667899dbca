#pragma once

#include <memory>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

class Exchange;
/// What the endpoints of a server work with: serving/service says what that is, HTTP hands it on
/// unseen.
struct Service;

/// Whether there is more to do.
enum class Progress {
  kMore,   ///< As soon as the others have had their turn.
  kSends,  ///< As kWaits, once what the response holds is written: a part of a stream.
  kWaits,  ///< When others have done their part: somebody says so, or looks from time to time.
  kDone,
};

/// The work behind a request, in slices, so that one that takes long holds nobody up: between any
/// two of its slices other jobs may work. Used for one request after the other, so that its memory
/// is kept (Router). Belongs to one thread.
class Job {
 public:
  virtual ~Job() = default;

  /// Takes on a request, which stays where it is until it is answered, given up (the job is
  /// destroyed) or another one is taken on. Cheap: the work is not begun. An error is its answer.
  virtual Status Begin(Exchange& exchange) = 0;
  /// Works for one slice, of a millisecond or so. Done when the answer is made; errors are answers,
  /// too. What is thrown becomes an internal error. Precondition: Begin() was ok.
  virtual Progress Work() = 0;
  /// Whether it holds so much memory that keeping it for another request would be a waste.
  [[nodiscard]] virtual bool is_great() const noexcept { return false; }
};

/// A job that is one call, for an endpoint that answers at once.
template <void (*kAnswer)(Exchange&, Service&)>
class CallJob final : public Job {
 public:
  explicit CallJob(Service& service) : service_(service) {}

  Status Begin(Exchange& exchange) override {
    exchange_ = &exchange;
    return {};
  }
  Progress Work() override {
    kAnswer(*exchange_, service_);
    return Progress::kDone;
  }

 private:
  Service& service_;
  Exchange* exchange_ = nullptr;
};

/// Makes a job of the kind `J`; for Endpoint::make.
template <typename J>
[[nodiscard]] std::unique_ptr<Job> MakeJob(Service& service) {
  return std::make_unique<J>(service);
}

}  // namespace forkcast::serving
