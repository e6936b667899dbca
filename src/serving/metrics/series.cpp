#include "serving/metrics/series.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace forkcast::serving {
namespace {

constexpr std::string_view kOther = "other";
constexpr std::size_t kMaxLabelText = 512;
// For the series named `other`, of each family.
constexpr std::size_t kReservedLabels = 128 * kSeriesFamilies.size();
constexpr std::size_t kReservedCells = kLatencyCells * kSeriesFamilies.size();

/// Labels as Prometheus writes them, in memory of its own: looking a series up takes none.
class LabelText {
 public:
  LabelText(const SeriesFamily& family, SeriesWriter::Values values) noexcept {
    for (std::size_t i = 0; i < family.labels.size() && !family.labels[i].empty(); ++i) {
      if (size_ != 0) Append(",");
      Append(family.labels[i]);
      Append("=\"");
      AppendEscaped(i < values.size() ? values[i] : std::string_view());
      Append("\"");
    }
  }
  [[nodiscard]] bool fits() const noexcept { return fits_; }
  [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), size_}; }

 private:
  void Append(std::string_view text) noexcept {
    fits_ = fits_ && text.size() <= text_.size() - size_;
    if (!fits_) return;
    std::ranges::copy(text, text_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += text.size();
  }
  void AppendEscaped(std::string_view text) noexcept {
    for (const char& c : text) {
      if (c == '\n') {
        Append("\\n");
        continue;
      }
      if (c == '"' || c == '\\') Append("\\");
      Append({&c, 1});
    }
  }

  std::array<char, kMaxLabelText> text_;
  std::size_t size_ = 0;
  bool fits_ = true;
};

std::string_view LabelsOf(const SeriesBlock& block, const SeriesBlock::Series& series) noexcept {
  return {block.labels.data() + series.first_label, series.label_bytes};
}

/// How many series there are, all of them whole (invariant 2). The block is shared: what another
/// process wrote to it is not trusted to be within it.
std::size_t CountOf(const SeriesBlock& block) noexcept {
  // Reading alone, which std::atomic_ref of C++20 does not tell apart.
  const std::atomic_ref count(const_cast<std::uint32_t&>(block.count));
  return std::min<std::size_t>(count.load(std::memory_order_acquire), SeriesBlock::kMaxSeries);
}

std::uint64_t ValueIn(const std::uint64_t& cell) noexcept {
  return std::atomic_ref(const_cast<std::uint64_t&>(cell)).load(std::memory_order_relaxed);
}

void AddUp(SeriesFamily::Kind kind, std::span<const std::uint64_t> more,
           std::vector<std::uint64_t>& cells) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::uint64_t value = ValueIn(more[i]);
    if (kind == SeriesFamily::Kind::kSummary && i == 1) {
      cells[i] = std::bit_cast<std::uint64_t>(std::bit_cast<double>(cells[i]) +
                                              std::bit_cast<double>(value));
    } else {
      cells[i] += value;
    }
  }
}

/// Cells by family and labels, which view the blocks.
using SeriesSums = std::map<std::pair<std::size_t, std::string_view>, std::vector<std::uint64_t>>;

enum class Server { kRunning, kBefore };

void AddBlock(const SeriesBlock& block, Server server, SeriesSums& sums) {
  const std::size_t count = CountOf(block);
  for (std::size_t i = 0; i < count; ++i) {
    const SeriesBlock::Series& one = block.series[i];
    const SeriesFamily::Kind kind = kSeriesFamilies[one.family].kind;
    if (kind == SeriesFamily::Kind::kGauge) {
      const std::uint64_t value = ValueIn(block.cells[one.first_cell]);
      if (server == Server::kBefore || std::isnan(std::bit_cast<double>(value))) continue;
      sums[{one.family, LabelsOf(block, one)}] = {value};  // invariant 4: no other block has it
      continue;
    }
    auto& cells = sums[{one.family, LabelsOf(block, one)}];
    cells.resize(CellsOf(kind));
    AddUp(kind, std::span(block.cells).subspan(one.first_cell, cells.size()), cells);
  }
}

}  // namespace

