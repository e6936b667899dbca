#include "serving/quality/told_classes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/series/key_codec.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/quality/class_quality.hpp"
#include "model/quality/quality_reference.hpp"
#include "serving/quality/answered_rows.hpp"

namespace forkcast::serving {
namespace {

using model::ClassifierVersion;
using model::ClassLabel;
using model::ClassQuality;
using preprocessing::PipelineSpec;
using preprocessing::Schema;
using preprocessing::Table;
using preprocessing::TableSpec;
using preprocessing::Value;
using preprocessing::ValueAt;

/// The key's columns of the training table, and the label behind them.
Result<Schema> KeyAndLabel(const PipelineSpec& spec) {
  const auto table = std::ranges::find(spec.tables, spec.training->table, &TableSpec::name);
  if (table == spec.tables.end() || table->key.empty()) {
    return Error{ErrorCode::kRefusedData,
                 fmt::format("table \"{}\" declares no \"key\", by which labels could be found",
                             spec.training->table)};
  }
  Schema schema;
  for (const std::string& column : table->key) {
    if (!spec.request.fields.Find(column)) {
      return Error{ErrorCode::kRefusedData,
                   fmt::format("column \"{}\" of the key of table \"{}\" is no request field, so "
                               "answers cannot be joined with labels: declare it among the "
                               "request's fields",
                               column, table->name)};
    }
    schema.columns.push_back(table->schema.columns[*table->schema.Find(column)]);
    if (schema.columns.back().type == preprocessing::ColumnType::kDouble) {
      return Error{ErrorCode::kRefusedData,
                   fmt::format("column \"{}\" of the key of table \"{}\" is a double, by which "
                               "nothing can be found",
                               column, table->name)};
    }
  }
  schema.columns.push_back(table->schema.columns[*table->schema.Find(spec.training->label)]);
  return schema;
}

/// The bytes that mean the key in the first columns of a row.
std::string KeyIn(const Table& rows, std::size_t row, std::size_t columns) {
  std::vector<Value> key(columns);
  for (std::size_t i = 0; i < columns; ++i) key[i] = ValueAt(rows.column(i), row);
  std::string scratch;
  return std::string(preprocessing::EncodeKey(key, scratch));
}

struct LabelOf {
  ClassLabel operator()(bool value) const { return value; }
  ClassLabel operator()(std::int64_t value) const { return value; }
  ClassLabel operator()(std::string_view value) const { return std::string(value); }
  ClassLabel operator()(auto /*no label's type*/) const { return std::string(); }
};

Status ReadLabels(const QualitySources& sources, const PipelineSpec& spec, const Schema& schema,
                  ClassQuality& quality) {
  const auto dao = preprocessing::OpenStore(sources.store, preprocessing::StoreAccess::kReadOnly);
  if (!dao) return dao.error();
  const std::size_t label = schema.columns.size() - 1;
  return (*dao)->Read(preprocessing::TableSource{spec.training->table}, schema, {}, kToldAtOnce,
                      [&](const Table& batch) -> Status {
                        for (std::size_t row = 0; row < batch.row_count(); ++row) {
                          if (batch.column(label).IsMissing(row)) continue;
                          quality.AddLabel(
                              KeyIn(batch, row, label),
                              std::visit(LabelOf(), ValueAt(batch.column(label), row)));
                        }
                        return {};
                      });
}

/// Takes lines of answers for classes.
class ClassReader {
 public:
  ClassReader(const ClassifierVersion& version, Schema key, ClassQuality& quality)
      : spec_(version.spec()),
        classes_(version.classes()),
        quality_(quality),
        key_(std::move(key)),
        probabilities_(classes_.size()) {}

  void Take(const AnsweredRow& row, Instant received) {
    if (!ReadKey(row)) {
      ++unreadable_;
      return;
    }
    const std::string key = KeyIn(key_, 0, key_.column_count());
    model::MadeClass answer{.key = key, .time = TimeOf(row).value_or(received)};
    if (ReadProbabilities(row)) {
      answer.probabilities = probabilities_;
    } else if (const auto taken_for = ClassIn(row)) {
      answer.taken_for = *taken_for;
    } else {
      ++unreadable_;
      return;
    }
    quality_.Add(answer);
  }
  /// Lines that do not say a class, or of whom.
  [[nodiscard]] std::uint64_t unreadable() const noexcept { return unreadable_; }

