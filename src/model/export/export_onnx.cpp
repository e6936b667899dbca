#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>

#include "model/export/exported_model.hpp"
#include "model/linear/polynomial.hpp"
#include "model/onnx/graph_writer.hpp"
#include "model/refused.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using onnx::ElementType;

constexpr auto kFloat = ElementType::kFloat;
constexpr auto kDouble = ElementType::kDouble;

class OnnxExport {
 public:
  explicit OnnxExport(const ExportableModel& model) : model_(model) {}

  ExportedFile Write() {
    std::string columns = WriteTransforms();
    std::string scores;
    if (const auto* const forest = std::get_if<ForestSource>(&model_.scorer)) {
      scores = WriteForest(*forest, columns);
    } else {
      scores = WriteLinear(std::get<LinearSource>(model_.scorer), columns);
    }
    if (model_.classes.empty()) {
      WriteValue(std::move(scores));
    } else {
      WriteClasses(std::move(scores));
    }
    file_.bytes = writer_.Finish(model_.name, model_.library_version);
    return std::move(file_);
  }

 private:
  std::string Cast(const std::string& value, ElementType type) {
    return writer_.Node("Cast", {value},
                        onnx::Attributes().Integer("to", static_cast<std::int64_t>(type)));
  }
  std::string Double(double number) { return writer_.Number(kDouble, number); }
  std::string Axis(std::string_view op, const std::string& value) {
    return writer_.Node(
        op, {value},
        onnx::Attributes().Integers("axes", std::array<std::int64_t, 1>{1}).Integer("keepdims", 1));
  }
  std::string Sum(const std::string& value) {
    const std::string axes = writer_.Numbers(ElementType::kInt64, std::array<double, 1>{1}, {1});
    return writer_.Node("ReduceSum", {value, axes}, onnx::Attributes().Integer("keepdims", 1));
  }
  std::string Concat(const std::vector<std::string>& values) {
    if (values.size() == 1) return values.front();
    return writer_.Node("Concat", values, onnx::Attributes().Integer("axis", 1));
  }
  std::string Pick(const std::string& value, const std::vector<double>& columns) {
    const std::string indices =
        writer_.Numbers(ElementType::kInt64, columns, {std::ssize(columns)});
    return writer_.Node("Gather", {value, indices}, onnx::Attributes().Integer("axis", 1));
  }

  // ---- from features to the columns that the model reads ----

  std::string WriteTransforms() {
    std::vector<std::string> columns;
    for (const ordered_json& feature : model_.transforms.at("features")) {
      const auto name = feature.at("name").get<std::string>();
      names_.push_back(name);
      if (feature.at("kind") == "number") {
        writer_.Input(name, kFloat);
        columns.push_back(WriteNumber(name, feature));
      } else {
        writer_.Input(name, ElementType::kString);
        columns.push_back(WriteCategory(name, feature));
      }
    }
    return Concat(columns);
  }

  std::string WriteNumber(const std::string& name, const ordered_json& feature) {
    const bool is_scaled = feature.contains("mean");
    std::string value = name;
    const ElementType type = is_scaled ? kDouble : kFloat;
    if (is_scaled) value = Cast(value, kDouble);
    if (feature.contains("fill")) {
      const std::string is_missing = writer_.Node("IsNaN", {value});
      const std::string fill = writer_.Number(type, feature["fill"].get<double>());
      value = writer_.Node("Where", {is_missing, fill, value});
    }
    if (!is_scaled) return value;
    value = writer_.Node("Sub", {value, Double(feature["mean"].get<double>())});
    value = writer_.Node("Div", {value, Double(feature["deviation"].get<double>())});
    return Cast(value, kFloat);
  }

