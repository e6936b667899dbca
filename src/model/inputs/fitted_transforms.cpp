#include "model/inputs/fitted_transforms.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>
#include <utility>

#include "model/double_parts.hpp"

namespace forkcast::model {

namespace {

using preprocessing::JsonNode;
using preprocessing::Value;

constexpr float kFloatNaN = std::numeric_limits<float>::quiet_NaN();
constexpr double kMaxNumber = std::numeric_limits<double>::max();

constexpr std::array<std::pair<std::string_view, CategoryEncoding>, 3> kEncodings{
    {{"ordinal", CategoryEncoding::kOrdinal},
     {"one_hot", CategoryEncoding::kOneHot},
     {"target_mean", CategoryEncoding::kTargetMean}}};
constexpr std::array<std::pair<std::string_view, ExactReading::As>, 4> kReadings{
    {{"rank", ExactReading::As::kRank},
     {"whole", ExactReading::As::kWhole},
     {"integer", ExactReading::As::kInteger},
     {"parts", ExactReading::As::kParts}}};
constexpr std::array<std::pair<std::string_view, UnknownCategory>, 2> kUnknowns{
    {{"missing", UnknownCategory::kMissing}, {"error", UnknownCategory::kError}}};

/// The constant that `node` names. Throws SpecError listing the names there are.
template <typename T, std::size_t n>
T ReadName(const JsonNode& node, const std::array<std::pair<std::string_view, T>, n>& names) {
  const std::string given = node.String();
  std::string known;
  for (const auto& [name, value] : names) {
    if (name == given) return value;
    known += known.empty() ? "" : ", ";
    known += name;
  }
  node.Fail("expected one of " + known);
}

template <typename T, std::size_t n>
std::string NameOf(T wanted, const std::array<std::pair<std::string_view, T>, n>& names) {
  const auto found = std::ranges::find(names, wanted, &std::pair<std::string_view, T>::second);
  return std::string(found->first);
}

double NumberAsDouble(const Value& value) noexcept {
  if (const auto* real = std::get_if<double>(&value)) return *real;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? 1 : 0;
  return std::numeric_limits<double>::quiet_NaN();
}

ExactReading ReadReading(const JsonNode& node) {
  node.RequireObject({"as", "cuts", "zero_width", "zero_is_missing"});
  ExactReading reading{.as = ReadName(node.Get("as"), kReadings)};
  if (const auto width = node.Find("zero_width")) reading.zero_width = width->Number(0, kMaxNumber);
  if (const auto zero = node.Find("zero_is_missing")) reading.zero_is_missing = zero->Bool();
  const auto cuts = node.Find("cuts");
  if (!cuts) return reading;
  if (reading.as != ExactReading::As::kRank) cuts->Fail("only \"as\": \"rank\" has them");
  for (const JsonNode& cut : cuts->Elements()) {
    const double number = cut.Number(-kMaxNumber, kMaxNumber);
    if (!reading.cuts.empty() && reading.cuts.back() >= number) cut.Fail("out of order");
    reading.cuts.push_back(number);
  }
  return reading;
}

nlohmann::ordered_json ReadingJson(const ExactReading& reading) {
  nlohmann::ordered_json json{{"as", NameOf(reading.as, kReadings)}};
  if (reading.as == ExactReading::As::kRank) json["cuts"] = reading.cuts;
  if (reading.zero_width > 0) json["zero_width"] = reading.zero_width;
  if (reading.zero_is_missing) json["zero_is_missing"] = true;
  return json;
}

Error Refuse(const std::string& feature, std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), feature};
}

Impute ReadImpute(const JsonNode& node) {
  if (node.json().is_number()) {
    return {.with = Impute::With::kConstant, .constant = node.Number(-kMaxNumber, kMaxNumber)};
  }
  if (node.json() == "mean") return {.with = Impute::With::kMean};
  if (node.json() == "median") return {.with = Impute::With::kMedian};
  node.Fail("expected a number, \"mean\" or \"median\"");
}

