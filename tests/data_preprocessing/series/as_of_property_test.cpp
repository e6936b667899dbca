#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <ostream>
#include <random>

#include "data_preprocessing/series/series_testing.hpp"

namespace forkcast::preprocessing {
namespace {

using Random = std::mt19937_64;
using std::chrono::hours;
using std::chrono::microseconds;

const Instant kStart = At("2024-01-01");
constexpr int kHours = 12;  // few instants and few keys, so that rows collide in both
constexpr int kKeys = 4;

struct Observation {
  std::string key;
  Instant time;
  Instant known;
  /// Different in every row, so that the answer says which row it was; missing in some.
  std::optional<std::int64_t> level;
};

struct Visibility {
  std::string name;
  SeriesSpec spec;
};

void PrintTo(const Visibility& one, std::ostream* out) { *out << one.name; }

Instant RandomHour(Random& random) { return kStart + hours(random() % kHours); }

Observation RandomObservation(const SeriesSpec& spec, std::int64_t level, Random& random) {
  Observation observation{.key = "sku" + std::to_string(random() % kKeys),
                          .time = RandomHour(random),
                          .known = {},
                          .level = level};
  observation.known = spec.known_at.empty() ? observation.time + spec.delay : RandomHour(random);
  return observation;
}

std::vector<Observation> RandomObservations(const SeriesSpec& spec, Random& random) {
  std::vector<Observation> observations(random() % 60);
  std::int64_t level = 0;
  for (Observation& one : observations) one = RandomObservation(spec, level++, random);
  return observations;
}

Table ToTable(const SeriesSpec& spec, const std::vector<Observation>& observations) {
  Table rows(spec.ReadSchema());
  for (const Observation& one : observations) {
    std::size_t column = 0;
    rows.column(column++).AppendText(one.key);
    rows.column(column++).AppendTimestamp(one.time);
    if (!spec.known_at.empty()) rows.column(column++).AppendTimestamp(one.known);
    if (one.level) {
      rows.column(column).AppendInt64(*one.level);
    } else {
      rows.column(column).AppendMissing();
    }
  }
  return rows;
}

/// "Time, said once" read aloud: of the rows known by then and of no later time the newest, of
/// equals the one ingested last.
std::string SlowAnswer(const std::vector<Observation>& observations, const std::string& key,
                       Instant time, bool skips_missing = false) {
  const Observation* in_force = nullptr;
  for (const Observation& one : observations) {
    if (one.key != key || one.time > time || one.known > time) continue;
    if (skips_missing && !one.level) continue;
    if (in_force == nullptr || one.time >= in_force->time) in_force = &one;
  }
  if (in_force == nullptr) return "none";
  return in_force->level ? std::to_string(*in_force->level) : "-";
}

/// The same series, of which features ask for the newest level that is not missing.
SeriesSpec Skipping(SeriesSpec spec) {
  spec.skip_missing = {"level"};
  return spec;
}

/// Rows of which about every third has no level.
std::vector<Observation> WithHoles(std::vector<Observation> observations, Random& random) {
  for (Observation& one : observations) {
    if (random() % 3 == 0) one.level.reset();
  }
  return observations;
}

std::string NewestValue(const Snapshot& snapshot, const std::string& key, Instant time) {
  const auto rows = snapshot.Find(key);
  const auto row = rows ? snapshot.AsOfValue(*rows, 0, time) : std::nullopt;
  return row ? Show(snapshot.ValueAt(0, *row)) : "none";
}

/// Every instant at which something can change, and one microsecond before and after.
std::vector<Instant> Instants() {
  std::vector<Instant> instants;
  for (int hour = -1; hour <= 2 * kHours; ++hour) {
    for (const int micros : {-1, 0, 1}) {
      instants.push_back(kStart + hours(hour) + microseconds(micros));
    }
  }
  return instants;
}

class AsOfProperty : public testing::TestWithParam<Visibility> {
 protected:
  static constexpr unsigned kSeeds = 40;

  template <typename Check>
  void ForSeeds(Check check) {
    for (unsigned seed = 0; seed < kSeeds && !HasFailure(); ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      Random random(seed);
      check(random);
    }
  }
  static std::vector<std::string> Keys() {
    std::vector<std::string> keys;
    for (int i = 0; i <= kKeys; ++i) keys.push_back("sku" + std::to_string(i));  // the last: unseen
    return keys;
  }

