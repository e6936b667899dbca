#include "serving/hooks/drift_hook.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include "model/inputs/feature_table.hpp"
#include "serving/capture/capture_folder.hpp"
#include "serving/drift/drift_message.hpp"

namespace forkcast::serving {

using model::BinCounter;
using model::ColumnBins;
using preprocessing::JsonNode;
using preprocessing::Value;

namespace {

void CountValue(const Value& value, BinCounter& counter) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return counter.CountText(*text);
  counter.CountNumber(model::NumberAsFloat(value));
}

/// Which counter each of these values has.
std::vector<BinCounter*> CountersOf(std::span<const std::string> names,
                                    std::span<const ColumnBins> bins,
                                    std::span<BinCounter> counters) {
  std::vector<BinCounter*> found;
  for (const std::string& name : names) {
    const auto column = std::ranges::find(bins, name, &ColumnBins::name);
    found.push_back(column == bins.end()
                        ? nullptr
                        : &counters[static_cast<std::size_t>(column - bins.begin())]);
  }
  return found;
}

}  // namespace

DriftHook::Settings DriftHook::ReadSettings(const JsonNode& node) {
  return {ReadDriftSettings(node), node.json().dump()};
}

Status DriftHook::TryOut(const Settings& settings) {
  const std::string& folder = settings.settings.folder;
  if (const std::error_code failed = TryFolder(folder)) {
    return Error{ErrorCode::kIo,
                 fmt::format("the folder of drift reports {} cannot be written to: {}", folder,
                             failed.message()),
                 "hooks"};
  }
  if (!settings.settings.webhook) return {};
  const auto secret = ReadWebhookSecret(settings.settings.webhook->secret_file);
  return secret ? Status() : Status(secret.error());
}

DriftHook::DriftHook(Settings settings, const HookContext& context)
    : settings_(std::move(settings)),
      slot_(context.slot),
      clock_(context.clock),
      socket_(context.capture_socket) {}

Verdict DriftHook::OnFeatures(const Invocation& invocation, Remarks& /*remarks*/) {
  if (invocation.drift_reference == nullptr) return Verdict::kGoOn;
  Watched* watched = Find(invocation);
  if (watched == nullptr) {
    Watch(invocation);
    watched = watched_.back().get();
  }
  Count(invocation.features, watched->of_features, *watched);
  return Verdict::kGoOn;
}

Verdict DriftHook::OnOutputs(const Invocation& invocation, Remarks& /*remarks*/) {
  Watched* const watched = Find(invocation);
  if (watched == nullptr) return Verdict::kGoOn;
  if (watched->of_outputs.empty()) {
    watched->of_outputs =
        CountersOf(invocation.outputs.names, watched->reference->bins, watched->counters);
  }
  Count(invocation.outputs, watched->of_outputs, *watched);
  return Verdict::kGoOn;
}

DriftHook::Watched* DriftHook::Find(const Invocation& invocation) {
  for (const auto& watched : watched_) {
    if (watched->reference.get() == invocation.drift_reference &&
        watched->deployment == invocation.deployment) {
      return watched.get();
    }
  }
  return nullptr;
}

void DriftHook::Watch(const Invocation& invocation) {
  auto watched =
      std::make_unique<Watched>(Watched{.reference = invocation.drift_reference->shared_from_this(),
                                        .deployment = std::string(invocation.deployment),
                                        .pipeline = std::string(invocation.pipeline),
                                        .version = std::string(invocation.model_version)});
  const std::vector<ColumnBins>& bins = watched->reference->bins;
  std::size_t size = 0;
  for (const ColumnBins& column : bins) size += column.reference.size();
  watched->counts.resize(size);
  std::span<std::uint32_t> rest(watched->counts);
  for (const ColumnBins& column : bins) {
    watched->counters.emplace_back(column, rest.first(column.reference.size()));
    rest = rest.subspan(column.reference.size());
  }
  watched->of_features = CountersOf(invocation.features.names, bins, watched->counters);
  watched_.push_back(std::move(watched));
}

void DriftHook::Count(const Invocation::Values& values, std::vector<BinCounter*>& counters,
                      Watched& watched) {
  std::size_t column = 0;
  for (const Value& value : values.values) {
    if (BinCounter* const counter = counters[column]; counter != nullptr) {
      CountValue(value, *counter);
    }
    if (++column == counters.size()) column = 0;
  }
  watched.has_counted = true;
}

void DriftHook::OnTick(MonotonicTime /*now*/) { Send(); }

void DriftHook::OnDrain() { Send(); }

void DriftHook::Send() {
  for (const auto& watched : watched_) {
    if (!watched->has_counted) continue;
    EncodeDrift({.settings = settings_.json,
                 .deployment = watched->deployment,
                 .pipeline = watched->pipeline,
                 .version = watched->version,
                 .folder = watched->reference->folder.native(),
                 .sent = clock_.Now(),
                 .counts = watched->counts},
                message_);
    if (::send(socket_, message_.data(), message_.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
      slot_.metrics.Count("drift_delayed");
      continue;
    }
    std::ranges::fill(watched->counts, 0U);
    watched->has_counted = false;
  }
  // What is served no more has been told.
  std::erase_if(watched_, [](const auto& watched) {
    return !watched->has_counted && watched->reference.use_count() == 1;
  });
}

}  // namespace forkcast::serving