/// Mean of `values`, which are not empty.
double MeanOf(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Median of `values`, which are not empty and are left in another order.
double MedianOf(std::span<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

}  // namespace

std::vector<TransformSpec> ReadTransforms(const JsonNode& node) {
  std::vector<TransformSpec> specs;
  node.EachMember([&specs](const std::string& feature, const JsonNode& member) {
    member.RequireObject({"impute", "scale", "encode", "smoothing", "unknown"});
    TransformSpec spec{.feature = feature};
    if (const auto impute = member.Find("impute")) spec.impute = ReadImpute(*impute);
    if (const auto scale = member.Find("scale")) spec.scale = scale->Bool();
    if (const auto encode = member.Find("encode")) spec.encoding = ReadName(*encode, kEncodings);
    if (const auto smoothing = member.Find("smoothing")) {
      if (spec.encoding != CategoryEncoding::kTargetMean) {
        smoothing->Fail("only \"encode\": \"target_mean\" has it");
      }
      spec.smoothing = smoothing->Number(0, kMaxNumber);
    }
    if (const auto unknown = member.Find("unknown")) spec.unknown = ReadName(*unknown, kUnknowns);
    const bool of_number = spec.impute || spec.scale;
    if (of_number && (member.Find("encode") || member.Find("unknown"))) {
      member.Fail("impute and scale are for numbers, encode and unknown for categories");
    }
    specs.push_back(std::move(spec));
  });
  return specs;
}

Status CheckFits(const TransformSpec& spec, const FeatureColumnSpec& column) {
  if (column.kind == FeatureKind::kCategory && (spec.impute || spec.scale)) {
    return Refuse(spec.feature, "a text can be neither imputed nor scaled");
  }
  if (column.kind == FeatureKind::kNumber &&
      (spec.encoding != CategoryEncoding::kOrdinal || spec.unknown != UnknownCategory::kMissing)) {
    return Refuse(spec.feature, "only a text can be encoded");
  }
  return {};
}

Result<FittedTransforms> FittedTransforms::Fit(const FeatureTable& table,
                                               std::span<const double> target,
                                               std::span<const std::uint32_t> rows,
                                               std::span<const TransformSpec> specs) {
  if (rows.empty()) return Error{ErrorCode::kInvalidArgument, "no rows to fit transforms on"};
  FittedTransforms fitted;
  fitted.inputs_ = table.columns();
  std::vector<TransformSpec> spec_of(fitted.inputs_.size());
  std::vector<bool> is_given(fitted.inputs_.size());
  for (const TransformSpec& spec : specs) {
    const auto found = std::ranges::find(fitted.inputs_, spec.feature, &FeatureColumnSpec::name);
    if (found == fitted.inputs_.end()) return Refuse(spec.feature, "no such feature to transform");
    const auto at = static_cast<std::size_t>(found - fitted.inputs_.begin());
    if (is_given[at]) return Refuse(spec.feature, "transformed twice");
    Status fits = CheckFits(spec, *found);
    if (!fits) return std::move(fits).error();
    is_given[at] = true;
    spec_of[at] = spec;
  }
  for (std::size_t i = 0; i < fitted.inputs_.size(); ++i) {
    Feature feature;
    if (fitted.inputs_[i].kind == FeatureKind::kNumber) {
      feature.number = FitNumber(table.column(i), rows, spec_of[i]);
    } else {
      Result<Category> category = FitCategory(table, i, target, rows, spec_of[i]);
      if (!category) return std::move(category).error();
      feature.category = *std::move(category);
    }
    fitted.features_.push_back(std::move(feature));
  }
  fitted.NameOutputs();
  return fitted;
}

FittedTransforms::Number FittedTransforms::FitNumber(std::span<const float> column,
                                                     std::span<const std::uint32_t> rows,
                                                     const TransformSpec& spec) {
  Number number;
  if (!spec.impute && !spec.scale) return number;
  std::vector<double> values;
  values.reserve(rows.size());
  for (const std::uint32_t row : rows) {
    if (!std::isnan(column[row])) values.push_back(column[row]);
  }
  if (spec.impute) {
    switch (spec.impute->with) {
      case Impute::With::kConstant:
        number.fill = spec.impute->constant;
        break;
      case Impute::With::kMean:
        if (!values.empty()) number.fill = MeanOf(values);
        break;
      case Impute::With::kMedian:
        if (!values.empty()) number.fill = MedianOf(values);
        break;
    }
    if (number.fill) values.resize(rows.size(), *number.fill);
  }
  if (!spec.scale || values.empty()) return number;
  number.scaled = true;
  number.mean = MeanOf(values);
  double squares = 0;
  for (const double value : values) squares += (value - number.mean) * (value - number.mean);
  const double deviation = std::sqrt(squares / static_cast<double>(values.size()));
  // Values that are all equal may miss their mean by a rounding error, which is no spread.
  const double noise = std::abs(number.mean) * 1e-14;
  number.deviation = deviation > noise ? deviation : 1;
  return number;
}

Result<FittedTransforms::Category> FittedTransforms::FitCategory(
    const FeatureTable& table, std::size_t column, std::span<const double> target,
    std::span<const std::uint32_t> rows, const TransformSpec& spec) {
  const std::string& name = table.columns()[column].name;
  const std::vector<std::string>& texts = table.categories(column);
  const std::span<const float> cells = table.column(column);
  Category category{.encoding = spec.encoding, .unknown = spec.unknown};
  std::vector<std::uint64_t> seen(texts.size());
  for (const std::uint32_t row : rows) {
    if (!std::isnan(cells[row])) ++seen[static_cast<std::size_t>(cells[row])];
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (seen[i] > 0) category.codes.emplace(texts[i], 0);
  }
  std::uint32_t next = 0;
  for (auto& [text, code] : category.codes) code = next++;
  if (spec.encoding != CategoryEncoding::kTargetMean) return category;

  if (target.size() != table.row_count()) return Refuse(name, "expected a target for each row");
  std::vector<double> sums(texts.size());
  double sum = 0;
  for (const std::uint32_t row : rows) {
    if (!std::isfinite(target[row])) {
      return Refuse(name, "the target of row " + std::to_string(row) + " is not a finite number");
    }
    sum += target[row];
    if (!std::isnan(cells[row])) sums[static_cast<std::size_t>(cells[row])] += target[row];
  }
  category.overall_mean = sum / static_cast<double>(rows.size());
  category.means.resize(category.codes.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (seen[i] == 0) continue;
    category.means[category.codes.find(texts[i])->second] =
        (sums[i] + spec.smoothing * category.overall_mean) /
        (static_cast<double>(seen[i]) + spec.smoothing);
  }
  return category;
}

void FittedTransforms::NameOutputs() {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    features_[i].first_output = outputs_.size();
    if (inputs_[i].kind == FeatureKind::kCategory &&
        features_[i].category.encoding == CategoryEncoding::kOneHot) {
      for (const auto& [text, code] : features_[i].category.codes) {
        outputs_.push_back(inputs_[i].name + "=" + text);
      }
    } else if (const auto& reading = features_[i].number.reading;
               reading && reading->as == ExactReading::As::kParts) {
      std::ranges::copy(PartNames(inputs_[i].name), std::back_inserter(outputs_));
    } else {
      outputs_.push_back(inputs_[i].name);
    }
  }
}

