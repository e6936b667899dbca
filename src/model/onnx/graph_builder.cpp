#include "model/onnx/graph_builder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "data_preprocessing/document/json.hpp"
#include "model/double_parts.hpp"
#include "model/onnx/protobuf.hpp"
#include "model/refused.hpp"
#include "model/tree/forest_compiler.hpp"

namespace forkcast::model::onnx {
namespace {

/// Numbers of a row, with constants.
constexpr std::size_t kMostValues = std::size_t{1} << 22U;
constexpr std::size_t kMostColumns = 65'536;
/// Numbers that a row's steps go through.
constexpr std::size_t kMostWork = std::size_t{1} << 26U;
/// IR versions that are read; those before lack what says which operators a file has.
constexpr std::int64_t kFirstIr = 3;
constexpr std::int64_t kLastIr = 14;
constexpr std::string_view kNamesKey = "forkcast.inputs";

std::size_t SizeOf(std::span<const std::int64_t> dims) {
  std::size_t size = 1;
  for (const std::int64_t dim : dims) {
    size *= static_cast<std::size_t>(dim);
    if (size > kMostValues) RefuseUnknown(fmt::format("over {} numbers a row", kMostValues));
  }
  return size;
}

/// Dimensions of values that are stretched over each other: from behind, 1 fits to any.
std::vector<std::int64_t> Stretched(std::span<const Value* const> values) {
  std::vector<std::int64_t> dims;
  for (const Value* const value : values) {
    std::vector<std::int64_t> own = value->AllDims();
    if (own.size() > dims.size()) dims.insert(dims.begin(), own.size() - dims.size(), 1);
    own.insert(own.begin(), dims.size() - own.size(), 1);
    for (std::size_t i = 0; i < dims.size(); ++i) {
      if (own[i] == dims[i] || own[i] == 1) continue;
      if (dims[i] != 1) {
        RefuseCorrupt(fmt::format("shapes do not fit: {} and {}", dims[i], own[i]));
      }
      dims[i] = own[i];
    }
  }
  return dims;
}

/// Of each number of a result with the dimensions `dims` the place of the one of `value` over it.
std::vector<Place> StretchedPlaces(const Value& value, std::span<const std::int64_t> dims,
                                   std::size_t size) {
  std::vector<std::int64_t> own = value.AllDims();
  own.insert(own.begin(), dims.size() - own.size(), 1);
  std::vector<std::size_t> strides(dims.size());
  std::size_t stride = 1;
  for (std::size_t i = dims.size(); i-- > 0;) {
    if (own[i] > 1) {
      strides[i] = stride;
      stride *= static_cast<std::size_t>(own[i]);
    }
  }
  std::vector<Place> places(size);
  for (std::size_t at = 0; at < size; ++at) {
    std::size_t rest = at;
    std::size_t from = 0;
    for (std::size_t i = dims.size(); i-- > 0;) {
      const auto dim = static_cast<std::size_t>(std::max<std::int64_t>(dims[i], 1));
      from += rest % dim * strides[i];
      rest /= dim;
    }
    places[at] = value.places[from];
  }
  return places;
}

}  // namespace

std::vector<std::int64_t> Value::AllDims() const {
  std::vector<std::int64_t> all;
  if (has_rows) all.push_back(-1);
  all.insert(all.end(), dims.begin(), dims.end());
  return all;
}

// ---- what operators ask for ----

std::int64_t GraphBuilder::opset() const {
  const auto found = file_.opsets.find(node_->domain);
  return found == file_.opsets.end() ? 1 : found->second;
}

void GraphBuilder::Refuse(std::string_view what) const {
  RefuseUnknown(fmt::format("operator {}{}: {}", node_->op,
                            node_->name.empty() ? "" : fmt::format(" ({})", node_->name), what));
}

bool GraphBuilder::HasInput(std::size_t i) const {
  return i < node_->inputs.size() && !node_->inputs[i].empty();
}

const Value& GraphBuilder::Input(std::size_t i) {
  const Value& value = StackInput(i);
  if (value.is_stack) Refuse("of answers behind each other it is not understood");
  return value;
}

const Value& GraphBuilder::StackInput(std::size_t i) {
  const Value& value = AnyInput(i);
  if (value.is_shape) Refuse("of the shape of rows it is not understood");
  return value;
}

const Value& GraphBuilder::AnyInput(std::size_t i) {
  if (!HasInput(i)) {
    RefuseCorrupt(fmt::format("operator {}: input {} is missing", node_->op, i));
  }
  const std::string_view name = node_->inputs[i];
  if (const auto found = values_.find(name); found != values_.end()) return found->second;
  const auto constant = constants_.find(name);
  if (constant == constants_.end()) {
    RefuseCorrupt(
        fmt::format("operator {}: reads {:?}, which nothing before it makes", node_->op, name));
  }
  return values_.emplace(name, ConstantValue(*constant->second)).first->second;
}

const Value& GraphBuilder::NumberInput(std::size_t i) {
  const Value& value = Input(i);
  if (value.type == ElementType::kString) Refuse("of texts it is not understood");
  return value;
}

Tensor GraphBuilder::ConstantInput(std::size_t i) {
  if (HasInput(i)) {
    if (const auto found = constants_.find(node_->inputs[i]); found != constants_.end()) {
      CountWork(found->second->size());
      return *found->second;
    }
    const auto found = values_.find(node_->inputs[i]);
    if (found != values_.end() && !found->second.has_rows && !found->second.is_shape &&
        found->second.type != ElementType::kString) {
      Tensor tensor{.type = found->second.type, .dims = found->second.dims};
      for (const Place place : found->second.places) {
        tensor.numbers.push_back(graph_.constants_[static_cast<std::size_t>(-1 - place)]);
      }
      return tensor;
    }
  }
  Refuse(fmt::format("input {} is not constant", i));
}

std::vector<std::int64_t> GraphBuilder::IntegersOf(std::string_view name, std::size_t i) {
  if (node_->Has(name) || !HasInput(i)) return node_->Integers(name);
  std::vector<std::int64_t> integers;
  for (const double number : ConstantInput(i).numbers) {
    constexpr double kEnd = 9.2e18;  // "to the end", beyond what is exact
    if (std::isnan(number)) Refuse(fmt::format("input {}: expected whole numbers", i));
    integers.push_back(number >= kEnd    ? std::numeric_limits<std::int64_t>::max()
                       : number <= -kEnd ? std::numeric_limits<std::int64_t>::min()
                                         : static_cast<std::int64_t>(number));
  }
  return integers;
}

std::size_t GraphBuilder::InnerAxis(const Value& value, std::int64_t axis) const {
  if (!value.has_rows) Refuse("of constants alone it is not understood");
  return AnyAxis(value, axis);
}

std::size_t GraphBuilder::AnyAxis(const Value& value, std::int64_t axis) const {
  const std::int64_t rank = std::ssize(value.dims) + (value.has_rows ? 1 : 0);
  const std::int64_t rows = value.is_stack ? 1 : 0;
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank) {
    RefuseCorrupt(fmt::format("operator {}: axis {} of {}", node_->op, axis, rank));
  }
  if (value.has_rows && axis == rows) Refuse("across rows it is not understood");
  return static_cast<std::size_t>(value.has_rows && axis > rows ? axis - 1 : axis);
}

