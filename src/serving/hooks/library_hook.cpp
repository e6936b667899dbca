#include "serving/hooks/library_hook.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spdlog/logger.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

#include "data_preprocessing/base/fd.hpp"

namespace forkcast::serving {

using preprocessing::JsonNode;
using preprocessing::Value;

namespace {

constexpr unsigned kLoadSeconds = 10;  // after which a library that is tried out is given up
constexpr int kTried = 77;             // the exit code of a child that lived to tell
constexpr const char* kEntry = "forkcast_hook_entry";

forkcast_text TextOf(std::string_view text) noexcept { return {text.data(), text.size()}; }
std::string_view ViewOf(const char* text) noexcept {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

/// Loads it and asks what it is. Never unloaded: threads or destructors of its own may be left.
const forkcast_hook& Load(const std::filesystem::path& path) {
  // Else the loader would look for a name without a folder in those of the system.
  void* const library = ::dlopen(std::filesystem::absolute(path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(ViewOf(::dlerror()).data());
  void* const symbol = ::dlsym(library, kEntry);
  if (symbol == nullptr) {
    throw std::runtime_error(
        fmt::format("it has no function {}: is it a hook of Forkcast?", kEntry));
  }
  const auto* const hook = reinterpret_cast<decltype(&forkcast_hook_entry)>(symbol)();
  if (hook == nullptr) throw std::runtime_error(fmt::format("{} returns nothing", kEntry));
  if (hook->abi != FORKCAST_HOOK_ABI) {
    throw std::runtime_error(
        fmt::format("it is made for version {} of the hooks' interface, and this server has {}: "
                    "build it with the forkcast_hook.h of this server",
                    hook->abi, FORKCAST_HOOK_ABI));
  }
  // The first version of the structure; later ones only grow.
  if (hook->size < sizeof(forkcast_hook) || hook->create == nullptr) {
    throw std::runtime_error("its forkcast_hook is not whole: set `size`, and `create`");
  }
  return *hook;
}

/// What stands in a pipe until its writers are gone.
std::string ReadAll(int fd) {
  std::string text;
  std::array<char, 512> part{};
  while (true) {
    const ssize_t got = ::read(fd, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(part.data(), static_cast<std::size_t>(got));
  }
}

/// What a child that tried a library says by its end, where it did not say it before.
std::string FaultIn(int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == kTried) return {};
  if (!WIFSIGNALED(status)) return "it ended the process that loaded it";
  if (WTERMSIG(status) == SIGALRM) {
    return fmt::format("it was not loaded within {} s", kLoadSeconds);
  }
  return fmt::format("it crashes when it is loaded: {}", ::strsignal(WTERMSIG(status)));
}

}  // namespace

void ForkcastColumns::Start(std::size_t columns, std::span<const std::size_t> row_numbers) {
  const std::size_t cells = columns * row_numbers.size();
  numbers_.assign(cells, std::numeric_limits<double>::quiet_NaN());
  texts_.assign(cells, forkcast_text{});
  missing_.assign(cells, 0);
  columns_.assign(columns, forkcast_column{});
  table_ = {.line_count = row_numbers.size(),
            .row_numbers = row_numbers.data(),
            .column_count = columns,
            .columns = columns_.data()};
  for (std::size_t i = 0; i < columns; ++i) {
    columns_[i] = {.name = {},
                   .type = FORKCAST_NUMBER,
                   .numbers = numbers_.data() + i * table_.line_count,
                   .texts = texts_.data() + i * table_.line_count,
                   .missing = missing_.data() + i * table_.line_count};
  }
}

void ForkcastColumns::Put(std::size_t column, std::size_t line, const Value& value) noexcept {
  const std::size_t cell = column * table_.line_count + line;
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    columns_[column].type = FORKCAST_TEXT;
    texts_[cell] = TextOf(*text);
  } else if (const auto* number = std::get_if<double>(&value)) {
    numbers_[cell] = *number;
    missing_[cell] = std::isnan(*number) ? 1 : 0;
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    numbers_[cell] = static_cast<double>(*integer);
  } else if (const auto* truth = std::get_if<bool>(&value)) {
    numbers_[cell] = *truth ? 1 : 0;
  } else if (const auto* instant = std::get_if<Instant>(&value)) {
    columns_[column].type = FORKCAST_TIME;
    numbers_[cell] = std::chrono::duration<double>(instant->time_since_epoch()).count();
  } else {
    missing_[cell] = 1;
  }
}

void ForkcastColumns::Name(std::size_t column, std::string_view name) noexcept {
  forkcast_column& named = columns_[column];
  named.name = TextOf(name);
  (named.type == FORKCAST_TEXT ? static_cast<void>(named.numbers = nullptr)
                               : static_cast<void>(named.texts = nullptr));
}

void ForkcastColumns::Take(const Invocation::Rows& rows) {
  if (rows.fields == nullptr) return Start(0, {});
  const auto& columns = rows.fields->schema().columns;
  Start(columns.size(), rows.row_numbers);
  for (std::size_t column = 0; column < columns.size(); ++column) {
    if (columns[column].type == preprocessing::ColumnType::kText) {
      columns_[column].type = FORKCAST_TEXT;
    }
    for (std::size_t line = 0; line < table_.line_count; ++line) {
      Put(column, line, ValueAt(rows.fields->column(column), line));
    }
    Name(column, columns[column].name);
  }
}

void ForkcastColumns::Take(const Invocation::Values& values) {
  const std::size_t width = values.names.size();
  Start(width, values.row_numbers);
  for (std::size_t column = 0; column < width; ++column) {
    for (std::size_t line = 0; line < table_.line_count; ++line) {
      Put(column, line, values.values[line * width + column]);
    }
    Name(column, values.names[column]);
  }
}

LibraryHook::Settings LibraryHook::ReadSettings(const JsonNode& node) {
  node.RequireObject({"type", "path", "settings"});
  Settings settings{.path = node.Get("path").String(), .settings = {}};
  if (const auto own = node.Find("settings")) {
    own->EachMember([&settings](const std::string& name, const JsonNode& value) {
      const auto& json = value.json();
      if (json.is_structured() || json.is_null()) {
        value.Fail("expected a text, a number, true or false");
      }
      settings.settings[name] = json.is_string() ? json.get<std::string>() : json.dump();
    });
  }
  return settings;
}

namespace {

/// In a child: makes the hook as a worker would. Returns what is wrong.
std::string Try(const LibraryHook::Settings& settings) {
  spdlog::logger log("trial");  // which has no place to write to
  const auto slot = std::make_unique<WorkerSlot>();
  const SystemClock clock;
  try {
    const LibraryHook hook(settings, {.log = log, .slot = *slot, .clock = clock});
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

}  // namespace

Status LibraryHook::TryOut(const Settings& settings) {
  const auto refuse = [&settings](std::string_view why) {
    return Error{ErrorCode::kIo,
                 fmt::format("the hook library {}: {}", settings.path.string(), why), "hooks"};
  };
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return refuse(std::strerror(errno));
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return refuse(std::strerror(errno));
  if (child == 0) {
    ::alarm(kLoadSeconds);
    // A crash is to be told by the signal, whoever of us handles it.
    for (const int crash : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) ::signal(crash, SIG_DFL);
    const std::string fault = Try(settings);
    [[maybe_unused]] const ssize_t written = ::write(writer.get(), fault.data(), fault.size());
    std::_Exit(kTried);
  }
  writer.Reset();
  const std::string said = ReadAll(reader.get());
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (const std::string fault = FaultIn(status); !fault.empty()) return refuse(fault);
  if (!said.empty()) return Error{ErrorCode::kIo, said, "hooks"};
  return {};
}

LibraryHook::LibraryHook(Settings settings, const HookContext& context)
    : settings_(std::move(settings)), context_(context), host_(HostOf(this)) {
  std::array<char, 256> error{};
  try {
    library_ = &Load(settings_.path);
    state_ = library_->create(&host_, error.data(), error.size());
    error.back() = '\0';
    if (state_ == nullptr) {
      throw std::runtime_error(fmt::format("it refuses its settings: {}", error.data()));
    }
  } catch (const std::runtime_error& fault) {
    throw std::runtime_error(
        fmt::format("the hook library {}: {}", settings_.path.string(), fault.what()));
  }
}

LibraryHook::~LibraryHook() {
  if (library_->destroy != nullptr) library_->destroy(state_);
}

template <typename Action>
void LibraryHook::Serve(void* self, const Action& action) noexcept {
  auto& hook = *static_cast<LibraryHook*>(self);
  try {
    action(hook);
  } catch (const std::exception& error) {
    hook.fault_ = error.what();
  }
}

forkcast_host LibraryHook::HostOf(LibraryHook* self) noexcept {
  return {.size = sizeof(forkcast_host),
          .self = self,
          .setting = [](void* hook, const char* name) -> const char* {
            const auto& settings = static_cast<LibraryHook*>(hook)->settings_.settings;
            const auto found = settings.find(ViewOf(name));
            return found == settings.end() ? nullptr : found->second.c_str();
          },
          .count =
              [](void* hook, const char* counter, std::uint64_t by) {
                Serve(hook, [&](LibraryHook& own) {
                  Counter& known = own.CounterOf(ViewOf(counter));
                  known.value += by;
                  if (own.context_.series != nullptr) known.series.Add(by);
                  own.has_counted_ = true;
                });
              },
          .flag =
              [](void* hook, std::size_t row, const char* flag) {
                Serve(hook, [&](LibraryHook& own) { own.Flag(row, ViewOf(flag)); });
              },
          .reject_row =
              [](void* hook, std::size_t row, const char* field, const char* message) {
                Serve(hook, [&](LibraryHook& own) {
                  own.RejectRow(row, ViewOf(field), ViewOf(message));
                });
              },
          .reject =
              [](void* hook, const char* field, const char* message) {
                Serve(hook, [&](LibraryHook& own) {
                  if (own.remarks_ == nullptr) return;
                  own.remarks_->refusal = Error{ErrorCode::kRejected, std::string(ViewOf(message)),
                                                std::string(ViewOf(field))};
                  own.verdict_ = Verdict::kReject;
                });
              },
          .log =
              [](void* hook, const char* message) {
                Serve(hook, [&](LibraryHook& own) {
                  if (!own.says_.Pass(own.context_.clock.Monotonic())) return;
                  own.context_.log.info("hook_says library={:?} message={:?}",
                                        own.settings_.path.string(), ViewOf(message));
                });
              }};
}

LibraryHook::Counter& LibraryHook::CounterOf(std::string_view name) {
  const auto known = counters_.find(name);
  if (known != counters_.end()) return known->second;
  if (counters_.size() == kMaxCounters) throw std::runtime_error("it has more than 64 counters");
  Counter counter;
  if (context_.series != nullptr) {
    const std::string library = settings_.path.filename();
    const std::array<std::string_view, 2> labels{library, name};
    counter.series = context_.series->CounterOf("hook_counts", labels);
  }
  return counters_.emplace(name, counter).first->second;
}

void LibraryHook::CheckRow(std::size_t row) const {
  const auto& rows = invocation_->rows.row_numbers;
  if (std::ranges::binary_search(rows, row)) return;
  throw std::runtime_error(fmt::format("it speaks of row {}, which is not asked", row));
}

void LibraryHook::Flag(std::size_t row, std::string_view flag) {
  if (remarks_ == nullptr) return;
  CheckRow(row);
  auto known = flags_.find(flag);
  if (known == flags_.end()) {
    if (flags_.size() == kMaxFlags) throw std::runtime_error("it has more than 256 flags");
    known = flags_.emplace(flag).first;
  }
  remarks_->flags.push_back({.row = row, .text = *known});
  verdict_ = std::max(verdict_, Verdict::kFlag);
}

void LibraryHook::RejectRow(std::size_t row, std::string_view field, std::string_view message) {
  if (remarks_ == nullptr) return;
  CheckRow(row);
  remarks_->refused_rows.push_back(
      {.row = row, .error = {ErrorCode::kRejected, std::string(message), std::string(field)}});
  verdict_ = Verdict::kReject;
}

forkcast_invocation LibraryHook::View(const Invocation& invocation) {
  fields_.Take(invocation.rows);
  features_.Take(invocation.features);
  outputs_.Take(invocation.outputs);
  const bool is_answered = remarks_ == nullptr;
  return {.size = sizeof(forkcast_invocation),
          .status = is_answered ? invocation.answer.status : 0,
          .seconds = std::chrono::duration<double>(invocation.answer.latency).count(),
          .request_id = TextOf(invocation.request.id),
          .deployment = TextOf(invocation.deployment),
          .route = TextOf(invocation.route),
          .pipeline = TextOf(invocation.pipeline),
          .model_version = TextOf(invocation.model_version),
          .fields = fields_.table(),
          .features = features_.table(),
          .outputs = outputs_.table()};
}

Verdict LibraryHook::Ask(Call call, const Invocation& invocation, Remarks* remarks) {
  if (call == nullptr) return Verdict::kGoOn;
  invocation_ = &invocation;
  remarks_ = remarks;
  verdict_ = Verdict::kGoOn;
  const forkcast_invocation view = View(invocation);
  const int code = call(state_, &view);
  remarks_ = nullptr;
  ThrowIfFailed(code);
  return verdict_;
}

void LibraryHook::ThrowIfFailed(int code) {
  if (const std::string fault = std::exchange(fault_, {}); !fault.empty()) {
    throw std::runtime_error(fault);
  }
  if (code != 0) throw std::runtime_error(fmt::format("it returned {}", code));
}

Verdict LibraryHook::OnRows(const Invocation& invocation, Remarks& remarks) {
  return Ask(library_->on_rows, invocation, &remarks);
}

Verdict LibraryHook::OnFeatures(const Invocation& invocation, Remarks& remarks) {
  return Ask(library_->on_features, invocation, &remarks);
}

Verdict LibraryHook::OnOutputs(const Invocation& invocation, Remarks& remarks) {
  return Ask(library_->on_outputs, invocation, &remarks);
}

void LibraryHook::OnAnswer(const Invocation& invocation) {
  Ask(library_->on_answer, invocation, nullptr);
}

void LibraryHook::OnTick(MonotonicTime now) {
  if (has_counted_ && limiter_.Pass(now)) ReportCounters();
  if (library_->on_tick == nullptr) return;
  ThrowIfFailed(
      library_->on_tick(state_, std::chrono::duration<double>(now.time_since_epoch()).count()));
}

void LibraryHook::OnDrain() {
  if (has_counted_) ReportCounters();
}

void LibraryHook::ReportCounters() {
  has_counted_ = false;
  for (const auto& [name, counter] : counters_) {
    context_.log.info("hook_counted library={:?} counter={:?} value={}", settings_.path.string(),
                      name, counter.value);
  }
}

}  // namespace forkcast::serving
