#pragma once

#include <filesystem>
#include <string>

#include "support/server.hpp"

namespace forkcast::process_test {

/// The published forecast of tests/data, and sales of its shop "000" over 20 days.
inline const std::filesystem::path kSalesVersion = kSource / "tests/data/published/sales/1";

/// Publishes snapshots of these sales, `amount` a day, beside the store `name` of the workspace;
/// returns their folder.
inline std::filesystem::path PublishSales(const Workspace& workspace, const std::string& name,
                                          int amount) {
  std::string sales = "shop,day,amount\n";
  for (int day = 10; day < 30; ++day) {
    sales += "000,2024-01-" + std::to_string(day) + "," + std::to_string(amount) + "\n";
  }
  const std::filesystem::path from = workspace / (name + ".rows");
  std::filesystem::create_directories(from);
  workspace.Write(name + ".rows/sales.csv", sales);
  RunToEnd(workspace / (name + ".ingest"),
           {kForkcast, "ingest", "--pipeline", kSalesVersion / "pipeline.json", "--store",
            "sqlite:" + (workspace / name).string(), "--from", from, "--quiet"});
  return workspace / (name + ".snapshots");
}

/// What is asked of that forecast, at `target`.
inline Request SalesOfAShop(const std::string& target) {
  return {.target = target,
          .headers = "Content-Type: application/json\r\n",
          .body = R"({"shop": "000"})"};
}

}  // namespace forkcast::process_test
