#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/table/parse_value.hpp"
#include "serving/wire/decode.hpp"

namespace forkcast::wire {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using preprocessing::Column;
using preprocessing::ColumnType;
using preprocessing::IsMissing;
using preprocessing::Table;
using preprocessing::Value;
using Random = std::mt19937_64;

template <typename Choices>
auto Pick(const Choices& choices, Random& random) {
  return choices[random() % std::size(choices)];
}

// ---- tables, and bodies that say the same ----

void AppendRandom(Column& column, Random& random) {
  static const std::vector<std::string> kPieces = {
      "0", "00123", " ", ",", "\"", "\\", "\n", "\r\n", "\x01", "\xC3\xA9", "\xF0\x9F\x98\x80",
      "a"};
  switch (column.type()) {
    case ColumnType::kText: {
      std::string text;
      for (std::size_t pieces = random() % 6; pieces > 0; --pieces) text += Pick(kPieces, random);
      column.AppendText(text);
      return;
    }
    case ColumnType::kInt64:
      column.AppendInt64(static_cast<std::int64_t>(random()) >> (random() % 64));
      return;
    case ColumnType::kDouble: {
      const auto number = std::bit_cast<double>(random());
      column.AppendDouble(std::isfinite(number) ? number : 0.1);
      return;
    }
    case ColumnType::kBool:
      column.AppendBool(random() % 2 == 0);
      return;
    case ColumnType::kTimestamp:  // 1902 to 2038, some with microseconds
      column.AppendTimestamp(
          FromMicros(static_cast<std::int32_t>(random()) * std::int64_t{1'000'000} +
                     (random() % 2 == 0 ? 0 : static_cast<std::int64_t>(random() % 1'000'000))));
      return;
  }
}

Table RandomTable(std::size_t rows, Random& random) {
  Table table(EveryType());
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < table.column_count(); ++i) {
      if (table.schema().columns[i].nullable && random() % 3 == 0) {
        table.column(i).AppendMissing();
      } else {
        AppendRandom(table.column(i), random);
      }
    }
  }
  return table;
}

/// How values stand in JSON: timestamps as texts.
ordered_json Encode(const Value& value) {
  if (const auto* instant = std::get_if<Instant>(&value)) {
    std::string text;
    preprocessing::AppendIsoTimestamp(*instant, text);
    return text;
  }
  return ToJson(value);
}

/// A row with its members in random order among fields that nobody asked for.
ordered_json RowObject(const Table& table, std::size_t row, Random& random) {
  std::vector<std::pair<std::string, ordered_json>> members;
  for (std::size_t i = 0; i < table.column_count(); ++i) {
    const Value value = ValueAt(table.column(i), row);
    if (IsMissing(value) && random() % 2 == 0) continue;
    members.emplace_back(table.schema().columns[i].name, Encode(value));
  }
  if (random() % 2 == 0) members.emplace_back("extra", ordered_json::parse(R"({"id":[1,{}]})"));
  if (random() % 2 == 0) members.emplace_back("", "\"");
  if (random() % 2 == 0) std::ranges::shuffle(members, random);
  ordered_json object = ordered_json::object();
  for (auto& [name, value] : members) object[name] = value;
  return object;
}

std::string Dump(const ordered_json& document, Random& random) {
  const int indent = random() % 2 == 0 ? -1 : 2;
  return document.dump(indent, ' ', /*ensure_ascii=*/random() % 2 == 0);
}

std::string AsArray(const Table& table, Random& random) {
  ordered_json rows = ordered_json::array();
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    rows.push_back(RowObject(table, row, random));
  }
  return Dump(rows, random);
}

std::string AsInstances(const Table& table, Random& random) {
  const std::string before = random() % 2 == 0 ? "" : R"("id": 1, "x": {"instances": []}, )";
  return "{" + before + "\"instances\": " + AsArray(table, random) + "}";
}

/// `inputs` by columns, in any order.
std::string AsColumns(const Table& table, Random& random) {
  std::vector<std::size_t> order(table.column_count());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::shuffle(order, random);
  ordered_json columns = ordered_json::object();
  for (const std::size_t i : order) {
    ordered_json values = ordered_json::array();
    for (std::size_t row = 0; row < table.row_count(); ++row) {
      values.push_back(Encode(ValueAt(table.column(i), row)));
    }
    columns[table.schema().columns[i].name] = std::move(values);
  }
  return Dump({{"inputs", std::move(columns)}, {"params", {{"inputs", 1}}}}, random);
}

