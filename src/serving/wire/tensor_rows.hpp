#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "data_preprocessing/table/time_zone.hpp"
#include "serving/wire/request_decoder.hpp"
#include "serving/wire/row_collector.hpp"
#include "serving/wire/tensor.hpp"

namespace forkcast::wire {

/// Of a schema whose required fields are all numbers (or booleans): those of its fields that are,
/// in their order. Its rows can be given as one tensor. Empty: it is not such.
[[nodiscard]] std::vector<std::size_t> VectorFields(const preprocessing::Schema& schema);

/// Makes rows of tensors, which are the columns of a table: each is called as a field and has a
/// value a row, in the shape [n] or [n,1]. Or one tensor of the shape [n,f], that is called as no
/// field, has in each row the values of the f VectorFields(). Types are strict (Fits()); a field
/// that no tensor has is missing in all rows, and so is a time that is an empty text.
///
/// Tensors that do not fit the schema or each other are an error of the call; a value that is none
/// of its type, or missing where it is required, is one of its row. Keeps its memory.
class TensorRows {
 public:
  /// What rows are made of. All of it lives until they are made.
  struct Source {
    const preprocessing::Schema& schema;
    const preprocessing::TimeZone& zone;
    std::span<const Tensor> inputs;
    std::size_t max_rows = 100'000;
  };
  /// Begins with `out`, which was made of the schema.
  Status Start(const Source& source, DecodedRequest& out);
  /// Makes further rows, at most so many. True when all are.
  bool Continue(std::size_t rows);

 private:
  /// Where the values of a field are.
  struct Binding {
    std::size_t column = 0;
    const Tensor* tensor = nullptr;
    std::size_t first = 0;
    std::size_t stride = 1;
  };

  Status BindVector(const Tensor& input, std::span<const std::size_t> fields);
  Status BindColumns();
  Status Bind(const Tensor& input);
  Status CheckRequired() const;
  [[nodiscard]] Error NoSuchInput(const Tensor& input) const;
  void AppendRow();
  Status Append(const Binding& binding, std::size_t row);

  const preprocessing::Schema* schema_ = nullptr;
  const preprocessing::TimeZone* zone_ = nullptr;
  std::span<const Tensor> inputs_;
  std::vector<Binding> bindings_;
  std::size_t row_count_ = 0;
  std::optional<RowCollector> rows_;
};

}  // namespace forkcast::wire
