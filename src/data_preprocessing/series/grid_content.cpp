#include "data_preprocessing/series/grid_content.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>
#include <vector>

#include "data_preprocessing/series/text_numbers.hpp"

namespace forkcast::preprocessing {

using snapshot_format::KeyEntry;

snapshot_format::Header GridContent::header() const {
  snapshot_format::Header header{.key_count = grid_.keys.size(),
                                 .row_count = grid_.times.size(),
                                 .step_count = grid_.revisions.instants.size(),
                                 .delay_us = spec_.delay.count(),
                                 .visibility = snapshot_format::Visibility::kGrid};
  if (!grid_.visible_from.empty()) header.watermark_us = std::ranges::max(grid_.visible_from);
  return header;
}

void GridContent::WriteKeys(SectionWriter& writer) {
  TextNumbers keys;
  for (const KeyEntry& key : grid_.keys) {
    keys.NumberOf(std::string_view(grid_.key_bytes).substr(key.bytes_offset, key.bytes_size));
  }
  writer.Add(keys.buckets());
  writer.Add(std::span<const KeyEntry>(grid_.keys));
  writer.Add(grid_.key_bytes);
}

void GridContent::WriteTimes(SectionWriter& writer) {
  writer.Add(std::span<const std::int64_t>(grid_.times));
  writer.Add(std::span<const std::int64_t>(grid_.visible_from));
  writer.Add(std::span<const std::int64_t>(grid_.revisions.instants));
  writer.Add(std::span<const std::uint64_t>(grid_.revisions.rows));
}

void GridContent::WriteColumn(std::size_t column, SectionWriter& writer) {
  // A missing value is a NaN besides, so that whoever reads a span of periods asks for nothing
  // else.
  const std::vector<double> values = std::move(grid_.columns[column]);
  writer.Add(std::span<const double>(values));
  const auto is_missing = [](double value) { return std::isnan(value); };
  if (std::ranges::none_of(values, is_missing)) {
    writer.AddEmpty();
  } else {
    writer.AddEach(values.size(),
                   [&](std::size_t i) { return static_cast<std::uint8_t>(is_missing(values[i])); });
  }
  if (grid_.revisions.before.empty()) {
    writer.AddEmpty();
  } else {
    writer.Add(std::span<const double>(grid_.revisions.before[column]));
  }
}

void GridContent::WriteValueSteps(std::size_t /*column*/, SectionWriter& writer) {
  writer.AddEmpty();
  writer.AddEmpty();
}

}  // namespace forkcast::preprocessing
