#pragma once

#include <fmt/format.h>

#include <array>
#include <random>
#include <string>

#include "model/forecast/sales_testing.hpp"

namespace forkcast::model {

/// Daily sales of four items in three shops; items have categories, shops regions.
class HierarchyTest : public TrainCommandTest {
 protected:
  static constexpr std::array kItems{"ball", "doll", "milk", "bread"};

  HierarchyTest() {
    document_["tables"] = ordered_json::parse(R"({
      "sales": {"columns": {"shop": "text", "item": "text", "day": "timestamp",
                            "amount": "double"}},
      "items": {"columns": {"item": "text", "category": "text"}, "key": ["item"]},
      "categories": {"columns": {"category": "text", "department": "text"}, "key": ["category"]},
      "shops": {"columns": {"shop": "text", "region": "text"}, "key": ["shop"]}})");
    ordered_json& series = document_["series"];
    series["daily"]["key"] = {"shop", "item"};
    series["items"] = {{"table", "items"}, {"key", {"item"}}, {"values", {"category"}}};
    series["categories"] = {
        {"table", "categories"}, {"key", {"category"}}, {"values", {"department"}}};
    series["shops"] = {{"table", "shops"}, {"key", {"shop"}}, {"values", {"region"}}};
    document_["request"]["fields"] = {{"shop", "text"}, {"item", "text"}, {"at", "timestamp"}};
    document_["forecast"]["key"] = {"shop", "item"};
    for (ordered_json& feature : document_["features"]) {
      if (feature.contains("key")) feature["key"] = {"shop", "item"};
    }
    document_["training"]["model"]["trees"] = 10;
    document_["training"]["hierarchy"] = ordered_json::parse(R"({
      "paths": [["category", "department"], ["shop", "region"], [["shop", "category"]]],
      "reconcile": "mint", "model": {"algorithm": "theta", "season": 7}})");
    folder_.Write("items.csv", "item,category\nball,toys\ndoll,toys\nmilk,food\nbread,food\n");
    folder_.Write("categories.csv", "category,department\ntoys,home\nfood,daily\n");
    folder_.Write("shops.csv", "shop,region\n000,north\n001,north\n002,south\n");
  }

  void IngestItems() {
    std::mt19937 random(11);
    std::string csv = "shop,item,day,amount\n";
    for (int day = 0; day < kDays; ++day) {
      // What moves all of a day is what forecasts of sums may know better.
      const double weather = std::uniform_real_distribution(0.8, 1.2)(random);
      for (int shop = 0; shop < kShops; ++shop) {
        for (std::size_t item = 0; item < kItems.size(); ++item) {
          csv +=
              fmt::format("{:03},{},{},{:.3f}\n", shop, kItems.at(item), DateOf(day),
                          weather * Sales(shop, day, random) / (1.0 + static_cast<double>(item)));
        }
      }
    }
    IngestCsv(csv);
  }
};

}  // namespace forkcast::model
