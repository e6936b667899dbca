#include "serving/config/settings.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/base/suggestion.hpp"
#include "data_preprocessing/command/flags.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "serving/access/access.hpp"
#include "serving/access/allowed_hosts.hpp"
#include "serving/config/address.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::Flag;
using preprocessing::FlagValues;
using preprocessing::JsonNode;
using preprocessing::SpecError;
using Apply = std::function<Status(const std::string&, ServerConfig&)>;

constexpr std::string_view kDefaultOrigin = "default";
constexpr std::size_t kMaxWorkers = 256;
constexpr std::int64_t kMaxBodyBytes = 1'073'741'824;

Error Expected(std::string_view what) {
  return {ErrorCode::kInvalidArgument, "expected " + std::string(what)};
}

/// CPUs that this process may run on: fewer than the machine has when it is confined to some.
std::size_t UsableCpus() noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  // Fails on machines of more than 1024 CPUs, whose mask is larger.
  const bool known = ::sched_getaffinity(0, sizeof set, &set) == 0;
  const auto count = known ? static_cast<std::size_t>(CPU_COUNT(&set))
                           : static_cast<std::size_t>(std::thread::hardware_concurrency());
  return std::clamp<std::size_t>(count, 1, kMaxWorkers);
}

/// The parts of a setting that its type decides.
struct Rule {
  std::string argument;
  std::string allowed;
  Setting::FileForm form = Setting::FileForm::kText;
  Apply apply;
  SettingValues values{};
};

template <typename Field>
Rule IntegerRule(std::string argument, std::int64_t least, std::int64_t most,
                 Field ServerConfig::*field) {
  const std::string allowed =
      "an integer from " + std::to_string(least) + " to " + std::to_string(most);
  const auto apply = [=](const std::string& text, ServerConfig& config) -> Status {
    const Result<std::int64_t> number = preprocessing::ParseInt64(text);
    if (!number || *number < least || *number > most) return Expected(allowed);
    config.*field = static_cast<Field>(*number);
    return {};
  };
  return {std::move(argument),
          allowed,
          Setting::FileForm::kInteger,
          apply,
          {.least = least, .most = most}};
}

Rule BooleanRule(bool ServerConfig::*field) {
  constexpr std::string_view kAllowed = "true or false";
  const auto apply = [=](const std::string& text, ServerConfig& config) -> Status {
    const bool value = EqualsIgnoringCase(text, "true");  // SageMaker's tools write "True", too
    if (!value && !EqualsIgnoringCase(text, "false")) return Expected(kAllowed);
    config.*field = value;
    return {};
  };
  return {"BOOL", std::string(kAllowed), Setting::FileForm::kBoolean, apply};
}

/// Any text but an empty one.
template <typename Field>
Rule TextRule(std::string argument, std::string allowed, Field ServerConfig::*field) {
  const auto apply = [=](const std::string& text, ServerConfig& config) -> Status {
    if (text.empty()) return Expected(allowed);
    config.*field = text;
    return {};
  };
  return {std::move(argument), allowed, Setting::FileForm::kText, apply};
}

Status ApplyStore(const std::string& text, ServerConfig& config) {
  const Status good = preprocessing::CheckStoreUrl(text);
  if (!good) return good;
  config.store = text;
  return {};
}

Status ApplyBind(const std::string& text, ServerConfig& config) {
  Result<Address> address = ParseAddress(text);
  if (!address) return std::move(address).error();
  if (std::ranges::find(config.bind, *address) != config.bind.end()) {
    return Expected("every address once");
  }
  config.bind.push_back(*std::move(address));
  return {};
}

Status ApplyAdmin(const std::string& text, ServerConfig& config) {
  Result<Address> address = ParseAddress(text);
  if (!address) return std::move(address).error();
  config.admin = *std::move(address);
  return {};
}

Status ApplyDeploy(const std::string& text, ServerConfig& config) {
  Result<Deployment> deployment = ParseDeployment(text);
  if (!deployment) return std::move(deployment).error();
  config.deployments.push_back(*std::move(deployment));
  return {};
}

Status ApplyLogLevel(const std::string& text, ServerConfig& config) {
  constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warn", "error"};
  if (std::ranges::find(kLevels, text) == kLevels.end()) {
    return Expected("debug, info, warn or error");
  }
  config.log_level = text;
  return {};
}

Status ApplyAccessLog(const std::string& text, ServerConfig& config) {
  constexpr std::array<std::pair<std::string_view, AccessLogFormat>, 3> kFormats{
      {{"off", AccessLogFormat::kOff},
       {"common", AccessLogFormat::kCommon},
       {"json", AccessLogFormat::kJson}}};
  for (const auto& [name, format] : kFormats) {
    if (text != name) continue;
    config.access_log = format;
    return {};
  }
  return Expected("off, common or json");
}

Status ApplyMetrics(const std::string& text, ServerConfig& config) {
  if (text != "on" && text != "off") return Expected("on or off");
  config.metrics = text == "on";
  return {};
}

Status ApplyCsvAnswers(const std::string& text, ServerConfig& config) {
  if (text != "csv" && text != "predictions") return Expected("csv or predictions");
  config.csv_as_predictions = text == "predictions";
  return {};
}

Status ApplyPage(const std::string& text, ServerConfig& config) {
  if (text != "on" && text != "off") return Expected("on or off");
  config.page = text == "on";
  return {};
}

Status ApplyJobs(const std::string& text, ServerConfig& config) {
  if (text != "on" && text != "off") return Expected("on or off");
  config.jobs = text == "on";
  return {};
}

Status ApplySecureCookies(const std::string& text, ServerConfig& config) {
  if (text != "auto" && text != "always") return Expected("auto or always");
  config.secure_cookies = text == "always" ? SecureCookies::kAlways : SecureCookies::kAuto;
  return {};
}

Status ApplyControl(const std::string& text, ServerConfig& config) {
  if (text.empty() || text.size() > kMaxUnixPath) {
    return Expected("a path of 1 to " + std::to_string(kMaxUnixPath) + " bytes");
  }
  config.control = text;
  return {};
}

Status ApplyTrustedProxy(const std::string& text, ServerConfig& config) {
  TrustedProxies& trusted = config.trusted_proxies;
  if (text == "unix" || text == "none") {
    trusted.unix_sockets = text == "unix";
    return {};
  }
  Result<IpNetwork> network = ParseIpNetwork(text);
  if (!network) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}, or unix, or none", network.error().message)};
  }
  trusted.networks.push_back(*network);
  return {};
}

