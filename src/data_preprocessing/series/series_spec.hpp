#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/series/aggregate_spec.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "data_preprocessing/table/stored_rows.hpp"

namespace forkcast::preprocessing {

/// What happens to a request whose time lies further behind a series' newest known row than
/// `max_staleness`. There is no fourth way: it is never answered from old data in silence.
enum class WhenStale {
  kServe,   ///< Answered all the same; the pipeline says so in as many words.
  kFlag,    ///< Answered, and the answer names the series.
  kRefuse,  ///< An error that names the feature.
};

/// A keyed series as a pipeline declares it: rows of a source, sorted by key and time, read as of
/// an instant.
struct SeriesSpec {
  std::string name;
  StoredRows source;
  Schema source_schema;  ///< Columns of the table, or the declared columns of the query.
  std::vector<std::string> key;
  std::vector<std::string> values;  ///< Columns of the source; empty beside `aggregate`.
  /// Set: the series' rows are the periods of a grid, each visible when it has ended (plus
  /// `delay`).
  std::optional<AggregateSpec> aggregate{};
  /// Its rows are plans, such as promotions and holidays: besides the usual reading, features may
  /// read them at a forecast's target. With `known_at` only those known at the origin.
  bool known_in_advance = false;
  /// Column of the rows' time. Empty: a static series, one row a key, visible always.
  std::string time;
  /// Column of the instant from which a row was known; empty when there is none.
  std::string known_at;
  /// How long after its time a row becomes known, when `known_at` is empty. Not negative.
  std::chrono::microseconds delay{0};
  /// Unset: unlimited.
  std::optional<std::chrono::microseconds> max_staleness;
  /// How old the row in force of a key may be, from its time and `delay`, or its period's end;
  /// unset: as old as it likes.
  std::optional<std::chrono::microseconds> max_age{};
  /// Of both.
  WhenStale when_stale = WhenStale::kServe;
  /// The values of which features read the newest that is not missing, in the order of `values`.
  std::vector<std::string> skip_missing{};

  [[nodiscard]] bool is_static() const noexcept { return time.empty(); }
  /// The columns a snapshot holds values of, in the order declared; those of a grid are all double
  /// and nullable.
  [[nodiscard]] Schema ValueSchema() const;
  /// Types of the key columns, in the order of `key`.
  [[nodiscard]] std::vector<ColumnType> KeyTypes() const;
  /// The columns read from the source: key, time, known_at, values or the
  /// columns that `aggregate` reads; each once.
  [[nodiscard]] Schema ReadSchema() const;
};

/// Where the one called `name`, which must exist, stands among them.
[[nodiscard]] std::size_t PositionOfSeries(std::span<const SeriesSpec> series,
                                           std::string_view name) noexcept;

/// Canonical text of everything that decides a snapshot's contents; stored in it, so that one
/// published under another definition is recognised. `zone_name` is the pipeline's time zone.
[[nodiscard]] std::string DefinitionOf(const SeriesSpec& spec, const std::string& zone_name);

}  // namespace forkcast::preprocessing
