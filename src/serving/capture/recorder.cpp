#include "serving/capture/recorder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
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
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "data_preprocessing/base/log_limiter.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/time_zone.hpp"
#include "serving/capture/capture_channel.hpp"
#include "serving/capture/capture_files.hpp"
#include "serving/capture/capture_line.hpp"
#include "serving/capture/capture_rules.hpp"
#include "serving/capture/capture_store.hpp"
#include "serving/capture/field_redactor.hpp"

namespace forkcast::serving {
namespace {

constexpr std::size_t kBatchBytes = 256 * 1024;  // written at once, even if more is waiting
constexpr std::size_t kMessagesPerTurn = 64;     // before the control descriptor is looked at
// Who is woken for each message costs the worker that sends it, too. So what comes now and then is
// left to gather; the queue has room for several times as much.
constexpr std::chrono::milliseconds kGathering{2};
constexpr std::size_t kWorthGathering = 32;
constexpr std::chrono::seconds kLongestDrain{5};
constexpr std::chrono::milliseconds kBetweenTicks{1000};
constexpr std::chrono::seconds kBetweenStoreTrims{60};

std::string FileStem(Instant started) {
  const preprocessing::CivilTime time = preprocessing::TimeZone().ToCivil(started);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}.{:06}Z-{}", time.year, time.month, time.day,
                     time.hour, time.minute, time.second, time.micros, ::getpid());
}

// Turns messages into lines and lines into files.
class Recorder {
 public:
  Recorder(const RecorderOptions& options, spdlog::logger& log)
      : options_(options), log_(log), stem_(FileStem(options.clock.Now())) {
    CountLossesOfOthers();
    for (const CaptureDestination& destination : options.destinations) {
      const Result<Output*> output = OutputOf(destination.target());
      if (!output) log_.warn("capture_rules_refused reason={:?}", output.error().message);
    }
  }

  void Take(std::span<const std::byte> bytes) {
    if (options_.drift != nullptr && IsDriftMessage(bytes)) {
      if (const Status taken = options_.drift->Take(bytes); !taken) Refuse(taken.error().message);
      return;
    }
    options_.counters.received.fetch_add(1, std::memory_order_relaxed);
    const Result<CaptureMessage> message = DecodeCapture(bytes);
    if (!message.ok()) return Drop(message.error().message);
    const Result<Output*> found = OutputOf(message->target);
    if (!found) return Drop(found.error().message);
    Output& output = **found;
    const UtcHour hour = std::chrono::floor<std::chrono::hours>(message->request.received);
    if (hour != output.hour) Write(output);
    output.hour = hour;
    Keep(output.redactor ? output.redactor->Redact(*message) : *message, output);
    if (output.lines.size() >= kBatchBytes) Write(output);
  }

  void Refuse(std::string_view reason) {
    options_.counters.received.fetch_add(1, std::memory_order_relaxed);
    Drop(reason);
  }

  void Flush() {
    for (auto& [target, output] : outputs_) Write(output);
  }

  /// To be called every now and then.
  void Tick() {
    const MonotonicTime now = options_.clock.Monotonic();
    if (now < next_tick_) return;
    next_tick_ = now + kBetweenTicks;
    for (auto& [target, output] : outputs_) {
      output.files.Tick();
      TrimStore(output);
    }
  }

  /// What can wait until nothing else is to do: a piece of it. False when nothing is left.
  bool WorkAside() {
    for (auto& [target, output] : outputs_) {
      const bool more = output.files.Pack();
      if (const std::error_code failed = output.files.TakePackError()) {
        log_.warn("capture_not_packed folder={:?} reason={:?}", std::get<0>(target),
                  failed.message());
      }
      if (more) return true;
    }
    return false;
  }

  /// How long nothing has to be done unless something comes; negative: for ever.
  [[nodiscard]] std::chrono::milliseconds until_next_tick() const noexcept {
    return outputs_.empty() ? std::chrono::milliseconds(-1) : kBetweenTicks;
  }

 private:
  using Target = std::tuple<std::string, std::string, std::string>;  // folder, endpoint, variant
  struct Output {
    Output(const std::filesystem::path& folder, const std::string& stem, const Clock& clock)
        : files(folder, stem, {}, clock) {}
    CaptureFiles files;
    std::optional<std::string> rules_text;  // those below, which `files` obeys, too
    CaptureRules rules;
    std::optional<FieldRedactor> redactor;  // when there is something to take out
    UtcHour hour{};
    std::string lines;                   // not yet written
    std::vector<CaptureRecord> records;  // the same, for the store
    bool is_tidied = false;
    MonotonicTime next_store_trim = MonotonicTime::min();
  };

