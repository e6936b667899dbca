#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <string_view>
#include <type_traits>
#include <utility>

#include "model/onnx/graph_builder.hpp"
#include "model/onnx/runtime_floats.hpp"
#include "model/onnx/support_vectors.hpp"
#include "model/refused.hpp"

// The operators: each a function that reads its node and inputs, and adds steps or only moves
// places; and a row of kOperators at the end.
namespace forkcast::model::onnx {
namespace {

using Builder = GraphBuilder;

// ---- number by number ----

double ToFloat(double x) noexcept { return static_cast<double>(static_cast<float>(x)); }

template <auto function>
double InFloat(double a, double b, double c) noexcept {
  return ToFloat(function(static_cast<float>(a), static_cast<float>(b), static_cast<float>(c)));
}
template <auto function>
double InDouble(double a, double b, double c) noexcept {
  return function(a, b, c);
}

constexpr auto kAdd = [](auto a, auto b, auto /*c*/) { return a + b; };
constexpr auto kSub = [](auto a, auto b, auto /*c*/) { return a - b; };
constexpr auto kMul = [](auto a, auto b, auto /*c*/) { return a * b; };
constexpr auto kDiv = [](auto a, auto b, auto /*c*/) { return a / b; };
constexpr auto kPow = [](auto a, auto b, auto /*c*/) { return std::pow(a, b); };
constexpr auto kMax = [](auto a, auto b, auto /*c*/) {
  return std::isnan(a) || std::isnan(b) ? a + b : std::max(a, b);
};
constexpr auto kMin = [](auto a, auto b, auto /*c*/) {
  return std::isnan(a) || std::isnan(b) ? a + b : std::min(a, b);
};
constexpr auto kExp = [](auto a, auto /*b*/, auto /*c*/) { return std::exp(a); };
constexpr auto kLog = [](auto a, auto /*b*/, auto /*c*/) { return std::log(a); };
constexpr auto kSqrt = [](auto a, auto /*b*/, auto /*c*/) { return std::sqrt(a); };
constexpr auto kAbs = [](auto a, auto /*b*/, auto /*c*/) { return std::abs(a); };
constexpr auto kNeg = [](auto a, auto /*b*/, auto /*c*/) { return -a; };
constexpr auto kFloor = [](auto a, auto /*b*/, auto /*c*/) { return std::floor(a); };
constexpr auto kCeil = [](auto a, auto /*b*/, auto /*c*/) { return std::ceil(a); };
constexpr auto kReciprocal = [](auto a, auto /*b*/, auto /*c*/) { return 1 / a; };
constexpr auto kTanh = [](auto a, auto /*b*/, auto /*c*/) {
  if constexpr (std::is_same_v<decltype(a), float>) return RuntimeTanh(a);
  return std::tanh(a);
};
constexpr auto kRelu = [](auto a, auto /*b*/, auto /*c*/) { return a < 0 ? decltype(a){0} : a; };
constexpr auto kSign = [](auto a, auto /*b*/, auto /*c*/) {
  if (std::isnan(a)) return a;
  return static_cast<decltype(a)>((a > 0 ? 1 : 0) - (a < 0 ? 1 : 0));
};
constexpr auto kSigmoid = [](auto a, auto /*b*/, auto /*c*/) { return 1 / (1 + std::exp(-a)); };
/// a within b and c.
constexpr auto kClip = [](auto a, auto b, auto c) { return std::min(std::max(a, b), c); };
constexpr auto kScale = [](auto x, auto offset, auto scale) { return (x - offset) * scale; };

double ScaleDouble(double x, double offset, double scale) noexcept {
  return ToFloat((x - offset) * scale);
}

double Less(double a, double b, double /*c*/) noexcept { return a < b ? 1 : 0; }
double LessOrEqual(double a, double b, double /*c*/) noexcept { return a <= b ? 1 : 0; }
double Greater(double a, double b, double /*c*/) noexcept { return a > b ? 1 : 0; }
double GreaterOrEqual(double a, double b, double /*c*/) noexcept { return a >= b ? 1 : 0; }
double Equal(double a, double b, double /*c*/) noexcept { return a == b ? 1 : 0; }
double And(double a, double b, double /*c*/) noexcept { return a != 0 && b != 0 ? 1 : 0; }
double Or(double a, double b, double /*c*/) noexcept { return a != 0 || b != 0 ? 1 : 0; }
double Xor(double a, double b, double /*c*/) noexcept { return (a != 0) != (b != 0) ? 1 : 0; }
double Not(double a, double /*b*/, double /*c*/) noexcept { return a == 0 ? 1 : 0; }
double IsNan(double a, double /*b*/, double /*c*/) noexcept { return std::isnan(a) ? 1 : 0; }
double Where(double a, double b, double c) noexcept { return a != 0 ? b : c; }
double Replace(double x, double missing, double other) noexcept {
  return x == missing || (std::isnan(x) && std::isnan(missing)) ? other : x;
}
double Round(double a, double /*b*/, double /*c*/) noexcept { return ToFloat(a); }
double IsNotZero(double a, double /*b*/, double /*c*/) noexcept { return a != 0 ? 1 : 0; }
/// As processors do it: what does not fit is the least number.
double Truncate(double a, double /*b*/, double /*c*/) noexcept {
  constexpr double kLimit = 0x1p63;
  return a >= -kLimit && a < kLimit ? std::trunc(a) : -kLimit;
}
double TruncateShort(double a, double /*b*/, double /*c*/) noexcept {
  constexpr double kLimit = 0x1p31;
  return a > -kLimit - 1 && a < kLimit ? std::trunc(a) : -kLimit;
}

/// An operator over numbers of one type, in float or double; of whole numbers in double, where
/// they are exact up to 2^53.
struct Arithmetic {
  std::string_view op;
  ElementFunction in_float;
  ElementFunction in_double;
  std::size_t inputs;
  bool takes_whole = false;
};
template <auto function>
constexpr Arithmetic Row(std::string_view op, std::size_t inputs, bool takes_whole = false) {
  return {op, InFloat<function>, InDouble<function>, inputs, takes_whole};
}
constexpr std::array kArithmetic{
    Row<kAdd>("Add", 2, true),   Row<kSub>("Sub", 2, true),   Row<kMul>("Mul", 2, true),
    Row<kDiv>("Div", 2),         Row<kPow>("Pow", 2),         Row<kExp>("Exp", 1),
    Row<kLog>("Log", 1),         Row<kSqrt>("Sqrt", 1),       Row<kAbs>("Abs", 1, true),
    Row<kNeg>("Neg", 1, true),   Row<kFloor>("Floor", 1),     Row<kCeil>("Ceil", 1),
    Row<kSign>("Sign", 1, true), Row<kRelu>("Relu", 1),       Row<kReciprocal>("Reciprocal", 1),
    Row<kTanh>("Tanh", 1),       Row<kSigmoid>("Sigmoid", 1),
};

/// One whose answer is true or false.
struct Comparison {
  std::string_view op;
  ElementFunction function;
  std::size_t inputs;
  bool takes_texts = false;
};
constexpr std::array<Comparison, 10> kComparisons{{{"Less", Less, 2},
                                                   {"LessOrEqual", LessOrEqual, 2},
                                                   {"Greater", Greater, 2},
                                                   {"GreaterOrEqual", GreaterOrEqual, 2},
                                                   {"Equal", Equal, 2, true},
                                                   {"And", And, 2},
                                                   {"Or", Or, 2},
                                                   {"Xor", Xor, 2},
                                                   {"Not", Not, 1},
                                                   {"IsNaN", IsNan, 1}}};

std::vector<const Value*> Inputs(Builder& builder, std::size_t count, bool takes_texts) {
  std::vector<const Value*> inputs;
  for (std::size_t i = 0; i < count; ++i) {
    inputs.push_back(takes_texts ? &builder.Input(i) : &builder.NumberInput(i));
    if (inputs.back()->type != inputs.front()->type) builder.Refuse("inputs of different types");
  }
  return inputs;
}

void RunArithmetic(Builder& builder) {
  const Arithmetic& row = *std::ranges::find(kArithmetic, builder.node().op, &Arithmetic::op);
  const auto inputs = Inputs(builder, row.inputs, false);
  const Value& first = *inputs.front();
  const bool is_real = first.type == ElementType::kFloat || first.is_double();
  if (!is_real && !(row.takes_whole && first.is_whole())) {
    builder.Refuse(fmt::format("of {} it is not understood", NameOf(first.type)));
  }
  builder.Elementwise(first.type == ElementType::kFloat ? row.in_float : row.in_double, first.type,
                      inputs);
}

void RunComparison(Builder& builder) {
  const Comparison& row = *std::ranges::find(kComparisons, builder.node().op, &Comparison::op);
  builder.Elementwise(row.function, ElementType::kBool,
                      Inputs(builder, row.inputs, row.takes_texts));
}

/// Max, Min and Sum of any number of inputs, one after the other.
template <auto function>
void RunFold(Builder& builder) {
  const auto inputs = Inputs(builder, builder.node().inputs.size(), false);
  if (inputs.empty()) builder.Refuse("expected an input");
  Value folded = *inputs.front();
  const bool is_float = folded.type == ElementType::kFloat;
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const std::array<const Value*, 2> both{&folded, inputs[i]};
    folded = builder.Combine(is_float ? InFloat<function> : InDouble<function>, folded.type, both);
  }
  builder.Output(0, std::move(folded));
}

Value Scalar(Builder& builder, ElementType type, double number) {
  return {.type = type, .has_rows = false, .dims = {}, .places = {builder.NewConstant(number)}};
}

void RunClip(Builder& builder) {
  const Value& x = builder.NumberInput(0);
  constexpr double kGreatest = std::numeric_limits<float>::max();
  const auto bound = [&](std::string_view name, std::size_t i, double otherwise) {
    if (builder.HasInput(i)) return builder.NumberInput(i);
    const float given = builder.node().Float(name, static_cast<float>(otherwise));
    return Scalar(builder, x.type, static_cast<double>(given));
  };
  const bool is_float = x.type == ElementType::kFloat;
  const double far = is_float ? kGreatest : std::numeric_limits<double>::infinity();
  const Value low = bound("min", 1, -far);
  const Value high = bound("max", 2, far);
  const std::array<const Value*, 3> inputs{&x, &low, &high};
  builder.Elementwise(is_float ? InFloat<kClip> : InDouble<kClip>, x.type, inputs);
}

void RunWhere(Builder& builder) {
  const std::array<const Value*, 3> inputs{&builder.NumberInput(0), &builder.Input(1),
                                           &builder.Input(2)};
  if (inputs[1]->type != inputs[2]->type) builder.Refuse("inputs of different types");
  builder.Elementwise(Where, inputs[1]->type, inputs);
}

void RunCast(Builder& builder) {
  Value value = builder.Input(0);
  const auto to = static_cast<ElementType>(builder.node().Integer("to", 1));
  const auto refuse = [&] {
    builder.Refuse(fmt::format("from {} to {} is not understood", NameOf(value.type), NameOf(to)));
  };
  const bool is_text = value.type == ElementType::kString;
  if (is_text != (to == ElementType::kString)) refuse();
  ElementFunction function = nullptr;
  switch (to) {
    case ElementType::kFloat:
      function = Round;
      break;
    case ElementType::kBool:
      function = IsNotZero;
      break;
    case ElementType::kInt64:
      function = Truncate;
      break;
    case ElementType::kInt32:
      function = TruncateShort;
      break;
    case ElementType::kDouble:
    case ElementType::kString:
      break;
    default:
      refuse();
  }
  const bool only_renames = function == nullptr || value.type == to ||
                            (value.type == ElementType::kBool) ||
                            (value.type == ElementType::kInt32 && to == ElementType::kInt64);
  if (only_renames) {
    value.type = to;
    builder.Output(0, std::move(value));
    return;
  }
  const std::array<const Value*, 1> inputs{&value};
  builder.Elementwise(function, to, inputs);
}

// ---- what only moves numbers ----

std::int64_t CountOf(std::span<const std::int64_t> dims) {
  std::int64_t count = 1;
  for (const std::int64_t dim : dims) count *= dim;
  return count;
}

void RunIdentity(Builder& builder) { builder.Output(0, builder.AnyInput(0)); }

/// What numbers an attribute gives in place of a tensor.
std::vector<double> NumbersOf(const Node& node, std::string_view name, bool is_list,
                              bool is_whole) {
  if (is_list && is_whole) {
    const auto& integers = node.Integers(name);
    return {integers.begin(), integers.end()};
  }
  if (is_list) {
    const auto& floats = node.Floats(name);
    return {floats.begin(), floats.end()};
  }
  if (is_whole) return {static_cast<double>(node.Integer(name, 0))};
  return {static_cast<double>(node.Float(name, 0))};
}

void RunConstant(Builder& builder) {
  const Node& node = builder.node();
  if (const Tensor* const tensor = node.Constant("value")) {
    builder.OutputConstant(*tensor);
    return;
  }
  for (const std::string_view name : {"value_float", "value_floats", "value_int", "value_ints"}) {
    if (!node.Has(name)) continue;
    const bool is_list = name.ends_with('s');
    const bool is_whole = name.starts_with("value_int");
    Value value{.type = is_whole ? ElementType::kInt64 : ElementType::kFloat,
                .has_rows = false,
                .dims = {},
                .places = {}};
    for (const double number : NumbersOf(node, name, is_list, is_whole)) {
      value.places.push_back(builder.NewConstant(number));
    }
    if (is_list) value.dims = {std::ssize(value.places)};
    builder.Output(0, std::move(value));
    return;
  }
  builder.Refuse("expected the attribute value, value_float(s) or value_int(s)");
}

/// Of rows: how many there are is not known, and not asked.
void RunShape(Builder& builder) {
  const Value& value = builder.Input(0);
  const Node& node = builder.node();
  if (!value.has_rows || node.Integer("start", 0) != 0 || node.Has("end")) {
    builder.Refuse("of constants, or of a part of the dimensions, it is not understood");
  }
  Value shape{.type = ElementType::kInt64,
              .has_rows = false,
              .is_shape = true,
              .dims = value.dims,
              .places = {}};
  builder.Output(0, std::move(shape));
}

void RunConstantOfShape(Builder& builder) {
  const Tensor* const tensor = builder.node().Constant("value");
  if (tensor != nullptr && tensor->numbers.size() != 1) builder.Refuse("expected one value");
  const Value& shape = builder.AnyInput(0);
  if (!shape.is_shape) builder.Refuse("expected the shape of rows");
  Value value{.type = tensor == nullptr ? ElementType::kFloat : tensor->type,
              .has_rows = true,
              .dims = shape.dims,
              .places = {}};
  const auto size = static_cast<std::size_t>(CountOf(value.dims));
  builder.CountWork(size);
  value.places.assign(size, builder.NewConstant(tensor == nullptr ? 0 : tensor->numbers[0]));
  builder.Output(0, std::move(value));
}

void RunConcat(Builder& builder) {
  const std::size_t count = builder.node().inputs.size();
  if (count == 0) builder.Refuse("expected an input");
  const Value first = builder.StackInput(0);
  const std::size_t axis = builder.InnerAxis(first, builder.node().Integer("axis", 1));
  Value out{.type = first.type,
            .has_rows = true,
            .is_stack = first.is_stack,
            .dims = first.dims,
            .places = {}};
  out.dims[axis] = 0;
  const auto outer = static_cast<std::size_t>(CountOf(std::span(first.dims).first(axis)));
  for (std::size_t i = 0; i < count; ++i) {
    const Value& input = builder.StackInput(i);
    std::vector<std::int64_t> dims = input.dims;
    if (input.type != first.type || !input.has_rows || input.is_stack != first.is_stack ||
        dims.size() != first.dims.size()) {
      builder.Refuse("inputs of different types or shapes");
    }
    out.dims[axis] += std::exchange(dims[axis], first.dims[axis]);
    if (dims != first.dims) RefuseCorrupt("operator Concat: shapes do not fit");
    builder.CountWork(input.places.size());
  }
  for (std::size_t block = 0; block < outer; ++block) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::vector<Place>& places = builder.StackInput(i).places;
      const std::size_t size = places.size() / outer;
      out.places.insert(out.places.end(),
                        places.begin() + static_cast<std::ptrdiff_t>(block * size),
                        places.begin() + static_cast<std::ptrdiff_t>((block + 1) * size));
    }
  }
  builder.Output(0, std::move(out));
}

