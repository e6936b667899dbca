#include "data_preprocessing/base/text_table.hpp"

#include <algorithm>

#include "data_preprocessing/base/ascii.hpp"

namespace forkcast {
namespace {

constexpr std::size_t kGap = 2;

constexpr bool BeginsCharacter(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
}

/// The bytes of the first `columns` characters.
std::size_t BytesOf(std::string_view text, std::size_t columns) noexcept {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (BeginsCharacter(text[at]) && columns-- == 0) break;
  }
  return at;
}

bool IsNumber(std::string_view text) noexcept {
  return text.find_first_of("0123456789") != text.npos &&
         text.find_first_not_of("+-.0123456789") == text.npos;
}

std::size_t WholeOf(std::string_view number) noexcept {
  return std::min(number.find('.'), number.size());
}

std::string WithoutEnd(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

/// A cell's text cut into lines of `width` columns.
std::vector<std::string> Cut(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  do {
    const std::size_t bytes = BytesOf(text, width);
    lines.emplace_back(text.substr(0, bytes));
    text.remove_prefix(bytes);
  } while (!text.empty());
  return lines;
}

std::vector<std::string> CellsOf(std::string_view line) {
  std::vector<std::string> cells;
  while (true) {
    const std::size_t tab = std::min(line.find('\t'), line.size());
    cells.emplace_back(line.substr(0, tab));
    if (tab == line.size()) return cells;
    line.remove_prefix(tab + 1);
  }
}

/// The table whose lines of cells these are.
std::string TableOf(const std::vector<std::vector<std::string>>& lines, const TextStyle& style) {
  std::vector<TextTable::Column> columns;
  for (const std::string& title : lines.front()) columns.push_back({title});
  for (std::size_t column = 0; column < columns.size(); ++column) {
    const auto is_number = [column](const std::vector<std::string>& cells) {
      return column >= cells.size() || cells[column].empty() || cells[column] == "-" ||
             IsNumber(cells[column]);
    };
    const bool all = std::all_of(lines.begin() + 1, lines.end(), is_number);
    if (all && column > 0) columns[column].align = TextTable::Align::kNumber;
  }
  TextTable table(std::move(columns));
  for (auto line = lines.begin() + 1; line != lines.end(); ++line) table.Add(*line);
  return table.Text(style);
}

std::string WithoutColors(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    const std::size_t begin = std::min(text.find("\x1b["), text.size());
    plain += text.substr(0, begin);
    const std::size_t end = text.find('m', begin);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return plain;
}

}  // namespace

std::string Colored(std::string_view text, TextColor color, const TextStyle& style) {
  if (!style.color || text.empty()) return std::string(text);
  std::string colored = "\x1b[1m";
  if (color == TextColor::kGreen) colored = "\x1b[32m";
  if (color == TextColor::kRed) colored = "\x1b[31m";
  return colored.append(text).append("\x1b[0m");
}

std::size_t DisplayWidth(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(text, BeginsCharacter));
}

std::string Shortened(std::string_view text, std::size_t width) {
  constexpr std::string_view kEnd = "...";
  if (DisplayWidth(text) <= width) return std::string(text);
  std::string shortened(text.substr(0, BytesOf(text, width - std::min(width, kEnd.size()))));
  return shortened.append(kEnd.substr(0, width));
}

std::string Paragraph(std::string_view text, std::size_t width, std::size_t indent) {
  std::string paragraph(indent, ' ');
  std::size_t column = indent;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find_first_of(" \n"));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (word.empty()) continue;
    const std::size_t wide = DisplayWidth(word);
    if (width > 0 && column > indent && column + 1 + wide > width) {
      paragraph.append("\n").append(indent, ' ');
      column = indent;
    } else if (column > indent) {
      paragraph += ' ';
      ++column;
    }
    paragraph += word;
    column += wide;
  }
  return paragraph + "\n";
}

std::string LaidOut(std::string_view text, const TextStyle& style) {
  std::string laid_out;
  std::vector<std::vector<std::string>> table;
  const auto end_table = [&] {
    if (!table.empty()) laid_out += TableOf(table, style);
    table.clear();
  };
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, size);
    text.remove_prefix(std::min(size + 1, text.size()));
    if (line.find('\t') != line.npos) {
      table.push_back(CellsOf(line));
      continue;
    }
    end_table();
    const std::string shown = style.color ? std::string(line) : WithoutColors(line);
    const std::size_t indent = std::min(shown.find_first_not_of(' '), shown.size());
    const bool has_room = style.width == 0 || DisplayWidth(WithoutColors(shown)) <= style.width;
    laid_out += has_room ? shown + "\n" : Paragraph(shown, style.width, indent);
  }
  end_table();
  return laid_out;
}

