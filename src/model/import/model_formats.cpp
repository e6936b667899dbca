#include "model/import/model_formats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "model/import/lightgbm_format.hpp"
#include "model/import/onnx_format.hpp"
#include "model/import/xgboost_format.hpp"
#include "model/onnx/onnx_file.hpp"

namespace forkcast::model {
namespace {

constexpr std::array kFormats{
    ModelFormat{.name = "xgboost",
                .meaning = "XGBoost, JSON or UBJSON",
                .matches = IsXGBoost,
                .read = ImportXGBoost},
    ModelFormat{.name = "lightgbm",
                .meaning = "LightGBM, text",
                .matches = IsLightGbm,
                .read = ImportLightGbm},
    ModelFormat{.name = "onnx", .meaning = "ONNX", .matches = onnx::IsOnnx, .read = ImportOnnx},
};

/// What is no format that is read, by its first bytes, and what to do.
struct Stranger {
  std::string_view begins;
  std::string_view advice;
};
constexpr std::string_view kPickle =
    "it is a Python pickle, which can run any program and is never read: save the model as its "
    "library does (save_model)";
constexpr std::array<Stranger, 8> kStrangers{{
    {"\x80\x02", kPickle},
    {"\x80\x03", kPickle},
    {"\x80\x04", kPickle},
    {"\x80\x05", kPickle},
    {"binf", "it is XGBoost's older binary format: load it with XGBoost 1.x and save it as .ubj"},
    {"CBM1", "it is a model of CatBoost, which is not read"},
    {"PK\x03\x04", "it is a zip: unpack it"},
    {"\x1F\x8B", "it is a gzip: unpack it"},
}};

}  // namespace

std::span<const ModelFormat> ModelFormats() noexcept { return kFormats; }

Result<ImportedModel> ReadModel(std::string_view bytes, Rounds rounds) {
  for (const ModelFormat& format : kFormats) {
    if (!format.matches(bytes)) continue;
    Result<ImportedModel> model = format.read(bytes, rounds);
    if (!model) return model;
    if (Status fits = CheckModel(*model); !fits) return std::move(fits).error();
    model->format = format.name;
    return model;
  }
  std::string known;
  for (const ModelFormat& format : kFormats) {
    known += fmt::format("{}{}", known.empty() ? "" : "; ", format.meaning);
  }
  const auto* const stranger = std::ranges::find_if(
      kStrangers, [bytes](const Stranger& one) { return bytes.starts_with(one.begins); });
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("no model that is understood{}{}; there are: {}",
                           stranger == kStrangers.end() ? "" : ": ",
                           stranger == kStrangers.end() ? "" : stranger->advice, known)};
}

}  // namespace forkcast::model
