#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "serving/upstream/remote_plan.hpp"
#include "serving/wire/tensor.hpp"

namespace forkcast::serving {

/// A tensor as a model's metadata describe it.
struct RemoteTensor {
  std::string name;
  wire::Datatype datatype = wire::Datatype::kFp64;
  std::vector<std::int64_t> shape;  ///< -1: any size.
  /// A time that may be left out, as Forkcast has it of each request. No feature is a time.
  bool is_optional_time = false;
};

/// What a server of the Open Inference Protocol says of itself and of a model.
struct RemoteMetadata {
  bool takes_binary = false;          ///< The server lists the extension binary_tensor_data.
  std::vector<RemoteTensor> inputs;   ///< Empty: it does not say.
  std::vector<RemoteTensor> outputs;  ///< Likewise.
};

/// Reads the answer to `GET /v2`: whether binary tensors are taken. kInvalidArgument.
[[nodiscard]] Result<bool> ReadTakesBinary(std::string_view server);
/// Reads the answer to `GET /v2/models/MODEL` into inputs and outputs. kInvalidArgument.
[[nodiscard]] Status ReadModelMetadata(std::string_view model, RemoteMetadata& metadata);

/// How the rows of a plan are written for one server, and its answers read: what its metadata and
/// the pipeline have in common. Never changes.
struct RemoteBinding {
  struct Input {
    std::string name;
    wire::Datatype datatype = wire::Datatype::kFp64;
    std::vector<std::size_t> features;  ///< One; or all of them, of a plain vector.
    bool is_matrix = false;             ///< Of the shape [n, features], else [n].
  };
  std::vector<Input> inputs;
  std::vector<std::string> outputs;  ///< As the server calls them, in the order of the plan's.
  bool is_binary = false;
};

/// Matches a plan with what a server says. A model either takes the features by name, each a column
/// of the shape [-1] or [-1,1], or has one input of the shape [-1,f] for the f features in their
/// order, all of them numbers. Where the metadata name no inputs (MLServer's own runtimes) columns
/// are sent: FP64, INT64, BOOL and BYTES. An output is expected under its declared name; the only
/// one of a model may be called otherwise. kInvalidArgument naming the input or output that does
/// not fit, and what was expected.
[[nodiscard]] Result<RemoteBinding> Bind(const RemotePlan& plan, const RemoteMetadata& metadata);

}  // namespace forkcast::serving
