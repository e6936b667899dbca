#pragma once

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "data_preprocessing/source/ingest.hpp"
#include "serving/process/worker_slot.hpp"
#include "serving/service/load_deployments.hpp"
#include "support/test_files.hpp"
#include "support/test_service.hpp"

namespace forkcast::serving {

/// A clock whose time passes when a test says so, or with each look at it.
class TestClock final : public Clock {
 public:
  [[nodiscard]] Instant Now() const noexcept override { return {}; }
  [[nodiscard]] MonotonicTime Monotonic() const noexcept override {
    return std::exchange(now_, now_ + step_);
  }
  void Set(MonotonicTime now) noexcept { now_ = now; }
  void PassWithEachLook(MonotonicTime::duration step) noexcept { step_ = step; }

 private:
  mutable MonotonicTime now_{std::chrono::hours(1)};
  MonotonicTime::duration step_{0};
};

/// The pipeline of conf/, over a few rows of its own, behind a router.
class OrderService {
 public:
  using Edit = std::function<void(nlohmann::ordered_json& pipeline)>;

  /// `edit` may change the pipeline file before it is loaded.
  explicit OrderService(const Edit& edit = {}, wire::DecoderLimits limits = {}) {
    test_.service.limits = limits;
    const std::filesystem::path conf = FORKCAST_SOURCE_DIR "/conf";
    std::ifstream file(conf / "pipelines/order_triage.json");
    auto pipeline = nlohmann::ordered_json::parse(file);
    pipeline["serving"]["model"] = (conf / "models/order_triage_v1.json").string();
    if (edit) edit(pipeline);
    const auto path = folder_.Write("pipeline.json", pipeline.dump());
    Publish(path);
    auto loaded =
        LoadDeployments(std::vector{Deployment{.pipeline = path, .snapshots = folder_.path()}}, {});
    if (!loaded) throw std::runtime_error(loaded.error().message);
    test_.service.catalogue.Serve(*std::move(loaded));
  }

  /// What `POST /invocations` answers to `body`. `parts` says what is not usual; its deadline is a
  /// minute ahead.
  Response Post(std::string_view body, RequestView parts = {}) {
    std::string padded(body);
    padded.resize(body.size() + wire::kBodyPadding);
    parts.method = Method::kPost;
    if (parts.path.empty()) parts.path = "/invocations";
    if (parts.request_id.empty()) parts.request_id = "r";
    parts.body = std::string_view(padded).substr(0, body.size());
    parts.started = MonotonicTime(std::chrono::hours(1));
    parts.deadline = parts.started + std::chrono::minutes(1);
    Response response;
    test_.router.Handle(parts, response);
    return response;
  }

  [[nodiscard]] Router& router() noexcept { return test_.router; }
  [[nodiscard]] TestClock& clock() noexcept { return clock_; }
  [[nodiscard]] ServerState& server() noexcept { return test_.server; }
  [[nodiscard]] WorkerSlot& slot() noexcept { return slots_[0]; }

 private:
  static void Check(const Status& status) {
    if (!status) throw std::runtime_error(status.error().message);
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
    auto dao = preprocessing::OpenStore("sqlite:" + (folder_.path() / "orders.db").string(),
                                        preprocessing::StoreAccess::kReadWriteCreate);
    if (!dao) throw std::runtime_error(dao.error().message);
    Check((*dao)->Begin());
    for (const auto& table : spec->tables) {
      const auto report =
          preprocessing::IngestFile(**dao, table, folder_.path() / (table.name + ".csv"),
                                    spec->zone, preprocessing::OnConflict::kRefuse, {});
      if (!report) throw std::runtime_error(report.error().message);
    }
    Check((*dao)->Commit());
    const auto published = preprocessing::PublishSnapshots(**dao, *spec, folder_.path());
    if (!published) throw std::runtime_error(published.error().message);
  }

  preprocessing::TempFolder folder_;
  TestClock clock_;
  std::array<WorkerSlot, 1> slots_;
  TestService test_{slots_, 0, clock_};
};

}  // namespace forkcast::serving
