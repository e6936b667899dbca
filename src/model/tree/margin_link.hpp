#pragma once

#include <algorithm>
#include <cmath>
#include <span>

#include "model/tree/forest_source.hpp"

/// What becomes of margins: in float in the order of XGBoost's own computations, in double in that
/// of LightGBM's. Whoever includes this is compiled without contracted products (CMakeLists.txt).
namespace forkcast::model {
namespace margin_link {

inline double Sigmoid(double margin) noexcept { return 1.0 / (1.0 + std::exp(-margin)); }
inline float Sigmoid(float margin) noexcept {
  constexpr float kGreatest = 88.7F;  // e to it is a float
  constexpr float kLeast = 1e-16F;
  return 1.0F / (std::exp(std::min(-margin, kGreatest)) + 1.0F + kLeast);
}

template <typename Number>
void Softmax(std::span<Number> margins) noexcept {
  Number greatest = margins[0];
  for (const Number margin : margins.subspan(1)) greatest = std::fmax(margin, greatest);
  double sum = 0;
  for (Number& margin : margins) {
    margin = std::exp(margin - greatest);
    sum += margin;
  }
  for (Number& margin : margins) margin /= static_cast<Number>(sum);
}

}  // namespace margin_link

/// The margins of a row become what it is answered, from the first on.
template <typename Number>
void ApplyLink(Link link, std::span<Number> margins) noexcept {
  switch (link) {
    case Link::kIdentity:
      return;
    case Link::kSigmoid:
      for (Number& margin : margins) margin = margin_link::Sigmoid(margin);
      return;
    case Link::kExp:
      for (Number& margin : margins) margin = std::exp(margin);
      return;
    case Link::kRoundedExp:
      for (Number& margin : margins) margin = static_cast<float>(std::exp(double{margin}));
      return;
    case Link::kStep:
      for (Number& margin : margins) margin = margin > 0 ? 1.0F : 0.0F;
      return;
    case Link::kSoftmax:
      margin_link::Softmax(margins);
      return;
    case Link::kGreatest:
      margins[0] = static_cast<Number>(std::ranges::max_element(margins) - margins.begin());
      return;
    case Link::kLogOnePlusExp:
      for (Number& margin : margins) margin = std::log1p(std::exp(margin));
      return;
    case Link::kSignedSquare:
      for (Number& margin : margins) margin *= std::abs(margin);
      return;
  }
}

}  // namespace forkcast::model
