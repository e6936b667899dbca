#include "data_preprocessing/command/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <string>

namespace forkcast::preprocessing {

std::size_t TerminalWidth(int fd, const Environment& environment) {
  if (::isatty(fd) != 1) return 0;
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  constexpr std::size_t kUsual = 80;
  std::size_t columns = kUsual;
  const std::string text = environment("COLUMNS").value_or("");
  std::from_chars(text.data(), text.data() + text.size(), columns);
  return columns == 0 ? kUsual : columns;
}

TextStyle StyleOf(int fd, const Environment& environment) {
  const std::size_t width = TerminalWidth(fd, environment);
  const bool has_colors = environment("TERM").value_or("dumb") != "dumb";
  return {.width = width, .color = width > 0 && has_colors && !environment("NO_COLOR")};
}

}  // namespace forkcast::preprocessing
