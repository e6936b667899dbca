#pragma once

#include <string>

#include "client/replay_options.hpp"
#include "client/replay_report.hpp"
#include "client/retry_rules.hpp"
#include "data_preprocessing/base/progress.hpp"

namespace forkcast::client {

/// Waits for the server, sends every row, and says what became of them. One thread (and the one in
/// which Asio looks names up); input is read and results are written as the replay goes on, so that
/// memory does not grow with the file, but for the latencies.
/// SIGINT and SIGTERM end it early: nothing more is sent, what is under way has two seconds, and a
/// second signal ends that too. Everything expected to fail is in the report; throws only when the
/// system refuses the basics (memory, signals).
/// Requests carry `X-Request-Id: <run_id>-<first row>`, the same in every try.
ReplayReport RunReplay(const ReplayOptions& options, const RetryRules& retry_rules,
                       const std::string& run_id, Progress& progress);

}  // namespace forkcast::client
