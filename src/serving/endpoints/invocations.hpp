#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "serving/endpoints/invocation_job.hpp"

namespace forkcast::serving {

/// `POST /invocations` over one loaded pipeline. Keeps the jobs that are not in work, so that
/// steady state allocates nothing. One a worker.
class Invocations {
 public:
  using Context = InvocationContext;
  Invocations(const Context& context, wire::DecoderLimits limits)
      : context_(context), limits_(limits) {}

  /// A job that has taken on the request; InvocationJob::Begin() says what must live.
  [[nodiscard]] std::unique_ptr<InvocationJob> Begin(const RequestView& request,
                                                     std::string_view id, Response& response);
  /// Takes back a job whose request is answered.
  void Release(std::unique_ptr<InvocationJob> job);

 private:
  Context context_;
  wire::DecoderLimits limits_;
  std::vector<std::unique_ptr<InvocationJob>> idle_;
};

}  // namespace forkcast::serving
