#pragma once

#include <memory>
#include <string>

#include "serving/access/password_checker.hpp"
#include "serving/access/sessions.hpp"
#include "serving/http/exchange.hpp"
#include "serving/http/job.hpp"
#include "serving/service/service.hpp"

namespace forkcast::serving {

class ApiOperation;

/// `GET /session`: who is logged in, and what a page has to show when it changes something.
void ShowSession(Exchange& exchange, Service& service);
void DescribeShowSession(ApiOperation& operation);

/// `POST /session`: a password is tried beside the loop, and the connection rests meanwhile. In
/// JSON for programs and pages with scripts; as a form for those without, whose answer is a page,
/// and which also logs out so.
class LogInJob final : public Job {
 public:
  explicit LogInJob(Service& service) : service_(service) {}

  Status Begin(Exchange& exchange) override;
  Progress Work() override;

 private:
  enum class Form { kJson, kForm };
  struct Asked {
    std::string user{};
    std::string password{};
    std::string log_out{};  ///< The CSRF token of who logs out; empty: somebody logs in.
  };

  [[nodiscard]] Attempt AttemptNow() const;
  Result<Asked> Read();
  [[nodiscard]] Result<Asked> ReadJson() const;
  [[nodiscard]] Result<Asked> ReadForm() const;
  /// Done where the answer is made without a look at the password.
  Progress TryPassword();
  Progress Refuse(const Error& error);
  /// The password, or the user, is wrong: nobody is told which.
  Progress Deny();
  Progress LetIn();
  Progress LogOut(const std::string& csrf_token);

  Service& service_;
  Exchange* exchange_ = nullptr;
  Form form_ = Form::kJson;
  std::string user_;
  Sessions::Door door_;
  std::shared_ptr<const PasswordCheck> check_;
};
void DescribeLogIn(ApiOperation& operation);

/// `DELETE /session`: no worker takes the session any more, and the browser forgets it.
void EndSession(Exchange& exchange, Service& service);
void DescribeLogOut(ApiOperation& operation);

/// `GET /login`: a page with a form to log in, or out.
void ShowLogin(Exchange& exchange, Service& service);
void DescribeShowLogin(ApiOperation& operation);

}  // namespace forkcast::serving
