#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/push/push_message.hpp"
#include "serving/http/exchange.hpp"
#include "serving/http/job.hpp"
#include "serving/service/push_control.hpp"
#include "serving/service/service.hpp"
#include "serving/wire/gzip.hpp"

namespace forkcast::serving {

class ApiOperation;

/// A request that the refresher answers, who alone writes the store. Its body is unpacked, as far
/// as `max_body_bytes` allows, and handed on as a memory file; the connection rests until the
/// answer is there, or its time is over.
class TablesJob : public Job {
 public:
  Status Begin(Exchange& exchange) final;
  Progress Work() final;

 protected:
  explicit TablesJob(Service& service) : service_(service) {}

  /// What is asked. An error is the answer.
  virtual Result<preprocessing::PushRequest> Ask() = 0;

  [[nodiscard]] Exchange& exchange() const noexcept { return *exchange_; }

 private:
  /// Unpacks or copies the next slice of the body.
  Result<Progress> TakeBody();
  Status Send();
  void Answer(const Result<preprocessing::PushReply>& reply);
  void PutOff(const Error& error);

  Service& service_;
  Exchange* exchange_ = nullptr;
  std::optional<wire::GzipReader> unpacked_;  // of a body that came packed
  Fd body_;
  std::size_t copied_ = 0;
  std::unique_ptr<PendingPush> pending_;  // once it was sent
};

/// `POST /tables/{name}/rows`: adds rows; `?partial=true` leaves bad ones out.
class PushRowsJob final : public TablesJob {
 public:
  explicit PushRowsJob(Service& service) : TablesJob(service) {}

 private:
  Result<preprocessing::PushRequest> Ask() override;
};
void DescribePushRows(ApiOperation& operation);

/// `GET /tables`: what there is.
class ListTablesJob final : public TablesJob {
 public:
  explicit ListTablesJob(Service& service) : TablesJob(service) {}

 private:
  Result<preprocessing::PushRequest> Ask() override;
};
void DescribeListTables(ApiOperation& operation);

/// `POST /tables/reset`: back to the original files.
class ResetTablesJob final : public TablesJob {
 public:
  explicit ResetTablesJob(Service& service) : TablesJob(service) {}

 private:
  Result<preprocessing::PushRequest> Ask() override;
};
void DescribeResetTables(ApiOperation& operation);

}  // namespace forkcast::serving
