#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/series/grid_reader.hpp"
#include "model/history/history_method.hpp"

namespace forkcast::model {

/// What a history method learned, of all keys: of each its numbers and from which period on its
/// values are read; of a method that learns nothing one that does for every key. Never changes;
/// thread-safe.
class HistoryModel {
 public:
  struct Part {
    /// The first period that is read, as the series counts them; unset: the key's first.
    std::optional<preprocessing::PeriodIndex> from{};
    LearnedSeries learned;
    std::unique_ptr<const SeriesForecaster> forecaster{};  ///< Of `learned`.
  };
  /// `parts`: by the keys' numbers in the model, or one for all.
  explicit HistoryModel(std::vector<Part> parts) : parts_(std::move(parts)) {}

  [[nodiscard]] std::size_t size() const noexcept { return parts_.size(); }
  [[nodiscard]] const LearnedSeries& learned(std::size_t part) const noexcept {
    return parts_[part].learned;
  }

  /// The steps 1 .. out.size() behind `origin` of a key, whose number is `key` in `grid` and `part`
  /// here, from the values in `column` up to the origin; what lies behind it is not read. NaN where
  /// there is no forecast, as for a key whose values begin later. A key whose grid ends before the
  /// origin is forecast from its end.
  void Forecast(std::size_t part, const preprocessing::GridReader& grid, std::size_t column,
                std::size_t key, preprocessing::PeriodIndex origin, std::span<double> out,
                HistoryScratch& scratch) const;

  /// model/history.json (FORMAT.md).
  [[nodiscard]] nlohmann::ordered_json ToJson() const;
  /// What ToJson() wrote, of a method and so many keys. Throws SpecError.
  static HistoryModel FromJson(const preprocessing::JsonNode& node, const HistoryMethod& method,
                               std::size_t keys);

 private:
  std::vector<Part> parts_;
};

}  // namespace forkcast::model
