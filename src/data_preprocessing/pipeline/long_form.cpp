#include "data_preprocessing/pipeline/long_form.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/features/operator_types.hpp"
#include "data_preprocessing/series/aggregate_spec.hpp"

namespace forkcast::preprocessing {
namespace {

using nlohmann::ordered_json;

/// More of them in one list are hardly meant.
constexpr std::size_t kMostElements = 1000;

/// The member, or null where there is none: documents come here unchecked.
const ordered_json* MemberOf(const ordered_json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

std::optional<std::string> TextOf(const ordered_json& object, std::string_view name) {
  const ordered_json* const member = MemberOf(object, name);
  if (member == nullptr || !member->is_string()) return std::nullopt;
  return member->get<std::string>();
}

void SetWhereAbsent(ordered_json& object, const char* name, const ordered_json& value) {
  if (!object.contains(name)) object[name] = value;
}

/// What is for people alone.
void DropDescription(ordered_json& object) {
  const ordered_json* const text = MemberOf(object, "description");
  if (text != nullptr && (text->is_string() || text->is_array())) object.erase("description");
}

void DropDescriptions(ordered_json& document) {
  for (const char* const section : {"request", "forecast"}) {
    if (document.contains(section)) DropDescription(document[section]);
  }
  for (const char* const section : {"tables", "series", "features"}) {
    if (!document.contains(section) || !document[section].is_structured()) continue;
    for (auto& [name, one] : document[section].items()) DropDescription(one);
  }
}

void WriteOutValues(ordered_json& series) {
  const ordered_json::json_pointer values("/aggregate/values");
  if (!series.is_object() || !series.contains(values) || !series[values].is_object()) return;
  for (auto& [name, value] : series[values].items()) {
    const auto op = TextOf(value, "op");
    if (!op) continue;
    const bool counts = *op == ToString(AggregateOp::kCount);
    if (!counts) SetWhereAbsent(value, "column", name);
    SetWhereAbsent(value, "empty", counts ? ordered_json(0) : ordered_json("missing"));
  }
}

/// What follows from the sections before `features`.
class KeyFields {
 public:
  explicit KeyFields(const ordered_json& document) : document_(document) {}

  /// The request fields that hold the key of `series`: of each key column the one that holds it for
  /// `forecast`, else the one of its name. None where the series or a field is not there.
  [[nodiscard]] std::optional<ordered_json> Of(const std::string& series) const {
    const ordered_json* const columns = KeyOf(series);
    if (columns == nullptr) return std::nullopt;
    ordered_json fields = ordered_json::array();
    for (const ordered_json& column : *columns) {
      const ordered_json* const field = FieldOf(column);
      if (field == nullptr) return std::nullopt;
      fields.push_back(*field);
    }
    return fields;
  }

 private:
  [[nodiscard]] const ordered_json* KeyOf(const std::string& series) const {
    const ordered_json* const all = MemberOf(document_, "series");
    const ordered_json* const one = all == nullptr ? nullptr : MemberOf(*all, series);
    const ordered_json* const key = one == nullptr ? nullptr : MemberOf(*one, "key");
    return key == nullptr || !key->is_array() ? nullptr : key;
  }

  [[nodiscard]] const ordered_json* FieldOf(const ordered_json& column) const {
    if (const ordered_json* const forecast = MemberOf(document_, "forecast")) {
      const ordered_json* const fields = MemberOf(*forecast, "key");
      const ordered_json* const columns = KeyOf(TextOf(*forecast, "series").value_or(""));
      if (fields != nullptr && fields->is_array() && columns != nullptr) {
        const auto place = static_cast<std::size_t>(
            std::find(columns->begin(), columns->end(), column) - columns->begin());
        if (place < columns->size() && place < fields->size()) return &(*fields)[place];
      }
    }
    const ordered_json* const request = MemberOf(document_, "request");
    const ordered_json* const fields = request == nullptr ? nullptr : MemberOf(*request, "fields");
    const bool is_field = fields != nullptr && column.is_string() &&
                          MemberOf(*fields, column.get_ref<const std::string&>()) != nullptr;
    return is_field ? &column : nullptr;
  }

  const ordered_json& document_;
};

/// The members of `reader` that say which series it reads, and of which key.
void WriteOutRead(ordered_json& reader, const ordered_json& document) {
  const ordered_json* const forecast = MemberOf(document, "forecast");
  if (forecast != nullptr) {
    const auto series = TextOf(*forecast, "series");
    if (series) SetWhereAbsent(reader, "series", *series);
    const ordered_json* const value = MemberOf(*forecast, "value");
    if (value != nullptr && TextOf(reader, "series") == series) {
      SetWhereAbsent(reader, "value", *value);
    }
  }
  if (reader.contains("key")) return;
  const auto series = TextOf(reader, "series");
  const auto key = series ? KeyFields(document).Of(*series) : std::nullopt;
  if (key) reader["key"] = *key;
}

/// How an element of a list stands in a name.
std::string NamePart(const JsonNode& element) {
  const ordered_json& value = element.json();
  if (value.is_string() && !value.get_ref<const std::string&>().empty()) return element.String();
  if (value.is_number_integer()) return value.dump();
  element.Fail("expected an integer or a name: a feature is called after it");
}

/// `name` with what it says in place of `{MEMBER}`, else behind it.
std::string NameOfOne(std::string name, std::string_view member, const std::string& part) {
  const std::string place = fmt::format("{{{}}}", member);
  const std::size_t at = name.find(place);
  if (at == std::string::npos) return fmt::format("{}_{}", name, part);
  return name.replace(at, place.size(), part);
}

/// The members in which a feature has a list. Throws SpecError for more than one.
std::optional<std::string_view> ListOf(const JsonNode& feature, const OperatorType& type) {
  std::optional<std::string_view> list;
  for (const std::string_view member : type.lists) {
    const auto given = member.empty() ? std::nullopt : feature.Find(member);
    if (!given || !given->json().is_array()) continue;
    if (list) given->Fail(fmt::format("beside a list in \"{}\": one of them only", *list));
    list = member;
  }
  return list;
}

/// One element of `features` as the features that it declares.
std::vector<ordered_json> FeaturesOf(const JsonNode& feature, const OperatorType& type) {
  const auto list = ListOf(feature, type);
  if (!list) {
    ordered_json one = feature.json();
    if (const auto named_after = TextOf(one, type.named_after)) {
      SetWhereAbsent(one, "name", *named_after);
    }
    return {std::move(one)};
  }
  const JsonNode member = feature.Get(*list);
  const std::vector<JsonNode> elements = member.Elements();
  if (elements.empty() || elements.size() > kMostElements) {
    member.Fail(fmt::format("expected 1 to {} elements", kMostElements));
  }
  ordered_json pattern = feature.json();
  std::vector<ordered_json> features;
  for (const JsonNode& element : elements) {
    const std::string part = NamePart(element);
    if (std::ranges::count(member.json(), element.json()) > 1) element.Fail("given twice");
    pattern[std::string(*list)] = element.json();
    if (const auto name = feature.Find("name")) {
      pattern["name"] = NameOfOne(name->String(), *list, part);
    } else if (*list == type.named_after) {
      pattern["name"] = part;
    }
    features.push_back(pattern);
  }
  return features;
}

void WriteOutReads(const OperatorType& type, const ordered_json& document, ordered_json& feature) {
  if (!type.reads_series) return;
  WriteOutRead(feature, document);
  const auto match = feature.find("match");
  if (match == feature.end() || !match->is_array()) return;
  for (ordered_json& like : *match) {
    if (like.is_object()) WriteOutRead(like, document);
  }
}

void WriteOutFeatures(LongForm& form) {
  const ordered_json* const written = MemberOf(form.document, "features");
  if (written == nullptr || !written->is_array()) return;
  ordered_json features = ordered_json::array();
  for (const JsonNode& feature : JsonNode(form.document).Get("features").Elements()) {
    const OperatorType* const type = FindOperatorType(TextOf(feature.json(), "op").value_or(""));
    if (type == nullptr) {
      features.push_back(feature.json());
      form.feature_places.push_back(feature.path());
      continue;
    }
    for (ordered_json& one : FeaturesOf(feature, *type)) {
      WriteOutReads(*type, form.document, one);
      features.push_back(std::move(one));
      form.feature_places.push_back(feature.path());
    }
  }
  form.document["features"] = std::move(features);
}

}  // namespace

LongForm WriteOut(ordered_json document) {
  LongForm form{.document = std::move(document), .feature_places = {}};
  if (!form.document.is_object()) return form;
  DropDescriptions(form.document);
  const auto series = form.document.find("series");
  if (series != form.document.end() && series->is_object()) {
    for (auto& [name, one] : series->items()) WriteOutValues(one);
  }
  const auto forecast = form.document.find("forecast");
  if (forecast != form.document.end() && forecast->is_object() && !forecast->contains("key")) {
    const auto key = KeyFields(form.document).Of(TextOf(*forecast, "series").value_or(""));
    if (key) (*forecast)["key"] = *key;
  }
  WriteOutFeatures(form);
  return form;
}

}  // namespace forkcast::preprocessing
