#include "serving/service/output_counters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <variant>

namespace forkcast::serving {
namespace {

using preprocessing::Value;
using Kind = preprocessing::OutputMetric::Kind;

/// As a number; none of a value that is missing or no number.
std::optional<double> NumberOf(const Value& value) noexcept {
  std::optional<double> number;
  if (const auto* const real = std::get_if<double>(&value)) number = *real;
  if (const auto* const whole = std::get_if<std::int64_t>(&value)) {
    number = static_cast<double>(*whole);
  }
  if (const auto* const flag = std::get_if<bool>(&value)) number = *flag ? 1 : 0;
  return number && std::isfinite(*number) ? number : std::nullopt;
}

/// Of what is no text, in `room`.
std::string_view TextOf(const Value& value, std::array<char, 32>& room) {
  if (const auto* const text = std::get_if<std::string_view>(&value)) return *text;
  if (const auto* const flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  const std::optional<double> number = NumberOf(value);
  if (!number) return {};
  return {room.data(), fmt::format_to_n(room.data(), room.size(), "{}", *number).out};
}

}  // namespace

OutputCounters::OutputCounters(std::span<const PlannedMetric> metrics) {
  for (const PlannedMetric& metric : metrics) counted_.push_back({.metric = &metric});
}

void OutputCounters::Count(const Scores& scores, std::size_t outputs, std::string_view deployment,
                           SeriesWriter& series) {
  const std::size_t lines = scores.rows.size();
  for (Counted& counted : counted_) {
    double sum = 0;
    std::size_t count = 0;
    std::array<char, 32> room{};
    for (std::size_t line = 0; line < lines; ++line) {
      const Value& value = scores.outputs[line * outputs + counted.metric->column];
      if (counted.metric->kind == Kind::kCountBy) {
        CountBy(counted, TextOf(value, room), deployment, series);
      } else if (const std::optional<double> number = NumberOf(value)) {
        sum += *number;
        ++count;
      }
    }
    if (counted.metric->kind == Kind::kSum) Sum(counted, sum, count, deployment, series);
  }
}

void OutputCounters::CountBy(Counted& counted, std::string_view value, std::string_view deployment,
                             SeriesWriter& series) {
  auto& values = counted.values;
  const auto is_value = [&value](const auto& known) { return known.first == value; };
  auto found = std::ranges::find_if(values, is_value);
  if (found == values.end() && values.size() >= kMostValues) {
    value = "other";
    found = std::ranges::find_if(values, is_value);
  }
  if (found == values.end()) {
    const std::array<std::string_view, 3> labels{deployment, counted.metric->name, value};
    values.emplace_back(value, series.CounterOf("output_rows", labels));
    found = values.end() - 1;
  }
  found->second.Add(1);
}

void OutputCounters::Sum(Counted& counted, double sum, std::size_t count,
                         std::string_view deployment, SeriesWriter& series) {
  if (!counted.is_found) {
    const std::array<std::string_view, 2> labels{deployment, counted.metric->name};
    counted.summary = series.SummaryOf("output", labels);
    counted.is_found = true;
  }
  counted.summary.Add(sum, count);
}

}  // namespace forkcast::serving
