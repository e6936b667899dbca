#pragma once

#include <string_view>

namespace forkcast::serving {

/// pipeline.schema.json and server.schema.json, which are part of the program.
extern const std::string_view kPipelineSchema;
extern const std::string_view kServerSchema;

}  // namespace forkcast::serving
