#pragma once

// Metrics whose labels are known only when something happens: a deployment, a route, a status.
// Which families there are is declared once, in kSeriesFamilies; a series is one family with one
// set of label values. Each slot has a SeriesBlock beside it in shared memory, of fixed capacity:
//   1. One writer, the process that has the slot; it only ever adds series, behind those of the
//      processes that had the slot before it, whose counters it goes on with. Nothing is removed,
//      so no value goes back.
//   2. A series is whole before `count` tells of it. Who is killed in between leaves nothing that
//      anybody sees.
//   3. What finds no room is counted in the family's series whose labels are all `other`; there is
//      room for one of each family in any case. A gauge that finds none is left out.
//   4. A gauge is of the process that tells it: the next one that has the block begins without, and
//      what a server before said is not asked. One process of a server tells a family of gauges.
// Values of the slots are added up by whoever reads them (SumSeries). To add one: README.md.

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace forkcast::serving {

/// Upper bounds of all histograms, in nanoseconds: 1, 2 and 5 of each decade from a microsecond to
/// 10 s. Neighbours are at least twice apart, which LatencyBucket() relies on.
inline constexpr std::array<std::int64_t, 22> kLatencyBounds = [] {
  std::array<std::int64_t, 22> bounds{};
  std::int64_t decade = 1000;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    constexpr std::array<std::int64_t, 3> kSteps{1, 2, 5};
    bounds[i] = decade * kSteps[i % kSteps.size()];
    if (i % kSteps.size() == 2) decade *= 10;
  }
  return bounds;
}();

/// Which bucket a latency is in: that of the least bound that is no less, or the last one, behind
/// all bounds. Between two powers of two lies one bound at most, so the number of bits leaves two
/// buckets, and one comparison.
[[nodiscard]] inline std::size_t LatencyBucket(std::int64_t ns) noexcept {
  static constexpr auto kFirst = [] {
    std::array<std::uint8_t, 65> first{};  // by bits: the bucket of the least number with so many
    for (std::size_t bits = 1; bits < first.size(); ++bits) {
      const std::uint64_t least = std::uint64_t{1} << (bits - 1);
      std::uint8_t bucket = 0;
      while (bucket < kLatencyBounds.size() &&
             static_cast<std::uint64_t>(kLatencyBounds[bucket]) < least) {
        ++bucket;
      }
      first[bits] = bucket;
    }
    return first;
  }();
  if (ns <= 0) return 0;
  const std::size_t bucket = kFirst[std::bit_width(static_cast<std::uint64_t>(ns))];
  const bool above = bucket < kLatencyBounds.size() && ns > kLatencyBounds[bucket];
  return bucket + (above ? 1 : 0);
}

struct SeriesFamily {
  enum class Kind : std::uint8_t {
    kCounter,
    kHistogram,  ///< Of latencies, in the buckets of kLatencyBounds.
    kSummary,    ///< A sum, which may shrink where values are negative, and of how many.
    kGauge,      ///< A number that is now.
  };
  /// forkcast_FAMILY, to which Prometheus' forms add `_total`, `_bucket`, `_sum`, `_count`.
  std::string_view family;
  Kind kind = Kind::kCounter;
  std::array<std::string_view, 3> labels{};  ///< Their names; empty: fewer.
  std::string_view help{};                   ///< One line, without backslashes.
};

