#include "support/load.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace forkcast::process_test {

std::size_t LoadReport::answered(int status) const {
  const auto found = statuses.find(status);
  return found == statuses.end() ? 0 : found->second;
}

std::size_t LoadReport::failed(Outcome outcome) const {
  const auto found = failures.find(outcome);
  return found == failures.end() ? 0 : found->second;
}

std::size_t LoadReport::failed() const {
  std::size_t sum = 0;
  for (const auto& [outcome, count] : failures) sum += count;
  return sum;
}

std::ostream& operator<<(std::ostream& out, const LoadReport& report) {
  for (const auto& [status, count] : report.statuses)
    out << "status " << status << ": " << count << "; ";
  for (const auto& [outcome, count] : report.failures) out << outcome << ": " << count << "; ";
  return out << "wrong ids: " << report.wrong_ids << "; wrong: " << report.wrong
             << "; slowest: " << report.slowest.count() << " ms";
}

void ExpectNoMoreFailedThan(std::size_t held, const LoadReport& report) {
  EXPECT_GT(held, 0U);
  EXPECT_LE(report.failed(), held) << report;
  EXPECT_EQ(report.failed(Outcome::kRefused), 0U) << report;
  EXPECT_EQ(report.failed(Outcome::kTimedOut), 0U) << report;
  EXPECT_EQ(report.statuses.size(), 1U) << report;
  EXPECT_EQ(report.wrong_ids, 0U);
}

Load::Load(Endpoint endpoint, LoadOptions options)
    : endpoint_(std::move(endpoint)), options_(std::move(options)) {
  for (std::size_t i = 0; i < options_.clients; ++i) {
    threads_.emplace_back([this, i] { RunClient(i); });
  }
}

Load::~Load() { Stop(); }

void Load::RunClient(std::size_t number) {
  std::optional<HttpConnection> connection;
  Request request = options_.request;
  for (std::size_t turn = 0; !stop_; ++turn) {
    const std::string id = std::to_string(number) + "-" + std::to_string(turn);
    request.headers = options_.request.headers + "X-Request-Id: " + id + "\r\n";
    const auto begin = std::chrono::steady_clock::now();
    if (!connection) connection.emplace(endpoint_);
    const Exchange exchange = connection->Ask(request);
    Note(exchange, id,
         std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin));
    const bool answered = exchange.outcome == Outcome::kAnswered;
    if (!answered || exchange.answer.closes() ||
        options_.connections == LoadOptions::Connections::kNewForEach) {
      connection.reset();
    }
    if (exchange.outcome == Outcome::kRefused &&
        options_.when_refused == LoadOptions::WhenRefused::kStop) {
      return;
    }
    std::this_thread::sleep_until(begin + options_.pace);
  }
}

void Load::Note(const Exchange& exchange, const std::string& id, std::chrono::milliseconds took) {
  const std::lock_guard lock(mutex_);
  report_.slowest = std::max(report_.slowest, took);
  if (exchange.outcome != Outcome::kAnswered) {
    ++report_.failures[exchange.outcome];
    return;
  }
  ++report_.statuses[exchange.answer.status];
  if (exchange.answer.Header("x-request-id") != id) ++report_.wrong_ids;
  if (exchange.answer.status != 200) return;
  ++good_;
  if (options_.is_right && !options_.is_right(exchange.answer)) ++report_.wrong;
}

bool Load::WaitForMore(std::size_t answers) const {
  const std::size_t wanted = good_ + answers;
  return Eventually([&] { return good_ >= wanted; });
}

LoadReport Load::Stop() {
  stop_ = true;
  return Join();
}

LoadReport Load::Join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  return report_;
}

}  // namespace forkcast::process_test
