#include "serving/wire/answer_writer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <ostream>
#include <random>
#include <string>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/table/csv_scanner.hpp"

namespace forkcast::wire {
namespace {

using nlohmann::json;
using preprocessing::Value;

/// Writes two good rows with a failed one between them when answers may be partial.
std::string Write(const AnswerWriter::Options& options, bool stale = false) {
  AnswerWriter writer({.fields = {"order_id", "recommendation"}, .features = {"stock", "unknown"}});
  const std::vector<Value> first{std::string_view("00\"1"), std::string_view("Deliver")};
  const std::vector<Value> second{std::string_view("a,b"), Value()};
  std::vector<Value> features;
  if (options.with_features) features = {3.0, std::nan("")};
  std::vector<std::string_view> late;
  if (stale) late = {"inventory", "payments"};
  std::string out = "kept|";
  writer.Start(options, out);
  writer.AddRow(first, features, {.stale = late});
  if (options.wrapping != Wrapping::kObject || options.format != Format::kJson) {
    if (options.partial) {
      writer.AddError(1, "invalid_argument",
                      {ErrorCode::kInvalidArgument, "expected text, got \"x\"", "zip_code"});
    }
    writer.AddRow(second, features, {});
  }
  writer.Finish();
  return out.substr(5);
}

/// Rows of a model whose answers have no names in the library that made it.
struct PredictionCase {
  std::string name;
  std::vector<PredictedPart> predictions;
  AnswerWriter::Options options;
  std::string body;
};

void PrintTo(const PredictionCase& param, std::ostream* out) { *out << param.name; }

class PredictionTest : public testing::TestWithParam<PredictionCase> {};

TEST_P(PredictionTest, IsToldAsItsLibraryTellsIt) {
  AnswerWriter writer({.fields = {"class", "probability.0", "probability.1"},
                       .features = {"stock"},
                       .predictions = GetParam().predictions});
  const std::vector<Value> row{std::string_view("1"), 0.25, 0.75};
  const std::vector<Value> missing{std::string_view("0"), std::nan(""), Value()};
  std::vector<Value> features;
  if (GetParam().options.with_features) features = {3.0};
  std::string out;
  writer.Start(GetParam().options, out);
  writer.AddRow(row, features, {});
  writer.AddRow(missing, features, {});
  writer.Finish();
  EXPECT_EQ(out, GetParam().body);
}

TEST(Predictions, HaveALabelThatIsNoIntegerAfterAllAsText) {
  AnswerWriter writer({.fields = {"class"}, .predictions = {{.fields = {0}, .is_integer = true}}});
  std::string out;
  writer.Start({.wrapping = Wrapping::kInstances}, out);
  for (const std::string_view label : {"-7", "007", "1],\"x\":[", "", "-", "1e5"}) {
    writer.AddRow(std::vector<Value>{label}, {}, {});
  }
  writer.Finish();
  EXPECT_EQ(out, R"({"predictions":[-7,"007","1],\"x\":[","","-","1e5"]})");
}

struct WriteCase {
  std::string name;
  AnswerWriter::Options options;
  bool stale;
  std::string body;
};

void PrintTo(const WriteCase& param, std::ostream* out) { *out << param.name; }

class AnswerWriterTest : public testing::TestWithParam<WriteCase> {};

TEST_P(AnswerWriterTest, WritesTheBody) {
  EXPECT_EQ(Write(GetParam().options, GetParam().stale), GetParam().body);
}

constexpr const char* kFirst = R"({"order_id":"00\"1","recommendation":"Deliver"})";
constexpr const char* kSecond = R"({"order_id":"a,b","recommendation":null})";
constexpr const char* kFailed =
    R"({"error":{"code":"invalid_argument","message":"expected text, got \"x\"",)"
    R"("field":"zip_code","row":1}})";

std::string Joined(const std::string& between) {
  return kFirst + between + kFailed + between + kSecond;
}

using enum Format;
using enum Wrapping;

using Form = PredictedPart::Form;

/// A label and a map, as ONNX files of classifiers have them.
std::vector<PredictedPart> LabelAndMap() {
  return {{.name = "output_label", .fields = {0}, .is_integer = true},
          {.name = "output_\"p\"", .form = Form::kMap, .fields = {1, 2}, .keys = {"0", "\"1"}}};
}

