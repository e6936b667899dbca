#include "support/s3_server.hpp"

#include <csignal>
#include <stdexcept>

#include "support/loopback.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kBuildPatience{14};
constexpr const char* kKey = "forkcast-tests";
constexpr const char* kSecret = "not-a-secret-of-anybody";

fs::path Folder() {
  if (const auto given = ProcessEnvironment("VERSITYGW")) return *given;
  return fs::path(ProcessEnvironment("HOME").value_or("/tmp")) / ".cache/forkcast/versitygw";
}

bool Build() {
  const preprocessing::TempFolder folder;
  Program build(folder.path() / "build",
                {FORKCAST_SOURCE_DIR "/tests/support/get_versitygw.sh", Folder().string()});
  return build.Wait(kBuildPatience) == 0;
}

}  // namespace

bool S3Server::IsInstalled() {
  static const bool is_installed = fs::exists(Folder() / "versitygw") || Build();
  return is_installed;
}

S3Server::S3Server() : port_(FreePort()) {
  fs::create_directories(bucket());
  Start();
}

std::vector<std::string> S3Server::Variables(std::uint16_t port, const std::string& name) const {
  return {"AWS_ENDPOINT_URL=http://127.0.0.1:" + std::to_string(port), "AWS_REGION=us-east-1",
          std::string("AWS_ACCESS_KEY_ID=") + kKey, std::string("AWS_SECRET_ACCESS_KEY=") + kSecret,
          "FORKCAST_MODELS_CACHE=" + cache(name).string()};
}

void S3Server::Kill() {
  server_->Signal(SIGKILL);
  static_cast<void>(server_->Wait());
}

void S3Server::Start() {
  const std::string address = "127.0.0.1:" + std::to_string(port_);
  server_ = std::make_unique<Program>(
      folder_.path() / "versitygw",
      std::vector<std::string>{"/usr/bin/setpriv", "--pdeathsig=KILL",
                               (Folder() / "versitygw").string(), "--port", address, "--quiet",
                               "posix", (folder_.path() / "s3").string()},
      std::vector<std::string>{std::string("ROOT_ACCESS_KEY=") + kKey,
                               std::string("ROOT_SECRET_KEY=") + kSecret});
  if (!Eventually([this] { return Connects(port_); })) {
    throw std::runtime_error("versitygw does not start: " + server_->out() + server_->err());
  }
}

Environment EnvironmentOf(std::vector<std::string> variables) {
  return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
    const std::string begin = std::string(name) + "=";
    for (const std::string& one : variables) {
      if (one.starts_with(begin) && one.size() > begin.size()) return one.substr(begin.size());
    }
    return std::nullopt;
  };
}

}  // namespace forkcast::process_test
