#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/rules/column_rule.hpp"
#include "model/drift/drift_reference.hpp"
#include "serving/hooks/hook.hpp"
#include "serving/hooks/hook_chain.hpp"

namespace forkcast::serving {

/// `"type": "thresholds"`: checks what is asked, the features of it and the model's outputs against
/// rules, which a constraints file has, the version that answers or the configuration, and counts,
/// flags or refuses what breaks them. What was broken how often is logged, at most a line in 10 s.
class ThresholdsHook final : public Hook {
 public:
  struct Settings {
    std::vector<preprocessing::ColumnRule> fields;
    std::vector<preprocessing::ColumnRule> features;
    std::vector<preprocessing::ColumnRule> outputs;
    /// Those of the version that answers, too: all above take their place.
    bool of_version = false;
    preprocessing::RuleAction usual = preprocessing::RuleAction::kCount;  ///< Of the version's.
  };
  /// Reads the constraints file, too. Throws preprocessing::SpecError naming the JSON path.
  [[nodiscard]] static Settings ReadSettings(const preprocessing::JsonNode& node);
  [[nodiscard]] static Status Fit(const Settings& settings, const HookSubject& subject);

  ThresholdsHook(Settings settings, const HookContext& context);
  Verdict OnRows(const Invocation& invocation, Remarks& remarks) override;
  Verdict OnFeatures(const Invocation& invocation, Remarks& remarks) override;
  Verdict OnOutputs(const Invocation& invocation, Remarks& remarks) override;
  void OnTick(MonotonicTime now) override;
  void OnDrain() override;

 private:
  /// A rule with what is said of each of its bounds.
  struct Watched {
    preprocessing::ColumnRule rule;
    std::array<std::string, preprocessing::kBounds> flags{};     // "price.max"
    std::array<std::uint64_t, preprocessing::kBounds> broken{};  // since the last line of the log
  };
  /// Where the columns of rules are in one deployment; none: it has no such column.
  struct Places {
    std::string deployment;
    std::vector<std::optional<std::size_t>> of{};  // by rule
    /// By rule and bound, once it was broken.
    std::vector<std::array<std::optional<SeriesCounter>, preprocessing::kBounds>> counters{};
  };
  /// Rules of one kind of values.
  struct Section {
    std::vector<Watched> rules;
    std::vector<Places> places;  // by deployment, as they are met
  };

  struct RuleSet {
    explicit RuleSet(Settings settings);
    Section fields;
    Section features;
    Section outputs;
  };
  /// What holds for the version that a deployment serves.
  struct OfDeployment {
    std::string deployment;
    std::shared_ptr<const model::DriftReference> version;  ///< Null: none that says anything.
    RuleSet rules;
  };

  static Section SectionOf(std::vector<preprocessing::ColumnRule> rules);
  /// Makes them anew when the deployment serves another version than it did.
  RuleSet& RulesFor(const Invocation& invocation);
  [[nodiscard]] RuleSet MakeRules(const model::DriftReference* version) const;
  /// Calls `name_at` for columns 0 to `columns`.
  template <typename NameAt>
  static Places& PlacesOf(Section& section, std::string_view deployment, std::size_t columns,
                          const NameAt& name_at);
  Verdict CheckValues(Section& section, std::string_view deployment,
                      const Invocation::Values& values, Remarks& remarks);
  Verdict Check(std::size_t rule, const preprocessing::Value& value, std::size_t row,
                Section& section, Places& places, Remarks& remarks);
  /// For the log and for Prometheus.
  void Count(std::size_t rule, std::size_t bound, Section& section, Places& places);
  void Report();
  void Report(RuleSet& rules);

  HookContext context_;
  Settings settings_;
  RuleSet rules_;  // where they are the same whatever answers
  std::vector<std::unique_ptr<OfDeployment>> of_deployments_;
  LogLimiter limiter_;
};

}  // namespace forkcast::serving
