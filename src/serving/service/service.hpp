#pragma once

#include <cstddef>
#include <span>

#include "data_preprocessing/base/clock.hpp"
#include "serving/access/access.hpp"
#include "serving/drift/drift_monitor.hpp"
#include "serving/hooks/hook_chain.hpp"
#include "serving/http/endpoint.hpp"
#include "serving/metrics/series.hpp"
#include "serving/process/shared_counts.hpp"
#include "serving/process/worker_slot.hpp"
#include "serving/service/catalogue.hpp"
#include "serving/service/job_control.hpp"
#include "serving/service/model_control.hpp"
#include "serving/service/push_control.hpp"
#include "serving/wire/request_decoder.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

class ExperimentList;
class PageDesk;
class PasswordChecker;
class RemoteModels;
class Sessions;
class ShadowQueue;
struct ServerConfig;

/// What a worker's endpoints work with. All that it refers to outlives it.
struct Service {
  Catalogue catalogue{};
  HookChain& hooks;
  const Clock& clock;
  spdlog::logger& log;
  const ServerState& server;          ///< Says when everything in work has to end.
  std::span<const WorkerSlot> slots;  ///< Of all workers.
  WorkerSlot& slot;                   ///< The worker's own.
  SeriesWriter& series;               ///< Likewise.
  std::span<const Counts> counts;     ///< Of all workers, then of servers before an upgrade.
  std::size_t max_body_bytes = 0;     ///< Of a request.
  wire::DecoderLimits limits{};
  bool csv_as_predictions = false;              ///< As the setting csv_answers says.
  std::span<const Endpoint> endpoints{};        ///< All that can be asked, for who describes it.
  Proofs proofs{};                              ///< That the gate asks for.
  const DriftBoard* drift = nullptr;            ///< Null: no recorder that could tell.
  ShadowQueue* shadows = nullptr;               ///< Null: challengers score nothing behind answers.
  const ExperimentList* experiments = nullptr;  ///< Null: there are none.
  ModelControl* models = nullptr;   ///< Null where models are only those that settings declare.
  PushControl* pushes = nullptr;    ///< Null where nobody may bring rows.
  RemoteModels* remotes = nullptr;  ///< Null: nobody asks other servers.
  PageDesk* page = nullptr;         ///< Null where there is no page.
  const ServerConfig* config = nullptr;  ///< Where the page finds registry and logs; as `page`.
  JobControl* jobs = nullptr;            ///< Null where there are no jobs.
  Sessions* sessions = nullptr;          ///< Null where nobody logs in,
  PasswordChecker* passwords = nullptr;  ///< likewise.
};

}  // namespace forkcast::serving
