#include "serving/endpoints/invocations.hpp"

#include <utility>

namespace forkcast::serving {

std::unique_ptr<InvocationJob> Invocations::Begin(const RequestView& request, std::string_view id,
                                                  Response& response) {
  if (idle_.empty()) idle_.push_back(std::make_unique<InvocationJob>(context_, limits_));
  std::unique_ptr<InvocationJob> job = std::move(idle_.back());
  idle_.pop_back();
  job->Begin(request, id, response);
  return job;
}

void Invocations::Release(std::unique_ptr<InvocationJob> job) {
  if (!job->is_great()) idle_.push_back(std::move(job));
}

}  // namespace forkcast::serving
