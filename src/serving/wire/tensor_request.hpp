#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "serving/wire/tensor.hpp"

namespace forkcast::wire {

/// An output that a request names.
struct RequestedOutput {
  std::string_view name{};
  std::optional<bool> binary{};  ///< None: as the request wants all of them.
};

/// The body of an inference request:
///     {"id": TEXT, "parameters": {"binary_data_output": false},
///      "inputs": [{"name", "shape", "datatype", "data": [...], nested or not}],
///      "outputs": [{"name", "parameters": {"binary_data": true}}]}
/// An input has, in place of `data`, the parameter `binary_data_size`, where it is among the bytes
/// behind the JSON: numbers one behind the other, of BYTES each behind its length in 4 bytes. Null
/// is as good as absent, and of an element that it is missing; other members and parameters are
/// ignored, but must be JSON. Parameters that would change what is asked and cannot be had (shared
/// memory, classification) are refused by name. What was read last is there, and views of it live,
/// until the next call. Not thread-safe.
class TensorRequest {
 public:
  /// `max_depth`: nesting of JSON.
  explicit TensorRequest(std::size_t max_depth);
  ~TensorRequest();

  /// `json_size`: of the body so many bytes are JSON; none: all of it is. kInvalidArgument for what
  /// is not as above, naming the input concerned; kTooLarge for a tensor of more than `max_values`
  /// elements. Precondition: kBodyPadding bytes behind `body` are readable.
  Status Read(std::string_view body, std::optional<std::size_t> json_size, std::size_t max_values);

  /// Empty: there is none.
  [[nodiscard]] std::string_view id() const noexcept;
  /// Outputs are wanted in binary where nothing else is said of one.
  [[nodiscard]] bool wants_binary() const noexcept;
  [[nodiscard]] std::span<const Tensor> inputs() const noexcept;
  /// Empty: all are wanted.
  [[nodiscard]] std::span<const RequestedOutput> outputs() const noexcept;

 private:
  friend class TensorAnswer;
  class Reader;
  std::unique_ptr<Reader> reader_;
};

/// The body of the answer to one, for who asks other servers:
///     {"model_name", "model_version", "id",
///      "outputs": [{"name", "shape", "datatype", "data" or "parameters": {"binary_data_size"}}]}
/// Read as strictly, alike in all else.
class TensorAnswer {
 public:
  TensorAnswer();
  ~TensorAnswer();

  /// As TensorRequest::Read().
  Status Read(std::string_view body, std::optional<std::size_t> json_size, std::size_t max_values);

  /// Empty: there is none.
  [[nodiscard]] std::string_view id() const noexcept;
  [[nodiscard]] std::span<const Tensor> outputs() const noexcept;

 private:
  std::unique_ptr<TensorRequest::Reader> reader_;
};

}  // namespace forkcast::wire