/// The numbers at some positions of an axis.
Value Picked(Builder& builder, const Value& value, std::size_t axis,
             std::span<const std::size_t> positions) {
  Value out{.type = value.type, .has_rows = true, .dims = value.dims, .places = {}};
  out.dims[axis] = static_cast<std::int64_t>(positions.size());
  const auto size = static_cast<std::size_t>(value.dims[axis]);
  const auto inner = static_cast<std::size_t>(CountOf(std::span(value.dims).subspan(axis + 1)));
  builder.CountWork(positions.size() * (value.places.size() / std::max<std::size_t>(size, 1)));
  for (std::size_t block = 0; block + size * inner <= value.places.size() && size * inner > 0;
       block += size * inner) {
    for (const std::size_t position : positions) {
      const auto first =
          value.places.begin() + static_cast<std::ptrdiff_t>(block + position * inner);
      out.places.insert(out.places.end(), first, first + static_cast<std::ptrdiff_t>(inner));
    }
  }
  return out;
}

std::vector<std::size_t> Positions(const Builder& builder, const Tensor& indices,
                                   std::int64_t size) {
  std::vector<std::size_t> positions;
  for (double index : indices.numbers) {
    if (index < 0) index += static_cast<double>(size);
    if (!(index >= 0 && index < static_cast<double>(size))) {
      RefuseCorrupt(fmt::format("operator {}: index {} of {}", builder.node().op, index, size));
    }
    positions.push_back(static_cast<std::size_t>(index));
  }
  return positions;
}

