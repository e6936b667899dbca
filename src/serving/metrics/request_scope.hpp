#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "serving/metrics/series.hpp"
#include "serving/metrics/stage.hpp"

namespace forkcast::serving {

/// What is counted of the requests to one deployment by one route. Allocates nothing. Of one
/// thread, as its writer.
class RequestScope {
 public:
  /// `deployment`: empty where a request asks none. `route`: the path as it is declared, never as
  /// it was sent. They and `writer` outlive the scope.
  RequestScope(SeriesWriter& writer, std::string_view deployment, std::string_view route) noexcept
      : writer_(writer), deployment_(deployment), route_(route) {}

  /// An answer was made.
  void CountAnswer(int status) noexcept {
    if (status != last_status_) TurnTo(status);
    last_counter_.Add(1);
  }
  /// Of an answered request to a model. A stage that took no time was not reached.
  void Observe(const StageTimes& stages, std::chrono::nanoseconds total) noexcept {
    if (!times_known_) FindTimes();
    for (std::size_t i = 0; i < kStages; ++i) {
      if (stages[i].count() > 0) stages_[i].Observe(stages[i]);
    }
    total_.Observe(total);
  }

  [[nodiscard]] std::string_view deployment() const noexcept { return deployment_; }
  [[nodiscard]] std::string_view route() const noexcept { return route_; }

 private:
  void TurnTo(int status) noexcept;
  void FindTimes() noexcept;

  struct Counted {
    int status = 0;
    SeriesCounter counter{};
  };

  SeriesWriter& writer_;
  std::string_view deployment_;
  std::string_view route_;
  int last_status_ = 0;
  SeriesCounter last_counter_;
  std::array<Counted, 8> counted_{};  // those that were met first
  bool times_known_ = false;
  std::array<SeriesHistogram, kStages> stages_;
  SeriesHistogram total_;
};

/// The scopes of one route, one a deployment that it asked, and one for requests that asked none.
class RouteScopes {
 public:
  /// `route` and `writer` outlive it.
  RouteScopes(SeriesWriter& writer, std::string_view route)
      : writer_(writer), route_(route), of_none_(writer, {}, route) {}

  [[nodiscard]] RequestScope& of_none() noexcept { return of_none_; }
  /// Stays where it is. Allocates with a name that it has not met; beyond kMost, one scope has all
  /// others.
  [[nodiscard]] RequestScope& Of(std::string_view deployment);

 private:
  static constexpr std::size_t kMost = 256;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };

  SeriesWriter& writer_;
  std::string_view route_;
  RequestScope of_none_;
  RequestScope* last_ = nullptr;
  std::unordered_map<std::string, std::unique_ptr<RequestScope>, Hash, std::equal_to<>> scopes_;
};

}  // namespace forkcast::serving
