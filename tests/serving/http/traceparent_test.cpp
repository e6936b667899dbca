#include "serving/http/traceparent.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace forkcast::serving {
namespace {

struct TraceCase {
  std::string name;
  std::string text;
  bool valid;
};

void PrintTo(const TraceCase& param, std::ostream* out) { *out << param.text; }

class Traceparent : public testing::TestWithParam<TraceCase> {};

TEST_P(Traceparent, IsOneOrNot) { EXPECT_EQ(IsTraceparent(GetParam().text), GetParam().valid); }

const std::string kTrace = "0af7651916cd43dd8448eb211c80319c";
const std::string kParent = "b7ad6b7169203331";
const std::string kGood = "00-" + kTrace + "-" + kParent + "-01";

INSTANTIATE_TEST_SUITE_P(
    Cases, Traceparent,
    testing::Values(
        TraceCase{"OfTheStandard", kGood, true},
        TraceCase{"NotSampled", kGood.substr(0, 53) + "00", true},
        TraceCase{"OfALaterVersion", "01" + kGood.substr(2), true},
        TraceCase{"OfALaterVersionWithMoreBehind", "cc" + kGood.substr(2) + "-more", true},
        TraceCase{"Nothing", "", false}, TraceCase{"CutShort", kGood.substr(0, 54), false},
        TraceCase{"MoreBehind", kGood + "-more", false},
        TraceCase{"MoreBehindWithoutADash", "cc" + kGood.substr(2) + "more", false},
        TraceCase{"VersionThatIsNone", "ff" + kGood.substr(2), false},
        TraceCase{"CapitalDigits", "00-" + kTrace + "-B7AD6B7169203331-01", false},
        TraceCase{"TraceOfZeros", "00-" + std::string(32, '0') + "-" + kParent + "-01", false},
        TraceCase{"ParentOfZeros", "00-" + kTrace + "-" + std::string(16, '0') + "-01", false},
        TraceCase{"AnotherLetter", "00-" + kTrace + "-b7ad6b716920333g-01", false},
        TraceCase{"BlankInFront", " " + kGood, false}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::serving
