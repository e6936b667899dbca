#include "model/onnx/onnx_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "model/onnx/protobuf.hpp"
#include "model/refused.hpp"

// Numbers of fields are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
namespace forkcast::model::onnx {
namespace {

/// Of all lists and constants of a file.
constexpr std::size_t kMostNumbers = std::size_t{1} << 27U;
/// Whole numbers up to it are doubles, too.
constexpr std::int64_t kMostExact = std::int64_t{1} << 53;

constexpr std::array<std::pair<ElementType, std::string_view>, 7> kTypeNames{{
    {ElementType::kFloat, "float"},
    {ElementType::kUint8, "uint8"},
    {ElementType::kInt32, "int32"},
    {ElementType::kInt64, "int64"},
    {ElementType::kString, "string"},
    {ElementType::kBool, "bool"},
    {ElementType::kDouble, "double"},
}};

bool IsKnown(std::int64_t type) {
  return std::ranges::any_of(kTypeNames, [type](const auto& known) {
    return known.first == static_cast<ElementType>(type);
  });
}

double ToDouble(std::int64_t number, std::string_view what) {
  const bool is_end = number == std::numeric_limits<std::int64_t>::max() ||
                      number == std::numeric_limits<std::int64_t>::min();
  if (!is_end && (number > kMostExact || number < -kMostExact)) {
    RefuseUnknown(fmt::format("constant {:?}: {} is too great a whole number", what, number));
  }
  return static_cast<double>(number);
}

class FileReader {
 public:
  OnnxFile Read(std::string_view bytes) {
    MessageReader message(bytes);
    std::string_view graph;
    for (Field field; message.Next(field);) {
      switch (field.number) {
        case 1:
          file_.ir_version = IntegerOf(field);
          break;
        case 2:
          file_.producer = BytesOf(field);
          break;
        case 3:
          file_.producer_version = BytesOf(field);
          break;
        case 7:
          graph = BytesOf(field);
          break;
        case 8:
          ReadOpset(BytesOf(field));
          break;
        case 14:
          ReadMetadata(BytesOf(field));
          break;
        case 25:
          RefuseUnknown("functions: a model that declares some is not understood");
        default:
          break;  // documentation, training
      }
    }
    if (graph.data() == nullptr) RefuseCorrupt("it has no graph");
    ReadGraph(graph);
    return std::move(file_);
  }

 private:
  void ReadOpset(std::string_view bytes) {
    MessageReader message(bytes);
    std::string_view domain;
    std::int64_t version = 0;
    for (Field field; message.Next(field);) {
      if (field.number == 1) domain = BytesOf(field);
      if (field.number == 2) version = IntegerOf(field);
    }
    file_.opsets[domain == "ai.onnx" ? "" : domain] = version;
  }

  void ReadMetadata(std::string_view bytes) {
    MessageReader message(bytes);
    std::string_view key;
    std::string_view value;
    for (Field field; message.Next(field);) {
      if (field.number == 1) key = BytesOf(field);
      if (field.number == 2) value = BytesOf(field);
    }
    file_.metadata[key] = value;
  }

  void ReadGraph(std::string_view bytes) {
    MessageReader message(bytes);
    for (Field field; message.Next(field);) {
      switch (field.number) {
        case 1:
          file_.nodes.push_back(ReadNode(BytesOf(field)));
          break;
        case 5:
          ReadInitializer(BytesOf(field));
          break;
        case 11:
          file_.inputs.push_back(ReadValueInfo(BytesOf(field)));
          break;
        case 12:
          file_.outputs.push_back(ReadValueInfo(BytesOf(field)));
          break;
        case 15:
          RefuseUnknown("sparse_initializer: sparse constants are not understood");
        default:
          break;
      }
    }
    // Older files list constants among the inputs.
    std::erase_if(file_.inputs,
                  [this](const ValueInfo& input) { return file_.constants.contains(input.name); });
  }

  void ReadInitializer(std::string_view bytes) {
    std::string_view name;
    Tensor tensor = ReadTensor(bytes, name);
    if (!file_.constants.emplace(name, std::move(tensor)).second) {
      RefuseCorrupt(fmt::format("two constants are called {:?}", name));
    }
  }

  Node ReadNode(std::string_view bytes) {
    MessageReader message(bytes);
    Node node;
    std::vector<std::string_view> attributes;
    for (Field field; message.Next(field);) {
      switch (field.number) {
        case 1:
          node.inputs.push_back(BytesOf(field));
          break;
        case 2:
          node.outputs.push_back(BytesOf(field));
          break;
        case 3:
          node.name = BytesOf(field);
          break;
        case 4:
          node.op = BytesOf(field);
          break;
        case 5:
          attributes.push_back(BytesOf(field));
          break;
        case 7:
          node.domain = BytesOf(field);
          break;
        default:
          break;
      }
    }
    if (node.domain == "ai.onnx") node.domain = "";
    for (const std::string_view attribute : attributes) ReadAttribute(attribute, node);
    return node;
  }

