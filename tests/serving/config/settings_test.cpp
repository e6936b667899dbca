#include "serving/config/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "serving/config/address.hpp"
#include "serving/config/settings_parser.hpp"

namespace forkcast::serving {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const EffectiveSetting& ValueOf(const ParsedSettings& parsed, const std::string& key) {
  const auto found = std::ranges::find(parsed.values, key, &EffectiveSetting::key);
  if (found == parsed.values.end()) throw std::runtime_error("no setting " + key);
  return *found;
}

struct GoodCase {
  std::string name;
  Words flags;
  Variables variables;
  std::string file;
  std::string key;
  std::string text;
  std::string origin;
};

void PrintTo(const GoodCase& one, std::ostream* out) { *out << one.name; }

class GoodSetting : public testing::TestWithParam<GoodCase> {};

TEST_P(GoodSetting, HasTheValueAndOriginOfTheFirstSourceThatNamesIt) {
  const GoodCase& one = GetParam();
  const Parser parser(one.file);
  const auto parsed = parser.Parse(one.flags, one.variables);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(ValueOf(*parsed, one.key).text, one.text);
  EXPECT_EQ(parser.Generic(ValueOf(*parsed, one.key).origin), one.origin);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, GoodSetting,
    testing::Values(
        GoodCase{"DefaultWhenNobodyNamesIt", {}, {}, "{}", "timeout", "60", "default"},
        GoodCase{"FileBeforeDefault", {}, {}, R"({"timeout": 30})", "timeout", "30", "FILE"},
        GoodCase{"EnvironmentBeforeFile",
                 {},
                 {{"MODEL_SERVER_TIMEOUT", "20"}},
                 R"({"timeout": 30})",
                 "timeout",
                 "20",
                 "MODEL_SERVER_TIMEOUT"},
        GoodCase{"FlagBeforeEnvironment",
                 {"--timeout", "10"},
                 {{"MODEL_SERVER_TIMEOUT", "20"}},
                 R"({"timeout": 30})",
                 "timeout",
                 "10",
                 "--timeout"},
        GoodCase{"FlagWithEqualsSign", {"--workers=3"}, {}, "", "workers", "3", "--workers"},
        GoodCase{"WorkersFromTheVariableOfOtherServers",
                 {},
                 {{"MODEL_SERVER_WORKERS", "256"}},
                 "",
                 "workers",
                 "256",
                 "MODEL_SERVER_WORKERS"},
        GoodCase{"WorkersFromTheirOwnVariable",
                 {},
                 {{"FORKCAST_WORKERS", "7"}},
                 R"({"workers": 2})",
                 "workers",
                 "7",
                 "FORKCAST_WORKERS"},
        GoodCase{"VariableOfOtherServersBeforeTheOwn",
                 {},
                 {{"FORKCAST_WORKERS", "7"}, {"MODEL_SERVER_WORKERS", "3"}},
                 "",
                 "workers",
                 "3",
                 "MODEL_SERVER_WORKERS"},
        GoodCase{"OwnVariableBeforeThatOfTheSdk",
                 {},
                 {{"FORKCAST_WORKERS", "7"}, {"SAGEMAKER_MODEL_SERVER_WORKERS", "5"}},
                 "",
                 "workers",
                 "7",
                 "FORKCAST_WORKERS"},
        GoodCase{"WorkersOfTheSdk",
                 {},
                 {{"SAGEMAKER_MODEL_SERVER_WORKERS", "5"}},
                 "",
                 "workers",
                 "5",
                 "SAGEMAKER_MODEL_SERVER_WORKERS"},
        GoodCase{"TimeoutOfTheSdkInSeconds",
                 {},
                 {{"SAGEMAKER_MODEL_SERVER_TIMEOUT", "30"}},
                 "",
                 "timeout",
                 "30",
                 "SAGEMAKER_MODEL_SERVER_TIMEOUT"},
        GoodCase{"StartupTimeoutOfTheSdk",
                 {},
                 {{"SAGEMAKER_STARTUP_TIMEOUT", "600"}},
                 "",
                 "boot_timeout",
                 "600",
                 "SAGEMAKER_STARTUP_TIMEOUT"},
        GoodCase{"PayloadOfATransformJobInMegabytes",
                 {},
                 {{"SAGEMAKER_MAX_PAYLOAD_IN_MB", "6"}},
                 "",
                 "max_body_bytes",
                 "6291456",
                 "SAGEMAKER_MAX_PAYLOAD_IN_MB"},
        GoodCase{"PayloadOfATransformJobWithoutALimit",
                 {},
                 {{"SAGEMAKER_MAX_PAYLOAD_IN_MB", "0"}},
                 "",
                 "max_body_bytes",
                 "1073741824",
                 "SAGEMAKER_MAX_PAYLOAD_IN_MB"},
        GoodCase{"LogLevelOfPython",
                 {},
                 {{"SAGEMAKER_CONTAINER_LOG_LEVEL", "30"}},
                 "",
                 "log_level",
                 "warn",
                 "SAGEMAKER_CONTAINER_LOG_LEVEL"},
        GoodCase{"KeyWithUnderscoresFlagWithDashes",
                 {"--max-body-bytes", "1073741824"},
                 {},
                 "",
                 "max_body_bytes",
                 "1073741824",
                 "--max-body-bytes"},
        GoodCase{"RepeatedBind",
                 {"--bind", "127.0.0.1:1", "--bind", "unix:a"},
                 {},
                 "",
                 "bind",
                 "127.0.0.1:1,unix:a",
                 "--bind"},
        GoodCase{"BindWithCommasOnTheCommandLine",
                 {"--bind", "127.0.0.1:1,unix:/x"},
                 {},
                 "",
                 "bind",
                 "127.0.0.1:1,unix:/x",
                 "--bind"},
        GoodCase{"BindToAName",
                 {"--bind", "localhost:8080"},
                 {},
                 "",
                 "bind",
                 "localhost:8080",
                 "--bind"},
        GoodCase{"TrustedProxiesWithCommas",
                 {"--trusted-proxies", "10.0.0.0/8,unix,2001:db8::/32"},
                 {},
                 "",
                 "trusted_proxies",
                 "10.0.0.0/8,unix,2001:db8::/32",
                 "--trusted-proxies"},
        GoodCase{"CorsOriginsInTheFile",
                 {},
                 {},
                 R"({"cors_origins": ["https://shop.example", "http://localhost:3000"]})",
                 "cors_origins",
                 "https://shop.example,http://localhost:3000",
                 "FILE"},
        GoodCase{"BindListInTheEnvironment",
                 {},
                 {{"FORKCAST_BIND", "127.0.0.1:1,[::1]:2"}},
                 "",
                 "bind",
                 "127.0.0.1:1,[::1]:2",
                 "FORKCAST_BIND"},
        GoodCase{"BindListInTheFile",
                 {},
                 {},
                 R"({"bind": ["127.0.0.1:1", "unix:s"]})",
                 "bind",
                 "127.0.0.1:1,unix:s",
                 "FILE"},
        GoodCase{"BindWithCommasInTheFile",
                 {},
                 {},
                 R"({"bind": "127.0.0.1:1,unix:s"})",
                 "bind",
                 "127.0.0.1:1,unix:s",
                 "FILE"},
        GoodCase{"PortOfThePlatformBeforeTheFile",
                 {},
                 {{"SAGEMAKER_BIND_TO_PORT", "9000"}},
                 R"({"bind": "127.0.0.1:1"})",
                 "bind",
                 "0.0.0.0:9000",
                 "SAGEMAKER_BIND_TO_PORT"},
        GoodCase{"OwnBindVariableBeforeThePlatforms",
                 {},
                 {{"SAGEMAKER_BIND_TO_PORT", "9000"}, {"FORKCAST_BIND", "127.0.0.1:1"}},
                 "",
                 "bind",
                 "127.0.0.1:1",
                 "FORKCAST_BIND"},
        GoodCase{"BindFlagBeforeThePlatforms",
                 {"--bind", "127.0.0.1:1"},
                 {{"SAGEMAKER_BIND_TO_PORT", "9000"}},
                 "",
                 "bind",
                 "127.0.0.1:1",
                 "--bind"},
        GoodCase{"ManyModelsAsThePlatformsToolsWriteIt",
                 {},
                 {{"SAGEMAKER_MULTI_MODEL", "True"}},
                 R"({"multi_model": false})",
                 "multi_model",
                 "True",
                 "SAGEMAKER_MULTI_MODEL"},
        GoodCase{"AccessLogOnStandardOutput", {}, {}, "", "access_log_file", "-", "default"},
        GoodCase{"PidfileOfTheEnvironment",
                 {},
                 {{"FORKCAST_PIDFILE", "/run/f.pid"}},
                 "",
                 "pidfile",
                 "/run/f.pid",
                 "FORKCAST_PIDFILE"},
        GoodCase{"ControlOfTheEnvironment",
                 {},
                 {{"FORKCAST_CONTROL", "/run/f.ctl"}},
                 "",
                 "control",
                 "/run/f.ctl",
                 "FORKCAST_CONTROL"},
        GoodCase{"UmaskWithoutZeroInFront", {"--umask", "77"}, {}, "", "umask", "77", "--umask"},
        GoodCase{"SnapshotsBesideTheStore", {}, {}, "", "snapshots", "s.db.snapshots", "default"},
        GoodCase{"SnapshotsElsewhere",
                 {"--snapshots", "dir"},
                 {},
                 "",
                 "snapshots",
                 "dir",
                 "--snapshots"}),
    [](const auto& param) { return param.param.name; });

struct BadCase {
  std::string name;
  Words flags;
  Variables variables;
  std::string file;
  std::string message;
};

void PrintTo(const BadCase& one, std::ostream* out) { *out << one.name; }

class BadSetting : public testing::TestWithParam<BadCase> {};

TEST_P(BadSetting, IsRefusedWithValueOriginAndWhatIsAllowed) {
  const BadCase& one = GetParam();
  const Parser parser(one.file);
  const auto parsed = parser.Parse(one.flags, one.variables);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(parser.Generic(parsed.error().message), HasSubstr(one.message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadSetting,
    testing::Values(
        BadCase{"NoNumber",
                {},
                {{"MODEL_SERVER_WORKERS", "zero"}},
                "",
                R"(workers: "zero" from MODEL_SERVER_WORKERS: expected an integer from 1 to 256)"},
        BadCase{"BelowTheLeast",
                {"--timeout", "0"},
                {},
                "",
                R"(timeout: "0" from --timeout: expected an integer from 1 to 3600)"},
        BadCase{"Negative",
                {"--workers", "-1"},
                {},
                "",
                R"(workers: "-1" from --workers: expected an integer from 1 to 256)"},
        BadCase{"OverTheMost",
                {},
                {},
                R"({"max_rows": 10000001})",
                "max_rows: 10000001 from FILE, $.max_rows: expected an integer from 1 to 10000000"},
        BadCase{"NumberWithFraction",
                {},
                {},
                R"({"backlog": 1.5})",
                "backlog: 1.5 from FILE, $.backlog: expected an integer from 1 to 65535"},
        BadCase{"BeyondSixtyFourBits",
                {},
                {},
                R"({"workers": 99999999999999999999})",
                "from FILE, $.workers: expected an integer from 1 to 256"},
        BadCase{"NumberAsTextInTheFile",
                {},
                {},
                R"({"workers": "4"})",
                R"(workers: "4" from FILE, $.workers: expected an integer from 1 to 256)"},
        BadCase{"TextThatIsANumberInTheFile",
                {},
                {},
                R"({"log_level": 3})",
                "log_level: 3 from FILE, $.log_level: expected debug, info, warn or error"},
        BadCase{"UnknownLogLevel",
                {"--log-level", "loud"},
                {},
                "",
                R"(log_level: "loud" from --log-level: expected debug, info, warn or error)"},
        BadCase{"UnknownAccessLog",
                {"--access-log", "combined"},
                {},
                "",
                R"(access_log: "combined" from --access-log: expected off, common or json)"},
        BadCase{"UmaskThatIsNotOctal",
                {"--umask", "028"},
                {},
                "",
                R"(umask: "028" from --umask: expected an octal number from 0 to 777)"},
        BadCase{"UmaskOverTheMost",
                {},
                {},
                R"({"umask": "1000"})",
                R"(umask: "1000" from FILE, $.umask: expected an octal number from 0 to 777)"},
        BadCase{"UmaskAsANumber",
                {},
                {},
                R"({"umask": 22})",
                "umask: 22 from FILE, $.umask: expected an octal number from 0 to 777"},
        BadCase{"ControlPathTooLongForASocket",
                {"--control", std::string(108, 'x')},
                {},
                "",
                "from --control: expected a path of 1 to 107 bytes"},
        BadCase{"EmptyUser",
                {"--user", ""},
                {},
                "",
                R"(user: "" from --user: expected a user's name or number)"},
        BadCase{"HostName",
                {"--bind", "local host:80"},
                {},
                "",
                R"(bind: "local host:80" from --bind: expected ADDRESS:PORT)"},
        BadCase{"SecondOfAList",
                {},
                {{"FORKCAST_BIND", "127.0.0.1:1,nowhere"}},
                "",
                R"(bind: "nowhere" from FORKCAST_BIND: expected ADDRESS:PORT)"},
        BadCase{"ElementOfAnotherType",
                {},
                {},
                R"({"bind": ["127.0.0.1:1", 8080]})",
                "bind: 8080 from FILE, $.bind: expected ADDRESS:PORT"},
        BadCase{"EmptyList", {}, {}, R"({"bind": []})", "bind: [] from FILE, $.bind: expected"},
        BadCase{"BindToASlipInANumber",
                {"--bind", "127.0.0.256:80"},
                {},
                "",
                R"(bind: "127.0.0.256:80" from --bind: expected ADDRESS:PORT)"},
        BadCase{"TrustedProxyThatIsAName",
                {"--trusted-proxies", "proxy.example"},
                {},
                "",
                R"(trusted_proxies: "proxy.example" from --trusted-proxies: expected an address)"},
        BadCase{"TrustedNetworkThatIsTooLong",
                {"--trusted-proxies", "10.0.0.0/33"},
                {},
                "",
                R"("10.0.0.0/33" from --trusted-proxies: expected a number from 0 to 32 behind)"},
        BadCase{"TrustedNetworkWithBitsBehindItsLength",
                {"--trusted-proxies", "10.1.0.0/8"},
                {},
                "",
                R"(expected an address that is 0 behind its first 8 bits)"},
        BadCase{
            "CorsOriginWithPath",
            {"--cors-origins", "https://shop.example/"},
            {},
            "",
            R"("https://shop.example/" from --cors-origins: expected an origin in small letters)"},
        BadCase{"SocketModeThatIsNotOctal",
                {"--socket-mode", "0o660"},
                {},
                "",
                R"(socket_mode: "0o660" from --socket-mode: expected an octal number)"},
        BadCase{"AddressTwice",
                {"--bind", "127.0.0.1:1", "--bind", "127.0.0.1:1"},
                {},
                "",
                R"(bind: "127.0.0.1:1" from --bind: expected every address once)"},
        BadCase{"PortOfThePlatform",
                {},
                {{"SAGEMAKER_BIND_TO_PORT", "x"}},
                "",
                R"(bind: "0.0.0.0:x" from SAGEMAKER_BIND_TO_PORT: expected ADDRESS:PORT)"},
        BadCase{"UnknownKeyInTheFile",
                {},
                {},
                R"({"worker": 2})",
                "FILE: $.worker: unknown key; did you mean \"workers\"?; known here: hooks, "
                "deployments, refresher, $schema, pipeline, models"},
        BadCase{"ConfigInTheConfigFile", {}, {}, R"({"config": "x"})", "FILE: $.config: unknown"},
        BadCase{"FileThatIsNoObject", {}, {}, "[]", "FILE: $: expected an object"},
        BadCase{"FileThatIsNoJson", {}, {}, "{", "FILE: line 1, column 2: not JSON"},
        BadCase{"RefresherOfNoKindOfStore",
                {},
                {},
                R"({"refresher": {"from": "f", "store": "oracle:x"}})",
                "refresher: store: "},
        BadCase{"PushesWithoutAnAdminAddress",
                {},
                {},
                R"({"refresher": {"push": true}})",
                "refresher: \"push\" needs admin_address"},
        BadCase{"PushesFromEverywhere",
                {},
                {},
                R"({"admin_address": "0.0.0.0:9100", "refresher": {"push": true}})",
                "refresher: \"push\" needs admin_address"},
        BadCase{"PushesToANameThatLooksLocal",
                {},
                {},
                R"({"admin_address": "127.example:9100", "refresher": {"push": true}})",
                "refresher: \"push\" needs admin_address"},
        BadCase{"HookWithoutType",
                {},
                {},
                R"({"hooks": [{"type": "a"}, {"share": 1}]})",
                "FILE: $.hooks[1]: missing key \"type\""},
        BadCase{
            "HooksThatAreNoList", {}, {}, R"({"hooks": {}})", "FILE: $.hooks: expected an array"},
        BadCase{
            "NoSuchFile", {"--config", "absent.json"}, {}, "", "config: absent.json: cannot be"},
        BadCase{"TextForTrue",
                {},
                {},
                R"({"multi_model": "true"})",
                R"(multi_model: "true" from FILE, $.multi_model: expected true or false)"},
        BadCase{"UnknownFlag",
                {"--worker", "2"},
                {},
                "",
                "unknown flag --worker; did you mean --workers? (--help lists"},
        BadCase{"FlagWithoutValue", {"--workers"}, {}, "", "'--workers' is missing"},
        BadCase{
            "FlagTwice", {"--workers", "1", "--workers", "2"}, {}, "", "--workers is given twice"},
        BadCase{"LooseWord", {"8080"}, {}, "", "unexpected argument \"8080\""}),
    [](const auto& param) { return param.param.name; });

struct LimitCase {
  std::string key;
  std::int64_t least;
  std::int64_t most;
};

void PrintTo(const LimitCase& one, std::ostream* out) { *out << one.key; }

class Limit : public testing::TestWithParam<LimitCase> {};

TEST_P(Limit, IsRefusedWithItsNameOutsideWhatTheServerCanKeep) {
  const auto& [key, least, most] = GetParam();
  const auto parse = [&key = key](const std::string& value) {
    return Parser("{\"" + key + "\": " + value + "}").Parse({});
  };
  for (const std::int64_t good : {least, most}) {
    const auto parsed = parse(std::to_string(good));
    EXPECT_TRUE(parsed.ok()) << good << ": " << parsed.error().message;
  }
  std::vector<std::string> bad{std::to_string(least - 1), std::to_string(most + 1), "-1", "1e3",
                               "18446744073709551616"};
  if (least > 0) bad.emplace_back("0");
  for (const std::string& value : bad) {
    const auto parsed = parse(value);
    ASSERT_FALSE(parsed.ok()) << value;
    EXPECT_EQ(parsed.error().field, key);
    EXPECT_THAT(parsed.error().message,
                testing::AllOf(testing::StartsWith(key + ": "),
                               HasSubstr("expected an integer from " + std::to_string(least) +
                                         " to " + std::to_string(most))));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, Limit,
    testing::Values(
        LimitCase{"workers", 1, 256}, LimitCase{"timeout", 1, 3600},
        LimitCase{"idle_timeout", 1, 3600}, LimitCase{"graceful_timeout", 1, 600},
        LimitCase{"boot_timeout", 1, 3600}, LimitCase{"max_queue_delay_ms", 1, 3600000},
        LimitCase{"max_connections", 1, 65536}, LimitCase{"max_body_bytes", 1, 1073741824},
        LimitCase{"max_header_bytes", 1024, 1048576}, LimitCase{"max_rows", 1, 10000000},
        LimitCase{"backlog", 1, 65535}, LimitCase{"max_requests", 0, 1000000000},
        LimitCase{"max_requests_jitter", 0, 1000000000}, LimitCase{"max_memory_mb", 0, 1048576},
        LimitCase{"max_models", 1, 10000}, LimitCase{"session_idle_timeout", 60, 86400},
        LimitCase{"session_lifetime", 60, 2592000}, LimitCase{"jobs_at_once", 1, 64},
        LimitCase{"jobs_memory_mb", 0, 1048576}, LimitCase{"jobs_cpus", 0, 1024}),
    [](const auto& param) { return param.param.key; });

TEST(Settings, EveryNumberIsALimitOfThatTable) {
  std::size_t numbers = 0;
  for (const Setting& setting : ServerSettings()) {
    numbers += setting.form == Setting::FileForm::kInteger ? 1 : 0;
  }
  EXPECT_EQ(numbers, 20U);
}

TEST(Settings, DefaultsOfTheTableAreThoseOfTheStruct) {
  const auto parsed = Parser().Parse({});
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  const ServerConfig& config = parsed->config;
  const ServerConfig fresh;
  EXPECT_EQ(config.timeout, fresh.timeout);
  EXPECT_EQ(config.idle_timeout, fresh.idle_timeout);
  EXPECT_EQ(config.graceful_timeout, fresh.graceful_timeout);
  EXPECT_EQ(config.log_level, fresh.log_level);
  EXPECT_EQ(config.max_queue_delay, fresh.max_queue_delay);
  EXPECT_EQ(config.max_connections, fresh.max_connections);
  EXPECT_EQ(config.max_body_bytes, fresh.max_body_bytes);
  EXPECT_EQ(config.max_header_bytes, fresh.max_header_bytes);
  EXPECT_EQ(config.max_rows, fresh.max_rows);
  EXPECT_EQ(config.backlog, fresh.backlog);
  EXPECT_EQ(config.boot_timeout, fresh.boot_timeout);
  EXPECT_EQ(config.wait_while_loading, fresh.wait_while_loading);
  EXPECT_EQ(config.max_requests, fresh.max_requests);
  EXPECT_EQ(config.max_requests_jitter, fresh.max_requests_jitter);
  EXPECT_EQ(config.max_memory_mb, fresh.max_memory_mb);
  EXPECT_EQ(config.admin, fresh.admin);
  EXPECT_EQ(config.multi_model, fresh.multi_model);
  EXPECT_EQ(config.model_root, fresh.model_root);
  EXPECT_EQ(config.max_models, fresh.max_models);
  EXPECT_EQ(config.model_dir, fresh.model_dir);
  EXPECT_EQ(config.csv_as_predictions, fresh.csv_as_predictions);
  EXPECT_EQ(config.access_log, fresh.access_log);
  EXPECT_EQ(config.access_log_file, fresh.access_log_file);
  EXPECT_EQ(config.pidfile, fresh.pidfile);
  EXPECT_EQ(config.control, fresh.control);
  EXPECT_EQ(config.user, fresh.user);
  EXPECT_EQ(config.group, fresh.group);
  EXPECT_EQ(config.umask, fresh.umask);
  EXPECT_EQ(config.socket_mode, fresh.socket_mode);
  EXPECT_EQ(config.socket_group, fresh.socket_group);
  EXPECT_EQ(config.trusted_proxies, fresh.trusted_proxies);
  EXPECT_EQ(config.cors_origins, fresh.cors_origins);
  EXPECT_EQ(config.page, fresh.page);
  EXPECT_EQ(config.tokens, fresh.tokens);
  EXPECT_EQ(config.users, fresh.users);
  EXPECT_EQ(config.session_idle_timeout, fresh.session_idle_timeout);
  EXPECT_EQ(config.session_lifetime, fresh.session_lifetime);
  EXPECT_EQ(config.secure_cookies, fresh.secure_cookies);
  EXPECT_EQ(config.locked, fresh.locked);
  EXPECT_EQ(config.allowed_hosts, fresh.allowed_hosts);
  EXPECT_EQ(config.audit_log, fresh.audit_log);
  EXPECT_EQ(config.jobs, fresh.jobs);
  EXPECT_EQ(config.jobs_at_once, fresh.jobs_at_once);
  EXPECT_EQ(config.jobs_memory_mb, fresh.jobs_memory_mb);
  EXPECT_EQ(config.jobs_cpus, fresh.jobs_cpus);
  EXPECT_EQ(config.jobs_data, fresh.jobs_data);
  EXPECT_FALSE(config.platform_loads_models);
  EXPECT_GE(config.workers, 1U);
  EXPECT_EQ(config.bind, (std::vector<Address>{TcpAddress{.host = "127.0.0.1", .port = 8080}}));
}

TEST(Settings, EveryValueReachesTheConfig) {
  const Parser parser(R"({
    "pipeline": "p", "models": "m", "deploy": ["a", "b=a@2"], "store": "sqlite:s", "snapshots": "d", "bind": "unix:u", "admin_address": "unix:w", "workers": 2,
    "timeout": 3, "idle_timeout": 4, "graceful_timeout": 5, "max_connections": 6,
    "max_queue_delay_ms": 15,
    "max_body_bytes": 7, "max_header_bytes": 1028, "max_rows": 9, "backlog": 10,
    "model_dir": "e", "multi_model": true, "model_root": "r", "max_models": 16,
    "boot_timeout": 11, "wait_while_loading": true, "max_requests": 12, "max_requests_jitter": 13, "max_memory_mb": 14,
    "access_log": "json", "access_log_file": "a", "pidfile": "i", "control": "c", "user": "me",
    "group": "us", "umask": "027", "socket_mode": "660", "socket_group": "g",
    "trusted_proxies": ["none", "10.0.0.1"], "cors_origins": "https://a.b", "tokens": "t", "locked": ["metrics", "invocations"],
    "allowed_hosts": ["A.example", "*.b:80"], "audit_log": "l", "jobs": "on", "jobs_at_once": 17, "jobs_memory_mb": 18, "jobs_cpus": 19, "jobs_data": "q", "log_level": "warn", "metrics": "off", "csv_answers": "predictions", "page": "off", "users": "v", "session_idle_timeout": 61, "session_lifetime": 62, "secure_cookies": "always", "hooks": [{"type": "capture", "share": 0.5}]})");
  const auto parsed = parser.ParseBare({});
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  const ServerConfig& config = parsed->config;
  EXPECT_EQ(config.pipeline, "p");
  EXPECT_EQ(config.models, "m");
  EXPECT_EQ(config.model_dir, "e");
  EXPECT_TRUE(config.multi_model);
  EXPECT_EQ(config.model_root, "r");
  EXPECT_EQ(config.max_models, 16U);
  EXPECT_EQ(config.deployments.size(), 4U);  // more of them in deployment_test.cpp
  EXPECT_EQ(config.store, "sqlite:s");
  EXPECT_EQ(config.snapshots, "d");
  EXPECT_EQ(config.bind, (std::vector<Address>{UnixAddress{"u"}}));
  EXPECT_EQ(config.admin, Address(UnixAddress{"w"}));
  EXPECT_EQ(config.workers, 2U);
  EXPECT_EQ(config.timeout, std::chrono::seconds(3));
  EXPECT_EQ(config.idle_timeout, std::chrono::seconds(4));
  EXPECT_EQ(config.graceful_timeout, std::chrono::seconds(5));
  EXPECT_EQ(config.max_connections, 6U);
  EXPECT_EQ(config.max_queue_delay, std::chrono::milliseconds(15));
  EXPECT_EQ(config.max_body_bytes, 7U);
  EXPECT_EQ(config.max_header_bytes, 1028U);
  EXPECT_EQ(config.max_rows, 9U);
  EXPECT_TRUE(config.csv_as_predictions);
  EXPECT_EQ(config.backlog, 10);
  EXPECT_EQ(config.boot_timeout, std::chrono::seconds(11));
  EXPECT_TRUE(config.wait_while_loading);
  EXPECT_EQ(config.max_requests, 12U);
  EXPECT_EQ(config.max_requests_jitter, 13U);
  EXPECT_EQ(config.max_memory_mb, 14U);
  EXPECT_EQ(config.access_log, AccessLogFormat::kJson);
  EXPECT_EQ(config.access_log_file, "a");
  EXPECT_EQ(config.pidfile, "i");
  EXPECT_EQ(config.control, "c");
  EXPECT_EQ(config.user, "me");
  EXPECT_EQ(config.group, "us");
  EXPECT_EQ(config.umask, 027U);
  EXPECT_EQ(config.socket_mode, 0660U);
  EXPECT_EQ(config.socket_group, "g");
  EXPECT_FALSE(config.trusted_proxies.unix_sockets);
  EXPECT_EQ(config.trusted_proxies.networks.size(), 1U);
  EXPECT_EQ(config.cors_origins, (std::vector<std::string>{"https://a.b"}));
  EXPECT_FALSE(config.page);
  EXPECT_EQ(config.tokens, "t");
  EXPECT_EQ(config.users, "v");
  EXPECT_EQ(config.session_idle_timeout, std::chrono::seconds(61));
  EXPECT_EQ(config.session_lifetime, std::chrono::seconds(62));
  EXPECT_EQ(config.secure_cookies, SecureCookies::kAlways);
  EXPECT_EQ(config.locked, (std::vector<Access>{Access::kWatch, Access::kInvoke}));
  EXPECT_EQ(config.allowed_hosts, (std::vector<std::string>{"a.example", "*.b:80"}));
  EXPECT_EQ(config.audit_log, "l");
  EXPECT_TRUE(config.jobs);
  EXPECT_EQ(config.jobs_at_once, 17U);
  EXPECT_EQ(config.jobs_memory_mb, 18U);
  EXPECT_EQ(config.jobs_cpus, 19U);
  EXPECT_EQ(config.jobs_data, "q");
  EXPECT_EQ(config.log_level, "warn");
  EXPECT_FALSE(config.metrics);
  ASSERT_EQ(config.hooks.size(), 1U);
  EXPECT_EQ(config.hooks[0].type, "capture");
  EXPECT_EQ(config.hooks[0].path, "$.hooks[0]");
  EXPECT_EQ(config.hooks[0].json, R"({"type":"capture","share":0.5})");
  // So that no key of the table is left out above.
  for (const EffectiveSetting& value : parsed->values) {
    const std::string expected = value.key == "config" ? "--config" : "FILE";
    EXPECT_EQ(parser.Generic(value.origin), expected) << value.key;
  }
}

TEST(Settings, JobsNeedAStore) {
  const Parser parser("{}");
  const auto parsed =
      parser.ParseBare({"--pipeline", "p.json", "--jobs", "on", "--snapshots", "d"});
  ASSERT_FALSE(parsed.ok());
  EXPECT_NE(parsed.error().message.find("the queue of \"jobs\""), std::string::npos)
      << parsed.error().message;
}

TEST(Settings, ALockNeedsKeys) {
  const Parser parser("{}");
  const auto parsed = parser.Parse({"--locked", "metrics"});
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().field, "locked");
  EXPECT_NE(parsed.error().message.find("--tokens"), std::string::npos);
}

TEST(Settings, ItIsAPlatformThatLoadsModelsWhereItsOwnVariableSaysSo) {
  const Parser parser("{}");
  for (const auto& [variable, is_platforms] :
       {std::pair("SAGEMAKER_MULTI_MODEL", true), std::pair("FORKCAST_MULTI_MODEL", false)}) {
    const auto parsed = parser.ParseBare({}, {{variable, "true"}});
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    EXPECT_TRUE(parsed->config.multi_model);
    EXPECT_EQ(parsed->config.platform_loads_models, is_platforms) << variable;
  }
}

TEST(Settings, AllInterfacesTakeBothFamiliesWhereNothingElseIsListedAtTheirPort) {
  const auto takes_ipv4 = [](const char* bind) {
    const auto parsed = Parser().Parse({"--bind", bind});
    return std::get<TcpAddress>(parsed.value().config.bind.front()).with_ipv4;
  };
  EXPECT_TRUE(takes_ipv4("[::]:80"));
  EXPECT_TRUE(takes_ipv4("[::]:80,127.0.0.1:81,unix:u"));
  EXPECT_TRUE(takes_ipv4("[::]:0,0.0.0.0:0"));
  EXPECT_FALSE(takes_ipv4("[::]:80,0.0.0.0:80"));
  EXPECT_FALSE(takes_ipv4("[::1]:80"));
}

TEST(Settings, PipelineAndStoreAreRequiredToServe) {
  const auto no_pipeline = Parser().ParseBare({"--store", "sqlite:s"});
  ASSERT_FALSE(no_pipeline.ok());
  EXPECT_EQ(no_pipeline.error().message,
            "pipeline: missing; give --pipeline, FORKCAST_PIPELINE or \"pipeline\" in the config "
            "file, or deploy models by --deploy or \"deployments\"");
  const auto no_store = Parser().ParseBare({"--pipeline", "p"});
  ASSERT_FALSE(no_store.ok());
  EXPECT_THAT(no_store.error().message, HasSubstr("store: missing; give --store, FORKCAST_STORE"));
  EXPECT_TRUE(Parser().ParseBare({"--pipeline", "p", "--snapshots", "d"}).ok());
}

struct ActionCase {
  std::string name;
  Words flags;
  ServerAction action;
};

void PrintTo(const ActionCase& one, std::ostream* out) { *out << one.name; }

class Action : public testing::TestWithParam<ActionCase> {};

TEST_P(Action, IsReported) {
  const auto parsed = Parser().Parse(GetParam().flags);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->action, GetParam().action);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Action,
    testing::Values(ActionCase{"ServeOtherwise", {}, ServerAction::kServe},
                    ActionCase{"Check", {"--check"}, ServerAction::kCheck},
                    ActionCase{"PrintConfig", {"--print-config"}, ServerAction::kPrintConfig}),
    [](const auto& param) { return param.param.name; });

TEST(Settings, PrintConfigNeedsNoPipeline) {
  const auto parsed = Parser().ParseBare({"--print-config"});
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->action, ServerAction::kPrintConfig);
}

TEST(Settings, HelpListsEverySetting) {
  const std::string help = preprocessing::DescribeFlags(ServeFlags());
  for (const Setting& setting : ServerSettings()) {
    EXPECT_THAT(help, AllOf(HasSubstr("  " + setting.Flag() + " " + setting.argument + "\n"),
                            HasSubstr(setting.environment)));
  }
  EXPECT_THAT(help, AllOf(HasSubstr("SAGEMAKER_BIND_TO_PORT"), HasSubstr("--print-config")));
}

TEST(Settings, EachHasAVariableThatIsCalledAsItsKey) {
  const std::vector<std::string> variables = SettingVariables();
  for (const Setting& setting : ServerSettings()) {
    std::string name = "FORKCAST_" + setting.key;
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
    EXPECT_EQ(setting.environment, name);
    EXPECT_THAT(variables, testing::Contains(name));
  }
  EXPECT_THAT(variables, testing::Contains("MODEL_SERVER_WORKERS"));
}

TEST(Settings, PrintConfigShowsEverySettingWithItsOrigin) {
  const Parser parser(
      R"({"workers": 2, "hooks": [{"type": "capture"}, {"type": "slow_request"}]})");
  const auto parsed = parser.Parse({"--timeout", "9"}, {{"FORKCAST_MAX_ROWS", "5"}});
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  const std::string text = parser.Generic(PrintConfig(*parsed));
  EXPECT_THAT(text, AllOf(HasSubstr("\nworkers              = 2  (FILE)\n"),
                          HasSubstr("\ntimeout              = 9  (--timeout)\n"),
                          HasSubstr("\nmax_rows             = 5  (FORKCAST_MAX_ROWS)\n"),
                          HasSubstr("\nbacklog              = 2048  (default)\n"),
                          HasSubstr("\nhooks                = capture,slow_request  (FILE)\n"),
                          HasSubstr("\ndeployments          = p.json  (--pipeline)\n"),
                          HasSubstr("\nrefresher            =   (default)\n")));
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  EXPECT_EQ(lines, ServerSettings().size() + 3);
}

TEST(Settings, TheRefresherHasThoseOfTheServerForWhatItDoesNotName) {
  const Parser parser(R"({"refresher": {"from": "incoming"}})");
  const auto parsed = parser.Parse({});
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->config.refresher, (RefresherConfig{.pipeline = "p.json",
                                                       .store = "sqlite:s.db",
                                                       .from = "incoming",
                                                       .snapshots = "s.db.snapshots",
                                                       .options = {}}));
}