  /// A recorder that was killed had taken them from the workers and not told what became of them.
  void CountLossesOfOthers() {
    RecorderCounters& counters = options_.counters;
    const std::uint64_t lost = counters.received - counters.written - counters.dropped;
    if (lost == 0) return;
    counters.dropped.fetch_add(lost, std::memory_order_relaxed);
    log_.warn("capture_lost_with_recorder lost={}", lost);
  }

  void Keep(const CaptureMessage& message, Output& output) {
    const std::string event_id = options_.make_event_id();
    AppendCaptureLine(message, event_id, output.lines);
    if (!output.rules.store.empty()) output.records.push_back(RecordOf(message, event_id));
  }

  /// kInvalidArgument when its rules are none; as FieldRedactor::Make().
  Result<Output*> OutputOf(const CaptureTarget& target) {
    const Target key(target.folder, target.endpoint, target.variant);
    const auto known = outputs_.find(key);
    if (known != outputs_.end() && known->second.rules_text == target.rules) return &known->second;
    CaptureRules rules;
    try {
      if (!target.rules.empty()) {
        const auto json = preprocessing::ParseJson(target.rules);
        rules = ReadCaptureRules(preprocessing::JsonNode(json));
      }
    } catch (const preprocessing::SpecError& error) {
      return Error{ErrorCode::kInvalidArgument, error.what(), "rules"};
    }
    const auto folder = std::filesystem::path(target.folder) / target.endpoint / target.variant;
    Output& output = outputs_.try_emplace(key, folder, stem_, options_.clock).first->second;
    if (const Status obeyed = Obey(target.rules, std::move(rules), output); !obeyed) {
      return obeyed.error();
    }
    if (std::exchange(output.is_tidied, true)) return &output;
    for (const TornLine& torn : output.files.Repair()) {
      log_.warn("capture_tail_cut path={:?} bytes={}", torn.path.string(), torn.bytes);
    }
    return &output;
  }

  Status Obey(std::string_view text, CaptureRules rules, Output& output) {
    Write(output);  // by the rules under which it was captured
    auto redactor = FieldRedactor::Make(rules.fields, options_.environment);
    if (!redactor) {
      output.rules_text.reset();  // tried again with the next message
      return std::move(redactor).error();
    }
    output.redactor.reset();
    if (!redactor->is_idle()) output.redactor = *std::move(redactor);
    output.files.Obey(rules.files);
    output.rules = std::move(rules);
    output.rules_text = text;
    return {};
  }

  void Drop(std::string_view reason) {
    options_.counters.dropped.fetch_add(1, std::memory_order_relaxed);
    if (const auto held_back = refusals_.Pass(options_.clock.Monotonic())) {
      log_.warn("capture_message_refused reason={:?} suppressed={}", reason, *held_back);
    }
  }

  void Write(Output& output) {
    if (output.lines.empty()) return;
    const CaptureFiles::Outcome outcome = output.files.Append(output.hour, output.lines);
    const std::size_t kept = WriteToStore(output) ? outcome.kept : 0;
    const std::size_t lost = outcome.kept + outcome.lost - kept;
    options_.counters.written.fetch_add(kept, std::memory_order_relaxed);
    options_.counters.dropped.fetch_add(lost, std::memory_order_relaxed);
    if (outcome.lost != 0) {
      if (const auto held_back = failures_.Pass(options_.clock.Monotonic())) {
        log_.warn("capture_write_failed path={:?} reason={:?} lost={} suppressed={}",
                  output.files.PathOf(output.hour).string(), outcome.error.message(), outcome.lost,
                  *held_back);
      }
    }
    output.lines.clear();
    if (output.lines.capacity() > 2 * kBatchBytes) output.lines = std::string();
  }

  /// The open store of an output; made where it is absent.
  Result<CaptureStore*> StoreOf(const Output& output) {
    const std::string& path = output.rules.store;
    const auto known = stores_.find(path);
    if (known != stores_.end()) return &known->second;
    Result<CaptureStore> store = CaptureStore::Open(path);
    if (!store) return std::move(store).error();
    return &stores_.emplace(path, *std::move(store)).first->second;
  }

  static CaptureStoreRules StoreRulesOf(const Output& output) {
    return {.keep_age = output.rules.files.keep_age,
            .max_bytes = output.rules.files.max_total_bytes};
  }

