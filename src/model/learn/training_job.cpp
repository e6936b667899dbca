#include "model/learn/training_job.hpp"

namespace forkcast::model {

Result<bool> TrainingJob::TrainShard(std::size_t /*point*/, const OnProgress& /*on_progress*/) {
  return Error{ErrorCode::kInvalidArgument, "--shard: this training has no parts"};
}

}  // namespace forkcast::model