std::size_t FittedTransforms::InputOf(std::size_t output) const noexcept {
  const auto behind = std::ranges::upper_bound(features_, output, {}, &Feature::first_output);
  return static_cast<std::size_t>(behind - features_.begin()) - 1;
}

float FittedTransforms::Apply(const Number& number, float value) noexcept {
  if (std::isnan(value) ? !number.fill : !number.scaled) return value;
  const double filled = std::isnan(value) ? *number.fill : static_cast<double>(value);
  return NumberAsFloat((filled - number.mean) / number.deviation);
}

void FittedTransforms::ApplyExactly(const Number& number, double value, float* out) noexcept {
  const ExactReading& reading = *number.reading;
  if (reading.zero_width > 0 && std::abs(value) <= reading.zero_width) value = 0;
  if (value == 0 && reading.zero_is_missing) value = std::numeric_limits<double>::quiet_NaN();
  if (std::isnan(value) && number.fill) value = *number.fill;
  if (reading.as == ExactReading::As::kParts) {
    std::ranges::copy(SplitDouble(value), out);
  } else if (std::isnan(value)) {
    *out = kFloatNaN;
  } else if (reading.as == ExactReading::As::kRank) {
    *out = static_cast<float>(std::ranges::lower_bound(reading.cuts, value) - reading.cuts.begin());
  } else {
    *out = NumberAsFloat(std::trunc(value));
  }
}

