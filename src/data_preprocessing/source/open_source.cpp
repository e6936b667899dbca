#include "data_preprocessing/source/open_source.hpp"

#include <algorithm>

#include "data_preprocessing/source/csv_row_source.hpp"

namespace forkcast::preprocessing {
namespace {

/// The last one takes every place that is none of the kinds before.
constexpr SourceKind kKinds[] = {
    {"", FindCsvFiles},
};

}  // namespace

Result<FoundRows> OpenSources(std::string_view place, const TableSpec& table,
                              std::span<const TableSpec> tables, const TimeZone& zone) {
  const auto* const kind = std::ranges::find_if(
      kKinds, [place](const SourceKind& one) { return place.starts_with(one.prefix); });
  return kind->open(place.substr(kind->prefix.size()), table, tables, zone);
}

}  // namespace forkcast::preprocessing
