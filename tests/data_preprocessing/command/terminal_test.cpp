#include "data_preprocessing/command/terminal.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>

#include <map>
#include <optional>
#include <stdexcept>
#include <string>

#include "data_preprocessing/base/fd.hpp"

namespace forkcast::preprocessing {
namespace {

using Variables = std::map<std::string, std::string>;

Environment EnvironmentOf(Variables variables) {
  return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

/// A terminal of so many columns.
class Terminal {
 public:
  explicit Terminal(unsigned short columns) {
    const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    int master = -1;
    int slave = -1;
    if (::openpty(&master, &slave, nullptr, nullptr, &size) != 0) {
      throw std::runtime_error("no pseudo terminal");
    }
    master_ = Fd(master);
    slave_ = Fd(slave);
  }
  [[nodiscard]] int fd() const noexcept { return slave_.get(); }

 private:
  Fd master_;
  Fd slave_;
};

struct StyleCase {
  std::string name;
  unsigned short columns;
  Variables variables;
  std::size_t width;
  bool color;
};

class Styles : public testing::TestWithParam<StyleCase> {};

TEST_P(Styles, FollowFromTerminalAndEnvironment) {
  const StyleCase& one = GetParam();
  const TextStyle style = StyleOf(Terminal(one.columns).fd(), EnvironmentOf(one.variables));
  EXPECT_EQ(style.width, one.width);
  EXPECT_EQ(style.color, one.color);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Styles,
    testing::Values(
        StyleCase{"Colored", 132, {{"TERM", "xterm"}}, 132, true},
        StyleCase{"NotWithNoColor", 132, {{"TERM", "xterm"}, {"NO_COLOR", "1"}}, 132, false},
        StyleCase{"NotOnADumbTerminal", 132, {{"TERM", "dumb"}}, 132, false},
        StyleCase{"NotWithoutAnyTerm", 132, {}, 132, false},
        StyleCase{"ColumnsOfTheVariable", 0, {{"TERM", "xterm"}, {"COLUMNS", "50"}}, 50, true},
        StyleCase{"UsualColumns", 0, {{"TERM", "xterm"}}, 80, true},
        StyleCase{
            "TerminalBeforeVariable", 132, {{"TERM", "xterm"}, {"COLUMNS", "50"}}, 132, true}),
    [](const auto& param) { return param.param.name; });

TEST(Styles, AFileHasNoEndOfLineAndNoColor) {
  const Fd file(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  const TextStyle style =
      StyleOf(file.get(), EnvironmentOf({{"TERM", "xterm"}, {"COLUMNS", "50"}}));
  EXPECT_EQ(style.width, 0U);
  EXPECT_FALSE(style.color);
}

}  // namespace
}  // namespace forkcast::preprocessing
