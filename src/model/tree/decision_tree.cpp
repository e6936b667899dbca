#include "model/tree/decision_tree.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "data_preprocessing/document/content_hash.hpp"
#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::model {

using preprocessing::JsonNode;
using preprocessing::SpecError;

namespace {

constexpr std::string_view kChecksumPrefix = "xxh3-128:";
constexpr std::size_t kChecksumDigits = 32;
constexpr std::size_t kMaxCategories = 63;  // one bit each in a node, and one for "none of them"

struct ChecksumMismatch {
  std::string expected;
};

/// Throws ChecksumMismatch when the file is not as it was sealed.
void VerifyChecksum(std::string_view text, const JsonNode& node) {
  const std::string given = node.String();
  const std::size_t at = text.find(given);
  if (!given.starts_with(kChecksumPrefix) ||
      given.size() != kChecksumPrefix.size() + kChecksumDigits || at == std::string_view::npos) {
    node.Fail("expected \"xxh3-128:\" and 32 hexadecimal digits");
  }
  if (text.find(given, at + 1) != std::string_view::npos) {
    node.Fail("these digits are in the file twice, so which of them is the checksum is not clear");
  }
  std::string zeroed(text);
  zeroed.replace(at + kChecksumPrefix.size(), kChecksumDigits, kChecksumDigits, '0');
  std::string expected = preprocessing::ContentHash(zeroed);
  if (given != expected) throw ChecksumMismatch{std::move(expected)};
}

/// Least float t for which `x < t` says the same as `x < value`, whatever the float x.
float LeastNotBelow(double value) {
  const auto nearest = static_cast<float>(value);
  return static_cast<double>(nearest) < value
             ? std::nextafter(nearest, std::numeric_limits<float>::infinity())
             : nearest;
}

/// Least float t for which `x < t` says the same as `x <= value`.
float LeastAbove(double value) {
  const auto nearest = static_cast<float>(value);
  return static_cast<double>(nearest) > value
             ? nearest
             : std::nextafter(nearest, std::numeric_limits<float>::infinity());
}

}  // namespace

/// Reads the members of a file into a tree. Throws SpecError or ChecksumMismatch.
class DecisionTreeReader {
 public:
  DecisionTreeReader(const nlohmann::ordered_json& document, std::string_view text)
      : root_(document), text_(text) {}

  DecisionTree Read() {
    root_.RequireObject({"format", "format_version", "checksum", "name", "version", "features",
                         "classes", "nodes"});
    root_.RequireFormat(DecisionTree::kFormat, 1);
    VerifyChecksum(text_, root_.Get("checksum"));
    tree_.name_ = root_.Get("name").String();
    tree_.version_ = root_.Get("version").String();
    for (const JsonNode& feature : root_.Get("features").Elements()) ReadInput(feature);
    tree_.output_.categories = root_.Get("classes").Strings();
    const std::vector<JsonNode> nodes = root_.Get("nodes").Elements();
    if (nodes.empty()) root_.Get("nodes").Fail("expected at least one node");
    has_parent_.resize(nodes.size());
    for (const JsonNode& node : nodes) ReadNode(node);
    for (std::size_t i = 1; i < nodes.size(); ++i) {
      if (!has_parent_[i]) nodes[i].Fail("no test leads here");
    }
    return std::move(tree_);
  }

 private:
  void ReadInput(const JsonNode& node) {
    node.RequireObject({"name", "type", "categories"});
    InputColumn input{.name = node.Get("name").String(), .type = {}, .categories = {}};
    if (std::ranges::find(tree_.inputs_, input.name, &InputColumn::name) != tree_.inputs_.end()) {
      node.Get("name").Fail("given twice");
    }
    const std::string type = node.Get("type").String();
    if (type == "number") {
      input.type = InputType::kNumber;
    } else if (type == "bool") {
      input.type = InputType::kBool;
    } else if (type == "category") {
      input.type = InputType::kCategory;
      input.categories = node.Get("categories").Strings();
      if (input.categories.empty() || input.categories.size() > kMaxCategories) {
        node.Get("categories").Fail("expected 1 to 63 categories");
      }
    } else {
      node.Get("type").Fail("expected number, bool or category");
    }
    if (const auto categories = node.Find("categories");
        categories && input.type != InputType::kCategory) {
      categories->Fail("only a category has them");
    }
    tree_.inputs_.push_back(std::move(input));
  }

