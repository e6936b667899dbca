#include "serving/metrics/exposition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include "data_preprocessing/base/ascii.hpp"

namespace forkcast::serving {
namespace {

using Kind = SeriesFamily::Kind;

/// Writes families one behind the other, in either form.
class ExpositionWriter {
 public:
  ExpositionWriter(ExpositionForm form, std::string& text) : form_(form), text_(text) {}

  /// The samples that follow are of this one.
  void Begin(std::string_view family, std::string_view type, std::string_view help) {
    name_.assign("forkcast_").append(family);
    const bool is_counter = type == "counter";
    // OpenMetrics calls the family without what its samples end in.
    const std::string_view end = is_counter && form_ == ExpositionForm::kPrometheus ? "_total" : "";
    fmt::format_to(std::back_inserter(text_), "# HELP {0}{1} {2}\n# TYPE {0}{1} {3}\n", name_, end,
                   help, type);
    if (is_counter) name_ += "_total";
  }
  template <typename Value>
  void Add(std::string_view labels, Value value, std::string_view suffix = {}) {
    text_.append(name_).append(suffix);
    if (!labels.empty()) text_.append("{").append(labels).append("}");
    fmt::format_to(std::back_inserter(text_), " {}\n", value);
  }
  void AddHistogram(const std::string& labels, std::span<const std::uint64_t> cells) {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i + 1 < cells.size(); ++i) {
      const bool is_bounded = i < kLatencyBounds.size();
      std::string with_bound = labels;
      AddLabel("le",
               is_bounded ? ShowSeconds(static_cast<std::uint64_t>(kLatencyBounds[i])) : "+Inf",
               with_bound);
      count += cells[i];
      Add(with_bound, count, "_bucket");
    }
    Add(labels, ShowSeconds(cells.back()), "_sum");
    Add(labels, count, "_count");
  }
  void End() {
    if (form_ == ExpositionForm::kOpenMetrics) text_ += "# EOF\n";
  }

 private:
  /// In seconds: a number with a point, as OpenMetrics wants its bounds.
  static std::string ShowSeconds(std::uint64_t ns) {
    constexpr std::uint64_t kSecond = 1'000'000'000;
    std::string text = fmt::format("{}.{:09}", ns / kSecond, ns % kSecond);
    text.erase(std::max(text.find_last_not_of('0') + 1, text.find('.') + 2));
    return text;
  }

  ExpositionForm form_;
  std::string& text_;
  std::string name_;
};

void AddSamples(MetricId id, const Exposed& exposed, ExpositionWriter& writer) {
  const Metric& metric = kMetrics[id.index()];
  switch (metric.across) {
    case Metric::Across::kServer:
      return writer.Add(metric.labels, exposed.server[id].value_or(0));
    case Metric::Across::kByWorker:
      for (const WorkerReadings& worker : exposed.workers) {
        if (!worker.running || !worker.values[id]) continue;
        std::string labels(metric.labels);
        AddLabel("worker", std::to_string(worker.slot), labels);
        writer.Add(labels, *worker.values[id]);
      }
      return;
    case Metric::Across::kSum:
    case Metric::Across::kMax:
      std::vector<std::optional<std::uint64_t>> values;
      values.reserve(exposed.workers.size());
      for (const WorkerReadings& worker : exposed.workers) values.push_back(worker.values[id]);
      return writer.Add(metric.labels, AddUp(metric.across, values));
  }
}

void AddMetrics(const Exposed& exposed, ExpositionWriter& writer) {
  std::string_view family;
  for (std::size_t i = 0; i < kMetrics.size(); ++i) {
    const Metric& metric = kMetrics[i];
    if (std::ranges::find(kSeriesFamilies, metric.family, &SeriesFamily::family) !=
        kSeriesFamilies.end()) {
      continue;
    }
    if (metric.family != family) {
      family = metric.family;
      writer.Begin(family, WordFor(metric.kind), metric.help);
    }
    AddSamples(MetricId(i), exposed, writer);
  }
}

void AddSeries(const SeriesSum& series, ExpositionWriter& writer) {
  switch (kSeriesFamilies[series.family].kind) {
    case Kind::kCounter:
      return writer.Add(series.labels, series.cells.front());
    case Kind::kHistogram:
      return writer.AddHistogram(series.labels, series.cells);
    case Kind::kSummary:
      writer.Add(series.labels, std::bit_cast<double>(series.cells.back()), "_sum");
      return writer.Add(series.labels, series.cells.front(), "_count");
    case Kind::kGauge:
      return writer.Add(series.labels, std::bit_cast<double>(series.cells.front()));
  }
}

/// Cuts the text up to `separator`, or its end, off `rest`.
std::string_view TakeUpTo(char separator, std::string_view& rest) noexcept {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return Trimmed(taken);
}

/// A weight of at most three digits; what is none counts as 0.
double ParseWeight(std::string_view text) noexcept {
  double weight = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), weight);
  return failed == std::errc() && end == text.data() + text.size() ? weight : 0;
}

}  // namespace

std::string ToExposition(const Exposed& exposed, ExpositionForm form) {
  std::string text;
  ExpositionWriter writer(form, text);
  AddMetrics(exposed, writer);
  for (const DerivedFamily& family : exposed.derived) {
    writer.Begin(family.family, WordFor(Metric::Kind::kGauge), family.help);
    for (const DerivedFamily::Sample& sample : family.samples) {
      writer.Add(sample.labels, sample.value);
    }
  }
  std::optional<std::size_t> family;
  for (const SeriesSum& series : exposed.series) {
    if (series.family != family) {
      family = series.family;
      const SeriesFamily& row = kSeriesFamilies[series.family];
      writer.Begin(row.family, WordFor(row.kind), row.help);
    }
    AddSeries(series, writer);
  }
  writer.End();
  return text;
}

ExpositionForm NegotiateExposition(std::string_view accept) noexcept {
  // Scrapers send plain lists; what is none of these is passed over.
  double open_metrics = 0;
  double text = 0;
  while (!accept.empty()) {
    std::string_view range = TakeUpTo(',', accept);
    const std::string_view type = TakeUpTo(';', range);
    double q = 1;
    bool is_known_version = true;
    while (!range.empty()) {
      std::string_view value = TakeUpTo(';', range);
      const std::string_view name = TakeUpTo('=', value);
      if (name == "q") q = ParseWeight(value);
      if (name == "version") is_known_version = value == "1.0.0" || value == "0.0.4";
    }
    if (!is_known_version) continue;
    if (type == "application/openmetrics-text") open_metrics = std::max(open_metrics, q);
    if (type == "text/plain" || type == "text/*") text = std::max(text, q);
  }
  return open_metrics > text ? ExpositionForm::kOpenMetrics : ExpositionForm::kPrometheus;
}

std::string_view MediaType(ExpositionForm form) noexcept {
  switch (form) {
    case ExpositionForm::kPrometheus:
      return "text/plain; version=0.0.4; charset=utf-8";
    case ExpositionForm::kOpenMetrics:
      return "application/openmetrics-text; version=1.0.0; charset=utf-8";
  }
  return {};
}

void AddLabel(std::string_view name, std::string_view value, std::string& labels) {
  if (!labels.empty()) labels += ',';
  labels.append(name).append("=\"");
  for (const char c : value) {
    if (c == '\n') {
      labels += "\\n";
    } else {
      if (c == '"' || c == '\\') labels += '\\';
      labels += c;
    }
  }
  labels += '"';
}

}  // namespace forkcast::serving