void TextTable::Add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::string& cell : cells) std::ranges::replace_if(cell, IsControl, '?');
  rows_.push_back(std::move(cells));
}

TextTable::Layout TextTable::LayoutOf(std::size_t column) const {
  Layout layout;
  std::size_t fraction = 0;
  for (const auto& row : rows_) {
    const std::string& cell = row[column];
    if (columns_[column].align != Align::kNumber || !IsNumber(cell)) {
      layout.width = std::max(layout.width, DisplayWidth(cell));
      continue;
    }
    layout.whole = std::max(layout.whole, WholeOf(cell));
    fraction = std::max(fraction, cell.size() - WholeOf(cell));
  }
  layout.width =
      std::max({layout.width, layout.whole + fraction, DisplayWidth(columns_[column].title)});
  // Numbers end at the right edge: what their title is wider by stands before them.
  if (layout.whole > 0) layout.whole = layout.width - fraction;
  return layout;
}

std::string TextTable::Padded(std::size_t column, const Layout& layout,
                              const std::string& cell) const {
  const std::size_t wide = DisplayWidth(cell);
  const std::size_t left = layout.width - std::min(wide, layout.width);
  if (columns_[column].align == Align::kText) return cell + std::string(left, ' ');
  const std::size_t before = IsNumber(cell) ? layout.whole - WholeOf(cell) : left;
  std::string padded(before, ' ');
  padded += cell;
  if (padded.size() < layout.width) padded.resize(layout.width, ' ');
  return padded;
}

std::string TextTable::Line(const std::vector<std::size_t>& shown,
                            const std::vector<Layout>& layouts,
                            const std::vector<std::string>& cells) const {
  std::vector<std::vector<std::string>> parts;
  std::size_t height = 1;
  for (const std::size_t column : shown) {
    parts.push_back(Cut(cells[column], std::max<std::size_t>(layouts[column].width, 1)));
    height = std::max(height, parts.back().size());
  }
  std::string text;
  for (std::size_t i = 0; i < height; ++i) {
    std::string line;
    for (std::size_t place = 0; place < shown.size(); ++place) {
      if (place > 0) line.append(kGap, ' ');
      const std::string part = i < parts[place].size() ? parts[place][i] : std::string();
      line += Padded(shown[place], layouts[shown[place]], part);
    }
    text += WithoutEnd(std::move(line));
  }
  return text;
}

void TextTable::Narrow(std::size_t width, std::vector<Layout>& layouts) const {
  std::size_t all = 0;
  for (const Layout& layout : layouts) all += layout.width + kGap;
  if (all <= width + kGap) return;
  const auto is_text = [this](std::size_t column) {
    return columns_[column].align == Align::kText;
  };
  // The first column stands before every other one, which needs room beside it: a number all that
  // it takes, a text up to half of the line.
  std::size_t beside = 0;
  for (std::size_t column = 1; column < layouts.size(); ++column) {
    const std::size_t wide = layouts[column].width;
    beside = std::max(beside, is_text(column) ? std::min(wide, width / 2) : wide);
  }
  for (std::size_t column = 0; column < layouts.size(); ++column) {
    const std::size_t taken = kGap + (column == 0 ? beside : layouts[0].width);
    if (!is_text(column)) continue;
    layouts[column].width = std::min(layouts[column].width, width - std::min(width, taken));
  }
}

std::string TextTable::Text(const TextStyle& style) const {
  std::vector<Layout> layouts;
  std::vector<std::string> titles;
  for (std::size_t column = 0; column < columns_.size(); ++column) {
    layouts.push_back(LayoutOf(column));
    titles.push_back(columns_[column].title);
  }
  if (style.width > 0) Narrow(style.width, layouts);
  std::string text;
  for (std::size_t next = 1; next < columns_.size() || text.empty();) {
    std::vector<std::size_t> shown{0};
    std::size_t wide = layouts[0].width;
    for (; next < columns_.size(); ++next) {
      wide += kGap + layouts[next].width;
      if (style.width > 0 && wide > style.width && shown.size() > 1) break;
      shown.push_back(next);
    }
    if (!text.empty()) text += "\n";
    std::string head = Line(shown, layouts, titles);
    head.pop_back();
    text += Colored(head, TextColor::kBold, style) + "\n";
    for (const auto& row : rows_) text += Line(shown, layouts, row);
  }
  return text;
}

}  // namespace forkcast
