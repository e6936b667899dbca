#include "serving/process/retrain_keeper.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <charconv>
#include <system_error>

#include "data_preprocessing/command/exit_code.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::ExitCode;

/// Cuts the text up to the next line break off `rest`; none when there is none.
std::optional<std::string_view> TakeLine(std::string_view& rest) noexcept {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

std::string_view ResultOf(const ChildEnd& end) noexcept {
  if (end.killed) return "failed";
  switch (static_cast<ExitCode>(end.code)) {
    case ExitCode::kDone:
      return "promoted";
    case ExitCode::kGate:
      return "kept";
    default:
      return "failed";
  }
}

}  // namespace

std::string TextOf(const RetrainWish& wish) {
  return fmt::format("{}\n{}\n{}", wish.least_pause.count(), wish.name, wish.models);
}

std::optional<RetrainWish> ReadRetrainWish(std::string_view text) {
  const auto seconds = TakeLine(text);
  const auto name = TakeLine(text);
  if (!seconds || !name || name->empty() || text.empty()) return std::nullopt;
  std::int64_t pause = 0;
  const char* const end = seconds->data() + seconds->size();
  const auto [parsed, failed] = std::from_chars(seconds->data(), end, pause);
  if (failed != std::errc() || parsed != end || pause < 0) return std::nullopt;
  return RetrainWish{.models = std::string(text),
                     .name = std::string(*name),
                     .least_pause = std::chrono::seconds(pause)};
}

void RetrainKeeper::Ask(const RetrainWish& wish, MonotonicTime now, const Fork& fork) {
  if (process_) return;
  const std::string model = fmt::format("{}/{}", wish.models, wish.name);
  const auto before = started_.find(model);
  if (before != started_.end() && now < before->second + wish.least_pause) return;
  started_[model] = now;
  began_ = now;
  kill_at_ = MonotonicTime::max();
  name_ = wish.name;
  try {
    process_ = fork(wish);
    log_.info("retrain_begun model={:?} child={}", name_, process_->pid());
  } catch (const std::system_error& error) {
    metrics_.Count("retrain_failed");
    log_.error("start_failed retrain error={:?}", error.what());
  }
}

void RetrainKeeper::Reap(MonotonicTime now) {
  if (!process_) return;
  const auto end = process_->Reap();
  if (!end) return;
  const bool was_asked = kill_at_ != MonotonicTime::max();
  const std::string_view result = was_asked ? "stopped" : ResultOf(*end);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(now - began_);
  if (result == "failed") {
    log_.error("retrain_ended model={:?} child={} result={} {}={} took_ms={}", name_,
               process_->pid(), result, end->killed ? "signal" : "code", end->code, took.count());
    metrics_.Count("retrain_failed");
  } else {
    log_.info("retrain_ended model={:?} child={} result={} took_ms={}", name_, process_->pid(),
              result, took.count());
    if (result == "kept") metrics_.Count("retrain_kept");
    if (result == "promoted") metrics_.Count("retrain_promoted");
  }
  process_.reset();
}

void RetrainKeeper::End(MonotonicTime now) {
  if (!process_ || (kill_at_ != MonotonicTime::max() && now < kill_at_)) return;
  process_->Signal(kill_at_ == MonotonicTime::max() ? SIGTERM : SIGKILL);
  kill_at_ = now + kPatience;
}

}  // namespace forkcast::serving
