#include "serving/upstream/inference_message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "serving/upstream/remote_document.hpp"
#include "serving/wire/answer_writer.hpp"
#include "serving/wire/quote.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::Value;
using wire::Datatype;

constexpr std::size_t kShownOfABody = 200;

template <typename T>
void AppendBytes(T value, std::string& out) {
  const std::size_t at = out.size();
  out.resize(at + sizeof value);
  std::memcpy(out.data() + at, &value, sizeof value);
}

/// NaN where it is missing.
double NumberOf(const Value& value) noexcept {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? 1 : 0;
  return std::numeric_limits<double>::quiet_NaN();
}

/// Of what CheckFeature() lets into a tensor of integers, which is never missing.
std::int64_t IntegerOf(const Value& value) noexcept {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  const auto* flag = std::get_if<bool>(&value);
  return flag != nullptr && *flag ? 1 : 0;
}

std::string_view TextOf(const Value& value) noexcept {
  const auto* text = std::get_if<std::string_view>(&value);
  return text != nullptr ? *text : std::string_view();
}

void AppendBinary(const Value& value, Datatype type, std::string& out) {
  switch (type) {
    case Datatype::kFp32:
      return AppendBytes(static_cast<float>(NumberOf(value)), out);
    case Datatype::kFp64:
      return AppendBytes(NumberOf(value), out);
    case Datatype::kInt64:
      return AppendBytes(IntegerOf(value), out);
    case Datatype::kBool:
      return AppendBytes(static_cast<std::uint8_t>(IntegerOf(value)), out);
    default:  // BYTES: Bind() lets no other one through
      AppendBytes(static_cast<std::uint32_t>(TextOf(value).size()), out);
      out += TextOf(value);
  }
}

void AppendJson(const Value& value, Datatype type, std::string& out) {
  const auto append = [&out](auto number) {
    fmt::format_to(std::back_inserter(out), "{}", number);
  };
  if (preprocessing::IsMissing(value)) {
    out += "null";
    return;
  }
  switch (type) {
    case Datatype::kFp32:
    case Datatype::kFp64: {
      const double number = NumberOf(value);
      const auto rounded = static_cast<float>(number);
      if (std::isnan(number)) {
        out += "null";
      } else if (type == Datatype::kFp32 && std::isfinite(rounded)) {
        append(rounded);
      } else {
        append(number);  // one that is too great for FP32, too: the other side says so
      }
      return;
    }
    case Datatype::kInt64:
      return append(IntegerOf(value));
    case Datatype::kBool:
      out += IntegerOf(value) != 0 ? "true" : "false";
      return;
    default:
      return wire::AppendJsonString(TextOf(value), out);
  }
}

std::size_t RowsIn(RemoteRows rows, std::size_t width) noexcept {
  std::size_t count = 0;
  for (const auto& some : rows) count += some.size() / width;
  return count;
}

/// Each value of an input, row by row.
template <typename Use>
void EachValue(const RemoteBinding::Input& input, RemoteRows rows, std::size_t width, Use use) {
  for (const std::span<const Value> some : rows) {
    for (std::size_t row = 0; row * width < some.size(); ++row) {
      for (const std::size_t feature : input.features) use(some[row * width + feature]);
    }
  }
}

/// `{"name","datatype","shape",` and the begin of what says where its data are.
void AppendInput(const RemoteBinding::Input& input, std::size_t rows, std::string& body) {
  if (body.back() != '[') body += ',';
  body += "{\"name\":";
  wire::AppendJsonString(input.name, body);
  fmt::format_to(std::back_inserter(body), ",\"datatype\":\"{}\",\"shape\":[{}",
                 wire::NameOf(input.datatype), rows);
  if (input.is_matrix) fmt::format_to(std::back_inserter(body), ",{}", input.features.size());
  body += ']';
}

void AppendInputs(const RemoteBinding& binding, RemoteRows rows, std::size_t width,
                  std::string& body, std::string& binary) {
  const std::size_t count = RowsIn(rows, width);
  for (const RemoteBinding::Input& input : binding.inputs) {
    AppendInput(input, count, body);
    if (binding.is_binary) {
      const std::size_t before = binary.size();
      EachValue(input, rows, width,
                [&](const Value& value) { AppendBinary(value, input.datatype, binary); });
      fmt::format_to(std::back_inserter(body), ",\"parameters\":{{\"binary_data_size\":{}}}}}",
                     binary.size() - before);
      continue;
    }
    // By this MLServer reads texts as such.
    if (input.datatype == Datatype::kBytes) body += ",\"parameters\":{\"content_type\":\"str\"}";
    body += ",\"data\":[";
    EachValue(input, rows, width, [&](const Value& value) {
      if (body.back() != '[') body += ',';
      AppendJson(value, input.datatype, body);
    });
    body += "]}";
  }
}

std::string ModelPath(const RemotePlan& plan) {
  std::string path = "/v2/models/" + plan.spec.model;
  if (!plan.spec.version.empty()) path += "/versions/" + plan.spec.version;
  return path;
}

std::string Get(std::string_view path, const RemoteAddress& address) {
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: forkcast\r\nAccept: application/json\r\n\r\n",
      path, ToString(address));
}

std::string ShapeText(const wire::Tensor& tensor) {
  std::string text = "[";
  for (const std::size_t size : tensor.shape) {
    fmt::format_to(std::back_inserter(text), "{}{}", text.size() > 1 ? "," : "", size);
  }
  text += ']';
  return text;
}