void RunGather(Builder& builder) {
  const Value& value = builder.Input(0);
  const std::size_t axis = builder.InnerAxis(value, builder.node().Integer("axis", 0));
  const Tensor indices = builder.ConstantInput(1);
  Value out = Picked(builder, value, axis, Positions(builder, indices, value.dims[axis]));
  out.dims.erase(out.dims.begin() + static_cast<std::ptrdiff_t>(axis));
  out.dims.insert(out.dims.begin() + static_cast<std::ptrdiff_t>(axis), indices.dims.begin(),
                  indices.dims.end());
  builder.Output(0, std::move(out));
}

void RunArrayFeatureExtractor(Builder& builder) {
  const Value& value = builder.Input(0);
  if (value.dims.size() != 1) builder.Refuse("expected the shape [rows, columns]");
  const std::size_t axis = builder.InnerAxis(value, 1);
  builder.Output(0, Picked(builder, value, axis,
                           Positions(builder, builder.ConstantInput(1), value.dims[axis])));
}

/// FeatureVectorizer: all inputs side by side, as floats.
void RunFeatureVectorizer(Builder& builder) {
  std::vector<std::array<Place, 3>> arguments;
  for (std::size_t i = 0; i < builder.node().inputs.size(); ++i) {
    for (const Place place : builder.NumberInput(i).places) {
      arguments.push_back({place, place, place});
    }
  }
  Value out =
      builder.NewValue(ElementType::kFloat, true, {static_cast<std::int64_t>(arguments.size())});
  if (arguments.empty()) builder.Refuse("expected an input");
  builder.AddStep(
      std::make_unique<const ElementStep>(Round, std::move(arguments), out.places.front()));
  builder.Output(0, std::move(out));
}

