#include "model/tree/linear_forest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"
#include "model/double_parts.hpp"
#include "model/tree/margin_link.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;
using preprocessing::SpecError;

using Source = LinearForestSource;
using Arithmetic = Source::Arithmetic;
using Missing = Source::Input::Missing;

constexpr double kMost = std::numeric_limits<double>::max();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

constexpr std::array<std::pair<std::string_view, Arithmetic>, 2> kArithmetics{
    {{"double", Arithmetic::kDouble}, {"float", Arithmetic::kFloat}}};
constexpr std::array<std::pair<std::string_view, Missing>, 3> kMissings{
    {{"zero", Missing::kZero},
     {"default", Missing::kDefault},
     {"default_of_zero", Missing::kDefaultOfZero}}};
/// By their number.
constexpr std::array<std::string_view, kLinkCount> kLinks{
    "identity",    "sigmoid",          "exp",          "step", "softmax", "greatest",
    "rounded_exp", "log_one_plus_exp", "signed_square"};

template <typename T, std::size_t n>
T ReadName(const JsonNode& node, const std::array<std::pair<std::string_view, T>, n>& names) {
  const std::string given = node.String();
  for (const auto& [name, value] : names) {
    if (name == given) return value;
  }
  node.Fail(fmt::format("\"{}\" is not understood", given));
}

template <typename T, std::size_t n>
std::string_view NameOf(T value, const std::array<std::pair<std::string_view, T>, n>& names) {
  return std::ranges::find(names, value, &std::pair<std::string_view, T>::second)->first;
}

// ---- from a document ----

/// Members of long lists are checked without a path of their own: there are millions.
class SourceReader {
 public:
  explicit SourceReader(const JsonNode& root) : root_(root) {}

  Source Read() {
    root_.RequireObject({"format", "format_version", "arithmetic", "inputs", "margins", "divisor",
                         "factor", "link", "trees"});
    root_.RequireFormat(LinearForest::kFormat, 1);
    source_.arithmetic = ReadName(root_.Get("arithmetic"), kArithmetics);
    ReadInputs(root_.Get("inputs"));
    source_.margins = static_cast<std::size_t>(
        root_.Get("margins").Integer(1, std::int64_t{ForestSource::kMostMargins}));
    source_.divisor = ReadScale("divisor");
    source_.factor = ReadScale("factor");
    ReadLink(root_.Get("link"));
    for (const JsonNode& tree : root_.Get("trees").Elements()) ReadTree(tree);
    return std::move(source_);
  }

 private:
  void ReadInputs(const JsonNode& node) {
    for (const JsonNode& element : node.Elements()) {
      element.RequireObject({"name", "kind", "missing"});
      Source::Input input{.name = element.Get("name").String()};
      const std::string kind = element.Get("kind").String();
      if (kind != "number" && kind != "category") {
        element.Get("kind").Fail("expected number or category");
      }
      input.is_category = kind == "category";
      input.missing = ReadName(element.Get("missing"), kMissings);
      source_.inputs.push_back(std::move(input));
    }
    if (source_.inputs.empty() || source_.inputs.size() > ForestSource::kMostFeatures) {
      node.Fail(fmt::format("expected 1 to {} inputs", ForestSource::kMostFeatures));
    }
  }

  double ReadScale(std::string_view member) const {
    const JsonNode node = root_.Get(member);
    const double scale = node.Number(-kMost, kMost);
    if (scale == 0) node.Fail("expected another number than 0");
    return scale;
  }

  void ReadLink(const JsonNode& node) {
    const auto* const link = std::ranges::find(kLinks, node.String());
    if (link == kLinks.end()) node.Fail("expected the name of a link");
    source_.link = static_cast<Link>(link - kLinks.begin());
  }

