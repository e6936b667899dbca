#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/table/value.hpp"
#include "model/artefact/registry.hpp"
#include "model/inputs/feature_table.hpp"
#include "model/inputs/target_transform.hpp"
#include "model/predict/predictor.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {

/// Changes the bytes of the file `path` after its version was checked: none left stands for a file
/// that is not there. One that was not there yet holds "xx" before.
inline void Spoil(std::vector<PublishedFile>& files, const std::string& path,
                  const std::function<void(std::string& bytes)>& spoil) {
  auto file = std::ranges::find(files, path, &PublishedFile::path);
  std::string bytes = "xx";
  if (file == files.end()) {
    const std::filesystem::path known = files.front().place;
    const auto folder = known.string().substr(0, known.string().size() - files.front().path.size());
    file = files.insert(file, {.path = path, .place = folder + path});
  } else {
    bytes = preprocessing::ReadWhole(file->place);
  }
  spoil(bytes);
  std::ofstream(file->place, std::ios::binary) << bytes;
  if (bytes.empty()) files.erase(file);
}

/// The files of a model, where the reader of a version finds them.
inline std::vector<PublishedFile> WriteFiles(const std::vector<ArtefactFile>& files,
                                             const preprocessing::TempFolder& folder) {
  std::vector<PublishedFile> written;
  for (const ArtefactFile& file : files) {
    const std::filesystem::path place = folder.path() / file.path;
    std::filesystem::create_directories(place.parent_path());
    std::ofstream(place, std::ios::binary) << file.bytes;
    written.push_back({.path = file.path, .place = place});
  }
  return written;
}

/// Row `row` of `table` as a pipeline of `width` features has it, of which the table's are at
/// `positions`; the others are missing.
inline std::vector<preprocessing::Value> ValuesOf(const FeatureTable& table, std::size_t row,
                                                  const std::vector<std::size_t>& positions,
                                                  std::size_t width) {
  std::vector<preprocessing::Value> values(width);
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const float cell = table.column(i)[row];
    if (std::isnan(cell)) continue;
    if (table.columns()[i].kind == FeatureKind::kNumber) {
      values[positions[i]] = static_cast<double>(cell);
    } else {
      values[positions[i]] = std::string_view(table.categories(i)[static_cast<std::size_t>(cell)]);
    }
  }
  return values;
}

/// What `predictor` answers for one row of a pipeline's features.
inline std::vector<double> AnswerTo(const Predictor& predictor,
                                    const std::vector<preprocessing::Value>& features,
                                    const TargetReference& reference = {}) {
  std::vector<float> inputs(predictor.input_count());
  const Status encoded = predictor.Encode(features, inputs);
  if (!encoded) throw std::runtime_error(encoded.error().message);
  std::vector<double> answer(predictor.outputs().size());
  predictor.Predict(inputs, std::span(&reference, 1), answer);
  return answer;
}

}  // namespace forkcast::model
