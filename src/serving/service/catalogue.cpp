#include "serving/service/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace forkcast::serving {
namespace {

std::string_view NameOf(const Catalogue::Entry& entry) noexcept { return entry.deployment.name; }

}  // namespace

void Catalogue::Serve(std::vector<ServedDeployment> deployments) {
  entries_.clear();
  for (ServedDeployment& deployment : deployments) {
    entries_.push_back({.deployment = std::move(deployment)});
  }
}

Result<Catalogue::Entry*> Catalogue::Find(std::string_view name) {
  if (entries_.empty()) return Error{ErrorCode::kNotReady, "the model is not loaded yet"};
  if (name.empty()) return &entries_.front();
  const auto found = std::ranges::find(entries_, name, NameOf);
  if (found != entries_.end()) return &*found;
  std::string known;
  for (const Entry& entry : entries_) known.append(known.empty() ? "" : ", ").append(NameOf(entry));
  return Error{ErrorCode::kNotFound,
               fmt::format("no deployment \"{}\"; there are: {}", name, known)};
}

Result<Catalogue::Entry*> Catalogue::FindEndpoint(std::string_view name) {
  return Find(entries_.size() == 1 ? std::string_view() : name);
}

std::unique_ptr<ScoringSteps> Catalogue::Take(Entry& entry, const wire::DecoderLimits& limits) {
  if (entry.idle.empty()) {
    return std::make_unique<ScoringSteps>(entry.deployment.pipeline, limits);
  }
  std::unique_ptr<ScoringSteps> steps = std::move(entry.idle.back());
  entry.idle.pop_back();
  return steps;
}

void Catalogue::GiveBack(std::unique_ptr<ScoringSteps> steps) {
  const auto its_entry = std::ranges::find_if(entries_, [&steps](const Entry& entry) {
    return entry.deployment.pipeline == steps->pipeline;
  });
  if (its_entry != entries_.end()) its_entry->idle.push_back(std::move(steps));
}

}  // namespace forkcast::serving
