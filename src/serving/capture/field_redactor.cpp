#include "serving/capture/field_redactor.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <nettle/hmac.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <fstream>
#include <optional>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/table/csv_dialect.hpp"
#include "data_preprocessing/table/csv_scanner.hpp"
#include "serving/wire/answer_writer.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

namespace ondemand = simdjson::ondemand;

enum class Treatment { kKeep, kDrop, kHash };

/// Whose body it is.
enum class Side { kRequest, kAnswer };

/// How outputs are called: value, value.0, class, probability.NAME.
constexpr std::array<std::string_view, 3> kOutputs{"value", "class", "probability"};

/// The body cannot be read, or not be told apart into fields.
struct Unreadable {};

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::any_of(
      names, [name](const std::string& one) { return EqualsIgnoringCase(one, name); });
}

Result<std::string> ReadKey(const CaptureFieldRules& rules, const Environment& environment) {
  std::string key;
  std::string source;
  if (rules.key_file.empty()) {
    source = fmt::format("the environment variable {}", rules.key_variable);
    key = environment(rules.key_variable.c_str()).value_or("");
  } else {
    source = rules.key_file;
    std::ifstream file(rules.key_file, std::ios::binary);
    if (!file) {
      return Error{ErrorCode::kIo, fmt::format("the key file {} cannot be read", source),
                   "hash_fields"};
    }
    key.assign(std::istreambuf_iterator<char>(file), {});
  }
  constexpr std::size_t kLeastKeyBytes = 16;
  const std::string_view trimmed = Trimmed(key, kBlanksAndLineEnds);
  if (trimmed.size() >= kLeastKeyBytes) return std::string(trimmed);
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("the key in {} has {} bytes: expected {} at least, such as those that "
                           "`openssl rand -hex 32` prints",
                           source, trimmed.size(), kLeastKeyBytes),
               "hash_fields"};
}

}  // namespace

struct FieldRedactor::State {
  CaptureFieldRules rules;
  hmac_sha256_ctx keyed{};
  simdjson::ondemand::parser parser;
  // Of the message at hand.
  std::vector<std::string_view> declared;
  std::vector<CapturedField> renamed;  // whose CSV calls them otherwise
  char delimiter = ',';
  simdjson::padded_string padded;
  std::string request_body;
  std::string answer_body;
  std::deque<std::string> hashes;  // whose addresses stay

  [[nodiscard]] Treatment OfName(std::string_view name) const {
    if (Contains(rules.drop, name)) return Treatment::kDrop;
    return Contains(rules.hash, name) ? Treatment::kHash : Treatment::kKeep;
  }
  /// Whether any rule may mean what a model answers.
  [[nodiscard]] bool MeansOutputs() const {
    const auto is_output = [](std::string_view name) {
      return std::ranges::any_of(kOutputs, [name](std::string_view begin) {
        return EqualsIgnoringCase(name.substr(0, begin.size()), begin);
      });
    };
    return std::ranges::any_of(rules.drop, is_output) || std::ranges::any_of(rules.hash, is_output);
  }
  [[nodiscard]] Treatment Of(std::string_view name) const {
    Treatment treatment = OfName(name);
    for (const CapturedField& field : renamed) {
      if (treatment != Treatment::kKeep) break;
      if (EqualsIgnoringCase(field.name, name)) treatment = OfName(field.header);
      if (EqualsIgnoringCase(field.header, name)) treatment = OfName(field.name);
    }
    return treatment;
  }

  void AppendHash(std::string_view text, std::string& out) const {
    hmac_sha256_ctx context = keyed;
    std::array<std::uint8_t, SHA256_DIGEST_SIZE> digest{};
    hmac_sha256_update(&context, text.size(), reinterpret_cast<const std::uint8_t*>(text.data()));
    hmac_sha256_digest(&context, digest.size(), digest.data());
    for (const std::uint8_t byte : digest) fmt::format_to(std::back_inserter(out), "{:02x}", byte);
  }
};

namespace {

/// Copies JSON, but for what is to be dropped or hashed. Throws simdjson_error and Unreadable.
template <typename State>
class JsonRedactor {
 public:
  JsonRedactor(State& state, Side side, std::string& out) : state_(state), side_(side), out_(out) {}

  void Document(std::string_view text) {
    state_.padded = simdjson::padded_string(text);
    ondemand::document document = state_.parser.iterate(state_.padded);
    const ondemand::json_type type = document.type();
    if (type != ondemand::json_type::object && type != ondemand::json_type::array) {
      throw Unreadable();
    }
    Value(document.get_value(), Treatment::kKeep, Place::kDocument);
    // Behind the last token there is no place.
    if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) throw Unreadable();
  }

