#include "model/init/pipeline_text.hpp"

#include <cstddef>

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kWidth = 130;
constexpr std::size_t kIndent = 2;

/// On one line, with blanks behind commas and colons.
std::string OnOneLine(const ordered_json& value) {
  if (!value.is_structured()) return value.dump();
  std::string text(1, value.is_object() ? '{' : '[');
  for (const auto& [name, member] : value.items()) {
    if (text.size() > 1) text += ", ";
    if (value.is_object()) text += ordered_json(name).dump() + ": ";
    text += OnOneLine(member);
  }
  return text + (value.is_object() ? '}' : ']');
}

/// Behind `column` characters of its line.
std::string Laid(const ordered_json& value, std::size_t indent, std::size_t column) {
  const std::string line = OnOneLine(value);
  const bool is_short = column + line.size() <= kWidth;
  const bool is_section = indent == 0;
  if (!value.is_structured() || value.empty() || (is_short && !is_section)) return line;
  const std::string inner(indent + kIndent, ' ');
  std::string text(1, value.is_object() ? '{' : '[');
  bool is_first = true;
  for (const auto& [name, member] : value.items()) {
    text += is_first ? "\n" : ",\n";
    is_first = false;
    const std::string head = value.is_object() ? ordered_json(name).dump() + ": " : "";
    text += inner + head + Laid(member, indent + kIndent, inner.size() + head.size());
  }
  return text + "\n" + std::string(indent, ' ') + (value.is_object() ? '}' : ']');
}

}  // namespace

std::string PipelineText(const ordered_json& document) { return Laid(document, 0, 0) + "\n"; }

}  // namespace forkcast::model
