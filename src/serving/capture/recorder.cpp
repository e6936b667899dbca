#include "serving/capture/recorder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spdlog/logger.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "data_preprocessing/base/log_limiter.hpp"
#include "data_preprocessing/table/time_zone.hpp"
#include "serving/capture/capture_channel.hpp"
#include "serving/capture/capture_file.hpp"
#include "serving/capture/capture_line.hpp"

namespace forkcast::serving {
namespace {

constexpr std::size_t kBatchBytes = 256 * 1024;  // written at once, even if more is waiting
constexpr std::size_t kMessagesPerTurn = 64;     // before the control descriptor is looked at
constexpr std::chrono::seconds kLongestDrain{5};

std::string FileStem(Instant started) {
  const preprocessing::CivilTime time = preprocessing::TimeZone().ToCivil(started);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}.{:06}Z-{}", time.year, time.month, time.day,
                     time.hour, time.minute, time.second, time.micros, ::getpid());
}

// Turns messages into lines and lines into files.
class Recorder {
 public:
  Recorder(const RecorderOptions& options, spdlog::logger& log)
      : options_(options), log_(log), stem_(FileStem(options.clock.Now())) {}

  void Take(std::span<const std::byte> bytes) {
    if (options_.drift != nullptr && IsDriftMessage(bytes)) {
      if (const Status taken = options_.drift->Take(bytes); !taken) Refuse(taken.error().message);
      return;
    }
    const Result<CaptureMessage> message = DecodeCapture(bytes);
    if (!message.ok()) return Refuse(message.error().message);
    Output& output = OutputOf(message->target);
    const UtcHour hour = std::chrono::floor<std::chrono::hours>(message->request.received);
    if (hour != output.hour) Write(output);
    output.hour = hour;
    AppendCaptureLine(*message, options_.make_event_id(), output.lines);
    if (output.lines.size() >= kBatchBytes) Write(output);
  }

  void Refuse(std::string_view reason) {
    options_.counters.dropped.fetch_add(1, std::memory_order_relaxed);
    if (const auto held_back = refusals_.Pass(options_.clock.Monotonic())) {
      log_.warn("capture_message_refused reason={:?} suppressed={}", reason, *held_back);
    }
  }

  void Flush() {
    for (auto& [target, output] : outputs_) Write(output);
  }

 private:
  using Target = std::tuple<std::string, std::string, std::string>;  // folder, endpoint, variant
  struct Output {
    CaptureFile file;
    UtcHour hour{};
    std::string lines{};  // not yet written
  };

  Output& OutputOf(const CaptureTarget& target) {
    const Target key(target.folder, target.endpoint, target.variant);
    const auto found = outputs_.find(key);
    if (found != outputs_.end()) return found->second;
    const auto folder = std::filesystem::path(target.folder) / target.endpoint / target.variant;
    return outputs_.emplace(key, Output{.file = CaptureFile(folder, stem_)}).first->second;
  }

  void Write(Output& output) {
    if (output.lines.empty()) return;
    const CaptureFile::Outcome outcome = output.file.Append(output.hour, output.lines);
    const auto kept = output.lines.begin() + static_cast<std::ptrdiff_t>(outcome.kept);
    const auto lines = std::count(output.lines.begin(), kept, '\n');
    const auto lost = std::count(kept, output.lines.end(), '\n');
    options_.counters.written.fetch_add(static_cast<std::uint64_t>(lines),
                                        std::memory_order_relaxed);
    options_.counters.dropped.fetch_add(static_cast<std::uint64_t>(lost),
                                        std::memory_order_relaxed);
    if (lost != 0) {
      if (const auto held_back = failures_.Pass(options_.clock.Monotonic())) {
        log_.warn("capture_write_failed path={:?} reason={:?} lost={} suppressed={}",
                  output.file.PathOf(output.hour).string(), outcome.error.message(), lost,
                  *held_back);
      }
    }
    output.lines.clear();
    if (output.lines.capacity() > 2 * kBatchBytes) output.lines = std::string();
  }

  const RecorderOptions& options_;
  spdlog::logger& log_;
  std::string stem_;
  std::map<Target, Output> outputs_;
  LogLimiter refusals_;
  LogLimiter failures_;
};

// Whether more may be waiting.
enum class Supply { kMore, kEmpty, kClosed };

Supply TakeSome(CaptureReceiver& receiver, Recorder& recorder) {
  for (std::size_t i = 0; i < kMessagesPerTurn; ++i) {
    switch (receiver.Receive()) {
      case CaptureReceiver::Outcome::kMessage:
        recorder.Take(receiver.message());
        break;
      case CaptureReceiver::Outcome::kDamaged:
        recorder.Refuse("did not arrive whole");
        break;
      case CaptureReceiver::Outcome::kNothing:
        return Supply::kEmpty;
      case CaptureReceiver::Outcome::kClosed:
        return Supply::kClosed;
    }
  }
  return Supply::kMore;
}

// A descriptor that is none would be waited for in vain: poll() passes over negative ones.
void RequireOpen(int fd) {
  if (::fcntl(fd, F_GETFD) < 0) {
    throw std::system_error(errno, std::generic_category(), "descriptor of the recorder");
  }
}

// Waits for something to do; false when the recorder shall end.
bool AwaitWork(int socket_fd, int control_fd, Supply supply) {
  std::array<pollfd, 2> watched{};
  watched[0] = {.fd = supply == Supply::kClosed ? -1 : socket_fd, .events = POLLIN, .revents = 0};
  watched[1] = {.fd = control_fd, .events = POLLIN, .revents = 0};
  if (::poll(watched.data(), watched.size(), supply == Supply::kMore ? 0 : -1) < 0) {
    if (errno == EINTR) return true;
    throw std::system_error(errno, std::generic_category(), "poll");
  }
  return watched[1].revents == 0;
}

void Drain(CaptureReceiver& receiver, Recorder& recorder, const Clock& clock) {
  const MonotonicTime deadline = clock.Monotonic() + kLongestDrain;
  while (TakeSome(receiver, recorder) == Supply::kMore && clock.Monotonic() < deadline) {
  }
  recorder.Flush();
}

}  // namespace

std::string RandomUuid() { return to_string(boost::uuids::random_generator()()); }

int RunRecorder(const RecorderOptions& options, int socket_fd, int control_fd,
                spdlog::logger& log) {
  try {
    RequireOpen(socket_fd);
    RequireOpen(control_fd);
    Recorder recorder(options, log);
    CaptureReceiver receiver(socket_fd);
    Supply supply = Supply::kEmpty;
    log.info("recorder_ready");
    while (AwaitWork(socket_fd, control_fd, supply)) {
      if (supply != Supply::kClosed) supply = TakeSome(receiver, recorder);
      if (supply != Supply::kMore) recorder.Flush();
    }
    Drain(receiver, recorder, options.clock);
    log.info("recorder_stopped written={} dropped={}", options.counters.written.load(),
             options.counters.dropped.load());
    return 0;
  } catch (const std::exception& error) {
    log.critical("recorder_failed reason={:?}", error.what());
    return 1;
  }
}

}  // namespace forkcast::serving