 private:
  /// What the value at hand is, as far as it says which fields the values below it are.
  enum class Place {
    kElsewhere,
    kDocument,
    kRows,         // an array of rows, as objects or as arrays of the declared fields
    kSplit,        // an object of columns and data
    kSplitRows,    // the data
    kTensors,      // an array of tensors, each a field or a member of the answer
    kErrors,       // of an answer
    kPredictions,  // of an answer: rows, or what a model gives without saying how it is called
  };

  void Value(ondemand::value value, Treatment treatment, Place place) {
    switch (value.type()) {
      case ondemand::json_type::object:
        return Object(value.get_object(), treatment, place);
      case ondemand::json_type::array:
        return Array(value.get_array(), treatment, place);
      case ondemand::json_type::null:
        if (!value.is_null()) throw Unreadable();
        out_ += "null";
        return;
      default:
        return Scalar(value, treatment);
    }
  }

  void Scalar(ondemand::value value, Treatment treatment) {
    const bool is_text = value.type() == ondemand::json_type::string;
    const std::string_view token = Trimmed(value.raw_json_token(), kBlanksAndLineEnds);
    const std::string_view text = is_text ? std::string_view(value.get_string()) : token;
    if (treatment == Treatment::kHash) {
      out_ += '"';
      state_.AppendHash(text, out_);
      out_ += '"';
    } else if (is_text) {
      wire::AppendJsonString(text, out_);
    } else {
      out_ += token;
    }
  }

  [[nodiscard]] Place PlaceOf(std::string_view name, Place parent) const {
    if (side_ == Side::kAnswer && (name == "error" || name == "errors")) return Place::kErrors;
    if (parent == Place::kErrors) return Place::kErrors;
    if (parent == Place::kSplit && name == "data") return Place::kSplitRows;
    if (parent != Place::kDocument) return Place::kElsewhere;
    if (side_ == Side::kAnswer && name == "outputs") return Place::kTensors;
    if (side_ == Side::kAnswer && name == "predictions") return Place::kPredictions;
    if (name == "instances" || name == "inputs" || name == "dataframe_records") return Place::kRows;
    return name == "dataframe_split" ? Place::kSplit : Place::kElsewhere;
  }

  void Object(ondemand::object object, Treatment treatment, Place place) {
    out_ += '{';
    bool is_first = true;
    for (ondemand::field field : object) {
      const std::string_view name = field.unescaped_key();
      Treatment own = treatment == Treatment::kHash ? treatment : state_.Of(name);
      if (place == Place::kErrors && (name == "message" || name == "detail"))
        own = Treatment::kDrop;
      if (own == Treatment::kDrop) continue;
      if (!std::exchange(is_first, false)) out_ += ',';
      const Place below = PlaceOf(name, place);
      const bool names_columns = place == Place::kSplit && name == "columns";
      wire::AppendJsonString(name, out_);
      out_ += ':';
      if (names_columns) {
        Columns(field.value());
      } else {
        Value(field.value(), own, below);
      }
    }
    out_ += '}';
  }

  void Array(ondemand::array array, Treatment treatment, Place place) {
    const bool holds_rows =
        place == Place::kDocument || place == Place::kRows || place == Place::kSplitRows;
    const std::vector<std::string_view>& names =
        place == Place::kSplitRows ? columns_ : state_.declared;
    out_ += '[';
    bool is_first = true;
    for (ondemand::value element : array) {
      if (!std::exchange(is_first, false)) out_ += ',';
      const bool is_nameless = element.type() != ondemand::json_type::object;
      if (place == Place::kPredictions && is_nameless && state_.MeansOutputs()) throw Unreadable();
      const bool is_row = holds_rows && element.type() == ondemand::json_type::array;
      const bool may_be_tensor = (place == Place::kRows || place == Place::kTensors) &&
                                 element.type() == ondemand::json_type::object &&
                                 treatment == Treatment::kKeep;
      if (is_row && treatment == Treatment::kKeep) {
        Row(element.get_array(), names);
      } else if (may_be_tensor) {
        RowOrTensor(element);
      } else {
        Value(element, treatment, place == Place::kErrors ? place : Place::kElsewhere);
      }
    }
    out_ += ']';
  }