  std::string WriteCategory(const std::string& name, const ordered_json& feature) {
    if (feature.at("unknown") != "missing") {
      Refuse(
          fmt::format("feature \"{}\": \"unknown\": \"error\": ONNX cannot refuse a text", name));
    }
    const auto texts = feature.at("categories").get<std::vector<std::string>>();
    if (texts.empty()) {
      Refuse(fmt::format("feature \"{}\": training knew no category of it", name));
    }
    if (feature.at("encoding") == "one_hot") {
      const std::string ones =
          writer_.MlNode("OneHotEncoder", {name},
                         onnx::Attributes().Texts("cats_strings", texts).Integer("zeros", 1));
      const std::array<double, 2> shape{-1, static_cast<double>(texts.size())};
      return writer_.Node("Reshape", {ones, writer_.Numbers(ElementType::kInt64, shape, {2})});
    }
    std::vector<float> values;
    float otherwise = std::numeric_limits<float>::quiet_NaN();
    for (std::size_t i = 0; i < texts.size(); ++i) values.push_back(static_cast<float>(i));
    if (feature.at("encoding") == "target_mean") {
      for (std::size_t i = 0; i < texts.size(); ++i) {
        values[i] = static_cast<float>(feature.at("means").at(i).get<double>());
      }
      otherwise = static_cast<float>(feature.at("overall_mean").get<double>());
    }
    return writer_.MlNode("LabelEncoder", {name},
                          onnx::Attributes()
                              .Texts("keys_strings", texts)
                              .Floats("values_floats", values)
                              .Float("default_float", otherwise));
  }

  // ---- trees ----

  /// The lists of TreeEnsembleRegressor.
  struct TreeLists {
    std::vector<std::int64_t> trees, ids, features, yes, no, missing;
    std::vector<float> values;
    std::vector<std::string> modes;
    std::vector<std::int64_t> leaf_trees, leaf_ids, leaf_targets;
    std::vector<float> leaf_weights;
  };