/// With rows in front, or, of a column of one number, left out ([-1] of [rows, 1]); or made a stack
/// of one ([1, -1, 3] of [rows, 3]).
void RunReshape(Builder& builder) {
  Value value = builder.Input(0);
  if (!value.has_rows) builder.Refuse("of constants it is not understood");
  std::vector<std::int64_t> shape = builder.IntegersOf("shape", 1);
  value.is_stack = shape.size() > 1 && shape[0] == 1 && shape[1] == -1;
  if (value.is_stack) std::swap(shape[0], shape[1]);
  if (shape.empty() || (shape[0] != -1 && shape[0] != 0)) {
    builder.Refuse("expected a shape that begins with -1 or 0, for all rows");
  }
  std::vector<std::int64_t> dims;
  const auto size = static_cast<std::int64_t>(value.places.size());
  std::size_t unknown = 0;
  std::int64_t known = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) {
    std::int64_t dim = shape[i];
    if (dim == 0 && !value.is_stack && i <= value.dims.size()) dim = value.dims[i - 1];
    if (dim == -1 && shape[0] == 0) {
      ++unknown;
      dim = 1;
    }
    if (dim < 1 || dim > size) builder.Refuse(fmt::format("a dimension of {}", shape[i]));
    dims.push_back(dim);
    known *= dim;
    if (known > size) builder.Refuse("the shape does not keep rows apart");
  }
  if (unknown == 1 && known > 0 && size % known == 0) {
    const auto at = std::ranges::find(shape.begin() + 1, shape.end(), -1) - shape.begin() - 1;
    dims[static_cast<std::size_t>(at)] = size / known;
  }
  if (unknown > 1 || CountOf(dims) != size) {
    builder.Refuse("the shape does not keep rows apart");
  }
  value.dims = std::move(dims);
  builder.Output(0, std::move(value));
}

void RunFlatten(Builder& builder) {
  Value value = builder.Input(0);
  if (!value.has_rows || builder.node().Integer("axis", 1) != 1) {
    builder.Refuse("expected rows and axis 1");
  }
  value.dims = {static_cast<std::int64_t>(value.places.size())};
  builder.Output(0, std::move(value));
}

void RunSqueeze(Builder& builder) {
  Value value = builder.Input(0);
  std::vector<std::int64_t> axes = builder.IntegersOf("axes", 1);
  if (axes.empty()) builder.Refuse("expected axes");
  std::vector<std::size_t> inner;
  for (const std::int64_t axis : axes) inner.push_back(builder.InnerAxis(value, axis));
  std::ranges::sort(inner, std::greater());
  for (const std::size_t axis : inner) {
    if (axis >= value.dims.size() || value.dims[axis] != 1) {
      RefuseCorrupt("operator Squeeze: a dimension that is not 1");
    }
    value.dims.erase(value.dims.begin() + static_cast<std::ptrdiff_t>(axis));
  }
  builder.Output(0, std::move(value));
}

void RunUnsqueeze(Builder& builder) {
  Value value = builder.Input(0);
  std::vector<std::int64_t> axes = builder.IntegersOf("axes", 1);
  if (!value.has_rows || axes.size() > kMostDims) {
    builder.Refuse("of constants, or with so many axes, it is not understood");
  }
  const auto rank = static_cast<std::int64_t>(value.dims.size() + 1 + axes.size());
  for (std::int64_t& axis : axes) axis += axis < 0 ? rank : 0;
  std::ranges::sort(axes);
  for (const std::int64_t axis : axes) {
    if (axis < 1 || axis > static_cast<std::int64_t>(value.dims.size()) + 1) {
      builder.Refuse(fmt::format("axis {}", axis));
    }
    value.dims.insert(value.dims.begin() + axis - 1, 1);
  }
  builder.Output(0, std::move(value));
}

void RunTranspose(Builder& builder) {
  const Value& value = builder.Input(0);
  const std::vector<std::int64_t>& order = builder.node().Integers("perm");
  const std::size_t rank = value.dims.size() + 1;
  if (!value.has_rows || order.size() != rank || order[0] != 0) {
    builder.Refuse("across rows it is not understood");
  }
  std::vector<std::int64_t> sorted = order;
  std::ranges::sort(sorted);
  Value out{.type = value.type, .has_rows = true, .dims = {}, .places = {}};
  std::vector<std::size_t> strides;  // of each new dimension among the old places
  for (std::size_t i = 1; i < rank; ++i) {
    if (sorted[i] != static_cast<std::int64_t>(i)) RefuseCorrupt("operator Transpose: perm");
    const auto from = static_cast<std::size_t>(order[i]) - 1;
    out.dims.push_back(value.dims[from]);
    strides.push_back(static_cast<std::size_t>(CountOf(std::span(value.dims).subspan(from + 1))));
  }
  for (std::size_t at = 0; at < value.places.size(); ++at) {
    std::size_t rest = at;
    std::size_t from = 0;
    for (std::size_t i = out.dims.size(); i-- > 0;) {
      const auto dim = static_cast<std::size_t>(out.dims[i]);
      from += rest % dim * strides[i];
      rest /= dim;
    }
    out.places.push_back(value.places[from]);
  }
  builder.Output(0, std::move(out));
}

void RunSlice(Builder& builder) {
  Value value = builder.Input(0);
  const std::vector<std::int64_t> starts = builder.IntegersOf("starts", 1);
  const std::vector<std::int64_t> ends = builder.IntegersOf("ends", 2);
  std::vector<std::int64_t> axes = builder.IntegersOf("axes", 3);
  const std::vector<std::int64_t> steps = builder.IntegersOf("steps", 4);
  if (axes.empty()) {
    for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  }
  if (ends.size() != starts.size() || axes.size() != starts.size()) {
    RefuseCorrupt("operator Slice: lists of different lengths");
  }
  if (!std::ranges::all_of(steps, [](std::int64_t step) { return step == 1; })) {
    builder.Refuse("steps other than 1 are not understood");
  }
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::size_t axis = builder.InnerAxis(value, axes[i]);
    const std::int64_t size = value.dims[axis];
    const auto within = [size](std::int64_t at) {
      return std::clamp<std::int64_t>(at < 0 && at >= -size ? at + size : at, 0, size);
    };
    std::vector<std::size_t> positions;
    for (std::int64_t at = within(starts[i]); at < within(ends[i]); ++at) {
      positions.push_back(static_cast<std::size_t>(at));
    }
    value = Picked(builder, value, axis, positions);
  }
  builder.Output(0, std::move(value));
}

