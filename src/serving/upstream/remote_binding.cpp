#include "serving/upstream/remote_binding.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "data_preprocessing/base/suggestion.hpp"
#include "serving/upstream/remote_document.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using preprocessing::ColumnType;
using wire::Datatype;

Result<RemoteTensor> ReadTensor(const json& node, std::string_view list) {
  const auto wrong = [list](std::string_view what) {
    return Invalid(fmt::format("its metadata are not as expected: {}: {}", list, what));
  };
  if (!node.is_object() || !node.contains("name") || !node["name"].is_string()) {
    return wrong("a tensor without name");
  }
  RemoteTensor tensor{.name = node["name"].get<std::string>(), .shape = {}};
  const json type = node.value("datatype", json());
  const auto datatype =
      type.is_string() ? wire::DatatypeNamed(type.get<std::string>()) : std::optional<Datatype>();
  if (!datatype) return wrong(fmt::format("\"{}\": datatype {}", tensor.name, type.dump()));
  tensor.datatype = *datatype;
  const json shape = node.value("shape", json());
  if (!shape.is_array()) return wrong(fmt::format("\"{}\" has no shape", tensor.name));
  for (const json& size : shape) {
    if (!size.is_number_integer()) {
      return wrong(fmt::format("\"{}\": shape {}", tensor.name, shape.dump()));
    }
    tensor.shape.push_back(size.get<std::int64_t>());
  }
  const json parameters = node.value("parameters", json());
  tensor.is_optional_time = parameters.is_object() &&
                            parameters.value("optional", json()) == json(true) &&
                            parameters.value("content_type", json()) == json("datetime");
  return tensor;
}

Status ReadTensors(const json& model, const char* list, std::vector<RemoteTensor>& tensors) {
  tensors.clear();
  const json all = model.value(list, json());
  if (all.is_null()) return {};
  if (!all.is_array()) return Invalid(fmt::format("its metadata have no array \"{}\"", list));
  for (const json& one : all) {
    Result<RemoteTensor> tensor = ReadTensor(one, list);
    if (!tensor) return std::move(tensor).error();
    tensors.push_back(*std::move(tensor));
  }
  return {};
}

std::string Describe(const RemoteTensor& tensor) {
  return fmt::format("{} [{}]", NameOf(tensor.datatype), fmt::join(tensor.shape, ","));
}

/// One value a row.
bool IsColumn(const RemoteTensor& tensor) noexcept {
  const auto& shape = tensor.shape;
  return !shape.empty() && shape[0] == -1 &&
         (shape.size() == 1 || (shape.size() == 2 && (shape[1] == 1 || shape[1] == -1)));
}
bool IsMatrix(const RemoteTensor& tensor, std::size_t width) noexcept {
  const auto& shape = tensor.shape;
  return shape.size() == 2 && shape[0] == -1 &&
         (shape[1] == -1 || shape[1] == static_cast<std::int64_t>(width));
}

/// The types that hold every value of a feature, as it is or, of FP32, rounded.
std::vector<Datatype> TypesFor(ColumnType type) {
  switch (type) {
    case ColumnType::kText:
      return {Datatype::kBytes};
    case ColumnType::kInt64:
      return {Datatype::kInt64, Datatype::kFp64, Datatype::kFp32};
    case ColumnType::kDouble:
      return {Datatype::kFp64, Datatype::kFp32};
    case ColumnType::kBool:
      return {Datatype::kBool, Datatype::kInt64, Datatype::kFp64, Datatype::kFp32};
    case ColumnType::kTimestamp:
      break;
  }
  return {};
}

/// A value that is missing is NaN, or an empty text; integers and booleans have nothing for it.
bool HoldsMissing(Datatype type) noexcept { return wire::IsReal(type) || type == Datatype::kBytes; }