// clang-format off
inline constexpr std::array kSeriesFamilies{
    SeriesFamily{.family = "requests", .labels = {"deployment", "route", "code"},
                 .help = "Answers, whatever their status"},
    SeriesFamily{.family = "request_duration_seconds", .kind = SeriesFamily::Kind::kHistogram,
                 .labels = {"deployment", "route"},
                 .help = "From the first byte of a request to its answer made"},
    SeriesFamily{.family = "stage_duration_seconds", .kind = SeriesFamily::Kind::kHistogram,
                 .labels = {"deployment", "route", "stage"},
                 .help = "What a stage of a request took"},
    SeriesFamily{.family = "slow_requests", .labels = {"deployment", "route", "stage"},
                 .help = "Requests that took longer than a hook slow_request allows, by the stage it looks at"},
    SeriesFamily{.family = "failed_hook_calls", .labels = {"hook", "place"},
                 .help = "Calls of a hook that failed, which costs the request nothing"},
    SeriesFamily{.family = "hooks_switched_off", .labels = {"hook", "place"},
                 .help = "Times that a worker left a hook out because it kept failing or workers died in it"},
    SeriesFamily{.family = "hook_verdicts", .labels = {"hook", "place", "verdict"},
                 .help = "Requests that a hook flagged or rejected"},
    SeriesFamily{.family = "broken_thresholds", .labels = {"deployment", "rule"},
                 .help = "Values that broke a rule of a hook thresholds"},
    SeriesFamily{.family = "hook_counts", .labels = {"library", "counter"},
                 .help = "What hooks of libraries count"},
    SeriesFamily{.family = "drift_effect", .kind = SeriesFamily::Kind::kGauge,
                 .labels = {"deployment", "column"},
                 .help = "How much a feature or an output has changed in the newest window: PSI less what chance gives"},
    SeriesFamily{.family = "drift_p_value", .kind = SeriesFamily::Kind::kGauge,
                 .labels = {"deployment", "column"},
                 .help = "How likely chance alone changes a feature or an output as much"},
    SeriesFamily{.family = "drift_status", .kind = SeriesFamily::Kind::kGauge,
                 .labels = {"deployment", "column"},
                 .help = "Finding of the newest window: 0 too few rows, 1 too small, 2 by chance, 3 not yet confirmed, 4 alarm"},
    SeriesFamily{.family = "drift_window", .kind = SeriesFamily::Kind::kGauge, .labels = {"deployment"},
                 .help = "Number of the newest window, of the version that is compared"},
    SeriesFamily{.family = "drift_column_alarms", .labels = {"deployment", "column"},
                 .help = "Windows in which this feature or output had drifted"},
    SeriesFamily{.family = "quality_value", .kind = SeriesFamily::Kind::kGauge, .labels = {"model", "metric"},
                 .help = "A metric of the newest window of drift quality"},
    SeriesFamily{.family = "quality_folds", .kind = SeriesFamily::Kind::kGauge, .labels = {"model", "metric"},
                 .help = "The same in the folds of the training, on average"},
    SeriesFamily{.family = "quality_status", .kind = SeriesFamily::Kind::kGauge, .labels = {"model", "metric"},
                 .help = "Its finding, of a metric that is tested: 0 too few rows, 1 too small, 2 by chance, 3 not yet confirmed, 4 alarm"},
    SeriesFamily{.family = "webhook_messages", .labels = {"receiver", "result"},
                 .help = "Messages to webhooks: delivered, tried_again (attempts that failed), lost"},
    SeriesFamily{.family = "output_rows", .labels = {"deployment", "metric", "value"},
                 .help = "Answered rows, by the value of an output that the pipeline counts by"},
    SeriesFamily{.family = "output", .kind = SeriesFamily::Kind::kSummary,
                 .labels = {"deployment", "metric"},
                 .help = "An output of answered rows that the pipeline sums"},
    SeriesFamily{.family = "experiment_requests", .labels = {"deployment", "arm", "outcome"},
                 .help = "Requests of an experiment, by who scored them"},
    SeriesFamily{.family = "experiment_scoring_seconds", .kind = SeriesFamily::Kind::kHistogram,
                 .labels = {"deployment", "arm"},
                 .help = "What scoring a request of an experiment took"},
    SeriesFamily{.family = "experiment_output_rows", .labels = {"deployment", "arm", "value"},
                 .help = "Rows of an experiment, by the compared output where it is a text"},
    SeriesFamily{.family = "experiment_lines", .labels = {"deployment", "output"},
                 .help = "Rows or steps that champion and challenger scored, by whether the output was the same"},
    SeriesFamily{.family = "experiment_difference", .kind = SeriesFamily::Kind::kSummary,
                 .labels = {"deployment"},
                 .help = "Output of the challenger minus that of the champion, mean of a request"},
    SeriesFamily{.family = "experiment_dropped", .labels = {"deployment", "reason"},
                 .help = "Requests that the challenger was to score behind their answers and did not"},
    SeriesFamily{.family = "remote_requests", .labels = {"deployment", "address", "result"},
                 .help = "Requests to models that run elsewhere: answered, refused, failed, late"},
    SeriesFamily{.family = "remote_retries", .labels = {"deployment"},
                 .help = "Those that were sent to another address because one failed"},
    SeriesFamily{.family = "remote_breaker", .kind = SeriesFamily::Kind::kGauge,
                 .labels = {"deployment", "address", "worker"},
                 .help = "Whether a worker asks an address: 0 it does, 1 it is trying it, 2 it leaves it alone"},
    SeriesFamily{.family = "remote_batch_rows", .kind = SeriesFamily::Kind::kSummary,
                 .labels = {"deployment"},
                 .help = "Rows of a request to a model that runs elsewhere"},
    SeriesFamily{.family = "remote_duration_seconds", .kind = SeriesFamily::Kind::kHistogram,
                 .labels = {"deployment", "part"},
                 .help = "What rows waited until they were sent (waiting), and the request then took (asking)"},
};
// clang-format on

