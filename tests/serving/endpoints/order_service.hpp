#pragma once

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "serving/endpoints/post.hpp"
#include "serving/endpoints/publish_tables.hpp"
#include "serving/process/worker_slot.hpp"
#include "serving/service/load_deployments.hpp"
#include "support/test_clock.hpp"
#include "support/test_files.hpp"
#include "support/test_service.hpp"

namespace forkcast::serving {

/// The pipeline of conf/, over a few rows of its own, behind a router.
class OrderService {
 public:
  using Edit = std::function<void(nlohmann::ordered_json& pipeline)>;

  /// `edit` may change the pipeline file before it is loaded; `routes` are what it declares.
  explicit OrderService(const Edit& edit = {}, wire::DecoderLimits limits = {},
                        std::string_view routes = {}, std::vector<HookConfig> hooks = {})
      : hooks_(std::move(hooks)),
        deployments_{{.routes = {.json = std::string(routes), .path = "routes.json: $"}}} {
    test_.service.limits = limits;
    const auto path = WritePipeline("pipeline.json", edit);
    Publish(path);
    deployments_.front().pipeline = path;
    deployments_.front().snapshots = folder_.path();
    Serve(deployments_);
  }

  /// Serves the pipeline of conf/ as it was given to the constructor, and another one behind it.
  void ServeAlso(const std::string& name, const Edit& edit) {
    Serve({Deployment{.pipeline = folder_.path() / "pipeline.json", .snapshots = folder_.path()},
           Deployment{.name = name,
                      .pipeline = WritePipeline(name + ".json", edit),
                      .snapshots = folder_.path()}});
  }

  /// As PostTo().
  Response Post(std::string_view body, RequestView parts = {}) {
    return PostTo(test_.router, body, parts);
  }

  [[nodiscard]] Router& router() noexcept { return test_.router; }
  [[nodiscard]] TestClock& clock() noexcept { return clock_; }
  [[nodiscard]] ServerState& server() noexcept { return test_.server; }
  [[nodiscard]] WorkerSlot& slot() noexcept { return slots_[0]; }
  [[nodiscard]] Service& service() noexcept { return test_.service; }

  /// The pipeline of conf/, changed, over the same data; served by nobody.
  std::shared_ptr<const ServedPipeline> Load(const Edit& edit) {
    auto loaded =
        LoadDeployments(std::vector{Deployment{.pipeline = WritePipeline("other.json", edit),
                                               .snapshots = folder_.path()}},
                        {});
    if (!loaded) throw std::runtime_error(loaded.error().message);
    return loaded->front().pipeline;
  }

 private:
  std::filesystem::path WritePipeline(const std::string& name, const Edit& edit) {
    const std::filesystem::path conf = FORKCAST_SOURCE_DIR "/conf";
    std::ifstream file(conf / "pipelines/order_triage.json");
    auto pipeline = nlohmann::ordered_json::parse(file);
    pipeline["serving"]["model"] = (conf / "models/order_triage_v1.json").string();
    if (edit) edit(pipeline);
    return folder_.Write(name, pipeline.dump());
  }

  void Serve(const std::vector<Deployment>& deployments) {
    auto loaded = LoadDeployments(deployments, {});
    if (!loaded) throw std::runtime_error(loaded.error().message);
    test_.service.catalogue.Serve(*std::move(loaded));
  }

  /// Tables in which each rule of the model has its order; see invocations_test.cpp.
  void Publish(const std::filesystem::path& pipeline) {
    folder_.Write("orders.csv",
                  "order_id,customer_id,timestamp,sku_code,quantity,zip_code,order_fulfilled\n");
    folder_.Write("inventory.csv",
                  "sku_code,timestamp,inventory\n"
                  "00123,2021-07-01 00:00:00,5\n"
                  "00123,2021-07-03 00:00:00,0\n"
                  "ABC,2021-07-01 00:00:00,7\n");
    folder_.Write("payments.csv",
                  "order_id,customer_id,timestamp,payment_method,payment_status\n"
                  "paid,c,2021-07-01 01:00:00,CARD,OK\n"
                  "declined,c,2021-07-01 01:00:00,CARD,DECLINED\n"
                  "last,c,2021-07-03 00:00:00,CARD,OK\n");
    folder_.Write("zip_codes.csv", "zip_code,available_from\n01001,2021-07-01\n99999,2021-07-02\n");
    auto spec = preprocessing::LoadPipelineSpec(pipeline);
    if (!spec) throw std::runtime_error(spec.error().message);
    PublishTables(*spec, folder_.path());
  }

  preprocessing::TempFolder folder_;
  TestClock clock_;
  std::array<WorkerSlot, 1> slots_;
  std::vector<HookConfig> hooks_;
  std::vector<Deployment> deployments_;
  TestService test_{slots_, 0, clock_, deployments_, Models::kDeclared, hooks_};
};

}  // namespace forkcast::serving
