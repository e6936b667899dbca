#pragma once

#include <string>
#include <utility>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::model::onnx {

/// Why a file is not taken. Thrown within this folder, and caught by what others call of it.
struct Refused {
  Error error;
};

/// Of bytes that are no whole model, or contradict themselves.
[[noreturn]] inline void RefuseCorrupt(std::string message) {
  throw Refused{{ErrorCode::kCorrupt, std::move(message)}};
}

/// Of what is valid, and not understood here.
[[noreturn]] inline void RefuseUnknown(std::string message) {
  throw Refused{{ErrorCode::kInvalidArgument, std::move(message)}};
}

}  // namespace forkcast::model::onnx
