#include "data_preprocessing/series/grid_cells.hpp"

#include <algorithm>
#include <functional>

namespace forkcast::preprocessing {
namespace {

/// Whether these are the ends of consecutive parts of `size` things.
bool AreEnds(const std::vector<std::uint64_t>& ends, std::size_t size) noexcept {
  return std::ranges::is_sorted(ends) && (ends.empty() ? size == 0 : ends.back() == size);
}

}  // namespace

AggregateSources SourcesOf(const SeriesSpec& spec) {
  const Schema schema = spec.ReadSchema();
  AggregateSources sources;
  for (const AggregateValue& value : spec.aggregate->values) {
    sources.of_value.push_back(AggregateSources::kNone);
    if (value.op == AggregateOp::kCount) continue;
    const std::size_t column = *schema.Find(value.column);
    const auto known = std::ranges::find(sources.columns, column);
    sources.of_value.back() = static_cast<std::size_t>(known - sources.columns.begin());
    if (known == sources.columns.end()) sources.columns.push_back(column);
  }
  return sources;
}

bool KeepsTimes(const AggregateSpec& aggregate) noexcept {
  return std::ranges::any_of(aggregate.values,
                             [](const AggregateValue& value) { return KeepsTimes(value.op); });
}

GridCells::GridCells(const SeriesSpec& spec) : late_numbers(SourcesOf(spec).columns.size()) {
  for (const AggregateValue& value : spec.aggregate->values) {
    values.emplace_back(value.op);
    before_late.emplace_back(value.op);
  }
}

std::size_t GridCells::FindLate(std::size_t cell) const noexcept {
  return static_cast<std::size_t>(std::ranges::lower_bound(late_cells, cell) - late_cells.begin());
}

bool GridCells::IsConsistent() const noexcept {
  const std::size_t cells = periods.size();
  const std::size_t late_rows = late_known.size();
  const auto is_of = [](std::size_t count) {
    return [count](const Accumulator& value) { return value.IsOf(count); };
  };
  const auto ascend = [](const auto& all, const auto& projection) {
    return std::ranges::adjacent_find(all, std::ranges::greater_equal(), projection) == all.end();
  };
  const bool of_keys = AreEnds(key_ends, key_bytes.size()) && AreEnds(cell_ends, cells) &&
                       key_ends.size() == cell_ends.size();
  const bool of_cells = first_rows.size() == cells && std::ranges::all_of(values, is_of(cells));
  const bool of_late_cells = ascend(late_cells, std::identity()) &&
                             (late_cells.empty() || late_cells.back() < cells) &&
                             std::ranges::all_of(before_late, is_of(late_cells.size())) &&
                             AreEnds(late_ends, late_rows) && late_ends.size() == late_cells.size();
  const bool of_late_rows = (late_times.empty() || late_times.size() == late_rows) &&
                            std::ranges::all_of(late_numbers, [&](const auto& numbers) {
                              return numbers.size() == late_rows;
                            });
  const bool of_tallies = ascend(tallies, &PeriodRows::period) &&
                          std::ranges::all_of(tallies, [this](const PeriodRows& one) {
                            return one.first_key < key_count();
                          });
  return of_keys && of_cells && of_late_cells && of_late_rows && of_tallies;
}

}  // namespace forkcast::preprocessing