TEST(Settings, RowsMayBeBroughtWhereOnlyThisMachineCanConnect) {
  for (const char* const address : {"127.0.0.1:9100", "[::1]:9100", "localhost:9100", "unix:a"}) {
    const Parser parser(std::string(R"({"refresher": {"push": true}, "admin_address": ")") +
                        address + "\"}");
    const auto parsed = parser.Parse({});
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    EXPECT_TRUE(parsed->config.refresher->takes_pushes);
  }
}

TEST(Settings, ARefresherNeedsAStore) {
  const Parser parser(R"({"refresher": {"from": "incoming"}})");
  const auto parsed = parser.ParseBare({"--pipeline", "p.json", "--snapshots", "s"});
  ASSERT_FALSE(parsed.ok());
  EXPECT_THAT(parsed.error().message,
              HasSubstr("store: missing; give --store, FORKCAST_STORE or \"store\" in the config "
                        "file, or in \"refresher\", which needs it"));
}

struct ReloadCase {
  std::string name;
  Words flags;
  Words keys;  ///< That a reload does not change.
};

void PrintTo(const ReloadCase& one, std::ostream* out) { *out << one.name; }

class Reload : public testing::TestWithParam<ReloadCase> {};

TEST_P(Reload, LeavesToARestartWhatTheMasterGoesBy) {
  const auto running = Parser().Parse({});
  const auto wanted = Parser().Parse(GetParam().flags);
  ASSERT_TRUE(running.ok() && wanted.ok());
  EXPECT_EQ(ChangedForRestart(*running, *wanted), GetParam().keys);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Reload,
    testing::Values(ReloadCase{"Nothing", {}, {}},
                    ReloadCase{"WhatWorkersGoBy", {"--timeout=9", "--workers=3"}, {}},
                    ReloadCase{"Sockets", {"--backlog=9", "--bind=unix:s"}, {"bind", "backlog"}},
                    ReloadCase{"Users", {"--user=u", "--group=g"}, {"user", "group"}},
                    ReloadCase{"Deadlines",
                               {"--boot-timeout=9", "--graceful-timeout=9"},
                               {"graceful_timeout", "boot_timeout"}},
                    ReloadCase{"ManyModels", {"--multi-model=true"}, {"multi_model"}},
                    ReloadCase{"OneOfBoth", {"--umask=77", "--max-rows=9"}, {"umask"}}),
    [](const auto& param) { return param.param.name; });