void FittedTransforms::Write(const Category& category, std::optional<std::uint32_t> code,
                             float* out) noexcept {
  switch (category.encoding) {
    case CategoryEncoding::kOrdinal:
      *out = code ? static_cast<float>(*code) : kFloatNaN;
      return;
    case CategoryEncoding::kOneHot:
      std::fill_n(out, category.codes.size(), 0.0F);
      if (code) out[*code] = 1;
      return;
    case CategoryEncoding::kTargetMean:
      *out = NumberAsFloat(code ? category.means[*code] : category.overall_mean);
      return;
  }
}

Error FittedTransforms::UnknownError(std::size_t input, std::string_view text) const {
  return Refuse(inputs_[input].name,
                "no row of the training had the category \"" + std::string(text) + "\"");
}

Status FittedTransforms::CheckIsTaken(std::size_t input, double value) const {
  const std::optional<ExactReading>& reading = features_[input].number.reading;
  if (!reading || reading->as != ExactReading::As::kInteger) return {};
  constexpr double kMost = 1 << 24;  // all of those that a float holds
  if (std::abs(value) <= kMost && value == std::trunc(value)) return {};
  return Refuse(inputs_[input].name, "expected a whole number from -16777216 to 16777216");
}

Result<std::vector<float>> FittedTransforms::Transform(const FeatureTable& table,
                                                       std::span<const std::uint32_t> rows) const {
  if (table.columns() != inputs_) {
    return Error{ErrorCode::kInvalidArgument, "the features are not those of the training"};
  }
  const std::size_t width = outputs_.size();
  std::vector<float> matrix(rows.size() * width);
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const std::span<const float> cells = table.column(i);
    float* out = matrix.data() + features_[i].first_output;
    if (inputs_[i].kind == FeatureKind::kNumber) {
      for (const std::uint32_t row : rows) {
        const Number& number = features_[i].number;
        if (Status taken = CheckIsTaken(i, double{cells[row]}); !taken) {
          return std::move(taken).error();
        }
        if (number.reading) {
          ApplyExactly(number, double{cells[row]}, out);
        } else {
          *out = Apply(number, cells[row]);
        }
        out += width;
      }
      continue;
    }
    const Category& category = features_[i].category;
    std::vector<std::optional<std::uint32_t>> code_of;  // by the table's code
    for (const std::string& text : table.categories(i)) {
      const auto known = category.codes.find(text);
      code_of.push_back(known == category.codes.end() ? std::nullopt
                                                      : std::optional(known->second));
    }
    for (const std::uint32_t row : rows) {
      std::optional<std::uint32_t> code;
      if (!std::isnan(cells[row])) {
        const auto table_code = static_cast<std::size_t>(cells[row]);
        code = code_of[table_code];
        if (!code && category.unknown == UnknownCategory::kError) {
          return UnknownError(i, table.categories(i)[table_code]);
        }
      }
      Write(category, code, out);
      out += width;
    }
  }
  return matrix;
}

Status FittedTransforms::TransformRow(std::span<const Value> row,
                                      std::span<const std::size_t> positions,
                                      std::span<float> out) const {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const Value& value = row[positions[i]];
    if (Status fits = CheckKind(inputs_[i], value); !fits) return fits;
    float* first = out.data() + features_[i].first_output;
    if (inputs_[i].kind == FeatureKind::kNumber) {
      const Number& number = features_[i].number;
      if (Status taken = CheckIsTaken(i, NumberAsDouble(value)); !taken) return taken;
      if (number.reading) {
        ApplyExactly(number, NumberAsDouble(value), first);
      } else {
        *first = Apply(number, NumberAsFloat(value));
      }
      continue;
    }
    const Category& category = features_[i].category;
    std::optional<std::uint32_t> code;
    if (const auto* text = std::get_if<std::string_view>(&value)) {
      const auto known = category.codes.find(*text);
      if (known != category.codes.end()) {
        code = known->second;
      } else if (category.unknown == UnknownCategory::kError) {
        return UnknownError(i, *text);
      }
    }
    Write(category, code, first);
  }
  return {};
}

