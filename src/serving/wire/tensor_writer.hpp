#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/table/value.hpp"
#include "serving/wire/tensor.hpp"

namespace forkcast::wire {

/// An output of an answer, a column of it.
struct OutputTensor {
  std::string_view name{};
  Datatype datatype = Datatype::kFp64;  ///< What DatatypeOf() gives.
  bool binary = false;
};

/// Writes the columns of an answer as tensors of the shape [n]:
///     {"model_name", "model_version", "id",
///      "outputs": [{"name", "datatype", "shape", "data" or "parameters": {"binary_data_size"}}]}
/// and behind it the data of those in binary. Numbers are written as AnswerWriter does; times as
/// texts, ISO 8601 with Z. A value that is missing, or no number, is null in JSON; in binary it is
/// NaN, or an empty text. Integers and booleans have no bytes for it: an output of these with one
/// that is missing is written in JSON. Used for one answer after the other, so that its memory is
/// kept.
class TensorWriter {
 public:
  /// Views of `outputs` are kept until Finish().
  void Start(std::span<const OutputTensor> outputs);
  /// A value of each output.
  void AddLine(std::span<const preprocessing::Value> values);

  struct Head {
    std::string_view model_name{};
    std::string_view model_version{};
    std::string_view id{};
  };
  /// Appends the answer to `out`. How many bytes of it are JSON, when any are not; else 0.
  std::size_t Finish(const Head& head, std::string& out);

 private:
  struct Column {
    OutputTensor output{};
    std::string data{};  // as JSON, behind commas, or as bytes
  };

  static void AddBinary(const preprocessing::Value& value, Column& column);
  static void AddJson(const preprocessing::Value& value, std::string& data);
  void TurnToJson(Column& column) const;

  std::vector<Column> columns_;
  std::size_t count_ = 0;  // of outputs; of columns_ there may be more, kept for their memory
  std::size_t lines_ = 0;
};

}  // namespace forkcast::wire