/// As browsers send it: scheme and host, the port when it is not the scheme's, no path.
Status ApplyCorsOrigin(const std::string& text, ServerConfig& config) {
  const std::size_t scheme = text.find("://");
  const bool is_origin = scheme != std::string::npos && scheme > 0 && scheme + 3 < text.size() &&
                         text.find_first_of("/ ?#@*", scheme + 3) == std::string::npos &&
                         std::ranges::none_of(text, [](char c) {
                           return c <= ' ' || c >= 0x7F || (c >= 'A' && c <= 'Z');
                         });
  if (text != "*" && !is_origin) {
    return Expected("an origin in small letters, such as https://shop.example, or * for all");
  }
  config.cors_origins.push_back(text);
  return {};
}

/// The rules by which one can choose to be asked.
std::vector<std::string_view> Lockable() {
  std::vector<std::string_view> names;
  for (const AccessRule& rule : AccessRules()) {
    if (rule.asked == AccessRule::Asked::kIfLocked) names.push_back(rule.name);
  }
  return names;
}

Status ApplyLocked(const std::string& text, ServerConfig& config) {
  for (const AccessRule& rule : AccessRules()) {
    if (rule.asked != AccessRule::Asked::kIfLocked || rule.name != text) continue;
    config.locked.push_back(rule.access);
    return {};
  }
  return Expected(fmt::format("{}", fmt::join(Lockable(), " or ")));
}

Status ApplyAllowedHost(const std::string& text, ServerConfig& config) {
  Result<std::string> host = ParseAllowedHost(text);
  if (!host) return std::move(host).error();
  config.allowed_hosts.push_back(*std::move(host));
  return {};
}

Rule OctalRule(std::optional<unsigned> ServerConfig::*field) {
  const std::string allowed = "an octal number from 0 to 777";
  const auto apply = [=](const std::string& text, ServerConfig& config) -> Status {
    constexpr unsigned kMost = 0777;
    unsigned number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, failure] = std::from_chars(text.data(), end, number, 8);
    if (failure != std::errc() || stop != end || number > kMost) return Expected(allowed);
    config.*field = number;
    return {};
  };
  return {"OCTAL", allowed, Setting::FileForm::kText, apply};
}

Setting MakeSetting(std::string key, std::string environment, Rule rule, Takes takes,
                    std::string default_text, std::string meaning,
                    std::string default_meaning = {}) {
  return {.key = std::move(key),
          .environment = std::move(environment),
          .argument = std::move(rule.argument),
          .meaning = std::move(meaning),
          .allowed = std::move(rule.allowed),
          .default_text = std::move(default_text),
          .default_meaning = std::move(default_meaning),
          .form = rule.form,
          .takes = takes,
          .apply = std::move(rule.apply),
          .values = std::move(rule.values)};
}

/// SageMaker's megabytes as bytes; 0, for a transform job without a limit, as the most there can
/// be. What is no number stays, to be refused.
std::string BytesOfMegabytes(const std::string& value) {
  constexpr std::int64_t kMegabyte = 1'048'576;
  const Result<std::int64_t> number = preprocessing::ParseInt64(value);
  if (!number || *number < 0 || *number > kMaxBodyBytes / kMegabyte) return value + " MB";
  return std::to_string(*number == 0 ? kMaxBodyBytes : *number * kMegabyte);
}

/// A level of Python's logging, which the containers of SageMaker's SDK are given.
std::string LevelOfPython(const std::string& value) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kLevels{
      {{"10", "debug"}, {"20", "info"}, {"30", "warn"}, {"40", "error"}, {"50", "error"}}};
  for (const auto& [number, level] : kLevels) {
    if (value == number) return std::string(level);
  }
  return value;
}

/// By which SageMaker asks for a multi-model endpoint.
constexpr const char* kMultiModelVariable = "SAGEMAKER_MULTI_MODEL";

/// The names that gunicorn's images and SageMaker's SDK have for settings of ours.
void AddForeignVariables(std::vector<Setting>& settings) {
  const auto add = [&settings](std::string_view key, ForeignVariable variable) {
    std::ranges::find(settings, key, &Setting::key)->foreign.push_back(std::move(variable));
  };
  constexpr auto kBeforeOwn = ForeignVariable::Rank::kBeforeOwn;
  add("bind", {.name = "SAGEMAKER_BIND_TO_PORT",
               .reading = "as 0.0.0.0:VALUE",
               .translate = [](const std::string& value) { return "0.0.0.0:" + value; }});
  add("multi_model", {.name = kMultiModelVariable});
  add("workers", {.name = "MODEL_SERVER_WORKERS", .rank = kBeforeOwn});
  add("workers", {.name = "SAGEMAKER_MODEL_SERVER_WORKERS"});
  add("workers", {.name = "SAGEMAKER_NUM_MODEL_WORKERS"});
  add("timeout", {.name = "MODEL_SERVER_TIMEOUT", .rank = kBeforeOwn});
  add("timeout", {.name = "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS"});
  add("timeout", {.name = "SAGEMAKER_MODEL_SERVER_TIMEOUT"});
  add("boot_timeout", {.name = "SAGEMAKER_STARTUP_TIMEOUT"});
  add("max_body_bytes", {.name = "SAGEMAKER_MAX_PAYLOAD_IN_MB",
                         .reading = "times 1048576; 0: the most",
                         .translate = BytesOfMegabytes});
  add("log_level", {.name = "SAGEMAKER_CONTAINER_LOG_LEVEL",
                    .reading = "10, 20, 30, 40 or 50, as in Python",
                    .translate = LevelOfPython});
}

/// What one source says of a setting.
struct Given {
  std::vector<std::string> values;
  std::vector<std::string> shown;  ///< The values as their source spells them, for messages.
  std::string origin;
  std::string place{};  ///< Within the origin: a JSON path.
};

std::string Quoted(const std::string& text) { return "\"" + text + "\""; }

Given FromTexts(std::vector<std::string> values, std::string origin) {
  Given given{.values = std::move(values), .shown = {}, .origin = std::move(origin)};
  for (const std::string& value : given.values) given.shown.push_back(Quoted(value));
  return given;
}

