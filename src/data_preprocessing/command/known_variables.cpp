#include "data_preprocessing/command/known_variables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <regex>

#include "data_preprocessing/base/suggestion.hpp"

namespace forkcast::preprocessing {

std::vector<std::string> VariablesOf(std::span<const Command> commands) {
  std::vector<std::string> variables;
  for (const Command& command : commands) {
    variables.insert(variables.end(), command.variables.begin(), command.variables.end());
    for (const Flag& flag : command.flags) {
      if (!flag.variable.empty()) variables.push_back(flag.variable);
    }
    const std::vector<std::string> below = VariablesOf(command.verbs);
    variables.insert(variables.end(), below.begin(), below.end());
  }
  return variables;
}

bool IsOfService(std::string_view name, std::string_view value) {
  static const std::regex kForm(
      ".*_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_PROTO|_PORT|_ADDR)?"
      ")");
  if (name.ends_with("_PORT") && value.find("://") != value.npos) return true;
  return std::regex_match(name.begin(), name.end(), kForm);
}

Status CheckVariables(std::span<const std::string> variables, const Environment& environment,
                      std::span<const std::string> known, bool only_mistyped) {
  for (const std::string& name : variables) {
    if (!name.starts_with(kVariablePrefix)) continue;
    if (std::ranges::find(known, name) != known.end()) continue;
    const auto value = environment(name.c_str());
    if (!value || IsOfService(name, *value)) continue;
    // What all names begin with makes none of them like another.
    std::vector<std::string> endings;
    for (const std::string& one : known) {
      if (one.starts_with(kVariablePrefix)) endings.push_back(one.substr(kVariablePrefix.size()));
    }
    const std::string meant =
        DidYouMean(std::string_view(name).substr(kVariablePrefix.size()), endings, kVariablePrefix);
    if (meant.empty() && only_mistyped) continue;
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("unknown environment variable {}{} (--help lists a command's)", name, meant),
        name};
  }
  return {};
}

}  // namespace forkcast::preprocessing