  void ReadAttribute(std::string_view bytes, Node& node) {
    MessageReader message(bytes);
    std::string_view name;
    Attribute attribute;
    for (Field field; message.Next(field);) {
      switch (field.number) {
        case 1:
          name = BytesOf(field);
          break;
        case 2:
          attribute.number = FloatOf(field);
          break;
        case 3:
          attribute.integer = IntegerOf(field);
          break;
        case 4:
          attribute.text = BytesOf(field);
          break;
        case 5: {
          std::string_view unused;
          attribute.tensor = ReadTensor(BytesOf(field), unused);
          break;
        }
        case 7:
          AppendFloats(field, attribute.floats);
          break;
        case 8:
          AppendIntegers(field, attribute.integers);
          break;
        case 9:
          attribute.strings.push_back(BytesOf(field));
          break;
        case 6:
        case 11:
          node.has_graph = true;
          break;
        default:
          break;
      }
    }
    Count(attribute.floats.size() + attribute.integers.size() + attribute.strings.size());
    if (!node.attributes.emplace(name, std::move(attribute)).second) {
      RefuseCorrupt(fmt::format("{}: two attributes are called {:?}", node.op, name));
    }
  }

  void Count(std::size_t numbers) {
    numbers_ += numbers;
    if (numbers_ > kMostNumbers) {
      RefuseUnknown(fmt::format("over {} numbers and texts in all", kMostNumbers));
    }
  }

  Tensor ReadTensor(std::string_view bytes, std::string_view& name) {
    MessageReader message(bytes);
    Tensor tensor;
    std::int64_t type = 0;
    std::vector<float> floats;
    std::vector<std::int64_t> integers;
    std::string_view raw;
    for (Field field; message.Next(field);) {
      switch (field.number) {
        case 1:
          AppendIntegers(field, tensor.dims);
          break;
        case 2:
          type = IntegerOf(field);
          break;
        case 4:
          AppendFloats(field, floats);
          break;
        case 5:
        case 7:
          AppendIntegers(field, integers);
          break;
        case 6:
          tensor.strings.push_back(BytesOf(field));
          break;
        case 8:
          name = BytesOf(field);
          break;
        case 9:
          raw = BytesOf(field);
          break;
        case 10:
          AppendDoubles(field, tensor.numbers);
          break;
        case 13:
        case 14:
          if (field.number == 13 || IntegerOf(field) != 0) {
            RefuseUnknown(
                "external_data: a constant lies in another file, none of which is read: save the "
                "model as one file");
          }
          break;
        default:
          break;
      }
    }
    if (!IsKnown(type)) {
      RefuseUnknown(fmt::format("constant {:?}: of {}, which is not understood", name,
                                NameOf(static_cast<ElementType>(type))));
    }
    tensor.type = static_cast<ElementType>(type);
    tensor.numbers.insert(tensor.numbers.end(), floats.begin(), floats.end());
    for (const std::int64_t one : integers) tensor.numbers.push_back(ToDouble(one, name));
    ReadRaw(raw, name, tensor);
    CheckSize(name, tensor);
    Count(tensor.size());
    return tensor;
  }

  template <typename Number>
  static void AppendRaw(std::string_view raw, std::string_view name, Tensor& tensor) {
    if (raw.size() % sizeof(Number) != 0) {
      RefuseCorrupt(fmt::format("constant {:?}: {} bytes are no list of {}", name, raw.size(),
                                NameOf(tensor.type)));
    }
    for (std::size_t at = 0; at < raw.size(); at += sizeof(Number)) {
      Number number{};
      std::memcpy(&number, raw.data() + at, sizeof number);
      if constexpr (std::is_same_v<Number, std::int64_t>) {
        tensor.numbers.push_back(ToDouble(number, name));
      } else {
        tensor.numbers.push_back(static_cast<double>(number));
      }
    }
  }

  static void ReadRaw(std::string_view raw, std::string_view name, Tensor& tensor) {
    switch (tensor.type) {
      case ElementType::kFloat:
        return AppendRaw<float>(raw, name, tensor);
      case ElementType::kDouble:
        return AppendRaw<double>(raw, name, tensor);
      case ElementType::kInt32:
        return AppendRaw<std::int32_t>(raw, name, tensor);
      case ElementType::kInt64:
        return AppendRaw<std::int64_t>(raw, name, tensor);
      case ElementType::kUint8:
      case ElementType::kBool:
        return AppendRaw<std::uint8_t>(raw, name, tensor);
      case ElementType::kString:
        break;
    }
    if (!raw.empty()) RefuseCorrupt(fmt::format("constant {:?}: raw bytes of texts", name));
  }