struct SecretCase {
  std::string name;
  std::string text;
  std::string blanked;
};

void PrintTo(const SecretCase& one, std::ostream* out) { *out << one.name; }

class Secret : public testing::TestWithParam<SecretCase> {};

TEST_P(Secret, IsBlanked) { EXPECT_EQ(BlankSecrets(GetParam().text), GetParam().blanked); }

INSTANTIATE_TEST_SUITE_P(
    Cases, Secret,
    testing::Values(
        SecretCase{"InTheAuthority", "postgresql://me:pw@host/db", "postgresql://me:***@host/db"},
        SecretCase{"WithAnAtSignInside", "mysql://me:p@w@host/db", "mysql://me:***@host/db"},
        SecretCase{"InTheQuery", "postgresql://host/db?password=pw&x=1",
                   "postgresql://host/db?password=***&x=1"},
        SecretCase{"NotInAUrlWithoutPassword", "postgresql://host:5432/db",
                   "postgresql://host:5432/db"},
        SecretCase{"NotInAUserAlone", "postgresql://me@host:5432/db",
                   "postgresql://me@host:5432/db"},
        SecretCase{"NotInAPath", "sqlite:/a/b@c:d.db", "sqlite:/a/b@c:d.db"},
        SecretCase{"NotInAnAddress", "unix:/run/a.sock,[::1]:80", "unix:/run/a.sock,[::1]:80"}),
    [](const auto& param) { return param.param.name; });