void GraphBuilder::Output(std::size_t i, Value value) {
  CountWork(value.places.size());
  if (value.dims.size() > kMostDims) Refuse(fmt::format("over {} dimensions", kMostDims));
  if (i >= node_->outputs.size() || node_->outputs[i].empty()) return;
  values_[node_->outputs[i]] = std::move(value);
}

void GraphBuilder::CountWork(std::size_t numbers) {
  if (numbers > kMostWork || work_ + numbers > kMostWork) {
    Refuse(fmt::format("the model goes through over {} numbers a row", kMostWork));
  }
  work_ += numbers;
}

Place GraphBuilder::NewPlaces(std::size_t count) {
  const std::size_t first = graph_.value_count_;
  graph_.value_count_ += count;
  if (graph_.value_count_ > kMostValues) {
    RefuseUnknown(fmt::format("over {} numbers a row", kMostValues));
  }
  return static_cast<Place>(first);
}

Place GraphBuilder::NewConstant(double number) {
  const auto place = static_cast<Place>(-1 - static_cast<std::int64_t>(graph_.constants_.size()));
  const auto [found, is_new] =
      constant_places_.try_emplace(std::bit_cast<std::uint64_t>(number), place);
  if (!is_new) return found->second;
  if (graph_.constants_.size() >= kMostValues) {
    RefuseUnknown(fmt::format("over {} constants that operators compute with", kMostValues));
  }
  graph_.constants_.push_back(number);
  return place;
}

