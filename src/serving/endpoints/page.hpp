#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "serving/endpoints/invocation_job.hpp"
#include "serving/http/exchange.hpp"
#include "serving/http/job.hpp"
#include "serving/page/page_desk.hpp"
#include "serving/service/service.hpp"

namespace forkcast::serving {

class ApiOperation;

// The page at `/` and what it asks below /page/. What it has to wait for, or takes long, the
// worker's PageDesk does; the connection rests meanwhile.

/// A request that the desk answers.
class PageJob : public Job {
 public:
  Status Begin(Exchange& exchange) final;
  Progress Work() final;

 protected:
  explicit PageJob(Service& service) : service_(service) {}

  /// What is asked; the answer may be made at once instead, and then there is nothing to ask. An
  /// error is the answer.
  virtual Result<PageDesk::Question> Ask() = 0;

  /// A file of the page, as gzip if `packed`.
  using ReadFile = std::function<Result<PageAnswer>(bool packed)>;
  /// What Ask() is of one. `caching`: the header Cache-Control of an answer that is it, and of no
  /// other: nobody keeps an error for good.
  Result<PageDesk::Question> AskForFile(std::string_view caching, ReadFile read);

  [[nodiscard]] Service& service() const noexcept { return service_; }
  [[nodiscard]] Exchange& exchange() const noexcept { return *exchange_; }
  /// A header of the request; empty when it is not there.
  [[nodiscard]] std::string_view Header(std::string_view name) const;
  /// A parameter of the query; empty when it is not there.
  [[nodiscard]] Result<std::string> Parameter(std::string_view name) const;
  [[nodiscard]] Result<std::optional<double>> NumberParameter(std::string_view name) const;
  [[nodiscard]] Result<std::size_t> CountParameter(std::string_view name,
                                                   std::size_t fallback) const;
  /// The deployment that the path names.
  [[nodiscard]] Result<std::shared_ptr<const ServedPipeline>> FindPipeline() const;

 private:
  void Answer(const Result<PageAnswer>& answer);

  Service& service_;
  Exchange* exchange_ = nullptr;
  std::shared_ptr<const PageDesk::Pending> pending_;  // once it was asked
  std::string_view caching_;                          // of the answer
};

/// `GET /`: the page.
class PageDocumentJob final : public PageJob {
 public:
  explicit PageDocumentJob(Service& service) : PageJob(service) {}

 private:
  Result<PageDesk::Question> Ask() override;
};

/// `GET /page/files/{version}/{name}`: what it is made of.
class PageFileJob final : public PageJob {
 public:
  explicit PageFileJob(Service& service) : PageJob(service) {}

 private:
  Result<PageDesk::Question> Ask() override;
};

/// `GET /page/api/deployments`: what is served (DescribeDeployments()).
class PageDeploymentsJob final : public PageJob {
 public:
  explicit PageDeploymentsJob(Service& service) : PageJob(service) {}

 private:
  Result<PageDesk::Question> Ask() override;
};

/// `GET /page/api/deployments/{name}/keys?q=&field=&limit=` (ListKeys()).
class PageKeysJob final : public PageJob {
 public:
  explicit PageKeysJob(Service& service) : PageJob(service) {}

 private:
  Result<PageDesk::Question> Ask() override;
};

/// `GET /page/api/deployments/{name}/history?key=&value=&from=&to=&points=` (DescribeHistory()).
class PageHistoryJob final : public PageJob {
 public:
  explicit PageHistoryJob(Service& service) : PageJob(service) {}

 private:
  Result<PageDesk::Question> Ask() override;
};

/// `POST /page/api/deployments/{name}/invocations`: as `/invocations`, and the answer's head says
/// who answered: `X-Forkcast-Worker: 1`, `X-Forkcast-Host: web-7`.
class PageInvocationJob final : public InvocationJob {
 public:
  explicit PageInvocationJob(Service& service) : InvocationJob(service) {}

 private:
  Result<Catalogue::Entry*> FindDeployment() override;
};

/// `GET /page/api/models`: the registry (ListVersions()).
class PageModelsJob final : public PageJob {
 public:
  explicit PageModelsJob(Service& service) : PageJob(service) {}

 private:
  Result<PageDesk::Question> Ask() override;
};

/// `GET /page/api/models/{model}/{version}` (DescribeVersion()).
class PageVersionJob final : public PageJob {
 public:
  explicit PageVersionJob(Service& service) : PageJob(service) {}

 private:
  Result<PageDesk::Question> Ask() override;
};

/// `POST /page/api/promotions/{model}` (PromoteVersion()).
class PagePromoteJob final : public PageJob {
 public:
  explicit PagePromoteJob(Service& service) : PageJob(service) {}

 private:
  Result<PageDesk::Question> Ask() override;
};

/// `GET /page/api/watch` (DescribeWatch()).
class PageWatchJob final : public PageJob {
 public:
  explicit PageWatchJob(Service& service) : PageJob(service) {}

 private:
  Result<PageDesk::Question> Ask() override;
};

/// `GET /page/api/logs` (ListLogs()).
class PageLogsJob final : public PageJob {
 public:
  explicit PageLogsJob(Service& service) : PageJob(service) {}

 private:
  Result<PageDesk::Question> Ask() override;
};

/// `GET /page/api/logs/{log}?q=&lines=&download=` (TailLog(), DownloadLog()).
class PageLogJob final : public PageJob {
 public:
  explicit PageLogJob(Service& service) : PageJob(service) {}

 private:
  Result<PageDesk::Question> Ask() override;
};

void DescribePageDocument(ApiOperation& operation);
void DescribePageFile(ApiOperation& operation);
void DescribePageQuestion(ApiOperation& operation);
void DescribePageKeys(ApiOperation& operation);
void DescribePageHistory(ApiOperation& operation);
void DescribePagePromotion(ApiOperation& operation);
void DescribePageLog(ApiOperation& operation);

}  // namespace forkcast::serving
