#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/onnx/onnx_file.hpp"
#include "model/onnx/protobuf.hpp"

namespace forkcast::model::onnx {

/// What a node is told beside its inputs.
class Attributes {
 public:
  Attributes& Integer(std::string_view name, std::int64_t value);
  Attributes& Float(std::string_view name, float value);
  Attributes& Text(std::string_view name, std::string_view value);
  Attributes& Integers(std::string_view name, std::span<const std::int64_t> values);
  Attributes& Floats(std::string_view name, std::span<const float> values);
  Attributes& Texts(std::string_view name, std::span<const std::string> values);

  [[nodiscard]] const std::vector<MessageWriter>& all() const noexcept { return all_; }

 private:
  MessageWriter& Add(std::string_view name, std::int64_t type);

  std::vector<MessageWriter> all_;
};

/// Writes a graph of ONNX, node by node: a node's output is a name, which later ones read. IR 8,
/// opset 15 and ai.onnx.ml 3, which ONNX Runtime reads from 1.11 on. The same calls give the same
/// bytes.
class GraphWriter {
 public:
  /// A column of rows.
  void Input(const std::string& name, ElementType type);
  /// `columns`: numbers of a row; 0: a row has one, and no dimension for it.
  void Output(const std::string& name, ElementType type, std::int64_t columns);

  [[nodiscard]] std::string Numbers(ElementType type, std::span<const double> numbers,
                                    std::vector<std::int64_t> dims);
  [[nodiscard]] std::string Number(ElementType type, double number) {
    return Numbers(type, std::span(&number, 1), {});
  }
  /// An operator of ai.onnx, or of ai.onnx.ml, with one output.
  std::string Node(std::string_view op, const std::vector<std::string>& inputs,
                   const Attributes& attributes = {});
  std::string MlNode(std::string_view op, const std::vector<std::string>& inputs,
                     const Attributes& attributes);
  /// The value under another name: an output's.
  void Rename(const std::string& value, const std::string& name);

  /// `producer_version`: of this program.
  [[nodiscard]] std::string Finish(std::string_view name, std::string_view producer_version) const;

 private:
  std::string Add(std::string_view op, std::string_view domain,
                  const std::vector<std::string>& inputs, const Attributes& attributes,
                  std::string output);
  [[nodiscard]] std::string NewName(std::string_view of);

  std::vector<MessageWriter> nodes_;
  std::vector<MessageWriter> constants_;
  std::vector<MessageWriter> inputs_;
  std::vector<MessageWriter> outputs_;
  std::size_t names_ = 0;
};

}  // namespace forkcast::model::onnx
