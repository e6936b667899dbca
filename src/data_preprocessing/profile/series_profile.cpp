#include "data_preprocessing/profile/series_profile.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "data_preprocessing/profile/table_profile.hpp"
#include "data_preprocessing/table/csv_reader.hpp"

namespace forkcast::preprocessing {
namespace {

using std::chrono::sys_days;

/// Days of all keys together that are kept; of twice as many keys half is looked at.
constexpr std::size_t kMostDays = 8'000'000;
constexpr std::array<Period, 3> kPeriods{Period::kDay, Period::kWeek, Period::kMonth};

/// The days of one key, ascending and each once, but for those behind `sorted`.
struct KeyDays {
  std::vector<std::int32_t> days;
  std::size_t sorted = 0;
  std::size_t rows = 0;

  /// What is gained or lost in entries.
  std::ptrdiff_t Add(std::int32_t day) {
    ++rows;
    if (!days.empty() && days.back() == day) return 0;
    days.push_back(day);
    return days.size() > 2 * sorted + 64 ? 1 + Sort() : 1;
  }
  std::ptrdiff_t Sort() {
    const std::size_t before = days.size();
    std::ranges::sort(days);
    days.erase(std::unique(days.begin(), days.end()), days.end());
    sorted = days.size();
    return static_cast<std::ptrdiff_t>(sorted) - static_cast<std::ptrdiff_t>(before);
  }
};

sys_days SysDaysOf(std::int32_t day) { return sys_days(std::chrono::days(day)); }

/// Rows seen as series of one kind of key.
class SeriesProfiler {
 public:
  void Add(std::size_t key_hash, Instant time, std::int32_t day, bool is_later) {
    ++profile_.rows;
    profile_.later_rows += is_later ? 1 : 0;
    const bool is_first_row = profile_.rows == 1;
    first_ = is_first_row ? day : std::min(first_, day);
    last_ = is_first_row ? day : std::max(last_, day);
    times_.Add(CombineHashes(key_hash, static_cast<std::size_t>(ToMicros(time))));
    if ((key_hash & left_out_) != 0) return;
    const std::ptrdiff_t more = keys_[key_hash].Add(day);
    kept_ = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(kept_) + more);
    if (kept_ > kMostDays) LeaveOutHalf();
  }

  SeriesProfile Profile() {
    profile_.first = SysDaysOf(first_);
    profile_.last = SysDaysOf(last_);
    profile_.keys = keys_.size() * (left_out_ + 1);
    profile_.repeated = times_.CountRepeated();
    for (const Period period : kPeriods) {
      profile_.fills[static_cast<std::size_t>(period)] = {.period = period};
    }
    std::vector<std::size_t> days;
    std::size_t rows = 0;
    std::array<std::size_t, kPeriods.size()> filled{};
    std::array<std::size_t, kPeriods.size()> spanned{};
    for (auto& [hash, key] : keys_) {
      key.Sort();
      days.push_back(key.days.size());
      rows += key.rows;
      for (std::size_t i = 0; i < kPeriods.size(); ++i) {
        CountPeriods(key.days, kPeriods[i], filled[i], spanned[i]);
      }
    }
    for (std::size_t i = 0; i < kPeriods.size() && !days.empty(); ++i) {
      profile_.fills[i].periods = static_cast<std::size_t>(
          PeriodOf(profile_.last, kPeriods[i]) - PeriodOf(profile_.first, kPeriods[i]) + 1);
      profile_.fills[i].share = static_cast<double>(filled[i]) / static_cast<double>(spanned[i]);
      profile_.fills[i].has_one_row_each = rows == filled[i];
    }
    if (!days.empty()) {
      std::ranges::sort(days);
      profile_.median_days = days[(days.size() - 1) / 2];
      const auto few = std::ranges::lower_bound(days, kFewDays) - days.begin();
      profile_.short_keys = static_cast<std::size_t>(few) * (left_out_ + 1);
    }
    return profile_;
  }

