#include "model/forecast/shipped_pipelines.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <random>
#include <set>
#include <span>
#include <sstream>
#include <tuple>

#include "data_preprocessing/base/random.hpp"
#include "data_preprocessing/commands/ingest_command.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/source/ingest.hpp"
#include "data_preprocessing/source/table_files.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/commands/train_command.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/forecast_model.hpp"
#include "model/forecast/trained_forecast.hpp"
#include "model/forecast/training_plan.hpp"
#include "model/learn/trainers/trainer_kinds.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;
using namespace preprocessing;
using nlohmann::ordered_json;
using testing::IsEmpty;
using testing::Not;

std::optional<std::string> NoEnvironment(const char*) { return std::nullopt; }

/// A command's exit code; what it says is in `out` and `err`.
struct Commands {
  int Run(const preprocessing::Command& command, const std::vector<std::string>& arguments) {
    const SystemClock clock;
    return preprocessing::RunCommand(
        command, arguments, {.environment = NoEnvironment, .out = out, .err = err, .clock = clock});
  }
  std::ostringstream out;
  std::ostringstream err;
};

/// A value of a row, as its bytes.
struct NamedCell {
  std::string name;
  std::string value;
  friend bool operator==(const NamedCell&, const NamedCell&) = default;
};
using Cells = std::vector<NamedCell>;
/// Key, period, and the model or the step: numbers of keys and rows may differ where their values
/// do not.
using RowName = std::tuple<std::string, std::int64_t, std::size_t>;
using Rows = std::map<RowName, Cells>;

/// A pipeline over one set of CSV files, up to its examples.
class Prepared {
 public:
  Prepared(const ordered_json& document, const fs::path& csv_files) {
    const fs::path pipeline = folder_.Write("pipeline.json", document.dump());
    Commands commands;
    if (commands.Run(preprocessing::IngestCommand(),
                     {"--pipeline", pipeline.string(), "--store",
                      "sqlite:" + (folder_.path() / "o.db").string(), "--from", csv_files.string(),
                      "--snapshots", snapshots().string(), "--quiet"}) != 0) {
      throw std::runtime_error(commands.err.str());
    }
    spec_ = *ParsePipelineSpec(document.dump(), kPipelines);
    plan_ = ReadTrainingPlan(JsonNode(document), spec_, TrainerKinds());
    data_ = *ForecastData::Open(spec_, snapshots());
    const auto all = *data_->grid().AllPeriods();
    periods_ = {.first = all.first, .last = all.last};
    examples_ = *StepExamples::Compute(*data_, plan_, periods_, data_->AllKeys());
  }

  [[nodiscard]] fs::path snapshots() const { return folder_.path() / "snapshots"; }
  [[nodiscard]] const PipelineSpec& spec() const { return spec_; }
  [[nodiscard]] const ForecastData& data() const { return *data_; }
  [[nodiscard]] PeriodRange periods() const { return periods_; }

  /// Features and references of every row as of the end of one of `origins`, bit by bit; with the
  /// targets that are not after them.
  [[nodiscard]] Rows Features(PeriodRange origins) const {
    Rows rows;
    for (std::size_t model = 0; model < examples_.model_count(); ++model) {
      const PointExamples& examples = examples_.of_model(model);
      for (std::size_t row = 0; row < examples.points.size(); ++row) {
        const ForecastPoint& point = examples.points[row];
        if (!origins.Contains(point.period - DistanceOfPoint(data_->forecast(), model, point)))
          continue;
        Cells& cells = rows[{data_->KeyName(point.key), point.period, model}];
        for (std::size_t i = 0; i < examples.features.columns().size(); ++i) {
          cells.push_back({examples.features.columns()[i].name, Cell(examples.features, i, row)});
        }
        const TargetReference& reference = examples.references[row];
        cells.push_back({"scale", Bits(reference.scale)});
        cells.push_back({"anchor", Bits(reference.anchor)});
        if (point.period > origins.last) continue;
        cells.push_back({"target", Bits(examples.actual[row])});
      }
    }
    return rows;
  }

