#include "client/replay_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <iterator>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::client {
namespace {

double PerSecond(std::size_t count, std::chrono::nanoseconds elapsed) {
  const double seconds = std::chrono::duration<double>(elapsed).count();
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

double Percent(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

double Milliseconds(std::chrono::microseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

}  // namespace

preprocessing::ExitCode ExitCodeOf(const ReplayReport& report) noexcept {
  using preprocessing::ExitCode;
  switch (report.end) {
    case ReplayEnd::kNeverReady:
      return ExitCode::kUnfit;
    case ReplayEnd::kUnreadable:
    case ReplayEnd::kUnwritable:
      return ExitCode::kIo;
    case ReplayEnd::kInterrupted:
      return report.signal == SIGINT ? ExitCode::kInterrupted : ExitCode::kStopped;
    case ReplayEnd::kGaveUp:
      return ExitCode::kGaveUp;
    case ReplayEnd::kDone:
      break;
  }
  const bool differs = report.expectation && report.expectation->different > 0;
  return report.failed > 0 || differs ? ExitCode::kNo : ExitCode::kDone;
}

std::string ReportAsText(const ReplayReport& report, const TextStyle& style) {
  std::string text;
  const auto add = [&]<typename... Args>(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
    text += '\n';
  };
  add("rows      {} answered, {} failed", report.answered, report.failed);
  add("requests  {}, {} sent again", report.requests, report.retried);
  add("took      {:.3f} s: {:.1f} rows/s, {:.1f} requests/s",
      std::chrono::duration<double>(report.elapsed).count(), PerSecond(report.rows, report.elapsed),
      PerSecond(report.requests, report.elapsed));
  if (report.latency) {
    const LatencySummary& latency = *report.latency;
    add("latency   p50 {:.3f}  p90 {:.3f}  p99 {:.3f}  p99.9 {:.3f}  max {:.3f} ms",
        Milliseconds(latency.p50), Milliseconds(latency.p90), Milliseconds(latency.p99),
        Milliseconds(latency.p999), Milliseconds(latency.max));
  }
  if (!report.counts.empty()) {
    constexpr std::size_t kShown = 50;
    const std::size_t shown = std::min(kShown, report.counts.size());
    using enum TextTable::Align;
    TextTable table({{report.count_by}, {"count", kNumber}, {"percent", kNumber}});
    for (std::size_t i = 0; i < shown; ++i) {
      const auto& [value, count] = report.counts[i];
      table.Add(
          {value, std::to_string(count), fmt::format("{:.2f}", Percent(count, report.answered))});
    }
    text += "\n" + table.Text(style);
    if (shown < report.counts.size()) add("... and {} more", report.counts.size() - shown);
  }
  if (!report.first_failures.empty()) {
    add("");
    add("{} rows failed; the first to come:", report.failed);
    for (const std::string& failure : report.first_failures) add("  {}", failure);
  }
  if (report.expectation) {
    add("");
    add("expected  {} rows compared, {} differ", report.expectation->compared,
        report.expectation->different);
    for (const std::string& line : report.expectation->first_differences) add("  {}", line);
  }
  return text;
}

std::string ReportAsJson(const ReplayReport& report) {
  using nlohmann::ordered_json;
  ordered_json json = {
      {"rows", report.rows},
      {"answered", report.answered},
      {"failed", report.failed},
      {"requests", report.requests},
      {"retried", report.retried},
      {"seconds", std::chrono::duration<double>(report.elapsed).count()},
      {"rows_per_second", PerSecond(report.rows, report.elapsed)},
      {"requests_per_second", PerSecond(report.requests, report.elapsed)},
      {"latency_ms", nullptr},
      {"count_by", report.count_by},
      {"counts", ordered_json::array()},
      {"first_failures", ordered_json::array()},
      {"expected", nullptr},
      {"exit_code", static_cast<int>(ExitCodeOf(report))},
  };
  if (report.latency) {
    const LatencySummary& latency = *report.latency;
    json["latency_ms"] = {{"p50", Milliseconds(latency.p50)},
                          {"p90", Milliseconds(latency.p90)},
                          {"p99", Milliseconds(latency.p99)},
                          {"p99.9", Milliseconds(latency.p999)},
                          {"max", Milliseconds(latency.max)}};
  }
  for (const auto& [value, count] : report.counts) {
    json["counts"].push_back(
        {{"value", value}, {"count", count}, {"percent", Percent(count, report.answered)}});
  }
  for (const std::string& failure : report.first_failures) {
    json["first_failures"].push_back(ordered_json::parse(failure));
  }
  if (report.expectation) {
    json["expected"] = {{"compared", report.expectation->compared},
                        {"different", report.expectation->different},
                        {"first_differences", report.expectation->first_differences}};
  }
  if (!report.problem.empty()) json["problem"] = report.problem;
  // A difference quotes a file that may hold anything, so not all of it need be UTF-8.
  return preprocessing::DumpText(json) + "\n";
}

}  // namespace forkcast::client
