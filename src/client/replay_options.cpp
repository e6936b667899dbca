#include "client/replay_options.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <string_view>
#include <system_error>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/base/output_file.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/read_dialect.hpp"

namespace forkcast::client {
namespace {

using preprocessing::Allowed;
using preprocessing::Arguments;
using preprocessing::CsvDialect;
using preprocessing::Flag;
using preprocessing::WholeNumber;

constexpr std::size_t kMostConnections = 4096;
constexpr std::size_t kMostRowsARequest = 100'000;
constexpr double kMostRequestsASecond = 1e6;
constexpr double kMostSeconds = 86'400;
constexpr std::size_t kMostFailures = 1'000'000'000;

Allowed Numbers(std::string expected, bool (*is_value)(double)) {
  const auto is_number = [is_value](std::string_view text) {
    double number{};
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failed == std::errc() && end == text.data() + text.size() && is_value(number);
  };
  return {.expected = std::move(expected), .is_value = is_number};
}

Allowed Rates() {
  return Numbers(fmt::format("a number over 0, up to {}", kMostRequestsASecond),
                 [](double rate) { return rate > 0 && rate <= kMostRequestsASecond; });
}

Allowed Seconds() {
  return Numbers(fmt::format("seconds from 0 to {}", kMostSeconds),
                 [](double seconds) { return seconds >= 0 && seconds <= kMostSeconds; });
}

Allowed SecondsOverZero() {
  return Numbers(fmt::format("seconds from 0.001 to {}", kMostSeconds),
                 [](double seconds) { return seconds >= 0.001 && seconds <= kMostSeconds; });
}

wire::Format FormatOf(std::string_view name) {
  if (name == "json") return wire::Format::kJson;
  return name == "csv" ? wire::Format::kCsv : wire::Format::kJsonLines;
}

std::chrono::milliseconds TimeOf(const Arguments& arguments, std::string_view flag) {
  return std::chrono::milliseconds(std::llround(arguments.Real(flag).value() * 1000));
}

Result<CsvDialect> DialectOf(const Arguments& arguments, std::string_view flag) {
  if (!arguments.Has(flag)) return CsvDialect();
  try {
    const auto json = preprocessing::ParseJson(arguments.Text(flag));
    return preprocessing::ReadDialect(preprocessing::JsonNode(json));
  } catch (const preprocessing::SpecError& error) {
    return arguments.Refuse(flag, error.what());
  }
}

/// Only the server knows which fields are numbers, so nobody can write them otherwise on the way.
Status CheckNumbers(const ReplayOptions& options, const Arguments& arguments) {
  const bool are_alike = options.csv.decimal == options.send_csv.decimal &&
                         options.csv.thousands == options.send_csv.thousands;
  if (are_alike) return {};
  return arguments.Refuse(
      arguments.Has("send-csv") ? "send-csv" : "csv",
      "numbers are sent as they stand, so \"decimal\" and \"thousands\" of --csv and --send-csv "
      "must be the same: say in both what \"csv\" in the pipeline's \"request\" says");
}

std::optional<std::filesystem::path> PathOf(const Arguments& arguments, std::string_view flag) {
  if (!arguments.Has(flag)) return std::nullopt;
  return arguments.Text(flag);
}

Status CheckFiles(const ReplayOptions& options, const Arguments& arguments) {
  // --out empties its file before the others are read.
  const auto is_out = [&](const std::filesystem::path& path) {
    std::error_code absent;
    return options.out && std::filesystem::equivalent(*options.out, path, absent) && !absent;
  };
  if (is_out(options.orders)) {
    return arguments.Refuse("out", "would overwrite the file of --orders");
  }
  if (options.expect && is_out(*options.expect)) {
    return arguments.Refuse("out", "would overwrite the file of --expect");
  }
  return {};
}

/// The token that a file holds, without the line's end; empty without a file.
Result<std::string> TokenOf(const Arguments& arguments) {
  const std::string path = arguments.Text("token-file");
  if (path.empty()) return std::string();
  try {
    std::string token = preprocessing::ReadTextFile(path);
    while (token.ends_with('\n') || token.ends_with('\r')) token.pop_back();
    if (!token.empty() && IsVisibleAscii(token)) return token;
  } catch (const preprocessing::SpecError& error) {
    return arguments.Refuse("token-file", error.what());
  }
  return arguments.Refuse("token-file", fmt::format("{}: expected a token in a single line", path));
}

}  // namespace

// NOLINTNEXTLINE(readability-function-size): a table.
std::vector<Flag> ReplayFlags() {
  return {
      {.name = "orders",
       .argument = "FILE",
       .meaning = "CSV of requests, or a gzip of one, with a header; - for standard input. Every "
                  "field is sent as it stands, as text.",
       .need = Flag::Need::kRequired},
      {.name = "csv",
       .argument = "JSON",
       .meaning = "How that file is written, as a pipeline says it: {\"delimiter\": \";\", "
                  "\"encoding\": \"windows-1252\"}.",
       .when_absent = "with commas, in UTF-8"},
      {.name = "send-csv",
       .argument = "JSON",
       .meaning =
           "How requests in CSV are written: what \"csv\" in the pipeline's \"request\" says. "
           "Bytes are UTF-8 in any case.",
       .when_absent = "with commas"},
      {.name = "url",
       .argument = "URL",
       .meaning = "http://HOST:PORT[/path][?query] or unix:/path/to.sock. Without a path, requests "
                  "go to /invocations. partial=true is added to the query, so that a bad row does "
                  "not fail its batch.",
       .variable = "FORKCAST_URL",
       .fallback = "http://127.0.0.1:8080"},
      {.name = "concurrency",
       .argument = "N",
       .meaning = "Connections, each with one request at a time.",
       .fallback = "8",
       .allowed = WholeNumber(1, kMostConnections)},
      {.name = "rate",
       .argument = "R",
       .meaning = "Requests a second, on a fixed schedule from which latency is measured.",
       .when_absent = "as fast as answers come",
       .allowed = Rates()},
      {.name = "batch",
       .argument = "K",
       .meaning = "Rows a request.",
       .fallback = "1",
       .allowed = WholeNumber(1, kMostRowsARequest)},
      {.name = "format",
       .argument = "FORMAT",
       .meaning = "csv, json or jsonlines: the form of a request. In the JSON forms every field is "
                  "a string (an empty unquoted one is null), so a server that declares a number "
                  "refuses it; json is one object, or an array when --batch is over 1. Answers are "
                  "JSON lines in any case.",
       .fallback = "csv",
       .allowed = preprocessing::OneOf({"csv", "json", "jsonlines"})},
      {.name = "out",
       .argument = "FILE",
       .meaning =
           "Writes the answers as JSON lines in the order of the input, as they come; a failed row "
           R"(is {"row":N,"error":{...}}, N from 0. What the file held is replaced. With - they go )"
           "to standard output, and the report to standard error.",
       .when_absent = "none"},
      {.name = "expect",
       .argument = "FILE",
       .meaning = "Compares the answers with those that --out wrote, as JSON, row by row.",
       .when_absent = "none"},
      {.name = "count-by",
       .argument = "FIELD",
       .meaning = "Field of the answers whose values are counted (the first 1000 different ones).",
       .fallback = "recommendation"},
      {.name = "token-file",
       .argument = "FILE",
       .meaning = "Holds the token of a server that asks for one, as forkcast token create prints "
                  "it.",
       .variable = "FORKCAST_TOKEN_FILE",
       .when_absent = "no token is shown"},
      {.name = "wait",
       .argument = "SECONDS",
       .meaning = "For GET /ping to answer 200 before anything is sent; 0: one try.",
       .fallback = "60",
       .allowed = Seconds()},
      {.name = "timeout",
       .argument = "SECONDS",
       .meaning = "For one try of a request, its connection included.",
       .fallback = "70",
       .allowed = SecondsOverZero()},
      {.name = "max-failures",
       .argument = "N",
       .meaning =
           "Gives up after so many requests in a row that nobody answers, or that get a status "
           "from 500 on; 0: never.",
       .when_absent = "100, or 5 a connection where that is more",
       .allowed = WholeNumber(0, kMostFailures)},
      preprocessing::JsonFlag("Prints the report as one line of JSON."),
      {.name = "quiet", .kind = Flag::Kind::kSwitch, .meaning = "Shows no progress."},
  };
}

Result<ReplayOptions> ReadReplayOptions(const Arguments& arguments) {
  Result<ServiceUrl> url = ParseServiceUrl(arguments.Text("url"));
  if (!url) return arguments.Refuse("url", url.error().message);
  Result<CsvDialect> csv = DialectOf(arguments, "csv");
  if (!csv) return std::move(csv).error();
  Result<CsvDialect> send_csv = DialectOf(arguments, "send-csv");
  if (!send_csv) return std::move(send_csv).error();
  ReplayOptions options{.orders = InputPath(arguments.Text("orders")),
                        .csv = *std::move(csv),
                        .send_csv = *std::move(send_csv),
                        .url = *std::move(url),
                        .batch = arguments.Whole("batch").value(),
                        .format = FormatOf(arguments.Text("format")),
                        .out = PathOf(arguments, "out"),
                        .expect = PathOf(arguments, "expect"),
                        .count_by = arguments.Text("count-by"),
                        .concurrency = arguments.Whole("concurrency").value(),
                        .rate = arguments.Real("rate"),
                        .wait = TimeOf(arguments, "wait"),
                        .timeout = TimeOf(arguments, "timeout")};
  Result<std::string> token = TokenOf(arguments);
  if (!token) return std::move(token).error();
  options.token = *std::move(token);
  options.max_failures =
      arguments.Whole("max-failures").value_or(UsualMaxFailures(options.concurrency));
  for (const auto check : {CheckNumbers, CheckFiles}) {
    const Status checked = check(options, arguments);
    if (!checked) return checked.error();
  }
  return options;
}

}  // namespace forkcast::client