/// A family's place among kSeriesFamilies; the compiler refuses a name that has no row.
class SeriesFamilyId {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): CounterOf("requests", ...) is how it reads
  consteval SeriesFamilyId(const char* name) : index_(IndexOf(name)) {}
  [[nodiscard]] constexpr std::uint16_t index() const noexcept { return index_; }

 private:
  static consteval std::uint16_t IndexOf(std::string_view name) {
    for (std::uint16_t i = 0; i < kSeriesFamilies.size(); ++i) {
      if (kSeriesFamilies[i].family == name) return i;
    }
    throw "no family has this name";
  }
  std::uint16_t index_;
};

/// The cells of a histogram: its buckets, the one above them, then the sum in nanoseconds.
inline constexpr std::size_t kLatencyCells = kLatencyBounds.size() + 2;

/// What one slot has counted. Zeroes are an empty one, so that memory which nobody has touched is
/// one, too, and takes no room: it has no constructor.
struct SeriesBlock {
  static constexpr std::size_t kMaxSeries = 512;
  static constexpr std::size_t kLabelBytes = 32768;
  static constexpr std::size_t kCells = 8192;

  struct Series {
    std::uint16_t family;
    std::uint16_t label_bytes;
    std::uint32_t first_label;
    std::uint32_t first_cell;
  };

  std::uint32_t count;
  std::array<Series, kMaxSeries> series;
  std::array<std::uint64_t, kCells> cells;
  std::array<char, kLabelBytes> labels;
};

/// A number that one process adds to.
class SeriesCounter {
 public:
  SeriesCounter() = default;
  explicit SeriesCounter(std::uint64_t& cell) noexcept : cell_(&cell) {}

  void Add(std::uint64_t more) const noexcept {
    const std::atomic_ref cell(*cell_);
    cell.store(cell.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }

 private:
  std::uint64_t* cell_ = nullptr;
};

/// A distribution of latencies.
class SeriesHistogram {
 public:
  SeriesHistogram() = default;
  explicit SeriesHistogram(std::uint64_t* cells) noexcept : cells_(cells) {}

  void Observe(std::chrono::nanoseconds latency) const noexcept {
    const std::int64_t ns = latency.count() > 0 ? latency.count() : 0;
    SeriesCounter(cells_[LatencyBucket(ns)]).Add(1);
    SeriesCounter(cells_[kLatencyCells - 1]).Add(static_cast<std::uint64_t>(ns));
  }

 private:
  std::uint64_t* cells_ = nullptr;
};

/// A sum of numbers, and of how many.
class SeriesSummary {
 public:
  SeriesSummary() = default;
  explicit SeriesSummary(std::uint64_t* cells) noexcept : cells_(cells) {}