nlohmann::ordered_json FittedTransforms::ToJson() const {
  auto features = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    nlohmann::ordered_json feature{{"name", inputs_[i].name}};
    if (inputs_[i].kind == FeatureKind::kNumber) {
      const Number& number = features_[i].number;
      feature["kind"] = "number";
      if (number.fill) feature["fill"] = *number.fill;
      if (number.scaled) {
        feature["mean"] = number.mean;
        feature["deviation"] = number.deviation;
      }
      if (number.reading) feature["reading"] = ReadingJson(*number.reading);
    } else {
      const Category& category = features_[i].category;
      feature["kind"] = "category";
      feature["encoding"] = NameOf(category.encoding, kEncodings);
      feature["unknown"] = NameOf(category.unknown, kUnknowns);
      feature["categories"] = nlohmann::ordered_json::array();
      for (const auto& [text, code] : category.codes) feature["categories"].push_back(text);
      if (category.encoding == CategoryEncoding::kTargetMean) {
        feature["means"] = category.means;
        feature["overall_mean"] = category.overall_mean;
      }
    }
    features.push_back(std::move(feature));
  }
  return {
      {"format", "forkcast.transforms"}, {"format_version", 1}, {"features", std::move(features)}};
}

FittedTransforms FittedTransforms::FromJson(const JsonNode& node) {
  node.RequireObject({"format", "format_version", "features"});
  node.RequireFormat("forkcast.transforms", 1);
  FittedTransforms fitted;
  for (const JsonNode& member : node.Get("features").Elements()) {
    FeatureColumnSpec input{.name = member.Get("name").String()};
    Feature feature;
    if (member.Get("kind").json() == "number") {
      feature.number = ReadNumber(member);
    } else if (member.Get("kind").json() == "category") {
      input.kind = FeatureKind::kCategory;
      feature.category = ReadCategory(member);
    } else {
      member.Get("kind").Fail("expected number or category");
    }
    if (std::ranges::find(fitted.inputs_, input.name, &FeatureColumnSpec::name) !=
        fitted.inputs_.end()) {
      member.Get("name").Fail("given twice");
    }
    fitted.inputs_.push_back(std::move(input));
    fitted.features_.push_back(std::move(feature));
  }
  fitted.NameOutputs();
  return fitted;
}

FittedTransforms::Number FittedTransforms::ReadNumber(const JsonNode& node) {
  node.RequireObject({"name", "kind", "fill", "mean", "deviation", "reading"});
  Number number;
  if (const auto fill = node.Find("fill")) number.fill = fill->Number(-kMaxNumber, kMaxNumber);
  number.scaled = node.Find("mean") || node.Find("deviation");
  if (number.scaled) {
    number.mean = node.Get("mean").Number(-kMaxNumber, kMaxNumber);
    number.deviation = node.Get("deviation").Number(std::numeric_limits<double>::min(), kMaxNumber);
  }
  if (const auto reading = node.Find("reading")) {
    if (number.scaled) reading->Fail("a number that is scaled has none");
    number.reading = ReadReading(*reading);
  }
  return number;
}

FittedTransforms::Category FittedTransforms::ReadCategory(const JsonNode& node) {
  node.RequireObject(
      {"name", "kind", "encoding", "unknown", "categories", "means", "overall_mean"});
  Category category{.encoding = ReadName(node.Get("encoding"), kEncodings),
                    .unknown = ReadName(node.Get("unknown"), kUnknowns)};
  const std::string* previous = nullptr;
  for (const JsonNode& text : node.Get("categories").Elements()) {
    if (!text.json().is_string()) text.Fail("expected a text");
    const auto& category_text = text.json().get_ref<const std::string&>();
    if (previous != nullptr && *previous >= category_text) text.Fail("out of order");
    previous = &category_text;
    const auto code = static_cast<std::uint32_t>(category.codes.size());
    category.codes.emplace_hint(category.codes.end(), category_text, code);
  }
  if (category.encoding != CategoryEncoding::kTargetMean) {
    if (const auto means = node.Find("means")) means->Fail("only target_mean has them");
    if (const auto mean = node.Find("overall_mean")) mean->Fail("only target_mean has it");
    return category;
  }
  category.overall_mean = node.Get("overall_mean").Number(-kMaxNumber, kMaxNumber);
  for (const JsonNode& mean : node.Get("means").Elements()) {
    category.means.push_back(mean.Number(-kMaxNumber, kMaxNumber));
  }
  if (category.means.size() != category.codes.size()) {
    node.Get("means").Fail("expected a mean for each category");
  }
  return category;
}

}  // namespace forkcast::model
