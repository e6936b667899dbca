#pragma once

#include <spdlog/logger.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "serving/endpoints/endpoint_table.hpp"
#include "serving/hooks/hook_chain.hpp"
#include "serving/http/router.hpp"
#include "serving/process/worker_slot.hpp"
#include "serving/service/service.hpp"
#include "support/test_series.hpp"

namespace forkcast::serving {

/// A worker's endpoints without its sockets, before its pipeline is loaded. Neither copied nor
/// moved, its parts refer to each other.
struct TestService {
  /// `own`: the worker's among the slots of all of them. `deployments`: those whose routes there
  /// are. `models`: where models come from. `hook_configs`: see Configs().
  TestService(std::span<WorkerSlot> slots, std::size_t own, const Clock& clock,
              std::span<const Deployment> deployments = {}, Models models = Models::kDeclared,
              std::span<const HookConfig> hook_configs = {})
      : counts{{{.slots = slots, .series = series.blocks()}}},
        routes(RoutesOf(deployments, {.models = models}).value()),
        endpoints(EndpointsWith(routes, {.models = models})),
        hooks(hook_configs,
              {.log = log, .slot = slots[own], .clock = clock, .series = &series.writer}),
        service{.hooks = hooks,
                .clock = clock,
                .log = log,
                .server = server,
                .slots = slots,
                .slot = slots[own],
                .series = series.writer,
                .counts = counts,
                .max_body_bytes = 6'291'456,
                .endpoints = endpoints},
        router(endpoints, service, slots[own], series.writer, log, /*seed=*/7) {}
  TestService(const TestService&) = delete;
  TestService& operator=(const TestService&) = delete;
  ~TestService() = default;

  spdlog::logger log{"test"};
  ServerState server;
  TestSeries series;
  std::array<Counts, 1> counts;
  std::vector<DeployedRoute> routes;
  std::vector<Endpoint> endpoints;
  HookChain hooks;
  Service service;
  Router router;
};

}  // namespace forkcast::serving
