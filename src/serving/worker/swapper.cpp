#include "serving/worker/swapper.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <map>
#include <utility>

namespace forkcast::serving {
namespace {

using preprocessing::SnapshotPool;
using Todo = SwapPlan::Todo;

/// What is thrown, for want of memory, say, is an error like others: what serves goes on.
LoadAttempt TryToLoad(const SwapSource& source, const LoadedDeployment& serves,
                      SnapshotPool& pool) {
  try {
    return source.load(serves, pool);
  } catch (const std::exception& error) {
    return {.loaded = Error{ErrorCode::kInternal, error.what()}};
  }
}

/// When the one was published of which that is longest ago. A series has a base and a list of runs,
/// which differ in their endings, and was published when the newer of them was.
std::optional<Instant> Oldest(const std::vector<SeenFile>& snapshots) {
  std::map<std::filesystem::path, std::int64_t> published;
  for (const SeenFile& file : snapshots) {
    std::int64_t& newest = published[std::filesystem::path(file.path).replace_extension()];
    newest = std::max(newest, file.identity.modified_ns);
  }
  std::optional<Instant> oldest;
  for (const auto& [series, modified_ns] : published) {
    const Instant at{
        std::chrono::duration_cast<Instant::duration>(std::chrono::nanoseconds(modified_ns))};
    oldest = std::min(oldest.value_or(at), at);
  }
  return oldest;
}

}  // namespace

Swapper::Swapper(std::vector<SwapSource> sources, Editions& editions, const Clock& clock,
                 std::uint32_t seed, SwapPlan::Look look)
    : editions_(editions), clock_(clock), seed_(seed), look_(std::move(look)) {
  kept_.reserve(sources.size());
  for (SwapSource& source : sources) {
    kept_.push_back({.source = std::move(source), .plan = SwapPlan(seed)});
  }
}

Result<SwapReport> Swapper::Boot() {
  looked_at_ = editions_.newest();
  SwapReport report;
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    if (Load(i, report)) continue;
    return DeclaredBy(kept_[i].source.origin, std::move(report.failures.back().error));
  }
  Complete(report);
  edition_ = report.edition;
  return report;
}

std::optional<SwapReport> Swapper::Turn() {
  LetGo();
  const MonotonicTime now = clock_.Monotonic();
  const std::uint64_t newest = editions_.newest();
  const bool is_told = newest != looked_at_;
  const auto retries = [now](const Kept& kept) { return kept.plan.IsRetryDue(now); };
  if (!is_told && !editions_.TakeLook(now) && std::ranges::none_of(kept_, retries)) {
    return std::nullopt;
  }

  std::vector<Todo> todo;
  for (Kept& kept : kept_) todo.push_back(kept.plan.Decide(look_, now));
  const bool is_news = std::ranges::any_of(
      todo, [](Todo one) { return one == Todo::kTakeNew || one == Todo::kForget; });
  // Before the loading: the others begin theirs meanwhile.
  looked_at_ = is_news && !is_told ? editions_.Announce() : newest;

  SwapReport report;
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    if (todo[i] == Todo::kForget) kept_[i].failure.clear();
    if (todo[i] == Todo::kTakeNew || todo[i] == Todo::kRetry) Load(i, report);
  }
  Complete(report);
  const bool is_nothing = !is_news && report.swaps.empty() && report.failures.empty();
  if (is_nothing && report.edition == edition_) return std::nullopt;
  edition_ = report.edition;
  return report;
}

void Swapper::Keep(SwapSource source, const LoadAttempt& made) {
  Kept kept{.source = std::move(source), .plan = SwapPlan(seed_)};
  kept.serves = {.pipeline = *made.loaded, .made_of = made.made_of};
  kept.plan.OnLoaded(made.made_of);
  kept_.push_back(std::move(kept));
}

void Swapper::Drop(std::uint64_t id) {
  const auto dropped =
      std::ranges::find_if(kept_, [id](const Kept& kept) { return kept.source.id == id; });
  if (dropped == kept_.end()) return;
  retired_.push_back({.id = id, .pipeline = std::move(dropped->serves.pipeline)});
  kept_.erase(dropped);
}

void Swapper::LetGo() {
  // Nobody else can take hold of one again: only what the catalogue has is given to requests.
  std::erase_if(retired_, [](const Retired& one) { return one.pipeline.use_count() == 1; });
  pool_.DropUnused();
}

bool Swapper::IsHeld(std::uint64_t id) const noexcept {
  return std::ranges::find(retired_, id, &Retired::id) != retired_.end();
}

bool Swapper::Load(std::size_t number, SwapReport& report) {
  Kept& kept = kept_[number];
  const MonotonicTime begun = clock_.Monotonic();
  LoadAttempt attempt = TryToLoad(kept.source, kept.serves, pool_);
  const MonotonicTime ended = clock_.Monotonic();
  if (!attempt.loaded) {
    kept.plan.OnFailed(std::move(attempt.made_of), ended);
    const std::string before = std::exchange(kept.failure, attempt.loaded.error().message);
    report.failures.push_back({.source = number,
                               .error = std::move(attempt.loaded).error(),
                               .is_known = before == kept.failure});
    return false;
  }
  if (kept.serves.pipeline) {
    retired_.push_back({.id = kept.source.id, .pipeline = std::move(kept.serves.pipeline)});
  }
  kept.serves = {.pipeline = *std::move(attempt.loaded), .made_of = attempt.made_of};
  kept.plan.OnLoaded(std::move(attempt.made_of));
  kept.failure.clear();
  report.swaps.push_back(
      {.source = number,
       .pipeline = kept.serves.pipeline,
       .routes = std::move(attempt.routes),
       .took = std::chrono::duration_cast<std::chrono::milliseconds>(ended - begun)});
  return true;
}

void Swapper::Complete(SwapReport& report) const {
  for (const Kept& kept : kept_) {
    if (!kept.failure.empty()) {
      report.failure += fmt::format("{}{}: {}", report.failure.empty() ? "" : "; ",
                                    kept.source.name, kept.failure);
    }
    const std::optional<Instant> oldest = Oldest(kept.serves.made_of.snapshots);
    if (oldest)
      report.oldest_snapshot = std::min(report.oldest_snapshot.value_or(*oldest), *oldest);
  }
  report.edition = report.failure.empty() ? looked_at_ : edition_;
}

}  // namespace forkcast::serving
