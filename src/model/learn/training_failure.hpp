#pragma once

#include <string>
#include <utility>

#include "data_preprocessing/base/result.hpp"
#include "model/learn/training_run.hpp"

namespace forkcast::model {

/// What ends a run early; thrown within a run alone.
struct TrainingFailure {
  TrainingEnd end = TrainingEnd::kIo;
  std::string message;
};

/// What an error means; `unfit`: an invalid argument.
[[nodiscard]] inline TrainingEnd EndOf(ErrorCode code, TrainingEnd unfit) noexcept {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return unfit;
    case ErrorCode::kNotFound:
    case ErrorCode::kCorrupt:
    case ErrorCode::kRefusedData:
      return TrainingEnd::kData;
    default:
      return TrainingEnd::kIo;
  }
}

/// Of what `unfit` is said when an argument is invalid: the user's words while a job is opened, the
/// data later on. What cannot be read is neither. Throws TrainingFailure.
template <typename T>
T Require(Result<T> result, TrainingEnd unfit = TrainingEnd::kData) {
  if (result) return *std::move(result);
  throw TrainingFailure{EndOf(result.error().code, unfit), result.error().message};
}
inline void Require(const Status& status, TrainingEnd unfit = TrainingEnd::kData) {
  if (!status) Require(Result<bool>(status.error()), unfit);
}

}  // namespace forkcast::model
