#include "support/kafka_broker.hpp"

#include <arpa/inet.h>
#include <librdkafka/rdkafka.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <csignal>
#include <cstdlib>
#include <functional>
#include <stdexcept>

#include "data_preprocessing/base/environment.hpp"

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kFetchPatience{180};
const fs::path kJava = "/usr/bin/java";

fs::path Libraries() {
  if (const auto given = ProcessEnvironment("FORKCAST_KAFKA_LIBS")) return *given;
  return fs::path(ProcessEnvironment("HOME").value_or("/tmp")) / ".cache/forkcast/kafka";
}

bool Fetch() {
  const preprocessing::TempFolder folder;
  Program fetch(folder.path() / "fetch",
                {FORKCAST_SOURCE_DIR "/tests/support/get_kafka.sh", Libraries().string()});
  return fetch.Wait(kFetchPatience) == 0;
}

std::uint16_t FreePort() {
  const Fd socket(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket.get(), any, size) != 0 || ::getsockname(socket.get(), any, &size) != 0) {
    throw std::runtime_error("no free port");
  }
  return ntohs(address.sin_port);
}

std::vector<std::string> Java(std::vector<std::string> words) {
  std::vector<std::string> whole{"/usr/bin/setpriv",
                                 "--pdeathsig=KILL",
                                 kJava,
                                 "-Xmx192m",
                                 "-Xms64m",
                                 "-XX:+UseSerialGC",
                                 "-XX:TieredStopAtLevel=1",
                                 "-cp",
                                 (Libraries() / "*").string()};
  whole.insert(whole.end(), words.begin(), words.end());
  return whole;
}

struct DestroyKafka {
  void operator()(rd_kafka_t* handle) const noexcept { rd_kafka_destroy(handle); }
};

std::unique_ptr<rd_kafka_t, DestroyKafka> Producer(const std::string& address) {
  rd_kafka_conf_t* const conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", address.c_str(), nullptr, 0);
  rd_kafka_conf_set(conf, "message.max.bytes", "20000000", nullptr, 0);
  rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
  return std::unique_ptr<rd_kafka_t, DestroyKafka>(
      rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0));
}

void Require(rd_kafka_resp_err_t error) {
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(error));
}

}  // namespace

bool KafkaBroker::IsInstalled() {
  static const bool is_installed = fs::exists(kJava) && Fetch();
  return is_installed;
}

KafkaBroker::KafkaBroker() : port_(FreePort()) {
  const std::string port = std::to_string(port_);
  const std::string controller = std::to_string(FreePort());
  folder_.Write("server.properties",
                "process.roles=broker,controller\nnode.id=1\n"
                "controller.quorum.voters=1@127.0.0.1:" +
                    controller +
                    "\n"
                    "listeners=PLAINTEXT://127.0.0.1:" +
                    port + ",CONTROLLER://127.0.0.1:" + controller +
                    "\n"
                    "advertised.listeners=PLAINTEXT://127.0.0.1:" +
                    port +
                    "\n"
                    "controller.listener.names=CONTROLLER\n"
                    "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n"
                    "log.dirs=" +
                    (folder_.path() / "data").string() +
                    "\n"
                    "auto.create.topics.enable=false\noffsets.topic.replication.factor=1\n"
                    "offsets.topic.num.partitions=1\ntransaction.state.log.replication.factor=1\n"
                    "transaction.state.log.min.isr=1\ntransaction.state.log.num.partitions=1\n"
                    "group.initial.rebalance.delay.ms=0\n"
                    "log.cleaner.dedupe.buffer.size=10485760\nlog.cleaner.threads=1\n"
                    "num.network.threads=2\nnum.io.threads=2\nmessage.max.bytes=20000000\n");
  RunToEnd(folder_.path() / "format",
           Java({"kafka.tools.StorageTool", "format", "--config",
                 folder_.path() / "server.properties", "--cluster-id", "4L6g3nShT-eMCtK--X86sw"}));
  Start();
}

KafkaBroker::~KafkaBroker() { Kill(); }

std::string KafkaBroker::address() const { return "127.0.0.1:" + std::to_string(port_); }

bool KafkaBroker::Answers() const {
  constexpr int kAskMs = 1000;
  const rd_kafka_metadata_t* found = nullptr;
  const auto producer = Producer(address());
  if (rd_kafka_metadata(producer.get(), 0, nullptr, &found, kAskMs) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return false;
  }
  const bool has_broker = found->broker_cnt == 1;
  rd_kafka_metadata_destroy(found);
  return has_broker;
}

void KafkaBroker::Start() {
  broker_ = std::make_unique<Program>(folder_.path() / "broker",
                                      Java({"kafka.Kafka", folder_.path() / "server.properties"}));
  constexpr std::chrono::seconds kStartPatience{90};
  if (!Eventually([this] { return Answers(); }, kStartPatience)) {
    throw std::runtime_error("Kafka does not start: " + broker_->out() + broker_->err());
  }
}

void KafkaBroker::Kill() {
  broker_->Signal(SIGKILL);
  static_cast<void>(broker_->Wait());
}

void KafkaBroker::CreateTopic(const std::string& name, int partitions) const {
  const auto producer = Producer(address());
  rd_kafka_NewTopic_t* topic = rd_kafka_NewTopic_new(name.c_str(), partitions, 1, nullptr, 0);
  rd_kafka_queue_t* const queue = rd_kafka_queue_new(producer.get());
  rd_kafka_CreateTopics(producer.get(), &topic, 1, nullptr, queue);
  constexpr int kPatienceMs = 30'000;
  rd_kafka_event_t* const event = rd_kafka_queue_poll(queue, kPatienceMs);
  const rd_kafka_resp_err_t error =
      event == nullptr ? RD_KAFKA_RESP_ERR__TIMED_OUT : rd_kafka_event_error(event);
  if (event != nullptr) rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_NewTopic_destroy(topic);
  Require(error);
}

void KafkaBroker::Write(const std::string& topic,
                        const std::vector<std::optional<std::string>>& values) const {
  const auto producer = Producer(address());
  rd_kafka_topic_t* const into = rd_kafka_topic_new(producer.get(), topic.c_str(), nullptr);
  for (const auto& value : values) {
    void* const bytes = value ? const_cast<char*>(value->data()) : nullptr;
    if (rd_kafka_produce(into, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, bytes,
                         value ? value->size() : 0, nullptr, 0, nullptr) != 0) {
      Require(rd_kafka_last_error());
    }
  }
  rd_kafka_topic_destroy(into);
  Require(rd_kafka_flush(producer.get(), static_cast<int>(kPatience.count())));
}

}  // namespace forkcast::process_test
