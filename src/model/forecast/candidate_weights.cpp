#include "model/forecast/candidate_weights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;

constexpr const char* kCandidatesFormat = "forkcast.candidates";

}  // namespace

double Blend(std::span<const double> weights, std::span<const double> forecasts) noexcept {
  double sum = 0;
  double total = 0;
  double last = std::numeric_limits<double>::quiet_NaN();
  std::size_t count = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0 || std::isnan(forecasts[i])) continue;
    sum += weights[i] * forecasts[i];
    total += weights[i];
    last = forecasts[i];
    ++count;
  }
  return count > 1 ? sum / total : last;
}

CandidateWeights::CandidateWeights(std::vector<double> shared, ModelKeys keys,
                                   std::vector<std::size_t> own)
    : shared_(std::move(shared)), keys_(std::move(keys)), own_(std::move(own)) {
  alone_.assign(shared_.size(), std::vector<double>(shared_.size(), 0));
  for (std::size_t i = 0; i < alone_.size(); ++i) alone_[i][i] = 1;
}

std::span<const double> CandidateWeights::Of(std::string_view key) const noexcept {
  const auto number = keys_.FindBytes(key);
  return number ? alone_[own_[*number]] : shared_;
}

bool CandidateWeights::Uses(std::size_t candidate) const noexcept {
  return shared_[candidate] > 0 || std::ranges::find(own_, candidate) != own_.end();
}

bool CandidateWeights::Blends() const noexcept {
  return std::ranges::count_if(shared_, [](double weight) { return weight > 0; }) > 1;
}

nlohmann::ordered_json CandidateWeights::ToJson() const {
  nlohmann::ordered_json json{
      {"format", kCandidatesFormat}, {"format_version", 1}, {"weights", shared_}};
  if (keys_.size() > 0) json["own"] = {{"keys", keys_.ToJson()}, {"candidates", own_}};
  return json;
}

CandidateWeights CandidateWeights::FromJson(const JsonNode& node, std::size_t candidates,
                                            const preprocessing::SeriesSpec& series) {
  node.RequireObject({"format", "format_version", "weights", "own"});
  node.RequireFormat(kCandidatesFormat, 1);
  std::vector<double> shared;
  for (const JsonNode& weight : node.Get("weights").Elements()) {
    shared.push_back(weight.Number(0, std::numeric_limits<double>::max()));
  }
  if (shared.size() != candidates || std::ranges::max(shared) <= 0) {
    node.Get("weights").Fail(fmt::format("expected {} weights, one above 0", candidates));
  }
  ModelKeys keys;
  std::vector<std::size_t> own;
  if (const auto given = node.Find("own")) {
    given->RequireObject({"keys", "candidates"});
    keys = ModelKeys::FromJson(given->Get("keys"), series, 1);
    const auto last = static_cast<std::int64_t>(candidates) - 1;
    for (const JsonNode& one : given->Get("candidates").Elements()) {
      own.push_back(static_cast<std::size_t>(one.Integer(0, last)));
    }
    if (own.size() != keys.size()) given->Fail("not as many candidates as keys");
  }
  return {std::move(shared), std::move(keys), std::move(own)};
}

}  // namespace forkcast::model
