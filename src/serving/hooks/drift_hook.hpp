#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "model/drift/drift_reference.hpp"
#include "serving/drift/drift_settings.hpp"
#include "serving/hooks/hook.hpp"
#include "serving/hooks/hook_chain.hpp"

namespace forkcast::serving {

/// `"type": "drift"`: counts features and outputs of each line in the bins of the version that
/// answers, and sends the counts to the recorder (DriftMonitor) with each tick. Never waits: what
/// the recorder cannot take stays counted for the next tick. What a version has no bins for is not
/// watched.
class DriftHook final : public Hook {
 public:
  struct Settings {
    DriftSettings settings;
    std::string json;  ///< As it was read, for the recorder.
  };
  /// Throws preprocessing::SpecError naming the JSON path.
  [[nodiscard]] static Settings ReadSettings(const preprocessing::JsonNode& node);
  /// Whether this user may write reports, and read the secret of a webhook. kIo or kInvalidArgument
  /// naming what not.
  [[nodiscard]] static Status TryOut(const Settings& settings);

  DriftHook(Settings settings, const HookContext& context);
  Verdict OnFeatures(const Invocation& invocation, Remarks& remarks) override;
  Verdict OnOutputs(const Invocation& invocation, Remarks& remarks) override;
  void OnTick(MonotonicTime now) override;
  void OnDrain() override;

 private:
  /// One version of one deployment.
  struct Watched {
    std::shared_ptr<const model::DriftReference> reference;
    std::string deployment;
    std::string pipeline;
    std::string version;
    std::vector<std::uint32_t> counts{};
    std::vector<model::BinCounter> counters{};  // of `counts`, one a column of the reference
    /// For each value of a line the counter, or none.
    std::vector<model::BinCounter*> of_features{};
    std::vector<model::BinCounter*> of_outputs{};
    bool has_counted = false;
  };

  Watched* Find(const Invocation& invocation);
  void Watch(const Invocation& invocation);
  static void Count(const Invocation::Values& values, std::vector<model::BinCounter*>& counters,
                    Watched& watched);
  void Send();

  Settings settings_;
  WorkerSlot& slot_;
  const Clock& clock_;
  int socket_;
  std::vector<std::unique_ptr<Watched>> watched_;
  std::vector<std::byte> message_;
};

}  // namespace forkcast::serving
