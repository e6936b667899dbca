// What servers elsewhere answer: the first byte picks who answers, behind it is the answer.
//
// No answer of S3 gives more texts than it has elements, and none longer than itself; what is read
// as MLflow's MLmodel has flavours with names.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.hpp"
#include "model/mlflow/mlmodel_file.hpp"
#include "model/mlflow/pull_model.hpp"
#include "model/remote/s3_client.hpp"

namespace {

using forkcast::fuzz::Require;

void ReadXml(std::string_view text) {
  for (const char* const name : {"Key", "Size", "Code", "Prefix"}) {
    const auto texts = forkcast::model::XmlTexts(text, name);
    Require(texts.size() <= text.size());
    for (const std::string& one : texts) Require(one.size() <= text.size());
  }
}

void ReadFlavors(std::string_view text) {
  const auto flavors = forkcast::model::ReadMlmodel(text);
  if (!flavors) return;
  Require(!flavors->empty());
  for (const auto& [name, members] : *flavors) {
    Require(name.size() <= text.size());
    for (const auto& [member, value] : members) Require(!value.empty() || !member.empty());
  }
}

void ReadReference(std::string_view text) {
  const auto reference = forkcast::model::ParseMlflowReference(text);
  if (reference) Require(!reference->name.empty() && !reference->version.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      ReadXml(text);
      break;
    case 1:
      ReadFlavors(text);
      break;
    default:
      ReadReference(text);
  }
  return 0;
}
