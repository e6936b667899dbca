#include "client/replay_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options/errors.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <boost/program_options/variables_map.hpp>
#include <charconv>
#include <cmath>
#include <string_view>
#include <vector>

namespace forkcast::client {
namespace {

namespace po = boost::program_options;

struct Option {
  std::string_view name;
  std::string_view argument;  // empty: a switch, which is applied with an empty value
  std::string_view variable;  // of the environment; empty: none
  std::string_view default_value;
  std::string_view meaning;
  Status (*apply)(std::string_view value, ReplayOptions& options);
};

Error NotAllowed(std::string_view value, std::string_view allowed) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("\"{}\" is not allowed; expected {}", value, allowed)};
}

template <typename Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number number{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Status ApplyCount(std::string_view value, std::size_t most, std::size_t& count) {
  const std::optional<std::size_t> number = ParseNumber<std::size_t>(value);
  if (!number || *number < 1 || *number > most) {
    return NotAllowed(value, fmt::format("a whole number from 1 to {}", most));
  }
  count = *number;
  return {};
}

enum class Zero { kAllowed, kRefused };

Status ApplySeconds(std::string_view value, Zero zero, std::chrono::milliseconds& time) {
  constexpr double kMostSeconds = 86'400;
  const std::optional<double> seconds = ParseNumber<double>(value);
  const double least = zero == Zero::kAllowed ? 0 : 0.001;
  if (!seconds || !(*seconds >= least && *seconds <= kMostSeconds)) {
    return NotAllowed(value, fmt::format("seconds from {} to {}", least, kMostSeconds));
  }
  time = std::chrono::milliseconds(std::llround(*seconds * 1000));
  return {};
}

Status ApplyPath(std::string_view value, std::filesystem::path& path) {
  if (value.empty()) return NotAllowed(value, "the path of a file");
  path = value;
  return {};
}

constexpr std::size_t kMostConnections = 4096;
constexpr std::size_t kMostRowsARequest = 100'000;
constexpr double kMostRequestsASecond = 1e6;

const Option kOptions[] = {
    {"orders", "FILE", "", "",
     "CSV of requests, or a gzip of one, with a header; required. Every field is sent as it "
     "stands, "
     "as text.",
     [](std::string_view value, ReplayOptions& options) {
       return ApplyPath(value, options.orders);
     }},
    {"url", "URL", "FORKCAST_URL", "http://127.0.0.1:8080",
     "http://HOST:PORT[/path][?query] or unix:/path/to.sock. Without a path, requests go to "
     "/invocations. partial=true is added to the query, so that a bad row does not fail its batch.",
     [](std::string_view value, ReplayOptions& options) -> Status {
       Result<ServiceUrl> url = ParseServiceUrl(value);
       if (!url) return std::move(url).error();
       options.url = *std::move(url);
       return {};
     }},
    {"concurrency", "N", "", "8", "Connections, each with one request at a time.",
     [](std::string_view value, ReplayOptions& options) {
       return ApplyCount(value, kMostConnections, options.concurrency);
     }},
    {"rate", "R", "", "as fast as answers come",
     "Requests a second, on a fixed schedule from which latency is measured.",
     [](std::string_view value, ReplayOptions& options) -> Status {
       const std::optional<double> rate = ParseNumber<double>(value);
       if (!rate || !(*rate > 0 && *rate <= kMostRequestsASecond)) {
         return NotAllowed(value, fmt::format("a number over 0, up to {}", kMostRequestsASecond));
       }
       options.rate = rate;
       return {};
     }},
    {"batch", "K", "", "1", "Rows a request.",
     [](std::string_view value, ReplayOptions& options) {
       return ApplyCount(value, kMostRowsARequest, options.batch);
     }},
    {"format", "FORMAT", "", "csv",
     "csv, json or jsonlines: the form of a request. In the JSON forms every field is a string (an "
     "empty unquoted one is null), so a server that declares a number refuses it; json is one "
     "object, or an array when --batch is over 1. Answers are JSON lines in any case.",
     [](std::string_view value, ReplayOptions& options) -> Status {
       if (value == "csv") {
         options.format = wire::Format::kCsv;
       } else if (value == "json") {
         options.format = wire::Format::kJson;
       } else if (value == "jsonlines") {
         options.format = wire::Format::kJsonLines;
       } else {
         return NotAllowed(value, "csv, json or jsonlines");
       }
       return {};
     }},
    {"out", "FILE", "", "none",
     "Writes the answers as JSON lines in the order of the input, as they come; a failed row is "
     R"({"row":N,"error":{...}}, N from 0. What the file held is replaced.)",
     [](std::string_view value, ReplayOptions& options) {
       return ApplyPath(value, options.out.emplace());
     }},
    {"expect", "FILE", "", "none",
     "Compares the answers with those that --out wrote, as JSON, row by row.",
     [](std::string_view value, ReplayOptions& options) {
       return ApplyPath(value, options.expect.emplace());
     }},
    {"count-by", "FIELD", "", "recommendation",
     "Field of the answers whose values are counted (the first 1000 different ones).",
     [](std::string_view value, ReplayOptions& options) -> Status {
       if (value.empty()) return NotAllowed(value, "the name of a field");
       options.count_by = value;
       return {};
     }},
    {"wait", "SECONDS", "", "60",
     "For GET /ping to answer 200 before anything is sent; 0: one try.",
     [](std::string_view value, ReplayOptions& options) {
       return ApplySeconds(value, Zero::kAllowed, options.wait);
     }},
    {"timeout", "SECONDS", "", "70", "For one try of a request, its connection included.",
     [](std::string_view value, ReplayOptions& options) {
       return ApplySeconds(value, Zero::kRefused, options.timeout);
     }},
    {"json", "", "", "", "Prints the report as one line of JSON.",
     [](std::string_view, ReplayOptions& options) -> Status {
       options.json = true;
       return {};
     }},
    {"quiet", "", "", "", "Shows no progress.",
     [](std::string_view, ReplayOptions& options) -> Status {
       options.quiet = true;
       return {};
     }},
};

constexpr std::string_view kSeeHelp = " (forkcast-client replay --help lists the options)";

Error UsageError(std::string message, std::string_view option = {}) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::string(option)};
}

