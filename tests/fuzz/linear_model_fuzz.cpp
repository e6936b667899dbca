// The input is a linear model's file.
//
// A model that is taken is written as it reads again, and answers any row as a slow sum over its
// members does, however odd the numbers. What is refused says where.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "fuzz/document_error.hpp"
#include "fuzz/require.hpp"
#include "model/linear/linear_model.hpp"

namespace {

using forkcast::Result;
using forkcast::fuzz::Require;
using forkcast::fuzz::RequireSaysWhere;
using namespace forkcast::model;

/// The sums of a row, before the link: terms by counting up their factors' positions.
std::vector<double> SumsOf(const LinearSource& source, std::span<const float> row) {
  std::vector<double> z;
  for (const LinearInput& input : source.inputs) {
    const double x = row[input.feature];
    z.push_back(source.is_scaled ? (x - input.mean) / input.deviation : x);
  }
  const PolynomialTerms terms(z.size(), source.polynomial);
  std::vector<double> sums;
  for (const LinearOutput& output : source.outputs) {
    double sum = output.intercept;
    for (std::size_t term = 0; term < terms.size(); ++term) {
      double product = 1;
      for (const std::uint32_t factor : terms.factors(term)) product *= z[factor];
      sum += output.coefficients[term] * product;
    }
    sums.push_back(sum);
  }
  return sums;
}

bool IsSame(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

void RequireAnswers(const LinearModel& model, std::span<const float> row) {
  std::vector<double> out(model.outputs().size());
  model.Predict(row, out);
  if (model.source().link == LinearLink::kIdentity) {
    Require(IsSame(out[0], SumsOf(model.source(), row)[0]));
    return;
  }
  for (const double share : out) Require(std::isnan(share) || (share >= 0 && share <= 1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<LinearModel> model = LinearModel::Parse(text);
  if (!model) {
    RequireSaysWhere(model.error());
    return 0;
  }
  const Result<LinearModel> again = LinearModel::Parse(model->Write());
  Require(again.ok() && again->source() == model->source());
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> odd{0, 1, -1.5F, 1e30F, -kInfinity, kInfinity, std::nanf("")};
  std::vector<float> row(model->inputs().size());
  for (std::size_t first = 0; first < odd.size(); ++first) {
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = odd[(first + 3 * i) % odd.size()];
    RequireAnswers(*model, row);
  }
  return 0;
}
