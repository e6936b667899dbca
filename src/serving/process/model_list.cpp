#include "serving/process/model_list.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;

/// From one place to the other; what is not written takes no memory.
constexpr off_t kPlaceBytes = off_t{1} << 30;
constexpr std::size_t kKeptReasons = 64;

off_t PlaceOf(std::uint64_t version) { return static_cast<off_t>(version % 2) * kPlaceBytes; }

[[noreturn]] void Throw() {
  throw std::system_error(errno, std::generic_category(), "the list of loaded models");
}

std::string ToText(const ModelList::Contents& contents) {
  ordered_json models = ordered_json::array();
  for (const ListedModel& model : contents.models) {
    models.push_back({model.id, model.name, model.url, model.place});
  }
  ordered_json withdrawn = ordered_json::array();
  for (const WithdrawnModel& model : contents.withdrawn) {
    withdrawn.push_back({model.id, model.no_room, model.reason});
  }
  return preprocessing::DumpText(
      {{"models", std::move(models)}, {"withdrawn", std::move(withdrawn)}});
}

}  // namespace

/// Held by one process at a time. Closing any descriptor of the file would end it, and there is
/// only one.
class ModelList::Lock {
 public:
  explicit Lock(const Fd& file) : file_(file) {
    while (!Set(F_WRLCK)) {
      if (errno != EINTR) Throw();
    }
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() { static_cast<void>(Set(F_UNLCK)); }

 private:
  [[nodiscard]] bool Set(short type) const noexcept {
    struct flock whole {};
    whole.l_type = type;
    whole.l_whence = SEEK_SET;
    return ::fcntl(file_.get(), F_SETLKW, &whole) == 0;
  }

  const Fd& file_;
};

ModelList::ModelList(std::size_t workers)
    : file_(::memfd_create("forkcast-models", MFD_CLOEXEC)), progress_(workers) {
  if (!file_) Throw();
  WriteLocked({.version = 1});
}

std::uint64_t ModelList::version() const noexcept {
  return head_[0].version.load(std::memory_order_acquire);
}

ModelList::Contents ModelList::Read() const {
  const Lock lock(file_);
  return ReadLocked();
}

ModelList::Contents ModelList::ReadLocked() const {
  Contents contents{.version = version()};
  std::string text(head_[0].bytes[contents.version % 2].load(std::memory_order_acquire), '\0');
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t got = ::pread(file_.get(), text.data() + done, text.size() - done,
                                PlaceOf(contents.version) + static_cast<off_t>(done));
    if (got == 0) errno = EIO;
    if (got <= 0 && errno != EINTR) Throw();
    done += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  }
  const ordered_json json = ordered_json::parse(text);
  for (const ordered_json& model : json.at("models")) {
    contents.models.push_back(
        {.id = model.at(0), .name = model.at(1), .url = model.at(2), .place = model.at(3)});
  }
  for (const ordered_json& model : json.at("withdrawn")) {
    contents.withdrawn.push_back(
        {.id = model.at(0), .no_room = model.at(1), .reason = model.at(2)});
  }
  return contents;
}

void ModelList::WriteLocked(const Contents& contents) {
  const std::string text = ToText(contents);
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t written = ::pwrite(file_.get(), text.data() + done, text.size() - done,
                                     PlaceOf(contents.version) + static_cast<off_t>(done));
    if (written < 0 && errno != EINTR) Throw();
    done += static_cast<std::size_t>(std::max<ssize_t>(written, 0));
  }
  head_[0].bytes[contents.version % 2].store(text.size(), std::memory_order_release);
  head_[0].version.store(contents.version, std::memory_order_release);  // invariant 1
}

ModelList::Change ModelList::Add(ListedModel model, std::size_t most) {
  const Lock lock(file_);
  Contents contents = ReadLocked();
  if (std::ranges::find(contents.models, model.name, &ListedModel::name) != contents.models.end()) {
    return {.outcome = Outcome::kNone};
  }
  if (contents.models.size() >= most) return {.outcome = Outcome::kFull};
  model.id = ++contents.version;
  contents.models.push_back(std::move(model));
  WriteLocked(contents);
  return {.version = contents.version};
}

ModelList::Change ModelList::Remove(std::string_view name) {
  const Lock lock(file_);
  Contents contents = ReadLocked();
  if (std::erase_if(contents.models, [name](const ListedModel& one) { return one.name == name; }) ==
      0) {
    return {.outcome = Outcome::kNone};
  }
  ++contents.version;
  WriteLocked(contents);
  return {.version = contents.version};
}

void ModelList::Withdraw(const WithdrawnModel& model) {
  const Lock lock(file_);
  Contents contents = ReadLocked();
  if (std::erase_if(contents.models,
                    [&model](const ListedModel& one) { return one.id == model.id; }) == 0) {
    return;
  }
  contents.withdrawn.push_back(model);
  if (contents.withdrawn.size() > kKeptReasons) {
    contents.withdrawn.erase(contents.withdrawn.begin());
  }
  ++contents.version;
  WriteLocked(contents);
}

bool ModelList::Join(std::size_t worker, std::uint64_t version_taken) {
  const Lock lock(file_);
  if (version() != version_taken) return false;
  progress_[worker].freed.store(version_taken, std::memory_order_release);
  progress_[worker].taken.store(version_taken, std::memory_order_release);
  return true;
}

}  // namespace forkcast::serving
