#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/table/value.hpp"

namespace forkcast::wire {

/// What an answer is made of, as answers say it. `base`, what is listed and `others` add up to
/// `score`. All views outlive it.
struct Explanation {
  struct Part {
    std::string_view name;
    preprocessing::Value value{};  ///< Of a feature; a group has none.
    double contribution = 0;
  };

  std::string_view of{};        ///< The class whose score it is; empty: there are none.
  std::string_view scale{};     ///< In what contributions add up.
  bool is_logarithmic = false;  ///< Each part also says the factor e^contribution.
  double base = 0;
  double score = 0;
  double others = 0;             ///< Of the features that are not listed.
  std::vector<Part> features{};  ///< In the order in which they are listed.
  std::vector<Part> groups{};    ///< Of all features; empty: there are none.
};

/// Appends it as JSON: `{"scale":"value","base":3,"contributions":[{"feature":"promo","value":1,
/// "contribution":2.5},...],"others":0.1,"groups":[{"group":"season","contribution":1},...],
/// "score":5.6}`, with `"of"` in front where there are classes.
void AppendExplanation(const Explanation& explanation, std::string& out);

}  // namespace forkcast::wire