Status CheckFeature(const RemoteFeature& feature, std::string_view input, Datatype type) {
  const std::vector<Datatype> types = TypesFor(feature.type);
  if (types.empty()) {
    return Invalid(fmt::format("feature \"{}\" is a {}, which no tensor holds", feature.name,
                               preprocessing::ToString(feature.type)),
                   feature.name);
  }
  if (std::ranges::find(types, type) == types.end()) {
    std::vector<std::string_view> names;
    for (const Datatype one : types) names.push_back(NameOf(one));
    return Invalid(fmt::format("input \"{}\" is {}, but feature \"{}\" is a {}: expected {}", input,
                               NameOf(type), feature.name, preprocessing::ToString(feature.type),
                               fmt::join(names, " or ")),
                   feature.name);
  }
  if (feature.may_be_missing && !HoldsMissing(type)) {
    return Invalid(fmt::format("input \"{}\" is {}, which has nothing for a missing value, but "
                               "feature \"{}\" may be missing",
                               input, NameOf(type), feature.name),
                   feature.name);
  }
  return {};
}

std::vector<std::string> NamesOf(const std::vector<RemoteFeature>& features) {
  std::vector<std::string> names;
  for (const RemoteFeature& one : features) names.push_back(one.name);
  return names;
}

/// What is sent where nobody says what is taken.
void BindUnsaid(const RemotePlan& plan, RemoteBinding& binding) {
  for (std::size_t i = 0; i < plan.features.size(); ++i) {
    const RemoteFeature& feature = plan.features[i];
    Datatype type = wire::DatatypeOf(feature.type);
    if (feature.may_be_missing && !HoldsMissing(type)) type = Datatype::kFp64;
    binding.inputs.push_back(
        {.name = feature.name, .datatype = type, .features = {i}, .is_matrix = true});
  }
}

Status BindMatrix(const RemotePlan& plan, const RemoteTensor& input, RemoteBinding& binding) {
  std::vector<std::size_t> all(plan.features.size());
  std::iota(all.begin(), all.end(), 0);
  for (const RemoteFeature& feature : plan.features) {
    if (feature.type == ColumnType::kText) {
      return Invalid(fmt::format("input \"{}\" takes all features as {}, but feature \"{}\" is a "
                                 "text",
                                 input.name, Describe(input), feature.name),
                     feature.name);
    }
    if (Status fits = CheckFeature(feature, input.name, input.datatype); !fits) return fits;
  }
  binding.inputs.push_back({.name = input.name,
                            .datatype = input.datatype,
                            .features = std::move(all),
                            .is_matrix = true});
  return {};
}

Status BindColumns(const RemotePlan& plan, const RemoteMetadata& metadata, RemoteBinding& binding) {
  const std::vector<std::string> names = NamesOf(plan.features);
  for (const RemoteTensor& input : metadata.inputs) {
    const auto feature = std::ranges::find(names, input.name);
    if (feature == names.end() && input.is_optional_time) continue;
    if (feature == names.end()) {
      return Invalid(
          fmt::format("it reads \"{}\" ({}), which is no feature of the pipeline{}; there "
                      "are: {}",
                      input.name, Describe(input), DidYouMean(input.name, names),
                      fmt::join(names, ", ")),
          input.name);
    }
    if (!IsColumn(input)) {
      return Invalid(fmt::format("input \"{}\" is {}: expected the shape [-1] or [-1,1], a value a "
                                 "row",
                                 input.name, Describe(input)),
                     input.name);
    }
    const auto place = static_cast<std::size_t>(feature - names.begin());
    if (Status fits = CheckFeature(plan.features[place], input.name, input.datatype); !fits) {
      return fits;
    }
    binding.inputs.push_back({.name = input.name,
                              .datatype = input.datatype,
                              .features = {place},
                              .is_matrix = input.shape.size() == 2});
  }
  return {};
}

