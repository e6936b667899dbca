#include "data_preprocessing/table/read_dialect.hpp"

#include "data_preprocessing/document/choice.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr Choices<CsvEncoding, 5> kEncodings{
    {{ToString(CsvEncoding::kUtf8), CsvEncoding::kUtf8},
     {ToString(CsvEncoding::kWindows1252), CsvEncoding::kWindows1252},
     {ToString(CsvEncoding::kIso88591), CsvEncoding::kIso88591},
     {ToString(CsvEncoding::kUtf16Le), CsvEncoding::kUtf16Le},
     {ToString(CsvEncoding::kUtf16Be), CsvEncoding::kUtf16Be}}};

constexpr Choices<CsvHeaderMatch, 2> kHeaderMatches{
    {{"exact", CsvHeaderMatch::kExact}, {"any_case", CsvHeaderMatch::kAnyCase}}};

char ReadCharacter(const JsonNode& node) {
  const std::string text = node.String();
  if (text.size() != 1) node.Fail("expected one ASCII character");
  return text.front();
}

}  // namespace

CsvDialect ReadDialect(const JsonNode& node) {
  node.RequireObject({"delimiter", "decimal", "thousands", "encoding", "null", "trim", "header"});
  CsvDialect dialect;
  if (const auto member = node.Find("delimiter")) dialect.delimiter = ReadCharacter(*member);
  if (const auto member = node.Find("decimal")) dialect.decimal = ReadCharacter(*member);
  if (const auto member = node.Find("thousands")) {
    dialect.thousands = ReadCharacter(*member);
    // Whoever says only that has whole numbers: the point cannot be both.
    if (dialect.thousands == dialect.decimal && !node.Find("decimal")) dialect.decimal = '\0';
  }
  if (const auto member = node.Find("encoding")) dialect.encoding = ReadChoice(*member, kEncodings);
  if (const auto member = node.Find("null")) dialect.null = member->Strings();
  if (const auto member = node.Find("trim")) {
    dialect.blanks = member->Bool() ? CsvBlanks::kTrimmed : CsvBlanks::kKept;
  }
  if (const auto member = node.Find("header")) dialect.header = ReadChoice(*member, kHeaderMatches);
  const Status good = CheckDialect(dialect);
  if (good) return dialect;
  const auto member = node.Find(good.error().field);
  (member ? *member : node).Fail(good.error().message);
}

}  // namespace forkcast::preprocessing