Value GraphBuilder::NewValue(ElementType type, bool has_rows, std::vector<std::int64_t> dims) {
  Value value{.type = type, .has_rows = has_rows, .dims = std::move(dims), .places = {}};
  value.places.resize(SizeOf(value.dims));
  std::iota(value.places.begin(), value.places.end(), NewPlaces(value.places.size()));
  return value;
}

Value GraphBuilder::ConstantValue(const Tensor& tensor) {
  Value value{.type = tensor.type, .has_rows = false, .dims = tensor.dims, .places = {}};
  for (const double number : tensor.numbers) value.places.push_back(NewConstant(number));
  for (const std::string_view text : tensor.strings) {
    value.places.push_back(NewConstant(CodeOf(text)));
  }
  return value;
}

void GraphBuilder::AddStep(std::unique_ptr<const Step> step) {
  graph_.float_count_ = std::max(graph_.float_count_, step->float_count());
  graph_.steps_.push_back(std::move(step));
  if (ops_.empty() || ops_.back() != node_->op) ops_.push_back(node_->op);
}

std::vector<Place> GraphBuilder::Fold(const Step& step, std::size_t count) {
  const std::size_t constants = graph_.constants_.size();
  CountWork(constants + count);
  std::vector<double> values(constants + count);
  std::ranges::reverse_copy(graph_.constants_, values.begin());
  double* const first = values.data() + constants;
  (void)step.Run({.values = first, .floats = nullptr});
  std::vector<Place> places;
  for (std::size_t i = 0; i < count; ++i) places.push_back(NewConstant(first[i]));
  return places;
}

Value GraphBuilder::Combine(ElementFunction function, ElementType type,
                            std::span<const Value* const> inputs) {
  std::vector<std::int64_t> dims = Stretched(inputs);
  const bool has_rows = std::ranges::any_of(inputs, &Value::has_rows);
  if (has_rows &&
      (dims.empty() || dims.front() != -1 || std::ranges::count(dims, std::int64_t{-1}) != 1)) {
    Refuse("shapes across rows are not understood");
  }
  const std::span<const std::int64_t> inner = std::span(dims).subspan(has_rows ? 1 : 0);
  const std::size_t size = SizeOf(inner);
  std::vector<std::array<Place, 3>> arguments(size);
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const std::vector<Place> places = StretchedPlaces(*inputs[k], dims, size);
    for (std::size_t i = 0; i < size; ++i) {
      for (std::size_t rest = k; rest < 3; ++rest) arguments[i][rest] = places[i];
    }
  }
  if (!has_rows) {
    Value value{.type = type, .has_rows = false, .dims = dims, .places = {}};
    for (const auto& [a, b, c] : arguments) {
      const auto of = [this](Place place) {
        return graph_.constants_[static_cast<std::size_t>(-1 - place)];
      };
      value.places.push_back(NewConstant(function(of(a), of(b), of(c))));
    }
    return value;
  }
  Value value = NewValue(type, true, {inner.begin(), inner.end()});
  if (size > 0) {
    AddStep(
        std::make_unique<const ElementStep>(function, std::move(arguments), value.places.front()));
  }
  return value;
}

