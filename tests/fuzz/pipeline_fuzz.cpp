// The input is a pipeline file.
//
// One that is taken describes the same series, forecast and answer when its JSON is laid out anew,
// and not one name in it leads nowhere; with one member more it is refused. What is refused says
// where.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/series/series_spec.hpp"
#include "fuzz/document_error.hpp"
#include "fuzz/require.hpp"

namespace {

using forkcast::Result;
using forkcast::fuzz::Require;
using forkcast::fuzz::RequireSaysWhere;
using nlohmann::ordered_json;
using namespace forkcast::preprocessing;

Result<PipelineSpec> Parse(std::string_view text) { return ParsePipelineSpec(text, "/conf"); }

void RequireNamesLeadSomewhere(const PipelineSpec& spec) {
  for (const SeriesSpec& series : spec.series) {
    Require(&spec.SeriesNamed(series.name) == &series);
    Require(series.KeyTypes().size() == series.key.size());
    for (const std::string& column : series.key)
      Require(series.ReadSchema().Find(column).has_value());
    Require(series.is_static() || series.ReadSchema().Find(series.time).has_value());
    Require(series.aggregate || series.ValueSchema().columns.size() == series.values.size());
    Require(series.delay.count() >= 0);
  }
  if (spec.serving) {
    for (const AnswerSource& member : spec.serving->answer) {
      Require(member.kind != AnswerSource::Kind::kRequestField ||
              spec.request.fields.Find(member.source).has_value());
    }
  }
}

void RequireSame(const PipelineSpec& a, const PipelineSpec& b) {
  Require(a.name == b.name && a.version == b.version && a.zone.name() == b.zone.name());
  Require(std::ranges::equal(a.series, b.series, [&a](const auto& left, const auto& right) {
    return DefinitionOf(left, a.zone.name()) == DefinitionOf(right, a.zone.name());
  }));
  Require(std::ranges::equal(a.features, b.features, {}, &FeatureSpec::name, &FeatureSpec::name));
  Require(a.serving.has_value() == b.serving.has_value());
  if (a.serving) Require(a.serving->answer == b.serving->answer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<PipelineSpec> spec = Parse(text);
  if (!spec) {
    RequireSaysWhere(spec.error());
    return 0;
  }
  RequireNamesLeadSomewhere(*spec);
  ordered_json document = ordered_json::parse(text);
  const Result<PipelineSpec> again = Parse(document.dump(3));
  Require(again.ok());
  RequireSame(*spec, *again);
  document["no such member"] = 1;
  const Result<PipelineSpec> more = Parse(document.dump());
  Require(!more && more.error().message.find("no such member") != std::string::npos);
  return 0;
}
