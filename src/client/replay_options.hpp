#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "client/service_url.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/command/arguments.hpp"
#include "data_preprocessing/command/flags.hpp"
#include "data_preprocessing/table/csv_dialect.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::client {

/// What `forkcast-client replay` is told to do.
struct ReplayOptions {
  std::filesystem::path orders{};
  preprocessing::CsvDialect csv{};       ///< Of `orders`.
  preprocessing::CsvDialect send_csv{};  ///< Of requests in CSV.
  ServiceUrl url{.host = "127.0.0.1", .port = "8080"};
  std::size_t batch = 1;  ///< Rows a request.
  wire::Format format = wire::Format::kCsv;
  std::optional<std::filesystem::path> out{};
  std::optional<std::filesystem::path> expect{};
  std::string count_by = "recommendation";
  std::string token{};  ///< Shown with each request of rows; empty: none.

  std::size_t concurrency = 8;                ///< Connections.
  std::optional<double> rate{};               ///< Requests a second; none: as fast as answers come.
  std::chrono::milliseconds wait{60'000};     ///< For the server to become ready.
  std::chrono::milliseconds timeout{70'000};  ///< For one try of a request.
  /// Requests in a row that no server answers, after which none is sent any more; 0: never.
  std::size_t max_failures = 0;
};

/// How many failures in a row are taken for a server that is gone: all connections may break at
/// once when a worker ends, and are made again.
[[nodiscard]] constexpr std::size_t UsualMaxFailures(std::size_t concurrency) noexcept {
  constexpr std::size_t kAtLeast = 100;
  constexpr std::size_t kAConnection = 5;
  return std::max(kAtLeast, kAConnection * concurrency);
}

/// The table that its command line, its help and its defaults are made from.
[[nodiscard]] std::vector<preprocessing::Flag> ReplayFlags();

/// `arguments`: of ReplayFlags(). kInvalidArgument names the flag (or the variable), its value and
/// what is allowed.
Result<ReplayOptions> ReadReplayOptions(const preprocessing::Arguments& arguments);

}  // namespace forkcast::client
