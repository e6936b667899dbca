#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <future>

#include "support/server.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using preprocessing::ReadWhole;
using testing::HasSubstr;
using Bind = ServerOptions::Bind;
using Ends = ServerOptions::Ends;

void CutShort(const fs::path& file) { fs::resize_file(file, fs::file_size(file) - 1); }

void FlipABit(const fs::path& file) {
  std::string bytes = ReadWhole(file);
  bytes[bytes.size() / 2] ^= 1;
  std::ofstream(file, std::ios::binary) << bytes;
}

void Replace(const fs::path& file, const std::string& what, const std::string& by) {
  std::string text = ReadWhole(file);
  text.replace(text.find(what), what.size(), by);
  std::ofstream(file, std::ios::binary) << text;
}

struct BootCase {
  const char* name;
  /// Spoils a file and says which one.
  std::function<fs::path(const Workspace&)> spoil;
  const char* complaint;
};

const BootCase kBootCases[]{
    {"a snapshot is missing",
     [](const Workspace& w) {
       const fs::path file = w.Snapshot("payments");
       fs::remove(file);
       return file;
     },
     "run forkcast ingest"},
    {"a snapshot is cut short",
     [](const Workspace& w) {
       const fs::path file = w.Snapshot("inventory");
       CutShort(file);
       return file;
     },
     "bytes"},
    {"a snapshot is empty",
     [](const Workspace& w) {
       const fs::path file = w.Snapshot("inventory");
       fs::resize_file(file, 0);
       return file;
     },
     ""},
    {"a bit of a snapshot is flipped",
     [](const Workspace& w) {
       const fs::path file = w.Snapshot("zip_codes");
       FlipABit(file);
       return file;
     },
     "checksum"},
    {"the model is missing",
     [](const Workspace& w) {
       fs::remove(w.model());
       return w.model();
     },
     ""},
    {"the model is cut short",
     [](const Workspace& w) {
       // The last byte is a line feed, which nobody misses.
       fs::resize_file(w.model(), fs::file_size(w.model()) - 2);
       return w.model();
     },
     ""},
    {"a bit of the model is flipped",
     [](const Workspace& w) {
       FlipABit(w.model());
       return w.model();
     },
     ""},
    {"a rule of the model is changed",
     [](const Workspace& w) {
       Replace(w.model(), "\"<=\": 0", "\"<=\": 1");
       return w.model();
     },
     "checksum"},
    {"the pipeline file is missing",
     [](const Workspace& w) {
       fs::remove(w.pipeline());
       return w.pipeline();
     },
     ""},
    {"the pipeline file is no JSON",
     [](const Workspace& w) {
       CutShort(w.pipeline());
       CutShort(w.pipeline());
       return w.pipeline();
     },
     "line"},
    {"the pipeline file has an unknown key",
     [](const Workspace& w) {
       Replace(w.pipeline(), "\"timezone\"", "\"time_zone\"");
       return w.pipeline();
     },
     "$.time_zone"},
    {"the label is a feature",
     [](const Workspace& w) {
       Replace(w.pipeline(), "\"order_hour_of_day\"", "\"order_fulfilled\"");
       return w.pipeline();
     },
     "label"},
};

TEST(Boot, WhatCannotBeLoadedStopsTheServerWithThreeAndTheFilesName) {
  for (const BootCase& one : kBootCases) {
    SCOPED_TRACE(one.name);
    const Workspace workspace;
    workspace.Ingest(SampleData());
    const fs::path file = one.spoil(workspace);
    Server server(workspace, {.ends = Ends::kAnyHow});
    EXPECT_EQ(server.Wait(), 3) << server.log();
    EXPECT_THAT(server.log(), HasSubstr(file));
    EXPECT_THAT(server.log(), HasSubstr(one.complaint));
    EXPECT_EQ(server.CountInLog(" ready "), 0U);
    EXPECT_EQ(server.CountInLog("Sanitizer"), 0U) << server.log();

    Program check(workspace / "check", {kForkcast, "serve", "--check", "--pipeline",
                                        workspace.pipeline(), "--store", workspace.store()});
    EXPECT_EQ(check.Wait(), 3) << check.err();
    EXPECT_THAT(check.err(), HasSubstr(file));
  }
}

