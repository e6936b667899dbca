#include "serving/service/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace forkcast::serving {
namespace {

std::string_view NameOf(const Catalogue::Entry& entry) noexcept { return entry.deployment.name; }

}  // namespace

Error Catalogue::NotReady() { return {ErrorCode::kNotReady, "the model is not loaded yet"}; }

void Catalogue::Serve(std::vector<ServedDeployment> deployments) {
  entries_.clear();
  declared_ = 0;
  for (ServedDeployment& deployment : deployments) {
    if (deployment.is_declared) ++declared_;
    entries_.push_back({.deployment = std::move(deployment)});
  }
  ready_ = true;
}

void Catalogue::Add(ServedDeployment deployment) {
  entries_.push_back({.deployment = std::move(deployment)});
}

void Catalogue::Remove(std::string_view name) {
  std::erase_if(entries_, [name](const Entry& entry) { return NameOf(entry) == name; });
}

const Catalogue::Entry* Catalogue::Named(std::string_view name) const noexcept {
  const auto found = std::ranges::find(entries_, name, NameOf);
  return found == entries_.end() ? nullptr : &*found;
}

void Catalogue::Replace(std::size_t place, std::shared_ptr<const ServedPipeline> pipeline,
                        std::vector<std::shared_ptr<const Route>> routes) {
  Entry& entry = entries_[place];
  entry.idle.clear();
  entry.deployment.pipeline = std::move(pipeline);
  entry.deployment.routes = std::move(routes);
}

void Catalogue::SetChallenger(std::string_view name, std::shared_ptr<Challenger> challenger) {
  const auto found = std::ranges::find(entries_, name, NameOf);
  if (found != entries_.end()) found->challenger = std::move(challenger);
}

Result<Catalogue::Entry*> Catalogue::Find(std::string_view name) {
  if (!ready_) return NotReady();
  if (name.empty() && declared_ > 0) return &entries_.front();
  const auto found = std::ranges::find(entries_, name, NameOf);
  if (found != entries_.end()) return &*found;
  std::string known;
  for (const Entry& entry : entries_) known.append(known.empty() ? "" : ", ").append(NameOf(entry));
  if (known.empty()) known = "none";
  const std::string what =
      name.empty() ? "no deployment is the default" : fmt::format("no deployment \"{}\"", name);
  return Error{ErrorCode::kNotFound, fmt::format("{}; there are: {}", what, known)};
}

Result<Catalogue::Entry*> Catalogue::FindEndpoint(std::string_view name) {
  const bool takes_any = declared_ == 1 && !name.empty() && Named(name) == nullptr;
  return Find(takes_any ? std::string_view() : name);
}

Result<Catalogue::Found> Catalogue::FindRoute(Method method, std::string_view path) {
  if (!ready_) return NotReady();
  for (Entry& entry : entries_) {
    for (const std::shared_ptr<const Route>& route : entry.deployment.routes) {
      const RouteSpec& spec = route->spec();
      if (spec.method != method || spec.path != path) continue;
      return Found{.entry = &entry, .route = route};
    }
  }
  return Error{ErrorCode::kNotFound, "what this route asks is not served any more"};
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
