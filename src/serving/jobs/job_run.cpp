#include "serving/jobs/job_run.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "data_preprocessing/command/exit_code.hpp"
#include "data_preprocessing/command/stage_progress.hpp"
#include "data_preprocessing/document/json.hpp"
#include "serving/jobs/job_verdict.hpp"
#include "serving/process/become_program.hpp"

namespace forkcast::serving {
namespace {

using Json = nlohmann::ordered_json;
using preprocessing::ExitCode;

constexpr int kNiceness = 10;  // behind workers, which have 0, and the refresher, which has 5
/// A summary names each key: about 1 KB of each.
constexpr std::size_t kMostOutput = 64UL * 1024 * 1024;
constexpr std::size_t kMostMessage = 2'000;
constexpr std::size_t kPiece = 16'384;
constexpr int kPiecesAtOnce = 16;  // together more than a pipe holds, which is 64 KiB

struct Pipe {
  Fd read;
  Fd write;
};
Pipe MakePipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe");
  }
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return {Fd(ends[0]), Fd(ends[1])};
}

void LimitMemory(std::size_t mebibytes) {
  if (mebibytes == 0) return;
  const rlim_t bytes = static_cast<rlim_t>(mebibytes) << 20U;
  const rlimit limit{.rlim_cur = bytes, .rlim_max = bytes};
  ::setrlimit(RLIMIT_DATA, &limit);
}

/// The last of those that we may run on: workers are woken on the first ones by habit.
void LimitCpus(std::size_t most) {
  cpu_set_t ours;
  if (most == 0 || ::sched_getaffinity(0, sizeof ours, &ours) != 0) return;
  cpu_set_t kept;
  CPU_ZERO(&kept);
  std::size_t count = 0;
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && count < most; --cpu) {
    if (!CPU_ISSET(cpu, &ours)) continue;
    CPU_SET(cpu, &kept);
    ++count;
  }
  if (count != 0) ::sched_setaffinity(0, sizeof kept, &kept);
}

/// In the child: becomes the command. Nothing is thrown from here through what is the parent's: a
/// child that finds no memory within its limit ends.
int Become(const std::vector<std::string>& words, const RunLimits& limits, int progress, int out,
           int err) noexcept {
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ::dup2(null.get(), STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::fcntl(progress, F_SETFD, 0);
  ::setenv(preprocessing::kProgressVariable, std::to_string(progress).c_str(), 1);
  ::setpgid(0, 0);
  ::setpriority(PRIO_PROCESS, 0, kNiceness);
  LimitMemory(limits.memory_mb);
  LimitCpus(limits.cpus);
  std::vector<std::string> all{"forkcast"};
  all.insert(all.end(), words.begin(), words.end());
  return BecomeForkcast(all);
}

/// The last line that is a JSON object: what --json prints.
Json SummaryIn(std::string_view out) {
  while (!out.empty()) {
    const std::size_t end = out.find_last_not_of("\n");
    if (end == std::string_view::npos) break;
    out = out.substr(0, end + 1);
    const std::size_t begin = out.rfind('\n');
    const std::string_view line = begin == std::string_view::npos ? out : out.substr(begin + 1);
    Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (json.is_object()) return json;
    out = begin == std::string_view::npos ? std::string_view() : out.substr(0, begin);
  }
  return {};
}

std::string_view CodeFor(ExitCode code) noexcept {
  switch (code) {
    case ExitCode::kNo:
    case ExitCode::kUnfit:
      return "data_unfit";
    case ExitCode::kUsage:
      return "invalid_argument";
    case ExitCode::kIo:
      return "io";
    default:
      return "failed";
  }
}

/// The member of an order that a command's complaint of a flag is about: of "forkcast predict:
/// --skip-refused: ..." `skip_refused`. Empty: it is about none.
std::string FieldIn(std::string_view words) {
  const std::size_t begin = words.find(": --");
  if (!words.starts_with("forkcast ") || begin == std::string_view::npos) return {};
  words.remove_prefix(begin + 4);
  std::string field(words.substr(0, words.find_first_not_of("abcdefghijklmnopqrstuvwxyz-")));
  std::ranges::replace(field, '-', '_');
  return field == "only_key" ? "key" : field;
}

JobError KilledBy(int signal) {
  const bool is_memory = signal == SIGKILL;
  return {.code = is_memory ? "killed" : "crashed",
          .message = fmt::format("the command was ended by signal {}{}", signal,
                                 is_memory ? " (out of memory?)" : "")};
}

}  // namespace

JobOutcome OutcomeOf(const ChildEnd& end, std::string_view out, std::string_view last_words,
                     bool asked) {
  JobOutcome outcome;
  const Json summary = SummaryIn(out);
  if (summary.is_object()) {
    outcome.verdict = VerdictOf(summary);
    const auto version = summary.find("version");
    if (version != summary.end() && version->is_number_unsigned()) {
      outcome.version = version->get<std::uint64_t>();
    }
  }
  const auto code = static_cast<ExitCode>(end.code);
  const bool is_done = !end.killed && (code == ExitCode::kDone || code == ExitCode::kGate);
  if (is_done) {
    outcome.state = JobState::kSucceeded;
  } else if (asked) {
    outcome.state = JobState::kStopped;
  } else if (end.killed) {
    outcome.error = KilledBy(end.code);
  } else {
    outcome.error = JobError{
        .code = std::string(CodeFor(code)),
        .message = last_words.empty() ? fmt::format("the command ended with code {}", end.code)
                                      : Clipped(last_words, kMostMessage),
        .field = FieldIn(last_words)};
  }
  return outcome;
}