  /// Forecasts as of the end of each of `origins` by a model that learned from the targets up to
  /// `train_to`.
  [[nodiscard]] Rows Forecasts(std::int64_t train_to,
                               const std::vector<std::int64_t>& origins) const {
    const auto trained = TrainedForecast::Train(*data_, plan_, examples_,
                                                {.first = periods_.first, .last = train_to},
                                                [](const TrainingStage&) { return true; });
    if (!trained) throw std::runtime_error(trained.error().message);
    Rows rows;
    for (const std::int64_t origin : origins) {
      const auto forecasts = (*trained)->model().Predict(*data_, plan_, examples_, origin);
      if (!forecasts) throw std::runtime_error(forecasts.error().message);
      for (const Forecast& forecast : *forecasts) {
        rows[{data_->KeyName(forecast.point.key), forecast.point.period, forecast.step}] = {
            {"forecast", Bits(forecast.value)}};
      }
    }
    return rows;
  }

 private:
  template <typename Number>
  static std::string Bits(Number value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
  }
  static std::string Cell(const FeatureTable& features, std::size_t column, std::size_t row) {
    const float value = features.column(column)[row];
    if (features.columns()[column].kind == FeatureKind::kNumber || std::isnan(value)) {
      return Bits(value);
    }
    return features.categories(column)[static_cast<std::size_t>(value)];  // codes may differ
  }

  TempFolder folder_;
  PipelineSpec spec_;
  TrainingPlan plan_;
  std::unique_ptr<ForecastData> data_;
  PeriodRange periods_;
  StepExamples examples_;
};

/// What differs, or what only one has: the first few, as people read them.
std::vector<std::string> Differences(const Rows& before, const Rows& after) {
  constexpr std::size_t kMost = 5;
  static const Cells kNone;
  std::vector<std::string> different;
  const auto compare = [&](const RowName& row, const Cells& cells, const Cells& others) {
    for (std::size_t i = 0; i < cells.size() && different.size() < kMost; ++i) {
      if (i < others.size() && cells[i] == others[i]) continue;
      const auto& [key, period, part] = row;
      different.push_back(
          fmt::format("{} of {}, period {}, part {}", cells[i].name, key, period, part));
    }
  };
  const auto in = [](const Rows& rows, const RowName& row) -> const Cells& {
    const auto found = rows.find(row);
    return found == rows.end() ? kNone : found->second;
  };
  for (const auto& [row, cells] : before) compare(row, cells, in(after, row));
  for (const auto& [row, cells] : after) {
    if (!before.contains(row)) compare(row, cells, kNone);
  }
  return different;
}

std::set<std::string> WordsOf(std::string_view text) {
  std::set<std::string> words;
  std::string word;
  for (const char c : std::string(text) + " ") {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!word.empty()) {
      words.insert(std::exchange(word, {}));
    }
  }
  return words;
}

/// What becomes of the files of a pipeline's sample when everything that was observed from an
/// instant on had been otherwise: in the tables that the forecast series is made of, the numbers
/// are moved among the rows and changed. Keys, times and what is known in advance stay.
class OtherFuture {
 public:
  OtherFuture(const PipelineSpec& spec, Instant from) : spec_(spec), from_(from) {
    for (const SeriesSpec& series : spec.series) {
      const bool is_plan = series.known_in_advance || series.is_static();
      const std::set<std::string> source = SourceWords(series);
      if (is_plan) unchanged_.insert(source.begin(), source.end());
      if (series.name != spec.forecast->series) continue;
      sources_ = source;
      for (const std::string& key : series.key) unchanged_.merge(WordsOf(key));
    }
  }

  /// Copies the sample to `folder`; returns how many cells it changed.
  std::size_t Write(const fs::path& sample, const fs::path& folder) const {
    std::size_t changed = 0;
    for (const TableSpec& table : spec_.tables) {
      const fs::path file = FindTableFiles(sample, table.name, spec_.tables)->files.front();
      if (!IsSource(table)) {
        fs::copy_file(file, folder / file.filename());
        continue;
      }
      EXPECT_EQ(file.extension(), ".csv") << "this test reads plain files alone";
      std::ofstream(folder / file.filename()) << Change(table, ReadWhole(file), changed);
    }
    return changed;
  }

 private:
  using Line = std::vector<std::string>;  // of a CSV file

