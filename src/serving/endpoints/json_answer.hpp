#pragma once

#include "data_preprocessing/document/json.hpp"
#include "serving/http/response.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {

/// Answers with a document, in which paths and names may be any bytes.
inline void AnswerJson(const nlohmann::ordered_json& json, Response& response) {
  response.content_type = wire::MediaType(wire::Format::kJson);
  response.body = preprocessing::DumpText(json);
}

}  // namespace forkcast::serving
