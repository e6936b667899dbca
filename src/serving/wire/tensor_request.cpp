#include "serving/wire/tensor_request.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "serving/wire/json_walker.hpp"
#include "serving/wire/quote.hpp"

namespace forkcast::wire {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::size_t kLengthBytes = sizeof(std::uint32_t);  // before each text of BYTES
constexpr std::size_t kAnswerDepth = 16;                     // of JSON

std::optional<std::size_t> SizeIn(std::string_view token) noexcept {
  std::size_t size = 0;
  const char* const end = token.data() + token.size();
  const auto [stop, failed] = std::from_chars(token.data(), end, size);
  if (failed != std::errc{} || stop != end) return std::nullopt;
  return size;
}

std::string ShapeText(const std::vector<std::size_t>& shape) {
  std::string text = "[";
  for (const std::size_t size : shape) {
    fmt::format_to(std::back_inserter(text), "{}{}", text.size() > 1 ? "," : "", size);
  }
  text += ']';
  return text;
}

}  // namespace

class TensorRequest::Reader : private JsonWalker {
 public:
  enum class Of { kRequest, kAnswer };

  explicit Reader(std::size_t max_depth, Of of = Of::kRequest)
      : JsonWalker(max_depth), of_(of), list_(of == Of::kRequest ? "inputs" : "outputs") {}