  void Add(double sum, std::uint64_t count) const noexcept {
    const std::atomic_ref cell(cells_[1]);
    const double before = std::bit_cast<double>(cell.load(std::memory_order_relaxed));
    cell.store(std::bit_cast<std::uint64_t>(before + sum), std::memory_order_relaxed);
    SeriesCounter(cells_[0]).Add(count);
  }

 private:
  std::uint64_t* cells_ = nullptr;
};

/// A number that is now.
class SeriesGauge {
 public:
  SeriesGauge() = default;
  /// Null: there is no room to tell it.
  explicit SeriesGauge(std::uint64_t* cell) noexcept : cell_(cell) {}

  void Set(double value) const noexcept {
    if (cell_ == nullptr) return;
    std::atomic_ref(*cell_).store(std::bit_cast<std::uint64_t>(value), std::memory_order_relaxed);
  }
  /// There is none now.
  void Clear() const noexcept { Set(std::numeric_limits<double>::quiet_NaN()); }

 private:
  std::uint64_t* cell_ = nullptr;
};

/// Finds series in a slot's block, or adds them: for the process that has the slot. A look is for
/// when something is met for the first time, since it goes through all that there are; what it
/// returns is kept, stays good as long as the block, and costs a few instructions to count in.
/// Values of labels may be any text. Never fails (invariant 3).
class SeriesWriter {
 public:
  /// Clears the gauges (invariant 4).
  explicit SeriesWriter(SeriesBlock& block) noexcept;

  using Values = std::span<const std::string_view>;
  /// `values`: of the family's labels, in their order. Precondition: the family is of that kind.
  [[nodiscard]] SeriesCounter CounterOf(SeriesFamilyId family, Values values) noexcept;
  [[nodiscard]] SeriesHistogram HistogramOf(SeriesFamilyId family, Values values) noexcept;
  [[nodiscard]] SeriesSummary SummaryOf(SeriesFamilyId family, Values values) noexcept;
  [[nodiscard]] SeriesGauge GaugeOf(SeriesFamilyId family, Values values) noexcept;

 private:
  /// The first of its cells.
  std::uint64_t* Find(SeriesFamilyId family, Values values) noexcept;
  enum class Room {
    kShared,  ///< But for what is kept for the series named `other`.
    kAll,
  };
  /// Null when there is no room for it.
  std::uint64_t* FindOrAdd(std::uint16_t family, std::string_view labels, Room room) noexcept;

  SeriesBlock& block_;
};

/// A series of all slots together.
struct SeriesSum {
  std::size_t family = 0;  ///< Its place among kSeriesFamilies.
  std::string labels{};    ///< `name="value"`, with commas between, escaped.
  std::vector<std::uint64_t> cells{};
};

/// What all blocks have, family by family in the order of kSeriesFamilies, by labels within.
/// May be called while they are written. `servers`: the blocks of each, the one that runs first.
[[nodiscard]] std::vector<SeriesSum> SumSeries(
    std::span<const std::span<const SeriesBlock>> servers);
[[nodiscard]] inline std::vector<SeriesSum> SumSeries(std::span<const SeriesBlock> blocks) {
  return SumSeries(std::span<const std::span<const SeriesBlock>>(&blocks, 1));
}

/// How many cells a series of this kind has.
[[nodiscard]] constexpr std::size_t CellsOf(SeriesFamily::Kind kind) noexcept {
  switch (kind) {
    case SeriesFamily::Kind::kCounter:
    case SeriesFamily::Kind::kGauge:
      return 1;
    case SeriesFamily::Kind::kHistogram:
      return kLatencyCells;
    case SeriesFamily::Kind::kSummary:
      return 2;
  }
  return 0;
}

/// `counter`, `histogram`, `summary`, `gauge`.
[[nodiscard]] std::string_view WordFor(SeriesFamily::Kind kind) noexcept;

}  // namespace forkcast::serving
