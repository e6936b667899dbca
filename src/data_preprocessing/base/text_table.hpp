#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace forkcast {

/// How text is to look where it is shown.
struct TextStyle {
  std::size_t width = 0;  ///< Columns of the terminal; 0: no end, as in a file or a pipe.
  bool color = false;
};

enum class TextColor { kBold, kGreen, kRed };

/// `text` in a color, if there are colors.
[[nodiscard]] std::string Colored(std::string_view text, TextColor color, const TextStyle& style);

/// Columns that `text` takes on a terminal: UTF-8 characters, each one wide.
[[nodiscard]] std::size_t DisplayWidth(std::string_view text) noexcept;

/// `text`, or as much of its beginning as has room in `width` columns with "..." behind.
[[nodiscard]] std::string Shortened(std::string_view text, std::size_t width);

/// The words of `text` in lines of at most `width` columns (0: one line), each behind `indent`
/// blanks; ends with a line feed. A word that is longer stands in a line of its own.
[[nodiscard]] std::string Paragraph(std::string_view text, std::size_t width,
                                    std::size_t indent = 0);

/// A table for people, which every command prints alike: columns as wide as what is in them and two
/// blanks between, numbers with their decimal points below each other. What is wider than the
/// terminal goes on below: first the columns that had no room, behind a repeated first one, then
/// long texts within their columns.
class TextTable {
 public:
  enum class Align { kText, kNumber };
  struct Column {
    std::string title;
    Align align = Align::kText;
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// One row: a cell a column; what is left out at its end is empty. Control characters, which a
  /// terminal might take for more than text, are shown as question marks.
  void Add(std::vector<std::string> cells);
  [[nodiscard]] std::size_t row_count() const noexcept { return rows_.size(); }

  /// Every line ends with a line feed, none with a blank.
  [[nodiscard]] std::string Text(const TextStyle& style = {}) const;

 private:
  /// How a column is laid out.
  struct Layout {
    std::size_t width = 0;
    std::size_t whole = 0;  ///< Of numbers: columns before the point; 0 when none has a point.
  };

  [[nodiscard]] Layout LayoutOf(std::size_t column) const;
  /// Lets texts go on in the next line where a table of two columns would be too wide.
  void Narrow(std::size_t width, std::vector<Layout>& layouts) const;
  [[nodiscard]] std::string Padded(std::size_t column, const Layout& layout,
                                   const std::string& cell) const;
  [[nodiscard]] std::string Line(const std::vector<std::size_t>& shown,
                                 const std::vector<Layout>& layouts,
                                 const std::vector<std::string>& cells) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// Lays out a text for people that was made without knowing where it is shown. Lines with tabs in
/// them that follow each other are a table: the first one its titles, columns of numbers where
/// every cell is a number or "-". Other lines are broken where the terminal ends. Colored() texts
/// in it lose their colors where there are none.
[[nodiscard]] std::string LaidOut(std::string_view text, const TextStyle& style);

}  // namespace forkcast
