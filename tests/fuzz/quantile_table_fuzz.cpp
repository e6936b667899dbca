// The input is a quantile table's file.
//
// A table that is taken is written as it reads again, and answers any row by the cell that a slow
// look through its members finds, however odd the numbers. What is refused says where.

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "fuzz/document_error.hpp"
#include "fuzz/require.hpp"
#include "model/quantile_table/quantile_table.hpp"

namespace {

using forkcast::Result;
using forkcast::fuzz::Require;
using forkcast::fuzz::RequireSaysWhere;
using namespace forkcast::model;

bool IsIn(const CellKey& cell, const QuantileTableSource& source, std::span<const float> row) {
  for (std::size_t i = 0; i < cell.size(); ++i) {
    const auto number = std::bit_cast<float>(cell[i]);
    const float own = row[source.cells[i]];
    if (number != own && !(std::isnan(number) && std::isnan(own))) return false;
  }
  return true;
}

double SlowAnswer(const QuantileTableSource& source, std::span<const float> row) {
  double value = 0;
  for (const auto& answers : source.quantiles.answers()) {
    for (const auto& answer : answers) {
      if (IsIn(answer.key, source, row)) value = answer.value;
    }
  }
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<QuantileTable> table = QuantileTable::Parse(text);
  if (!table) {
    RequireSaysWhere(table.error());
    return 0;
  }
  const Result<QuantileTable> again = QuantileTable::Parse(table->Write());
  Require(again.ok() && again->source() == table->source());
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> odd{0, 1, -0.0F, 2, -1.5F, kInfinity, std::nanf("")};
  std::vector<float> row(table->inputs().size());
  for (std::size_t first = 0; first < odd.size(); ++first) {
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = odd[(first + 3 * i) % odd.size()];
    std::vector<double> out(1);
    table->Predict(row, out);
    Require(out[0] == SlowAnswer(table->source(), row));
  }
  return 0;
}