  void ReadTree(const JsonNode& node) {
    node.RequireObject({"margin", "tests", "leaves"});
    Source::Tree tree{.margin = static_cast<std::uint32_t>(node.Get("margin").Integer(
                          0, static_cast<std::int64_t>(source_.margins) - 1))};
    const JsonNode tests = node.Get("tests");
    const JsonNode leaves = node.Get("leaves");
    if (!tests.json().is_array() || !leaves.json().is_array() ||
        leaves.json().size() != tests.json().size() + 1) {
      node.Fail("expected lists of tests and leaves, one more of these");
    }
    Count(node, tests.json().size() + leaves.json().size());
    for (std::size_t i = 0; i < tests.json().size(); ++i) {
      tree.tests.push_back(ReadTest(tests, i));
    }
    for (std::size_t i = 0; i < leaves.json().size(); ++i) {
      tree.leaves.push_back(ReadLeaf(leaves, i));
    }
    source_.trees.push_back(std::move(tree));
  }

  /// [input, most or null or [categories], left, right, whether a missing number goes right]
  Source::Test ReadTest(const JsonNode& tests, std::size_t at) {
    constexpr std::size_t kMembers = 5;
    const ordered_json& list = tests.json()[at];
    const auto fail = [&](std::string_view what) {
      tests.Fail(fmt::format("test {}: {}", at, what));
    };
    if (!list.is_array() || list.size() != kMembers) fail("expected a list of five");
    const auto count = static_cast<std::int64_t>(tests.json().size());
    const auto child = [&](const ordered_json& json) {
      const std::int64_t to = json.is_number_integer() ? json.get<std::int64_t>() : count;
      // Onwards alone, so that no walk goes round in a circle.
      if (to >= count || to < -count - 1 || (to >= 0 && to <= static_cast<std::int64_t>(at))) {
        fail("expected children that are tests behind it, or ~position of a leaf");
      }
      return to;
    };
    Source::Test test{.input = ReadInput(list[0], fail)};
    test.left = child(list[2]);
    test.right = child(list[3]);
    if (!list[4].is_boolean()) fail("expected true or false");
    test.missing_goes_right = list[4].get<bool>();
    const ordered_json& value = list[1];
    if (source_.inputs[test.input].is_category) {
      if (!value.is_array()) fail("expected a list of categories");
      Count(tests, value.size());
      for (const ordered_json& one : value) {
        const bool is_next =
            one.is_number_unsigned() && one.get<std::uint64_t>() < ForestSource::kMostCategories &&
            (test.categories.empty() || one.get<std::uint64_t>() > test.categories.back());
        if (!is_next) fail("expected categories, ascending");
        test.categories.push_back(one.get<std::uint32_t>());
      }
    } else {
      test.most = value.is_null() ? kInfinity : ReadNumber(value, fail);
    }
    return test;
  }

  /// [value, constant, [inputs], [coefficients]]
  Source::Leaf ReadLeaf(const JsonNode& leaves, std::size_t at) {
    constexpr std::size_t kMembers = 4;
    const ordered_json& list = leaves.json()[at];
    const auto fail = [&](std::string_view what) {
      leaves.Fail(fmt::format("leaf {}: {}", at, what));
    };
    if (!list.is_array() || list.size() != kMembers || !list[2].is_array() || !list[3].is_array() ||
        list[2].size() != list[3].size()) {
      fail("expected a value, a constant, and two lists of one length");
    }
    Source::Leaf leaf{.value = ReadNumber(list[0], fail), .constant = ReadNumber(list[1], fail)};
    Count(leaves, list[2].size());
    for (std::size_t i = 0; i < list[2].size(); ++i) {
      const std::uint32_t input = ReadInput(list[2][i], fail);
      if (source_.inputs[input].is_category) fail("a term of a category");
      leaf.terms.push_back({.input = input, .coefficient = ReadNumber(list[3][i], fail)});
    }
    return leaf;
  }

  template <typename Fail>
  std::uint32_t ReadInput(const ordered_json& json, const Fail& fail) const {
    if (!json.is_number_unsigned() || json.get<std::uint64_t>() >= source_.inputs.size()) {
      fail("expected the position of an input");
    }
    return json.get<std::uint32_t>();
  }