INSTANTIATE_TEST_SUITE_P(
    Cases, PredictionTest,
    testing::Values(PredictionCase{"ANumber",
                                   {{.fields = {2}}},
                                   {.wrapping = kInstances},
                                   R"({"predictions":[0.75,null]})"},
                    PredictionCase{"AList",
                                   {{.form = Form::kList, .fields = {1, 2}}},
                                   {.wrapping = kInstances},
                                   R"({"predictions":[[0.25,0.75],[null,null]]})"},
                    PredictionCase{"ALabelThatIsANumber",
                                   {{.fields = {0}, .is_integer = true}},
                                   {.wrapping = kInstances},
                                   R"({"predictions":[1,0]})"},
                    PredictionCase{"ALabel",
                                   {{.fields = {0}}},
                                   {.wrapping = kInstances},
                                   R"({"predictions":["1","0"]})"},
                    PredictionCase{"PartsWithNames",
                                   LabelAndMap(),
                                   {.wrapping = kInstances},
                                   R"({"predictions":[)"
                                   R"({"output_label":1,"output_\"p\"":{"0":0.25,"\"1":0.75}},)"
                                   R"({"output_label":0,"output_\"p\"":{"0":null,"\"1":null}}]})"},
                    PredictionCase{"AnObjectWhereFeaturesAreAsked",
                                   {{.fields = {2}}},
                                   {.wrapping = kInstances, .with_features = true},
                                   R"({"predictions":[{"class":"1","probability.0":0.25,)"
                                   R"("probability.1":0.75,"features":{"stock":3}},)"
                                   R"({"class":"0","probability.0":null,"probability.1":null,)"
                                   R"("features":{"stock":3}}]})"},
                    PredictionCase{"AnObjectWhereNotesAreAsked",
                                   {{.fields = {2}}},
                                   {.wrapping = kInstances, .with_notes = true},
                                   R"({"predictions":[{"class":"1","probability.0":0.25,)"
                                   R"("probability.1":0.75},)"
                                   R"({"class":"0","probability.0":null,"probability.1":null}]})"},
                    PredictionCase{"AnObjectInAnArray",
                                   {{.fields = {2}}},
                                   {.wrapping = kArray},
                                   R"([{"class":"1","probability.0":0.25,"probability.1":0.75},)"
                                   R"({"class":"0","probability.0":null,"probability.1":null}])"},
                    PredictionCase{"ALineOfCsv",
                                   {{.fields = {2}}},
                                   {.format = kCsv, .wrapping = kInstances},
                                   "class,probability.0,probability.1\n1,0.25,0.75\n0,,\n"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Cases, AnswerWriterTest,
    testing::Values(
        WriteCase{"AnObjectAlone", {kJson, kObject, false, false}, false, kFirst},
        WriteCase{"AnArray",
                  {kJson, kArray, false, false},
                  false,
                  std::string("[") + kFirst + "," + kSecond + "]"},
        WriteCase{"LinesAnsweredInJsonAreAnArray",
                  {kJson, kLines, false, false},
                  false,
                  std::string("[") + kFirst + "," + kSecond + "]"},
        WriteCase{"InstancesGivePredictions",
                  {kJson, kInstances, false, false},
                  false,
                  std::string("{\"predictions\":[") + kFirst + "," + kSecond + "]}"},
        WriteCase{"PartialAnswersHoldErrorsInPlace",
                  {kJson, kArray, false, true},
                  false,
                  "[" + Joined(",") + "]"},
        WriteCase{"JsonLines", {kJsonLines, kObject, false, true}, false, Joined("\n") + "\n"},
        WriteCase{"FeaturesAndStaleSeries",
                  {kJson, kObject, true, false},
                  true,
                  R"({"order_id":"00\"1","recommendation":"Deliver",)"
                  R"("features":{"stock":3,"unknown":null},"stale":["inventory","payments"]})"},
        WriteCase{"Csv",
                  {kCsv, kArray, false, false},
                  false,
                  "order_id,recommendation\n\"00\"\"1\",Deliver\n\"a,b\",\n"},
        WriteCase{"CsvWithFeaturesAndErrors",
                  {kCsv, kLines, true, true},
                  false,
                  "order_id,recommendation,features.stock,features.unknown,error\n"
                  "\"00\"\"1\",Deliver,3,,\n"
                  ",,,,\"invalid_argument: zip_code: expected text, got \"\"x\"\"\"\n"
                  "\"a,b\",,3,,\n"}),
    [](const auto& param) { return param.param.name; });

