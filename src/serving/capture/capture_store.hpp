#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/capture/capture_line.hpp"
#include "serving/capture/capture_message.hpp"

namespace forkcast::preprocessing {
class SqliteConnection;
}

namespace forkcast::serving {

/// One row of a store (FORMAT.md).
struct CaptureRecord {
  std::int64_t id = 0;  ///< Given by the store.
  std::string event_id;
  Instant received;
  std::string endpoint;
  std::string variant;
  std::string deployment;
  std::string pipeline;
  std::string model_version;
  std::string request_id;
  std::string inference_id;
  std::string custom_attributes;
  std::string traceparent;
  int status = 0;
  std::chrono::microseconds latency{0};
  std::string withheld;  ///< Bodies that were: "", "request", "answer", "request,answer".
  CapturedBody request;
  CapturedBody answer;
  std::string features;  ///< JSON: [{"row": 0, "features": {...}}, ...]

  friend bool operator==(const CaptureRecord&, const CaptureRecord&) = default;
};

/// The record of a message.
[[nodiscard]] CaptureRecord RecordOf(const CaptureMessage& message, std::string_view event_id);

/// Bounds of a store; what is not given has none.
struct CaptureStoreRules {
  std::optional<std::chrono::seconds> keep_age{};
  std::optional<std::uint64_t> max_bytes{};

  friend bool operator==(const CaptureStoreRules&, const CaptureStoreRules&) = default;
};

/// Which records are asked for: those that are all of it.
struct CaptureQuery {
  std::optional<Instant> since{};  ///< Received then or later.
  std::optional<Instant> until{};  ///< Received before.
  std::string deployment{};        ///< Empty: all.
  int least_status = 0;
  int greatest_status = 999;
  std::optional<std::int64_t> id{};
  std::string request_id{};               ///< Empty: all.
  std::optional<std::uint64_t> newest{};  ///< So many of the newest.
};

/// A SQLite file with captured invocations (FORMAT.md), which one recorder writes and any number of
/// readers may read meanwhile. Errors are kIo and name the file. Not thread-safe.
class CaptureStore {
 public:
  /// For a recorder: makes the file, its folder and its table where they are absent.
  static Result<CaptureStore> Open(const std::filesystem::path& path);
  /// For readers. kNotFound when there is no such file.
  static Result<CaptureStore> OpenToRead(const std::filesystem::path& path);
  CaptureStore(CaptureStore&&) noexcept;
  CaptureStore& operator=(CaptureStore&&) noexcept;
  ~CaptureStore();

  /// Adds all of them, or none. Then the oldest go until `rules` hold, of which these may be some.
  Status Append(std::span<const CaptureRecord> records, const CaptureStoreRules& rules,
                Instant now);
  /// Removes what is too old.
  Status Trim(const CaptureStoreRules& rules, Instant now);
  /// Visits records in the order in which they were captured.
  Status Visit(const CaptureQuery& query,
               const std::function<void(const CaptureRecord&)>& visit) const;

 private:
  explicit CaptureStore(std::unique_ptr<preprocessing::SqliteConnection> connection) noexcept;
  Status Insert(std::span<const CaptureRecord> records);
  Status RemoveOlder(const CaptureStoreRules& rules, Instant now);
  Status RemoveBeyond(std::uint64_t max_bytes);
  Status InTransaction(const std::function<Status()>& change);
  [[nodiscard]] Result<std::int64_t> Number(std::string_view sql) const;

  std::unique_ptr<preprocessing::SqliteConnection> connection_;
};

}  // namespace forkcast::serving
