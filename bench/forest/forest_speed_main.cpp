// forest-speed [--models DIR] [--only STEM] [--kernel NAME] [--rows N ...] [--json]: microseconds a
// row of three forests, by each kernel and by XGBoost 1.7 in place through C, in one thread; and
// what it takes to explain a row, beside XGBoost's pred_contribs.
//
// Models are trained on the first run, which takes minutes, and kept in DIR as STEM.ubj, with what
// bench/forest/peers.py reads: STEM.rows (row-major) and STEM.answers, both floats. Rows are asked
// one after the other, none twice in a row, so that neither caches nor branch predictors know the
// answer. Engines take turns; a figure is the median of the turns, by the clock of the thread.

#include <xgboost/c_api.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/base/random.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/tree/forest.hpp"
#include "model/tree/forest_compiler.hpp"
#include "model/tree/shap_compiler.hpp"
#include "model/tree/tree_shap.hpp"
#include "model/tree/xgboost_reader.hpp"

namespace {

using namespace forkcast;
using namespace forkcast::model;
using nlohmann::ordered_json;

constexpr int kUsage = 2;
constexpr int kFailed = 3;
constexpr std::size_t kColumns = 30;
constexpr std::size_t kRows = 4'096;  // that are asked
constexpr int kTurns = 7;
constexpr double kSecondsATurn = 0.15;

struct Options {
  std::filesystem::path models;
  std::string only{};
  std::string kernel{};
  std::vector<std::size_t> batches;
  bool json = false;
};

// ---- XGBoost ----

void Check(int code) {
  if (code != 0) throw std::runtime_error(XGBGetLastError());
}

std::string ArrayOf(std::span<const float> values, std::size_t columns) {
  return R"({"data":[)" + std::to_string(reinterpret_cast<std::uintptr_t>(values.data())) +
         R"(,true],"shape":[)" + std::to_string(values.size() / columns) + "," +
         std::to_string(columns) + R"(],"typestr":"<f4","version":3})";
}

struct FreeBooster {
  void operator()(void* handle) const noexcept { XGBoosterFree(handle); }
};
using Booster = std::unique_ptr<void, FreeBooster>;

Booster Load(const std::string& bytes) {
  BoosterHandle handle = nullptr;
  Check(XGBoosterCreate(nullptr, 0, &handle));
  Booster booster(handle);
  Check(XGBoosterSetParam(handle, "nthread", "1"));
  Check(XGBoosterLoadModelFromBuffer(handle, bytes.data(), bytes.size()));
  return booster;
}

const float* PredictInPlace(const Booster& booster, std::span<const float> rows) {
  constexpr auto kConfig = R"({"type":0,"training":false,"iteration_begin":0,"iteration_end":0,)"
                           R"("strict_shape":true,"cache_id":0,"missing":NaN})";
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* scores = nullptr;
  Check(XGBoosterPredictFromDense(booster.get(), ArrayOf(rows, kColumns).c_str(), kConfig, nullptr,
                                  &shape, &dimensions, &scores));
  return scores;
}

struct FreeMatrix {
  void operator()(void* handle) const noexcept { XGDMatrixFree(handle); }
};
using Matrix = std::unique_ptr<void, FreeMatrix>;

Matrix MatrixOf(std::span<const float> rows) {
  DMatrixHandle handle = nullptr;
  Check(XGDMatrixCreateFromDense(ArrayOf(rows, kColumns).c_str(), R"({"missing":NaN,"nthread":1})",
                                 &handle));
  return Matrix(handle);
}

/// A row's, and behind them the base.
const float* Contributions(const Booster& booster, const Matrix& row) {
  constexpr auto kConfig = R"({"type":2,"training":false,"iteration_begin":0,"iteration_end":0,)"
                           R"("strict_shape":true})";
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* found = nullptr;
  Check(
      XGBoosterPredictFromDMatrix(booster.get(), row.get(), kConfig, &shape, &dimensions, &found));
  return found;
}

// ---- models ----

struct ModelKind {
  const char* stem;
  const char* what;
  std::vector<std::pair<const char*, const char*>> parameters;
  int rounds;
  std::size_t rows;  ///< Learned from.
};

const std::vector<ModelKind>& ModelKinds() {
  static const std::vector<ModelKind> kKinds{
      {"boosted_6",
       "500 trees of depth 6",
       {{"tree_method", "hist"}, {"max_depth", "6"}, {"eta", "0.1"}},
       500,
       20'000},
      {"boosted_12",
       "200 trees of depth 12",
       {{"tree_method", "hist"}, {"max_depth", "12"}, {"eta", "0.1"}},
       200,
       20'000},
      // Grown to the last of the rows that a tree sees. Exact: histograms of so small nodes take
      // long.
      {"forest_deep",
       "500 deep trees, 3,500 leaves each",
       {{"tree_method", "exact"},
        {"max_depth", "60"},
        {"num_parallel_tree", "500"},
        {"eta", "1"},
        {"subsample", "0.63"},
        {"colsample_bynode", "0.4"},
        {"lambda", "0"}},
       1,
       5'600}};
  return kKinds;
}

/// Even numbers, of which some tell a target that trees cannot say exactly.
struct Data {
  std::vector<float> values;
  std::vector<float> target;
};

Data MakeData(std::size_t rows, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  Data data;
  for (std::size_t i = 0; i < rows; ++i) {
    double y = DrawShare(engine);  // noise, so that trees grow deep
    for (std::size_t column = 0; column < kColumns; ++column) {
      const double x = DrawShare(engine);
      y += static_cast<double>(column % 5) * x * (column % 2 == 0 ? x : -1);
      data.values.push_back(static_cast<float>(x));
    }
    data.target.push_back(static_cast<float>(y));
  }
  return data;
}

void Write(const std::filesystem::path& path, std::span<const char> bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file) throw std::runtime_error(path.string() + ": cannot be written");
}

std::string Read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void Train(const ModelKind& kind, const std::filesystem::path& path) {
  std::cerr << "training " << kind.what << "\n";
  const Data data = MakeData(kind.rows, 1);
  DMatrixHandle matrix = nullptr;
  Check(XGDMatrixCreateFromDense(ArrayOf(data.values, kColumns).c_str(),
                                 R"({"missing":NaN,"nthread":1})", &matrix));
  Check(XGDMatrixSetFloatInfo(matrix, "label", data.target.data(), data.target.size()));
  BoosterHandle handle = nullptr;
  Check(XGBoosterCreate(&matrix, 1, &handle));
  const Booster booster(handle);
  Check(XGBoosterSetParam(handle, "nthread", "1"));
  for (const auto& [name, value] : kind.parameters) Check(XGBoosterSetParam(handle, name, value));
  for (int round = 0; round < kind.rounds; ++round) {
    Check(XGBoosterUpdateOneIter(handle, round, matrix));
  }
  bst_ulong size = 0;
  const char* bytes = nullptr;
  Check(XGBoosterSaveModelToBuffer(handle, R"({"format":"ubj"})", &size, &bytes));
  Write(path, {bytes, size});
  Check(XGDMatrixFree(matrix));
}

// ---- measuring ----

/// Time on the processor of this thread, so that what else runs counts less.
double ProcessorSeconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double Seconds(const std::function<void()>& work) {
  const double begin = ProcessorSeconds();
  work();
  return ProcessorSeconds() - begin;
}

/// An engine, and how it scores rows [first, first + count).
struct Engine {
  std::string name;
  std::function<void(std::size_t first, std::size_t count)> predict;
  std::vector<double> turns{};  ///< Microseconds a row.
};

void TakeTurn(Engine& engine, std::size_t batch) {
  const std::size_t calls = std::max<std::size_t>(1, 64 / batch);  // between two looks at the clock
  std::size_t rows = 0;
  std::size_t first = 0;
  double seconds = 0;
  while (seconds < kSecondsATurn) {
    seconds += Seconds([&] {
      for (std::size_t i = 0; i < calls; ++i) {
        engine.predict(first, batch);
        first = first + 2 * batch > kRows ? 0 : first + batch;
        rows += batch;
      }
    });
  }
  engine.turns.push_back(seconds * 1e6 / static_cast<double>(rows));
}

double Median(std::vector<double> numbers) {
  std::ranges::sort(numbers);
  return numbers[numbers.size() / 2];
}

template <typename T>
T OrThrow(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

/// What a row takes to be explained, by each kernel and by XGBoost, one row at a time.
ordered_json CompareExplanations(const ForestSource& source, const Booster& booster,
                                 std::span<const float> values, const Options& options) {
  constexpr std::size_t kExplained = 64;  // rows that are asked
  std::vector<Matrix> matrices;
  for (std::size_t row = 0; row < kExplained; ++row) {
    matrices.push_back(MatrixOf(values.subspan(row * kColumns, kColumns)));
  }
  const std::string bytes = CompileShap(source);
  std::vector<double> ours(kColumns);
  ExplainScratch scratch;
  std::vector<Engine> engines;
  for (const ShapKernel& kernel : ShapKernels()) {
    if (!options.kernel.empty() && kernel.name != options.kernel) continue;
    const auto shap = std::make_shared<TreeShap>(OrThrow(TreeShap::FromBytes(bytes, kernel)));
    engines.push_back({.name = std::string(kernel.name),
                       .predict = [=, &ours, &scratch](std::size_t first, std::size_t) {
                         const std::size_t row = first % kExplained;
                         shap->Explain(values.subspan(row * kColumns, kColumns), 0, scratch, ours);
                       }});
    for (std::size_t row = 0; row < kExplained; ++row) {
      engines.back().predict(row, 1);
      const float* const theirs = Contributions(booster, matrices[row]);
      for (std::size_t i = 0; i < kColumns; ++i) {
        const double expected = double{theirs[i]};
        if (std::abs(ours[i] - expected) <= 1e-5 * std::max(1.0, std::abs(expected))) continue;
        throw std::runtime_error(engines.back().name + " explains otherwise");
      }
    }
  }
  engines.push_back({.name = "xgboost", .predict = [&](std::size_t first, std::size_t) {
                       (void)Contributions(booster, matrices[first % kExplained]);
                     }});
  for (int turn = 0; turn < kTurns; ++turn) {
    for (Engine& engine : engines) TakeTurn(engine, 1);
  }
  ordered_json found{{"bytes", bytes.size()}};
  for (const Engine& engine : engines) {
    found["microseconds_a_row"][engine.name] = Median(engine.turns);
  }
  return found;
}

/// One model by all engines.
ordered_json Compare(const ModelKind& kind, const Options& options) {
  const std::filesystem::path path = options.models / (std::string(kind.stem) + ".ubj");
  if (!std::filesystem::exists(path)) Train(kind, path);
  const std::string bytes = Read(path);
  const Data data = MakeData(kRows, 2);
  Write(options.models / (std::string(kind.stem) + ".rows"),
        {reinterpret_cast<const char*>(data.values.data()), data.values.size() * sizeof(float)});

  const ForestSource source = OrThrow(ReadXGBoost(bytes));
  const std::filesystem::path compiled = options.models / (std::string(kind.stem) + ".forest");
  Write(compiled, CompileForest(source));
  ordered_json found{{"model", kind.what}, {"stem", kind.stem}};
  found["bytes"] = std::filesystem::file_size(compiled);
  found["load_ms"] = 1e3 * Seconds([&] { (void)OrThrow(Forest::Open(compiled)); });

  std::vector<Engine> engines;
  std::vector<double> out(kRows);
  const auto rows_of = [&data](std::size_t first, std::size_t count) {
    return std::span(data.values).subspan(first * kColumns, count * kColumns);
  };
  for (const ForestKernel& kernel : ForestKernels()) {
    if (!options.kernel.empty() && kernel.name != options.kernel) continue;
    const auto forest = std::make_shared<Forest>(OrThrow(Forest::Open(compiled, kernel)));
    engines.push_back({.name = std::string(kernel.name),
                       .predict = [=, &out](std::size_t first, std::size_t count) {
                         forest->Predict(rows_of(first, count), std::span(out).first(count));
                       }});
  }
  const Booster booster = Load(bytes);
  engines.push_back({.name = "xgboost", .predict = [&](std::size_t first, std::size_t count) {
                       (void)PredictInPlace(booster, rows_of(first, count));
                     }});
  const float* const expected = PredictInPlace(booster, data.values);
  Write(options.models / (std::string(kind.stem) + ".answers"),
        {reinterpret_cast<const char*>(expected), kRows * sizeof(float)});
  for (Engine& engine : engines) {
    if (engine.name == "xgboost") continue;
    engine.predict(0, kRows);
    if (!std::equal(out.begin(), out.end(), expected))
      throw std::runtime_error(engine.name + " answers otherwise");
  }
  for (const std::size_t batch : options.batches) {
    for (Engine& engine : engines) engine.turns.clear();
    for (int turn = 0; turn < kTurns; ++turn) {
      for (Engine& engine : engines) TakeTurn(engine, batch);
    }
    ordered_json row{{"rows", batch}};
    for (const Engine& engine : engines) row[engine.name] = Median(engine.turns);
    found["microseconds_a_row"].push_back(row);
  }
  found["explained"] = CompareExplanations(source, booster, data.values, options);
  return found;
}

void PrintTimes(const ordered_json& times) {
  const double theirs = times["xgboost"].get<double>();
  for (const auto& [name, value] : times.items()) {
    if (name == "rows") continue;
    std::cout << "  " << name << " " << value.get<double>();
    if (name != "xgboost") std::cout << " (" << theirs / value.get<double>() << "x)";
  }
  std::cout << "\n";
}

void Print(const ordered_json& found) {
  std::cout << "\n"
            << found["model"].get<std::string>() << ": " << found["bytes"].get<double>() / 1e6
            << " MB, loaded in " << found["load_ms"].get<double>() << " ms\n";
  for (const ordered_json& row : found["microseconds_a_row"]) {
    std::cout << "  rows " << row["rows"];
    PrintTimes(row);
  }
  std::cout << "  explained (" << found["explained"]["bytes"].get<double>() / 1e6 << " MB)";
  PrintTimes(found["explained"]["microseconds_a_row"]);
  std::cout << std::flush;
}

Options ReadOptions(int argc, char** argv) {
  namespace po = boost::program_options;
  Options options;
  po::options_description described("forest-speed");
  described.add_options()("help", "this text")(
      "models", po::value(&options.models)->default_value("forest-speed"), "where models are kept")(
      "only", po::value(&options.only), "one model alone: boosted_6, boosted_12 or forest_deep")(
      "kernel", po::value(&options.kernel), "one kernel alone")(
      "rows", po::value(&options.batches)->multitoken(), "rows at once (default: 1 32 256 4096)")(
      "json", po::bool_switch(&options.json), "prints JSON");
  po::variables_map given;
  po::store(po::parse_command_line(argc, argv, described), given);
  po::notify(given);
  if (given.contains("help")) {
    std::cout << described;
    std::exit(0);
  }
  if (options.batches.empty()) options.batches = {1, 32, 256, 4096};
  for (const std::size_t batch : options.batches) {
    if (batch == 0 || batch > kRows) throw po::error("expected 1 to 4096 rows");
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  try {
    options = ReadOptions(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "forest-speed: " << error.what() << "\n";
    return kUsage;
  }
  try {
    Check(XGBSetGlobalConfig(R"({"verbosity":0})"));
    std::filesystem::create_directories(options.models);
    ordered_json all = ordered_json::array();
    for (const ModelKind& kind : ModelKinds()) {
      if (!options.only.empty() && options.only != kind.stem) continue;
      all.push_back(Compare(kind, options));
      if (!options.json) Print(all.back());
    }
    if (options.json) std::cout << all.dump(2) << "\n";
  } catch (const std::exception& error) {
    std::cerr << "forest-speed: " << error.what() << "\n";
    return kFailed;
  }
  return 0;
}
