#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/http_client.hpp"

namespace forkcast::process_test {

struct LoadOptions {
  enum class Connections { kKept, kNewForEach };
  enum class WhenRefused { kGoOn, kStop };

  std::size_t clients = 8;  ///< Each a thread with one request at a time.
  Connections connections = Connections::kKept;
  /// Whether a client to whom nobody listens is done. Each refusal is counted.
  WhenRefused when_refused = WhenRefused::kGoOn;
  /// From one request of a client to its next, if that is answered by then.
  std::chrono::milliseconds pace{0};
  /// Without an X-Request-Id, which the load gives.
  Request request{};
  /// Whether an answer with 200 is right; empty: any is. Called by several threads.
  std::function<bool(const Answer&)> is_right{};
};

struct LoadReport {
  std::map<int, std::size_t> statuses{};      ///< Of what was answered.
  std::map<Outcome, std::size_t> failures{};  ///< All that was not; refusals too.
  std::size_t wrong_ids = 0;                  ///< Answers that belong to another request.
  std::size_t wrong = 0;                      ///< Answers that are not right (LoadOptions).
  std::chrono::milliseconds slowest{0};       ///< From connecting, if need be, to the answer.

  [[nodiscard]] std::size_t answered(int status = 200) const;
  [[nodiscard]] std::size_t failed(Outcome outcome) const;
  [[nodiscard]] std::size_t failed() const;
};
std::ostream& operator<<(std::ostream& out, const LoadReport& report);

/// That the death of a worker cost at most what it held, which was something: nobody else's request
/// failed, was refused or had to wait for its end, and no answer was wrong.
void ExpectNoMoreFailedThan(std::size_t held, const LoadReport& report);

/// Requests from several clients, without a pause or at their pace, until stopped.
class Load {
 public:
  Load(Endpoint endpoint, LoadOptions options);
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load();

  /// Waits until so many more requests are answered with 200; false when they are not in time.
  [[nodiscard]] bool WaitForMore(std::size_t answers) const;
  /// Lets every client finish what it is at.
  LoadReport Stop();
  /// Waits until every client is done by itself (WhenRefused::kStop).
  LoadReport Join();

 private:
  void RunClient(std::size_t number);
  void Note(const Exchange& exchange, const std::string& id, std::chrono::milliseconds took);

  Endpoint endpoint_;
  LoadOptions options_;
  std::atomic<bool> stop_ = false;
  std::atomic<std::size_t> good_ = 0;
  std::mutex mutex_;
  LoadReport report_;
  std::vector<std::thread> threads_;
};

}  // namespace forkcast::process_test