  /// Whatever a series names of the store: its query, or its table and the columns it reads.
  static std::set<std::string> SourceWords(const SeriesSpec& series) {
    if (const auto* query = std::get_if<QuerySource>(&series.source)) return WordsOf(query->sql);
    std::set<std::string> words = WordsOf(std::get<TableSource>(series.source).table);
    for (const ColumnSpec& column : series.ReadSchema().columns) words.merge(WordsOf(column.name));
    return words;
  }

  [[nodiscard]] bool IsSource(const TableSpec& table) const {
    return sources_.contains(*WordsOf(table.name).begin()) && TimeColumn(table) != nullptr;
  }
  static const ColumnSpec* TimeColumn(const TableSpec& table) {
    const auto found =
        std::ranges::find(table.schema.columns, ColumnType::kTimestamp, &ColumnSpec::type);
    return found == table.schema.columns.end() ? nullptr : &*found;
  }

  /// The fields of a line as they stand there, quotes included.
  static Line Split(std::string_view line) {
    Line cells(1);
    bool quoted = false;
    for (const char c : line) {
      if (c == '"') quoted = !quoted;
      if (c == ',' && !quoted) {
        cells.emplace_back();
      } else {
        cells.back() += c;
      }
    }
    return cells;
  }
  static std::string Unquoted(std::string text) {
    std::erase(text, '"');
    return text;
  }

  /// Whether a column holds numbers that points part into groups, which only SQL can read.
  static bool IsMarred(const std::vector<Line>& rows, std::span<const std::size_t> later,
                       std::size_t column) {
    bool has_groups = false;
    for (const std::size_t row : later) {
      const std::string& cell = rows[row][column];
      if (cell.find_first_not_of("0123456789.") != std::string::npos) return false;
      has_groups |= std::ranges::count(cell, '.') > 1;
    }
    return has_groups;
  }

  [[nodiscard]] std::string Change(const TableSpec& table, const std::string& csv,
                                   std::size_t& changed) const {
    std::vector<Line> rows;
    std::istringstream lines(csv);
    for (std::string line; std::getline(lines, line);) rows.push_back(Split(line));
    const auto position = [&](const std::string& column) {
      return static_cast<std::size_t>(std::ranges::find(rows[0], column, &Unquoted) -
                                      rows[0].begin());
    };
    const std::size_t time = position(TimeColumn(table)->name);
    std::vector<std::size_t> later;
    for (std::size_t row = 1; row < rows.size(); ++row) {
      if (*ParseTimestamp(Unquoted(rows[row][time]), spec_.zone) >= from_) later.push_back(row);
    }
    std::mt19937_64 engine(5);
    for (const ColumnSpec& column : table.schema.columns) {
      const std::size_t at = position(column.name);
      const bool is_number = column.type == ColumnType::kInt64 ||
                             column.type == ColumnType::kDouble || IsMarred(rows, later, at);
      if (!is_number || unchanged_.contains(*WordsOf(column.name).begin())) continue;
      for (std::size_t i = later.size(); i > 1; --i) {
        std::swap(rows[later[i - 1]][at], rows[later[DrawBelow(engine, i)]][at]);
      }
      // A sum over everything would not notice that values changed places.
      for (const std::size_t row : later) {
        std::string& cell = rows[row][at];
        if (std::ranges::count(cell, '.') > 1) std::erase(cell, '.');
        if (!cell.empty()) cell = fmt::format("{}", 3 * std::stod(cell) + 1);
        ++changed;
      }
    }
    std::string text;
    for (const Line& cells : rows) text += fmt::format("{}\n", fmt::join(cells, ","));
    return text;
  }

  const PipelineSpec& spec_;
  Instant from_;
  std::set<std::string> unchanged_;  ///< Columns, in small letters.
  std::set<std::string> sources_;    ///< Words that name the tables of the forecast series.
};

/// What is different before and after an instant when only the future from there on is.
struct Leaks {
  std::vector<std::string> features;
  std::vector<std::string> forecasts;
  std::vector<std::string> later_features;
  std::vector<std::string> later_forecasts;
};

