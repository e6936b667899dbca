#pragma once

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/artefact/registry.hpp"
#include "model/forecast/forecaster.hpp"
#include "serving/endpoints/order_service.hpp"
#include "serving/service/load_deployments.hpp"

namespace forkcast::serving {

/// The versions of tests/data/published: the forecast "sales" of shops 000 and 001, two days ahead,
/// over sales of 70 days from 2024-01-01 on, also of a shop 002 that it was not trained on; and the
/// classifier "delivery". The forecast is the default.
class SalesService {
 public:
  static constexpr int kDays = 70;

  /// `routes` are what the forecast declares; `models`: where version 1 of "sales" is.
  explicit SalesService(const nlohmann::ordered_json& cold_start = "refuse",
                        std::string_view routes = {},
                        const std::filesystem::path& models = Models())
      : models_(models),
        deployments_{{.name = "sales",
                      .model = "sales@1",
                      .snapshots = folder_.path(),
                      .cold_start = cold_start.dump(),
                      .is_default = true,
                      .routes = {.json = std::string(routes), .path = "routes.json: $"}}} {
    std::string sales = "shop,day,amount\n";
    for (int shop = 0; shop < 3; ++shop) {
      for (int day = 0; day < kDays; ++day) {
        sales += fmt::format("00{},{},{}\n", shop, DayText(day), 10 * (1 + shop) + day % 7);
      }
    }
    folder_.Write("sales.csv", sales);
    const auto spec = preprocessing::LoadPipelineSpec(models / "sales/1/pipeline.json");
    if (!spec) throw std::runtime_error(spec.error().message);
    PublishTables(*spec, folder_.path());
    auto loaded = LoadDeployments(deployments_, models);
    if (!loaded) throw std::runtime_error(loaded.error().message);
    test_.service.catalogue.Serve(*std::move(loaded));
  }

  static std::filesystem::path Models() { return FORKCAST_SOURCE_DIR "/tests/data/published"; }
  /// The calendar day so many days behind the first.
  static std::string DayText(int day) {
    const std::chrono::sys_days first(std::chrono::year(2024) / 1 / 1);
    const std::chrono::year_month_day date(first + std::chrono::days(day));
    return fmt::format("2024-{:02}-{:02}", static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()));
  }

  /// As PostTo().
  Response Post(std::string_view body, RequestView parts = {}) {
    return PostTo(test_.router, body, parts);
  }
  [[nodiscard]] Router& router() noexcept { return test_.router; }
  [[nodiscard]] TestClock& clock() noexcept { return clock_; }

  /// What the model says without a server.
  [[nodiscard]] std::unique_ptr<const model::Forecaster> Forecaster() const {
    const auto info = model::Registry(models_).Find("sales", "1");
    const auto version = model::ForecastVersion::Read(*info);
    auto forecaster = model::Forecaster::Open(*version, folder_.path(), {});
    if (!forecaster) throw std::runtime_error(forecaster.error().message);
    return *std::move(forecaster);
  }

 private:
  std::filesystem::path models_;
  preprocessing::TempFolder folder_;
  TestClock clock_;
  std::array<WorkerSlot, 1> slots_;
  std::vector<Deployment> deployments_;
  TestService test_{slots_, 0, clock_, deployments_};
};

}  // namespace forkcast::serving
