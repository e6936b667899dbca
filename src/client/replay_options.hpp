#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "client/service_url.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::client {

/// What `forkcast-client replay` is told to do.
struct ReplayOptions {
  std::filesystem::path orders{};
  ServiceUrl url{.host = "127.0.0.1", .port = "8080"};
  std::size_t batch = 1;  ///< Rows a request.
  wire::Format format = wire::Format::kCsv;
  std::optional<std::filesystem::path> out{};
  std::optional<std::filesystem::path> expect{};
  std::string count_by = "recommendation";
  bool json = false;   ///< The report as one line of JSON.
  bool quiet = false;  ///< No progress.

  std::size_t concurrency = 8;                ///< Connections.
  std::optional<double> rate{};               ///< Requests a second; none: as fast as answers come.
  std::chrono::milliseconds wait{60'000};     ///< For the server to become ready.
  std::chrono::milliseconds timeout{70'000};  ///< For one try of a request.
};

/// Value of an environment variable, or null.
using Environment = std::function<const char*(const char*)>;

/// Reads the arguments behind the word `replay`; none when help is asked for. What a flag does not
/// say, the environment does (an empty variable says nothing), else the default holds.
/// kInvalidArgument names the option, its value and what is allowed.
Result<std::optional<ReplayOptions>> ParseReplayOptions(std::span<const char* const> arguments,
                                                        const Environment& environment);

/// What `forkcast-client replay --help` prints: every option with its variable and default.
[[nodiscard]] std::string ReplayHelp();

}  // namespace forkcast::client
