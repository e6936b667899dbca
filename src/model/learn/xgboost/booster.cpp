#include "model/learn/xgboost/booster.hpp"

#include <xgboost/c_api.h>

#include <cstdint>
#include <cstdlib>
#include <utility>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::model {
namespace {

/// What the library says of its last failure in this thread, without the time, the place in its
/// sources and the backtrace that it adds: "[12:00:00] file.cc:1: Check failed: x: why\nStack ...".
Error LastError(ErrorCode code, std::string_view doing) {
  std::string_view what = XGBGetLastError();
  what = what.substr(0, what.find("\nStack trace"));
  if (what.starts_with('[')) {
    const std::size_t place_end = what.find(": ");
    if (place_end != std::string_view::npos) what.remove_prefix(place_end + 2);
  }
  while (what.ends_with('\n')) what.remove_suffix(1);
  return {code, std::string(doing) + ": XGBoost: " + std::string(what)};
}

Status Check(int code, std::string_view doing) {
  if (code == 0) return {};
  return LastError(ErrorCode::kInternal, doing);
}

/// A view of `values` in the form of NumPy's array interface, which the library reads.
std::string ArrayInterface(std::span<const float> values, std::size_t columns) {
  return R"({"data":[)" + std::to_string(reinterpret_cast<std::uintptr_t>(values.data())) +
         R"(,true],"shape":[)" + std::to_string(values.size() / columns) + "," +
         std::to_string(columns) + R"(],"typestr":"<f4","version":3})";
}

/// The library's warnings are of parameters and formats that a caller of this class cannot choose.
/// The setting is the thread's.
Status Silence() { return Check(XGBSetGlobalConfig(R"({"verbosity":0})"), "configuring"); }

/// Takes part in parsing without keeping anything.
struct Accept {
  using Json = nlohmann::json;
  static bool null() { return true; }
  static bool boolean(bool /*value*/) { return true; }
  static bool number_integer(Json::number_integer_t /*value*/) { return true; }
  static bool number_unsigned(Json::number_unsigned_t /*value*/) { return true; }
  static bool number_float(Json::number_float_t /*value*/, const std::string& /*text*/) {
    return true;
  }
  static bool string(const std::string& /*value*/) { return true; }
  static bool binary(const Json::binary_t& /*value*/) { return true; }
  static bool start_object(std::size_t /*members*/) { return true; }
  static bool key(const std::string& /*name*/) { return true; }
  static bool end_object() { return true; }
  static bool start_array(std::size_t /*elements*/) { return true; }
  static bool end_array() { return true; }
  static bool parse_error(std::size_t /*at*/, const std::string& /*token*/,
                          const Json::exception& /*error*/) {
    return false;
  }
};

/// Whether bytes that begin with '{' are one whole document of either format.
bool IsWellFormed(std::string_view bytes) {
  Accept accept;
  const bool is_text = bytes.size() > 1 && (bytes[1] == '"' || bytes[1] == '}' || bytes[1] <= ' ');
  return nlohmann::json::sax_parse(
      bytes, &accept,
      is_text ? nlohmann::json::input_format_t::json : nlohmann::json::input_format_t::ubjson);
}

}  // namespace