std::vector<std::string> SplitAtCommas(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::vector<std::string> SplitIfList(const Setting& setting, const std::string& text) {
  if (setting.form == Setting::FileForm::kTextOrList) return SplitAtCommas(text);
  return {text};
}

std::string Join(const std::vector<std::string>& values) {
  std::string joined;
  for (const std::string& value : values) joined += (joined.empty() ? "" : ",") + value;
  return joined;
}

/// Looks settings up in their sources, in the order of precedence.
class SettingSources {
 public:
  SettingSources(const FlagValues& flags, const Environment& environment) noexcept
      : flags_(flags), environment_(environment) {}

  /// Throws SpecError.
  void UseFile(const std::string& path, const std::vector<Setting>& settings) {
    document_ = preprocessing::ReadJsonFile(path);
    file_ = path;
    NamingFile([&] {
      JsonNode(document_).EachMember([&](const std::string& name, const JsonNode& member) {
        const auto known = std::ranges::find(settings, name, &Setting::key);
        const bool in_file =
            known != settings.end() && known->form != Setting::FileForm::kNotInFile;
        if (!in_file && std::ranges::find(kStructures, name) == kStructures.end()) {
          member.Fail("unknown key" + DidYouMean(name, KeysOf(settings)) +
                      "; known here: " + KnownKeys(settings));
        }
        if (name == kSchema) static_cast<void>(member.String());
      });
    });
  }

  /// Where the platform puts what is trained, and looks for what is served.
  [[nodiscard]] std::filesystem::path PlatformModel() const {
    const std::filesystem::path base = environment_("SAGEMAKER_BASE_DIR").value_or("/opt/ml");
    return base / "model";
  }

  [[nodiscard]] std::optional<Given> Find(const Setting& setting) const {
    if (const auto flag = flags_.find(setting.Flag().substr(2)); flag != flags_.end()) {
      std::vector<std::string> values;
      for (const std::string& value : flag->second) {
        std::ranges::move(SplitIfList(setting, value), std::back_inserter(values));
      }
      return FromTexts(std::move(values), setting.Flag());
    }
    if (auto given = FindInEnvironment(setting)) return given;
    if (auto given = FindInFile(setting)) return given;
    if (setting.default_text.empty()) return std::nullopt;
    return FromTexts({setting.default_text}, std::string(kDefaultOrigin));
  }

  /// Throws SpecError.
  [[nodiscard]] std::vector<HookConfig> Hooks() const {
    std::vector<HookConfig> hooks;
    EachOf(kHooks, [&hooks](const JsonNode& node) {
      hooks.push_back(
          {.type = node.Get("type").String(), .path = node.path(), .json = node.json().dump()});
    });
    return hooks;
  }

  /// Throws SpecError.
  [[nodiscard]] std::optional<RefresherConfig> Refresher() const {
    std::optional<RefresherConfig> refresher;
    if (file_.empty()) return refresher;
    NamingFile([&] {
      if (const auto node = JsonNode(document_).Find(kRefresher)) refresher = ReadRefresher(*node);
    });
    return refresher;
  }

  /// Throws SpecError.
  [[nodiscard]] std::vector<Deployment> Deployments() const {
    std::vector<Deployment> deployments;
    EachOf(kDeployments,
           [&](const JsonNode& node) { deployments.push_back(ReadDeployment(node, file_)); });
    return deployments;
  }

 private:
  static constexpr std::string_view kHooks = "hooks";
  static constexpr std::string_view kDeployments = "deployments";
  static constexpr std::string_view kRefresher = "refresher";
  static constexpr std::string_view kSchema = "$schema";  ///< For editors; any text will do.
  /// What the file holds that is no setting.
  static constexpr std::array kStructures{kHooks, kDeployments, kRefresher, kSchema};

  /// Calls `read` for each element of a list in the file that is no setting.
  void EachOf(std::string_view list, const std::function<void(const JsonNode&)>& read) const {
    if (file_.empty()) return;
    NamingFile([&] {
      const auto elements = JsonNode(document_).Find(list);
      if (!elements) return;
      for (const JsonNode& node : elements->Elements()) read(node);
    });
  }

  /// Puts the file's name before what `read` throws, which names a place within it.
  void NamingFile(const std::function<void()>& read) const {
    try {
      read();
    } catch (const SpecError& error) {
      throw SpecError(file_ + ": " + error.what());
    }
  }

  static std::vector<std::string> KeysOf(const std::vector<Setting>& settings) {
    std::vector<std::string> keys(kStructures.begin(), kStructures.end());
    for (const Setting& setting : settings) {
      if (setting.form != Setting::FileForm::kNotInFile) keys.push_back(setting.key);
    }
    return keys;
  }

  static std::string KnownKeys(const std::vector<Setting>& settings) {
    return fmt::format("{}", fmt::join(KeysOf(settings), ", "));
  }

  [[nodiscard]] std::optional<Given> FindInEnvironment(const Setting& setting) const {
    using Rank = ForeignVariable::Rank;
    if (auto given = FindForeign(setting, Rank::kBeforeOwn)) return given;
    if (const auto value = environment_(setting.environment.c_str())) {
      return FromTexts(SplitIfList(setting, *value), setting.environment);
    }
    return FindForeign(setting, Rank::kBehindOwn);
  }

  [[nodiscard]] std::optional<Given> FindForeign(const Setting& setting,
                                                 ForeignVariable::Rank rank) const {
    for (const ForeignVariable& variable : setting.foreign) {
      if (variable.rank != rank) continue;
      const auto value = environment_(variable.name.c_str());
      if (!value) continue;
      return FromTexts({variable.translate ? variable.translate(*value) : *value}, variable.name);
    }
    return std::nullopt;
  }

  [[nodiscard]] std::optional<Given> FindInFile(const Setting& setting) const {
    if (file_.empty() || setting.form == Setting::FileForm::kNotInFile) return std::nullopt;
    const auto node = JsonNode(document_).Find(setting.key);
    if (!node) return std::nullopt;
    Given given{.values = {}, .shown = {}, .origin = file_, .place = node->path()};
    const auto add = [&given](std::string value, const nlohmann::ordered_json& json) {
      given.values.push_back(std::move(value));
      given.shown.push_back(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    };
    const nlohmann::ordered_json& json = node->json();
    if (setting.form == Setting::FileForm::kInteger) {
      // A text is refused even when it spells a number: the file has one way to write each value.
      add(json.is_number_integer() ? json.dump() : "", json);
    } else if (setting.form == Setting::FileForm::kBoolean) {
      add(json.is_boolean() ? json.dump() : "", json);
    } else if (setting.form == Setting::FileForm::kTextOrList && json.is_array()) {
      for (const auto& element : json) {
        add(element.is_string() ? element.get<std::string>() : "", element);
      }
      if (json.empty()) add("", json);
    } else if (json.is_string()) {
      const auto text = json.get<std::string>();
      for (std::string& part : SplitIfList(setting, text)) {
        const nlohmann::ordered_json shown = part;
        add(std::move(part), shown);
      }
    } else {
      add("", json);
    }
    return given;
  }

  const FlagValues& flags_;
  const Environment& environment_;
  nlohmann::ordered_json document_;
  std::string file_;
};

Status ApplyGiven(const Setting& setting, const Given& given, ServerConfig& config) {
  for (std::size_t i = 0; i < given.values.size(); ++i) {
    const Status applied = setting.apply(given.values[i], config);
    if (applied) continue;
    return Error{ErrorCode::kInvalidArgument,
                 setting.key + ": " + BlankSecrets(given.shown[i]) + " from " + given.origin +
                     (given.place.empty() ? "" : ", " + given.place) + ": " +
                     applied.error().message,
                 setting.key};
  }
  return {};
}

/// `beside`: what else would do.
Error Missing(const std::vector<Setting>& settings, const std::string& key,
              std::string_view beside = {}) {
  const auto setting = std::ranges::find(settings, key, &Setting::key);
  return {ErrorCode::kInvalidArgument,
          fmt::format("{}: missing; give {}, {} or \"{}\" in the config file{}", key,
                      setting->Flag(), setting->environment, key, beside),
          key};
}

constexpr std::string_view kPrintConfigFlag = "print-config";
constexpr std::string_view kCheckFlag = "check";

/// Its variables, in the order in which they are asked.
std::string DescribeVariables(const Setting& setting) {
  std::string text;
  const auto add = [&text](const std::string& name, const std::string& reading) {
    text += (text.empty() ? "" : ", then ") + name + (reading.empty() ? "" : " (" + reading + ")");
  };
  const auto add_foreign = [&](ForeignVariable::Rank rank) {
    for (const ForeignVariable& variable : setting.foreign) {
      if (variable.rank == rank) add(variable.name, variable.reading);
    }
  };
  add_foreign(ForeignVariable::Rank::kBeforeOwn);
  add(setting.environment, "");
  add_foreign(ForeignVariable::Rank::kBehindOwn);
  return text;
}

std::string DescribeSetting(const Setting& setting) {
  std::string text = setting.meaning + ": " + setting.allowed;
  if (setting.takes == Takes::kRestart) text += ". Changes with a restart alone";
  text += ". Environment: " + DescribeVariables(setting);
  if (setting.form != Setting::FileForm::kNotInFile) text += ". Config file: " + setting.key;
  const std::string& fallback =
      setting.default_meaning.empty() ? setting.default_text : setting.default_meaning;
  return text + ". Default: " + (fallback.empty() ? "none" : fallback) + ".";
}

EffectiveSetting& ValueOf(ParsedSettings& parsed, std::string_view key) {
  return *std::ranges::find(parsed.values, key, &EffectiveSetting::key);
}

constexpr std::string_view kPipelineVariable = "FORKCAST_PIPELINE";

/// In a container that the platform started, what it brought is served, and not the pipeline that
/// the image names in its environment. Whatever else says what is served, means it.
void TakePlatformModel(const SettingSources& sources, bool lists_deployments,
                       ParsedSettings& parsed) {
  ServerConfig& config = parsed.config;
  EffectiveSetting& pipeline = ValueOf(parsed, "pipeline");
  const bool is_of_image = config.pipeline.empty() || pipeline.origin == kPipelineVariable;
  if (!is_of_image || lists_deployments || !config.deployments.empty()) return;
  const bool is_multi_model =
      config.multi_model && ValueOf(parsed, "multi_model").origin == kMultiModelVariable;
  const std::filesystem::path model = sources.PlatformModel();
  std::error_code ignored;
  if (config.model_dir.empty() && !is_multi_model &&
      std::filesystem::exists(model / kManifestFile, ignored)) {
    config.model_dir = model;
    ValueOf(parsed, "model_dir").text = model.string();
  }
  if (config.model_dir.empty() && !is_multi_model) return;
  config.pipeline.clear();
  pipeline = {.key = pipeline.key, .text = "", .origin = std::string(kDefaultOrigin)};
}

/// Puts together what is served: what the file `listed`, --deploy, --model-dir and --pipeline.
Status CollectDeployments(std::vector<Deployment> listed, ParsedSettings& parsed) {
  ServerConfig& config = parsed.config;
  for (Deployment& deployment : config.deployments) {
    deployment.origin = ValueOf(parsed, "deploy").origin;
    listed.push_back(std::move(deployment));
  }
  if (!config.model_dir.empty()) {
    listed.push_back({.place = config.model_dir, .origin = ValueOf(parsed, "model_dir").origin});
  }
  if (!config.pipeline.empty()) {
    const bool is_default = std::ranges::none_of(listed, &Deployment::is_default);
    listed.push_back({.pipeline = config.pipeline,
                      .is_default = is_default,
                      .origin = ValueOf(parsed, "pipeline").origin});
  }
  for (Deployment& deployment : listed) {
    if (deployment.snapshots.empty()) deployment.snapshots = config.snapshots;
  }
  Status arranged = Arrange(listed);
  config.deployments = std::move(listed);
  return arranged;
}

/// `[::]` takes IPv4 as well, as people expect, where nothing else listens at its port.
void JoinFamilies(std::vector<Address>& addresses) {
  const auto port_of = [](const Address& address) {
    const auto* const tcp = std::get_if<TcpAddress>(&address);
    return tcp != nullptr ? std::optional(tcp->port) : std::nullopt;
  };
  for (Address& address : addresses) {
    auto* const tcp = std::get_if<TcpAddress>(&address);
    if (tcp == nullptr || tcp->host != "::") continue;
    const bool any_port = tcp->port == 0;  // of which each address gets one of its own
    tcp->with_ipv4 =
        any_port || std::ranges::count(addresses, std::optional(tcp->port), port_of) == 1;
  }
}

/// Fills config and values. Throws SpecError for what is wrong with the file.
Status ReadSettings(const std::vector<Setting>& settings, SettingSources& sources,
                    ParsedSettings& parsed) {
  for (const Setting& setting : settings) {
    const std::optional<Given> given = sources.Find(setting);
    EffectiveSetting value{.key = setting.key, .text = "", .origin = std::string(kDefaultOrigin)};
    if (given) {
      Status applied = ApplyGiven(setting, *given, parsed.config);
      if (!applied) return applied;
      value.text = Join(given->values);
      value.origin = given->origin;
      // The table's first setting, so that the others find the file read.
      if (setting.form == Setting::FileForm::kNotInFile) sources.UseFile(value.text, settings);
    }
    parsed.values.push_back(std::move(value));
  }
  JoinFamilies(parsed.config.bind);
  parsed.config.platform_loads_models =
      ValueOf(parsed, "multi_model").origin == kMultiModelVariable;
  parsed.config.hooks = sources.Hooks();
  parsed.config.refresher = sources.Refresher();
  if (parsed.config.snapshots.empty() && !parsed.config.store.empty()) {
    const Result<std::string> folder = preprocessing::DefaultSnapshotFolder(parsed.config.store);
    if (!folder) return folder.error();
    parsed.config.snapshots = *folder;
    ValueOf(parsed, "snapshots").text = *folder;
  }
  std::vector<Deployment> listed = sources.Deployments();
  TakePlatformModel(sources, !listed.empty(), parsed);
  return CollectDeployments(std::move(listed), parsed);
}

/// Whether nobody but this machine can connect to it.
bool IsLocal(const Address& address) {
  const auto* const tcp = std::get_if<TcpAddress>(&address);
  if (tcp == nullptr || tcp->host == "localhost" || tcp->host == "::1") return true;
  in_addr v4{};
  constexpr std::uint32_t kLoopback = 127;
  return ::inet_pton(AF_INET, tcp->host.c_str(), &v4) == 1 &&
         (ntohl(v4.s_addr) >> 24U) == kLoopback;
}

/// Whoever brings rows writes the store.
Status CheckPushes(const ServerConfig& config) {
  if (!config.refresher->takes_pushes || (config.admin && IsLocal(*config.admin))) return {};
  return Error{ErrorCode::kInvalidArgument,
               "refresher: \"push\" needs admin_address, which has to be one of this machine alone "
               "(127.0.0.1:PORT, [::1]:PORT or unix:PATH): who can connect to it writes the store",
               "refresher"};
}

/// A lock needs keys.
Status CheckLocks(const ServerConfig& config) {
  if (config.locked.empty() || !config.tokens.empty() || !config.users.empty()) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("locked: {} takes a token, but there are none: give a file by --tokens, "
                           "FORKCAST_TOKENS or \"tokens\" in the config file, or one of users",
                           RuleOf(config.locked.front()).name),
               "locked"};
}

/// What the refresher's declaration leaves to the server's settings.
Status CompleteRefresher(const std::vector<Setting>& settings, ServerConfig& config) {
  if (!config.refresher) return {};
  RefresherConfig& refresher = *config.refresher;
  const auto complete = [&](auto& member, const auto& own, const std::string& key) -> Status {
    if (member.empty()) member = own;
    if (!member.empty()) return {};
    return Missing(settings, key, ", or in \"refresher\", which needs it");
  };
  if (Status done = complete(refresher.pipeline, config.pipeline, "pipeline"); !done) return done;
  if (Status done = complete(refresher.store, config.store, "store"); !done) return done;
  if (const Status good = preprocessing::CheckStoreUrl(refresher.store); !good) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("refresher: store: {}", good.error().message), "refresher"};
  }
  if (Status done = complete(refresher.snapshots, config.snapshots, "snapshots"); !done) {
    return done;
  }
  return CheckPushes(config);
}

