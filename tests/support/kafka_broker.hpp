#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/program.hpp"
#include "support/test_files.hpp"

namespace forkcast::process_test {

/// A Kafka broker of a test's own, in a new folder and at a free port; it ends with the object.
class KafkaBroker {
 public:
  /// Whether there is Java, and the broker's jars: in the folder that FORKCAST_KAFKA_LIBS names,
  /// else in ~/.cache/forkcast/kafka, into which they are fetched if Maven can.
  [[nodiscard]] static bool IsInstalled();

  /// Starts it; throws std::runtime_error when it does not answer in time.
  KafkaBroker();
  KafkaBroker(const KafkaBroker&) = delete;
  KafkaBroker& operator=(const KafkaBroker&) = delete;
  ~KafkaBroker();

  /// "127.0.0.1:PORT".
  [[nodiscard]] std::string address() const;
  void CreateTopic(const std::string& name, int partitions) const;
  /// Writes messages, one after the other, and waits until the broker has them. None: a message
  /// without value.
  void Write(const std::string& topic, const std::vector<std::optional<std::string>>& values) const;

  /// Ends it as a crash would.
  void Kill();
  /// Starts it again on what it has kept.
  void Start();

 private:
  [[nodiscard]] bool Answers() const;

  preprocessing::TempFolder folder_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Program> broker_;
};

}  // namespace forkcast::process_test
