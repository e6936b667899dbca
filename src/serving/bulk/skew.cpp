#include "serving/bulk/skew.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "data_preprocessing/document/json.hpp"
#include "serving/wire/answer_writer.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::FeatureMoment;
using preprocessing::FeatureSpec;
using preprocessing::PipelineSpec;
using preprocessing::SeriesMask;
using preprocessing::Snapshot;
using preprocessing::Value;

std::string JsonOf(const Value& value) {
  std::string text;
  wire::AppendJsonValue(value, text);
  return text;
}

/// By value: 3 and 3.0 are one number.
bool AreEqual(const ordered_json& captured, const std::string& recomputed) {
  return captured == ordered_json::parse(recomputed, nullptr, /*allow_exceptions=*/false);
}

}  // namespace

SkewCheck::SkewCheck(const PipelineSpec& spec, std::span<const Snapshot> snapshots,
                     std::chrono::microseconds precision)
    : spec_(spec),
      snapshots_(snapshots),
      precision_(precision),
      computer_(spec.features, spec.series, spec.request, spec.zone),
      decoder_(spec.request.fields, spec.zone, {}, spec.request.csv),
      decoded_(spec.request.fields),
      values_(spec.features.size()) {}

void SkewCheck::Skip(const CaptureRecord& record, const std::string& why) {
  if (counts_.skipped++ > 0) return;
  counts_.first_skipped = fmt::format("request {}: {}", record.request_id, why);
}

std::optional<std::string> SkewCheck::Decode(const CaptureRecord& record) {
  const CapturedBody& request = record.request;
  if (record.withheld.find("request") != std::string::npos) return "its body is not kept";
  if (request.encoding == "BASE64") return "its body is no text";
  const Result<wire::Format> format = wire::FormatOfRequest(request.content_type);
  if (!format) return format.error().message;
  wire::CsvHeader header =
      spec_.request.csv_has_header ? wire::CsvHeader::kPresent : wire::CsvHeader::kAbsent;
  if (*format == wire::Format::kCsv) {
    header = wire::CsvHeaderOfRequest(request.content_type)->value_or(header);
  }
  const std::string body = request.data + std::string(wire::kBodyPadding, '\0');
  decoder_.Start(*format, std::string_view(body).substr(0, request.data.size()), decoded_, header);
  Result<bool> read = false;
  do {
    read = decoder_.Continue(wire::DecoderLimits().max_rows);
  } while (read && !*read);
  if (!read) return read.error().message;
  return std::nullopt;
}

void SkewCheck::Compare(const CaptureRecord& record, std::size_t most,
                        std::vector<SkewedValue>& found) {
  if (record.pipeline != spec_.name) {
    ++counts_.of_others;
    return;
  }
  const auto rows = ordered_json::parse(record.features, nullptr, /*allow_exceptions=*/false);
  if (!rows.is_array() || rows.empty()) return Skip(record, "it has no features");
  if (const auto why = Decode(record)) return Skip(record, *why);
  ++counts_.requests;
  for (const ordered_json& captured : rows) {
    const std::size_t number = captured.value("row", std::size_t{0});
    const auto place = std::ranges::find(decoded_.row_numbers, number);
    const ordered_json features = captured.value("features", ordered_json::object());
    if (place == decoded_.row_numbers.end()) {
      Skip(record, fmt::format("row {} has features, but cannot be read", number));
      continue;
    }
    const auto row = static_cast<std::size_t>(place - decoded_.row_numbers.begin());
    computer_.Select(snapshots_, decoded_.rows, row);
    FeatureMoment moment = computer_.MomentOf(decoded_.rows, row, record.received);
    moment.known_by = record.received + precision_;
    SeriesMask stale = 0;
    const Status computed = computer_.ComputeAt(moment, values_, stale);
    ++counts_.rows;
    const std::size_t before = counts_.different_values;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const std::string& name = spec_.features[i].name;
      const auto was = features.find(name);
      const std::string is = computed ? JsonOf(values_[i]) : std::string();
      ++counts_.values;
      if (computed && was != features.end() && AreEqual(*was, is)) continue;
      ++counts_.different_values;
      if (found.size() >= most) continue;
      found.push_back({.request_id = record.request_id,
                       .row = number,
                       .time = moment.origin,
                       .feature = name,
                       .captured = was == features.end() ? std::string() : was->dump(),
                       .recomputed = computed ? is : computed.error().message});
    }
    if (counts_.different_values > before) ++counts_.different_rows;
  }
}

}  // namespace forkcast::serving
