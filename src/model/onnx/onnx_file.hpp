#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace forkcast::model::onnx {

/// Types of a tensor's elements that are read, by their numbers in ONNX.
enum class ElementType : std::int64_t {
  kFloat = 1,
  kUint8 = 2,  ///< Of constants alone.
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kDouble = 11,
};

/// "float", "int64"; of a number that is none of them "type 10".
[[nodiscard]] std::string NameOf(ElementType type);

/// Dimensions of a tensor.
inline constexpr std::size_t kMostDims = 8;

/// A constant. Whole numbers are doubles, too: those that no double holds are refused but for the
/// greatest and the least, which stand for "to the end".
struct Tensor {
  ElementType type = ElementType::kFloat;
  std::vector<std::int64_t> dims{};
  std::vector<double> numbers{};            ///< Of all types but texts: as many as `dims` say.
  std::vector<std::string_view> strings{};  ///< Likewise of texts.

  [[nodiscard]] std::size_t size() const noexcept { return numbers.size() + strings.size(); }
};

/// What a node is told beside its inputs; one of its members is set.
struct Attribute {
  float number = 0;
  std::int64_t integer = 0;
  std::string_view text;
  Tensor tensor;
  std::vector<float> floats;
  std::vector<std::int64_t> integers;
  std::vector<std::string_view> strings;
};

/// One operator of a graph.
struct Node {
  std::string_view op;
  std::string_view domain;  ///< "" (or "ai.onnx"), "ai.onnx.ml".
  std::string_view name;
  std::vector<std::string_view> inputs;  ///< Names of values; "" is one that is left out.
  std::vector<std::string_view> outputs;
  std::map<std::string_view, Attribute> attributes;
  /// Of one that holds a graph (If, Loop, Scan), which is not read.
  bool has_graph = false;

  /// What an attribute says, or `otherwise` where there is none.
  [[nodiscard]] std::int64_t Integer(std::string_view attribute, std::int64_t otherwise) const;
  [[nodiscard]] float Float(std::string_view attribute, float otherwise) const;
  [[nodiscard]] std::string_view Text(std::string_view attribute, std::string_view otherwise) const;
  [[nodiscard]] const std::vector<std::int64_t>& Integers(std::string_view attribute) const;
  [[nodiscard]] const std::vector<float>& Floats(std::string_view attribute) const;
  [[nodiscard]] const std::vector<std::string_view>& Strings(std::string_view attribute) const;
  /// Null where there is none.
  [[nodiscard]] const Tensor* Constant(std::string_view attribute) const;
  [[nodiscard]] bool Has(std::string_view attribute) const {
    return attributes.contains(attribute);
  }
};

/// What a graph takes or gives.
struct ValueInfo {
  std::string_view name;
  bool is_tensor = false;  ///< Else a sequence or a map.
  std::int64_t type = 0;   ///< Of a tensor's elements.
  bool has_shape = false;
  std::vector<std::int64_t> dims;  ///< -1 where the file says a name, or nothing.
};

/// A file's graph, nothing of it understood yet. Views into the file's bytes.
struct OnnxFile {
  std::int64_t ir_version = 0;
  std::string_view producer;
  std::string_view producer_version;
  std::map<std::string_view, std::int64_t> opsets;  ///< By domain; "ai.onnx" is "".
  std::map<std::string_view, std::string_view> metadata;
  std::vector<Node> nodes;
  std::map<std::string_view, Tensor> constants;
  std::vector<ValueInfo> inputs;  ///< That are no constants.
  std::vector<ValueInfo> outputs;
};

/// Whether bytes begin as an ONNX file does, and are fields of protobuf to their end.
[[nodiscard]] bool IsOnnx(std::string_view bytes) noexcept;

/// Throws Refused: kCorrupt for bytes that are no whole model, kInvalidArgument for constants in
/// another file, sparse ones, ones of a type that is none of ElementType, functions, and over 2^27
/// numbers in all. O(bytes).
[[nodiscard]] OnnxFile ReadOnnxFile(std::string_view bytes);

}  // namespace forkcast::model::onnx
