#include "serving/routes/route_spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "serving/routes/shop.hpp"

namespace forkcast::serving {
namespace {

using testing::HasSubstr;

struct RefusedCase {
  std::string name;
  std::string route;
  std::string why;
};

class RefusedRoute : public testing::TestWithParam<RefusedCase> {};

TEST_P(RefusedRoute, IsNamedByItsPlace) {
  try {
    Declare("[" + GetParam().route + "]");
    ADD_FAILURE() << "it was taken";
  } catch (const preprocessing::SpecError& error) {
    EXPECT_THAT(error.what(), HasSubstr(GetParam().why));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RefusedRoute,
    testing::Values(
        RefusedCase{"UnknownMember", R"({"method": "GET", "path": "/a", "answer": 1, "anwser": 2})",
                    "$[0].anwser: unknown key"},
        RefusedCase{"OtherMethod", R"({"method": "PUT", "path": "/a", "answer": 1})",
                    "$[0].method: expected GET or POST"},
        RefusedCase{"NoAnswer", R"({"method": "GET", "path": "/a"})",
                    "$[0]: missing key \"answer\""},
        RefusedCase{
            "JobThatIsBoth",
            R"({"method": "POST", "path": "/{id}", "job": {"submit": {}, "state_of": "id"}, "answer": 1})",
            R"($[0].job: expected either "submit" or "state_of")"},
        RefusedCase{"JobThatIsNeither",
                    R"({"method": "POST", "path": "/a", "job": {}, "answer": 1})",
                    R"($[0].job: expected either "submit" or "state_of")"},
        RefusedCase{
            "StatesOfAJobThatIsSubmitted",
            R"({"method": "POST", "path": "/a", "job": {"submit": {}, "states": {}}, "answer": 1})",
            "$[0].job.states: of no use"},
        RefusedCase{"JobThatIsSubmittedByGet",
                    R"({"method": "GET", "path": "/a", "job": {"submit": {}}, "answer": 1})",
                    "$[0].job.submit: only POST"},
        RefusedCase{
            "JobBesideRows",
            R"({"method": "POST", "path": "/a", "rows": "r", "job": {"submit": {}}, "answer": 1})",
            "$[0].rows: a route with"},
        RefusedCase{"JobOfNoParameter",
                    R"({"method": "GET", "path": "/a", "job": {"state_of": "id"}, "answer": 1})",
                    "$[0].job.state_of: the path has no {id}"},
        RefusedCase{"PathWithoutSlash", R"({"method": "GET", "path": "a", "answer": 1})",
                    "$[0].path: expected a path such as"},
        RefusedCase{"PathWithHalfASegment", R"({"method": "GET", "path": "/a-{b}", "answer": 1})",
                    "$[0].path: expected a path such as"},
        RefusedCase{"PathWithAQuery", R"({"method": "GET", "path": "/a?b", "answer": 1})",
                    "$[0].path: expected letters"},
        RefusedCase{"PathWithAnEscape", R"({"method": "GET", "path": "/a%20b", "answer": 1})",
                    "$[0].path: expected letters"},
        RefusedCase{"ASegmentThatThePathHasNot",
                    R"({"method": "GET", "path": "/a", "segments": {"b": "c"}, "answer": 1})",
                    "$[0].segments.b: the path has no {b}"},
        RefusedCase{"GetWithABody",
                    R"({"method": "GET", "path": "/a", "all": {"b": "c"}, "answer": 1})",
                    "$[0].all: only POST has a body"},
        RefusedCase{"ARowWithoutRows",
                    R"({"method": "POST", "path": "/a", "row": {"b": "c"}, "answer": 1})",
                    "$[0].row: expected \"rows\" beside it"},
        RefusedCase{
            "SomethingBesideAnArray",
            R"({"method": "POST", "path": "/a", "rows": "$", "all": {"b": "c"}, "answer": 1})",
            "$[0].all: a body that is an array of rows has nothing beside them"},
        RefusedCase{"AFieldTwice",
                    R"({"method": "GET", "path": "/{b}", "query": {"c": "b"}, "answer": 1})",
                    "something else gives the field \"b\" already"},
        RefusedCase{"AFieldThatIsAConstantToo",
                    R"({"method": "GET", "path": "/{b}", "constants": {"b": 1}, "answer": 1})",
                    "$[0].constants.b: something else gives the field \"b\" already"},
        RefusedCase{"ARangeWithoutFormat",
                    R"({"method": "GET", "path": "/a",
                        "query": {"b": {"fields": ["from", "to"]}}, "answer": 1})",
                    "$[0].query.b: missing key \"format\""},
        RefusedCase{"ARangeOfOne",
                    R"({"method": "GET", "path": "/a",
                        "query": {"b": {"fields": ["from"], "format": "YYYY"}}, "answer": 1})",
                    "$[0].query.b.fields: expected two fields"},
        RefusedCase{"AFormatOfNoTime",
                    R"({"method": "GET", "path": "/a",
                        "query": {"b": {"field": "from", "format": "MM"}}, "answer": 1})",
                    "$[0].query.b.format: there is no YYYY"},
        RefusedCase{"RequiredWithADefault",
                    R"({"method": "GET", "path": "/a",
                        "query": {"b": {"field": "c", "required": true, "default": 1}}, "answer": 1})",
                    "$[0].query.b.default: what is required has no default"},
        RefusedCase{"AStatusOfOurs",
                    R"({"method": "GET", "path": "/a", "answer": 1, "errors": {"status": 500}})",
                    "$[0].errors.status: expected an integer from 400 to 499"},
        RefusedCase{"AStatusOfNobody",
                    R"({"method": "GET", "path": "/a", "answer": 1, "errors": {"status": 499}})",
                    "$[0].errors.status: expected a status that is in use"},
        RefusedCase{
            "ACodeOfOurs",
            R"({"method": "GET", "path": "/a", "answer": 1, "errors": {"status": {"internal": 400}}})",
            "$[0].errors.status.internal: no error of a caller has this code"}),
    [](const auto& param) { return param.param.name; });