/// That it has a value of the declared type for each row.
Status CheckTensor(const wire::Tensor& tensor, const RemoteOutput& declared, std::size_t rows) {
  const bool is_column =
      tensor.shape.size() == 1 || (tensor.shape.size() == 2 && tensor.shape[1] == 1);
  if (!is_column || tensor.shape[0] != rows) {
    return Invalid(fmt::format("output \"{}\" has the shape {} for {} rows", tensor.name,
                               ShapeText(tensor), rows));
  }
  const bool is_text = tensor.datatype == Datatype::kBytes;
  if (is_text != (declared.type == RemoteOutput::Type::kText)) {
    return Invalid(fmt::format("output \"{}\" is {}, but it is declared as a {}", tensor.name,
                               wire::NameOf(tensor.datatype), is_text ? "number" : "text"));
  }
  for (std::size_t row = 0; row < rows; ++row) {
    const Status good = [&]() -> Status {
      if (is_text) {
        const auto text = tensor.TextAt(row);
        return text ? Status() : text.error();
      }
      if (tensor.datatype == Datatype::kBool) {
        const auto truth = tensor.TruthAt(row);
        return truth ? Status() : truth.error();
      }
      const auto number = tensor.NumberAt(row);
      return number ? Status() : number.error();
    }();
    if (!good) {
      return Invalid(
          fmt::format("output \"{}\", row {}: {}", tensor.name, row, good.error().message));
    }
  }
  return {};
}

/// Of a tensor that CheckTensor() has seen.
Value ValueIn(const wire::Tensor& tensor, std::size_t row, std::deque<std::string>& texts) {
  if (tensor.datatype == Datatype::kBytes) {
    const std::optional<std::string_view> text = *tensor.TextAt(row);
    if (!text) return {};
    return std::string_view(texts.emplace_back(*text));
  }
  if (tensor.datatype == Datatype::kBool) {
    const std::optional<bool> truth = *tensor.TruthAt(row);
    return truth ? Value(*truth ? 1.0 : 0.0) : Value();
  }
  const std::optional<double> number = *tensor.NumberAt(row);
  return number ? Value(*number) : Value();
}

}  // namespace

void WriteInferenceRequest(const RemotePlan& plan, const RemoteBinding& binding,
                           const RemoteAddress& address, std::string_view id, RemoteRows rows,
                           InferenceRequest& request) {
  std::string& body = request.body;
  body.assign("{\"id\":");
  wire::AppendJsonString(id, body);
  if (binding.is_binary) body += ",\"parameters\":{\"binary_data_output\":true}";
  body += ",\"inputs\":[";
  std::string binary;
  AppendInputs(binding, rows, plan.features.size(), body, binary);
  body += "],\"outputs\":[";
  for (const std::string& output : binding.outputs) {
    if (body.back() != '[') body += ',';
    body += "{\"name\":";
    wire::AppendJsonString(output, body);
    body += '}';
  }
  body += "]}";
  const std::size_t json_size = body.size();
  body += binary;
  request.head = fmt::format(
      "POST {}/infer HTTP/1.1\r\nHost: {}\r\nUser-Agent: forkcast\r\nContent-Type: {}\r\n"
      "Content-Length: {}\r\n",
      ModelPath(plan), ToString(address),
      binding.is_binary ? "application/octet-stream" : "application/json", body.size());
  if (binding.is_binary) {
    fmt::format_to(std::back_inserter(request.head), "Inference-Header-Content-Length: {}\r\n",
                   json_size);
  }
  request.head += "\r\n";
}

std::string ServerMetadataRequest(const RemoteAddress& address) { return Get("/v2", address); }

std::string ModelMetadataRequest(const RemotePlan& plan, const RemoteAddress& address) {
  return Get(ModelPath(plan), address);
}

Status InferenceAnswer::Read(const RemotePlan& plan, const RemoteBinding& binding,
                             std::string_view id, std::size_t rows, std::string_view body,
                             std::optional<std::size_t> json_size) {
  outputs_.clear();
  // Outputs that nobody asked for may be there, too.
  constexpr std::size_t kMostColumns = 256;
  if (Status read = answer_.Read(body, json_size, rows * kMostColumns); !read) return read;
  if (!answer_.id().empty() && answer_.id() != id) {
    return Invalid(fmt::format("it is the answer to request {}, not to {}",
                               wire::Quote(answer_.id()), wire::Quote(id)));
  }
  for (std::size_t i = 0; i < binding.outputs.size(); ++i) {
    const auto found =
        std::ranges::find(answer_.outputs(), binding.outputs[i], &wire::Tensor::name);
    if (found == answer_.outputs().end()) {
      return Invalid(fmt::format("it has no output \"{}\"", binding.outputs[i]));
    }
    const RemoteOutput& declared = plan.spec.outputs[i];
    if (Status good = CheckTensor(*found, declared, rows); !good) return good;
    outputs_.push_back(&*found);
  }
  return {};
}

void InferenceAnswer::Take(std::size_t first, std::span<Value> outputs,
                           std::deque<std::string>& texts) const {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    outputs[i] = ValueIn(*outputs_[i % outputs_.size()], first + i / outputs_.size(), texts);
  }
}

std::string ErrorTextIn(std::string_view body) {
  if (const auto document = ReadRemoteObject(body)) {
    for (const char* const name : {"error", "detail"}) {
      const auto member = document->find(name);
      if (member == document->end()) continue;
      return Shortened(member->is_string() ? member->get<std::string>() : member->dump());
    }
  }
  std::string text(body.substr(0, kShownOfABody));
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || (c & 0x80) != 0; }, '?');
  return text;
}

}  // namespace forkcast::serving