  static void CheckSize(std::string_view name, const Tensor& tensor) {
    if (tensor.dims.size() > kMostDims) {
      RefuseUnknown(fmt::format("constant {:?}: over {} dimensions", name, kMostDims));
    }
    std::size_t size = 1;
    for (const std::int64_t dim : tensor.dims) {
      if (dim < 0 || (dim > 0 && size > kMostNumbers / static_cast<std::size_t>(dim))) {
        RefuseCorrupt(fmt::format("constant {:?}: a dimension of {}", name, dim));
      }
      size *= static_cast<std::size_t>(dim);
    }
    const bool is_text = tensor.type == ElementType::kString;
    if (size != tensor.size() || is_text != tensor.numbers.empty()) {
      if (size == 0 && tensor.size() == 0) return;
      RefuseCorrupt(fmt::format("constant {:?}: {} elements, but its dimensions say {}", name,
                                tensor.size(), size));
    }
  }

  static ValueInfo ReadValueInfo(std::string_view bytes) {
    MessageReader message(bytes);
    ValueInfo info;
    std::string_view type;
    for (Field field; message.Next(field);) {
      if (field.number == 1) info.name = BytesOf(field);
      if (field.number == 2) type = BytesOf(field);
    }
    MessageReader type_message(type);
    for (Field field; type_message.Next(field);) {
      if (field.number != 1) continue;
      info.is_tensor = true;
      ReadTensorType(BytesOf(field), info);
    }
    return info;
  }

  static void ReadTensorType(std::string_view bytes, ValueInfo& info) {
    MessageReader message(bytes);
    for (Field field; message.Next(field);) {
      if (field.number == 1) info.type = IntegerOf(field);
      if (field.number != 2) continue;
      info.has_shape = true;
      MessageReader shape(BytesOf(field));
      for (Field dim; shape.Next(dim);) {
        if (dim.number == 1) info.dims.push_back(ReadDim(BytesOf(dim)));
      }
    }
  }

  static std::int64_t ReadDim(std::string_view bytes) {
    MessageReader message(bytes);
    std::int64_t size = -1;
    for (Field field; message.Next(field);) {
      if (field.number == 1) size = IntegerOf(field);
    }
    return size > 0 ? size : -1;
  }

  OnnxFile file_;
  std::size_t numbers_ = 0;
};

template <typename T>
const T& MemberOr(const Node& node, std::string_view attribute, T Attribute::*member) {
  static const T none{};
  const auto found = node.attributes.find(attribute);
  return found == node.attributes.end() ? none : found->second.*member;
}

}  // namespace

std::string NameOf(ElementType type) {
  for (const auto& [known, name] : kTypeNames) {
    if (known == type) return std::string(name);
  }
  return fmt::format("type {}", static_cast<std::int64_t>(type));
}

std::int64_t Node::Integer(std::string_view attribute, std::int64_t otherwise) const {
  return Has(attribute) ? MemberOr(*this, attribute, &Attribute::integer) : otherwise;
}
float Node::Float(std::string_view attribute, float otherwise) const {
  return Has(attribute) ? MemberOr(*this, attribute, &Attribute::number) : otherwise;
}
std::string_view Node::Text(std::string_view attribute, std::string_view otherwise) const {
  return Has(attribute) ? MemberOr(*this, attribute, &Attribute::text) : otherwise;
}
const std::vector<std::int64_t>& Node::Integers(std::string_view attribute) const {
  return MemberOr(*this, attribute, &Attribute::integers);
}
const std::vector<float>& Node::Floats(std::string_view attribute) const {
  return MemberOr(*this, attribute, &Attribute::floats);
}
const std::vector<std::string_view>& Node::Strings(std::string_view attribute) const {
  return MemberOr(*this, attribute, &Attribute::strings);
}
const Tensor* Node::Constant(std::string_view attribute) const {
  const auto found = attributes.find(attribute);
  return found == attributes.end() ? nullptr : &found->second.tensor;
}

bool IsOnnx(std::string_view bytes) noexcept {
  // A model begins with its ir_version, a number that has been below 128 for long.
  return bytes.size() > 2 && bytes[0] == '\x08' && bytes[1] > 0;
}

OnnxFile ReadOnnxFile(std::string_view bytes) { return FileReader().Read(bytes); }

}  // namespace forkcast::model::onnx
