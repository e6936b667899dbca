#include "data_preprocessing/base/text_table.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace forkcast {
namespace {

using enum TextTable::Align;

TextTable Errors() {
  TextTable table({{"", kText}, {"rows", kNumber}, {"mae", kNumber}, {"rmse", kNumber}});
  table.Add({"model", "12", "9.5", "356633329.7"});
  table.Add({"moving_average(4)", "9", "1234.25", "-"});
  return table;
}

TEST(TextTables, HaveColumnsAsWideAsTheirCellsAndPointsBelowEachOther) {
  EXPECT_EQ(Errors().Text(),
            "                   rows      mae         rmse\n"
            "model                12     9.5   356633329.7\n"
            "moving_average(4)     9  1234.25            -\n");
}

TEST(TextTables, GoOnBelowWhereTheTerminalEnds) {
  EXPECT_EQ(Errors().Text({.width = 34}),
            "                   rows      mae\n"
            "model                12     9.5\n"
            "moving_average(4)     9  1234.25\n"
            "\n"
            "                          rmse\n"
            "model              356633329.7\n"
            "moving_average(4)            -\n");
}

TEST(TextTables, CutLongTextsIntoLinesOfTheirColumn) {
  TextTable table({{"name"}, {"here"}, {"there"}});
  table.Add({"path", "abcdefghijklmnopqrstuvwxyz", "x"});
  EXPECT_EQ(table.Text({.width = 20}),
            "name  here\n"
            "path  abcdefghijklmn\n"
            "      opqrstuvwxyz\n"
            "\n"
            "name  there\n"
            "path  x\n");
}

TEST(TextTables, CountCharactersAndNotBytes) {
  TextTable table({{"name"}, {"n", kNumber}});
  table.Add({"Käse", "1"});
  table.Add({"Rahm", "2"});
  EXPECT_EQ(table.Text(), "name  n\nKäse  1\nRahm  2\n");
}

TEST(TextTables, ShowControlCharactersAsQuestionMarks) {
  TextTable table({{"name"}});
  table.Add({"a\x1b[31m\nb"});
  EXPECT_EQ(table.Text(), "name\na?[31m?b\n");
}

TEST(TextTables, HaveABoldHeadWhereThereAreColors) {
  TextTable table({{"name"}});
  EXPECT_EQ(table.Text({.color = true}), "\x1b[1mname\x1b[0m\n");
}

TEST(Paragraphs, BreakAtBlanks) {
  EXPECT_EQ(Paragraph("one two three", 9, 2), "  one two\n  three\n");
  EXPECT_EQ(Paragraph("one incomprehensible three", 9), "one\nincomprehensible\nthree\n");
  EXPECT_EQ(Paragraph("one two three", 0), "one two three\n");
  EXPECT_EQ(Paragraph("one\ntwo  three\n", 80), "one two three\n");
}

TEST(LaidOutTexts, HaveTablesWhereTheirLinesHaveTabs) {
  EXPECT_EQ(LaidOut("\trows\tmae\tis\nmodel\t12\t9.25\tgood\nnaive\t9\t-\n\nThat is all.\n", {}),
            "       rows   mae  is\n"
            "model    12  9.25  good\n"
            "naive     9     -\n"
            "\n"
            "That is all.\n");
}

TEST(LaidOutTexts, BreakWhereTheTerminalEnds) {
  EXPECT_EQ(LaidOut("  one two three\nx\tone\ty\na\tb\tc\n", {.width = 9}),
            "  one two\n  three\nx  one  y\na  b    c\n");
}

TEST(LaidOutTexts, KeepTheirColorsWhereThereAreColors) {
  const std::string verdict = Colored("It is better.", TextColor::kGreen, {.color = true}) + "\n";
  EXPECT_EQ(LaidOut(verdict, {.color = true}), "\x1b[32mIt is better.\x1b[0m\n");
  EXPECT_EQ(LaidOut(verdict, {}), "It is better.\n");
}

TEST(Colors, AreThereWhenAskedFor) {
  EXPECT_EQ(Colored("yes", TextColor::kGreen, {}), "yes");
  EXPECT_EQ(Colored("yes", TextColor::kGreen, {.color = true}), "\x1b[32myes\x1b[0m");
  EXPECT_EQ(Colored("no", TextColor::kRed, {.color = true}), "\x1b[31mno\x1b[0m");
}

TEST(ShortenedTexts, SayThatTheyGoOn) {
  EXPECT_EQ(Shortened("orders", 6), "orders");
  EXPECT_EQ(Shortened("orders.csv", 6), "ord...");
  EXPECT_EQ(Shortened("Käsekuchen", 5), "Kä...");
  EXPECT_EQ(Shortened("orders", 2), "..");
}

}  // namespace
}  // namespace forkcast