  Status AppendToStore(const Output& output) {
    const auto& share = output.rules.files.max_disk_share;
    if (share && UsedDiskShare(output.rules.store) > *share) {
      return Error{ErrorCode::kIo, "the disk is fuller than max_disk_share"};
    }
    const Result<CaptureStore*> store = StoreOf(output);
    if (!store) return store.error();
    Status stored = (*store)->Append(output.records, StoreRulesOf(output), options_.clock.Now());
    if (!stored) stores_.erase(output.rules.store);  // it may have been replaced
    return stored;
  }

  /// False when the records that are not yet written are lost.
  bool WriteToStore(Output& output) {
    if (output.records.empty()) return true;
    const Status stored = AppendToStore(output);
    if (!stored) WarnOfStore(stored.error(), output.records.size());
    output.records.clear();
    return stored.ok();
  }

  void TrimStore(Output& output) {
    const MonotonicTime now = options_.clock.Monotonic();
    const CaptureStoreRules rules = StoreRulesOf(output);
    if (output.rules.store.empty() || !rules.keep_age || now < output.next_store_trim) return;
    output.next_store_trim = now + kBetweenStoreTrims;
    const Result<CaptureStore*> store = StoreOf(output);
    if (!store) return WarnOfStore(store.error(), 0);
    const Status trimmed = (*store)->Trim(rules, options_.clock.Now());
    if (!trimmed) WarnOfStore(trimmed.error(), 0);
  }

  void WarnOfStore(const Error& error, std::size_t lost) {
    if (const auto held_back = store_failures_.Pass(options_.clock.Monotonic())) {
      log_.warn("capture_store_failed reason={:?} lost={} suppressed={}", error.message, lost,
                *held_back);
    }
  }

  const RecorderOptions& options_;
  spdlog::logger& log_;
  std::string stem_;
  std::map<Target, Output> outputs_;
  std::map<std::string, CaptureStore> stores_;  // by path
  MonotonicTime next_tick_ = MonotonicTime::min();
  LogLimiter refusals_;
  LogLimiter failures_;
  LogLimiter store_failures_;
};

// Whether more may be waiting.
enum class Supply {
  kMore,
  kFew,  // there were some, and more may come
  kEmpty,
  kClosed,
};

Supply TakeSome(CaptureReceiver& receiver, Recorder& recorder) {
  for (std::size_t taken = 0; taken < kMessagesPerTurn; ++taken) {
    switch (receiver.Receive()) {
      case CaptureReceiver::Outcome::kMessage:
        recorder.Take(receiver.message());
        break;
      case CaptureReceiver::Outcome::kDamaged:
        recorder.Refuse("did not arrive whole");
        break;
      case CaptureReceiver::Outcome::kNothing:
        return taken > 0 && taken <= kWorthGathering ? Supply::kFew : Supply::kEmpty;
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

// Messages can wait, requests cannot: whoever runs when the recorder is woken runs on. It gets its
// share of the processors as before. Where this is refused, requests wait a little more often.
void GiveWay() {
  const sched_param any{};
  ::sched_setscheduler(0, SCHED_BATCH, &any);
}

// Waits for something to do, at most `longest`; false when the recorder shall end.
bool AwaitWork(int socket_fd, int control_fd, Supply supply, std::chrono::milliseconds longest) {
  std::array<pollfd, 2> watched{};
  const bool asks = supply != Supply::kClosed && supply != Supply::kFew;
  watched[0] = {.fd = asks ? socket_fd : -1, .events = POLLIN, .revents = 0};
  watched[1] = {.fd = control_fd, .events = POLLIN, .revents = 0};
  if (::poll(watched.data(), watched.size(), static_cast<int>(longest.count())) < 0) {
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

std::function<std::string()> UuidSequence() {
  return [generator = std::make_shared<boost::uuids::random_generator_mt19937>()] {
    return to_string((*generator)());
  };
}

int RunRecorder(const RecorderOptions& options, int socket_fd, int control_fd,
                spdlog::logger& log) {
  try {
    RequireOpen(socket_fd);
    RequireOpen(control_fd);
    GiveWay();
    Recorder recorder(options, log);
    CaptureReceiver receiver(socket_fd);
    Supply supply = Supply::kEmpty;
    log.info("recorder_ready");
    std::chrono::milliseconds longest = recorder.until_next_tick();
    while (AwaitWork(socket_fd, control_fd, supply, longest)) {
      if (supply != Supply::kClosed) supply = TakeSome(receiver, recorder);
      if (supply != Supply::kMore) recorder.Flush();
      recorder.Tick();
      const bool is_busy = supply == Supply::kMore || recorder.WorkAside();
      longest = is_busy                  ? std::chrono::milliseconds(0)
                : supply == Supply::kFew ? kGathering
                                         : recorder.until_next_tick();
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
