#include "serving/service/data_age.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <span>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/features/feature_spec.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::PipelineSpec;
using preprocessing::SeriesRead;
using preprocessing::SeriesSpec;
using preprocessing::Snapshot;
using Seconds = std::chrono::duration<double>;

bool Reads(const PipelineSpec& spec, const std::string& series) {
  if (spec.forecast && spec.forecast->series == series) return true;
  const std::vector<SeriesRead> reads = preprocessing::DistinctReads(spec.features);
  return std::ranges::find(reads, series, &SeriesRead::series) != reads.end();
}

}  // namespace

std::vector<DataAge> DataAgesOf(const ServedPipeline& pipeline, Instant now,
                                const std::optional<Instant>& known_by) {
  std::vector<DataAge> ages;
  const std::vector<SeriesSpec>& series = pipeline.spec().series;
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (series[i].is_static() || !Reads(pipeline.spec(), series[i].name)) continue;
    const Snapshot& snapshot = pipeline.snapshots()[i];
    const auto newest = known_by ? snapshot.WatermarkBy(*known_by) : snapshot.watermark();
    // Plans are known ahead of their time.
    const auto up_to_date = known_by ? newest : snapshot.up_to_date();
    const auto age = std::max(now - up_to_date.value_or(now), Instant::duration::zero());
    ages.push_back(
        {.series = series[i].name, .newest = newest, .up_to_date = up_to_date, .age = age});
  }
  return ages;
}

std::string ToJson(const std::vector<DataAge>& ages) {
  auto json = nlohmann::ordered_json::object();
  for (const DataAge& one : ages) {
    auto& member = json[std::string(one.series)];
    member = {{"newest", nullptr}, {"age_seconds", nullptr}};
    if (!one.newest) continue;
    member["newest"] = preprocessing::IsoTimestamp(*one.newest);
    if (one.up_to_date != one.newest) {
      member["up_to_date"] = preprocessing::IsoTimestamp(*one.up_to_date);
    }
    member["age_seconds"] = Seconds(one.age).count();
  }
  return json.dump();
}

std::string OldestText(const std::vector<DataAge>& ages) {
  std::optional<Instant::duration> oldest;
  for (const DataAge& one : ages) {
    if (one.newest) oldest = std::max(oldest.value_or(one.age), one.age);
  }
  return oldest ? fmt::format("{:.3f}", Seconds(*oldest).count()) : std::string();
}

}  // namespace forkcast::serving