  /// One that the arithmetic holds.
  template <typename Fail>
  double ReadNumber(const ordered_json& json, const Fail& fail) const {
    if (!json.is_number()) fail("expected numbers");
    const auto number = json.get<double>();
    const bool is_float = static_cast<double>(static_cast<float>(number)) == number;
    if (!std::isfinite(number) || (source_.arithmetic == Arithmetic::kFloat && !is_float)) {
      fail("expected numbers that the arithmetic holds");
    }
    return number;
  }

  void Count(const JsonNode& node, std::size_t parts) {
    parts_ += parts;
    if (parts_ > Source::kMostParts) {
      node.Fail(fmt::format("over {} tests, leaves, terms and categories", Source::kMostParts));
    }
  }

  const JsonNode& root_;
  Source source_;
  std::size_t parts_ = 0;
};

std::shared_ptr<const InputColumns> ColumnsOf(const Source& source) {
  InputColumns columns;
  const auto add = [&columns](std::string name) {
    columns.push_back({.name = std::move(name), .type = InputType::kNumber, .categories = {}});
  };
  for (const Source::Input& input : source.inputs) {
    if (source.arithmetic == Arithmetic::kFloat || input.is_category) {
      add(input.name);
    } else {
      for (std::string& part : PartNames(input.name)) add(std::move(part));
    }
  }
  return std::make_shared<const InputColumns>(std::move(columns));
}

std::vector<OutputColumn> OutputsOf(const Source& source) {
  const std::size_t count = source.link == Link::kGreatest ? 1 : source.margins;
  std::vector<OutputColumn> outputs;
  for (std::size_t i = 0; i < count; ++i) {
    outputs.push_back({.name = count == 1 ? "score" : fmt::format("score.{}", i),
                       .type = OutputType::kNumber,
                       .categories = {}});
  }
  return outputs;
}

// ---- a row ----

/// What a leaf gives, in the numbers that its library adds up.
template <typename Number>
Number ValueOf(const Source::Leaf& leaf, std::span<const double> numbers, bool skips) noexcept {
  auto sum = static_cast<Number>(leaf.constant);
  for (const Source::Term& term : leaf.terms) {
    const auto number = static_cast<Number>(numbers[term.input]);
    if (!std::isnan(number)) {
      sum += static_cast<Number>(term.coefficient) * number;
    } else if (!skips) {
      return static_cast<Number>(leaf.value);
    }
  }
  return sum;
}

bool GoesRight(const Source::Test& test, const Source::Input& input, double number) noexcept {
  if (input.is_category) {
    if (!(number > -1 && number < double{ForestSource::kMostCategories})) return false;
    return std::ranges::binary_search(test.categories, static_cast<std::uint32_t>(number));
  }
  if (std::isnan(number)) {
    if (input.missing != Missing::kZero) return test.missing_goes_right;
    number = 0;
  }
  if (number == 0 && input.missing == Missing::kDefaultOfZero) return test.missing_goes_right;
  return number > test.most;
}

}  // namespace

Result<LinearForest> LinearForest::Parse(std::string_view text) {
  try {
    const ordered_json document = preprocessing::ParseJson(text);
    return LinearForest(SourceReader(JsonNode(document)).Read());
  } catch (const SpecError& error) {
    return Error{ErrorCode::kInvalidArgument, error.what()};
  }
}

LinearForest::LinearForest(LinearForestSource source)
    : source_(std::move(source)), inputs_(ColumnsOf(source_)), outputs_(OutputsOf(source_)) {}

void LinearForest::ReadRow(const float* row, std::span<double> numbers) const noexcept {
  const bool is_double = source_.arithmetic == Arithmetic::kDouble;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (is_double && !source_.inputs[i].is_category) {
      numbers[i] = JoinDouble(std::span<const float, kDoubleParts>(row, kDoubleParts));
      row += kDoubleParts;
    } else {
      numbers[i] = static_cast<double>(*row++);
    }
  }
}