double GraphBuilder::CodeOf(std::string_view text) {
  const auto found = codes_.find(text);
  if (found != codes_.end()) return found->second;
  const auto code = static_cast<double>(codes_.size());
  codes_.emplace(text, code);
  return code;
}

void GraphBuilder::RequireTexts(std::span<const Place> places,
                                std::span<const std::string_view> texts) {
  const std::set<std::string, std::less<>> these(texts.begin(), texts.end());
  for (const Place place : places) {
    const bool is_column = place >= 0 && static_cast<std::size_t>(place) < columns_.size();
    if (!is_column) continue;
    CountWork(texts.size());
    const auto [found, is_new] = allowed_.try_emplace(place, these);
    if (is_new) continue;
    std::erase_if(found->second, [&](const std::string& text) { return !these.contains(text); });
  }
}

void GraphBuilder::AddTrees(Ensemble ensemble, const Value& input) {
  const std::size_t width = input.places.size();
  if (width < ensemble.features) {
    RefuseCorrupt(
        fmt::format("operator {}: tests column {} of {}", node_->op, ensemble.features - 1, width));
  }
  graph_.tree_count_ += ensemble.roots.size();
  std::vector<std::string> names;
  for (std::size_t i = 0; i < width; ++i) names.push_back(fmt::format("f{}", i));
  std::optional<ForestSource> source = ToForest(ensemble, std::move(names));
  std::optional<Forest> forest;
  if (source) {
    Result<Forest> compiled = Forest::FromBytes(CompileForest(*source));
    if (!compiled) throw Refused{std::move(compiled).error()};
    forest.emplace(*std::move(compiled));
    ensemble.nodes.clear();
    ensemble.weights.clear();
  }
  CountWork(width);
  const auto outputs = static_cast<std::int64_t>(ensemble.outputs());
  const bool is_classifier = !ensemble.classes.empty();
  if (is_classifier && !ensemble.are_probabilities) MarkRawScores();
  const bool gives_doubles = ensemble.is_double && node_->op == "TreeEnsemble";
  Value out = NewValue(gives_doubles ? ElementType::kDouble : ElementType::kFloat, true, {outputs});
  const Place work = NewPlaces(width + 2 * ensemble.targets);
  trees_ = Trees{.forest = std::move(source),
                 .inputs = input.places,
                 .out = out,
                 .finish = ensemble.finish,
                 .is_sum = ensemble.aggregate == Ensemble::Aggregate::kSum,
                 .base = ensemble.base};
  AddStep(std::make_unique<const EnsembleStep>(std::move(ensemble), std::move(forest), input.places,
                                               work, out.places.front()));
  Output(is_classifier ? 1 : 0, std::move(out));
}

// ---- from a file to steps ----

Graph GraphBuilder::Build() {
  if (file_.ir_version < kFirstIr || file_.ir_version > kLastIr) {
    RefuseUnknown(
        fmt::format("ir_version: {}, expected {} to {}", file_.ir_version, kFirstIr, kLastIr));
  }
  CheckNames();
  ChooseAnswer();
  FindNeeded();
  AddInputs();
  for (std::size_t i = 0; i < file_.nodes.size(); ++i) {
    if (is_needed_[i]) Run(file_.nodes[i]);
  }
  BuildAnswer();
  FinishColumns();
  FindForest();
  graph_.producer_ = fmt::format("{} {}", file_.producer, file_.producer_version);
  graph_.summary_ = fmt::format("{}", fmt::join(ops_, ", "));
  return std::move(graph_);
}

