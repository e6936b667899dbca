#include "serving/process/model_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

namespace forkcast::serving {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Outcome = ModelList::Outcome;

constexpr std::size_t kMost = 3;

ListedModel Model(const std::string& name) {
  return {.name = name, .url = "/opt/ml/" + name, .place = "/opt/ml/" + name};
}
std::vector<std::string> NamesIn(const ModelList& list) {
  std::vector<std::string> names;
  for (const ListedModel& model : list.Read().models) names.push_back(model.name);
  return names;
}
/// Does it in another process, which then ends.
template <typename Action>
void InAnotherProcess(Action action) {
  const pid_t child = ::fork();
  if (child == 0) {
    action();
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(ModelList, IsEmptyAtTheStart) {
  const ModelList list(2);
  EXPECT_EQ(list.version(), 1U);
  EXPECT_THAT(NamesIn(list), IsEmpty());
}

TEST(ModelList, HasWhatWasAddedInThatOrderAndEachChangeIsAVersion) {
  ModelList list(2);
  EXPECT_EQ(list.Add(Model("b"), kMost).version, 2U);
  EXPECT_EQ(list.Add(Model("a"), kMost).version, 3U);
  EXPECT_THAT(NamesIn(list), ElementsAre("b", "a"));
  EXPECT_EQ(list.Read().models[1].id, 3U);
  EXPECT_EQ(list.Read().models[1].url, "/opt/ml/a");
  EXPECT_EQ(list.Remove("b").version, 4U);
  EXPECT_THAT(NamesIn(list), ElementsAre("a"));
}

TEST(ModelList, TakesNoNameTwiceAndNoMoreThanMayBe) {
  ModelList list(2);
  for (const char* name : {"a", "b", "c"}) list.Add(Model(name), kMost);
  EXPECT_EQ(list.Add(Model("b"), kMost + 1).outcome, Outcome::kNone);
  EXPECT_EQ(list.Add(Model("d"), kMost).outcome, Outcome::kFull);
  EXPECT_EQ(list.Remove("d").outcome, Outcome::kNone);
  EXPECT_EQ(list.version(), 4U);
}

TEST(ModelList, SaysWhyAModelWasWithdrawnOfThisLoadAlone) {
  ModelList list(2);
  const std::uint64_t first = list.Add(Model("a"), kMost).version;
  list.Remove("a");
  const std::uint64_t second = list.Add(Model("a"), kMost).version;
  list.Withdraw({.id = first, .reason = "late"});
  EXPECT_THAT(NamesIn(list), ElementsAre("a"));
  list.Withdraw({.id = second, .no_room = true, .reason = "\xFF"});
  EXPECT_THAT(NamesIn(list), IsEmpty());
  const ModelList::Contents contents = list.Read();
  ASSERT_EQ(contents.withdrawn.size(), 1U);
  EXPECT_EQ(contents.withdrawn[0].id, second);
  EXPECT_TRUE(contents.withdrawn[0].no_room);
  EXPECT_EQ(contents.withdrawn[0].reason, "\xEF\xBF\xBD") << "as UTF-8";
}

TEST(ModelList, IsThatOfAllProcesses) {
  ModelList list(2);
  list.Add(Model("a"), kMost);
  InAnotherProcess([&list] {
    list.Add(Model("b"), kMost);
    list.Remove("a");
  });
  EXPECT_THAT(NamesIn(list), ElementsAre("b"));
  EXPECT_EQ(list.version(), 4U);
}

/// Each adds a hundred of its own; a change that overwrote another's would be missing.
TEST(ModelList, LosesNothingThatTwoProcessesChangeAtOnce) {
  constexpr int kEach = 100;
  ModelList list(2);
  const auto add = [&list](const std::string& prefix) {
    for (int i = 0; i < kEach; ++i) list.Add(Model(prefix + std::to_string(i)), 2 * kEach);
  };
  const pid_t child = ::fork();
  if (child == 0) {
    add("child");
    ::_exit(0);
  }
  add("parent");
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(list.Read().models.size(), std::size_t{2 * kEach});
}

/// Whatever it was at, what is there is a whole list, and nobody waits for it.
TEST(ModelList, SurvivesWhoeverIsKilledWhileTheyChangeIt) {
  ModelList list(2);
  for (int i = 0; i < 20; ++i) {
    const std::uint64_t before = list.version();
    const pid_t child = ::fork();
    if (child == 0) {
      while (true) {
        list.Add(Model(std::string(3000, 'n')), kMost);
        list.Remove(std::string(3000, 'n'));
      }
    }
    while (list.version() < before + 10) ::sched_yield();
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    EXPECT_LE(NamesIn(list).size(), 1U);
    list.Remove(std::string(3000, 'n'));
  }
  EXPECT_EQ(list.Add(Model("a"), kMost).outcome, Outcome::kDone);
}

TEST(ModelList, LetsAWorkerTakePartWithTheNewestVersionAlone) {
  ModelList list(2);
  EXPECT_EQ(list.progress(1).taken.load(), 0U);
  list.Add(Model("a"), kMost);
  EXPECT_FALSE(list.Join(1, 1));
  EXPECT_EQ(list.progress(1).taken.load(), 0U);
  EXPECT_TRUE(list.Join(1, 2));
  EXPECT_EQ(list.progress(1).taken.load(), 2U);
  EXPECT_EQ(list.progress(1).freed.load(), 2U);
  EXPECT_EQ(list.progress(0).taken.load(), 0U);
}

}  // namespace
}  // namespace forkcast::serving