const LinearForestSource::Leaf& LinearForest::LeafOf(
    const LinearForestSource::Tree& tree, std::span<const double> numbers) const noexcept {
  std::int64_t at = tree.tests.empty() ? ~std::int64_t{0} : 0;
  while (at >= 0) {
    const Source::Test& test = tree.tests[static_cast<std::size_t>(at)];
    at = GoesRight(test, source_.inputs[test.input], numbers[test.input]) ? test.right : test.left;
  }
  return tree.leaves[static_cast<std::size_t>(~at)];
}

template <typename Number>
void LinearForest::PredictRow(std::span<const double> numbers,
                              std::span<double> out) const noexcept {
  std::array<Number, ForestSource::kMostMargins> scratch;  // written before it is read
  const std::span<Number> margins = std::span(scratch).first(source_.margins);
  std::ranges::fill(margins, Number{0});
  const bool skips = source_.arithmetic == Arithmetic::kFloat;
  for (const Source::Tree& tree : source_.trees) {
    margins[tree.margin] += ValueOf<Number>(LeafOf(tree, numbers), numbers, skips);
  }
  for (Number& margin : margins) {
    margin = margin / static_cast<Number>(source_.divisor) * static_cast<Number>(source_.factor);
  }
  ApplyLink(source_.link, margins);
  std::ranges::copy(margins.first(out.size()), out.begin());
}

void LinearForest::Predict(std::span<const float> rows, std::span<double> out) const noexcept {
  thread_local std::vector<double> scratch;
  if (scratch.size() < source_.inputs.size()) scratch.resize(source_.inputs.size());
  const std::span<double> numbers = std::span(scratch).first(source_.inputs.size());
  const std::size_t width = inputs_->size();
  const std::size_t count = outputs_.size();
  for (std::size_t row = 0; row * count < out.size(); ++row) {
    ReadRow(rows.data() + row * width, numbers);
    const std::span<double> answer = out.subspan(row * count, count);
    if (source_.arithmetic == Arithmetic::kDouble) {
      PredictRow<double>(numbers, answer);
    } else {
      PredictRow<float>(numbers, answer);
    }
  }
}

std::string LinearForest::Write() const {
  ordered_json inputs = ordered_json::array();
  for (const Source::Input& input : source_.inputs) {
    inputs.push_back({{"name", input.name},
                      {"kind", input.is_category ? "category" : "number"},
                      {"missing", NameOf(input.missing, kMissings)}});
  }
  ordered_json trees = ordered_json::array();
  for (const Source::Tree& tree : source_.trees) {
    ordered_json tests = ordered_json::array();
    for (const Source::Test& test : tree.tests) {
      ordered_json value;  // null: infinity
      if (source_.inputs[test.input].is_category) {
        value = test.categories;
      } else if (test.most != kInfinity) {
        value = test.most;
      }
      tests.push_back(ordered_json::array(
          {test.input, std::move(value), test.left, test.right, test.missing_goes_right}));
    }
    ordered_json leaves = ordered_json::array();
    for (const Source::Leaf& leaf : tree.leaves) {
      ordered_json of = ordered_json::array();
      ordered_json coefficients = ordered_json::array();
      for (const Source::Term& term : leaf.terms) {
        of.push_back(term.input);
        coefficients.push_back(term.coefficient);
      }
      leaves.push_back(
          ordered_json::array({leaf.value, leaf.constant, std::move(of), std::move(coefficients)}));
    }
    trees.push_back(
        {{"margin", tree.margin}, {"tests", std::move(tests)}, {"leaves", std::move(leaves)}});
  }
  const ordered_json document{{"format", kFormat},
                              {"format_version", 1},
                              {"arithmetic", NameOf(source_.arithmetic, kArithmetics)},
                              {"inputs", std::move(inputs)},
                              {"margins", source_.margins},
                              {"divisor", source_.divisor},
                              {"factor", source_.factor},
                              {"link", kLinks[static_cast<std::size_t>(source_.link)]},
                              {"trees", std::move(trees)}};
  return document.dump() + "\n";
}

}  // namespace forkcast::model