/// A value is made once, and nodes stand behind those whose values they read.
void GraphBuilder::CheckNames() {
  std::set<std::string_view> known{""};
  for (const auto& [name, tensor] : file_.constants) {
    known.insert(name);
    constants_[name] = &tensor;
  }
  for (const ValueInfo& input : file_.inputs) {
    if (!known.insert(input.name).second) {
      RefuseCorrupt(fmt::format("two inputs are called {:?}", input.name));
    }
  }
  for (std::size_t i = 0; i < file_.nodes.size(); ++i) {
    const Node& node = file_.nodes[i];
    for (const std::string_view name : node.inputs) {
      if (known.contains(name)) continue;
      RefuseCorrupt(fmt::format(
          "operator {} reads {:?}, which nothing before it makes: the graph has a cycle, or is not "
          "in order",
          node.op, name));
    }
    for (const std::string_view name : node.outputs) {
      if (name.empty()) continue;
      if (!known.insert(name).second) RefuseCorrupt(fmt::format("{:?} is made twice", name));
      producers_[name] = i;
    }
  }
}

void GraphBuilder::NoteOutputs(bool is_map) {
  for (const ValueInfo& output : file_.outputs) {
    const auto type = static_cast<ElementType>(output.type);
    const bool is_integer =
        output.is_tensor && (type == ElementType::kInt64 || type == ElementType::kInt32);
    graph_.named_outputs_.push_back({.name = std::string(output.name),
                                     .is_integer = is_integer,
                                     .is_map = is_map && output.name == answer_});
  }
}

/// A value alone is answered; behind a label, the scores of its classes are.
void GraphBuilder::ChooseAnswer() {
  const std::vector<ValueInfo>& outputs = file_.outputs;
  if (outputs.size() == 1) {
    answer_ = outputs[0].name;
    return;
  }
  const auto is_label = [](const ValueInfo& output) {
    const auto type = static_cast<ElementType>(output.type);
    return output.is_tensor && (type == ElementType::kInt64 || type == ElementType::kString ||
                                type == ElementType::kBool || type == ElementType::kInt32);
  };
  if (outputs.size() != 2 || !is_label(outputs[0]) || is_label(outputs[1])) {
    std::vector<std::string_view> names;
    for (const ValueInfo& output : outputs) names.push_back(output.name);
    RefuseUnknown(
        fmt::format("outputs {}: expected one of numbers, or a label and the probabilities of its "
                    "classes",
                    fmt::join(names, ", ")));
  }
  label_ = outputs[0].name;
  answer_ = outputs[1].name;
}

void GraphBuilder::FindNeeded() {
  is_needed_.resize(file_.nodes.size());
  std::set<std::string_view> wanted{answer_};
  for (std::size_t i = file_.nodes.size(); i-- > 0;) {
    const Node& node = file_.nodes[i];
    is_needed_[i] = std::ranges::any_of(
        node.outputs, [&wanted](std::string_view name) { return wanted.contains(name); });
    if (is_needed_[i]) wanted.insert(node.inputs.begin(), node.inputs.end());
  }
}

GraphColumn::Kind GraphBuilder::KindOf(const ValueInfo& info) {
  using Kind = GraphColumn::Kind;
  if (info.is_tensor) {
    switch (static_cast<ElementType>(info.type)) {
      case ElementType::kFloat:
        return Kind::kNumber;
      case ElementType::kInt32:
      case ElementType::kInt64:
        return Kind::kWhole;
      case ElementType::kBool:
        return Kind::kBool;
      case ElementType::kString:
        return Kind::kText;
      case ElementType::kDouble:
        return Kind::kDouble;
      case ElementType::kUint8:
        break;
    }
  }
  RefuseUnknown(fmt::format(
      "input {:?}: expected a tensor of float, double, int64, int32, bool or string", info.name));
}