/// `dataframe_split`, whose names stand before the rows, behind them or, in the declared order,
/// nowhere.
std::string AsSplit(const Table& table, Random& random) {
  ordered_json names = ordered_json::array();
  ordered_json rows = ordered_json::array();
  for (const auto& column : table.schema().columns) names.push_back(column.name);
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    ordered_json values = ordered_json::array();
    for (std::size_t i = 0; i < table.column_count(); ++i) {
      values.push_back(Encode(ValueAt(table.column(i), row)));
    }
    rows.push_back(std::move(values));
  }
  ordered_json split = ordered_json::object();
  const std::size_t place = random() % 3;
  if (place == 0) split["columns"] = names;
  split["data"] = std::move(rows);
  if (place == 1) split["columns"] = names;
  split["index"] = {1};
  return Dump({{"p", {1}}, {"dataframe_split", std::move(split)}, {"q", 1}}, random);
}

std::string AsJsonLines(const Table& table, Random& random) {
  std::string body;
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    body += RowObject(table, row, random).dump(-1, ' ', random() % 2 == 0);
    body += random() % 2 == 0 ? "\n" : "\r\n\n";
  }
  return body;
}

std::string CsvField(const Value& value) {
  if (IsMissing(value)) return "";
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    std::string field = "\"";
    for (const char c : *text) field += c == '"' ? std::string("\"\"") : std::string(1, c);
    return field + "\"";
  }
  const ordered_json encoded = Encode(value);
  return encoded.is_string() ? encoded.get<std::string>() : encoded.dump();
}

std::string AsCsv(const Table& table, Random& random) {
  std::vector<std::size_t> order(table.column_count());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::shuffle(order, random);
  const std::string end = random() % 2 == 0 ? "\n" : "\r\n";
  std::string body = "extra";
  for (const std::size_t i : order) body += "," + table.schema().columns[i].name;
  body += end;
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    body += "\"a,\"\"b\"";
    for (const std::size_t i : order) body += "," + CsvField(ValueAt(table.column(i), row));
    body += end;
  }
  return body;
}

TEST(RequestDecoderProperty, EveryFormOfATableDecodesToTheTable) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  Decoding decoding;
  const auto expect_decoded = [&](Format format, const std::string& body, const Table& table) {
    const Status decoded = decoding.Decode(format, body);
    ASSERT_TRUE(decoded.ok()) << decoded.error().message << "\n" << body;
    ASSERT_TRUE(decoding.request().errors.empty())
        << decoding.request().errors[0].error.message << "\n"
        << body;
    ASSERT_EQ(ToJson(decoding.request().rows), ToJson(table)) << body;
  };
  for (int round = 0; round < 300 && !HasFatalFailure(); ++round) {
    const Table table = RandomTable(1 + random() % 8, random);
    expect_decoded(Format::kJson, AsArray(table, random), table);
    expect_decoded(Format::kJson, AsInstances(table, random), table);
    expect_decoded(Format::kJson, AsColumns(table, random), table);
    expect_decoded(Format::kJson, AsSplit(table, random), table);
    expect_decoded(Format::kJsonLines, AsJsonLines(table, random), table);
    expect_decoded(Format::kCsv, AsCsv(table, random), table);
    const Table one = RandomTable(1, random);
    expect_decoded(Format::kJson, Dump(RowObject(one, 0, random), random), one);
  }
}

// ---- bodies that are damaged ----

// What stands behind a body is anybody's: here, what would complete or continue a document.
constexpr std::string_view kPaddings = std::string_view("\0}],:\"0{[\\ \n", 12);