TEST(Settings, ErrorsAndPrintConfigBlankSecrets) {
  const auto refused = Parser().ParseBare({"--store", "oracle://me:hidden@host/db"});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message,
              AllOf(HasSubstr(R"(store: "oracle://me:***@host/db" from --store: unknown kind)"),
                    Not(HasSubstr("hidden"))));
  const auto printed =
      Parser().ParseBare({"--print-config", "--store", "sqlite:s?password=hidden"});
  ASSERT_TRUE(printed.ok()) << printed.error().message;
  EXPECT_THAT(PrintConfig(*printed),
              AllOf(HasSubstr("sqlite:s?password=***"), Not(HasSubstr("hidden"))));
}

TEST(Settings, TheConfigFileOfTheProjectIsGood) {
  const auto parsed = Parser().Parse({"--config", FORKCAST_SOURCE_DIR "/conf/server.json"});
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_FALSE(parsed->config.hooks.empty());
}

struct AddressCase {
  std::string name;
  std::string text;
  std::optional<Address> address;  // none: refused
};

void PrintTo(const AddressCase& one, std::ostream* out) { *out << one.name; }

class AddressText : public testing::TestWithParam<AddressCase> {};

TEST_P(AddressText, IsReadAndWrittenBackOrRefused) {
  const auto parsed = ParseAddress(GetParam().text);
  ASSERT_EQ(parsed.ok(), GetParam().address.has_value());
  if (!parsed.ok()) {
    EXPECT_THAT(parsed.error().message, HasSubstr("expected "));
    return;
  }
  EXPECT_EQ(*parsed, *GetParam().address);
  EXPECT_EQ(ToString(*parsed), GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AddressText,
    testing::Values(AddressCase{"IPv4", "127.0.0.1:8080", TcpAddress{"127.0.0.1", 8080}},
                    AddressCase{"AllInterfaces", "0.0.0.0:65535", TcpAddress{"0.0.0.0", 65535}},
                    AddressCase{"AnyPort", "127.0.0.1:0", TcpAddress{"127.0.0.1", 0}},
                    AddressCase{"IPv6", "[::1]:80", TcpAddress{"::1", 80}},
                    AddressCase{"UnixPath", "unix:/run/f.sock", UnixAddress{"/run/f.sock"}},
                    AddressCase{"UnixPathOf107Bytes", "unix:" + std::string(107, 'x'),
                                UnixAddress{std::string(107, 'x')}},
                    AddressCase{"UnixPathOf108Bytes", "unix:" + std::string(108, 'x'), {}},
                    AddressCase{"UnixWithoutPath", "unix:", {}},
                    AddressCase{"UnixPathWithZeroByte", std::string("unix:a\0b", 8), {}},
                    AddressCase{"Empty", "", {}}, AddressCase{"PortAlone", ":8080", {}},
                    AddressCase{"AddressAlone", "127.0.0.1", {}},
                    AddressCase{"Name", "localhost:8080", TcpAddress{"localhost", 8080}},
                    AddressCase{"NoPort", "127.0.0.1:", {}},
                    AddressCase{"PortTooLarge", "127.0.0.1:65536", {}},
                    AddressCase{"PortWithSign", "127.0.0.1:+80", {}},
                    AddressCase{"IPv6WithoutBrackets", "::1:80", {}},
                    AddressCase{"IPv4InBrackets", "[127.0.0.1]:80", {}},
                    AddressCase{"ZeroByteInHost", std::string("127.0.0.1\0x:80", 14), {}}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::serving
