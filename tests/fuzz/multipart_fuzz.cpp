// The first byte is the length of the boundary, which follows; the rest is a body.
//
// What is taken is within the body, part behind part, and nothing of it holds a boundary; put
// together again it gives the same parts.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/push/multipart.hpp"
#include "fuzz/require.hpp"

using forkcast::Result;
using forkcast::fuzz::Require;
using namespace forkcast::preprocessing;

namespace {

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string PutTogether(const std::vector<MultipartPart>& parts, const std::string& boundary) {
  std::string body;
  for (const MultipartPart& part : parts) {
    body += "--" + boundary + "\r\nContent-Disposition: form-data; name=" + Quoted(part.name) +
            "; filename=" + Quoted(part.file_name) + "\r\n";
    if (!part.content_type.empty()) body += "Content-Type: " + part.content_type + "\r\n";
    body += "\r\n" + std::string(part.content) + "\r\n";
  }
  return body + "--" + boundary + "--\r\n";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t length = std::min<std::size_t>(data[0] % 71, size - 1);
  input.remove_prefix(1);
  const Result<std::string> boundary =
      BoundaryOf("multipart/form-data; boundary=" + Quoted(std::string(input.substr(0, length))));
  if (!boundary) return 0;
  input.remove_prefix(length);
  const Result<std::vector<MultipartPart>> parts = ParseMultipart(input, *boundary);
  if (!parts) {
    Require(!parts.error().message.empty());
    return 0;
  }
  Require(!parts->empty() && parts->size() <= kMostParts);
  for (const MultipartPart& part : *parts) {
    Require(!part.name.empty());
    Require(part.content.find("\r\n--" + *boundary) == std::string_view::npos);
  }
  const std::string again = PutTogether(*parts, *boundary);
  const Result<std::vector<MultipartPart>> same = ParseMultipart(again, *boundary);
  Require(same.ok() && same->size() == parts->size());
  for (std::size_t i = 0; i < parts->size(); ++i) {
    Require(same->at(i).name == parts->at(i).name);
    Require(same->at(i).content == parts->at(i).content);
  }
  return 0;
}
