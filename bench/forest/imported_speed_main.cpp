// imported-speed DIR [--rows N ...]: microseconds a row of models that Python made, imported and
// scored as a server scores them, in one thread, as JSON.
//
// DIR is where bench/forest/peers.py --imported put them: STEM.ubj, STEM.txt or STEM.onnx, and with
// each STEM.rows (row-major floats) and STEM.told (doubles, what its own library predicts for
// them), which is compared first. A row is what a request's features are, values; it is encoded
// and predicted. Rows are asked one after the other, none twice in a row. A figure is the median of
// the turns, by the clock of the thread.

#include <algorithm>
#include <boost/program_options.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/table/value.hpp"
#include "model/artefact/registry.hpp"
#include "model/import/import_model.hpp"
#include "model/import/imported_version.hpp"

namespace {

using namespace forkcast;
using namespace forkcast::model;
using nlohmann::ordered_json;
using preprocessing::Value;

constexpr int kUsage = 2;
constexpr int kFailed = 3;
constexpr std::size_t kColumns = 30;
constexpr int kTurns = 7;
constexpr double kSecondsATurn = 0.15;
constexpr double kTolerance = 1e-4;  // of ONNX: ONNX Runtime adds floats in another order

template <typename T>
T OrThrow(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

template <typename Number>
std::vector<Number> ReadNumbers(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.empty()) throw std::runtime_error(path.string() + ": cannot be read");
  std::vector<Number> numbers(bytes.size() / sizeof(Number));
  std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(Number));
  return numbers;
}

/// As `forkcast models import` publishes it and a server reads it.
Predictor Import(const std::filesystem::path& file, const Registry& registry) {
  ImportRequest request{.file = file, .name = file.stem().string()};
  for (std::size_t i = 0; i < kColumns; ++i) request.inputs.push_back("f" + std::to_string(i));
  const PreparedImport prepared = OrThrow(PrepareImport(request));
  const std::uint64_t number =
      OrThrow(registry.Publish(request.name, prepared.manifest, prepared.files, {}));
  const VersionInfo version = OrThrow(registry.Find(request.name, std::to_string(number)));
  return OrThrow(OrThrow(ImportedVersion::Read(version)).ReadPredictor());
}

/// A model with the rows that it is asked.
class Asked {
 public:
  Asked(Predictor predictor, std::span<const float> rows) : predictor_(std::move(predictor)) {
    for (const float number : rows) values_.emplace_back(double{number});
    inputs_.resize(row_count() * predictor_.input_count());
    out_.resize(row_count() * predictor_.outputs().size());
  }

  [[nodiscard]] std::size_t row_count() const noexcept { return values_.size() / kColumns; }
  [[nodiscard]] std::span<const double> answers() const noexcept { return out_; }

  void Predict(std::size_t first, std::size_t count) {
    const std::size_t width = predictor_.input_count();
    const std::span inputs = std::span(inputs_).first(count * width);
    for (std::size_t row = 0; row < count; ++row) {
      const Status encoded =
          predictor_.Encode(std::span(values_).subspan((first + row) * kColumns, kColumns),
                            inputs.subspan(row * width, width));
      if (!encoded) throw std::runtime_error(encoded.error().message);
    }
    predictor_.Predict(inputs, {}, std::span(out_).first(count * predictor_.outputs().size()));
  }

 private:
  Predictor predictor_;
  std::vector<Value> values_;
  std::vector<float> inputs_;
  std::vector<double> out_;
};

double ProcessorSeconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// Microseconds a row.
double TakeTurn(Asked& model, std::size_t batch) {
  const std::size_t calls = std::max<std::size_t>(1, 64 / batch);  // between two looks at the clock
  std::size_t rows = 0;
  std::size_t first = 0;
  const double begin = ProcessorSeconds();
  double now = begin;
  while (now - begin < kSecondsATurn) {
    for (std::size_t i = 0; i < calls; ++i) {
      model.Predict(first, batch);
      first = first + 2 * batch > model.row_count() ? 0 : first + batch;
      rows += batch;
    }
    now = ProcessorSeconds();
  }
  return (now - begin) * 1e6 / static_cast<double>(rows);
}

double MedianTurn(Asked& model, std::size_t batch) {
  std::vector<double> turns;
  for (int turn = 0; turn < kTurns; ++turn) turns.push_back(TakeTurn(model, batch));
  std::ranges::sort(turns);
  return turns[turns.size() / 2];
}

void RequireTold(Asked& model, const std::filesystem::path& file) {
  const auto told = ReadNumbers<double>(std::filesystem::path(file).replace_extension(".told"));
  model.Predict(0, model.row_count());
  if (told.size() != model.answers().size()) throw std::runtime_error("answers of another shape");
  for (std::size_t i = 0; i < told.size(); ++i) {
    const double scale = std::max(1.0, std::abs(told[i]));
    if (std::abs(told[i] - model.answers()[i]) <= kTolerance * scale) continue;
    throw std::runtime_error(file.string() + " is answered otherwise than by its library");
  }
}

bool IsModel(const std::filesystem::path& file) {
  return file.extension() == ".ubj" || file.extension() == ".txt" || file.extension() == ".onnx";
}

ordered_json Measure(const std::filesystem::path& folder, const std::vector<std::size_t>& batches) {
  const std::filesystem::path place = folder / "registry";
  std::filesystem::remove_all(place);
  const Registry registry(place);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (IsModel(entry.path())) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  ordered_json all = ordered_json::object();
  for (const std::filesystem::path& file : files) {
    Asked model(Import(file, registry),
                ReadNumbers<float>(std::filesystem::path(file).replace_extension(".rows")));
    RequireTold(model, file);
    ordered_json& times = all[file.stem().string()];
    for (const std::size_t batch : batches) times[std::to_string(batch)] = MedianTurn(model, batch);
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  namespace po = boost::program_options;
  std::filesystem::path folder;
  std::vector<std::size_t> batches;
  try {
    po::options_description described("imported-speed");
    described.add_options()("folder", po::value(&folder)->required(), "where the models are")(
        "rows", po::value(&batches)->multitoken(), "rows at once (default: 1 32 256)");
    po::positional_options_description places;
    places.add("folder", 1);
    po::variables_map given;
    po::store(po::command_line_parser(argc, argv).options(described).positional(places).run(),
              given);
    po::notify(given);
    if (batches.empty()) batches = {1, 32, 256};
  } catch (const std::exception& error) {
    std::cerr << "imported-speed: " << error.what() << "\n";
    return kUsage;
  }
  try {
    std::cout << Measure(folder, batches).dump(2) << "\n";
  } catch (const std::exception& error) {
    std::cerr << "imported-speed: " << error.what() << "\n";
    return kFailed;
  }
  return 0;
}
