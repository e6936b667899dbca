#include "serving/metrics/request_scope.hpp"

#include <algorithm>
#include <charconv>

namespace forkcast::serving {

void RequestScope::TurnTo(int status) noexcept {
  const auto known = std::ranges::find(counted_, status, &Counted::status);
  if (known != counted_.end()) {
    last_counter_ = known->counter;
  } else {
    std::array<char, 12> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), status).ptr;
    const std::array<std::string_view, 3> values{deployment_, route_, {digits.data(), end}};
    last_counter_ = writer_.CounterOf("requests", values);
    const auto free = std::ranges::find(counted_, 0, &Counted::status);
    if (free != counted_.end()) *free = {.status = status, .counter = last_counter_};
  }
  last_status_ = status;
}

void RequestScope::FindTimes() noexcept {
  for (std::size_t i = 0; i < kStages; ++i) {
    const std::array<std::string_view, 3> values{deployment_, route_,
                                                 WordFor(static_cast<LatencyStage>(i))};
    stages_[i] = writer_.HistogramOf("stage_duration_seconds", values);
  }
  const std::array<std::string_view, 2> values{deployment_, route_};
  total_ = writer_.HistogramOf("request_duration_seconds", values);
  times_known_ = true;
}

RequestScope& RouteScopes::Of(std::string_view deployment) {
  if (last_ != nullptr && last_->deployment() == deployment) return *last_;
  auto found = scopes_.find(deployment);
  if (found == scopes_.end()) {
    found = scopes_.try_emplace(scopes_.size() < kMost ? std::string(deployment) : "other").first;
  }
  if (found->second == nullptr) {
    found->second = std::make_unique<RequestScope>(writer_, found->first, route_);
  }
  last_ = found->second.get();
  return *last_;
}

}  // namespace forkcast::serving