void GraphBuilder::AddInputs() {
  if (file_.inputs.empty()) RefuseUnknown("it has no input");
  graph_.has_column_names_ = true;
  for (const ValueInfo& info : file_.inputs) {
    const GraphColumn::Kind kind = KindOf(info);
    const std::vector<std::int64_t>& dims = info.dims;
    if (!info.has_shape || dims.empty() || dims.size() > 2 || (dims.size() == 2 && dims[1] < 1)) {
      RefuseUnknown(
          fmt::format("input {:?}: expected the shape [rows, columns], and how many "
                      "columns",
                      info.name));
    }
    const std::int64_t width = dims.size() == 2 ? dims[1] : 1;
    if (columns_.size() + static_cast<std::size_t>(width) > kMostColumns) {
      RefuseUnknown(fmt::format("over {} columns", kMostColumns));
    }
    Value value = NewValue(static_cast<ElementType>(info.type), true,
                           dims.size() == 2 ? std::vector{width} : std::vector<std::int64_t>());
    graph_.has_column_names_ = graph_.has_column_names_ && width == 1;
    for (std::int64_t i = 0; i < width; ++i) {
      const std::string name(info.name);
      graph_.columns_.push_back(
          {.name = width == 1 ? name : fmt::format("{}_{}", name, i), .kind = kind});
    }
    columns_.insert(columns_.end(), value.places.begin(), value.places.end());
    values_[info.name] = std::move(value);
  }
}

void GraphBuilder::Run(const Node& node) {
  node_ = &node;
  if (node.has_graph) Refuse("graphs within a graph are not understood");
  RunOperator(*this);
}

// ---- what is answered ----

const Node* GraphBuilder::ProducerOf(std::string_view value) const {
  const auto found = producers_.find(value);
  return found == producers_.end() ? nullptr : &file_.nodes[found->second];
}

/// The value that was only moved, renamed or converted to become this one.
std::string_view GraphBuilder::BeforeMoves(std::string_view value) const {
  constexpr std::array<std::string_view, 6> kMoves{"Cast",    "Identity",  "Reshape",
                                                   "Squeeze", "Unsqueeze", "Flatten"};
  // Nodes are in order, so that this ends.
  for (const Node* node = ProducerOf(value);
       node != nullptr && std::ranges::find(kMoves, node->op) != kMoves.end() &&
       !node->inputs.empty();
       node = ProducerOf(value)) {
    value = node->inputs[0];
  }
  return value;
}

/// What a node's labels are called.
std::vector<std::string> GraphBuilder::LabelsOf(const Node& node) const {
  std::vector<std::string> labels;
  const auto add_all = [&labels](const auto& texts, const auto& numbers) {
    for (const std::string_view text : texts) labels.emplace_back(text);
    for (const auto number : numbers) labels.push_back(fmt::format("{}", number));
  };
  add_all(node.Strings("classlabels_strings"), node.Integers("classlabels_int64s"));
  add_all(node.Strings("values_strings"), node.Integers("values_int64s"));
  // Called so by LinearClassifier.
  add_all(std::vector<std::string_view>(), node.Integers("classlabels_ints"));
  if (node.op == "ArrayFeatureExtractor" && !node.inputs.empty()) {
    const auto constant = constants_.find(node.inputs[0]);
    if (constant != constants_.end()) {
      add_all(constant->second->strings, constant->second->numbers);
    }
  }
  return labels;
}

std::vector<std::string> GraphBuilder::ClassesOf(std::string_view label) const {
  const Node* const node = ProducerOf(BeforeMoves(label));
  if (node != nullptr) {
    if (std::vector<std::string> labels = LabelsOf(*node); !labels.empty()) return labels;
  }
  RefuseUnknown(fmt::format("output {:?}: what its classes are called is not seen{}", label,
                            node == nullptr ? "" : fmt::format(" (operator {})", node->op)));
}