  Status Read(std::string_view body, std::optional<std::size_t> json_size, std::size_t max_values) {
    Clear();
    max_values_ = max_values;
    if (json_size && *json_size > body.size()) {
      return Invalid(
          fmt::format("says that {} bytes are JSON, but the body has {}", *json_size, body.size()),
          kLengthHeader);
    }
    const std::string_view json = body.substr(0, json_size.value_or(body.size()));
    if (!ReadDocument(json)) return FailureOf(json);
    std::string_view behind = body.substr(json.size());
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (Status taken = TakeBinary(i, json_size.has_value(), behind); !taken) return taken;
    }
    if (!behind.empty()) {
      return Invalid(
          fmt::format("{} bytes are behind those that the inputs have by their "
                      "binary_data_size",
                      behind.size()));
    }
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      inputs_[i].elements = std::span(elements_).subspan(notes_[i].first, notes_[i].count);
    }
    return {};
  }

  [[nodiscard]] std::string_view id() const noexcept { return id_; }
  [[nodiscard]] bool wants_binary() const noexcept { return wants_binary_; }
  [[nodiscard]] std::span<const Tensor> inputs() const noexcept { return inputs_; }
  [[nodiscard]] std::span<const RequestedOutput> outputs() const noexcept { return outputs_; }

 private:
  static constexpr std::string_view kLengthHeader = "Inference-Header-Content-Length";

  /// What is said of an input beside what a Tensor is.
  struct Notes {
    bool has_type = false;
    bool has_shape = false;
    bool has_data = false;
    std::optional<std::size_t> binary_size{};
    std::size_t first = 0;  // of elements_
    std::size_t count = 0;
  };

  void Clear() {
    id_ = {};
    wants_binary_ = has_inputs_ = has_outputs_ = false;
    inputs_.clear();
    notes_.clear();
    outputs_.clear();
    elements_.clear();
    if (parser_.capacity() > kKeptBytes) parser_ = ondemand::parser();
    if (elements_.capacity() > kKeptBytes / sizeof(TensorElement))
      std::vector<TensorElement>().swap(elements_);
  }

  // ---- JSON ----

  bool ReadDocument(std::string_view json) {
    const Kind kind = KindOf(Trim(json));
    if (kind != Kind::kObject) {
      return Trim(json).empty()
                 ? FailAsWhole(simdjson::EMPTY)
                 : Fail(Invalid(fmt::format("expected a JSON object with \"{}\", got {}", list_,
                                            ToString(kind))));
    }
    ondemand::object object;
    const bool read = Start(json) && CheckDepth(1) &&
                      !Malformed(document_.get_object().get(object)) &&
                      ReadMembers(object, [this](auto key, auto& value, Kind its_kind) {
                        return ReadMember(key, value, its_kind);
                      });
    if (!read || !Finish()) return false;
    return has_inputs_ || Fail(Invalid("missing: expected an array of tensors", list_));
  }

  /// Each member by `read`, which visits all of its value.
  template <typename ReadOne>
  bool ReadMembers(ondemand::object& object, ReadOne read) {
    for (auto member : object) {
      ondemand::field field;
      std::string_view key;
      // NOLINTNEXTLINE(performance-move-const-arg): get() is there for rvalues alone.
      if (Malformed(std::move(member).get(field)) || Malformed(field.unescaped_key().get(key))) {
        return false;
      }
      std::string_view token;
      const Kind kind = Peek(field.value(), token);
      at_hand_ = token;
      if (!read(key, field.value(), kind)) return false;
    }
    return true;
  }

  /// The same of an object within, `depth` deep; `what` says what it is.
  template <typename ReadOne>
  bool ReadObject(ondemand::value& value, Kind kind, std::size_t depth, std::string_view what,
                  ReadOne read) {
    if (kind != Kind::kObject) return FailKind(what, "an object", kind);
    ondemand::object object;
    return CheckDepth(depth) && !Malformed(value.get_object().get(object)) &&
           ReadMembers(object, read) && Leave();
  }

  /// Each element of an array by `read`, which visits all of it.
  template <typename ReadOne>
  bool ReadArray(ondemand::value& value, Kind kind, std::size_t depth, std::string_view what,
                 ReadOne read) {
    if (kind != Kind::kArray) return FailKind(what, "an array", kind);
    ondemand::array array;
    if (!CheckDepth(depth) || Malformed(value.get_array().get(array))) return false;
    for (auto element : array) {
      ondemand::value one;
      // NOLINTNEXTLINE(performance-move-const-arg): get() is there for rvalues alone.
      if (Malformed(std::move(element).get(one))) return false;
      std::string_view token;
      const Kind its_kind = Peek(one, token);
      at_hand_ = token;
      if (!read(one, its_kind)) return false;
    }
    return Leave();
  }

  bool FailKind(std::string_view what, std::string_view expected, Kind kind) {
    return Fail(Invalid(fmt::format("expected {}, got {}", expected, ToString(kind)), what));
  }

  bool ReadText(ondemand::value& value, Kind kind, std::string_view what, std::string_view& text) {
    if (kind != Kind::kText) return FailKind(what, "text", kind);
    return !Malformed(value.get_string().get(text));
  }

  bool ReadTruth(Kind kind, std::string_view what, bool& truth) {
    if (kind != Kind::kBool) return FailKind(what, "true or false", kind);
    truth = at_hand_.front() == 't';
    return true;
  }

  bool ReadMember(std::string_view key, ondemand::value& value, Kind kind) {
    if (kind == Kind::kNull) return true;
    if (key == "id") return ReadText(value, kind, key, id_);
    if (key == "parameters") {
      return ReadObject(value, kind, 2, key, [this](auto name, auto& one, Kind its_kind) {
        if (name == "binary_data_output") return ReadTruth(its_kind, name, wants_binary_);
        return Check(one, its_kind, 2);
      });
    }
    if (key == list_) {
      if (std::exchange(has_inputs_, true)) return Fail(Invalid("given twice", key));
      return ReadArray(value, kind, 2, key,
                       [this](auto& one, Kind its_kind) { return ReadInput(one, its_kind); });
    }
    if (key == "outputs" && of_ == Of::kRequest) {
      if (std::exchange(has_outputs_, true)) return Fail(Invalid("given twice", key));
      return ReadArray(value, kind, 2, key,
                       [this](auto& one, Kind its_kind) { return ReadOutput(one, its_kind); });
    }
    return Check(value, kind, 1);
  }

  bool ReadInput(ondemand::value& value, Kind kind) {
    inputs_.emplace_back();
    notes_.emplace_back().first = elements_.size();
    const bool read = ReadObject(value, kind, 3, list_, [this](auto key, auto& one, Kind its_kind) {
      return ReadInputMember(key, one, its_kind);
    });
    return read && CheckInput();
  }

  bool ReadInputMember(std::string_view key, ondemand::value& value, Kind kind) {
    Tensor& input = inputs_.back();
    if (kind == Kind::kNull) return true;
    if (key == "name") return ReadText(value, kind, key, input.name);
    if (key == "datatype") return ReadDatatype(value, kind);
    if (key == "shape") return ReadShape(value, kind);
    if (key == "parameters") {
      return ReadObject(value, kind, 4, key, [this](auto name, auto& one, Kind its_kind) {
        return ReadInputParameter(name, one, its_kind);
      });
    }
    if (key != "data") return Check(value, kind, 3);
    Notes& notes = notes_.back();
    if (std::exchange(notes.has_data, true))
      return Fail(Invalid("data is given twice", input.name));
    if (!ReadData(value, kind, 4)) return false;
    notes.count = elements_.size() - notes.first;
    return true;
  }

  bool ReadInputParameter(std::string_view name, ondemand::value& value, Kind kind) {
    if (kind == Kind::kNull) return true;
    if (name == "binary_data_size") {
      notes_.back().binary_size = SizeIn(at_hand_);
      return notes_.back().binary_size || Fail(Invalid("expected a number of bytes", name));
    }
    if (name.starts_with("shared_memory_")) {
      return Fail(Invalid("shared memory is not read here: send the data in the body", name));
    }
    return Check(value, kind, 4);
  }

  bool ReadDatatype(ondemand::value& value, Kind kind) {
    std::string_view name;
    if (!ReadText(value, kind, "datatype", name)) return false;
    const std::optional<Datatype> type = DatatypeNamed(name);
    if (!type) {
      return Fail(Invalid(
          fmt::format("there is no {}; there are: {}", Quote(name), DatatypeNames()), "datatype"));
    }
    inputs_.back().datatype = *type;
    notes_.back().has_type = true;
    return true;
  }

  bool ReadShape(ondemand::value& value, Kind kind) {
    Tensor& input = inputs_.back();
    if (std::exchange(notes_.back().has_shape, true)) return Fail(Invalid("given twice", "shape"));
    input.size = 1;
    return ReadArray(value, kind, 4, "shape", [this, &input](auto&, Kind) {
      const std::optional<std::size_t> size = SizeIn(at_hand_);
      if (!size) return Fail(Invalid("expected sizes, 0 or more", "shape"));
      input.shape.push_back(*size);
      // One that is 0 makes all of it empty, also behind one that is too large.
      const bool is_too_much = *size != 0 && input.size > max_values_ / *size;
      input.size = is_too_much ? max_values_ + 1 : input.size * *size;
      return true;
    });
  }

  /// Nested as it may be, `depth` deep.
  bool ReadData(ondemand::value& value, Kind kind, std::size_t depth) {
    return ReadArray(value, kind, depth, "data", [this, depth](auto& one, Kind its_kind) {
      if (its_kind == Kind::kArray) return ReadData(one, its_kind, depth + 1);
      if (elements_.size() - notes_.back().first >= max_values_) return FailSize();
      return ReadElement(one, its_kind);
    });
  }

  bool ReadElement(ondemand::value& value, Kind kind) {
    TensorElement& element = elements_.emplace_back();
    std::string_view text = at_hand_;
    switch (kind) {
      case Kind::kNull:
        return true;
      case Kind::kNumber:
        element.kind = TensorElement::Kind::kNumber;
        break;
      case Kind::kNoNumber:
        element.kind = TensorElement::Kind::kNoNumber;
        break;
      case Kind::kBool:
        element.kind =
            text.front() == 't' ? TensorElement::Kind::kTrue : TensorElement::Kind::kFalse;
        break;
      case Kind::kText:
        element.kind = TensorElement::Kind::kText;
        if (Malformed(value.get_string().get(text))) return false;
        break;
      case Kind::kNotJson:
        return Fail(simdjson::NUMBER_ERROR);
      case Kind::kArray:
      case Kind::kObject:
        return FailKind("data", "values", kind);
    }
    element.data = text.data();
    element.size = static_cast<std::uint32_t>(text.size());
    return true;
  }

  bool FailSize() {
    return Fail({ErrorCode::kTooLarge,
                 fmt::format("the tensor has more than {} values, which are those of as many rows "
                             "as one {} may have",
                             max_values_, of_ == Of::kRequest ? "request" : "answer"),
                 std::string(inputs_.back().name)});
  }

  /// The input that was read last.
  bool CheckInput() {
    const Tensor& input = inputs_.back();
    const Notes& notes = notes_.back();
    if (input.name.empty()) {
      const char* const what = of_ == Of::kRequest ? "input" : "output";
      return Fail(Invalid(fmt::format("{} {} has no name", what, inputs_.size() - 1), list_));
    }
    if (!notes.has_type) return Fail(Invalid("has no datatype", input.name));
    if (!notes.has_shape) return Fail(Invalid("has no shape", input.name));
    if (input.size > max_values_) return FailSize();
    if (notes.has_data == notes.binary_size.has_value()) {
      return Fail(Invalid(notes.has_data
                              ? "has both data and binary_data_size: expected one of them"
                              : "has neither data nor binary_data_size",
                          input.name));
    }
    if (notes.binary_size || notes.count == input.size) return true;
    return Fail(Invalid(fmt::format("has {} values, but the shape {} asks for {}", notes.count,
                                    ShapeText(input.shape), input.size),
                        input.name));
  }

  bool ReadOutput(ondemand::value& value, Kind kind) {
    RequestedOutput& output = outputs_.emplace_back();
    const bool read =
        ReadObject(value, kind, 3, "outputs", [&](auto key, auto& one, Kind its_kind) {
          if (its_kind == Kind::kNull) return true;
          if (key == "name") return ReadText(one, its_kind, key, output.name);
          if (key != "parameters") return Check(one, its_kind, 3);
          return ReadObject(one, its_kind, 4, key, [&](auto name, auto& its, Kind kind_of) {
            return ReadOutputParameter(name, its, kind_of, output);
          });
        });
    if (!read) return false;
    return !output.name.empty() ||
           Fail(Invalid(fmt::format("output {} has no name", outputs_.size() - 1), "outputs"));
  }

  bool ReadOutputParameter(std::string_view name, ondemand::value& value, Kind kind,
                           RequestedOutput& output) {
    if (kind == Kind::kNull) return true;
    if (name == "binary_data") return ReadTruth(kind, name, output.binary.emplace());
    if (name.starts_with("shared_memory_") || name == "classification") {
      return Fail(
          Invalid("outputs are not to be had so: they come in the body, as they are", name));
    }
    return Check(value, kind, 4);
  }

  // ---- binary data ----

  Status TakeBinary(std::size_t i, bool has_header, std::string_view& behind) {
    const std::optional<std::size_t> size = notes_[i].binary_size;
    Tensor& input = inputs_[i];
    if (!size) return {};
    if (!has_header) {
      return Invalid(fmt::format("has a binary_data_size, but the header {} does not say where the "
                                 "JSON ends",
                                 kLengthHeader),
                     input.name);
    }
    if (*size > behind.size()) {
      return Invalid(fmt::format("has {} bytes by its binary_data_size, but the body has {} more",
                                 *size, behind.size()),
                     input.name);
    }
    const std::string_view bytes = behind.substr(0, *size);
    behind.remove_prefix(*size);
    if (input.datatype == Datatype::kBytes) return TakeTexts(i, bytes);
    const std::size_t expected = input.size * SizeOf(input.datatype);
    if (*size != expected) {
      return Invalid(fmt::format("has {} bytes, but {} of the shape {} are {}", *size,
                                 NameOf(input.datatype), ShapeText(input.shape), expected),
                     input.name);
    }
    input.bytes = bytes;
    return {};
  }

  Status TakeTexts(std::size_t i, std::string_view bytes) {
    Notes& notes = notes_[i];
    const Tensor& input = inputs_[i];
    notes.first = elements_.size();
    while (!bytes.empty()) {
      std::uint32_t length = 0;
      if (bytes.size() >= kLengthBytes) std::memcpy(&length, bytes.data(), kLengthBytes);
      if (bytes.size() < kLengthBytes || bytes.size() - kLengthBytes < length) {
        return Invalid(
            fmt::format("text {} goes on behind the tensor's end", elements_.size() - notes.first),
            input.name);
      }
      elements_.push_back({.data = bytes.data() + kLengthBytes,
                           .size = length,
                           .kind = TensorElement::Kind::kText});
      bytes.remove_prefix(kLengthBytes + length);
      if (elements_.size() - notes.first > input.size) break;
    }
    notes.count = elements_.size() - notes.first;
    if (notes.count == input.size) return {};
    const bool is_more = notes.count > input.size;
    return Invalid(
        fmt::format("has {}{} texts, but the shape {} asks for {}", is_more ? "more than " : "",
                    is_more ? input.size : notes.count, ShapeText(input.shape), input.size),
        input.name);
  }

  static constexpr std::size_t kKeptBytes = 262144;  // of what one request needs

  const Of of_;
  const std::string_view list_;  // of the tensors that it has
  std::size_t max_values_ = 0;
  std::string_view at_hand_;  // the token of the value that is being read
  std::string_view id_;
  bool wants_binary_ = false;
  bool has_inputs_ = false;
  bool has_outputs_ = false;
  std::vector<Tensor> inputs_;  // an answer's outputs
  std::vector<Notes> notes_;    // by input
  std::vector<RequestedOutput> outputs_;
  std::vector<TensorElement> elements_;  // of all inputs
};

