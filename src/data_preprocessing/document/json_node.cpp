#include "data_preprocessing/document/json_node.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>
#include <utility>

namespace forkcast::preprocessing {
namespace {

using nlohmann::ordered_json;

std::string PlaceOf(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, std::min(byte, text.size()));
  const auto line = std::ranges::count(before, '\n') + 1;
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return "line " + std::to_string(line) + ", column " +
         std::to_string(before.size() - line_begin + 1);
}

/// Makes a document of what a parser meets. The library's own builder takes a function that may
/// refuse a member, too, and then looks through the whole list behind each object that ends in it:
/// a list of a hundred thousand trees is five thousand million looks.
class DocumentBuilder final : public nlohmann::json_sax<ordered_json> {
 public:
  ordered_json document;

  bool null() override { return Put(nullptr); }
  bool boolean(bool value) override { return Put(value); }
  bool number_integer(number_integer_t value) override { return Put(value); }
  bool number_unsigned(number_unsigned_t value) override { return Put(value); }
  bool number_float(number_float_t value, const std::string& /*text*/) override {
    return Put(value);
  }
  bool string(std::string& value) override { return Put(std::move(value)); }
  bool binary(ordered_json::binary_t& /*value*/) override { return true; }  // no part of JSON

  bool start_object(std::size_t /*members*/) override { return Open(ordered_json::object()); }
  bool key(std::string& name) override {
    Level& object = open_.back();
    if (!object.names.insert(name).second) {
      throw SpecError("member \"" + name + "\" is given twice in one object");
    }
    auto& members = object.value->get_ref<ordered_json::object_t&>();
    // As of a list: its own functions look for the name among all others.
    members.ordered_json::object_t::Container::emplace_back(name, nullptr);
    object.member = &members.back().second;
    return true;
  }
  bool end_object() override { return Close(); }
  bool start_array(std::size_t /*elements*/) override { return Open(ordered_json::array()); }
  bool end_array() override { return Close(); }

  bool parse_error(std::size_t /*at*/, const std::string& /*token*/,
                   const ordered_json::exception& error) override {
    if (const auto* const syntax = dynamic_cast<const ordered_json::parse_error*>(&error)) {
      throw *syntax;
    }
    const std::string_view what = error.what();  // "[kind] number overflow parsing '1e999'"
    throw SpecError(std::string(what.substr(what.find("] ") + 2)));
  }

 private:
  /// What is read of an object or list that has not ended. It stays where it is: nothing is added
  /// to those around it.
  struct Level {
    ordered_json* value;
    ordered_json* member = nullptr;  ///< Of an object: the one whose name was read last.
    std::set<std::string> names{};   ///< Of an object.
  };

  ordered_json* Add(ordered_json value) {
    if (open_.empty()) {
      document = std::move(value);
      return &document;
    }
    if (open_.back().member != nullptr) {
      *open_.back().member = std::move(value);
      return open_.back().member;
    }
    auto& list = open_.back().value->get_ref<ordered_json::array_t&>();
    return &list.emplace_back(std::move(value));
  }
  bool Put(ordered_json value) {
    (void)Add(std::move(value));
    return true;
  }
  bool Open(ordered_json value) {
    // Whoever writes or copies it calls itself per level.
    if (open_.size() == kMostJsonDepth) {
      throw SpecError("nested too deep: expected at most " + std::to_string(kMostJsonDepth) +
                      " levels");
    }
    open_.push_back({.value = Add(std::move(value))});
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }

  std::vector<Level> open_;
};

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

void JsonNode::RequireFormat(std::string_view format) const {
  const JsonNode given = Get("format");
  if (given.String() != format) given.Fail("expected " + std::string(format));
}

void JsonNode::RequireFormat(std::string_view format, std::int64_t version) const {
  RequireFormat(format);
  static_cast<void>(Get("format_version").Integer(version, version));
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

ordered_json ParseJson(std::string_view text) {
  try {
    DocumentBuilder builder;
    (void)ordered_json::sax_parse(text, &builder);
    return std::move(builder.document);
  } catch (const ordered_json::parse_error& error) {
    throw SpecError(PlaceOf(text, error.byte == 0 ? 0 : error.byte - 1) + ": not JSON");
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
