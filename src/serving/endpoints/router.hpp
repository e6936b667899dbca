#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/http/request.hpp"
#include "serving/http/response.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

class InvocationJob;
class Invocations;
struct WorkerSlot;

/// Counts an answer of this status in the worker's slot.
void CountAnswer(int status, WorkerSlot& slot) noexcept;

/// Leads a request to its endpoint and makes every outcome an answer. Needs no socket, so that
/// endpoints are tested without one. One a worker, used by its loop alone.
class Router {
 public:
  /// A request that takes more than one slice; none when it is answered.
  class Work {
   public:
    Work() noexcept;
    Work(Work&&) noexcept;
    Work& operator=(Work&&) noexcept;
    ~Work();

   private:
    friend class Router;
    std::unique_ptr<InvocationJob> job_;
  };

  /// `slots`: of all workers; /ping answers 200 while any of them is ready. `own`: this worker's,
  /// in which requests are counted. All must outlive the router. `seed` makes the request ids that
  /// callers do not bring.
  Router(std::span<const WorkerSlot> slots, WorkerSlot& own, spdlog::logger& log,
         std::uint64_t seed);

  /// From now on invocations are answered; before, they get 503. `invocations` must outlive its
  /// use; null ends it.
  void Use(Invocations* invocations) noexcept { invocations_ = invocations; }

  /// Answers `request` into a cleared `response`. Counts it in the worker's slot.
  void Handle(const RequestView& request, Response& response) noexcept;

  /// The same in slices of a millisecond or so (InvocationJob). Both return true when the request
  /// is answered; until then Continue() is to be called, with the same objects, left alone and
  /// where they were. Other requests may be handled in between. Destroying `work` gives the request
  /// up.
  [[nodiscard]] bool Start(const RequestView& request, Response& response, Work& work) noexcept;
  [[nodiscard]] bool Continue(const RequestView& request, Response& response, Work& work) noexcept;

 private:
  void Route(const RequestView& request, Response& response, Work& work);
  void Ping(Response& response) const;
  void Invoke(const RequestView& request, Response& response, Work& work);
  /// Makes what `step` does, or throws, an answer; false when the request goes on.
  template <typename Step>
  bool Run(const RequestView& request, Response& response, Work& work, Step step) noexcept;
  /// One slice.
  void WorkOn(const Response& response, Work& work);
  Status ResolveRequestId(const RequestView& request);
  void NoteRequestId() noexcept;

  std::span<const WorkerSlot> slots_;
  WorkerSlot& slot_;
  spdlog::logger& log_;
  Invocations* invocations_ = nullptr;
  std::mt19937_64 random_;
  std::string request_id_;
};

}  // namespace forkcast::serving