  /// A row, or a tensor of the Open Inference Protocol, whose `name` says what its `data` are. What
  /// is sent as one tensor of several fields is not taken apart.
  void RowOrTensor(ondemand::value value) {
    ondemand::object object = value.get_object();
    std::string_view name;
    const bool is_tensor = object.find_field_unordered("datatype").error() == simdjson::SUCCESS &&
                           object.find_field_unordered("name").get(name) == simdjson::SUCCESS;
    if (object.reset().error() != simdjson::SUCCESS) throw Unreadable();
    if (!is_tensor) return Object(object, Treatment::kKeep, Place::kElsewhere);
    const bool is_known =
        side_ == Side::kAnswer || std::ranges::find(state_.declared, name) != state_.declared.end();
    if (!is_known) throw Unreadable();
    const Treatment treatment = state_.Of(name);
    out_ += '{';
    bool is_first = true;
    for (ondemand::field field : object) {
      const std::string_view key = field.unescaped_key();
      const bool is_data = key == "data";
      if (is_data && treatment == Treatment::kDrop) continue;
      if (!std::exchange(is_first, false)) out_ += ',';
      wire::AppendJsonString(key, out_);
      out_ += ':';
      Value(field.value(), is_data ? treatment : Treatment::kKeep, Place::kElsewhere);
    }
    out_ += '}';
  }

  /// Values in the order of `names`.
  void Row(ondemand::array row, const std::vector<std::string_view>& names) {
    out_ += '[';
    bool is_first = true;
    std::size_t i = 0;
    for (ondemand::value element : row) {
      if (i == names.size()) throw Unreadable();
      const Treatment own = state_.Of(names[i++]);
      if (own == Treatment::kDrop) continue;
      if (!std::exchange(is_first, false)) out_ += ',';
      Value(element, own, Place::kElsewhere);
    }
    out_ += ']';
  }

  void Columns(ondemand::value value) {
    columns_.clear();
    out_ += '[';
    bool is_first = true;
    for (ondemand::value element : value.get_array()) {
      columns_.push_back(element.get_string());
      if (state_.Of(columns_.back()) == Treatment::kDrop) continue;
      if (!std::exchange(is_first, false)) out_ += ',';
      wire::AppendJsonString(columns_.back(), out_);
    }
    out_ += ']';
  }

  State& state_;
  Side side_;
  std::string& out_;
  std::vector<std::string_view> columns_;  // of a dataframe_split
};

/// Copies CSV without columns that are dropped. Throws Unreadable.
template <typename State>
class CsvRedactor {
 public:
  CsvRedactor(State& state, Side side, std::string& out) : state_(state), side_(side), out_(out) {}

  void Body(std::string_view text, wire::CsvHeader header) {
    preprocessing::CsvDialect dialect;
    if (side_ == Side::kRequest) dialect.delimiter = state_.delimiter;
    delimiter_ = dialect.delimiter;
    preprocessing::CsvScanner scanner(dialect);
    scanner.Reset(text);
    if (header == wire::CsvHeader::kAbsent) {
      for (const std::string_view name : state_.declared) treatments_.push_back(state_.Of(name));
    } else if (Next(scanner)) {
      for (const auto& field : scanner.fields()) treatments_.push_back(OfColumn(field.text));
      Record(scanner, /*is_header=*/true);
    }
    while (Next(scanner)) Record(scanner, /*is_header=*/false);
  }

 private:
  static bool Next(preprocessing::CsvScanner& scanner) {
    const Result<bool> next = scanner.Next();
    if (!next) throw Unreadable();
    return *next;
  }

  [[nodiscard]] Treatment OfColumn(std::string_view name) const {
    constexpr std::string_view kFeature = "features.";
    name = Trimmed(name, kBlanksAndLineEnds);
    if (side_ == Side::kAnswer && name == "error") return Treatment::kDrop;
    if (side_ == Side::kAnswer && name.starts_with(kFeature)) name.remove_prefix(kFeature.size());
    return state_.Of(name);
  }

  void Record(const preprocessing::CsvScanner& scanner, bool is_header) {
    const auto& fields = scanner.fields();
    if (fields.size() > treatments_.size()) throw Unreadable();
    bool is_first = true;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (treatments_[i] == Treatment::kDrop) continue;
      if (!std::exchange(is_first, false)) out_ += delimiter_;
      const auto& field = fields[i];
      if (!is_header && treatments_[i] == Treatment::kHash && !field.text.empty()) {
        state_.AppendHash(field.text, out_);
      } else if (field.quoted || !field.text.empty()) {
        AppendField(field);
      }
    }
    out_ += '\n';
  }

  /// Quoted where it was: then it may hold the delimiter, whichever that is.
  void AppendField(const preprocessing::CsvField& field) {
    if (!field.quoted) {
      out_ += field.text;
      return;
    }
    out_ += '"';
    for (const char c : field.text) out_.append(c == '"' ? 2 : 1, c);
    out_ += '"';
  }

  State& state_;
  Side side_;
  std::string& out_;
  char delimiter_ = ',';
  std::vector<Treatment> treatments_;  // by column
};

