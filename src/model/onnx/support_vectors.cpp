#include "model/onnx/support_vectors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "model/onnx/runtime_floats.hpp"
#include "model/refused.hpp"
#include "model/tree/forest_source.hpp"

namespace forkcast::model::onnx {
namespace {

using Kernel = SupportVectors::Kernel;

constexpr std::array<std::pair<std::string_view, Kernel>, 4> kKernels{
    {{"LINEAR", Kernel::kLinear},
     {"POLY", Kernel::kPolynomial},
     {"RBF", Kernel::kRadial},
     {"SIGMOID", Kernel::kSigmoid}}};

/// Pairs of them have a matrix, which is gone through for each row.
constexpr std::size_t kMostClasses = 256;

void Expect(std::string_view attribute, std::size_t size, std::size_t expected) {
  if (size == expected) return;
  RefuseCorrupt(fmt::format("{}: {} numbers, expected {}", attribute, size, expected));
}

void ReadKernel(const Node& node, SupportVectors& machine) {
  const std::string_view name = node.Text("kernel_type", "LINEAR");
  const auto* const kernel =
      std::ranges::find(kKernels, name, &std::pair<std::string_view, Kernel>::first);
  if (kernel == kKernels.end()) {
    RefuseUnknown(fmt::format("kernel_type: {:?} is not understood", name.substr(0, 40)));
  }
  machine.kernel = kernel->second;
  const std::vector<float>& parameters = node.Floats("kernel_params");
  if (parameters.empty()) return;
  Expect("kernel_params", parameters.size(), 3);
  machine.gamma = parameters[0];
  machine.coef0 = parameters[1];
  machine.degree = parameters[2];
}

void ReadVectors(const Node& node, std::size_t count, SupportVectors& machine) {
  machine.vectors = node.Floats("support_vectors");
  if (count == 0 || machine.vectors.empty() || machine.vectors.size() % count != 0) {
    RefuseUnknown(
        fmt::format("support_vectors: {} numbers for {} vectors: what has none is not understood",
                    machine.vectors.size(), count));
  }
  machine.columns = machine.vectors.size() / count;
}

void ReadClasses(const Node& node, SupportVectors& machine) {
  for (const std::string_view label : node.Strings("classlabels_strings")) {
    machine.classes.emplace_back(label);
  }
  for (const std::int64_t label : node.Integers("classlabels_ints")) {
    machine.classes.push_back(std::to_string(label));
  }
  const std::size_t classes = machine.classes.size();
  if (classes < 2 || classes > kMostClasses) {
    RefuseUnknown(fmt::format("classlabels: {} classes, expected 2 to {}", classes, kMostClasses));
  }
  const std::vector<std::int64_t>& counts = node.Integers("vectors_per_class");
  Expect("vectors_per_class", counts.size(), classes);
  const auto all = static_cast<std::int64_t>(node.Floats("support_vectors").size());
  machine.begins.push_back(0);
  for (const std::int64_t count : counts) {
    if (count < 0 || count > all) RefuseCorrupt(fmt::format("vectors_per_class: {}", count));
    machine.begins.push_back(machine.begins.back() + static_cast<std::size_t>(count));
  }
}

void ReadClassifier(const Node& node, SupportVectors& machine) {
  ReadClasses(node, machine);
  ReadVectors(node, machine.begins.back(), machine);
  Expect("coefficients", machine.coefficients.size(),
         (machine.classes.size() - 1) * machine.vector_count());
  Expect("rho", machine.offsets.size(), machine.pairs());
  machine.slopes = node.Floats("prob_a");
  machine.shifts = node.Floats("prob_b");
  Expect("prob_b", machine.shifts.size(), machine.slopes.size());
  if (!machine.slopes.empty()) Expect("prob_a", machine.slopes.size(), machine.pairs());
}

void ReadRegressor(const Node& node, SupportVectors& machine) {
  const std::int64_t count = node.Integer("n_supports", 0);
  ReadVectors(node, static_cast<std::size_t>(std::max<std::int64_t>(count, 0)), machine);
  Expect("coefficients", machine.coefficients.size(), machine.vector_count());
  Expect("rho", machine.offsets.size(), 1);
  machine.is_sign = node.Integer("one_class", 0) != 0;
}

float Logistic(float x) noexcept {
  const float v = 1 / (1 + std::exp(-std::abs(x)));
  return x < 0 ? 1 - v : v;
}

float Power(float x, float degree) noexcept {
  if (degree == 2) return x * x;
  if (degree == 3) return x * x * x;
  return std::pow(x, degree);
}

/// Probabilities of which those of pairs, r[j * n + i] that class j is right of i and j, are the
/// nearest to what they would be: p minimises the sum of (r_ji p_i - r_ij p_j)^2. `q`: n * n
/// numbers, `products`: n.
void Couple(std::span<const float> r, std::span<float> q, std::span<float> products,
            std::span<float> p) noexcept {
  const std::size_t n = p.size();
  constexpr int kMostRounds = 100;
  const float enough = 0.005F / static_cast<float>(n);
  for (std::size_t i = 0; i < n; ++i) {
    p[i] = 1.0F / static_cast<float>(n);
    float diagonal = 0;
    for (std::size_t j = 0; j < n; ++j) {
      if (j == i) continue;
      diagonal += r[j * n + i] * r[j * n + i];
      q[i * n + j] = j < i ? q[j * n + i] : -r[j * n + i] * r[i * n + j];
    }
    q[i * n + i] = diagonal;
  }
  for (int round = 0; round < kMostRounds; ++round) {
    float sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
      products[i] = 0;
      for (std::size_t j = 0; j < n; ++j) products[i] += q[i * n + j] * p[j];
      sum += p[i] * products[i];
    }
    const bool is_enough = std::ranges::all_of(
        products, [&](float product) { return !(std::abs(product - sum) >= enough); });
    if (is_enough) return;
    for (std::size_t i = 0; i < n; ++i) {
      const float step = (-products[i] + sum) / q[i * n + i];
      p[i] += step;
      sum = (sum + step * (step * q[i * n + i] + 2 * products[i])) / (1 + step) / (1 + step);
      for (std::size_t j = 0; j < n; ++j) {
        products[j] = (products[j] + step * q[i * n + j]) / (1 + step);
        p[j] /= (1 + step);
      }
    }
  }
}

}  // namespace