TEST(RouteSpec, TakesParametersOfThePathForTheFieldsOfTheirNames) {
  const auto routes = Declare(
      R"([{"method": "GET", "path": "/{store}/{month}", "answer": 1,
           "segments": {"month": {"field": "from", "format": "YYYY-MM"}}}])");
  ASSERT_EQ(routes[0].parameters.size(), 2U);
  EXPECT_EQ(routes[0].parameters[0].fields, std::vector<std::string>{"from"});
  EXPECT_EQ(routes[0].parameters[1].fields, std::vector<std::string>{"store"});
}

struct ClaimCase {
  std::string name;
  std::string method;
  std::string path;
  bool is_free;
};

class ClaimOfAPath : public testing::TestWithParam<ClaimCase> {};

TEST_P(ClaimOfAPath, IsRefusedWhereAnotherAnswers) {
  std::vector<ClaimedPath> claimed{
      {.method = Method::kGet, .path = "/ping", .by = "the server itself"},
      {.method = Method::kPost, .path = "/endpoints/{name}/invocations", .by = "the server itself"},
      {.method = Method::kGet,
       .path = "/v2/models/{name}",
       .by = "the server itself",
       .goes_first = true},
      {.method = Method::kGet, .path = "/predict/{product}", .by = "conf/a.json: $[0]"}};
  const auto routes = Declare(R"([{"method": ")" + GetParam().method + R"(", "path": ")" +
                              GetParam().path + R"(", "answer": 1}])");
  const Status taken = Claim(routes[0], claimed);
  EXPECT_EQ(taken.ok(), GetParam().is_free) << (taken ? "" : taken.error().message);
  EXPECT_EQ(claimed.size(), GetParam().is_free ? 5U : 4U);
  if (!taken) {
    EXPECT_THAT(taken.error().message, HasSubstr("$[0].path: " + GetParam().method));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ClaimOfAPath,
    testing::Values(ClaimCase{"OfTheServer", "GET", "/ping", false},
                    ClaimCase{"ByAnotherMethod", "POST", "/ping", true},
                    ClaimCase{"ByASegmentThatCanBeIt", "GET", "/{product}", false},
                    ClaimCase{"ByASegmentThatCanBeItAndAnotherMethod", "POST", "/{product}", false},
                    ClaimCase{"OfTheSamePattern", "GET", "/predict/{product}", false},
                    ClaimCase{"OfTheSamePatternByAnotherMethod", "POST", "/predict/{product}",
                              true},
                    ClaimCase{"OfOneThatThePatternMatches", "GET", "/predict/all", false},
                    ClaimCase{"OfAPatternThatMatchesTheSame", "GET", "/{what}/{product}", false},
                    ClaimCase{"OfAnInnerSegment", "POST", "/{a}/{b}/{c}", false},
                    ClaimCase{"ThatCrossesOneThatGoesFirst", "POST", "/{a}/{b}/train", true},
                    ClaimCase{"ThatIsWiderThanOneThatGoesFirst", "GET", "/v2/{a}/{b}", false},
                    ClaimCase{"ThatIsNarrowerThanOneThatGoesFirst", "GET", "/v2/models/all", false},
                    ClaimCase{"ThatCrossesOneOfARoute", "GET", "/{what}/all", false},
                    ClaimCase{"OfAShorterPath", "GET", "/predict", true},
                    ClaimCase{"OfALongerPath", "GET", "/predict/{product}/{store}", true},
                    ClaimCase{"OfOneWithASlashBehind", "GET", "/predict/", true}),
    [](const auto& param) { return param.param.name; });

TEST(RouteOfJobs, SubmitsOrTellsAState) {
  const auto routes = Declare(R"([
    {"method": "POST", "path": "/{store}/train", "answer": {"id": "$job_id"},
     "job": {"submit": {"kind": "train", "key": {"store": "{store}"}}}},
    {"method": "GET", "path": "/state/{id}", "answer": "$state",
     "job": {"state_of": "id", "states": {"queued": "PENDING"}}}])");
  ASSERT_TRUE(routes[0].job && routes[1].job);
  EXPECT_TRUE(routes[0].parameters.empty()) << "no field of the pipeline";
  EXPECT_EQ(routes[0].job->order.at("kind"), "train");
  EXPECT_EQ(routes[1].job->id, "id");
  EXPECT_EQ(routes[1].job->states.front().second, "PENDING");
}

}  // namespace
}  // namespace forkcast::serving