void GraphBuilder::BuildAnswer() {
  const auto found = values_.find(answer_);
  if (found == values_.end()) {
    RefuseCorrupt(fmt::format("output {:?}: nothing makes it", answer_));
  }
  const Value& value = found->second;
  if (!value.has_rows || value.is_shape || value.is_stack || value.dims.size() > 1 ||
      value.places.empty()) {
    RefuseUnknown(fmt::format("output {:?}: expected the shape [rows, numbers]", answer_));
  }
  if (value.type == ElementType::kString) {
    RefuseUnknown(fmt::format(
        "output {:?}: a text without probabilities of classes is not answered: convert the model "
        "with both",
        answer_));
  }
  graph_.answers_ = value.places;
  const Node* const last = ProducerOf(answer_);
  const bool is_map = last != nullptr && last->op == "ZipMap";
  NoteOutputs(is_map);
  if (is_map) {
    graph_.classes_ = LabelsOf(*last);
  } else if (!label_.empty()) {
    graph_.classes_ = ClassesOf(label_);
  } else {
    return;
  }
  if (graph_.classes_.size() != value.places.size() || value.places.size() < 2) {
    RefuseUnknown(
        fmt::format("output {:?}: {} numbers for {} classes, expected one for each of two "
                    "or more",
                    answer_, value.places.size(), graph_.classes_.size()));
  }
  const std::string_view scores = BeforeMoves(is_map ? last->inputs.at(0) : answer_);
  if (raw_scores_.contains(scores)) {
    RefuseUnknown(
        fmt::format("post_transform: the numbers of {:?} are scores, and no probabilities of "
                    "classes",
                    answer_));
  }
  // Of two classes the second one's probability says both.
  if (graph_.answers_.size() == 2) graph_.answers_.erase(graph_.answers_.begin());
}

// ---- what is asked ----

void GraphBuilder::FinishColumns() {
  graph_.text_codes_.resize(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    GraphColumn& column = graph_.columns_[i];
    if (column.kind != GraphColumn::Kind::kText) continue;
    const auto allowed = allowed_.find(columns_[i]);
    column.refuses_others = allowed != allowed_.end();
    if (column.refuses_others) {
      column.texts.assign(allowed->second.begin(), allowed->second.end());
    } else {
      for (const auto& [text, code] : codes_) column.texts.push_back(text);
    }
    // A column that nothing reads is one of texts all the same.
    if (column.texts.empty()) column.texts.emplace_back();
    for (const std::string& text : column.texts) {
      const auto code = codes_.find(text);
      graph_.text_codes_[i].push_back(code == codes_.end() ? -1 : code->second);
    }
  }
  NameColumns();
  InputColumns inputs;
  const auto add = [&inputs](std::string name) {
    inputs.push_back({.name = std::move(name), .type = InputType::kNumber, .categories = {}});
  };
  for (const GraphColumn& column : graph_.columns_) {
    if (column.kind == GraphColumn::Kind::kDouble) {
      for (std::string& part : PartNames(column.name)) add(std::move(part));
    } else {
      add(column.name);
    }
  }
  graph_.inputs_ = std::make_shared<const InputColumns>(std::move(inputs));
  const std::size_t outputs = graph_.answers_.size();
  for (std::size_t i = 0; i < outputs; ++i) {
    graph_.outputs_.push_back({.name = outputs == 1 ? "score" : fmt::format("score.{}", i),
                               .type = OutputType::kNumber,
                               .categories = {}});
  }
}

/// As NameColumns() below wrote them.
void GraphBuilder::NameColumns() {
  const auto found = file_.metadata.find(kNamesKey);
  if (found == file_.metadata.end()) return;
  const nlohmann::json names = nlohmann::json::parse(found->second, nullptr, false);
  const bool fits =
      names.is_array() && names.size() == graph_.columns_.size() &&
      std::all_of(names.begin(), names.end(), [](const auto& name) { return name.is_string(); });
  if (!fits) RefuseCorrupt(fmt::format("{}: expected a list of a name a column", kNamesKey));
  for (std::size_t i = 0; i < names.size(); ++i) {
    graph_.columns_[i].name = names[i].get<std::string>();
  }
  graph_.has_column_names_ = true;
}

