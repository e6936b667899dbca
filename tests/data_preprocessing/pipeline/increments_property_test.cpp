#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/features/feature_testing.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"

namespace forkcast::preprocessing {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using Random = std::mt19937_64;
using std::chrono::hours;
using std::chrono::microseconds;

constexpr int kHours = 8;  // few instants and few keys, so that rows collide in both
constexpr int kSkus = 5;
const Instant kStart = At("2024-01-01");

/// A way in which a series may be declared.
struct Declared {
  std::string name;
  ordered_json series;  // what it has besides table, values and staleness
  bool skips_missing = false;
};

void PrintTo(const Declared& one, std::ostream* out) { *out << one.name; }

PipelineSpec PipelineOf(const Declared& declared) {
  ordered_json series = declared.series;
  series["table"] = "rows";
  series["values"] = {"level", "price", "name", "flag", "sku"};
  if (series.contains("time")) series["max_staleness"] = "unlimited";
  ordered_json features = ordered_json::array();
  for (const std::string value : {"level", "price", "name", "flag", "sku"}) {
    features.push_back({{"name", value},
                        {"op", "as_of"},
                        {"series", "history"},
                        {"value", value},
                        {"key", series["key"]},
                        {"missing", "keep"}});
  }
  if (declared.skips_missing) {
    for (const std::string value : {"level", "name"}) {
      features.push_back({{"name", value + "_newest"},
                          {"op", "as_of"},
                          {"series", "history"},
                          {"value", value},
                          {"key", series["key"]},
                          {"skip_missing", true},
                          {"missing", "keep"}});
    }
  }
  return ParsePipeline(
      {{"name", "shop"},
       {"version", "1"},
       {"tables",
        {{"rows",
          {{"columns",
            {{"sku", "text"},
             {"shop", "int64"},
             {"at", "timestamp"},
             {"known", "timestamp"},
             {"level", {{"type", "int64"}, {"nullable", true}}},
             {"price", {{"type", "double"}, {"nullable", true}}},
             {"name", {{"type", "text"}, {"nullable", true}}},
             {"flag", {{"type", "bool"}, {"nullable", true}}}}}}}}},
       {"series", {{"history", series}}},
       {"request",
        {{"fields", {{"sku", "text"}, {"shop", "int64"}, {"at", "timestamp"}}}, {"time", "at"}}},
       {"features", features}});
}

template <typename Append>
void AppendOrMissing(Random& random, Column& column, const Append& append) {
  if (random() % 3 == 0) {
    column.AppendMissing();
  } else {
    append();
  }
}

/// Rows of a batch; `number` is different in every one, so that an answer says which it was.
Table RandomRows(const PipelineSpec& spec, std::size_t count, std::int64_t& number,
                 Random& random) {
  Table rows(spec.tables.front().schema);
  for (std::size_t i = 0; i < count; ++i, ++number) {
    rows.column(0).AppendText("sku" + std::to_string(random() % kSkus));
    rows.column(1).AppendInt64(static_cast<std::int64_t>(random() % 2));
    rows.column(2).AppendTimestamp(kStart + hours(random() % kHours));
    rows.column(3).AppendTimestamp(kStart + hours(random() % kHours));
    AppendOrMissing(random, rows.column(4), [&] { rows.column(4).AppendInt64(number); });
    AppendOrMissing(random, rows.column(5), [&] { rows.column(5).AppendDouble(0.1 * number); });
    const std::string name = "n" + std::to_string(random() % 7);
    AppendOrMissing(random, rows.column(6), [&] { rows.column(6).AppendText(name); });
    AppendOrMissing(random, rows.column(7), [&] { rows.column(7).AppendBool(number % 2 == 0); });
  }
  return rows;
}

MergePolicy RandomPolicy(Random& random) {
  return {.max_runs = 1 + random() % 8,
          .base_share = 1 + random() % 3,
          .small_base = random() % 4 == 0 ? 30U : 1U};
}

std::vector<Instant> Instants() {
  std::vector<Instant> instants;
  for (int hour = -1; hour <= kHours + 3; ++hour) {
    instants.push_back(kStart + hours(hour) - microseconds(hour % 2));
  }
  return instants;
}

/// All that can be read of a snapshot of the pipeline's one series, line by line.
std::vector<std::string> ReadAll(const PipelineSpec& spec, const Snapshot& snapshot) {
  const SeriesSpec& series = spec.series.front();
  std::vector<std::string> lines;
  lines.push_back(snapshot.watermark() ? "newest " + Show(*snapshot.watermark()) : "no time");
  const auto show = [&](const std::optional<std::uint64_t>& row) {
    if (!row) return std::string("none");
    std::string text = series.is_static() ? "" : Show(snapshot.TimeAt(*row)) + " ";
    for (std::size_t i = 0; i < series.ValueSchema().columns.size(); ++i) {
      text += Show(snapshot.ValueAt(i, *row)) + " ";
    }
    return text;
  };
  FeatureComputer computer(spec.features, spec.series, spec.request, spec.zone, nullptr);
  for (int sku = 0; sku <= kSkus; ++sku) {
    for (std::int64_t shop = 0; shop < 2; ++shop) {
      const std::string text = "sku" + std::to_string(sku);
      std::string scratch;
      const std::vector<Value> key = series.key.size() == 2
                                         ? std::vector<Value>{Value(std::string_view(text)), shop}
                                         : std::vector<Value>{Value(std::string_view(text))};
      const auto rows = snapshot.Find(EncodeKey(key, scratch));
      for (const Instant at : Instants()) {
        const std::string where = text + "/" + std::to_string(shop) + " " + Show(at) + ": ";
        Table request(spec.request.fields);
        request.column(0).AppendText(text);
        request.column(1).AppendInt64(shop);
        request.column(2).AppendTimestamp(at);
        std::vector<Value> values(computer.feature_count());
        SeriesMask stale = 0;
        const Status computed =
            computer.Compute(std::span(&snapshot, 1), request, 0, at, values, stale);
        lines.push_back(where + (computed ? ShowAll(values) : computed.error().message));
        if (!rows) continue;
        lines.push_back(where + show(snapshot.AsOf(*rows, at)));
        if (!series.known_in_advance) continue;
        for (const Instant target : {at - hours(2), at, at + hours(3)}) {
          lines.push_back(where + show(snapshot.Planned(*rows, at, target)));
        }
      }
    }
  }
  return lines;
}

/// A store and what is published of it; the oracle is a full build of the rows that it has.
class IncrementsProperty : public testing::TestWithParam<Declared> {
 protected:
  IncrementsProperty() : spec_(PipelineOf(GetParam())) { Reset(); }

