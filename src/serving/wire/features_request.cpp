#include "serving/wire/features_request.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <bit>
#include <string>
#include <utility>
#include <vector>

#include "serving/wire/answer_writer.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::wire {
namespace {

namespace dom = simdjson::dom;

static_assert(kBodyPadding >= simdjson::SIMDJSON_PADDING);

constexpr std::size_t kKeptBytes = 262144;  // of a parser's memory

Error Wrong(std::string_view place, std::string_view message) {
  return {ErrorCode::kInvalidArgument, fmt::format("$.{}: {}", place, message)};
}

/// A number that was written with a fraction stays one: 3.0.
void AppendFraction(double number, std::string& json) {
  const std::size_t begin = json.size();
  AppendJsonValue(number, json);
  if (json.find_first_of(".e", begin) == std::string::npos) json += ".0";
}

}  // namespace

class FeaturesRequest::Reader {
 public:
  Status Read(std::string_view body) {
    Clear();
    dom::element root;
    if (simdjson::error_code failed = Parse(body, root); failed != simdjson::SUCCESS) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("not JSON: {}", simdjson::error_message(failed))};
    }
    dom::object members;
    if (root.get(members) != simdjson::SUCCESS) {
      return Error{ErrorCode::kInvalidArgument, "$: expected an object"};
    }
    for (const auto& [key, value] : members) {
      Status read = ReadMember(key, value);
      if (!read) return read;
    }
    if (!service_.empty() && !features_.empty()) {
      return Wrong("features", "beside \"feature_service\": expected one of both");
    }
    if (!has_entities_) return Wrong("entities", "missing: expected a field's values in each");
    if (entities_.empty()) {
      return Wrong("entities", "expected a field with the values of all rows");
    }
    return {};
  }

  [[nodiscard]] const dom::element& ValueOf(std::size_t entity, std::size_t row) const noexcept {
    return values_[entity * rows_ + row];
  }
  [[nodiscard]] std::string_view service() const noexcept { return service_; }
  [[nodiscard]] std::span<const std::string_view> features() const noexcept { return features_; }
  [[nodiscard]] std::span<const std::string_view> entities() const noexcept { return entities_; }
  [[nodiscard]] bool full_names() const noexcept { return full_names_; }
  [[nodiscard]] std::size_t row_count() const noexcept { return rows_; }

 private:
  void Clear() {
    service_ = {};
    features_.clear();
    full_names_ = has_entities_ = false;
    entities_.clear();
    values_.clear();
    rows_ = 0;
    if (parser_.capacity() > kKeptBytes) parser_ = dom::parser();
  }

  simdjson::error_code Parse(std::string_view body, dom::element& root) {
    // Doubling, so that bodies of growing length do not allocate each.
    if (parser_.capacity() < body.size()) {
      const simdjson::error_code failed = parser_.allocate(std::bit_ceil(body.size()));
      if (failed != simdjson::SUCCESS) return failed;
    }
    return parser_.parse(body.data(), body.size(), /*realloc_if_needed=*/false).get(root);
  }

  Status ReadMember(std::string_view key, const dom::element& value) {
    if (key == "feature_service") {
      if (value.get(service_) == simdjson::SUCCESS && !service_.empty()) return {};
      return Wrong(key, "expected a text that is not empty");
    }
    if (key == "features") return ReadFeatures(value);
    if (key == "entities") return ReadEntities(value);
    if (key != "full_feature_names") return {};
    if (value.get(full_names_) == simdjson::SUCCESS) return {};
    return Wrong(key, "expected true or false");
  }

  Status ReadFeatures(const dom::element& value) {
    dom::array names;
    if (!features_.empty()) return Wrong("features", "given twice");
    if (value.get(names) != simdjson::SUCCESS) {
      return Wrong("features", "expected an array of names");
    }
    for (const dom::element& one : names) {
      if (one.get(features_.emplace_back()) != simdjson::SUCCESS || features_.back().empty()) {
        return Wrong(fmt::format("features[{}]", features_.size() - 1),
                     "expected a text that is not empty");
      }
    }
    return {};
  }

  Status ReadEntities(const dom::element& value) {
    dom::object fields;
    if (std::exchange(has_entities_, true)) return Wrong("entities", "given twice");
    if (value.get(fields) != simdjson::SUCCESS) {
      return Wrong("entities", "expected an object of fields, each with a value a row");
    }
    for (const auto& [name, values] : fields) {
      dom::array column;
      if (values.get(column) != simdjson::SUCCESS) {
        return Wrong(fmt::format("entities.{}", name), "expected an array with a value a row");
      }
      const std::size_t before = values_.size();
      for (const dom::element& one : column) values_.push_back(one);
      const std::size_t count = values_.size() - before;
      if (!entities_.empty() && count != rows_) {
        return Wrong(fmt::format("entities.{}", name),
                     fmt::format("{} values, but another field has {}", count, rows_));
      }
      rows_ = count;
      entities_.push_back(name);
    }
    return {};
  }

  dom::parser parser_;
  std::string_view service_;
  std::vector<std::string_view> features_;
  bool full_names_ = false;
  bool has_entities_ = false;
  std::vector<std::string_view> entities_;
  std::vector<dom::element> values_;  // entities x rows
  std::size_t rows_ = 0;
};

FeaturesRequest::FeaturesRequest() : reader_(std::make_unique<Reader>()) {}
FeaturesRequest::~FeaturesRequest() = default;

Status FeaturesRequest::Read(std::string_view body) { return reader_->Read(body); }

std::string_view FeaturesRequest::service() const noexcept { return reader_->service(); }

std::span<const std::string_view> FeaturesRequest::features() const noexcept {
  return reader_->features();
}

bool FeaturesRequest::full_names() const noexcept { return reader_->full_names(); }

std::span<const std::string_view> FeaturesRequest::entities() const noexcept {
  return reader_->entities();
}

std::size_t FeaturesRequest::row_count() const noexcept { return reader_->row_count(); }

bool FeaturesRequest::IsNull(std::size_t entity, std::size_t row) const noexcept {
  return reader_->ValueOf(entity, row).is_null();
}

void FeaturesRequest::AppendValue(std::size_t entity, std::size_t row, std::string& json) const {
  const dom::element& value = reader_->ValueOf(entity, row);
  switch (value.type()) {
    case dom::element_type::STRING:
      return AppendJsonString(value.get_string().value_unsafe(), json);
    case dom::element_type::INT64:
      return AppendJsonValue(value.get_int64().value_unsafe(), json);
    case dom::element_type::BOOL:
      return AppendJsonValue(value.get_bool().value_unsafe(), json);
    case dom::element_type::DOUBLE:
      return AppendFraction(value.get_double().value_unsafe(), json);
    case dom::element_type::NULL_VALUE:
      json += "null";
      return;
    case dom::element_type::UINT64:
    case dom::element_type::ARRAY:
    case dom::element_type::OBJECT:
      json += simdjson::minify(value);
      return;
  }
}

}  // namespace forkcast::wire