void RunSplit(Builder& builder) {
  const Value value = builder.Input(0);
  const std::size_t axis = builder.InnerAxis(value, builder.node().Integer("axis", 0));
  std::vector<std::int64_t> sizes = builder.IntegersOf("split", 1);
  const auto parts = static_cast<std::int64_t>(builder.node().outputs.size());
  if (sizes.empty() && parts > 0 && value.dims[axis] % parts == 0) {
    sizes.assign(static_cast<std::size_t>(parts), value.dims[axis] / parts);
  }
  if (std::ssize(sizes) != parts ||
      std::ranges::any_of(sizes,
                          [&](std::int64_t size) { return size < 0 || size > value.dims[axis]; }) ||
      std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}) != value.dims[axis]) {
    builder.Refuse("sizes that do not add up");
  }
  std::size_t at = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    std::vector<std::size_t> positions(static_cast<std::size_t>(sizes[i]));
    std::iota(positions.begin(), positions.end(), at);
    at += positions.size();
    builder.Output(i, Picked(builder, value, axis, positions));
  }
}

// ---- groups of numbers ----

/// Groups along an axis, group after group.
std::vector<Place> GroupsAlong(const Value& value, std::size_t axis) {
  const auto size = static_cast<std::size_t>(value.dims[axis]);
  const auto inner = static_cast<std::size_t>(CountOf(std::span(value.dims).subspan(axis + 1)));
  std::vector<Place> places;
  for (std::size_t block = 0; block < value.places.size(); block += size * inner) {
    for (std::size_t i = 0; i < inner; ++i) {
      for (std::size_t k = 0; k < size; ++k) places.push_back(value.places[block + k * inner + i]);
    }
  }
  return places;
}

constexpr std::array<std::pair<std::string_view, GroupFunction>, 11> kReductions{
    {{"ReduceSum", GroupFunction::kSum},
     {"ReduceMean", GroupFunction::kMean},
     {"ReduceMax", GroupFunction::kMax},
     {"ReduceMin", GroupFunction::kMin},
     {"ReduceL1", GroupFunction::kL1},
     {"ReduceL2", GroupFunction::kL2},
     {"ReduceSumSquare", GroupFunction::kSumSquare},
     {"ReduceProd", GroupFunction::kProduct},
     {"ReduceLogSumExp", GroupFunction::kLogSumExp},
     {"ArgMax", GroupFunction::kArgMax},
     {"ArgMin", GroupFunction::kArgMin}}};

void RunReduction(Builder& builder) {
  const Value& value = builder.StackInput(0);
  if (value.type == ElementType::kString) builder.Refuse("of texts it is not understood");
  const auto* const row = std::ranges::find(kReductions, builder.node().op,
                                            &std::pair<std::string_view, GroupFunction>::first);
  const bool is_position = row->first.starts_with("Arg");
  std::vector<std::int64_t> axes =
      is_position ? std::vector{builder.node().Integer("axis", 0)} : builder.IntegersOf("axes", 1);
  if (axes.size() != 1) builder.Refuse("expected one axis");
  if (builder.node().Integer("select_last_index", 0) != 0) {
    builder.Refuse("select_last_index is not understood");
  }
  const std::size_t axis = builder.AnyAxis(value, axes[0]);
  if (value.places.empty()) builder.Refuse("of no numbers");
  builder.CountWork(value.places.size());
  const auto size = static_cast<std::size_t>(value.dims[axis]);
  const auto step = [&](Place out) {
    return std::make_unique<const GroupStep>(row->second, value.type != ElementType::kFloat,
                                             GroupsAlong(value, axis), size, out);
  };
  const ElementType type = is_position ? ElementType::kInt64 : value.type;
  std::vector<std::int64_t> dims = value.dims;
  dims[axis] = 1;
  const bool is_kept = builder.node().Integer("keepdims", 1) != 0;
  if (!is_kept) dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis));
  if (!value.has_rows) {
    std::vector<Place> places = builder.Fold(*step(0), value.places.size() / size);
    return builder.Output(
        0, {.type = type, .has_rows = false, .dims = std::move(dims), .places = std::move(places)});
  }
  Value out = builder.NewValue(type, true, std::move(dims));
  out.is_stack = value.is_stack && (is_kept || axis != 0);
  builder.AddStep(step(out.places.front()));
  builder.Output(0, std::move(out));
}

/// As many numbers as there were, of rows of numbers.
void RunSpread(Builder& builder, GroupFunction function, ElementType type) {
  const Value& value = builder.NumberInput(0);
  if (!value.has_rows || value.dims.size() != 1 || value.places.empty()) {
    builder.Refuse("expected the shape [rows, columns]");
  }
  Value out = builder.NewValue(type, true, value.dims);
  builder.AddStep(std::make_unique<const GroupStep>(function, type == ElementType::kDouble,
                                                    value.places, value.places.size(),
                                                    out.places.front()));
  builder.Output(0, std::move(out));
}

void RunSoftmax(Builder& builder) {
  const Value& value = builder.NumberInput(0);
  const std::int64_t otherwise = builder.opset() < 13 ? 1 : -1;
  (void)builder.InnerAxis(value, builder.node().Integer("axis", otherwise));
  RunSpread(builder, GroupFunction::kSoftmax, value.type);
}

void RunLpNormalization(Builder& builder) {
  const Value& value = builder.NumberInput(0);
  (void)builder.InnerAxis(value, builder.node().Integer("axis", -1));
  const std::int64_t p = builder.node().Integer("p", 2);
  if (p != 1 && p != 2) builder.Refuse(fmt::format("p of {}", p));
  RunSpread(builder, p == 1 ? GroupFunction::kNormalizeL1 : GroupFunction::kNormalizeLength,
            value.type);
}

void RunNormalizer(Builder& builder) {
  constexpr std::array<std::pair<std::string_view, GroupFunction>, 3> kNorms{
      {{"MAX", GroupFunction::kNormalizeMax},
       {"L1", GroupFunction::kNormalizeL1},
       {"L2", GroupFunction::kNormalizeL2}}};
  const std::string_view norm = builder.node().Text("norm", "MAX");
  for (const auto& [name, function] : kNorms) {
    if (name == norm) return RunSpread(builder, function, ElementType::kFloat);
  }
  builder.Refuse(fmt::format("norm {:?} is not understood", norm));
}

// ---- ai.onnx.ml ----

/// The number for each column of a row: one for all, or one each.
Value PerColumn(Builder& builder, std::span<const double> numbers, const Value& x,
                ElementType type) {
  const auto width = static_cast<std::int64_t>(x.places.size());
  if (x.dims.size() > 1 || (numbers.size() != 1 && std::ssize(numbers) != width)) {
    builder.Refuse(fmt::format("{} numbers for {} columns", numbers.size(), width));
  }
  Value value{.type = type, .has_rows = false, .dims = {std::ssize(numbers)}, .places = {}};
  for (const double number : numbers) value.places.push_back(builder.NewConstant(number));
  return value;
}

