#pragma once

#include <string>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::serving {

/// A line of a capture file: what was asked and answered, as JSON.
inline std::string CapturedLine(const std::string& pipeline, const std::string& version,
                                const nlohmann::ordered_json& request,
                                const nlohmann::ordered_json& answer, int status = 200) {
  const auto body = [](const nlohmann::ordered_json& data) {
    return nlohmann::ordered_json{
        {"observedContentType", "application/json"}, {"data", data.dump()}, {"encoding", "JSON"}};
  };
  return nlohmann::ordered_json{
             {"captureData", {{"endpointInput", body(request)}, {"endpointOutput", body(answer)}}},
             {"eventMetadata", {{"eventId", "1"}, {"inferenceTime", "2024-01-01T00:00:00Z"}}},
             {"forkcast", {{"pipeline", pipeline}, {"modelVersion", version}, {"status", status}}}}
             .dump() +
         "\n";
}

}  // namespace forkcast::serving