/// The body without the fields. False: it cannot be read.
template <typename State>
bool RedactBody(State& state, Side side, std::string_view content_type, std::string_view body,
                std::string& out) {
  out.clear();
  if (body.empty()) return true;
  const Result<wire::Format> format = wire::FormatOfRequest(content_type);
  if (!format) return false;
  try {
    if (*format == wire::Format::kCsv) {
      const auto header = wire::CsvHeaderOfRequest(content_type);
      if (!header) return false;
      CsvRedactor<State>(state, side, out).Body(body, header->value_or(wire::CsvHeader::kPresent));
      return true;
    }
    JsonRedactor<State> json(state, side, out);
    if (*format == wire::Format::kJson) {
      json.Document(body);
      return true;
    }
    while (!body.empty()) {
      const std::size_t end = std::min(body.find('\n'), body.size());
      if (const std::string_view line = Trimmed(body.substr(0, end), kBlanksAndLineEnds);
          !line.empty()) {
        json.Document(line);
        out += '\n';
      }
      body.remove_prefix(std::min(end + 1, body.size()));
    }
    return true;
  } catch (const simdjson::simdjson_error&) {
    return false;
  } catch (const Unreadable&) {
    return false;
  }
}

/// The text that JSON would have of a value, so that it is hashed as one in a body is.
std::string TextOf(const preprocessing::Value& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return std::string(*text);
  std::string json;
  wire::AppendJsonValue(value, json);
  const bool is_quoted = json.size() > 1 && json.front() == '"';
  return is_quoted ? json.substr(1, json.size() - 2) : json;
}

}  // namespace

Result<FieldRedactor> FieldRedactor::Make(const CaptureFieldRules& rules,
                                          const Environment& environment) {
  auto state = std::make_unique<State>();
  state->rules = rules;
  if (!rules.hash.empty()) {
    const Result<std::string> key = ReadKey(rules, environment);
    if (!key) return key.error();
    hmac_sha256_set_key(&state->keyed, key->size(),
                        reinterpret_cast<const std::uint8_t*>(key->data()));
  }
  return FieldRedactor(std::move(state));
}

FieldRedactor::FieldRedactor(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
FieldRedactor::FieldRedactor(FieldRedactor&&) noexcept = default;
FieldRedactor& FieldRedactor::operator=(FieldRedactor&&) noexcept = default;
FieldRedactor::~FieldRedactor() = default;

bool FieldRedactor::is_idle() const noexcept {
  return state_->rules.drop.empty() && state_->rules.hash.empty();
}

CaptureMessage FieldRedactor::Redact(const CaptureMessage& message) {
  State& state = *state_;
  state.declared.clear();
  state.renamed.clear();
  for (const CapturedField& field : message.declared_fields) {
    state.declared.push_back(field.name);
    if (field.name != field.header) state.renamed.push_back(field);
  }
  state.delimiter = message.request.csv_delimiter;
  state.hashes.clear();

  CaptureMessage redacted = message;
  const auto take = [&](Side side, auto& part, std::string& out, bool& withheld) {
    withheld = !RedactBody(state, side, part.content_type, part.body, out);
    if (withheld) out.clear();
    part.body = out;
  };
  take(Side::kRequest, redacted.request, state.request_body, redacted.withheld.request);
  constexpr int kFirstError = 300;
  if (message.answer.status >= kFirstError) {
    redacted.answer.body = {};
    redacted.withheld.answer = true;
  } else {
    take(Side::kAnswer, redacted.answer, state.answer_body, redacted.withheld.answer);
  }

  redacted.feature_names.clear();
  redacted.values.clear();
  std::vector<Treatment> treatments;
  for (const std::string_view name : message.feature_names) {
    treatments.push_back(state.Of(name));
    if (treatments.back() != Treatment::kDrop) redacted.feature_names.push_back(name);
  }
  for (std::size_t i = 0; i < message.values.size(); ++i) {
    const preprocessing::Value& value = message.values[i];
    const Treatment treatment = treatments[i % treatments.size()];
    if (treatment == Treatment::kDrop) continue;
    const bool is_missing = std::holds_alternative<std::monostate>(value);
    if (treatment == Treatment::kKeep || is_missing) {
      redacted.values.push_back(value);
      continue;
    }
    std::string& hash = state.hashes.emplace_back();
    state.AppendHash(TextOf(value), hash);
    redacted.values.emplace_back(std::string_view(hash));
  }
  return redacted;
}

}  // namespace forkcast::serving