Result<po::variables_map> ParseFlags(std::span<const char* const> arguments) {
  po::options_description known;
  for (const Option& option : kOptions) {
    auto add = known.add_options();
    const std::string name(option.name);
    if (option.argument.empty()) {
      add(name.c_str(), "");
    } else {
      add(name.c_str(), po::value<std::string>(), "");
    }
  }
  const std::vector<std::string> words(arguments.begin(), arguments.end());
  // Long options in full, alone: an abbreviation would change its meaning with the next release.
  constexpr int kStyle = po::command_line_style::allow_long |
                         po::command_line_style::long_allow_next |
                         po::command_line_style::long_allow_adjacent;
  try {
    const po::parsed_options parsed =
        po::command_line_parser(words).options(known).style(kStyle).run();
    for (const po::option& option : parsed.options) {
      if (option.position_key < 0) continue;
      return UsageError(
          fmt::format("\"{}\" belongs to no option{}", option.value.front(), kSeeHelp));
    }
    po::variables_map flags;
    po::store(parsed, flags);
    return flags;
  } catch (const po::error& error) {
    return UsageError(std::string(error.what()) + std::string(kSeeHelp));
  }
}

Status CheckFiles(const ReplayOptions& options) {
  if (options.orders.empty()) {
    return UsageError("--orders is missing: which file holds the requests?", "orders");
  }
  // --out empties its file before the others are read.
  const auto is_out = [&](const std::filesystem::path& path) {
    std::error_code absent;
    return options.out && std::filesystem::equivalent(*options.out, path, absent) && !absent;
  };
  if (is_out(options.orders))
    return UsageError("--out would overwrite the file of --orders", "out");
  if (options.expect && is_out(*options.expect)) {
    return UsageError("--out would overwrite the file of --expect", "out");
  }
  return {};
}

}  // namespace

Result<std::optional<ReplayOptions>> ParseReplayOptions(std::span<const char* const> arguments,
                                                        const Environment& environment) {
  const auto asks_for_help = [](std::string_view word) { return word == "--help" || word == "-h"; };
  if (std::ranges::any_of(arguments, asks_for_help)) return std::optional<ReplayOptions>();
  const Result<po::variables_map> flags = ParseFlags(arguments);
  if (!flags) return flags.error();

  ReplayOptions options;
  for (const Option& option : kOptions) {
    const auto flag = flags->find(std::string(option.name));
    const char* const variable =
        option.variable.empty() ? nullptr : environment(std::string(option.variable).c_str());
    Status applied;
    std::string source = fmt::format("--{}", option.name);
    if (flag != flags->end()) {
      const bool is_switch = option.argument.empty();
      applied = option.apply(is_switch ? "" : flag->second.as<std::string>(), options);
    } else if (variable != nullptr && *variable != '\0') {
      source = option.variable;
      applied = option.apply(variable, options);
    }
    if (!applied) return UsageError(source + ": " + applied.error().message, option.name);
  }
  const Status files = CheckFiles(options);
  if (!files) return files.error();
  return std::optional(std::move(options));
}

std::string ReplayHelp() {
  constexpr std::size_t kWidth = 100;
  constexpr std::size_t kIndent = 22;
  std::string help =
      "usage: forkcast-client replay --orders FILE [options]\n\n"
      "Sends every row of a CSV file to a Forkcast server and reports the answers.\n\n";
  for (const Option& option : kOptions) {
    help += fmt::format("{:<{}}", fmt::format("  --{} {}", option.name, option.argument), kIndent);
    std::string text(option.meaning);
    if (!option.variable.empty()) text += fmt::format(" Environment: {}.", option.variable);
    if (!option.default_value.empty()) text += fmt::format(" Default: {}.", option.default_value);
    std::size_t column = kIndent;
    for (std::string_view rest = text; !rest.empty();) {
      const std::size_t size = std::min(rest.find(' '), rest.size());
      if (column + size > kWidth) {
        help.pop_back();
        help += "\n" + std::string(kIndent, ' ');
        column = kIndent;
      }
      help += rest.substr(0, size);
      help += ' ';
      column += size + 1;
      rest.remove_prefix(std::min(size + 1, rest.size()));
    }
    help.back() = '\n';
  }
  help += fmt::format("{:<{}}Shows this.\n", "  --help", kIndent);
  help +=
      "\nA request is sent again, three times in all, when that is safe: no connection, a kept\n"
      "connection that the server had closed, 429 and 503 (after Retry-After, at most 5 s).\n"
      "\nExit codes:\n"
      "  0    every row was answered, and as --expect says\n"
      "  1    a row failed, or differs from --expect\n"
      "  2    wrong usage\n"
      "  3    the server did not become ready\n"
      "  4    the input cannot be read, or the output not be written\n"
      "  130  interrupted (SIGINT), 143 terminated (SIGTERM): reported is what was done\n";
  return help;
}

}  // namespace forkcast::client
