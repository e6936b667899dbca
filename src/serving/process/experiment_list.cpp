#include "serving/process/experiment_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <system_error>
#include <utility>

namespace forkcast::serving {

void ExperimentTally::Publish(std::uint64_t id, const ExperimentSums& sums) noexcept {
  std::array<std::uint64_t, kWords> words;
  std::memcpy(words.data(), &sums, sizeof sums);
  const std::uint64_t next = writes_.load(std::memory_order_relaxed) + 1;
  Place& place = places_[next % 2];
  place.id.store(id, std::memory_order_release);
  for (std::size_t i = 0; i < kWords; ++i) {
    place.words[i].store(words[i], std::memory_order_release);
  }
  writes_.store(next, std::memory_order_release);
}

std::optional<ExperimentSums> ExperimentTally::Read(std::uint64_t id) const noexcept {
  constexpr int kTries = 3;
  for (int i = 0; i < kTries; ++i) {
    const std::uint64_t before = writes_.load(std::memory_order_acquire);
    const Place& place = places_[before % 2];
    if (place.id.load(std::memory_order_acquire) != id) return std::nullopt;
    std::array<std::uint64_t, kWords> words;
    for (std::size_t j = 0; j < kWords; ++j) {
      words[j] = place.words[j].load(std::memory_order_acquire);
    }
    // The place is written anew behind the next write, which went to the other one.
    if (writes_.load(std::memory_order_relaxed) != before) continue;
    return std::bit_cast<ExperimentSums>(words);
  }
  return std::nullopt;
}

void ExperimentTally::Report(const ExperimentReport& report) {
  const auto on_one_line = [](std::string text) {
    std::ranges::replace(text, '\n', ' ');
    return text;
  };
  // Why it failed may be long, and is cut: it stands at the end.
  report_.Set(fmt::format("{}\n{}\n{}\n{}\n{}\n{}", report.id, on_one_line(report.champion),
                          on_one_line(report.champion_place), on_one_line(report.challenger),
                          on_one_line(report.challenger_place), on_one_line(report.failure)));
}

std::optional<ExperimentReport> ExperimentTally::report() const {
  const std::optional<std::string> text = report_.Get();
  if (!text) return std::nullopt;
  std::string_view rest = *text;
  std::array<std::string, 6> lines;
  for (std::string& line : lines) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  ExperimentReport report{.champion = lines[1],
                          .champion_place = lines[2],
                          .challenger = lines[3],
                          .challenger_place = lines[4],
                          .failure = lines[5]};
  const std::string& id = lines[0];
  const auto [end, failed] = std::from_chars(id.data(), id.data() + id.size(), report.id);
  if (failed != std::errc()) return std::nullopt;
  return report;
}

ExperimentList::ExperimentList(std::size_t workers) : tallies_(workers * kMost) {
  // Nothing but brackets fits anywhere.
  static_cast<void>(Write({}));
}

std::uint64_t ExperimentList::version() const noexcept {
  return head_[0].version.load(std::memory_order_acquire);
}

ExperimentList::Contents ExperimentList::Read() const {
  const Head& head = head_[0];
  while (true) {
    Contents contents{.version = version()};
    const std::size_t place = contents.version % 2;
    std::string text(head.sizes[place].load(std::memory_order_acquire), '\0');
    for (std::size_t i = 0; i < text.size(); ++i) {
      text[i] = head.texts[place][i].load(std::memory_order_acquire);
    }
    if (version() != contents.version) continue;  // invariant 1; the master writes seldom
    if (auto experiments = ParseExperiments(text)) contents.experiments = *std::move(experiments);
    return contents;
  }
}

Status ExperimentList::Write(const std::vector<Experiment>& experiments) {
  const std::string text = ToText(experiments);
  if (experiments.size() > kMost || text.size() > kBytes) {
    return Error{ErrorCode::kTooLarge,
                 fmt::format("at most {} deployments can have an experiment, and their settings {} "
                             "bytes",
                             kMost, kBytes)};
  }
  Head& head = head_[0];
  const std::uint64_t next = version() + 1;
  const std::size_t place = next % 2;
  for (std::size_t i = 0; i < text.size(); ++i) {
    head.texts[place][i].store(text[i], std::memory_order_release);
  }
  head.sizes[place].store(text.size(), std::memory_order_release);
  head.version.store(next, std::memory_order_release);
  return {};
}

ExperimentSums ExperimentList::SumsOf(const Experiment& experiment, std::size_t place,
                                      std::size_t workers) const {
  ExperimentSums sums = experiment.before;
  for (std::size_t worker = 0; worker < workers; ++worker) {
    if (const auto found = tally(worker, place).Read(experiment.id)) sums.Merge(*found);
  }
  return sums;
}

}  // namespace forkcast::serving
