#include "serving/hooks/thresholds_hook.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>

#include <algorithm>
#include <utility>

#include "data_preprocessing/rules/constraints.hpp"

namespace forkcast::serving {

using preprocessing::Bound;
using preprocessing::ColumnRule;
using preprocessing::Constraints;
using preprocessing::JsonNode;
using preprocessing::RuleAction;
using preprocessing::RuleSubject;
using preprocessing::Value;

namespace {

/// What is said here of a column takes the place of what the file says.
void Override(std::vector<ColumnRule>& rules, std::vector<ColumnRule> nearer) {
  for (ColumnRule& rule : nearer) {
    const auto known = std::ranges::find(rules, rule.column, &ColumnRule::column);
    if (known == rules.end()) {
      rules.push_back(std::move(rule));
    } else {
      *known = std::move(rule);
    }
  }
}

std::vector<RuleSubject> SubjectsOf(std::span<const HookColumn> columns) {
  std::vector<RuleSubject> subjects;
  for (const HookColumn& column : columns) subjects.push_back({column.name, column.type});
  return subjects;
}

}  // namespace

ThresholdsHook::Settings ThresholdsHook::ReadSettings(const JsonNode& node) {
  node.RequireObject(
      {"type", "constraints", "version_constraints", "action", "fields", "features", "outputs"});
  Settings settings;
  if (const auto action = node.Find("action")) {
    settings.usual = preprocessing::ReadRuleAction(*action);
  }
  const RuleAction usual = settings.usual;
  if (const auto of_version = node.Find("version_constraints")) {
    settings.of_version = of_version->Bool();
  }
  if (const auto file = node.Find("constraints")) {
    Constraints constraints = Constraints::Read(file->String(), usual);
    settings.fields = std::move(constraints.fields);
    settings.features = std::move(constraints.features);
    settings.outputs = std::move(constraints.outputs);
  }
  const auto read = [&](std::string_view member, std::vector<ColumnRule>& rules) {
    if (const auto own = node.Find(member)) Override(rules, preprocessing::ReadRules(*own, usual));
  };
  read("fields", settings.fields);
  read("features", settings.features);
  read("outputs", settings.outputs);
  if (!settings.of_version && settings.fields.empty() && settings.features.empty() &&
      settings.outputs.empty()) {
    node.Fail(
        "expected rules: a \"constraints\" file, \"version_constraints\", or \"fields\", "
        "\"features\" or \"outputs\"");
  }
  return settings;
}

Status ThresholdsHook::Fit(const Settings& settings, const HookSubject& subject) {
  Status fit = FitRules(settings.fields, SubjectsOf(subject.fields), "request field");
  if (fit) fit = FitRules(settings.features, SubjectsOf(subject.features), "feature");
  if (fit) fit = FitRules(settings.outputs, SubjectsOf(subject.outputs), "output");
  if (fit) return {};
  return Error{fit.error().code,
               fmt::format("{} (of deployment {})", fit.error().message, subject.deployment),
               fit.error().field};
}

ThresholdsHook::ThresholdsHook(Settings settings, const HookContext& context)
    : context_(context), settings_(std::move(settings)), rules_(settings_) {}

ThresholdsHook::RuleSet::RuleSet(Settings settings)
    : fields(SectionOf(std::move(settings.fields))),
      features(SectionOf(std::move(settings.features))),
      outputs(SectionOf(std::move(settings.outputs))) {}

ThresholdsHook::RuleSet ThresholdsHook::MakeRules(const model::DriftReference* version) const {
  if (version == nullptr) return RuleSet(settings_);
  Settings all = settings_;
  const auto join = [&all](std::vector<ColumnRule> rules, std::vector<ColumnRule>& nearer) {
    for (ColumnRule& rule : rules) rule.action = all.usual;
    Override(rules, std::move(nearer));
    nearer = std::move(rules);
  };
  join(version->constraints.fields, all.fields);
  join(version->constraints.features, all.features);
  join(version->constraints.outputs, all.outputs);
  return RuleSet(std::move(all));
}

ThresholdsHook::RuleSet& ThresholdsHook::RulesFor(const Invocation& invocation) {
  if (!settings_.of_version) return rules_;
  const model::DriftReference* const version = invocation.drift_reference;
  for (const auto& known : of_deployments_) {
    if (known->deployment != invocation.deployment) continue;
    if (known->version.get() == version) return known->rules;
    Report(known->rules);
    known->version = version == nullptr ? nullptr : version->shared_from_this();
    known->rules = MakeRules(version);
    return known->rules;
  }
  of_deployments_.push_back(std::make_unique<OfDeployment>(
      OfDeployment{.deployment = std::string(invocation.deployment),
                   .version = version == nullptr ? nullptr : version->shared_from_this(),
                   .rules = MakeRules(version)}));
  return of_deployments_.back()->rules;
}

ThresholdsHook::Section ThresholdsHook::SectionOf(std::vector<ColumnRule> rules) {
  Section section;
  for (ColumnRule& rule : rules) {
    Watched watched{.rule = std::move(rule)};
    for (std::size_t i = 0; i < preprocessing::kBounds; ++i) {
      watched.flags[i] = fmt::format("{}.{}", watched.rule.column, NameOf(static_cast<Bound>(i)));
    }
    section.rules.push_back(std::move(watched));
  }
  return section;
}

/// A deployment may have got another version since: its names are looked at each time, which is a
/// comparison a rule, and places are looked up anew only where they differ.
template <typename NameAt>
ThresholdsHook::Places& ThresholdsHook::PlacesOf(Section& section, std::string_view deployment,
                                                 std::size_t columns, const NameAt& name_at) {
  auto places = std::ranges::find(section.places, deployment, &Places::deployment);
  if (places == section.places.end()) {
    places = section.places.insert(places, {.deployment = std::string(deployment)});
    places->of.resize(section.rules.size());
    places->counters.resize(section.rules.size());
  }
  for (std::size_t i = 0; i < section.rules.size(); ++i) {
    const std::string& name = section.rules[i].rule.column;
    std::optional<std::size_t>& place = places->of[i];
    if (place && *place < columns && name_at(*place) == name) continue;
    place.reset();
    for (std::size_t column = 0; column < columns && !place; ++column) {
      if (name_at(column) == name) place = column;
    }
  }
  return *places;
}

void ThresholdsHook::Count(std::size_t rule, std::size_t bound, Section& section, Places& places) {
  Watched& watched = section.rules[rule];
  ++watched.broken[bound];
  if (context_.series == nullptr) return;
  std::optional<SeriesCounter>& counter = places.counters[rule][bound];
  if (!counter) {
    const std::array<std::string_view, 2> labels{places.deployment, watched.flags[bound]};
    counter = context_.series->CounterOf("broken_thresholds", labels);
  }
  counter->Add(1);
}

Verdict ThresholdsHook::Check(std::size_t rule, const Value& value, std::size_t row,
                              Section& section, Places& places, Remarks& remarks) {
  const Watched& watched = section.rules[rule];
  const auto broken = watched.rule.BrokenBy(value);
  if (!broken) return Verdict::kGoOn;
  const auto bound = static_cast<std::size_t>(*broken);
  Count(rule, bound, section, places);
  switch (watched.rule.action) {
    case RuleAction::kCount:
      return Verdict::kGoOn;
    case RuleAction::kFlag:
      remarks.flags.push_back({.row = row, .text = watched.flags[bound]});
      return Verdict::kFlag;
    case RuleAction::kReject:
      remarks.refused_rows.push_back(
          {.row = row,
           .error = {ErrorCode::kRejected, watched.rule.Explain(*broken, value),
                     watched.rule.column}});
      return Verdict::kReject;
  }
  return Verdict::kGoOn;
}

Verdict ThresholdsHook::OnRows(const Invocation& invocation, Remarks& remarks) {
  Verdict gravest = Verdict::kGoOn;
  if (invocation.rows.fields == nullptr) return gravest;
  Section& section = RulesFor(invocation).fields;
  if (section.rules.empty()) return gravest;
  const preprocessing::Table& rows = *invocation.rows.fields;
  const auto& columns = rows.schema().columns;
  Places& places =
      PlacesOf(section, invocation.deployment, columns.size(),
               [&columns](std::size_t i) -> std::string_view { return columns[i].name; });
  for (std::size_t i = 0; i < section.rules.size(); ++i) {
    if (!places.of[i]) continue;
    const preprocessing::Column& column = rows.column(*places.of[i]);
    for (std::size_t row = 0; row < invocation.rows.row_numbers.size(); ++row) {
      gravest = std::max(gravest, Check(i, ValueAt(column, row), invocation.rows.row_numbers[row],
                                        section, places, remarks));
    }
  }
  return gravest;
}

Verdict ThresholdsHook::OnFeatures(const Invocation& invocation, Remarks& remarks) {
  return CheckValues(RulesFor(invocation).features, invocation.deployment, invocation.features,
                     remarks);
}

Verdict ThresholdsHook::OnOutputs(const Invocation& invocation, Remarks& remarks) {
  return CheckValues(RulesFor(invocation).outputs, invocation.deployment, invocation.outputs,
                     remarks);
}

Verdict ThresholdsHook::CheckValues(Section& section, std::string_view deployment,
                                    const Invocation::Values& values, Remarks& remarks) {
  Verdict gravest = Verdict::kGoOn;
  if (section.rules.empty()) return gravest;
  const std::size_t width = values.names.size();
  Places& places =
      PlacesOf(section, deployment, width,
               [&values](std::size_t i) -> std::string_view { return values.names[i]; });
  for (std::size_t line = 0; line < values.row_numbers.size(); ++line) {
    for (std::size_t i = 0; i < section.rules.size(); ++i) {
      if (!places.of[i]) continue;
      gravest = std::max(gravest, Check(i, values.values[line * width + *places.of[i]],
                                        values.row_numbers[line], section, places, remarks));
    }
  }
  return gravest;
}

void ThresholdsHook::OnTick(MonotonicTime now) {
  const auto has_news = [](const Section& section) {
    return std::ranges::any_of(section.rules, [](const Watched& watched) {
      return std::ranges::any_of(watched.broken, [](std::uint64_t count) { return count > 0; });
    });
  };
  const auto has_any = [&has_news](const RuleSet& rules) {
    return has_news(rules.fields) || has_news(rules.features) || has_news(rules.outputs);
  };
  const bool is_due = has_any(rules_) || std::ranges::any_of(of_deployments_, [&](const auto& one) {
                        return has_any(one->rules);
                      });
  if (is_due && limiter_.Pass(now)) Report();
}

void ThresholdsHook::OnDrain() { Report(); }

void ThresholdsHook::Report() {
  Report(rules_);
  for (const auto& one : of_deployments_) Report(one->rules);
}

void ThresholdsHook::Report(RuleSet& rules) {
  for (Section* section : {&rules.fields, &rules.features, &rules.outputs}) {
    for (Watched& watched : section->rules) {
      for (std::size_t i = 0; i < preprocessing::kBounds; ++i) {
        const std::uint64_t count = std::exchange(watched.broken[i], 0);
        if (count == 0) continue;
        context_.log.warn("threshold_broken rule={:?} times={}", watched.flags[i], count);
      }
    }
  }
}

}  // namespace forkcast::serving
