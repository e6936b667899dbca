#include "support/faulty_server.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

namespace forkcast::process_test {

using Connections = LoadOptions::Connections;

FaultyServer::FaultyServer() {
  workspace_.Ingest(SampleData());
  OrderBoots("");
  WriteConfig();
}

Server& FaultyServer::Start(ServerOptions options) {
  if (options.program == kForkcast) options.program = kFaulty;
  options.flags.insert(options.flags.end(), {"--config", config()});
  options.environment.push_back("FORKCAST_FAULT_BOOT=" + (workspace_ / "boot").string());
  return server_.emplace(workspace_, options);
}

void FaultyServer::OrderBoots(std::string_view order) const {
  // At once for whoever reads it meanwhile.
  std::filesystem::rename(workspace_.Write("boot.new", order), workspace_ / "boot");
}

void FaultyServer::WriteConfig(const std::string& members, const std::string& further_hooks) const {
  workspace_.Write("config.json",
                   "{" + members + R"("hooks": [{"type": "fault"})" + further_hooks + "]}");
}

std::size_t FaultyServer::ReadyWorkers() const {
  const std::vector<pid_t> children = ChildrenOf(server_->pid());
  const std::string log = server_->log();
  return static_cast<std::size_t>(std::ranges::count_if(children, [&log](const pid_t child) {
    return log.find(" pid=" + std::to_string(child) + " ready ") != std::string::npos;
  }));
}

bool FaultyServer::WillHaveWorkers(std::size_t count, std::chrono::milliseconds patience) const {
  return Eventually(
      [&] { return ReadyWorkers() == count && ChildrenOf(server_->pid()).size() == count; },
      patience);
}

bool LostNothing(const LoadReport& report) {
  return report.failed() == 0 && report.answered() > 0 && report.statuses.size() == 1 &&
         report.wrong_ids == 0 && report.wrong == 0;
}

Request FaultyRequest(const std::string& order) {
  Request request = OneOrder();
  request.headers += "X-Amzn-SageMaker-Custom-Attributes: " + order + "\r\n";
  return request;
}

MixedLoad::MixedLoad(const Server& server, LoadOptions::WhenRefused when_refused) {
  std::size_t i = 0;
  for (const Endpoint& endpoint : {server.endpoint(), server.unix_endpoint()}) {
    for (const Connections connections : {Connections::kKept, Connections::kNewForEach}) {
      loads_[i++] = std::make_unique<Load>(endpoint, LoadOptions{.clients = 4,
                                                                 .connections = connections,
                                                                 .when_refused = when_refused,
                                                                 .request = OneOrder()});
    }
  }
}

bool MixedLoad::WaitForMore(std::size_t answers) const {
  return std::ranges::all_of(loads_,
                             [answers](const auto& load) { return load->WaitForMore(answers); });
}

namespace {

LoadReport Sum(LoadReport sum, const LoadReport& part) {
  for (const auto& [status, count] : part.statuses) sum.statuses[status] += count;
  for (const auto& [outcome, count] : part.failures) sum.failures[outcome] += count;
  sum.wrong_ids += part.wrong_ids;
  sum.wrong += part.wrong;
  sum.slowest = std::max(sum.slowest, part.slowest);
  return sum;
}

}  // namespace

LoadReport MixedLoad::Stop() {
  LoadReport sum;
  for (const auto& load : loads_) sum = Sum(std::move(sum), load->Stop());
  return sum;
}

LoadReport MixedLoad::Join() {
  LoadReport sum;
  for (const auto& load : loads_) sum = Sum(std::move(sum), load->Join());
  return sum;
}

}  // namespace forkcast::process_test