std::vector<double> Doubles(const std::vector<float>& floats) {
  return {floats.begin(), floats.end()};
}

void RunScaler(Builder& builder) {
  const Value& x = builder.NumberInput(0);
  const Value offset =
      PerColumn(builder, Doubles(builder.node().Floats("offset")), x, ElementType::kFloat);
  const Value scale =
      PerColumn(builder, Doubles(builder.node().Floats("scale")), x, ElementType::kFloat);
  const std::array<const Value*, 3> inputs{&x, &offset, &scale};
  // Of doubles it is computed in double, and answered in float all the same.
  builder.Elementwise(x.is_double() ? ScaleDouble : InFloat<kScale>, ElementType::kFloat, inputs);
}

void RunImputer(Builder& builder) {
  const Value& x = builder.NumberInput(0);
  const Node& node = builder.node();
  std::vector<double> others;
  double missing = 0;
  if (x.type == ElementType::kFloat) {
    others = Doubles(node.Floats("imputed_value_floats"));
    missing = static_cast<double>(node.Float("replaced_value_float", 0));
  } else if (x.is_whole()) {
    for (const std::int64_t one : node.Integers("imputed_value_int64s")) {
      others.push_back(static_cast<double>(one));
    }
    missing = static_cast<double>(node.Integer("replaced_value_int64", 0));
  } else {
    builder.Refuse(fmt::format("of {} it is not understood", NameOf(x.type)));
  }
  const Value other = PerColumn(builder, others, x, x.type);
  const Value replaced = Scalar(builder, x.type, missing);
  const std::array<const Value*, 3> inputs{&x, &replaced, &other};
  builder.Elementwise(Replace, x.type, inputs);
}

void RunBinarizer(Builder& builder) {
  const Value& x = builder.NumberInput(0);
  const float threshold = builder.node().Float("threshold", 0);
  const Value limit = Scalar(builder, x.type, static_cast<double>(threshold));
  const std::array<const Value*, 2> inputs{&x, &limit};
  builder.Elementwise(Greater, x.type, inputs);
}

void RunOneHotEncoder(Builder& builder) {
  const Value& x = builder.Input(0);
  const Node& node = builder.node();
  const bool is_text = x.type == ElementType::kString;
  const bool needs_category = node.Integer("zeros", 1) == 0;
  if (!x.has_rows || x.places.empty()) builder.Refuse("of constants it is not understood");
  std::vector<double> categories;
  std::vector<Place> places = x.places;
  if (is_text) {
    const auto& texts = node.Strings("cats_strings");
    for (const std::string_view text : texts) categories.push_back(builder.CodeOf(text));
    if (needs_category) builder.RequireTexts(places, texts);
  } else {
    for (const std::int64_t one : node.Integers("cats_int64s")) {
      categories.push_back(static_cast<double>(one));
    }
    if (!x.is_whole()) {
      // Numbers are cut to whole ones.
      const Value whole = builder.NewValue(ElementType::kInt64, true, x.dims);
      std::vector<std::array<Place, 3>> arguments;
      for (const Place place : places) arguments.push_back({place, place, place});
      builder.AddStep(std::make_unique<const ElementStep>(Truncate, std::move(arguments),
                                                          whole.places.front()));
      places = whole.places;
    }
  }
  if (categories.empty())
    builder.Refuse(is_text ? "expected cats_strings" : "expected cats_int64s");
  std::vector<std::int64_t> dims = x.dims;
  dims.push_back(std::ssize(categories));
  Value out = builder.NewValue(ElementType::kFloat, true, std::move(dims));
  builder.AddStep(std::make_unique<const OneHotStep>(std::move(categories), needs_category,
                                                     std::move(places), out.places.front()));
  builder.Output(0, std::move(out));
}

/// One of the two lists of a LabelEncoder: keys or values.
struct Labels {
  ElementType type = ElementType::kFloat;
  std::vector<double> numbers;
};

Labels ReadLabels(Builder& builder, std::string_view what) {
  const Node& node = builder.node();
  const auto name = [&](std::string_view of) { return fmt::format("{}_{}", what, of); };
  Labels labels;
  if (const Tensor* const tensor = node.Constant(name("tensor"))) {
    labels = {tensor->type, tensor->numbers};
    for (const std::string_view text : tensor->strings) {
      labels.numbers.push_back(builder.CodeOf(text));
    }
  } else if (node.Has(name("strings"))) {
    labels.type = ElementType::kString;
    for (const std::string_view text : node.Strings(name("strings"))) {
      labels.numbers.push_back(builder.CodeOf(text));
    }
  } else if (node.Has(name("int64s"))) {
    labels.type = ElementType::kInt64;
    for (const std::int64_t one : node.Integers(name("int64s"))) {
      labels.numbers.push_back(static_cast<double>(one));
    }
  } else {
    labels.numbers = Doubles(node.Floats(name("floats")));
  }
  return labels;
}

double DefaultOf(Builder& builder, ElementType type) {
  const Node& node = builder.node();
  if (const Tensor* const tensor = node.Constant("default_tensor")) {
    if (tensor->strings.size() == 1) return builder.CodeOf(tensor->strings[0]);
    if (tensor->numbers.size() == 1) return tensor->numbers[0];
    builder.Refuse("default_tensor: expected one element");
  }
  if (type == ElementType::kString) return builder.CodeOf(node.Text("default_string", "_Unused"));
  if (type == ElementType::kFloat) return static_cast<double>(node.Float("default_float", -0.0F));
  return static_cast<double>(node.Integer("default_int64", -1));
}

/// Each number of `x` that is one of the keys becomes the value beside it, any other `otherwise`.
void OutputLookup(Builder& builder, const Value& x, const Labels& keys, const Labels& values,
                  double otherwise) {
  if (keys.numbers.size() != values.numbers.size() || keys.numbers.empty() || keys.type != x.type) {
    builder.Refuse("keys and values that do not fit each other, or the input's type");
  }
  LookupStep::Table table{.rows = {}, .of_missing = {}, .otherwise = otherwise};
  for (std::size_t i = 0; i < keys.numbers.size(); ++i) {
    if (std::isnan(keys.numbers[i])) {
      table.of_missing = values.numbers[i];
    } else {
      table.rows.emplace_back(keys.numbers[i], values.numbers[i]);
    }
  }
  // Of equal keys the first counts.
  std::ranges::stable_sort(table.rows, {}, &std::pair<double, double>::first);
  table.rows.erase(std::unique(table.rows.begin(), table.rows.end(),
                               [](const auto& a, const auto& b) { return a.first == b.first; }),
                   table.rows.end());
  if (!x.has_rows || x.places.empty()) builder.Refuse("of constants it is not understood");
  Value out = builder.NewValue(values.type, true, x.dims);
  builder.AddStep(
      std::make_unique<const LookupStep>(std::move(table), x.places, out.places.front()));
  builder.Output(0, std::move(out));
}

