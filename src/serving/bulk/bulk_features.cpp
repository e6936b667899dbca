#include "serving/bulk/bulk_features.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "data_preprocessing/features/feature_computer.hpp"
#include "data_preprocessing/table/value.hpp"
#include "serving/bulk/ordered_work.hpp"

namespace forkcast::serving {
namespace {

using model::ForecastData;
using model::ForecastPoint;
using preprocessing::ColumnSpec;
using preprocessing::ColumnType;
using preprocessing::FeatureComputer;
using preprocessing::FeatureMoment;
using preprocessing::FeatureSpec;
using preprocessing::ForecastSpec;
using preprocessing::ForecastStrategy;
using preprocessing::PipelineSpec;
using preprocessing::RowBatch;
using preprocessing::Schema;
using preprocessing::SeriesMask;
using preprocessing::SetAsideRow;
using preprocessing::Snapshot;
using preprocessing::Table;
using preprocessing::TableSpec;
using preprocessing::Value;
using preprocessing::ValueAt;

/// Keys of a forecast that one thread takes at a time.
constexpr std::size_t kKeysAtOnce = 16;

/// The type that the pipeline declares for a column of this name.
ColumnType TypeOf(const PipelineSpec& spec, std::string_view name) {
  const auto type_in = [name](const Schema& schema) -> std::optional<ColumnType> {
    const auto found = schema.Find(name);
    return found ? std::optional(schema.columns[*found].type) : std::nullopt;
  };
  if (const auto type = type_in(spec.request.fields)) return *type;
  if (!spec.training) return ColumnType::kText;
  const auto table = std::ranges::find(spec.tables, spec.training->table, &TableSpec::name);
  if (table == spec.tables.end()) return ColumnType::kText;
  return type_in(table->schema).value_or(ColumnType::kText);
}

/// "NAME" or "NAME:TYPE".
ColumnSpec ReadColumn(const PipelineSpec& spec, const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon != std::string::npos) {
    const auto type = preprocessing::ColumnTypeFromString(text.substr(colon + 1));
    if (type) return ColumnSpec{.name = text.substr(0, colon), .type = *type, .nullable = true};
  }
  return ColumnSpec{.name = text, .type = TypeOf(spec, text), .nullable = true};
}

/// The place among the input's columns, to which it is added where it is no field.
std::size_t PlaceIn(Schema& input, const ColumnSpec& column) {
  if (const auto place = input.Find(column.name)) return *place;
  input.columns.push_back(column);
  return input.columns.size() - 1;
}

Status CheckNames(const Schema& schema) {
  for (const ColumnSpec& column : schema.columns) {
    if (std::ranges::count(schema.columns, column.name, &ColumnSpec::name) > 1) {
      return Invalid(fmt::format("two columns would be called \"{}\"", column.name));
    }
  }
  return {};
}

void AddFeatures(const PipelineSpec& spec, Schema& schema) {
  for (const FeatureSpec& feature : spec.features) {
    schema.columns.push_back({.name = feature.name, .type = feature.type, .nullable = true});
  }
}

/// Rows in the form of their file, and those that were refused.
struct Formed {
  std::string bytes{};
  std::size_t rows = 0;
  std::size_t refused = 0;
  std::optional<Error> first_refusal{};

  void Refuse(ErrorCode code, std::string message) {
    ++refused;
    if (!first_refusal) first_refusal.emplace(Error{code, std::move(message)});
  }
};

std::string Said(const Error& error) {
  return error.field.empty() ? error.message : fmt::format("{}: {}", error.field, error.message);
}

/// What came of rows, counted and written.
class Writer {
 public:
  Writer(const FeatureOptions& options, RowFile& file) : options_(options), file_(file) {}

  Status Take(Formed& formed) {
    if (formed.first_refusal && options_.when_refused == WhenRefused::kStop) {
      return *std::move(formed.first_refusal);
    }
    counts_.rows += formed.rows;
    counts_.refused += formed.refused;
    if (formed.first_refusal && counts_.first_refusal.empty()) {
      counts_.first_refusal = formed.first_refusal->message;
    }
    return file_.Write(formed.bytes, formed.rows);
  }
  [[nodiscard]] FeatureCounts& counts() noexcept { return counts_; }

 private:
  const FeatureOptions& options_;
  RowFile& file_;
  FeatureCounts counts_;
};

/// Some rows, and what their places are called.
struct RowsToCompute {
  RowBatch batch;
  PlaceText text;
};

/// One thread's.
class RowFeatures {
 public:
  RowFeatures(const PipelineSpec& spec, std::span<const Snapshot> snapshots,
              const FeaturePlan& plan, Instant now, const RowForm& form)
      : snapshots_(snapshots),
        plan_(plan),
        now_(now),
        form_(form),
        computer_(spec.features, spec.series, spec.request, spec.zone),
        values_(plan.output.columns.size()) {}

