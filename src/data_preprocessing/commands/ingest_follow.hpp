#pragma once

#include "data_preprocessing/command/command_context.hpp"
#include "data_preprocessing/commands/ingest_options.hpp"
#include "data_preprocessing/commands/ingest_summary.hpp"

namespace forkcast::preprocessing {

/// A file with options of librdkafka, above all secrets.
inline constexpr const char* kKafkaConfigVariable = "FORKCAST_KAFKA_CONFIG";

enum class TurnFormat { kText, kJson };

/// Takes rows in and publishes, turn after turn, until SIGTERM or SIGINT asks for the end. Throws
/// Failure for what trying again does not mend.
void RunFollow(const IngestOptions& options, TurnFormat format, const CommandContext& context);

/// Takes in the messages that are there when it begins, and publishes. Throws Failure.
[[nodiscard]] IngestSummary RunKafkaOnce(const IngestOptions& options,
                                         const CommandContext& context);

}  // namespace forkcast::preprocessing