SupportVectors ReadSupportVectors(const Node& node) {
  SupportVectors machine;
  if (const std::string_view transform = node.Text("post_transform", "NONE"); transform != "NONE") {
    RefuseUnknown(fmt::format("post_transform: {:?} is not understood", transform.substr(0, 40)));
  }
  ReadKernel(node, machine);
  machine.coefficients = node.Floats("coefficients");
  machine.offsets = node.Floats("rho");
  if (node.op == "SVMClassifier") {
    ReadClassifier(node, machine);
  } else {
    ReadRegressor(node, machine);
  }
  if (machine.columns > ForestSource::kMostFeatures) {
    RefuseUnknown(fmt::format("support_vectors: of over {} numbers", ForestSource::kMostFeatures));
  }
  return machine;
}

std::size_t SupportVectorStep::float_count() const noexcept {
  const std::size_t classes = machine_.classes.size();
  const std::size_t of_pairs = machine_.is_classifier() ? machine_.pairs() : 0;
  return machine_.columns + machine_.vector_count() + of_pairs + 2 * classes * classes +
         2 * classes;
}

void SupportVectorStep::AddKernels(std::span<const float> row,
                                   std::span<float> kernels) const noexcept {
  const bool is_linear = machine_.kernel == Kernel::kLinear;
  const float scale = is_linear ? 1 : machine_.gamma;
  const float offset = is_linear || machine_.coef0 == 0 ? kNoOffset : machine_.coef0;
  const std::size_t block = ProductBlock(kernels.size(), row.size());
  const float* vector = machine_.vectors.data();
  for (float& kernel : kernels) {
    if (machine_.kernel == Kernel::kRadial) {
      float sum = 0;
      for (std::size_t i = 0; i < row.size(); ++i) {
        const float difference = row[i] - vector[i];
        sum += difference * difference;
      }
      kernel = std::exp(-machine_.gamma * sum);
    } else {
      kernel = AddProducts(row, vector, block, scale, offset);
      if (machine_.kernel == Kernel::kPolynomial) kernel = Power(kernel, machine_.degree);
      if (machine_.kernel == Kernel::kSigmoid) kernel = RuntimeTanh(kernel);
    }
    vector += row.size();
  }
}