  void ReadNode(const JsonNode& json) {
    if (const auto leaf = json.Find("class")) {
      json.RequireObject({"class"});
      const std::vector<std::string>& classes = tree_.output_.categories;
      const auto found = std::ranges::find(classes, leaf->String());
      if (found == classes.end()) leaf->Fail("no class \"" + leaf->String() + "\"");
      tree_.nodes_.push_back({.yes = static_cast<std::uint32_t>(found - classes.begin())});
      return;
    }
    json.RequireObject({"if", "<", "<=", "is", "in", "yes", "no"});
    const JsonNode name = json.Get("if");
    const auto input = std::ranges::find(tree_.inputs_, name.String(), &InputColumn::name);
    if (input == tree_.inputs_.end()) name.Fail("no feature \"" + name.String() + "\"");
    DecisionTree::Node node = ReadTest(json, *input);
    node.feature = static_cast<std::uint32_t>(input - tree_.inputs_.begin());
    node.yes = ReadChild(json.Get("yes"));
    node.no = ReadChild(json.Get("no"));
    tree_.nodes_.push_back(node);
  }

  static DecisionTree::Node ReadTest(const JsonNode& json, const InputColumn& input) {
    using Test = DecisionTree::Test;
    constexpr double kLargest = std::numeric_limits<float>::max();
    constexpr std::array<std::string_view, 4> kTests{"<", "<=", "is", "in"};
    std::string_view test;
    for (const std::string_view candidate : kTests) {
      if (!json.Find(candidate)) continue;
      if (!test.empty()) json.Fail("expected one test, got two");
      test = candidate;
    }
    if (test.empty()) json.Fail("expected a test: <, <=, is or in");
    const JsonNode value = json.Get(test);
    const auto require = [&value, &input](InputType type, std::string_view what) {
      if (input.type != type)
        value.Fail("feature \"" + input.name + "\" is no " + std::string(what));
    };
    if (test == "is") {
      require(InputType::kBool, "bool");
      return {.test = Test::kIn, .members = std::uint64_t{1} << (value.Bool() ? 1 : 0)};
    }
    if (test == "in") {
      require(InputType::kCategory, "category");
      DecisionTree::Node node{.test = Test::kIn};
      (void)value.Strings();  // refuses one that is given twice
      for (const JsonNode& element : value.Elements()) {
        const auto found = std::ranges::find(input.categories, element.String());
        if (found == input.categories.end()) element.Fail("no such category of the feature");
        node.members |= std::uint64_t{1} << (found - input.categories.begin());
      }
      return node;
    }
    require(InputType::kNumber, "number");
    const double limit = value.Number(-kLargest, kLargest);
    return {.test = Test::kLess,
            .threshold = test == "<" ? LeastNotBelow(limit) : LeastAbove(limit)};
  }

  std::uint32_t ReadChild(const JsonNode& node) {
    const auto own = static_cast<std::int64_t>(tree_.nodes_.size());
    const auto last = static_cast<std::int64_t>(has_parent_.size()) - 1;
    const std::int64_t child = node.Integer(0, last);
    if (child <= own) node.Fail("a child comes after its parent");
    if (has_parent_[static_cast<std::size_t>(child)]) node.Fail("two tests lead to this node");
    has_parent_[static_cast<std::size_t>(child)] = true;
    return static_cast<std::uint32_t>(child);
  }

  JsonNode root_;
  std::string_view text_;
  std::vector<bool> has_parent_;
  DecisionTree tree_;
};

Result<DecisionTree> DecisionTree::Parse(std::string_view text) {
  try {
    const nlohmann::ordered_json document = preprocessing::ParseJson(text);
    return DecisionTreeReader(document, text).Read();
  } catch (const SpecError& error) {
    return Error{ErrorCode::kInvalidArgument, error.what()};
  } catch (const ChecksumMismatch& mismatch) {
    return Error{ErrorCode::kCorrupt,
                 "$.checksum: the file is damaged or was edited; if on purpose, its checksum is " +
                     mismatch.expected};
  }
}

Result<LoadedModel> LoadDecisionTree(const ModelFile& file) {
  Result<DecisionTree> tree = DecisionTree::Parse(file.text);
  if (!tree) return std::move(tree).error();
  auto model = std::make_unique<DecisionTree>(std::move(*tree));
  LoadedModel loaded{.name = model->name(), .version = model->version()};
  loaded.model = std::move(model);
  return loaded;
}

void DecisionTree::Predict(std::span<const float> rows, std::span<double> out) const noexcept {
  const std::size_t width = inputs_.size();
  for (std::size_t row = 0; row < out.size(); ++row) {
    const float* x = rows.data() + row * width;
    const Node* node = nodes_.data();
    while (node->test != Test::kLeaf) {
      const float value = x[node->feature];
      // A category's or bool's float is a small integer, or NaN, which is no member of any set.
      const bool passes =
          node->test == Test::kLess
              ? value < node->threshold
              : value >= 0 && ((node->members >> static_cast<unsigned>(value)) & 1U) != 0;
      node = nodes_.data() + (passes ? node->yes : node->no);
    }
    out[row] = static_cast<double>(node->yes);
  }
}

}  // namespace forkcast::model