 private:
  static void CountPeriods(const std::vector<std::int32_t>& days, Period period,
                           std::size_t& filled, std::size_t& spanned) {
    const PeriodIndex first = PeriodOf(SysDaysOf(days.front()), period);
    PeriodIndex last = first - 1;
    for (const std::int32_t day : days) {
      const PeriodIndex index = PeriodOf(SysDaysOf(day), period);
      filled += index != last ? 1 : 0;
      last = index;
    }
    spanned += static_cast<std::size_t>(last - first + 1);
  }

  void LeaveOutHalf() {
    left_out_ = 2 * left_out_ + 1;
    std::erase_if(keys_, [this](const auto& one) { return (one.first & left_out_) != 0; });
    kept_ = 0;
    for (auto& [hash, key] : keys_) {
      key.Sort();
      kept_ += key.days.size();
    }
  }

  SeriesProfile profile_;
  std::int32_t first_ = 0;
  std::int32_t last_ = 0;
  RowHashes times_;
  std::unordered_map<std::size_t, KeyDays> keys_;
  std::size_t kept_ = 0;
  std::size_t left_out_ = 0;  // keys whose hash has one of these bits
};

/// Over all rows of one key; nothing where a column of it is missing.
std::optional<std::size_t> HashOfKey(const Table& batch, const std::vector<std::size_t>& columns,
                                     std::size_t row) {
  std::size_t hash = 0;
  for (const std::size_t i : columns) {
    const Column& column = batch.column(i);
    if (column.IsMissing(row)) return std::nullopt;
    hash = CombineHashes(hash, std::hash<std::string_view>()(column.Text(row)));
  }
  return hash;
}

/// The columns that are read: the time's, then all of the keys, each once; those as text.
Schema ColumnsToRead(const ColumnSpec& time, const std::vector<std::vector<ColumnSpec>>& keys) {
  Schema schema{{time}};
  schema.columns.front().nullable = true;
  for (const std::vector<ColumnSpec>& key : keys) {
    for (const ColumnSpec& column : key) {
      if (schema.Find(column.name)) continue;
      schema.columns.push_back({.name = column.name, .type = ColumnType::kText, .nullable = true});
    }
  }
  return schema;
}

}  // namespace

Result<std::vector<SeriesProfile>> ProfileSeries(const std::filesystem::path& file,
                                                 const CsvDialect& dialect, const ColumnSpec& time,
                                                 const std::vector<std::vector<ColumnSpec>>& keys,
                                                 const TimeZone& zone, Instant now) {
  const Schema schema = ColumnsToRead(time, keys);
  std::vector<std::vector<std::size_t>> columns(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    for (const ColumnSpec& column : keys[i]) columns[i].push_back(*schema.Find(column.name));
  }
  Result<CsvTableReader> reader = CsvTableReader::Open(file, schema, zone, {.dialect = dialect});
  if (!reader) return std::move(reader).error();
  std::vector<SeriesProfiler> profilers(keys.size());
  Table batch(schema);
  while (true) {
    const Result<bool> more = reader->ReadBatch(kProfiledAtOnce, batch);
    if (!more) return more.error();
    if (!*more) break;
    for (std::size_t row = 0; row < batch.row_count(); ++row) {
      if (batch.column(0).IsMissing(row)) continue;
      const Instant instant = batch.column(0).Timestamp(row);
      const auto day = static_cast<std::int32_t>(PeriodOf(instant, Period::kDay, zone));
      for (std::size_t i = 0; i < keys.size(); ++i) {
        const std::optional<std::size_t> hash = HashOfKey(batch, columns[i], row);
        if (hash) profilers[i].Add(*hash, instant, day, instant > now);
      }
    }
  }
  std::vector<SeriesProfile> profiles;
  for (SeriesProfiler& one : profilers) profiles.push_back(one.Profile());
  return profiles;
}

}  // namespace forkcast::preprocessing