/// Trees that read the columns as they are, and whose sums are the answer.
void GraphBuilder::FindForest() {
  using Finish = Ensemble::Finish;
  if (!trees_ || !trees_->forest || graph_.steps_.size() != 1 || trees_->inputs != columns_ ||
      !trees_->is_sum) {
    return;
  }
  const bool are_numbers = std::ranges::all_of(graph_.columns_, [](const GraphColumn& column) {
    return column.kind == GraphColumn::Kind::kNumber;
  });
  const bool is_pair = trees_->finish == Finish::kComplement;
  std::vector<Place> sums = trees_->out.places;
  if (is_pair) sums.erase(sums.begin());
  if (!are_numbers || (trees_->finish != Finish::kNone && !is_pair) || sums != graph_.answers_) {
    return;
  }
  ForestSource& forest = *trees_->forest;
  for (std::size_t i = 0; i < forest.features.size(); ++i) {
    forest.features[i] = graph_.columns_[i].name;
  }
  // The base is added last: it is the leaf of one more tree.
  for (std::size_t i = 0; i < trees_->base.size(); ++i) {
    forest.trees.push_back({.nodes = {{.value = static_cast<float>(trees_->base[i]), .weight = 1}},
                            .categories = {},
                            .margin = static_cast<std::uint32_t>(i)});
  }
  graph_.forest_ = std::move(forest);
}

// ---- the graph ----

Result<Graph> Graph::FromBytes(std::string_view bytes) {
  try {
    const OnnxFile file = ReadOnnxFile(bytes);
    return GraphBuilder(file).Build();
  } catch (const Refused& refused) {
    return refused.error;
  }
}

void Graph::FillInputs(const float* row, double* values) const noexcept {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].kind == GraphColumn::Kind::kDouble) {
      values[i] = JoinDouble(std::span<const float, kDoubleParts>(row, kDoubleParts));
      row += kDoubleParts;
      continue;
    }
    const auto number = static_cast<double>(*row++);
    values[i] = number;
    if (columns_[i].kind == GraphColumn::Kind::kText) {
      const std::vector<double>& codes = text_codes_[i];
      const bool is_known = number >= 0 && number < static_cast<double>(codes.size());
      values[i] = is_known ? codes[static_cast<std::size_t>(number)] : -1;
    } else if (columns_[i].kind == GraphColumn::Kind::kBool) {
      values[i] = number != 0 ? 1 : 0;
    }
  }
}

void Graph::Predict(std::span<const float> rows, std::span<double> out) const noexcept {
  thread_local std::vector<double> scratch;
  thread_local std::vector<float> floats;
  if (scratch.size() < constants_.size() + value_count_) {
    scratch.resize(constants_.size() + value_count_);
  }
  if (floats.size() < float_count_) floats.resize(float_count_);
  const Frame frame{.values = scratch.data() + constants_.size(), .floats = floats.data()};
  std::ranges::reverse_copy(constants_, scratch.begin());
  const std::size_t width = inputs_->size();
  const std::size_t count = answers_.size();
  for (std::size_t row = 0; row * count < out.size(); ++row) {
    FillInputs(rows.data() + row * width, frame.values);
    const bool is_answered =
        std::ranges::all_of(steps_, [&frame](const auto& step) { return step->Run(frame); });
    for (std::size_t i = 0; i < count; ++i) {
      out[row * count + i] =
          is_answered ? frame.values[answers_[i]] : std::numeric_limits<double>::quiet_NaN();
    }
  }
}

std::string NameColumns(std::string_view bytes, std::span<const std::string> names) {
  constexpr std::uint32_t kMetadata = 14;  // of a model; its last value of a key counts
  MessageWriter entry;
  entry.Bytes(1, kNamesKey);
  entry.Bytes(2, nlohmann::json(std::vector(names.begin(), names.end())).dump());
  MessageWriter model;
  model.Message(kMetadata, entry);
  return fmt::format("{}{}", bytes, model.bytes());
}

}  // namespace forkcast::model::onnx