  /// A new store and nothing published.
  void Reset() {
    dao_.reset();
    fs::remove_all(folder_.path() / "s.db");
    fs::remove_all(published());
    dao_ = Connect();
    ASSERT_TRUE(dao_->EnsureTable(spec_.tables.front()).ok());
    number_ = 0;
  }
  [[nodiscard]] std::unique_ptr<TableDao> Connect() const {
    return *OpenStore("sqlite:" + (folder_.path() / "s.db").string(),
                      StoreAccess::kReadWriteCreate);
  }
  void TakeIn(std::size_t count, Random& random) {
    std::size_t failed_row = 0;
    const Table rows = RandomRows(spec_, count, number_, random);
    ASSERT_TRUE(dao_->Append(spec_.tables.front(), rows, OnConflict::kRefuse, failed_row).ok());
  }
  PublishedSeries Publish(const MergePolicy& policy) {
    const auto report = PublishSnapshots(*dao_, spec_, published(), kStart, {.policy = policy});
    if (!report) throw std::runtime_error(report.error().message);
    return report->front();
  }
  std::vector<std::string> ReadPublished() {
    const auto opened = OpenSnapshots(spec_, published());
    if (!opened) throw std::runtime_error(opened.error().message);
    return ReadAll(spec_, opened->front());
  }
  /// Publishes everything anew, elsewhere.
  Snapshot FullBuild() {
    const fs::path elsewhere = folder_.path() / "oracle";
    fs::remove_all(elsewhere);
    const auto report =
        PublishSnapshots(*dao_, spec_, elsewhere, kStart, {.what = Publishing::kWhole});
    if (!report) throw std::runtime_error(report.error().message);
    keys_ = report->front().report.keys;
    return OpenSnapshots(spec_, elsewhere)->front();
  }
  [[nodiscard]] fs::path published() const { return folder_.path() / "published"; }

