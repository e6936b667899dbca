#include "model/onnx/graph_writer.hpp"

#include <fmt/format.h>

#include <cstring>

// Numbers of fields and types are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
namespace forkcast::model::onnx {
namespace {

constexpr std::int64_t kIrVersion = 8;
constexpr std::int64_t kOpset = 15;
constexpr std::int64_t kMlOpset = 3;
constexpr std::string_view kMlDomain = "ai.onnx.ml";

MessageWriter Opset(std::string_view domain, std::int64_t version) {
  MessageWriter opset;
  opset.Bytes(1, domain);
  opset.Integer(2, version);
  return opset;
}

MessageWriter ColumnInfo(const std::string& name, ElementType type, std::int64_t columns) {
  MessageWriter rows;
  rows.Bytes(2, "N");
  MessageWriter shape;
  shape.Message(1, rows);
  if (columns > 0) {
    MessageWriter width;
    width.Integer(1, columns);
    shape.Message(1, width);
  }
  MessageWriter tensor;
  tensor.Integer(1, static_cast<std::int64_t>(type));
  tensor.Message(2, shape);
  MessageWriter any;
  any.Message(1, tensor);
  MessageWriter info;
  info.Bytes(1, name);
  info.Message(2, any);
  return info;
}

template <typename Number>
std::string Raw(std::span<const double> numbers) {
  std::string raw(numbers.size() * sizeof(Number), '\0');
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto number = static_cast<Number>(numbers[i]);
    std::memcpy(raw.data() + i * sizeof number, &number, sizeof number);
  }
  return raw;
}

}  // namespace

MessageWriter& Attributes::Add(std::string_view name, std::int64_t type) {
  MessageWriter& attribute = all_.emplace_back();
  attribute.Bytes(1, name);
  attribute.Integer(20, type);
  return attribute;
}

Attributes& Attributes::Integer(std::string_view name, std::int64_t value) {
  Add(name, 2).Integer(3, value);
  return *this;
}
Attributes& Attributes::Float(std::string_view name, float value) {
  Add(name, 1).Float(2, value);
  return *this;
}
Attributes& Attributes::Text(std::string_view name, std::string_view value) {
  Add(name, 3).Bytes(4, value);
  return *this;
}
Attributes& Attributes::Integers(std::string_view name, std::span<const std::int64_t> values) {
  Add(name, 7).Integers(8, values);
  return *this;
}
Attributes& Attributes::Floats(std::string_view name, std::span<const float> values) {
  Add(name, 6).Floats(7, values);
  return *this;
}
Attributes& Attributes::Texts(std::string_view name, std::span<const std::string> values) {
  MessageWriter& attribute = Add(name, 8);
  for (const std::string& value : values) attribute.Bytes(9, value);
  return *this;
}

void GraphWriter::Input(const std::string& name, ElementType type) {
  inputs_.push_back(ColumnInfo(name, type, 1));
}

void GraphWriter::Output(const std::string& name, ElementType type, std::int64_t columns) {
  outputs_.push_back(ColumnInfo(name, type, columns));
}

std::string GraphWriter::NewName(std::string_view of) {
  // No feature is called so.
  return fmt::format("forkcast/{}/{}", of, names_++);
}

std::string GraphWriter::Numbers(ElementType type, std::span<const double> numbers,
                                 std::vector<std::int64_t> dims) {
  std::string name = NewName("constant");
  MessageWriter tensor;
  tensor.Integers(1, dims);
  tensor.Integer(2, static_cast<std::int64_t>(type));
  tensor.Bytes(8, name);
  tensor.Bytes(9, type == ElementType::kInt64    ? Raw<std::int64_t>(numbers)
                  : type == ElementType::kDouble ? Raw<double>(numbers)
                                                 : Raw<float>(numbers));
  constants_.push_back(std::move(tensor));
  return name;
}

std::string GraphWriter::Add(std::string_view op, std::string_view domain,
                             const std::vector<std::string>& inputs, const Attributes& attributes,
                             std::string output) {
  MessageWriter node;
  for (const std::string& input : inputs) node.Bytes(1, input);
  node.Bytes(2, output);
  node.Bytes(3, output);
  node.Bytes(4, op);
  for (const MessageWriter& attribute : attributes.all()) node.Message(5, attribute);
  node.Bytes(7, domain);
  nodes_.push_back(std::move(node));
  return output;
}

std::string GraphWriter::Node(std::string_view op, const std::vector<std::string>& inputs,
                              const Attributes& attributes) {
  return Add(op, "", inputs, attributes, NewName(op));
}

std::string GraphWriter::MlNode(std::string_view op, const std::vector<std::string>& inputs,
                                const Attributes& attributes) {
  return Add(op, kMlDomain, inputs, attributes, NewName(op));
}

void GraphWriter::Rename(const std::string& value, const std::string& name) {
  Add("Identity", "", {value}, {}, name);
}

std::string GraphWriter::Finish(std::string_view name, std::string_view producer_version) const {
  MessageWriter graph;
  for (const MessageWriter& node : nodes_) graph.Message(1, node);
  graph.Bytes(2, name);
  for (const MessageWriter& constant : constants_) graph.Message(5, constant);
  for (const MessageWriter& input : inputs_) graph.Message(11, input);
  for (const MessageWriter& output : outputs_) graph.Message(12, output);
  MessageWriter model;
  model.Integer(1, kIrVersion);
  model.Bytes(2, "forkcast");
  model.Bytes(3, producer_version);
  model.Message(7, graph);
  model.Message(8, Opset("", kOpset));
  model.Message(8, Opset(kMlDomain, kMlOpset));
  return model.bytes();
}

}  // namespace forkcast::model::onnx
