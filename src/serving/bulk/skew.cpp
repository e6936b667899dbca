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

/// By value: 3 and 3.0 are one number.
bool AreEqual(const ordered_json& captured, const std::string& recomputed) {
  return captured == ordered_json::parse(recomputed, nullptr, /*allow_exceptions=*/false);
}

}  // namespace

std::string JsonOf(const Value& value) {
  std::string text;
  wire::AppendJsonValue(value, text);
  return text;
}

void SkewCheck::Skip(const std::string& why) {
  if (counts_.skipped++ > 0) return;
  counts_.first_skipped = fmt::format("request {}: {}", record_->request_id, why);
}

void SkewCheck::Compare(const CaptureRecord& record, std::size_t most,
                        std::vector<SkewedValue>& found) {
  if (record.pipeline != spec_.name) {
    ++counts_.of_others;
    return;
  }
  record_ = &record;
  most_ = most;
  found_ = &found;
  ++counts_.requests;
  if (const auto why = Recompute(record)) {
    --counts_.requests;
    Skip(*why);
  }
}

void SkewCheck::AddLine(const Line& line) {
  ++counts_.rows;
  const std::size_t before = counts_.different_values;
  for (std::size_t i = 0; i < line.names.size(); ++i) {
    const auto was = line.captured->find(line.names[i]);
    const bool is_there = was != line.captured->end();
    const bool computed = line.error.empty();
    ++counts_.values;
    if (computed && is_there && AreEqual(*was, line.values[i])) continue;
    ++counts_.different_values;
    if (found_->size() >= most_) continue;
    found_->push_back({.request_id = record_->request_id,
                       .row = line.row,
                       .time = line.time,
                       .feature = line.names[i],
                       .captured = is_there ? was->dump() : std::string(),
                       .recomputed = computed ? line.values[i] : line.error});
  }
  if (counts_.different_values > before) ++counts_.different_rows;
}

CapturedRequests::CapturedRequests(const PipelineSpec& spec, const preprocessing::Schema& fields)
    : spec_(spec), decoder_(fields, spec.zone, {}, spec.request.csv), decoded_(fields) {}

std::optional<std::string> CapturedRequests::Decode(const CaptureRecord& record) {
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

RowSkewCheck::RowSkewCheck(const PipelineSpec& spec, std::span<const Snapshot> snapshots,
                           std::chrono::microseconds precision)
    : SkewCheck(spec, precision),
      snapshots_(snapshots),
      computer_(spec.features, spec.series, spec.request, spec.zone),
      requests_(spec, spec.request.fields),
      values_(spec.features.size()) {}

std::optional<std::string> RowSkewCheck::Recompute(const CaptureRecord& record) {
  const auto rows = ordered_json::parse(record.features, nullptr, /*allow_exceptions=*/false);
  if (!rows.is_array() || rows.empty()) return "it has no features";
  if (auto why = requests_.Decode(record)) return why;
  const wire::DecodedRequest& decoded = requests_.rows();
  for (const ordered_json& one : rows) {
    Line line{.row = one.value("row", std::size_t{0})};
    const auto place = std::ranges::find(decoded.row_numbers, line.row);
    if (place == decoded.row_numbers.end()) {
      Skip(fmt::format("row {} has features, but cannot be read", line.row));
      continue;
    }
    const ordered_json captured = one.value("features", ordered_json::object());
    line.captured = &captured;
    const auto row = static_cast<std::size_t>(place - decoded.row_numbers.begin());
    computer_.Select(snapshots_, decoded.rows, row);
    FeatureMoment moment = computer_.MomentOf(decoded.rows, row, record.received);
    moment.known_by = KnownBy(record);
    line.time = moment.origin;
    SeriesMask stale = 0;
    const Status computed = computer_.ComputeAt(moment, values_, stale);
    if (!computed) line.error = computed.error().message;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      line.names.push_back(spec().features[i].name);
      line.values.push_back(computed ? JsonOf(values_[i]) : std::string());
    }
    AddLine(line);
  }
  return std::nullopt;
}

}  // namespace forkcast::serving