/// Of classes i and j, the vectors of i by the coefficients of row j - 1, those of j by row i.
void SupportVectorStep::AddPairs(std::span<const float> kernels,
                                 std::span<float> sums) const noexcept {
  const auto of = [&](std::size_t owner, std::size_t row, double sum) {
    const float* const coefficients = machine_.coefficients.data() + row * kernels.size();
    for (std::size_t i = machine_.begins[owner]; i < machine_.begins[owner + 1]; ++i) {
      sum += static_cast<double>(coefficients[i] * kernels[i]);
    }
    return sum;
  };
  std::size_t pair = 0;
  for (std::size_t i = 0; i + 1 < machine_.classes.size(); ++i) {
    for (std::size_t j = i + 1; j < machine_.classes.size(); ++j, ++pair) {
      const double sum = of(j, i, of(i, j - 1, 0));
      sums[pair] = static_cast<float>(sum + double{machine_.offsets[pair]});
    }
  }
}

void SupportVectorStep::AddProbabilities(std::span<const float> sums, std::span<float> scratch,
                                         std::span<float> probabilities) const noexcept {
  constexpr float kLeast = 1.0e-7F;
  const std::size_t n = probabilities.size();
  const std::span<float> r = scratch.first(n * n);
  std::size_t pair = 0;
  for (std::size_t i = 0; i + 1 < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j, ++pair) {
      const float of_first =
          1 - Logistic(sums[pair] * machine_.slopes[pair] + machine_.shifts[pair]);
      const float share = std::min(std::max(of_first, kLeast), 1 - kLeast);
      r[i * n + j] = share;
      r[j * n + i] = 1 - share;
    }
  }
  Couple(r, scratch.subspan(n * n, n * n), scratch.subspan(2 * n * n, n), probabilities);
}

bool SupportVectorStep::Run(const Frame& frame) const noexcept {
  std::span<float> room(frame.floats, float_count());
  const auto take = [&room](std::size_t count) {
    const std::span<float> taken = room.first(count);
    room = room.subspan(count);
    return taken;
  };
  const std::span<float> row = take(machine_.columns);
  for (std::size_t i = 0; i < row.size(); ++i) {
    row[i] = static_cast<float>(frame.values[places_[i]]);
  }
  const std::span<float> kernels = take(machine_.vector_count());
  AddKernels(row, kernels);
  double* const out = frame.values + out_;
  if (!machine_.is_classifier()) {
    const float answer = AddProducts(kernels, machine_.coefficients.data(),
                                     ProductBlock(1, kernels.size()), 1, machine_.offsets[0]);
    out[0] = machine_.is_sign ? (answer > 0 ? 1 : -1) : static_cast<double>(answer);
    return true;
  }
  const std::span<float> sums = take(machine_.pairs());
  AddPairs(kernels, sums);
  if (machine_.gives_probabilities()) {
    const std::span<float> probabilities = take(machine_.classes.size());
    AddProbabilities(sums, room, probabilities);
    std::ranges::copy(probabilities, out);
  } else if (machine_.classes.size() == 2) {
    out[0] = static_cast<double>(-sums[0]);
    out[1] = static_cast<double>(sums[0]);
  } else {
    std::ranges::copy(sums, out);
  }
  return true;
}

}  // namespace forkcast::model::onnx
