#include "data_preprocessing/document/json_node.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>

namespace forkcast::preprocessing {
namespace {

std::string PlaceOf(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, std::min(byte, text.size()));
  const auto line = std::ranges::count(before, '\n') + 1;
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return "line " + std::to_string(line) + ", column " +
         std::to_string(before.size() - line_begin + 1);
}

}  // namespace

void JsonNode::FailType(std::string_view expected) const {
  std::string got = value_->dump();
  constexpr std::size_t kShown = 60;
  if (got.size() > kShown) got = got.substr(0, kShown) + "...";
  Fail("expected " + std::string(expected) + ", got " + got);
}

const JsonNode& JsonNode::RequireObject(std::initializer_list<std::string_view> allowed) const {
  EachMember([&allowed](const std::string& name, const JsonNode& member) {
    if (std::ranges::find(allowed, name) != allowed.end()) return;
    std::string names;
    for (const std::string_view one : allowed) {
      names += names.empty() ? "" : ", ";
      names += one;
    }
    member.Fail("unknown key; known here: " + names);
  });
  return *this;
}

JsonNode JsonNode::Get(std::string_view name) const {
  if (auto found = Find(name)) return *found;
  Fail("missing key \"" + std::string(name) + "\"");
}

std::optional<JsonNode> JsonNode::Find(std::string_view name) const {
  if (!value_->is_object()) FailType("an object");
  const auto found = value_->find(name);
  if (found == value_->end()) return std::nullopt;
  return JsonNode(*found, path_ + "." + std::string(name));
}

void JsonNode::EachMember(
    const std::function<void(const std::string&, const JsonNode&)>& visit) const {
  if (!value_->is_object()) FailType("an object");
  for (const auto& [name, member] : value_->items()) {
    visit(name, JsonNode(member, path_ + "." + name));
  }
}

std::vector<JsonNode> JsonNode::Elements() const {
  if (!value_->is_array()) FailType("an array");
  std::vector<JsonNode> elements;
  for (std::size_t i = 0; i < value_->size(); ++i) {
    elements.emplace_back((*value_)[i], path_ + "[" + std::to_string(i) + "]");
  }
  return elements;
}

std::string JsonNode::String() const {
  if (!value_->is_string() || value_->get_ref<const std::string&>().empty()) {
    FailType("a text that is not empty");
  }
  return value_->get<std::string>();
}

std::vector<std::string> JsonNode::Strings() const {
  std::vector<std::string> strings;
  for (const JsonNode& element : Elements()) {
    strings.push_back(element.String());
    if (std::ranges::count(strings, strings.back()) > 1) element.Fail("given twice");
  }
  return strings;
}

bool JsonNode::Bool() const {
  if (!value_->is_boolean()) FailType("true or false");
  return value_->get<bool>();
}

std::int64_t JsonNode::Integer(std::int64_t least, std::int64_t greatest) const {
  const auto range = [&] {
    return "an integer from " + std::to_string(least) + " to " + std::to_string(greatest);
  };
  // An unsigned value beyond int64 would turn negative in get().
  if (!value_->is_number_integer() ||
      (value_->is_number_unsigned() &&
       value_->get<std::uint64_t>() >
           static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))) {
    FailType(range());
  }
  const auto value = value_->get<std::int64_t>();
  if (value < least || value > greatest) FailType(range());
  return value;
}

double JsonNode::Number(double least, double greatest) const {
  std::ostringstream range;
  range << "a number from " << least << " to " << greatest;
  if (!value_->is_number()) FailType(range.str());
  const auto value = value_->get<double>();
  if (!(value >= least && value <= greatest)) FailType(range.str());
  return value;
}

nlohmann::ordered_json ParseJson(std::string_view text) {
  std::vector<std::set<std::string>> open_objects;
  const auto watch = [&open_objects](int, nlohmann::ordered_json::parse_event_t event,
                                     nlohmann::ordered_json& parsed) {
    using Event = nlohmann::ordered_json::parse_event_t;
    if (event == Event::object_start) open_objects.emplace_back();
    if (event == Event::object_end) open_objects.pop_back();
    if (event == Event::key) {
      const auto& name = parsed.get_ref<const std::string&>();
      if (!open_objects.back().insert(name).second) {
        throw SpecError("member \"" + name + "\" is given twice in one object");
      }
    }
    return true;
  };
  try {
    return nlohmann::ordered_json::parse(text, watch);
  } catch (const nlohmann::ordered_json::parse_error& error) {
    throw SpecError(PlaceOf(text, error.byte == 0 ? 0 : error.byte - 1) + ": not JSON");
  } catch (const nlohmann::ordered_json::out_of_range& error) {
    const std::string_view what = error.what();  // "[kind] number overflow parsing '1e999'"
    throw SpecError(std::string(what.substr(what.find("] ") + 2)));
  }
}

std::string ReadTextFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file && file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  if (!file.is_open() || file.bad() || std::filesystem::is_directory(path)) {
    throw SpecError(path.string() + ": cannot be read" +
                    (errno != 0 ? std::string(": ") + std::strerror(errno) : std::string()));
  }
  return std::move(text).str();
}

nlohmann::ordered_json ReadJsonFile(const std::filesystem::path& path) {
  const std::string text = ReadTextFile(path);
  try {
    return ParseJson(text);
  } catch (const SpecError& error) {
    throw SpecError(path.string() + ": " + error.what());
  }
}

}  // namespace forkcast::preprocessing