  const TempFolder folder_;
  const PipelineSpec spec_;
  std::unique_ptr<TableDao> dao_;
  std::int64_t number_ = 0;
  std::size_t keys_ = 0;  // of the last full build
};

TEST_P(IncrementsProperty, AnswerAsAFullBuildAfterEveryPublication) {
  std::size_t most_runs = 0;
  for (unsigned seed = 0; seed < 4 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Reset();
    const MergePolicy policy = RandomPolicy(random);
    TakeIn(seed == 0 ? 0 : 30 + random() % 40, random);
    ASSERT_TRUE(Publish(policy).is_whole);
    for (int batch = 0; batch < 10 && !HasFailure(); ++batch) {
      TakeIn(random() % 9, random);
      const PublishedSeries report = Publish(policy);
      EXPECT_FALSE(report.is_whole) << report.why_whole;
      const Snapshot whole = FullBuild();
      const auto opened = OpenSnapshots(spec_, published());
      ASSERT_TRUE(opened.ok()) << opened.error().message;
      const Snapshot& snapshot = opened->front();
      ASSERT_EQ(ReadAll(spec_, snapshot), ReadAll(spec_, whole)) << "batch " << batch;
      EXPECT_EQ(report.report.keys, keys_);
      EXPECT_LE(snapshot.runs().size(), policy.max_runs);
      most_runs = std::max(most_runs, snapshot.runs().size());
      // Merged, nothing tells it from one that was made at once.
      if (snapshot.runs().empty() && report.new_rows > 0) {
        EXPECT_EQ(snapshot.base().bytes(), whole.base().bytes());
      }
    }
  }
  // Without time a key has one row, and so few files suffice that a base is due soon.
  EXPECT_GE(most_runs, spec_.series.front().is_static() ? 1U : 2U);
}

/// Whoever dies on the way leaves what was published before, or all of what came.
TEST_P(IncrementsProperty, AKilledPublisherLeavesAWholePublication) {
  Random random(7);
  const MergePolicy policy{.max_runs = 3, .base_share = 2, .small_base = 1};
  TakeIn(40, random);
  Publish(policy);
  std::vector<std::string> before = ReadAll(spec_, FullBuild());
  for (int round = 0; round < 6 && !HasFailure(); ++round) {
    TakeIn(1 + random() % 9, random);
    const std::vector<std::string> after = ReadAll(spec_, FullBuild());
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto store = Connect();
      const auto done = PublishSnapshots(*store, spec_, published(), kStart, {.policy = policy});
      ::_exit(done ? 0 : 1);
    }
    ::usleep(static_cast<useconds_t>(random() % 4000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    const std::vector<std::string> now = ReadPublished();
    EXPECT_TRUE(now == before || now == after) << "round " << round;
    Publish(policy);
    ASSERT_EQ(ReadPublished(), after) << "round " << round;
    before = after;
  }
}

const ordered_json kBySku = {{"key", {"sku"}}};

ordered_json With(ordered_json series, const ordered_json& more) {
  series.update(more);
  return series;
}

const ordered_json kTimed = With(kBySku, {{"time", "at"}});
const ordered_json kKnownAt = With(kTimed, {{"known_at", "known"}});

INSTANTIATE_TEST_SUITE_P(
    Series, IncrementsProperty,
    testing::Values(Declared{"AtItsTime", kTimed},
                    Declared{"AfterADelay", With(kTimed, {{"delay", "3h"}})},
                    Declared{"WhenKnown", kKnownAt}, Declared{"Static", kBySku},
                    Declared{"KnownInAdvance", With(kTimed, {{"known_in_advance", true}})},
                    Declared{"PlansAsTheyWere", With(kKnownAt, {{"known_in_advance", true}})},
                    Declared{"SkippingMissing", kTimed, true},
                    Declared{"SkippingMissingWhenKnown", kKnownAt, true},
                    Declared{"OfTwoColumns",
                             {{"key", {"sku", "shop"}}, {"time", "at"}, {"known_at", "known"}}}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::preprocessing