 private:
  bool ReadKey(const AnsweredRow& row) {
    key_.Clear();
    for (std::size_t i = 0; i < key_.column_count(); ++i) {
      const std::optional<std::string> text = TextOf(row.Field(key_.schema().columns[i].name));
      if (!text || !preprocessing::AppendParsed(*text, spec_.zone, key_.column(i))) return false;
    }
    return true;
  }
  [[nodiscard]] std::optional<Instant> TimeOf(const AnsweredRow& row) const {
    const std::optional<std::string> text = TextOf(row.Field(spec_.request.time));
    if (!text) return std::nullopt;
    const Result<Instant> time = preprocessing::ParseTimestamp(*text, spec_.zone);
    return time ? std::optional(*time) : std::nullopt;
  }
  bool ReadProbabilities(const AnsweredRow& row) {
    for (std::size_t i = 0; i < classes_.size(); ++i) {
      const std::optional<double> one =
          NumberOf(row.Output(fmt::format("probability.{}", model::NameOf(classes_[i]))));
      if (!one) return false;
      probabilities_[i] = *one;
    }
    return true;
  }
  [[nodiscard]] std::optional<std::size_t> ClassIn(const AnsweredRow& row) const {
    const std::optional<std::string> name = TextOf(row.Output("class"));
    const auto found = std::ranges::find_if(
        classes_, [&](const ClassLabel& label) { return name && model::NameOf(label) == *name; });
    if (found == classes_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - classes_.begin());
  }

  const PipelineSpec& spec_;
  std::span<const ClassLabel> classes_;
  ClassQuality& quality_;
  Table key_;  // of the line at hand
  std::vector<double> probabilities_;
  std::uint64_t unreadable_ = 0;
};

Result<std::uint64_t> TakeCapturedClasses(const QualitySources& sources,
                                          const ClassifierVersion& version, Schema key,
                                          ClassQuality& quality) {
  const AnswersOf answers{.pipeline = version.spec().name,
                          .version = std::to_string(version.info().number),
                          .deployment = sources.deployment};
  ClassReader reader(version, std::move(key), quality);
  const Status visited = VisitAnswers(
      sources.captures, answers, version.spec(),
      [&reader](const AnsweredRow& row, Instant received) { reader.Take(row, received); });
  if (!visited) return visited.error();
  return reader.unreadable();
}

}  // namespace

Result<model::QualityFindings> JudgeClasses(const ClassifierVersion& version,
                                            const QualitySources& sources) {
  const auto reference = model::ClassReferenceOf(version.manifest());
  if (!reference) return reference.error();
  Result<Schema> schema = KeyAndLabel(version.spec());
  if (!schema) return std::move(schema).error();
  const auto learned = preprocessing::ParseTimestamp(
      version.manifest().value("/data/to"_json_pointer, std::string()), version.spec().zone);
  if (!learned) {
    return Error{ErrorCode::kRefusedData,
                 "manifest.json: $.data does not say which rows were learned from"};
  }
  ClassQuality quality({.classes = version.classes(), .last_learned = *learned});
  Status read = ReadLabels(sources, version.spec(), *schema, quality);
  if (!read) return std::move(read).error();
  schema->columns.pop_back();
  const auto unreadable = TakeCapturedClasses(sources, version, *std::move(schema), quality);
  if (!unreadable) return unreadable.error();
  const auto rows_of_a_fold = static_cast<std::size_t>(std::ceil(reference->rows_of_a_fold));
  model::QualityFindings findings{
      .model = version.info().model,
      .version = version.info().number,
      .kind = "classifier",
      .windows = quality.Windows(sources.window > 0 ? sources.window : rows_of_a_fold),
      .left_out = quality.left_out()};
  if (*unreadable > 0) findings.left_out["unreadable"] = *unreadable;
  model::Judge(*reference, findings);
  return findings;
}

}  // namespace forkcast::serving