  Formed Compute(const RowsToCompute& task) {
    Formed formed;
    const RowBatch& batch = task.batch;
    for (const SetAsideRow& bad : batch.set_aside) {
      formed.Refuse(ErrorCode::kInvalidArgument,
                    fmt::format("{}: {}", task.text(bad.place), bad.reason));
    }
    for (std::size_t row = 0; row < batch.rows.row_count(); ++row) {
      const Status computed = ComputeRow(batch.rows, row);
      if (!computed) {
        formed.Refuse(computed.error().code,
                      fmt::format("{}: {}", task.text(batch.places[row]), Said(computed.error())));
        continue;
      }
      form_.append_row(plan_.output, values_, formed.bytes);
      ++formed.rows;
    }
    return formed;
  }

 private:
  Status ComputeRow(const Table& rows, std::size_t row) {
    std::size_t place = 0;
    for (const std::size_t column : plan_.carried) {
      values_[place++] = ValueAt(rows.column(column), row);
    }
    if (plan_.label) values_.back() = ValueAt(rows.column(*plan_.label), row);
    SeriesMask stale = 0;
    return computer_.Compute(snapshots_, rows, row, now_,
                             std::span(values_).subspan(place, computer_.feature_count()), stale);
  }

  std::span<const Snapshot> snapshots_;
  const FeaturePlan& plan_;
  const Instant now_;
  const RowForm& form_;
  FeatureComputer computer_;
  std::vector<Value> values_;
};

/// The steps whose examples a strategy learns from.
std::vector<std::int64_t> StepsOf(const ForecastSpec& forecast) {
  switch (forecast.strategy) {
    case ForecastStrategy::kRecursive:
      return {1};
    case ForecastStrategy::kShared:
      return {forecast.horizon};
    case ForecastStrategy::kDirect:
    case ForecastStrategy::kPooled:
      break;
  }
  std::vector<std::int64_t> steps;
  for (int step = 1; step <= forecast.horizon; ++step) steps.push_back(step);
  return steps;
}

/// Examples of one thread.
class GridFeatures {
 public:
  GridFeatures(const ForecastData& data, const Schema& schema, bool numbers_alone,
               const RowForm& form)
      : data_(data),
        schema_(schema),
        numbers_alone_(numbers_alone),
        form_(form),
        steps_(StepsOf(data.forecast())),
        computer_(data.spec().features, data.spec().series, data.spec().request, data.spec().zone,
                  &data.forecast()),
        values_(schema.columns.size()) {}

  Formed Compute(const std::vector<std::uint32_t>& keys) {
    Formed formed;
    std::uint32_t selected = std::numeric_limits<std::uint32_t>::max();
    const auto all = data_.grid().AllPeriods();
    if (!all) return formed;
    for (const ForecastPoint& point :
         model::KnownPoints(data_, {.first = all->first, .last = all->last}, keys)) {
      if (point.key != std::exchange(selected, point.key)) {
        computer_.Select(data_.snapshots(), data_.requests(), point.key);
      }
      for (const std::int64_t step : steps_) Add(point, step, formed);
    }
    return formed;
  }

 private:
  void Add(const ForecastPoint& point, std::int64_t step, Formed& formed) {
    const FeatureMoment moment{.origin = data_.grid().VisibleFrom(point.period - step),
                               .target = data_.grid().StartOf(point.period)};
    std::size_t place = 0;
    period_ = data_.FirstDay(point.period);
    if (!numbers_alone_) {
      for (const Value& value : data_.grid().KeyValues(point.key)) values_[place++] = value;
      values_[place++] = moment.origin;
      values_[place++] = std::string_view(period_);
    }
    values_[place++] = step;
    SeriesMask stale = 0;
    const Status computed = computer_.ComputeAt(
        moment, std::span(values_).subspan(place, computer_.feature_count()), stale);
    if (!computed) {
      return formed.Refuse(computed.error().code,
                           fmt::format("key {}, {}, step {}: {}", data_.KeyName(point.key), period_,
                                       step, Said(computed.error())));
    }
    values_.back() = data_.ValueIn(point.key, point.period);
    form_.append_row(schema_, values_, formed.bytes);
    ++formed.rows;
  }

