#include "serving/service/example_row.hpp"

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>

#include "data_preprocessing/series/key_codec.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::ColumnType;
using preprocessing::OwnedValue;
using preprocessing::Value;

/// Precondition: it is not missing.
OwnedValue Owned(const Value& value) {
  return std::visit(
      [](const auto& held) -> OwnedValue {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::string_view>) {
          return std::string(held);
        } else if constexpr (std::is_same_v<Held, std::monostate>) {
          return std::string();
        } else {
          return held;
        }
      },
      value);
}

}  // namespace

std::vector<ExampleField> ExampleRow(const preprocessing::PipelineSpec& spec,
                                     std::span<const preprocessing::Snapshot> snapshots) {
  std::vector<ExampleField> example;
  for (const preprocessing::SeriesRead& read : preprocessing::DistinctReads(spec.features)) {
    const std::size_t place = preprocessing::PositionOfSeries(spec.series, read.series);
    if (place >= snapshots.size() || snapshots[place].key_count() == 0) continue;
    std::vector<ColumnType> types;
    for (const std::string& field : read.key) {
      types.push_back(spec.request.fields.columns[*spec.request.fields.Find(field)].type);
    }
    std::vector<Value> key(types.size());
    DecodeKey(snapshots[place].KeyBytesAt(0), types, key);
    for (std::size_t i = 0; i < key.size(); ++i) {
      // What one series says of a field holds: keys of two series may not go together.
      if (std::ranges::find(example, read.key[i], &ExampleField::field) != example.end()) continue;
      example.push_back({.field = read.key[i], .value = Owned(key[i])});
    }
  }
  return example;
}

}  // namespace forkcast::serving