/// Decodes, and compares with what nlohmann-json says about the text being JSON. (It refuses
/// numbers over the range of a double, which are JSON: keep them out of `body`.)
void ExpectJudgedAsNlohmannDoes(Decoding& decoding, const std::string& body, char padding) {
  const Status decoded = decoding.Decode(Format::kJson, body, padding);
  const bool judged_json =
      decoded.ok() || decoded.error().message.find("not valid JSON") == std::string::npos;
  ASSERT_EQ(judged_json, json::accept(body))
      << testing::PrintToString(body) << " padded with " << testing::PrintToString(padding) << ": "
      << (decoded.ok() ? "taken" : decoded.error().message);
}

const std::vector<std::string> kValidBodies = {
    R"({"id":"00123","note":"\u00e9\ud83d\ude00","n":-7,"x":1.5e3,"b":true,"t":"2021-07-04"})",
    R"([{"id":"a","p":{"q":[1,{}]}}, {"n":null, "id":"b"}])",
    R"({"p":[],"instances":[{"id":"a"},17,"x",[[]]],"q":{}})",
    R"({"p":[],"inputs":{"n":[1,2],"id":["a",["b"]],"p":{"q":[]}},"q":{}})",
    R"({"p":"x","dataframe_split":{"data":[["a",[]],["b",1]],"columns":["id","p"]},"q":1})"};

TEST(RequestDecoderProperty, EveryPrefixOfJsonIsJudgedAsNlohmannDoes) {
  Decoding decoding;
  for (const std::string& body : kValidBodies) {
    for (std::size_t length = 0; length <= body.size(); ++length) {
      for (const char padding : kPaddings) {
        ExpectJudgedAsNlohmannDoes(decoding, body.substr(0, length), padding);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(RequestDecoderProperty, JsonWithAByteChangedIsJudgedAsNlohmannDoes) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  Decoding decoding;
  for (int round = 0; round < 20'000 && !HasFatalFailure(); ++round) {
    std::string body = Pick(kValidBodies, random);
    body[random() % body.size()] ^= static_cast<char>(1U << (random() % 8));
    ExpectJudgedAsNlohmannDoes(decoding, body, Pick(kPaddings, random));
  }
}

TEST(RequestDecoderProperty, ShortTokenSequencesAreJudgedAsNlohmannDoes) {
  static const std::vector<std::string> kTokens = {
      "{",    "}",       "[",        "]",  ",",  ":",      "\"id\":", "\"a\"", "\"instances\":",
      "\"\"", "null",    "true",     "1",  "-",  "0.5e-1", "\\",      "\"",    "\"\\ud800\"",
      " ",    "\"x\":[", "\"y\":{}", "[]", "{}", "01",     "\n",      "f",     "\xEF\xBF\xBD"};
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  Decoding decoding;
  for (int round = 0; round < 100'000 && !HasFatalFailure(); ++round) {
    std::string body = random() % 2 == 0 ? "{" : "[";
    for (std::size_t tokens = random() % 8; tokens > 0; --tokens) body += Pick(kTokens, random);
    if (random() % 2 == 0) body += body.front() == '{' ? "}" : "]";
    ExpectJudgedAsNlohmannDoes(decoding, body, Pick(kPaddings, random));
  }
}

/// Whatever was decoded must at least agree with itself.
void ExpectConsistent(const DecodedRequest& request) {
  ASSERT_EQ(request.row_count, request.row_numbers.size() + request.errors.size());
  for (std::size_t i = 0; i < request.rows.column_count(); ++i) {
    ASSERT_EQ(request.rows.column(i).size(), request.row_numbers.size());
  }
}

TEST(RequestDecoderProperty, DamagedLinesAndCsvNeverLeaveHalfARow) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  Decoding decoding;
  for (int round = 0; round < 3'000 && !HasFatalFailure(); ++round) {
    const Table table = RandomTable(3, random);
    const bool lines = random() % 2 == 0;
    std::string body = lines ? AsJsonLines(table, random) : AsCsv(table, random);
    if (random() % 2 == 0) body.resize(random() % body.size());
    if (!body.empty()) {
      body[random() % body.size()] ^= static_cast<char>(1U << (random() % 8));
    }
    const Status decoded =
        decoding.Decode(lines ? Format::kJsonLines : Format::kCsv, body, Pick(kPaddings, random));
    ASSERT_TRUE(decoded.ok() || decoding.request().row_count == 0);
    ExpectConsistent(decoding.request());
  }
}

}  // namespace
}  // namespace forkcast::wire
