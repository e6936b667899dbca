#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::client {

/// `forkcast-client produce`: the rows of a CSV file as messages of a Kafka topic, at a rate.
[[nodiscard]] preprocessing::Command ProduceCommand();

}  // namespace forkcast::client