  const ForecastData& data_;
  const Schema& schema_;
  const bool numbers_alone_;
  const RowForm& form_;
  const std::vector<std::int64_t> steps_;
  FeatureComputer computer_;
  std::vector<Value> values_;
  std::string period_;
};

/// That somebody asked to stop, for Add(): the counts say so to who asked.
Error Stopped() { return {ErrorCode::kInternal, "stopped"}; }

}  // namespace

Result<FeaturePlan> PlanFeatures(const PipelineSpec& spec, const std::vector<std::string>& keep,
                                 const std::string& label) {
  FeaturePlan plan{.input = spec.request.fields};
  for (const std::string& text : keep) {
    plan.carried.push_back(PlaceIn(plan.input, ReadColumn(spec, text)));
    plan.output.columns.push_back(plan.input.columns[plan.carried.back()]);
  }
  AddFeatures(spec, plan.output);
  if (!label.empty()) {
    const ColumnSpec column = ReadColumn(spec, label);
    if (spec.request.fields.Find(column.name)) {
      return Invalid(
          fmt::format("\"{}\" is a request field, which features may read: a label "
                      "must not be one",
                      column.name));
    }
    plan.label = PlaceIn(plan.input, column);
    plan.output.columns.push_back(plan.input.columns[*plan.label]);
  }
  Status named = CheckNames(plan.output);
  if (!named) return std::move(named).error();
  return plan;
}

Result<FeatureCounts> ComputeFeatures(const PipelineSpec& spec, std::span<const Snapshot> snapshots,
                                      const FeaturePlan& plan, const RowsToRead& rows,
                                      const FeatureOptions& options, RowFile& file) {
  Writer writer(options, file);
  using Work = OrderedWork<RowsToCompute, Formed>;
  Work work(
      options.threads,
      [&]() -> Work::Work {
        const auto features =
            std::make_shared<RowFeatures>(spec, snapshots, plan, options.now, file.form());
        return [features](RowsToCompute& task) { return features->Compute(task); };
      },
      [&writer](Formed& formed) { return writer.Take(formed); });
  bool stopped = false;
  Status done = ReadRows(rows, spec, [&](RowBatch batch, const PlaceText& text) -> Status {
    stopped = options.on_read && options.on_read(batch.position);
    if (stopped) return Stopped();
    return work.Add({.batch = std::move(batch), .text = text});
  });
  if (stopped) return FeatureCounts{.stopped = true};
  if (done) done = work.Finish();
  if (!done) return std::move(done).error();
  return std::move(writer.counts());
}

Result<Schema> GridSchema(const PipelineSpec& spec, bool numbers_alone) {
  Schema schema;
  if (!numbers_alone) {
    for (const std::string& field : spec.forecast->key) {
      schema.columns.push_back(spec.request.fields.columns[*spec.request.fields.Find(field)]);
    }
    schema.columns.push_back({.name = "origin", .type = ColumnType::kTimestamp});
    schema.columns.push_back({.name = "period", .type = ColumnType::kText});
  }
  schema.columns.push_back({.name = "step", .type = ColumnType::kInt64});
  AddFeatures(spec, schema);
  schema.columns.push_back({.name = "target", .type = ColumnType::kDouble});
  Status named = CheckNames(schema);
  if (!named) return std::move(named).error();
  return schema;
}

Result<FeatureCounts> ComputeGrid(const ForecastData& data, bool numbers_alone,
                                  const FeatureOptions& options, RowFile& file) {
  FeatureOptions leaves_out = options;
  leaves_out.when_refused = WhenRefused::kSkip;
  Writer writer(leaves_out, file);
  using Keys = std::vector<std::uint32_t>;
  using Work = OrderedWork<Keys, Formed>;
  Work work(
      options.threads,
      [&]() -> Work::Work {
        const auto features =
            std::make_shared<GridFeatures>(data, file.schema(), numbers_alone, file.form());
        return [features](Keys& keys) { return features->Compute(keys); };
      },
      [&writer](Formed& formed) { return writer.Take(formed); });
  const Keys all = data.AllKeys();
  for (std::size_t first = 0; first < all.size(); first += kKeysAtOnce) {
    if (options.on_read && options.on_read({.done = first, .total = all.size()})) {
      return FeatureCounts{.stopped = true};
    }
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
    const auto count = std::min(kKeysAtOnce, all.size() - first);
    Status added = work.Add(Keys(begin, begin + static_cast<std::ptrdiff_t>(count)));
    if (!added) return std::move(added).error();
  }
  Status done = work.Finish();
  if (!done) return std::move(done).error();
  return std::move(writer.counts());
}

}  // namespace forkcast::serving
