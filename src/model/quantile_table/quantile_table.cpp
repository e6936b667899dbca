#include "model/quantile_table/quantile_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;
using preprocessing::SpecError;

constexpr double kMost = std::numeric_limits<double>::max();
constexpr double kMostFloat = std::numeric_limits<float>::max();
constexpr std::int64_t kMostRows = 1'000'000'000;

/// Equal numbers have equal bits: one NaN, and one 0.
std::uint32_t BitsOf(float number) noexcept {
  if (std::isnan(number))
    return std::bit_cast<std::uint32_t>(std::numeric_limits<float>::quiet_NaN());
  return std::bit_cast<std::uint32_t>(number == 0 ? 0.0F : number);
}

CellKey ReadKey(const JsonNode& node, std::size_t columns) {
  std::vector<float> numbers;
  for (const JsonNode& one : node.Elements()) {
    const bool is_missing = one.json().is_null();
    numbers.push_back(is_missing ? std::numeric_limits<float>::quiet_NaN()
                                 : static_cast<float>(one.Number(-kMostFloat, kMostFloat)));
  }
  if (numbers.size() != columns) {
    node.Fail(fmt::format("expected {} numbers, one a column", columns));
  }
  CellKey key;
  CellKeyOf(numbers, key);
  return key;
}

std::vector<CellQuantiles::Answer> ReadAnswers(const JsonNode& node, std::size_t columns) {
  std::vector<CellQuantiles::Answer> answers;
  for (const JsonNode& element : node.Elements()) {
    element.RequireObject({"cell", "value"});
    CellQuantiles::Answer answer{.key = ReadKey(element.Get("cell"), columns),
                                 .value = element.Get("value").Number(-kMost, kMost)};
    if (!answers.empty() && answers.back().key >= answer.key) {
      element.Fail("expected the cells in their order, none twice");
    }
    answers.push_back(std::move(answer));
  }
  if (columns == 0 && answers.size() != 1) node.Fail("expected the one cell of all rows");
  return answers;
}

CellQuantiles ReadQuantiles(const JsonNode& node, std::size_t columns) {
  const std::vector<JsonNode> tables = node.Elements();
  if (tables.size() != columns + 1) {
    node.Fail(fmt::format("expected {} tables, of no column to {}", columns + 1, columns));
  }
  std::vector<std::vector<CellQuantiles::Answer>> answers;
  for (std::size_t i = 0; i < tables.size(); ++i) answers.push_back(ReadAnswers(tables[i], i));
  return CellQuantiles(std::move(answers));
}

std::vector<std::uint32_t> ReadCells(const JsonNode& node, std::size_t features) {
  std::vector<std::uint32_t> cells;
  for (const JsonNode& one : node.Elements()) {
    const auto at =
        static_cast<std::uint32_t>(one.Integer(0, static_cast<std::int64_t>(features) - 1));
    if (std::ranges::find(cells, at) != cells.end()) one.Fail("given twice");
    cells.push_back(at);
  }
  if (cells.empty() || cells.size() > kMostCellColumns) {
    node.Fail(fmt::format("expected 1 to {} columns", kMostCellColumns));
  }
  return cells;
}

QuantileTableSource ReadSource(const JsonNode& root) {
  root.RequireObject(
      {"format", "format_version", "features", "cells", "quantile", "min_rows", "tables"});
  root.RequireFormat(QuantileTable::kFormat, 1);
  QuantileTableSource source;
  source.features = root.Get("features").Strings();
  source.cells = ReadCells(root.Get("cells"), source.features.size());
  source.options = {
      .quantile = root.Get("quantile").Number(0, 1),
      .min_rows = static_cast<std::size_t>(root.Get("min_rows").Integer(1, kMostRows))};
  source.quantiles = ReadQuantiles(root.Get("tables"), source.cells.size());
  return source;
}

ordered_json KeyJson(const CellKey& key) {
  ordered_json cell = ordered_json::array();
  for (const std::uint32_t bits : key) {
    const auto number = std::bit_cast<float>(bits);
    cell.push_back(std::isnan(number) ? ordered_json() : ordered_json(number));
  }
  return cell;
}

std::shared_ptr<const InputColumns> ColumnsOf(const std::vector<std::string>& features) {
  InputColumns columns;
  for (const std::string& feature : features) {
    columns.push_back({.name = feature, .type = InputType::kNumber, .categories = {}});
  }
  return std::make_shared<const InputColumns>(std::move(columns));
}

}  // namespace

