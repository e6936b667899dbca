#include "model/drift/reference.hpp"

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;

constexpr const char* kReferenceFormat = "forkcast.reference";
constexpr std::int64_t kReferenceVersion = 1;

ordered_json ObjectIn(const JsonNode& root, const char* member) {
  const JsonNode node = root.Get(member);
  if (!node.json().is_object()) node.Fail("expected an object");
  return node.json();
}

// What versions were published with before there was one form for all kinds.

Reference ReadForecastOfBefore(const JsonNode& root) {
  root.RequireObject({"features", "forecasts"});
  return {.features = ObjectIn(root, "features"),
          .outputs = {{"value", ObjectIn(root, "forecasts")}}};
}

/// Its shares of classes are counts now.
Reference ReadClassifierOfBefore(const JsonNode& root) {
  root.RequireObject({"features", "predicted_shares", "probability"});
  const auto rows = root.Get("probability").Get("rows").Integer(0, INT64_MAX);
  ordered_json counts = ordered_json::object();
  root.Get("predicted_shares").EachMember([&](const std::string& name, const JsonNode& share) {
    counts[name] = std::llround(share.Number(0, 1) * static_cast<double>(rows));
  });
  return {
      .features = ObjectIn(root, "features"),
      .outputs = {{"class", {{"rows", rows}, {"missing", 0}, {"categories", std::move(counts)}}},
                  {"probability", ObjectIn(root, "probability")}}};
}

}  // namespace

ordered_json Reference::ToJson() const {
  return {{"format", kReferenceFormat},
          {"format_version", kReferenceVersion},
          {"features", features},
          {"outputs", outputs}};
}

Reference Reference::FromJson(const JsonNode& root) {
  if (root.Find("forecasts")) return ReadForecastOfBefore(root);
  if (root.Find("predicted_shares")) return ReadClassifierOfBefore(root);
  root.RequireObject({"format", "format_version", "features", "outputs"});
  root.RequireFormat(kReferenceFormat, kReferenceVersion);
  return {.features = ObjectIn(root, "features"), .outputs = ObjectIn(root, "outputs")};
}

}  // namespace forkcast::model
