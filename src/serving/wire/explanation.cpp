#include "serving/wire/explanation.hpp"

#include <cmath>
#include <span>

#include "serving/wire/answer_writer.hpp"

namespace forkcast::wire {
namespace {

void AppendMember(std::string_view key, double number, std::string& out) {
  out.append(",\"").append(key).append("\":");
  AppendJsonValue(number, out);
}

/// `key`: what a part is called by.
void AppendParts(std::string_view list, std::string_view key,
                 std::span<const Explanation::Part> parts, bool is_logarithmic, std::string& out) {
  out.append(",\"").append(list).append("\":[");
  bool is_first = true;
  for (const Explanation::Part& part : parts) {
    out.append(is_first ? "{\"" : ",{\"").append(key).append("\":");
    is_first = false;
    AppendJsonString(part.name, out);
    if (key == "feature") {
      out += ",\"value\":";
      AppendJsonValue(part.value, out);
    }
    AppendMember("contribution", part.contribution, out);
    if (is_logarithmic) AppendMember("factor", std::exp(part.contribution), out);
    out += '}';
  }
  out += ']';
}

}  // namespace

void AppendExplanation(const Explanation& explanation, std::string& out) {
  out += '{';
  if (!explanation.of.empty()) {
    out += "\"of\":";
    AppendJsonString(explanation.of, out);
    out += ',';
  }
  out += "\"scale\":";
  AppendJsonString(explanation.scale, out);
  AppendMember("base", explanation.base, out);
  AppendParts("contributions", "feature", explanation.features, explanation.is_logarithmic, out);
  AppendMember("others", explanation.others, out);
  if (!explanation.groups.empty()) {
    AppendParts("groups", "group", explanation.groups, explanation.is_logarithmic, out);
  }
  AppendMember("score", explanation.score, out);
  out += '}';
}

}  // namespace forkcast::wire
