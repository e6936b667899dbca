// load-client --port N [flags]: asks a server on the loopback interface as fast as it answers, and
// prints one JSON object: {"answers", "in_all", "not_200", "broken", "per_second", "p50_us",
// "p99_us", "p999_us", "max_us"}.

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "closed_loop.hpp"
#include "request_set.hpp"
#include "run_tool.hpp"

namespace {

namespace options = boost::program_options;
using namespace forkcast::bench;

std::chrono::nanoseconds FromSeconds(double seconds) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(seconds));
}

/// The wait that a share `q` of the requests did not exceed; `waits` is sorted.
std::uint64_t QuantileUs(const std::vector<std::uint64_t>& waits_ns, double q) {
  if (waits_ns.empty()) return 0;
  return waits_ns[static_cast<std::size_t>(q * static_cast<double>(waits_ns.size() - 1))] / 1000;
}

int Run(int argc, const char* const* argv) {
  std::uint16_t port = 0;
  RequestSetOptions set;
  LoadOptions load;
  double seconds = 1;
  double pause_ms = 0;
  options::options_description described("load-client --port N [flags]");
  auto add = described.add_options();
  add("help", "this text");
  add("port", options::value(&port)->required(), "of the server, at 127.0.0.1");
  add("path", options::value(&set.path)->default_value("/ping"), "request target");
  add("bodies", options::value<std::string>(), "file with one JSON body a line; none means GET");
  add("connections", options::value(&load.connections)->default_value(load.connections), "number");
  add("seconds", options::value(&seconds)->default_value(seconds), "duration");
  add("pause-ms", options::value(&pause_ms)->default_value(pause_ms),
      "of each connection between an answer and the next request");
  add("rate", options::value(&load.rate)->default_value(load.rate),
      "requests a second; waits count from when each was due; 0: as fast as it can");
  add("close", "a new connection for each request");
  options::variables_map given;
  options::store(options::parse_command_line(argc, argv, described), given);
  if (given.contains("help")) {
    std::cout << described;
    return 0;
  }
  options::notify(given);
  if (load.connections == 0) throw options::error("--connections must be at least 1");
  if (!(load.rate >= 0)) throw options::error("--rate must be at least 0");
  if (load.rate > 0 && pause_ms > 0) throw options::error("either --rate or --pause-ms");
  if (!(seconds > 0)) throw options::error("--seconds must be greater than 0");

  if (given.contains("bodies")) set.bodies = given["bodies"].as<std::string>();
  set.close = given.contains("close");
  load.requests = MakeRequests(set);
  load.duration = FromSeconds(seconds);
  load.pause = FromSeconds(pause_ms / 1000);
  load.target = {.sin_family = AF_INET,
                 .sin_port = htons(port),
                 .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
                 .sin_zero = {}};
  LoadReport report = RunClosedLoop(load);
  std::ranges::sort(report.waits_ns);
  std::cout << fmt::format(
      R"({{"answers": {}, "in_all": {}, "not_200": {}, "broken": {}, "per_second": {:.1f}, "p50_us": {}, "p99_us": {}, "p999_us": {}, "max_us": {}}})"
      "\n",
      report.answers, report.in_all, report.not_200, report.broken,
      static_cast<double>(report.answers) / seconds, QuantileUs(report.waits_ns, 0.5),
      QuantileUs(report.waits_ns, 0.99), QuantileUs(report.waits_ns, 0.999),
      QuantileUs(report.waits_ns, 1));
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return forkcast::bench::RunTool("load-client", Run, argc, argv); }