std::string XGBoostLibraryVersion() {
  int major = 0;
  int minor = 0;
  int patch = 0;
  XGBoostVersion(&major, &minor, &patch);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

void DataMatrix::Free::operator()(void* handle) const noexcept { XGDMatrixFree(handle); }
void Booster::Free::operator()(void* handle) const noexcept { XGBoosterFree(handle); }

Result<DataMatrix> DataMatrix::Make(std::span<const float> values, std::size_t columns,
                                    unsigned threads) {
  if (Status silent = Silence(); !silent) return std::move(silent).error();
  const std::string config = R"({"missing":NaN,"nthread":)" + std::to_string(threads) + "}";
  DMatrixHandle handle = nullptr;
  Status made = Check(
      XGDMatrixCreateFromDense(ArrayInterface(values, columns).c_str(), config.c_str(), &handle),
      "taking in rows");
  if (!made) return std::move(made).error();
  DataMatrix matrix;
  matrix.handle_.reset(handle);
  matrix.rows_ = values.size() / columns;
  return matrix;
}

Status DataMatrix::SetLabels(std::span<const float> labels) {
  return Check(XGDMatrixSetInfoFromInterface(handle_.get(), "label",
                                             ArrayInterface(labels, labels.size() / rows_).c_str()),
               "taking in the target");
}

Status DataMatrix::SetWeights(std::span<const float> weights) {
  return Check(XGDMatrixSetFloatInfo(handle_.get(), "weight", weights.data(), weights.size()),
               "taking in weights");
}

Result<std::unique_ptr<Booster>> Booster::Make(std::span<const DataMatrix* const> data) {
  if (Status silent = Silence(); !silent) return std::move(silent).error();
  std::vector<DMatrixHandle> handles;
  for (const DataMatrix* matrix : data) handles.push_back(matrix->handle_.get());
  BoosterHandle handle = nullptr;
  Status made = Check(XGBoosterCreate(handles.data(), handles.size(), &handle), "starting");
  if (!made) return std::move(made).error();
  return std::unique_ptr<Booster>(new Booster(handle));
}

Result<std::unique_ptr<Booster>> Booster::Load(std::string_view bytes, unsigned threads) {
  // The library takes whatever begins otherwise for its old binary format, and reads beyond the end
  // of UBJSON that was cut off.
  if (!bytes.starts_with('{') || !IsWellFormed(bytes)) {
    return Error{ErrorCode::kCorrupt, "not a model of XGBoost as JSON or UBJSON"};
  }
  Result<std::unique_ptr<Booster>> booster = Make({});
  if (!booster) return booster;
  if (Status set = (*booster)->Set("nthread", std::to_string(threads)); !set) {
    return std::move(set).error();
  }
  if (XGBoosterLoadModelFromBuffer((*booster)->handle_.get(), bytes.data(), bytes.size()) != 0) {
    return LastError(ErrorCode::kCorrupt, "reading a model");
  }
  return booster;
}

Status Booster::Set(const char* parameter, const std::string& value) {
  return Check(XGBoosterSetParam(handle_.get(), parameter, value.c_str()), parameter);
}

Status Booster::Update(int round, const DataMatrix& data) {
  return Check(XGBoosterUpdateOneIter(handle_.get(), round, data.handle_.get()), "growing trees");
}

Status Booster::Boost(const DataMatrix& data, std::span<float> gradients,
                      std::span<float> hessians) {
  return Check(XGBoosterBoostOneIter(handle_.get(), data.handle_.get(), gradients.data(),
                                     hessians.data(), gradients.size()),
               "growing trees");
}

Result<std::span<const float>> Booster::Answers(const DataMatrix& data) {
  constexpr auto kConfig = R"({"type":0,"training":false,"iteration_begin":0,"iteration_end":0,)"
                           R"("strict_shape":false})";
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* answers = nullptr;
  Status predicted = Check(XGBoosterPredictFromDMatrix(handle_.get(), data.handle_.get(), kConfig,
                                                       &shape, &dimensions, &answers),
                           "predicting");
  if (!predicted) return std::move(predicted).error();
  std::size_t count = 1;
  for (bst_ulong i = 0; i < dimensions; ++i) count *= shape[i];
  return std::span(answers, count);
}

Result<double> Booster::Evaluate(int round, const DataMatrix& data) {
  DMatrixHandle handle = data.handle_.get();
  const char* name = "rows";
  const char* text = nullptr;
  Status evaluated = Check(XGBoosterEvalOneIter(handle_.get(), round, &handle, &name, 1, &text),
                           "judging the model");
  if (!evaluated) return std::move(evaluated).error();
  const std::string_view said(text);  // "[0]\trows-rmse:0.5"
  return std::strtod(text + said.rfind(':') + 1, nullptr);
}

Result<std::unique_ptr<Booster>> Booster::FirstRounds(std::size_t rounds) const {
  BoosterHandle handle = nullptr;
  Status sliced = Check(XGBoosterSlice(handle_.get(), 0, static_cast<int>(rounds), 1, &handle),
                        "taking the best rounds");
  if (!sliced) return std::move(sliced).error();
  return std::unique_ptr<Booster>(new Booster(handle));
}

Status Booster::Describe(std::span<const std::string> features, std::string_view algorithm,
                         std::string_view task) {
  std::vector<const char*> names;
  for (const std::string& feature : features) names.push_back(feature.c_str());
  Status named =
      Check(XGBoosterSetStrFeatureInfo(handle_.get(), "feature_name", names.data(), names.size()),
            "naming the features");
  if (!named) return named;
  for (const auto& [name, value] :
       {std::pair("forkcast_algorithm", algorithm), std::pair("forkcast_task", task)}) {
    Status set = Check(XGBoosterSetAttr(handle_.get(), name, std::string(value).c_str()), name);
    if (!set) return set;
  }
  return {};
}

Result<std::vector<std::string>> Booster::Features() const {
  bst_ulong count = 0;
  const char** names = nullptr;
  Status read = Check(XGBoosterGetStrFeatureInfo(handle_.get(), "feature_name", &count, &names),
                      "reading the features");
  if (!read) return std::move(read).error();
  return std::vector<std::string>(names, names + count);
}

Result<std::size_t> Booster::RoundCount() const {
  int rounds = 0;
  Status counted = Check(XGBoosterBoostedRounds(handle_.get(), &rounds), "counting rounds");
  if (!counted) return std::move(counted).error();
  return static_cast<std::size_t>(rounds);
}

Result<Booster::Scores> Booster::Predict(std::span<const float> values, std::size_t columns) const {
  constexpr auto kConfig = R"({"type":0,"training":false,"iteration_begin":0,"iteration_end":0,)"
                           R"("strict_shape":true,"cache_id":0,"missing":NaN})";
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* scores = nullptr;
  Status predicted =
      Check(XGBoosterPredictFromDense(handle_.get(), ArrayInterface(values, columns).c_str(),
                                      kConfig, nullptr, &shape, &dimensions, &scores),
            "predicting");
  if (!predicted) return std::move(predicted).error();
  const std::size_t outputs = dimensions > 1 ? shape[1] : 1;
  return Scores{.values = std::vector<double>(scores, scores + shape[0] * outputs),
                .columns = outputs};
}

Result<std::string> Booster::Save(std::string_view format) const {
  const std::string config = R"({"format":")" + std::string(format) + R"("})";
  bst_ulong size = 0;
  const char* bytes = nullptr;
  Status saved = Check(XGBoosterSaveModelToBuffer(handle_.get(), config.c_str(), &size, &bytes),
                       "writing the model");
  if (!saved) return std::move(saved).error();
  return std::string(bytes, size);
}

Result<std::vector<Booster::Gain>> Booster::TotalGains() const {
  bst_ulong count = 0;
  const char** names = nullptr;
  bst_ulong dimensions = 0;
  const bst_ulong* shape = nullptr;
  const float* scores = nullptr;
  Status scored = Check(XGBoosterFeatureScore(handle_.get(), R"({"importance_type":"total_gain"})",
                                              &count, &names, &dimensions, &shape, &scores),
                        "weighing features");
  if (!scored) return std::move(scored).error();
  std::vector<Gain> gains;
  for (bst_ulong i = 0; i < count; ++i) gains.push_back({names[i], scores[i]});
  return gains;
}

}  // namespace forkcast::model