Status BindInputs(const RemotePlan& plan, const RemoteMetadata& metadata, RemoteBinding& binding) {
  if (metadata.inputs.empty()) {
    BindUnsaid(plan, binding);
    return {};
  }
  const RemoteTensor& first = metadata.inputs.front();
  const std::vector<std::string> names = NamesOf(plan.features);
  const bool is_a_feature = std::ranges::find(names, first.name) != names.end();
  if (metadata.inputs.size() == 1 && !is_a_feature && IsMatrix(first, names.size())) {
    return BindMatrix(plan, first, binding);
  }
  if (metadata.inputs.size() == 1 && !is_a_feature && first.shape.size() == 2 &&
      first.shape[1] > 1) {
    return Invalid(fmt::format("input \"{}\" is {}, but the pipeline has {} features: {}",
                               first.name, Describe(first), names.size(), fmt::join(names, ", ")),
                   first.name);
  }
  return BindColumns(plan, metadata, binding);
}

Status CheckOutput(const RemoteOutput& output, const RemoteTensor& tensor) {
  const bool is_text = tensor.datatype == Datatype::kBytes;
  if (is_text != (output.type == RemoteOutput::Type::kText)) {
    return Invalid(fmt::format("output \"{}\" is {}, but it is declared as a {}", tensor.name,
                               NameOf(tensor.datatype), is_text ? "number" : "text"),
                   output.name);
  }
  if (IsColumn(tensor)) return {};
  return Invalid(
      fmt::format("output \"{}\" is {}: expected the shape [-1] or [-1,1], a value a row",
                  tensor.name, Describe(tensor)),
      output.name);
}

Status BindOutputs(const RemotePlan& plan, const RemoteMetadata& metadata, RemoteBinding& binding) {
  const std::vector<RemoteOutput>& declared = plan.spec.outputs;
  std::vector<std::string> names;
  for (const RemoteTensor& one : metadata.outputs) names.push_back(one.name);
  for (const RemoteOutput& output : declared) {
    if (names.empty()) {
      binding.outputs.push_back(output.name);
      continue;
    }
    auto found = std::ranges::find(names, output.name);
    if (found == names.end() && names.size() == 1 && declared.size() == 1) found = names.begin();
    if (found == names.end()) {
      return Invalid(fmt::format("it has no output \"{}\"{}; there are: {}", output.name,
                                 DidYouMean(output.name, names), fmt::join(names, ", ")),
                     output.name);
    }
    const RemoteTensor& tensor = metadata.outputs[static_cast<std::size_t>(found - names.begin())];
    if (Status fits = CheckOutput(output, tensor); !fits) return fits;
    binding.outputs.push_back(tensor.name);
  }
  return {};
}

}  // namespace

Result<bool> ReadTakesBinary(std::string_view server) {
  const Result<json> document = ReadRemoteObject(server);
  if (!document) {
    return Invalid(
        fmt::format("its answer to /v2 is not that of a server of the Open Inference "
                    "Protocol: {}",
                    document.error().message));
  }
  const json extensions = document->value("extensions", json());
  return extensions.is_array() &&
         std::ranges::find(extensions, json("binary_tensor_data")) != extensions.end();
}

Status ReadModelMetadata(std::string_view model, RemoteMetadata& metadata) {
  const Result<json> document = ReadRemoteObject(model);
  if (!document) {
    return Invalid(fmt::format("its metadata are not as expected: {}", document.error().message));
  }
  if (Status read = ReadTensors(*document, "inputs", metadata.inputs); !read) return read;
  return ReadTensors(*document, "outputs", metadata.outputs);
}

Result<RemoteBinding> Bind(const RemotePlan& plan, const RemoteMetadata& metadata) {
  RemoteBinding binding{.inputs = {}, .outputs = {}, .is_binary = metadata.takes_binary};
  if (Status bound = BindInputs(plan, metadata, binding); !bound) return std::move(bound).error();
  if (Status bound = BindOutputs(plan, metadata, binding); !bound) return std::move(bound).error();
  return binding;
}

}  // namespace forkcast::serving