void RunLabelEncoder(Builder& builder) {
  const Value& x = builder.Input(0);
  Labels keys = ReadLabels(builder, "keys");
  Labels values = ReadLabels(builder, "values");
  const auto& classes = builder.node().Strings("classes_strings");
  if (!classes.empty() && x.type == ElementType::kString) {
    // Version 1: a text's position.
    keys.type = ElementType::kString;
    values.type = ElementType::kInt64;
    for (std::size_t i = 0; i < classes.size(); ++i) {
      keys.numbers.push_back(builder.CodeOf(classes[i]));
      values.numbers.push_back(static_cast<double>(i));
    }
  }
  OutputLookup(builder, x, keys, values, DefaultOf(builder, values.type));
}

/// Texts to the numbers beside them, or back.
void RunCategoryMapper(Builder& builder) {
  const Value& x = builder.Input(0);
  const Node& node = builder.node();
  Labels numbers{.type = ElementType::kInt64, .numbers = {}};
  for (const std::int64_t one : node.Integers("cats_int64s")) {
    numbers.numbers.push_back(static_cast<double>(one));
  }
  Labels texts{.type = ElementType::kString, .numbers = {}};
  for (const std::string_view text : node.Strings("cats_strings")) {
    texts.numbers.push_back(builder.CodeOf(text));
  }
  if (x.type == ElementType::kString) {
    OutputLookup(builder, x, texts, numbers,
                 static_cast<double>(node.Integer("default_int64", -1)));
  } else {
    OutputLookup(builder, x, numbers, texts,
                 builder.CodeOf(node.Text("default_string", "_Unused")));
  }
}

/// What comes out of `outputs` sums of products of a row's numbers.
Value AddAffine(Builder& builder, const Value& x, ElementType type, std::vector<double> weights,
                std::vector<double> offsets) {
  if (!x.has_rows || x.dims.size() != 1 || offsets.empty() ||
      weights.size() != x.places.size() * offsets.size()) {
    builder.Refuse(fmt::format("{} weights for {} columns and {} outputs", weights.size(),
                               x.places.size(), offsets.size()));
  }
  builder.CountWork(weights.size());
  Value out = builder.NewValue(type, true, {std::ssize(offsets)});
  builder.AddStep(std::make_unique<const AffineStep>(type == ElementType::kDouble, x.places,
                                                     std::move(weights), std::move(offsets),
                                                     out.places.front()));
  return out;
}

void RunLinearRegressor(Builder& builder) {
  const Node& node = builder.node();
  if (node.Text("post_transform", "NONE") != "NONE") builder.Refuse("post_transform");
  const auto targets = static_cast<std::size_t>(
      std::clamp<std::int64_t>(node.Integer("targets", 1), 0, ForestSource::kMostMargins));
  std::vector<double> offsets = Doubles(node.Floats("intercepts"));
  if (offsets.empty()) offsets.assign(targets, 0.0);
  if (offsets.size() != targets) builder.Refuse("intercepts: expected one a target");
  builder.Output(0, AddAffine(builder, builder.NumberInput(0), ElementType::kFloat,
                              Doubles(node.Floats("coefficients")), std::move(offsets)));
}

void RunLinearClassifier(Builder& builder) {
  const Node& node = builder.node();
  const std::size_t classes = std::max(node.Strings("classlabels_strings").size(),
                                       node.Integers("classlabels_ints").size());
  std::vector<double> offsets = Doubles(node.Floats("intercepts"));
  if (offsets.size() != classes || classes < 2) {
    builder.Refuse(fmt::format("intercepts: {} for {} classes, expected one each of two or more",
                               offsets.size(), classes));
  }
  const Value scores = AddAffine(builder, builder.NumberInput(0), ElementType::kFloat,
                                 Doubles(node.Floats("coefficients")), std::move(offsets));
  const std::string_view transform = node.Text("post_transform", "NONE");
  if (transform == "NONE") {
    builder.MarkRawScores();
    builder.Output(1, scores);
    return;
  }
  Value out = builder.NewValue(ElementType::kFloat, true, scores.dims);
  if (transform == "SOFTMAX") {
    builder.AddStep(std::make_unique<const GroupStep>(GroupFunction::kSoftmax, false, scores.places,
                                                      scores.places.size(), out.places.front()));
  } else if (transform == "LOGISTIC") {
    std::vector<std::array<Place, 3>> arguments;
    for (const Place place : scores.places) arguments.push_back({place, place, place});
    builder.AddStep(std::make_unique<const ElementStep>(InFloat<kSigmoid>, std::move(arguments),
                                                        out.places.front()));
  } else {
    builder.Refuse(fmt::format("post_transform: {:?} is not understood", transform));
  }
  builder.Output(1, std::move(out));
}

void RunSupportVectors(Builder& builder) {
  const Value& x = builder.NumberInput(0);
  if (x.dims.size() != 1 || !x.has_rows) builder.Refuse("expected the shape [rows, columns]");
  SupportVectors machine = ReadSupportVectors(builder.node());
  if (machine.columns != x.places.size()) {
    RefuseCorrupt(fmt::format("operator {}: vectors of {} numbers for {} columns",
                              builder.node().op, machine.columns, x.places.size()));
  }
  const std::size_t classes = machine.classes.size();
  builder.CountWork(machine.vectors.size() + machine.coefficients.size() + classes * classes);
  const bool is_classifier = machine.is_classifier();
  if (is_classifier && !machine.gives_probabilities()) builder.MarkRawScores();
  Value out =
      builder.NewValue(ElementType::kFloat, true, {static_cast<std::int64_t>(machine.outputs())});
  builder.AddStep(
      std::make_unique<const SupportVectorStep>(std::move(machine), x.places, out.places.front()));
  builder.Output(is_classifier ? 1 : 0, std::move(out));
}

void RunMatMul(Builder& builder) {
  const Value& x = builder.NumberInput(0);
  const Tensor b = builder.ConstantInput(1);
  if (b.dims.empty() || b.dims.size() > 2 || b.type != x.type) {
    builder.Refuse("expected a constant matrix of the input's type");
  }
  const std::size_t rows = static_cast<std::size_t>(b.dims[0]);
  const std::size_t columns = b.dims.size() == 2 ? static_cast<std::size_t>(b.dims[1]) : 1;
  std::vector<double> weights(rows * columns);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < columns; ++k) {
      weights[k * rows + i] = b.numbers[i * columns + k];
    }
  }
  Value out = AddAffine(builder, x, x.type, std::move(weights), std::vector<double>(columns));
  if (b.dims.size() == 1) out.dims.clear();
  builder.Output(0, std::move(out));
}

