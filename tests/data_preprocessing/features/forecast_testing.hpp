#pragma once

#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/features/feature_testing.hpp"

namespace forkcast::preprocessing {

/// Daily sales `y` of keys `k`, promotions known in advance by day, holidays known in advance as
/// they come, and when each key opened; `y` is forecast a week ahead. Features are for a test to
/// add.
inline nlohmann::ordered_json DailySales() {
  return nlohmann::ordered_json::parse(R"({
    "name": "daily_sales", "version": "1",
    "tables": {
      "sales": {"columns": {"k": "text", "at": "timestamp",
                            "y": {"type": "double", "nullable": true},
                            "price": {"type": "double", "nullable": true}}},
      "plans": {"columns": {"k": "text", "at": "timestamp", "promo": "int64"}},
      "holidays": {"columns": {"k": "text", "at": "timestamp", "known": "timestamp",
                               "holiday": "text"}},
      "keys": {"columns": {"k": "text", "opened": "timestamp", "size": "double"}}
    },
    "series": {
      "daily": {"table": "sales", "key": ["k"], "time": "at", "max_staleness": "unlimited",
                "aggregate": {"period": "day", "values": {
                  "y": {"op": "sum", "column": "y"},
                  "price": {"op": "last", "column": "price", "empty": "previous"},
                  "rows": {"op": "count"}}}},
      "plan": {"table": "plans", "key": ["k"], "time": "at", "max_staleness": "unlimited",
               "known_in_advance": true,
               "aggregate": {"period": "day",
                             "values": {"promo": {"op": "max", "column": "promo", "empty": 0}}}},
      "holidays": {"table": "holidays", "key": ["k"], "time": "at", "known_at": "known",
                   "values": ["holiday", "known"], "max_staleness": "unlimited",
                   "known_in_advance": true},
      "keys": {"table": "keys", "key": ["k"], "values": ["opened", "size"]}
    },
    "request": {
      "fields": {"k": {"type": "text", "nullable": true}, "at": "timestamp",
                 "n": {"type": "int64", "nullable": true}},
      "time": "at"
    },
    "forecast": {"series": "daily", "value": "y", "key": ["k"], "horizon": 7, "strategy": "direct"},
    "features": []
  })");
}

/// DailySales() with features, each the JSON of what it is without its name. Where a series is left
/// out it is `daily`, of which `y` is read; the key is `k`, and what is missing is kept.
inline nlohmann::ordered_json DailySalesWith(const std::vector<std::string>& features) {
  auto pipeline = DailySales();
  for (const std::string& text : features) {
    auto feature = nlohmann::ordered_json::parse(text);
    const std::string op = feature["op"];
    const bool reads = op != "calendar" && op != "field" && !feature.contains("left");
    if (reads && !feature.contains("series")) {
      feature["series"] = "daily";
      if (!feature.contains("value")) feature["value"] = "y";
    }
    if (reads) feature["key"] = {"k"};
    if (op != "calendar" && !feature.contains("missing")) feature["missing"] = "keep";
    if (!feature.contains("name")) {
      feature["name"] = "f" + std::to_string(pipeline["features"].size());
    }
    pipeline["features"].push_back(feature);
  }
  return pipeline;
}

/// Day `number` of January 2024, as rows have it; also beyond the 31st.
inline std::string January(int number) {
  std::string text;
  AppendIsoTimestamp(At("2024-01-01") + std::chrono::days(number - 1), text);
  return text;
}

/// Rows of `sales` from the first of January on, one a day; "-" is a day without a row.
inline std::vector<RowTexts> SalesOf(const std::string& key, const std::vector<std::string>& values,
                                     int first_day = 1) {
  std::vector<RowTexts> rows;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == "-") continue;
    rows.push_back({key, January(first_day + static_cast<int>(i)), values[i], "-"});
  }
  return rows;
}

}  // namespace forkcast::preprocessing