TensorRequest::TensorRequest(std::size_t max_depth)
    : reader_(std::make_unique<Reader>(max_depth)) {}
TensorRequest::~TensorRequest() = default;

Status TensorRequest::Read(std::string_view body, std::optional<std::size_t> json_size,
                           std::size_t max_values) {
  return reader_->Read(body, json_size, max_values);
}

std::string_view TensorRequest::id() const noexcept { return reader_->id(); }
bool TensorRequest::wants_binary() const noexcept { return reader_->wants_binary(); }
std::span<const Tensor> TensorRequest::inputs() const noexcept { return reader_->inputs(); }
std::span<const RequestedOutput> TensorRequest::outputs() const noexcept {
  return reader_->outputs();
}

TensorAnswer::TensorAnswer()
    : reader_(std::make_unique<TensorRequest::Reader>(kAnswerDepth,
                                                      TensorRequest::Reader::Of::kAnswer)) {}
TensorAnswer::~TensorAnswer() = default;

Status TensorAnswer::Read(std::string_view body, std::optional<std::size_t> json_size,
                          std::size_t max_values) {
  return reader_->Read(body, json_size, max_values);
}

std::string_view TensorAnswer::id() const noexcept { return reader_->id(); }
std::span<const Tensor> TensorAnswer::outputs() const noexcept { return reader_->inputs(); }

}  // namespace forkcast::wire
