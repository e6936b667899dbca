#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/series/series_spec.hpp"
#include "model/forecast/model_keys.hpp"

namespace forkcast::model {

/// Forecasts of several candidates as one: their weighted mean, over those that have one; NaN where
/// none has. A single one comes out as it is, bit for bit.
[[nodiscard]] double Blend(std::span<const double> weights,
                           std::span<const double> forecasts) noexcept;

/// How much each candidate counts in a published forecast: for every key, but for those that have a
/// candidate of their own.
class CandidateWeights {
 public:
  CandidateWeights() = default;
  /// `shared`: one a candidate, not negative, some above 0. `own`: a candidate for each of `keys`.
  CandidateWeights(std::vector<double> shared, ModelKeys keys, std::vector<std::size_t> own);

  [[nodiscard]] std::size_t size() const noexcept { return shared_.size(); }
  /// Of a key by its EncodeKey() bytes.
  [[nodiscard]] std::span<const double> Of(std::string_view key) const noexcept;
  /// Whether any key's forecast needs the candidate.
  [[nodiscard]] bool Uses(std::size_t candidate) const noexcept;

  /// Whether the forecast of some key is a mean of several candidates.
  [[nodiscard]] bool Blends() const noexcept;

  /// model/candidates.json (FORMAT.md).
  [[nodiscard]] nlohmann::ordered_json ToJson() const;
  /// What ToJson() wrote, of so many candidates and a series. Throws SpecError.
  static CandidateWeights FromJson(const preprocessing::JsonNode& node, std::size_t candidates,
                                   const preprocessing::SeriesSpec& series);

 private:
  std::vector<double> shared_;
  ModelKeys keys_;
  std::vector<std::size_t> own_;              // by key
  std::vector<std::vector<double>> alone_{};  // by candidate: it and no other
};

}  // namespace forkcast::model