void RunGemm(Builder& builder) {
  const Node& node = builder.node();
  const Value& x = builder.NumberInput(0);
  const Tensor b = builder.ConstantInput(1);
  if (node.Float("alpha", 1) != 1 || node.Float("beta", 1) != 1 || node.Integer("transA", 0) != 0 ||
      b.dims.size() != 2 || b.type != x.type) {
    builder.Refuse("alpha, beta or transA, or no constant matrix of the input's type");
  }
  const bool is_turned = node.Integer("transB", 0) != 0;
  const auto outputs = static_cast<std::size_t>(b.dims[is_turned ? 0 : 1]);
  const auto inputs = static_cast<std::size_t>(b.dims[is_turned ? 1 : 0]);
  std::vector<double> weights(b.numbers.size());
  for (std::size_t k = 0; k < outputs; ++k) {
    for (std::size_t i = 0; i < inputs; ++i) {
      weights[k * inputs + i] = b.numbers[is_turned ? k * inputs + i : i * outputs + k];
    }
  }
  std::vector<double> offsets(outputs);
  if (builder.HasInput(2)) {
    const std::vector<double> c = builder.ConstantInput(2).numbers;
    if (c.size() != outputs && c.size() != 1) builder.Refuse("C: expected one number an output");
    for (std::size_t k = 0; k < outputs; ++k) offsets[k] = c[c.size() == 1 ? 0 : k];
  }
  builder.Output(0, AddAffine(builder, x, x.type, std::move(weights), std::move(offsets)));
}

void RunTrees(Builder& builder) {
  const Value& x = builder.NumberInput(0);
  if (x.dims.size() != 1 || !x.has_rows) builder.Refuse("expected the shape [rows, columns]");
  const bool is_new = builder.node().op == "TreeEnsemble";
  if (is_new && x.type != ElementType::kFloat && !x.is_double()) {
    builder.Refuse(fmt::format("of {} it is not understood", NameOf(x.type)));
  }
  if (x.is_whole() || x.type == ElementType::kBool) {
    builder.Refuse("of whole numbers it is not understood");
  }
  builder.AddTrees(ReadEnsemble(builder.node(), x.is_double()), x);
}

// ---- the table ----

struct Operator {
  std::string_view domain;
  std::string_view op;
  void (*run)(Builder& builder);
};
constexpr std::string_view kMl = "ai.onnx.ml";
constexpr std::array kOperators{
    Operator{"", "ArgMax", RunReduction},
    Operator{"", "ArgMin", RunReduction},
    Operator{"", "Cast", RunCast},
    Operator{"", "Clip", RunClip},
    Operator{"", "Concat", RunConcat},
    Operator{"", "Constant", RunConstant},
    Operator{"", "ConstantOfShape", RunConstantOfShape},
    Operator{"", "Flatten", RunFlatten},
    Operator{"", "Gather", RunGather},
    Operator{"", "Gemm", RunGemm},
    Operator{"", "Identity", RunIdentity},
    Operator{"", "LpNormalization", RunLpNormalization},
    Operator{"", "MatMul", RunMatMul},
    Operator{"", "Max", RunFold<kMax>},
    Operator{"", "Min", RunFold<kMin>},
    Operator{"", "ReduceL1", RunReduction},
    Operator{"", "ReduceL2", RunReduction},
    Operator{"", "ReduceLogSumExp", RunReduction},
    Operator{"", "ReduceMax", RunReduction},
    Operator{"", "ReduceMean", RunReduction},
    Operator{"", "ReduceMin", RunReduction},
    Operator{"", "ReduceProd", RunReduction},
    Operator{"", "ReduceSum", RunReduction},
    Operator{"", "ReduceSumSquare", RunReduction},
    Operator{"", "Reshape", RunReshape},
    Operator{"", "Shape", RunShape},
    Operator{"", "Slice", RunSlice},
    Operator{"", "Softmax", RunSoftmax},
    Operator{"", "Split", RunSplit},
    Operator{"", "Squeeze", RunSqueeze},
    Operator{"", "Sum", RunFold<kAdd>},
    Operator{"", "Transpose", RunTranspose},
    Operator{"", "Unsqueeze", RunUnsqueeze},
    Operator{"", "Where", RunWhere},
    Operator{kMl, "ArrayFeatureExtractor", RunArrayFeatureExtractor},
    Operator{kMl, "Binarizer", RunBinarizer},
    Operator{kMl, "CategoryMapper", RunCategoryMapper},
    Operator{kMl, "FeatureVectorizer", RunFeatureVectorizer},
    Operator{kMl, "Imputer", RunImputer},
    Operator{kMl, "LabelEncoder", RunLabelEncoder},
    Operator{kMl, "LinearClassifier", RunLinearClassifier},
    Operator{kMl, "LinearRegressor", RunLinearRegressor},
    Operator{kMl, "Normalizer", RunNormalizer},
    Operator{kMl, "OneHotEncoder", RunOneHotEncoder},
    Operator{kMl, "SVMClassifier", RunSupportVectors},
    Operator{kMl, "SVMRegressor", RunSupportVectors},
    Operator{kMl, "Scaler", RunScaler},
    Operator{kMl, "TreeEnsemble", RunTrees},
    Operator{kMl, "TreeEnsembleClassifier", RunTrees},
    Operator{kMl, "TreeEnsembleRegressor", RunTrees},
    // Its maps are read off by whoever answers.
    Operator{kMl, "ZipMap", RunIdentity},
};

void (*FindOperator(const Node& node))(Builder&) {
  if (node.domain.empty()) {
    if (std::ranges::find(kArithmetic, node.op, &Arithmetic::op) != kArithmetic.end()) {
      return RunArithmetic;
    }
    if (std::ranges::find(kComparisons, node.op, &Comparison::op) != kComparisons.end()) {
      return RunComparison;
    }
  }
  const auto* const found = std::ranges::find_if(kOperators, [&node](const Operator& one) {
    return one.op == node.op && one.domain == node.domain;
  });
  return found == kOperators.end() ? nullptr : found->run;
}

}  // namespace

void RunOperator(GraphBuilder& builder) {
  const Node& node = builder.node();
  const auto run = FindOperator(node);
  if (run == nullptr) {
    builder.Refuse(node.domain.empty() || node.domain == kMl
                       ? "it is not understood"
                       : fmt::format("domain {:?} is not understood", node.domain));
  }
  run(builder);
}

}  // namespace forkcast::model::onnx