Leaks FindLeaks(const ordered_json& document, const fs::path& sample) {
  const Prepared before(document, sample);
  const PeriodRange all = before.periods();
  const auto horizon = static_cast<std::int64_t>(before.data().horizon());
  const std::int64_t last = all.last - 2 * horizon;  // the last period that stays as it is

  const TempFolder folder;
  const OtherFuture other(before.spec(), before.data().grid().StartOf(last + 1));
  EXPECT_GT(other.Write(sample, folder.path()), 0U);
  const Prepared after(document, folder.path());

  const PeriodRange known{.first = all.first, .last = last};
  const PeriodRange later{.first = last + 1, .last = all.last};
  const std::vector<std::int64_t> origins{last - 3 * horizon, last - horizon, last - 1, last};
  const std::vector<std::int64_t> later_origins{last + horizon};
  const auto forecasts = before.Forecasts(last, origins);
  EXPECT_FALSE(forecasts.empty());
  return {.features = Differences(before.Features(known), after.Features(known)),
          .forecasts = Differences(forecasts, after.Forecasts(last, origins)),
          .later_features = Differences(before.Features(later), after.Features(later)),
          .later_forecasts = Differences(before.Forecasts(last, later_origins),
                                         after.Forecasts(last, later_origins))};
}

class ShippedPipeline : public testing::TestWithParam<fs::path> {};

TEST_P(ShippedPipeline, IsJudgedOnItsSampleBesideEveryBaseline) {
  const fs::path sample = SampleOf(GetParam());
  ASSERT_FALSE(sample.empty()) << "no folder of data/ is called as " << GetParam();
  const ordered_json document = SmallDocument(GetParam());
  const Prepared prepared(document, sample);
  const TempFolder folder;
  const fs::path pipeline = folder.Write("pipeline.json", document.dump());
  Commands commands;
  ASSERT_EQ(commands.Run(EvaluateCommand(), {"--pipeline", pipeline.string(), "--snapshots",
                                             prepared.snapshots().string(), "--json"}),
            0)
      << commands.err.str();
  const ordered_json evaluation = ordered_json::parse(commands.out.str())["evaluation"];
  EXPECT_EQ(evaluation["rows_without_forecast"], 0);
  const auto baselines = ReadBaselines(JsonNode(document["training"]["baselines"]));
  ASSERT_EQ(evaluation["baselines"].size(), baselines.size());
  for (std::size_t i = 0; i < baselines.size(); ++i) {
    EXPECT_EQ(evaluation["baselines"][i]["name"], NameOf(baselines[i]));
    EXPECT_GT(evaluation["baselines"][i]["metrics"]["rows"], 0) << NameOf(baselines[i]);
  }
}

TEST_P(ShippedPipeline, KnowsNothingOfWhatHappensLater) {
  const Leaks leaks = FindLeaks(SmallDocument(GetParam()), SampleOf(GetParam()));
  EXPECT_THAT(leaks.features, IsEmpty());
  EXPECT_THAT(leaks.forecasts, IsEmpty());
  // Else nothing had been changed, and the lines above would say nothing.
  EXPECT_THAT(leaks.later_features, Not(IsEmpty()));
  EXPECT_THAT(leaks.later_forecasts, Not(IsEmpty()));
}

INSTANTIATE_TEST_SUITE_P(Each, ShippedPipeline, testing::ValuesIn(ForecastPipelines()),
                         [](const auto& param) { return param.param.stem().string(); });

// A query can look ahead, unlike a feature: this one adds the greatest quantity there will be.
TEST(LeakTest, FindsAQueryThatReadsTheFuture) {
  const fs::path pipeline = kPipelines / "weekly_demand.json";
  ordered_json document = SmallDocument(pipeline);
  document["series"]["weekly"]["query"] =
      "SELECT product, sold_at, unit_price, "
      "quantity + (SELECT MAX(quantity) FROM order_lines) AS quantity "
      "FROM order_lines WHERE quantity > 0 AND unit_price > 0";
  const Leaks leaks = FindLeaks(document, SampleOf(pipeline));
  EXPECT_THAT(leaks.features, Not(IsEmpty()));
  EXPECT_THAT(leaks.forecasts, Not(IsEmpty()));
}

}  // namespace
}  // namespace forkcast::model