TEST(AnswerWriter, WritesAnEmptyArrayForNoRows) {
  AnswerWriter writer({.fields = {"a"}});
  std::string out;
  writer.Start({.wrapping = kInstances}, out);
  writer.Finish();
  EXPECT_EQ(out, R"({"predictions":[]})");
}

TEST(AnswerWriter, LeavesOutTheFieldOfAnErrorWithoutOne) {
  AnswerWriter writer({.fields = {"a"}});
  std::string out;
  writer.Start({.partial = true}, out);
  writer.AddError(0, "internal", {ErrorCode::kInternal, "no"});
  writer.Finish();
  EXPECT_EQ(out, R"({"error":{"code":"internal","message":"no","row":0}})");
}

TEST(AnswerWriter, LeavesOutTheFieldOfAnErrorWithoutOneInCsvToo) {
  AnswerWriter writer({.fields = {"a"}});
  std::string out;
  writer.Start({.format = kCsv, .partial = true}, out);
  writer.AddError(0, "internal", {ErrorCode::kInternal, "no"});
  writer.Finish();
  EXPECT_EQ(out, "a,error\n,internal: no\n");
}

struct ValueCase {
  std::string name;
  Value value;
  std::string text;
};

void PrintTo(const ValueCase& param, std::ostream* out) { *out << param.name; }

class AppendJsonValueTest : public testing::TestWithParam<ValueCase> {};

TEST_P(AppendJsonValueTest, WritesTheValue) {
  std::string out;
  AppendJsonValue(GetParam().value, out);
  EXPECT_EQ(out, GetParam().text);
}

constexpr double kInf = std::numeric_limits<double>::infinity();

INSTANTIATE_TEST_SUITE_P(
    Cases, AppendJsonValueTest,
    testing::Values(
        ValueCase{"Missing", Value(), "null"}, ValueCase{"NaN", std::nan(""), "null"},
        ValueCase{"Infinity", kInf, "null"}, ValueCase{"NegativeInfinity", -kInf, "null"},
        ValueCase{"IntegralDouble", 3.0, "3"}, ValueCase{"ShortestDouble", 0.1, "0.1"},
        ValueCase{"LargeDouble", 1e300, "1e+300"},
        ValueCase{"LongestDouble", -std::numeric_limits<double>::max(), "-1.7976931348623157e+308"},
        ValueCase{"LeastInteger", std::numeric_limits<std::int64_t>::min(), "-9223372036854775808"},
        ValueCase{"True", true, "true"}, ValueCase{"False", false, "false"},
        ValueCase{"Timestamp", FromMicros(1'625'430'662'000'000), "\"2021-07-04T20:31:02Z\""},
        ValueCase{"TimestampWithMicroseconds", FromMicros(-1), "\"1969-12-31T23:59:59.999999Z\""},
        ValueCase{"Text",
                  std::string_view("a/\"\\\n\r\t\x01\x7f\0"
                                   "b",
                                   11),
                  "\"a/\\\"\\\\\\n\\r\\t\\u0001\x7f\\u0000b\""},
        ValueCase{"EmptyText", std::string_view(), "\"\""}),
    [](const auto& param) { return param.param.name; });

TEST(AppendJsonString, RepairsUtf8AsNlohmannDoes) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  // Bytes at the edges of the ranges of UTF-8, so that all kinds of broken sequences come up.
  constexpr std::string_view kBytes =
      "a\"\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf4\xf5\xff";
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 8, ' ');
    for (char& c : text) c = kBytes[random() % kBytes.size()];
    std::string ours;
    AppendJsonString(text, ours);
    const std::string theirs =
        json(text).dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace);
    ASSERT_EQ(json::parse(ours), json::parse(theirs)) << testing::PrintToString(text);
  }
}

TEST(AppendJsonValue, GivesDoublesThatReadBackTheSame) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    const auto number = std::bit_cast<double>(random());
    if (!std::isfinite(number)) continue;
    std::string out;
    AppendJsonValue(number, out);
    ASSERT_EQ(json::parse(out).get<double>(), number) << out;
  }
}