TEST(Boot, PingSaysNotYetUntilTheModelIsLoaded) {
  const Workspace workspace;
  workspace.Ingest(SampleData());
  // Whoever opens a FIFO waits until somebody writes.
  const std::string pipeline = ReadWhole(workspace.pipeline());
  fs::remove(workspace.pipeline());
  ASSERT_EQ(::mkfifo(workspace.pipeline().c_str(), 0600), 0);
  Server server(workspace, {.workers = 1});
  const Endpoint endpoint = server.endpoint();

  const Answer ping = AskOnce(endpoint, {.method = "GET", .target = "/ping"});
  EXPECT_EQ(ping.status, 503);
  const Answer invocation = AskOnce(endpoint, OneOrder());
  EXPECT_EQ(invocation.status, 503);
  EXPECT_THAT(invocation.body, HasSubstr("not_ready"));
  EXPECT_EQ(invocation.Header("retry-after"), "1");

  std::ofstream(workspace.pipeline()) << pipeline;
  server.WaitUntilReady();
  const Answer loaded = AskOnce(endpoint, {.method = "GET", .target = "/ping"});
  EXPECT_EQ(loaded.status, 200);
  EXPECT_EQ(loaded.body, "");
  EXPECT_EQ(AskOnce(endpoint, OneOrder()).status, 200);
}

TEST(Boot, WhoeverAsksBeforeTheModelIsLoadedWaitsWhereTheServerIsToldSo) {
  const Workspace workspace;
  workspace.Ingest(SampleData());
  const std::string pipeline = ReadWhole(workspace.pipeline());
  fs::remove(workspace.pipeline());
  ASSERT_EQ(::mkfifo(workspace.pipeline().c_str(), 0600), 0);
  const fs::path admin = workspace / "admin.sock";
  Server server(workspace, {.workers = 1,
                            .flags = {"--wait-while-loading", "true", "--admin-address",
                                      "unix:" + admin.string()}});
  const Endpoint endpoint = server.endpoint();
  auto asked = std::async(std::launch::async, [&] { return AskOnce(endpoint, OneOrder()).status; });
  const Answer ping = AskOnce({.socket = admin}, {.method = "GET", .target = "/ping"});
  EXPECT_EQ(ping.status, 503);
  EXPECT_EQ(asked.wait_for(std::chrono::milliseconds(300)), std::future_status::timeout);

  std::ofstream(workspace.pipeline()) << pipeline;
  EXPECT_EQ(asked.get(), 200);
}

TEST(Boot, ALaterWorkerThatCannotLoadIsTriedAgainWhileTheOthersAnswer) {
  const Workspace workspace;
  workspace.Ingest(SampleData());
  Server server(workspace, {.ends = Ends::kAnyHow});
  server.WaitUntilAllReady();
  const fs::path model = workspace.model();
  fs::rename(model, workspace / "elsewhere");
  ::kill(server.worker(0), SIGKILL);
  EXPECT_TRUE(Eventually([&] { return server.CountInLog("boot_failed") >= 2; })) << server.log();
  EXPECT_EQ(Ping(server.endpoint()), 200);
  EXPECT_EQ(AskOnce(server.endpoint(), OneOrder()).status, 200);
  fs::rename(workspace / "elsewhere", model);
  EXPECT_TRUE(Eventually([&] { return server.starts(0) == 2; })) << server.log();
}

TEST(Boot, ATakenPortIsNamedAndEndsWithFour) {
  const Workspace workspace;
  workspace.Ingest(SampleData());
  Server first(workspace, {.name = "first"});
  first.WaitUntilReady();
  const std::uint16_t port = first.endpoint().port;
  Server second(workspace, {.port = port, .name = "second"});
  EXPECT_EQ(second.Wait(), 5);
  EXPECT_THAT(second.log(), HasSubstr("127.0.0.1:" + std::to_string(port)));
  EXPECT_EQ(Ping(first.endpoint()), 200);
}

TEST(Boot, TheUnixSocketOfALiveServerIsLeftAlone) {
  const Workspace workspace;
  workspace.Ingest(SampleData());
  Server first(workspace, {.bind = Bind::kUnix, .name = "first"});
  first.WaitUntilReady();
  Server second(workspace, {.bind = Bind::kUnix, .name = "second"});
  EXPECT_EQ(second.Wait(), 5);
  EXPECT_THAT(second.log(), HasSubstr("another server is listening there"));
  EXPECT_EQ(Ping(first.endpoint()), 200);
  EXPECT_EQ(first.Stop(), 0);
  EXPECT_FALSE(fs::exists(first.unix_endpoint().socket));
}

TEST(Boot, AFileThatIsNoSocketIsLeftAlone) {
  const Workspace workspace;
  workspace.Ingest(SampleData());
  const fs::path file = workspace.Write("server.sock", "mine");
  Server server(workspace, {.bind = Bind::kUnix});
  EXPECT_EQ(server.Wait(), 5);
  EXPECT_EQ(ReadWhole(file), "mine");
}

}  // namespace
}  // namespace forkcast::process_test