std::optional<JobProgress> ReadProgress(std::string_view message) {
  const Json json = Json::parse(message, nullptr, /*allow_exceptions=*/false);
  try {
    const auto done = json.at("done").get<std::uint64_t>();
    const auto total = json.at("total").get<std::uint64_t>();
    JobProgress progress{.doing = Clipped(json.at("stage").get<std::string>(), 200)};
    if (total != 0)
      progress.percent =
          100.0 * static_cast<double>(std::min(done, total)) / static_cast<double>(total);
    const auto left = json.find("remaining_s");
    if (left != json.end() && left->is_number()) progress.remaining_s = left->get<double>();
    return progress;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

JobRun::JobRun(JobRecord job, const std::vector<std::string>& words, const RunLimits& limits,
               MonotonicTime now)
    : told_at(now), job_(std::move(job)) {
  Pipe out = MakePipe();
  Pipe err = MakePipe();
  process_ = ChildProcess::Start([] {},
                                 [&](int progress) {
                                   return Become(words, limits, progress, out.write.get(),
                                                 err.write.get());
                                 },
                                 SIGKILL);
  out_ = std::move(out.read);
  err_ = std::move(err.read);
}

JobRun::~JobRun() {
  if (!process_) return;
  process_->Signal(SIGKILL);
  pollfd ended{.fd = process_->pidfd(), .events = POLLIN, .revents = 0};
  while (::poll(&ended, 1, -1) < 0 && errno == EINTR) {
  }
  static_cast<void>(process_->Reap());
}

bool JobRun::Listen() {
  const bool has_lines = TakeLines();
  const bool has_progress = TakeProgress();
  TakeOutput();
  return has_lines || has_progress;
}

bool JobRun::TakeLines() {
  bool any = false;
  std::array<char, kPiece> piece;  // NOLINT(*-member-init): filled by read()
  for (int i = 0; i < kPiecesAtOnce && err_; ++i) {
    const ssize_t got = ::read(err_.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) break;
    if (got == 0) {
      err_.Reset();
      if (const std::string rest = splitter_.TakeRest(); !rest.empty()) {
        log_.Add(rest);
        any = true;
      }
      break;
    }
    for (const std::string& line : splitter_.Add({piece.data(), static_cast<std::size_t>(got)})) {
      log_.Add(line);
      any = true;
    }
  }
  return any;
}

bool JobRun::TakeProgress() {
  bool any = false;
  std::array<char, kPiece> message;  // NOLINT(*-member-init): filled by recv()
  while (process_ && process_->control() >= 0) {
    const ssize_t got = ::recv(process_->control(), message.data(), message.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) process_->CloseControl();
    if (got <= 0) break;
    if (auto told = ReadProgress({message.data(), static_cast<std::size_t>(got)})) {
      progress_ = *std::move(told);
      any = true;
    }
  }
  return any;
}

void JobRun::TakeOutput() {
  std::array<char, kPiece> piece;  // NOLINT(*-member-init): filled by read()
  for (int i = 0; i < kPiecesAtOnce && out_; ++i) {
    const ssize_t got = ::read(out_.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) break;
    if (got == 0) return out_.Reset();
    output_.append(piece.data(), static_cast<std::size_t>(got));
    // The summary is the last line.
    if (output_.size() > kMostOutput) output_.erase(0, output_.size() - kMostOutput);
  }
}

std::optional<JobOutcome> JobRun::Reap() {
  if (!process_) return std::nullopt;
  const auto end = process_->Reap();
  if (!end) return std::nullopt;
  // What it wrote last may still be in the pipes, of which one look takes more than they hold;
  // children of its own, who may hold them open and go on, are not listened to.
  Listen();
  if (const std::string rest = splitter_.TakeRest(); !rest.empty()) log_.Add(rest);
  process_.reset();
  const std::string_view last = log_.lines().empty() ? std::string_view() : log_.lines().back();
  return OutcomeOf(*end, output_, last, is_stopping());
}

void JobRun::Stop(MonotonicTime now, const QueueTimes& times) {
  if (!process_) return;
  if (is_stopping()) {
    if (now >= kill_at_) process_->Signal(SIGKILL);
    return;
  }
  process_->Signal(SIGTERM);
  kill_at_ = now + times.term_to_kill;
}

void JobRun::Kill() noexcept {
  if (process_) process_->Signal(SIGKILL);
}

std::vector<int> JobRun::watched() const {
  std::vector<int> fds;
  if (!process_) return fds;
  for (const int fd : {process_->pidfd(), process_->control(), out_.get(), err_.get()}) {
    if (fd >= 0) fds.push_back(fd);
  }
  return fds;
}

}  // namespace forkcast::serving