void CellKeyOf(std::span<const float> columns, CellKey& key) {
  key.clear();
  for (const float number : columns) key.push_back(BitsOf(number));
}

double CellQuantiles::Of(std::span<const std::uint32_t> key, std::size_t columns) const noexcept {
  for (std::size_t count = columns; count > 0; --count) {
    const std::span<const std::uint32_t> part = key.first(count);
    const auto found = std::ranges::lower_bound(
        answers_[count], part,
        [](std::span<const std::uint32_t> a, std::span<const std::uint32_t> b) {
          return std::ranges::lexicographical_compare(a, b);
        },
        [](const Answer& answer) { return std::span<const std::uint32_t>(answer.key); });
    if (found != answers_[count].end() && std::ranges::equal(found->key, part)) {
      return found->value;
    }
  }
  return answers_.front().front().value;
}

void CellRows::Add(std::span<const float> columns, double value, double weight) {
  if (!(weight > 0)) return;
  CellKeyOf(columns, key_);
  for (std::size_t count = columns_ + 1; count-- > 0;) {
    key_.resize(count);
    cells_[count][key_].push_back({.value = value, .weight = weight});
  }
}

double CellRows::QuantileOf(std::vector<Weighed> rows, double quantile) {
  // What was rounded in adding up weights of 1 is no weight.
  constexpr double kRounding = 1e-9;
  std::ranges::sort(rows, {}, &Weighed::value);
  double all = 0;
  for (const Weighed& row : rows) all += row.weight;
  const double share = quantile * all;
  double sum = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    sum += rows[i].weight;
    if (sum < share - kRounding * all) continue;
    const bool is_exact = sum <= share + kRounding * all && i + 1 < rows.size();
    return is_exact ? (rows[i].value + rows[i + 1].value) / 2 : rows[i].value;
  }
  return rows.back().value;
}

CellQuantiles CellRows::Table(const QuantileTableOptions& options) const {
  std::vector<std::vector<CellQuantiles::Answer>> answers(cells_.size());
  for (std::size_t count = 0; count < cells_.size(); ++count) {
    for (const auto& [key, rows] : cells_[count]) {
      if (count > 0 && rows.size() < options.min_rows) continue;
      answers[count].push_back({.key = key, .value = QuantileOf(rows, options.quantile)});
    }
  }
  return CellQuantiles(std::move(answers));
}

Result<QuantileTable> QuantileTable::Parse(std::string_view text) {
  try {
    const ordered_json document = preprocessing::ParseJson(text);
    return QuantileTable(ReadSource(JsonNode(document)));
  } catch (const SpecError& error) {
    return Error{ErrorCode::kInvalidArgument, error.what()};
  }
}

QuantileTable::QuantileTable(QuantileTableSource source)
    : source_(std::move(source)),
      inputs_(ColumnsOf(source_.features)),
      outputs_{{.name = "score", .type = OutputType::kNumber, .categories = {}}} {}

void QuantileTable::Predict(std::span<const float> rows, std::span<double> out) const noexcept {
  const std::size_t width = inputs_->size();
  const std::size_t columns = source_.cells.size();
  std::array<std::uint32_t, kMostCellColumns> key{};
  for (std::size_t row = 0; row < out.size(); ++row) {
    for (std::size_t i = 0; i < columns; ++i) {
      key[i] = BitsOf(rows[row * width + source_.cells[i]]);
    }
    out[row] = source_.quantiles.Of(std::span(key).first(columns), columns);
  }
}

std::string QuantileTable::Write() const {
  ordered_json tables = ordered_json::array();
  for (const std::vector<CellQuantiles::Answer>& answers : source_.quantiles.answers()) {
    ordered_json table = ordered_json::array();
    for (const auto& [key, value] : answers) {
      table.push_back({{"cell", KeyJson(key)}, {"value", value}});
    }
    tables.push_back(std::move(table));
  }
  const ordered_json document{{"format", kFormat},
                              {"format_version", 1},
                              {"features", source_.features},
                              {"cells", source_.cells},
                              {"quantile", source_.options.quantile},
                              {"min_rows", source_.options.min_rows},
                              {"tables", std::move(tables)}};
  return document.dump() + "\n";
}

}  // namespace forkcast::model