  static void AddTree(const ForestSource::Tree& tree, TreeLists& lists) {
    const std::int64_t number = lists.trees.empty() ? 0 : lists.trees.back() + 1;
    for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
      const ForestSource::Node& node = tree.nodes[i];
      if (node.is_category) Refuse("categories as sets: ONNX has no test of them");
      const bool is_leaf = node.is_leaf();
      lists.trees.push_back(number);
      lists.ids.push_back(static_cast<std::int64_t>(i));
      lists.features.push_back(is_leaf ? 0 : node.feature);
      lists.yes.push_back(node.left);
      lists.no.push_back(node.right);
      lists.missing.push_back(is_leaf || node.missing_goes_right ? 0 : 1);
      lists.values.push_back(is_leaf ? 0 : node.value);
      lists.modes.emplace_back(is_leaf ? "LEAF" : "BRANCH_LT");
      if (!is_leaf) continue;
      lists.leaf_trees.push_back(number);
      lists.leaf_ids.push_back(static_cast<std::int64_t>(i));
      lists.leaf_targets.push_back(tree.margin);
      lists.leaf_weights.push_back(node.value);
    }
  }

  /// What margins begin with is a tree of its own, as base_values are added last: a sum of floats
  /// depends on the order.
  std::string WriteForest(const ForestSource& forest, const std::string& columns) {
    TreeLists lists;
    for (std::size_t i = 0; i < forest.base_margins.size(); ++i) {
      AddTree({.nodes = {{.value = forest.base_margins[i]}},
               .categories = {},
               .margin = static_cast<std::uint32_t>(i)},
              lists);
    }
    for (const ForestSource::Tree& tree : forest.trees) AddTree(tree, lists);
    const std::vector<float> hit_rates(lists.trees.size(), 1.0F);
    const std::string margins =
        writer_.MlNode("TreeEnsembleRegressor", {columns},
                       onnx::Attributes()
                           .Integer("n_targets", std::ssize(forest.base_margins))
                           .Text("aggregate_function", "SUM")
                           .Text("post_transform", "NONE")
                           .Integers("nodes_treeids", lists.trees)
                           .Integers("nodes_nodeids", lists.ids)
                           .Integers("nodes_featureids", lists.features)
                           .Floats("nodes_values", lists.values)
                           .Floats("nodes_hitrates", hit_rates)
                           .Texts("nodes_modes", lists.modes)
                           .Integers("nodes_truenodeids", lists.yes)
                           .Integers("nodes_falsenodeids", lists.no)
                           .Integers("nodes_missing_value_tracks_true", lists.missing)
                           .Integers("target_treeids", lists.leaf_trees)
                           .Integers("target_nodeids", lists.leaf_ids)
                           .Integers("target_ids", lists.leaf_targets)
                           .Floats("target_weights", lists.leaf_weights));
    score_type_ = kFloat;
    score_count_ = forest.base_margins.size();
    are_shares_ = forest.link == Link::kIdentity && score_count_ > 1;
    return WriteLink(forest.link, margins);
  }

  /// In the steps in which XGBoost, and the forest engine, compute it.
  std::string WriteLink(Link link, const std::string& margins) {
    const auto number = [this](float value) {
      return writer_.Number(kFloat, static_cast<double>(value));
    };
    switch (link) {
      case Link::kIdentity:
        return margins;
      case Link::kSigmoid: {
        constexpr float kGreatest = 88.7F;
        const std::string turned = writer_.Node("Neg", {margins});
        const std::string bounded = writer_.Node("Min", {turned, number(kGreatest)});
        const std::string power = writer_.Node("Exp", {bounded});
        const std::string sum = writer_.Node("Add", {power, number(1)});
        return writer_.Node("Div", {number(1), sum});
      }
      case Link::kExp:
        return writer_.Node("Exp", {margins});
      case Link::kRoundedExp:
        return Cast(writer_.Node("Exp", {Cast(margins, kDouble)}), kFloat);
      case Link::kSoftmax: {
        const std::string less = writer_.Node("Sub", {margins, Axis("ReduceMax", margins)});
        const std::string powers = writer_.Node("Exp", {less});
        const std::string sum = Cast(Sum(Cast(powers, kDouble)), kFloat);
        return writer_.Node("Div", {powers, sum});
      }
      default:
        Refuse("the link of its objective is not written");
    }
  }

  // ---- linear models ----

  std::string WriteLinear(const LinearSource& linear, const std::string& columns) {
    std::vector<double> chosen;
    std::vector<double> means;
    std::vector<double> deviations;
    for (const LinearInput& input : linear.inputs) {
      chosen.push_back(input.feature);
      means.push_back(input.mean);
      deviations.push_back(input.deviation);
    }
    std::string inputs = Cast(Pick(columns, chosen), kDouble);
    if (linear.is_scaled) {
      const std::vector<std::int64_t> dims{std::ssize(means)};
      inputs = writer_.Node("Sub", {inputs, writer_.Numbers(kDouble, means, dims)});
      inputs = writer_.Node("Div", {inputs, writer_.Numbers(kDouble, deviations, dims)});
    }
    const std::string terms = WriteTerms(linear, inputs);
    std::vector<double> weights;
    std::vector<double> offsets;
    for (const LinearOutput& output : linear.outputs) {
      weights.insert(weights.end(), output.coefficients.begin(), output.coefficients.end());
      offsets.push_back(output.intercept);
    }
    const auto outputs = std::ssize(offsets);
    const std::string sums = writer_.Node(
        "Gemm",
        {terms, writer_.Numbers(kDouble, weights, {outputs, std::ssize(weights) / outputs}),
         writer_.Numbers(kDouble, offsets, {outputs})},
        onnx::Attributes().Integer("transB", 1));
    score_type_ = kDouble;
    score_count_ = offsets.size();
    if (linear.link == LinearLink::kSigmoid) return writer_.Node("Sigmoid", {sums});
    if (linear.link == LinearLink::kSoftmax) {
      return writer_.Node("Softmax", {sums}, onnx::Attributes().Integer("axis", 1));
    }
    return sums;
  }

  /// Products of inputs: those of one length are products of columns, picked for each factor.
  std::string WriteTerms(const LinearSource& linear, const std::string& inputs) {
    const PolynomialTerms terms(linear.inputs.size(), linear.polynomial);
    std::vector<std::string> by_length;
    for (std::size_t first = 0; first < terms.size();) {
      const std::size_t length = terms.factors(first).size();
      std::size_t end = first;
      while (end < terms.size() && terms.factors(end).size() == length) ++end;
      std::string product;
      for (std::size_t factor = 0; factor < length; ++factor) {
        std::vector<double> columns;
        for (std::size_t i = first; i < end; ++i) columns.push_back(terms.factors(i)[factor]);
        const std::string picked = Pick(inputs, columns);
        product = factor == 0 ? picked : writer_.Node("Mul", {product, picked});
      }
      by_length.push_back(product);
      first = end;
    }
    return Concat(by_length);
  }

  // ---- what is answered ----

  void CheckName(std::string_view output) const {
    if (std::ranges::find(names_, output) == names_.end()) return;
    Refuse(fmt::format(
        "a feature is called \"{}\", as the output is: an ONNX graph cannot have both", output));
  }

  void WriteValue(std::string value) {
    constexpr const char* kValue = "value";
    CheckName(kValue);
    ElementType type = score_type_;
    if (model_.target && (model_.target->scale || model_.target->difference)) {
      Refuse(fmt::format(
          "target: {}: the answer depends on the row's own {}, which is no input of the model",
          model_.target->StepsText(), model_.target->scale ? "scale" : "last value"));
    }
    if (model_.target && model_.target->log1p) {
      if (type != kDouble) value = Cast(value, kDouble);
      value = writer_.Node("Sub", {writer_.Node("Exp", {value}), Double(1)});
      type = kDouble;
      file_.notes.emplace_back(
          "target: log1p: ONNX has no e^x - 1: answers may differ in the last digits");
    }
    writer_.Rename(value, kValue);
    writer_.Output(kValue, type, static_cast<std::int64_t>(score_count_));
  }

  /// As Predictor makes probabilities of scores.
  void WriteClasses(std::string scores) {
    CheckName("label");
    CheckName("probabilities");
    if (score_type_ != kDouble) scores = Cast(scores, kDouble);
    if (score_count_ == 1) {
      const std::string second = writer_.Node("Clip", {scores, Double(0), Double(1)});
      scores = Concat({writer_.Node("Sub", {Double(1), second}), second});
    } else if (are_shares_) {
      const std::string shares = writer_.Node("Div", {scores, Sum(scores)});
      const std::string even = Double(1 / static_cast<double>(score_count_));
      scores = writer_.Node("Where", {writer_.Node("IsNaN", {shares}), even, shares});
    }
    const std::string greatest = writer_.Node(
        "ArgMax", {scores}, onnx::Attributes().Integer("axis", 1).Integer("keepdims", 0));
    std::vector<std::int64_t> positions(model_.classes.size());
    std::iota(positions.begin(), positions.end(), std::int64_t{0});
    const std::string label = writer_.MlNode("LabelEncoder", {greatest},
                                             onnx::Attributes()
                                                 .Integers("keys_int64s", positions)
                                                 .Texts("values_strings", model_.classes));
    writer_.Rename(label, "label");
    writer_.Rename(scores, "probabilities");
    writer_.Output("label", ElementType::kString, 0);
    writer_.Output("probabilities", kDouble, std::ssize(model_.classes));
  }

  const ExportableModel& model_;
  onnx::GraphWriter writer_;
  ExportedFile file_;
  std::vector<std::string> names_;
  ElementType score_type_ = kFloat;
  std::size_t score_count_ = 1;
  bool are_shares_ = false;
};

}  // namespace

Result<ExportedFile> ExportOnnx(const ExportableModel& model) {
  try {
    return OnnxExport(model).Write();
  } catch (const Refused& refused) {
    return refused.error;
  }
}

}  // namespace forkcast::model