SeriesWriter::SeriesWriter(SeriesBlock& block) noexcept : block_(block) {
  const std::size_t count = CountOf(block_);
  for (const SeriesBlock::Series& one : std::span(block_.series).first(count)) {
    if (kSeriesFamilies[one.family].kind != SeriesFamily::Kind::kGauge) continue;
    SeriesGauge(&block_.cells[one.first_cell]).Clear();
  }
}

SeriesCounter SeriesWriter::CounterOf(SeriesFamilyId family, Values values) noexcept {
  return SeriesCounter(*Find(family, values));
}

SeriesHistogram SeriesWriter::HistogramOf(SeriesFamilyId family, Values values) noexcept {
  return SeriesHistogram(Find(family, values));
}

SeriesSummary SeriesWriter::SummaryOf(SeriesFamilyId family, Values values) noexcept {
  return SeriesSummary(Find(family, values));
}

SeriesGauge SeriesWriter::GaugeOf(SeriesFamilyId family, Values values) noexcept {
  const LabelText labels(kSeriesFamilies[family.index()], values);
  if (!labels.fits()) return {};
  return SeriesGauge(FindOrAdd(family.index(), labels.text(), Room::kShared));
}

std::uint64_t* SeriesWriter::Find(SeriesFamilyId family, Values values) noexcept {
  const SeriesFamily& row = kSeriesFamilies[family.index()];
  const LabelText labels(row, values);
  if (labels.fits()) {
    std::uint64_t* const found = FindOrAdd(family.index(), labels.text(), Room::kShared);
    if (found != nullptr) return found;
  }
  const std::array<std::string_view, 3> other{kOther, kOther, kOther};
  return FindOrAdd(family.index(), LabelText(row, other).text(), Room::kAll);
}

std::uint64_t* SeriesWriter::FindOrAdd(std::uint16_t family, std::string_view labels,
                                       Room room) noexcept {
  const std::size_t count = CountOf(block_);
  for (std::size_t i = 0; i < count; ++i) {
    const SeriesBlock::Series& one = block_.series[i];
    if (one.family == family && LabelsOf(block_, one) == labels) {
      return &block_.cells[one.first_cell];
    }
  }
  SeriesBlock::Series next{.family = family,
                           .label_bytes = static_cast<std::uint16_t>(labels.size()),
                           .first_label = 0,
                           .first_cell = 0};
  if (count > 0) {
    const SeriesBlock::Series& last = block_.series[count - 1];
    next.first_label = last.first_label + last.label_bytes;
    next.first_cell =
        last.first_cell + static_cast<std::uint32_t>(CellsOf(kSeriesFamilies[last.family].kind));
  }
  const std::size_t cells = CellsOf(kSeriesFamilies[family].kind);
  const bool shared = room == Room::kShared;
  if (count + (shared ? kSeriesFamilies.size() : 0) >= SeriesBlock::kMaxSeries ||
      next.first_cell + cells + (shared ? kReservedCells : 0) > SeriesBlock::kCells ||
      next.first_label + labels.size() + (shared ? kReservedLabels : 0) >
          SeriesBlock::kLabelBytes) {
    return nullptr;
  }
  std::ranges::copy(labels, block_.labels.begin() + next.first_label);
  block_.series[count] = next;
  std::atomic_ref(block_.count)
      .store(static_cast<std::uint32_t>(count + 1), std::memory_order_release);
  return &block_.cells[next.first_cell];
}

std::vector<SeriesSum> SumSeries(std::span<const std::span<const SeriesBlock>> servers) {
  SeriesSums sums;
  Server server = Server::kRunning;
  for (const std::span<const SeriesBlock> blocks : servers) {
    for (const SeriesBlock& block : blocks) AddBlock(block, server, sums);
    server = Server::kBefore;
  }
  std::vector<SeriesSum> all;
  all.reserve(sums.size());
  for (auto& [key, cells] : sums) {
    all.push_back(
        {.family = key.first, .labels = std::string(key.second), .cells = std::move(cells)});
  }
  return all;
}

std::string_view WordFor(SeriesFamily::Kind kind) noexcept {
  switch (kind) {
    case SeriesFamily::Kind::kCounter:
      return "counter";
    case SeriesFamily::Kind::kHistogram:
      return "histogram";
    case SeriesFamily::Kind::kSummary:
      return "summary";
    case SeriesFamily::Kind::kGauge:
      return "gauge";
  }
  return {};
}

}  // namespace forkcast::serving
