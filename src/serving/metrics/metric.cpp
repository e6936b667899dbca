#include "serving/metrics/metric.hpp"

namespace forkcast::serving {
namespace {

constexpr bool IsOneLine(std::string_view text) {
  return !text.empty() && text.find_first_of("\\\n") == std::string_view::npos;
}

constexpr std::string_view SuffixOf(Metric::Unit unit) {
  switch (unit) {
    case Metric::Unit::kNone:
      return "";
    case Metric::Unit::kBytes:
      return "_bytes";
    case Metric::Unit::kSeconds:
      return "_seconds";
  }
  return {};
}

/// What the table promises of each row, seen beside those before it.
constexpr bool IsSound(std::span<const Metric> metrics) {
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    const Metric& metric = metrics[i];
    if (metric.name.empty() || metric.family.empty() || !IsOneLine(metric.help)) return false;
    if (!metric.family.ends_with(SuffixOf(metric.unit))) return false;
    for (std::size_t j = 0; j < i; ++j) {
      const Metric& before = metrics[j];
      if (before.name == metric.name) return false;
      if (before.family != metric.family) continue;
      const bool alike = before.kind == metric.kind && before.unit == metric.unit &&
                         before.across == metric.across && before.help == metric.help;
      if (!alike || before.labels == metric.labels) return false;
      if (metrics[i - 1].family != metric.family) return false;
    }
  }
  return true;
}
static_assert(IsSound(kMetrics));

}  // namespace

std::uint64_t AddUp(Metric::Across across,
                    std::span<const std::optional<std::uint64_t>> values) noexcept {
  std::uint64_t result = 0;
  for (const std::optional<std::uint64_t>& value : values) {
    if (!value) continue;
    result = across == Metric::Across::kMax ? std::max(result, *value) : result + *value;
  }
  return result;
}

std::string_view WordFor(Metric::Kind kind) noexcept {
  switch (kind) {
    case Metric::Kind::kCounter:
      return "counter";
    case Metric::Kind::kGauge:
      return "gauge";
  }
  return {};
}

std::string_view WordFor(Metric::Across across) noexcept {
  switch (across) {
    case Metric::Across::kSum:
      return "sum";
    case Metric::Across::kMax:
      return "max";
    case Metric::Across::kByWorker:
      return "by worker";
    case Metric::Across::kServer:
      return "of the server";
  }
  return {};
}

}  // namespace forkcast::serving
