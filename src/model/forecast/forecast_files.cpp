#include "model/forecast/forecast_files.hpp"

#include <fmt/format.h>

#include <utility>

#include "data_preprocessing/document/json.hpp"
#include "model/forecast/step_examples.hpp"

namespace forkcast::model {
namespace {

constexpr const char* kKeysFile = "keys.json";

}  // namespace

ArtefactFile IntervalsFile(const ConformalIntervals& intervals) {
  return {kIntervalsFile, intervals.ToJson().dump() + "\n"};
}

std::string StemOf(std::size_t step, std::optional<std::size_t> key) {
  return key ? fmt::format("{}/{}", step + 1, *key) : std::to_string(step + 1);
}

Status AppendKeys(const ModelKeys& keys, std::vector<ArtefactFile>& files) {
  try {
    files.push_back({ModelPath(kKeysFile), keys.ToJson().dump() + "\n"});
    return {};
  } catch (const nlohmann::ordered_json::type_error&) {
    return Error{ErrorCode::kInvalidArgument, "a key is not UTF-8: its model cannot be published"};
  }
}

ModelKeys TakeKeys(ModelFiles& files, const preprocessing::PipelineSpec& spec) {
  ModelKeys keys;
  ReadJson(LoadFile(files.Take(kKeysFile)), [&](const preprocessing::JsonNode& node) {
    keys = ModelKeys::FromJson(node, spec.SeriesNamed(spec.forecast->series),
                               ModelsOf(*spec.forecast));
  });
  return keys;
}

}  // namespace forkcast::model