/// The queue is in the store.
Status CheckJobs(const std::vector<Setting>& settings, const ServerConfig& config) {
  if (!config.jobs || !config.store.empty()) return {};
  return Missing(settings, "store", ", which has the queue of \"jobs\"");
}

/// What serving cannot do without.
Status RequireDeployments(const std::vector<Setting>& settings, const ServerConfig& config) {
  if (config.deployments.empty() && !config.multi_model) {
    return Missing(settings, "pipeline", ", or deploy models by --deploy or \"deployments\"");
  }
  for (const Deployment& deployment : config.deployments) {
    const bool may_have_own = !deployment.place.empty();
    if (deployment.snapshots.empty() && !may_have_own) return Missing(settings, "store");
  }
  return {};
}

void BlankFrom(std::string& text, std::size_t begin, std::size_t end) {
  if (end > begin) text.replace(begin, end - begin, "***");
}

}  // namespace

std::string Setting::Flag() const {
  std::string flag = "--" + key;
  std::ranges::replace(flag, '_', '-');
  return flag;
}

// NOLINTNEXTLINE(readability-function-size): a table.
std::vector<Setting> ServerSettings() {
  const auto no_field = [](const std::string& text, ServerConfig&) -> Status {
    return text.empty() ? Status(Expected("the path of a file")) : Status();
  };
  const Rule config{"FILE", "a JSON file", Setting::FileForm::kNotInFile, no_field};
  const Rule store{"URL", "sqlite:PATH, postgresql://HOST/DATABASE or mysql://HOST/DATABASE",
                   Setting::FileForm::kText, ApplyStore};
  const Rule deploy{"[NAME=]MODEL[@VERSION]", "models of the registry",
                    Setting::FileForm::kTextOrList, ApplyDeploy};
  const Rule multi_model = BooleanRule(&ServerConfig::multi_model);
  const Rule wait_while_loading = BooleanRule(&ServerConfig::wait_while_loading);
  const Rule bind{"ADDRESS", "ADDRESS:PORT, [IPV6]:PORT, NAME:PORT or unix:PATH",
                  Setting::FileForm::kTextOrList, ApplyBind};
  const Rule admin{"ADDRESS", "ADDRESS:PORT, [IPV6]:PORT, NAME:PORT or unix:PATH",
                   Setting::FileForm::kText, ApplyAdmin};
  const Rule trusted_proxies{"ADDRESS", "addresses, networks such as 10.0.0.0/8, unix, none",
                             Setting::FileForm::kTextOrList, ApplyTrustedProxy};
  const Rule cors_origins{"ORIGIN", "origins such as https://shop.example, or *",
                          Setting::FileForm::kTextOrList, ApplyCorsOrigin};
  const std::vector<std::string_view> lockable = Lockable();
  const Rule locked{"WHAT",
                    fmt::format("{}", fmt::join(lockable, ", ")),
                    Setting::FileForm::kTextOrList,
                    ApplyLocked,
                    {.words = {lockable.begin(), lockable.end()}}};
  const Rule allowed_hosts{"HOST", "names such as forecasts.example:8080 or *.example, [IPV6]",
                           Setting::FileForm::kTextOrList, ApplyAllowedHost};
  const Rule log_level{"LEVEL",
                       "debug, info, warn or error",
                       Setting::FileForm::kText,
                       ApplyLogLevel,
                       {.words = {"debug", "info", "warn", "error"}}};
  const Rule access_log{"FORMAT",
                        "off, common or json",
                        Setting::FileForm::kText,
                        ApplyAccessLog,
                        {.words = {"off", "common", "json"}}};
  const Rule metrics{
      "ON", "on or off", Setting::FileForm::kText, ApplyMetrics, {.words = {"on", "off"}}};
  const Rule csv_answers{"FORM",
                         "csv or predictions",
                         Setting::FileForm::kText,
                         ApplyCsvAnswers,
                         {.words = {"csv", "predictions"}}};
  const Rule page{"ON", "on or off", Setting::FileForm::kText, ApplyPage, {.words = {"on", "off"}}};
  const Rule jobs{"ON", "on or off", Setting::FileForm::kText, ApplyJobs, {.words = {"on", "off"}}};
  const Rule secure_cookies{"WHEN",
                            "auto or always",
                            Setting::FileForm::kText,
                            ApplySecureCookies,
                            {.words = {"auto", "always"}}};
  const Rule control{"PATH", "a path of 1 to " + std::to_string(kMaxUnixPath) + " bytes",
                     Setting::FileForm::kText, ApplyControl};
  const std::string workers = std::to_string(UsableCpus());

  std::vector<Setting> settings{
      MakeSetting("config", "FORKCAST_CONFIG", config, Takes::kReload, "",
                  "Config file, which holds settings under their keys, and the hooks"),
      MakeSetting("pipeline", "FORKCAST_PIPELINE",
                  TextRule("FILE", "a pipeline file", &ServerConfig::pipeline), Takes::kReload, "",
                  "A pipeline to serve with the model that it names; the default of what is "
                  "served, unless \"deployments\" in the config file has one",
                  "none; required when nothing else is deployed"),
      MakeSetting(
          "models", "FORKCAST_MODELS",
          TextRule("PLACE", "a registry that train publishes in: a folder or s3://BUCKET/PREFIX",
                   &ServerConfig::models),
          Takes::kReload, "models", "The registry of the models that are deployed"),
      MakeSetting("deploy", "FORKCAST_DEPLOY", deploy, Takes::kReload, "",
                  "Published models to serve, under their own or another name, by alias or number, "
                  "else the champion; several times, or with commas between, or as a list in the "
                  "config file"),
      MakeSetting("store", "FORKCAST_STORE", store, Takes::kReload, "",
                  "The store whose snapshots are served; only names their folder",
                  "none; required without snapshots"),
      MakeSetting("snapshots", "FORKCAST_SNAPSHOTS",
                  TextRule("DIR", "a folder", &ServerConfig::snapshots), Takes::kReload, "",
                  "Where ingest has published the snapshots", "beside the store, PATH.snapshots"),
      MakeSetting(
          "model_dir", "FORKCAST_MODEL_DIR",
          TextRule("DIR", "a folder with a version of a model, or with a pipeline.json",
                   &ServerConfig::model_dir),
          Takes::kReload, "",
          "A model to serve as it is, as train writes it in a container; over the snapshots "
          "in its folder snapshots, if it has one",
          "model in SAGEMAKER_BASE_DIR, else /opt/ml, where that has a manifest.json and "
          "neither flag nor config file says what is served"),
      MakeSetting("multi_model", "FORKCAST_MULTI_MODEL", multi_model, Takes::kRestart, "false",
                  "Whether models may be loaded and unloaded while the server runs, by /models; "
                  "then it may start with none"),
      MakeSetting("model_root", "FORKCAST_MODEL_ROOT",
                  TextRule("DIR", "a folder", &ServerConfig::model_root), Takes::kReload, "/opt/ml",
                  "The folder below which models that are loaded must lie"),
      MakeSetting("max_models", "FORKCAST_MAX_MODELS",
                  IntegerRule("N", 1, 10'000, &ServerConfig::max_models), Takes::kReload, "1000",
                  "Most models that are loaded at once, beside those that settings declare"),
      MakeSetting("bind", "FORKCAST_BIND", bind, Takes::kRestart, "127.0.0.1:8080",
                  "Where to listen; a name means all of its addresses, [::] IPv4 as well where "
                  "nothing else is listed at its port; several times, or with commas between, or "
                  "as a list in "
                  "the config file"),
      MakeSetting(
          "admin_address", "FORKCAST_ADMIN_ADDRESS", admin, Takes::kRestart, "",
          "Where /metrics, /drift and /ping are asked by who looks after the server, however "
          "busy it is; then /metrics and /drift are answered nowhere else"),
      MakeSetting("workers", "FORKCAST_WORKERS",
                  IntegerRule("N", 1, kMaxWorkers, &ServerConfig::workers), Takes::kReload, workers,
                  "Worker processes", "the CPUs that may be used, here " + workers),
      MakeSetting("timeout", "FORKCAST_TIMEOUT",
                  IntegerRule("SECONDS", 1, 3600, &ServerConfig::timeout), Takes::kReload, "60",
                  "Seconds for one request, from its first byte to its answer"),
      MakeSetting("idle_timeout", "FORKCAST_IDLE_TIMEOUT",
                  IntegerRule("SECONDS", 1, 3600, &ServerConfig::idle_timeout), Takes::kReload,
                  "75",
                  "Seconds that a connection may wait for its next request; longer than a proxy "
                  "in front keeps it"),
      MakeSetting("graceful_timeout", "FORKCAST_GRACEFUL_TIMEOUT",
                  IntegerRule("SECONDS", 1, 600, &ServerConfig::graceful_timeout), Takes::kRestart,
                  "25", "Seconds to finish requests when stopping"),
      MakeSetting(
          "max_queue_delay_ms", "FORKCAST_MAX_QUEUE_DELAY_MS",
          IntegerRule("MS", 1, 3'600'000, &ServerConfig::max_queue_delay), Takes::kReload, "5000",
          "Milliseconds that a request may wait in its worker until it is worked on; beyond, "
          "it gets 503 at once"),
      MakeSetting("max_connections", "FORKCAST_MAX_CONNECTIONS",
                  IntegerRule("N", 1, 65536, &ServerConfig::max_connections), Takes::kReload,
                  "1000", "Connections of one worker"),
      MakeSetting("max_body_bytes", "FORKCAST_MAX_BODY_BYTES",
                  IntegerRule("BYTES", 1, kMaxBodyBytes, &ServerConfig::max_body_bytes),
                  Takes::kReload, "6291456", "Largest body of a request"),
      MakeSetting("max_header_bytes", "FORKCAST_MAX_HEADER_BYTES",
                  IntegerRule("BYTES", 1024, 1'048'576, &ServerConfig::max_header_bytes),
                  Takes::kReload, "16384", "Largest head of a request, with its first line"),
      MakeSetting("max_rows", "FORKCAST_MAX_ROWS",
                  IntegerRule("N", 1, 10'000'000, &ServerConfig::max_rows), Takes::kReload,
                  "100000", "Most rows of one request"),
      MakeSetting(
          "csv_answers", "FORKCAST_CSV_ANSWERS", csv_answers, Takes::kReload, "csv",
          "How a body in CSV is answered where Accept does not say: csv, or as MLflow does, "
          "predictions: {\"predictions\": [...]}"),
      MakeSetting("backlog", "FORKCAST_BACKLOG", IntegerRule("N", 1, 65535, &ServerConfig::backlog),
                  Takes::kRestart, "2048",
                  "Connections that may wait to be accepted; the kernel's net.core.somaxconn "
                  "caps it"),
      MakeSetting("boot_timeout", "FORKCAST_BOOT_TIMEOUT",
                  IntegerRule("SECONDS", 1, 3600, &ServerConfig::boot_timeout), Takes::kRestart,
                  "240", "For a worker to load pipeline, model and snapshots"),
      MakeSetting("wait_while_loading", "FORKCAST_WAIT_WHILE_LOADING", wait_while_loading,
                  Takes::kRestart, "false",
                  "Whether callers wait while the server starts, until the first worker has loaded "
                  "what it serves; else they get 503"),
      MakeSetting("max_requests", "FORKCAST_MAX_REQUESTS",
                  IntegerRule("N", 0, 1'000'000'000, &ServerConfig::max_requests), Takes::kReload,
                  "0", "Requests after which a worker is replaced by a new one; 0: never"),
      MakeSetting("max_requests_jitter", "FORKCAST_MAX_REQUESTS_JITTER",
                  IntegerRule("N", 0, 1'000'000'000, &ServerConfig::max_requests_jitter),
                  Takes::kReload, "0",
                  "Up to as many more by chance, so that workers do not go together"),
      MakeSetting("max_memory_mb", "FORKCAST_MAX_MEMORY_MB",
                  IntegerRule("MIB", 0, 1'048'576, &ServerConfig::max_memory_mb), Takes::kReload,
                  "0", "Resident memory beyond which a worker is replaced; 0: never"),
      MakeSetting("log_level", "FORKCAST_LOG_LEVEL", log_level, Takes::kReload, "info",
                  "The least that is logged"),
      MakeSetting("access_log", "FORKCAST_ACCESS_LOG", access_log, Takes::kReload, "off",
                  "Notes every answer in one line"),
      MakeSetting(
          "access_log_file", "FORKCAST_ACCESS_LOG_FILE",
          TextRule("FILE", "a file, or - for standard output", &ServerConfig::access_log_file),
          Takes::kReload, "-", "Where to; opened anew on USR1"),
      MakeSetting("metrics", "FORKCAST_METRICS", metrics, Takes::kReload, "on",
                  "Whether GET /metrics answers what the server counts, for Prometheus"),
      MakeSetting("page", "FORKCAST_PAGE", page, Takes::kReload, "on",
                  "Whether there is a page at /, for people who plan"),
      MakeSetting("pidfile", "FORKCAST_PIDFILE", TextRule("FILE", "a file", &ServerConfig::pidfile),
                  Takes::kRestart, "", "Holds the process id of the server while it runs"),
      MakeSetting("control", "FORKCAST_CONTROL", control, Takes::kRestart, "",
                  "Unix socket, for the server's own user alone, that forkcast status asks"),
      MakeSetting("user", "FORKCAST_USER",
                  TextRule("NAME", "a user's name or number", &ServerConfig::user), Takes::kRestart,
                  "", "Whom workers and recorder run as; takes root to ask for another",
                  "the server's own"),
      MakeSetting("group", "FORKCAST_GROUP",
                  TextRule("NAME", "a group's name or number", &ServerConfig::group),
                  Takes::kRestart, "", "Their group", "that of the user"),
      MakeSetting("umask", "FORKCAST_UMASK", OctalRule(&ServerConfig::umask), Takes::kRestart, "",
                  "Permissions that files do not get when they are made, sockets and pidfile "
                  "included",
                  "as inherited; sockets get 0666, the pidfile 0644"),
      MakeSetting("socket_mode", "FORKCAST_SOCKET_MODE", OctalRule(&ServerConfig::socket_mode),
                  Takes::kRestart, "", "Permissions of Unix sockets; whoever may write may connect",
                  "0666 less umask"),
      MakeSetting("socket_group", "FORKCAST_SOCKET_GROUP",
                  TextRule("NAME", "a group's name or number", &ServerConfig::socket_group),
                  Takes::kRestart, "", "Group of Unix sockets", "that of the server"),
      MakeSetting("trusted_proxies", "FORKCAST_TRUSTED_PROXIES", trusted_proxies, Takes::kReload,
                  "unix",
                  "Who is believed when it says for whom it asks (X-Forwarded-For, Forwarded), for "
                  "the access log: addresses, networks, unix for whoever connects to a Unix "
                  "socket, none; several times, or with commas between, or as a list in the "
                  "config file"),
      MakeSetting("cors_origins", "FORKCAST_CORS_ORIGINS", cors_origins, Takes::kReload, "",
                  "Web pages that may ask from within a browser, by their origin, * for all; "
                  "several times, or with commas between, or as a list in the config file"),
      MakeSetting("tokens", "FORKCAST_TOKENS",
                  TextRule("FILE", "a file that forkcast token makes", &ServerConfig::tokens),
                  Takes::kReload, "",
                  "The tokens of those who may change something; without it, that is for programs "
                  "on the server's own machine alone"),
      MakeSetting("users", "FORKCAST_USERS",
                  TextRule("FILE", "a file that forkcast user makes", &ServerConfig::users),
                  Takes::kReload, "",
                  "Who may log in by a password (POST /session), and so change something in a "
                  "browser"),
      MakeSetting("session_idle_timeout", "FORKCAST_SESSION_IDLE_TIMEOUT",
                  IntegerRule("SECONDS", 60, 86'400, &ServerConfig::session_idle_timeout),
                  Takes::kReload, "1800",
                  "Seconds after which a session is over when nothing was asked that takes one"),
      MakeSetting("session_lifetime", "FORKCAST_SESSION_LIFETIME",
                  IntegerRule("SECONDS", 60, 2'592'000, &ServerConfig::session_lifetime),
                  Takes::kReload, "43200", "Seconds after which a session is over in any case"),
      MakeSetting("secure_cookies", "FORKCAST_SECURE_COOKIES", secure_cookies, Takes::kReload,
                  "auto",
                  "When browsers are told to send their session over TLS alone: where a trusted "
                  "proxy says that they asked so (X-Forwarded-Proto), or always"),
      MakeSetting("locked", "FORKCAST_LOCKED", locked, Takes::kReload, "",
                  "What takes a token as well, of the role viewer at least: answers of models, "
                  "what is counted and found; several times, or with commas between, or as a list "
                  "in the config file"),
      MakeSetting("allowed_hosts", "FORKCAST_ALLOWED_HOSTS", allowed_hosts, Takes::kReload, "",
                  "Names under which the server may be asked (the header Host), but for /ping, "
                  "/invocations and /execution-parameters; several times, or with commas between, "
                  "or as a list in the config file",
                  "any"),
      MakeSetting("jobs", "FORKCAST_JOBS", jobs, Takes::kRestart, "off",
                  "Whether jobs are taken, at /jobs, and a trainer works them off"),
      MakeSetting("jobs_at_once", "FORKCAST_JOBS_AT_ONCE",
                  IntegerRule("N", 1, 64, &ServerConfig::jobs_at_once), Takes::kReload, "1",
                  "Jobs that the trainer works on at once; those of one model wait for each other"),
      MakeSetting("jobs_memory_mb", "FORKCAST_JOBS_MEMORY_MB",
                  IntegerRule("MIB", 0, 1'048'576, &ServerConfig::jobs_memory_mb), Takes::kReload,
                  "0", "Memory for the data of one job, which fails beyond it; 0: no limit"),
      MakeSetting("jobs_cpus", "FORKCAST_JOBS_CPUS",
                  IntegerRule("N", 0, 1'024, &ServerConfig::jobs_cpus), Takes::kReload, "0",
                  "CPUs that jobs may use; 0: all, with less right to them than workers have"),
      MakeSetting("jobs_data", "FORKCAST_JOBS_DATA",
                  TextRule("DIR", "a folder", &ServerConfig::jobs_data), Takes::kReload, "",
                  "The folder below which those lie whose files jobs may take in",
                  "none: no job takes files in"),
      MakeSetting("audit_log", "FORKCAST_AUDIT_LOG",
                  TextRule("FILE", "a file, or - for standard output", &ServerConfig::audit_log),
                  Takes::kReload, "",
                  "Notes who changed what, and who was refused, a line each; opened anew on USR1"),
  };
  AddForeignVariables(settings);
  return settings;
}

std::vector<std::string> SettingVariables() {
  std::vector<std::string> variables;
  for (const Setting& setting : ServerSettings()) {
    variables.push_back(setting.environment);
    for (const ForeignVariable& foreign : setting.foreign) variables.push_back(foreign.name);
  }
  return variables;
}

std::vector<Flag> ServeFlags() {
  // What a setting allows, it checks itself, whatever its source, and names that.
  const preprocessing::Allowed checked_later{.is_value = [](std::string_view) { return true; }};
  std::vector<Flag> flags;
  for (const Setting& setting : ServerSettings()) {
    const bool is_usual = setting.key == "pipeline" || setting.key == "store";
    flags.push_back({.name = setting.Flag().substr(2),
                     .argument = setting.argument,
                     .kind = setting.form == Setting::FileForm::kTextOrList
                                 ? Flag::Kind::kManyValues
                                 : Flag::Kind::kOneValue,
                     .meaning = DescribeSetting(setting),
                     .allowed = checked_later,
                     .need = is_usual ? Flag::Need::kUsual : Flag::Need::kOptional});
  }
  flags.push_back(
      {.name = std::string(kCheckFlag),
       .kind = Flag::Kind::kSwitch,
       .meaning = "Loads everything that serving needs, says what is wrong, and ends."});
  flags.push_back({.name = std::string(kPrintConfigFlag),
                   .kind = Flag::Kind::kSwitch,
                   .meaning = "Prints every setting with its value and its origin, and ends."});
  return flags;
}

Result<ParsedSettings> ReadServerSettings(const FlagValues& flags, const Environment& environment) {
  ParsedSettings parsed;
  if (flags.contains(kCheckFlag)) parsed.action = ServerAction::kCheck;
  if (flags.contains(kPrintConfigFlag)) parsed.action = ServerAction::kPrintConfig;

  const std::vector<Setting> settings = ServerSettings();
  SettingSources sources(flags, environment);
  try {
    const Status read = ReadSettings(settings, sources, parsed);
    if (!read) return read.error();
  } catch (const SpecError& error) {
    return Error{ErrorCode::kInvalidArgument, std::string("config: ") + error.what(), "config"};
  }
  if (parsed.action == ServerAction::kPrintConfig) return parsed;
  if (Status complete = RequireDeployments(settings, parsed.config); !complete) {
    return std::move(complete).error();
  }
  if (Status complete = CheckLocks(parsed.config); !complete) {
    return std::move(complete).error();
  }
  if (Status complete = CheckJobs(settings, parsed.config); !complete) {
    return std::move(complete).error();
  }
  if (Status complete = CompleteRefresher(settings, parsed.config); !complete) {
    return std::move(complete).error();
  }
  return parsed;
}

std::vector<std::string> ChangedForRestart(const ParsedSettings& running,
                                           const ParsedSettings& wanted) {
  std::vector<std::string> keys;
  for (const Setting& setting : ServerSettings()) {
    if (setting.takes != Takes::kRestart) continue;
    const auto text_in = [&setting](const ParsedSettings& settings) -> const std::string& {
      return std::ranges::find(settings.values, setting.key, &EffectiveSetting::key)->text;
    };
    if (text_in(running) != text_in(wanted)) keys.push_back(setting.key);
  }
  return keys;
}

std::string PrintConfig(const ParsedSettings& settings) {
  std::size_t width = 0;
  for (const EffectiveSetting& value : settings.values) width = std::max(width, value.key.size());
  std::string text;
  const auto add = [&](const std::string& key, const std::string& value,
                       const std::string& origin) {
    text += key + std::string(width - key.size(), ' ') + " = " + BlankSecrets(value) + "  (" +
            origin + ")\n";
  };
  std::string config_file;
  for (const EffectiveSetting& value : settings.values) {
    add(value.key, value.text, value.origin);
    if (value.key == "config") config_file = value.text;
  }
  std::vector<std::string> types;
  for (const HookConfig& hook : settings.config.hooks) types.push_back(hook.type);
  add("hooks", Join(types), types.empty() ? std::string(kDefaultOrigin) : config_file);
  std::vector<std::string> names;
  std::vector<std::string> origins;
  for (const Deployment& deployment : settings.config.deployments) {
    const std::filesystem::path& place =
        deployment.place.empty() ? deployment.pipeline : deployment.place;
    names.push_back(deployment.name.empty() ? place.string() : deployment.name);
    if (std::ranges::find(origins, deployment.origin) == origins.end()) {
      origins.push_back(deployment.origin);
    }
  }
  if (origins.empty()) origins.emplace_back(kDefaultOrigin);
  add("deployments", Join(names), fmt::format("{}", fmt::join(origins, ", ")));
  const auto& refresher = settings.config.refresher;
  const auto what = [&] {
    if (!refresher->from.empty()) return refresher->from;
    return std::string(refresher->takes_pushes ? "push" : "the store's tables");
  };
  add("refresher", refresher ? what() : "", refresher ? config_file : std::string(kDefaultOrigin));
  return text;
}

std::string BlankSecrets(std::string_view text) {
  std::string blanked(text);
  const std::size_t scheme_end = blanked.find("://");
  const std::size_t at = blanked.rfind('@');
  if (scheme_end != std::string::npos && at != std::string::npos && at > scheme_end) {
    const std::size_t colon = blanked.find(':', scheme_end + 3);
    if (colon < at) BlankFrom(blanked, colon + 1, at);
  }
  constexpr std::string_view kParameter = "password=";
  for (std::size_t found = blanked.find(kParameter); found != std::string::npos;) {
    const std::size_t begin = found + kParameter.size();
    BlankFrom(blanked, begin, std::min(blanked.find_first_of("&\"", begin), blanked.size()));
    found = blanked.find(kParameter, begin);
  }
  return blanked;
}

}  // namespace forkcast::serving