  const SeriesSpec& spec_ = GetParam().spec;
  const TempFolder folder_;
};

TEST_P(AsOfProperty, EqualsTheSearchThroughAllRows) {
  ForSeeds([this](Random& random) {
    const std::vector<Observation> observations = RandomObservations(spec_, random);
    const Snapshot snapshot = PublishAndOpen(spec_, ToTable(spec_, observations), folder_);
    for (const std::string& key : Keys()) {
      for (const Instant time : Instants()) {
        ASSERT_EQ(ValueAsOf(snapshot, key, time), SlowAnswer(observations, key, time))
            << key << " at " << Show(time);
      }
    }
  });
}

TEST_P(AsOfProperty, LaterRowsNeverChangeAnEarlierAnswer) {
  ForSeeds([this](Random& random) {
    std::vector<Observation> observations = RandomObservations(spec_, random);
    const Snapshot before = PublishAndOpen(spec_, ToTable(spec_, observations), folder_);
    const Instant until = RandomHour(random);
    std::int64_t level = 1000;
    for (std::size_t left = 30; left > 0; --left) {
      const Observation later = RandomObservation(spec_, level++, random);
      if (std::max(later.time, later.known) <= until) continue;
      const auto place = static_cast<std::ptrdiff_t>(random() % (observations.size() + 1));
      observations.insert(observations.begin() + place, later);
    }
    const Snapshot after = PublishAndOpen(spec_, ToTable(spec_, observations), folder_);
    for (const std::string& key : Keys()) {
      for (const Instant time : Instants()) {
        if (time > until) continue;
        ASSERT_EQ(ValueAsOf(after, key, time), ValueAsOf(before, key, time))
            << key << " at " << Show(time) << ", rows added after " << Show(until);
      }
    }
  });
}

TEST_P(AsOfProperty, TheNewestValueEqualsTheSearchThroughAllRowsThatHaveOne) {
  const SeriesSpec spec = Skipping(spec_);
  ForSeeds([&](Random& random) {
    const std::vector<Observation> observations =
        WithHoles(RandomObservations(spec, random), random);
    const Snapshot snapshot = PublishAndOpen(spec, ToTable(spec, observations), folder_);
    for (const std::string& key : Keys()) {
      for (const Instant time : Instants()) {
        ASSERT_EQ(NewestValue(snapshot, key, time), SlowAnswer(observations, key, time, true))
            << key << " at " << Show(time);
        // Beside it the row in force stays what it was.
        ASSERT_EQ(ValueAsOf(snapshot, key, time), SlowAnswer(observations, key, time))
            << key << " at " << Show(time);
      }
    }
  });
}

TEST_P(AsOfProperty, LaterRowsNeverChangeAnEarlierNewestValue) {
  const SeriesSpec spec = Skipping(spec_);
  ForSeeds([&](Random& random) {
    std::vector<Observation> observations = WithHoles(RandomObservations(spec, random), random);
    const Snapshot before = PublishAndOpen(spec, ToTable(spec, observations), folder_);
    const Instant until = RandomHour(random);
    std::vector<Observation> later(30);
    for (Observation& one : later) one = RandomObservation(spec, 1000, random);
    for (const Observation& one : WithHoles(later, random)) {
      if (std::max(one.time, one.known) > until) observations.push_back(one);
    }
    const Snapshot after = PublishAndOpen(spec, ToTable(spec, observations), folder_);
    for (const std::string& key : Keys()) {
      for (const Instant time : Instants()) {
        if (time > until) continue;
        ASSERT_EQ(NewestValue(after, key, time), NewestValue(before, key, time))
            << key << " at " << Show(time) << ", rows added after " << Show(until);
      }
    }
  });
}

/// The same question as a correlated query, asked of SQLite.
class SqlOracle {
 public:
  explicit SqlOracle(const std::vector<Observation>& observations) {
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open(":memory:", &database), SQLITE_OK);
    database_.reset(database);
    Run("CREATE TABLE rows (sku TEXT, at INT, known INT, level INT)");
    Run("CREATE TABLE questions (sku TEXT, at INT)");
    for (const Observation& one : observations) {
      Run("INSERT INTO rows VALUES ('" + one.key + "', " + std::to_string(ToMicros(one.time)) +
          ", " + std::to_string(ToMicros(one.known)) + ", " + std::to_string(*one.level) + ")");
    }
  }

  /// One answer for each key and instant, in that order.
  std::vector<std::string> Answers(const std::vector<std::string>& keys,
                                   const std::vector<Instant>& instants) {
    for (const std::string& key : keys) {
      for (const Instant time : instants) {
        Run("INSERT INTO questions VALUES ('" + key + "', " + std::to_string(ToMicros(time)) + ")");
      }
    }
    return Run(
        "SELECT ifnull((SELECT level FROM rows WHERE rows.sku = questions.sku"
        " AND max(rows.at, rows.known) <= questions.at"
        " ORDER BY rows.at DESC, rows.rowid DESC LIMIT 1), 'none')"
        " FROM questions ORDER BY questions.rowid");
  }

 private:
  struct Closer {
    void operator()(sqlite3* database) const noexcept { sqlite3_close(database); }
  };

  std::vector<std::string> Run(const std::string& sql) {
    std::vector<std::string> values;
    const auto collect = [](void* into, int, char** columns, char**) {
      static_cast<std::vector<std::string>*>(into)->emplace_back(columns[0]);
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(database_.get(), sql.c_str(), collect, &values, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database_.get());
    return values;
  }

  std::unique_ptr<sqlite3, Closer> database_;
};

TEST_P(AsOfProperty, EqualsACorrelatedSqlQuery) {
  for (unsigned seed = 1000; seed < 1010; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const std::vector<Observation> observations = RandomObservations(spec_, random);
    const Snapshot snapshot = PublishAndOpen(spec_, ToTable(spec_, observations), folder_);
    std::vector<std::string> answers;
    for (const std::string& key : Keys()) {
      for (const Instant time : Instants()) answers.push_back(ValueAsOf(snapshot, key, time));
    }
    ASSERT_EQ(answers, SqlOracle(observations).Answers(Keys(), Instants()));
  }
}

INSTANTIATE_TEST_SUITE_P(Series, AsOfProperty,
                         testing::Values(Visibility{"AtItsTime", Levels()},
                                         Visibility{"AfterADelay", LevelsKnownLater(hours(3))},
                                         Visibility{"WhenKnown", LevelsWithKnownAt()}),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::preprocessing