TEST(AnswerWriter, GivesJsonThatReadsBackTheSame) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  AnswerWriter writer({.fields = {"a \"name\"", "n", "b"}, .features = {"x\n"}});
  for (int round = 0; round < 500; ++round) {
    json expected = json::array();
    std::string out;
    writer.Start({.wrapping = kArray, .with_features = true}, out);
    for (std::size_t rows = random() % 5; rows > 0; --rows) {
      std::string text(random() % 20, ' ');
      for (char& c : text) c = static_cast<char>(random() % 128);
      const auto integer = static_cast<std::int64_t>(random());
      const bool truth = random() % 2 == 0;
      const double number = static_cast<double>(random()) / 3;
      const std::vector<Value> fields{std::string_view(text), integer, truth};
      const std::vector<Value> features{number};
      writer.AddRow(fields, features, {});
      expected.push_back(
          {{"a \"name\"", text}, {"n", integer}, {"b", truth}, {"features", {{"x\n", number}}}});
    }
    writer.Finish();
    ASSERT_EQ(json::parse(out), expected);
  }
}

TEST(AppendCsvField, GivesFieldsThatReadBackTheSame) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  constexpr std::string_view kCharacters = "ab ,\"\n;";
  for (int round = 0; round < 5'000; ++round) {
    std::string text(random() % 6, ' ');
    for (char& c : text) c = kCharacters[random() % kCharacters.size()];
    std::string line = "first,";
    AppendCsvField(text, line);
    line += '\n';
    preprocessing::CsvScanner scanner;
    scanner.Reset(line);
    const Result<bool> read = scanner.Next();
    ASSERT_TRUE(read.ok() && *read) << line;
    ASSERT_EQ(scanner.fields().size(), 2U) << line;
    ASSERT_EQ(scanner.fields()[1].text, text);
    ASSERT_TRUE(!text.empty() || scanner.fields()[1].quoted) << "it would be missing";
  }
}

/// Eight bytes are looked at together.
TEST(AppendJsonString, EscapesWhereverAByteStands) {
  for (const char special : {'"', '\\', '\n', '\x1f', '\x7f', '!', '#', '['}) {
    for (std::size_t at = 0; at < 20; ++at) {
      std::string text(20, 'a');
      text[at] = special;
      std::string out;
      AppendJsonString(text, out);
      ASSERT_EQ(out, json(text).dump()) << static_cast<int>(special) << " at " << at;
    }
  }
}

/// What every number is to be written as.
std::string Shortest(double number) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr};
}

std::string Written(double number) {
  std::string text;
  AppendJsonValue(number, text);
  return text;
}

TEST(JsonNumbers, AreTheShortestTextWhateverTheirDecimals) {
  constexpr unsigned kSeed = 1;
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < 300'000; ++i) {
    // Of every size, with none to seven decimals.
    const double whole = std::floor(std::pow(10.0, static_cast<double>(random() % 16)) *
                                    static_cast<double>(random() % 1000) / 1000);
    const double scale = std::pow(10.0, static_cast<double>(random() % 8));
    const double decimals =
        static_cast<double>(random() % static_cast<std::uint64_t>(scale)) / scale;
    const double number = (random() % 2 == 0 ? 1 : -1) * (whole + decimals);
    ASSERT_EQ(Written(number), Shortest(number)) << i;
    // And its neighbour, which has as many digits as can be.
    const double neighbour = std::nextafter(number, std::numeric_limits<double>::max());
    ASSERT_EQ(Written(neighbour), Shortest(neighbour)) << i;
  }
}

TEST(JsonNumbers, AreTheShortestTextWhateverTheirBits) {
  constexpr unsigned kSeed = 2;
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < 300'000; ++i) {
    const auto number = std::bit_cast<double>(random());
    if (!std::isfinite(number)) continue;
    ASSERT_EQ(Written(number), Shortest(number)) << i;
  }
}

TEST(JsonNumbers, AreTheShortestTextWhereTheFormChanges) {
  for (const double number :
       {0.0,      -0.0,      0.001,     0.0001,  0.00099,         0.0012, 1e5, 99'999.0,
        99'999.5, 100'000.5, 123'456.0, 1e10,    9'999'999'999.5, 0.1,    0.3, 1.005,
        1e-3,     0.00005,   0.99995,   0.99999, 2147483647.0,    -12.34}) {
    EXPECT_EQ(Written(number), Shortest(number));
  }
}

}  // namespace
}  // namespace forkcast::wire
