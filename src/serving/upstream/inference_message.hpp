#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/value.hpp"
#include "serving/upstream/remote_binding.hpp"
#include "serving/upstream/remote_plan.hpp"
#include "serving/wire/tensor_request.hpp"

namespace forkcast::serving {

/// The rows of several requests, as they are sent at once: of each its features, row by row.
using RemoteRows = std::span<const std::span<const preprocessing::Value>>;

/// A whole request of HTTP/1.1, in two parts that are sent one behind the other.
struct InferenceRequest {
  std::string head{};
  std::string body{};
};

/// Writes the inference request of these rows. A value that is missing is null, or NaN and an empty
/// text in binary. Appends nothing to what was there: it is replaced, so that its memory is kept.
/// Precondition: values of the plan's types, none of them infinite.
void WriteInferenceRequest(const RemotePlan& plan, const RemoteBinding& binding,
                           const RemoteAddress& address, std::string_view id, RemoteRows rows,
                           InferenceRequest& request);
/// `GET` of the server's metadata, or of the model's.
[[nodiscard]] std::string ServerMetadataRequest(const RemoteAddress& address);
[[nodiscard]] std::string ModelMetadataRequest(const RemotePlan& plan,
                                               const RemoteAddress& address);

/// What a remote model gave for rows.
struct RemoteScores {
  std::vector<preprocessing::Value> outputs;  ///< Rows x the plan's outputs; texts are views of:
  std::deque<std::string> texts;
};

/// Reads answers, one after the other.
class InferenceAnswer {
 public:
  /// kInvalidArgument for what is no answer to `rows` rows of the request `id`: no JSON, another
  /// id, an output that is missing, of another type or with another number of values, a number that
  /// is infinite. `body` has to live until the last Take(); kBodyPadding bytes behind it are
  /// readable.
  Status Read(const RemotePlan& plan, const RemoteBinding& binding, std::string_view id,
              std::size_t rows, std::string_view body, std::optional<std::size_t> json_size);
  /// Writes the outputs of the rows from `first` on, as many as there is room for; NaN and null are
  /// missing values. `texts` owns those that there are.
  void Take(std::size_t first, std::span<preprocessing::Value> outputs,
            std::deque<std::string>& texts) const;

 private:
  wire::TensorAnswer answer_;
  std::vector<const wire::Tensor*> outputs_;
};

/// What a server says in an answer that is none: its member "error", or "detail"; else what came,
/// cut where it is long.
[[nodiscard]] std::string ErrorTextIn(std::string_view body);

}  // namespace forkcast::serving
