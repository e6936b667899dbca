#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/environment.hpp"
#include "serving/capture/capture_message.hpp"
#include "serving/drift/drift_monitor.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

/// What the recorder tells the others; place it in memory that all processes share. Written by the
/// recorder alone.
struct RecorderCounters {
  std::atomic<std::uint64_t> received{0};  ///< Invocations that came from the workers.
  /// Of these, in a capture file, and in the store where there is one.
  std::atomic<std::uint64_t> written{0};
  std::atomic<std::uint64_t> dropped{0};  ///< Damaged, not written, or lost with a recorder.
};

/// A target with texts of its own.
struct CaptureDestination {
  std::string folder;
  std::string endpoint;
  std::string variant;
  std::string rules{};  ///< CaptureRulesText().

  [[nodiscard]] CaptureTarget target() const noexcept {
    return {.folder = folder, .endpoint = endpoint, .variant = variant, .rules = rules};
  }
  friend bool operator==(const CaptureDestination&, const CaptureDestination&) = default;
};

/// A random UUID, version 4.
[[nodiscard]] std::string RandomUuid();
/// Makes one after the other from a seed that the kernel gives once: unique, but no secret.
[[nodiscard]] std::function<std::string()> UuidSequence();

struct RecorderOptions {
  const Clock& clock;
  RecorderCounters& counters;
  /// Tidied at the start and kept within their rules even while nothing comes for them; those of
  /// messages are added as they come.
  std::span<const CaptureDestination> destinations{};
  std::function<std::string()> make_event_id = UuidSequence();
  Environment environment = ProcessEnvironment;  ///< Where rules find the key of hashes.
  DriftMonitor* drift = nullptr;                 ///< Takes what workers count; null: it is refused.
};

/// The recorder process: writes what arrives at `socket_fd` (the second of MakeCaptureSockets())
/// into capture files, in one thread, until `control_fd` reports its end (the master closed the
/// other end, or is gone). Then drains the socket, for at most 5 s, and returns 0. What is received
/// is written at once when nothing more waits; full files are packed only then. What an earlier
/// recorder had in hand when it was killed counts as dropped, and its torn lines are cut off. An
/// unwritable folder or a full disk costs the lines that were to go there, a count, and a warning
/// at most every 10 s; writing resumes by itself. Returns 1, after a log line, when a descriptor is
/// unusable. Signals that shall not end it before it has drained (SIGTERM and SIGINT to the process
/// group, SIGXFSZ) are the caller's to ignore.
[[nodiscard]] int RunRecorder(const RecorderOptions& options, int socket_fd, int control_fd,
                              spdlog::logger& log);

}  // namespace forkcast::serving
