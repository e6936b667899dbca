#include "serving/capture/captured_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/csv_scanner.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using Rows = std::vector<ordered_json>;

std::string NameOfColumn(std::size_t i) { return fmt::format("column_{}", i + 1); }

ordered_json RowOf(const ordered_json& value, const std::vector<std::string>& names) {
  if (value.is_object()) return value;
  ordered_json row = ordered_json::object();
  if (!value.is_array()) {  // a prediction alone
    row[NameOfColumn(0)] = value;
    return row;
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    row[i < names.size() ? names[i] : NameOfColumn(i)] = value[i];
  }
  return row;
}

void AddAll(const ordered_json& array, const std::vector<std::string>& names, Rows& rows) {
  for (const ordered_json& one : array) rows.push_back(RowOf(one, names));
}

/// `inputs` by columns: each member has a value a row.
bool IsByColumns(const ordered_json& value) {
  return value.is_object() && !value.empty() &&
         std::ranges::all_of(value, [&](const ordered_json& one) {
           return one.is_array() && one.size() == value.front().size();
         });
}

/// `inputs` or `outputs` of the Open Inference Protocol, each a column of a value a row.
bool AreTensors(const ordered_json& value) {
  return value.is_array() && !value.empty() &&
         std::ranges::all_of(value, [](const ordered_json& one) {
           return one.is_object() && one.contains("name") && one["name"].is_string() &&
                  one.contains("datatype") && one.contains("shape") && one["shape"].is_array();
         });
}

void AddTensors(const ordered_json& tensors, Rows& rows) {
  const std::size_t first = rows.size();
  for (const ordered_json& tensor : tensors) {
    const auto data = tensor.find("data");
    // Was taken out, is in binary, or has several values a row.
    if (data == tensor.end() || !data->is_array() || tensor["shape"].empty() ||
        tensor["shape"][0] != data->size()) {
      continue;
    }
    for (std::size_t i = 0; i < data->size(); ++i) {
      if (first + i == rows.size()) rows.push_back(ordered_json::object());
      const ordered_json& value = (*data)[i];
      const bool is_nested = value.is_array() && value.size() == 1;
      rows[first + i][tensor["name"].get<std::string>()] = is_nested ? value[0] : value;
    }
  }
}

void AddDocument(const ordered_json& document, Rows& rows) {
  if (document.is_array()) return AddAll(document, {}, rows);
  if (!document.is_object()) return;
  for (const char* const tensors : {"inputs", "outputs"}) {
    const auto found = document.find(tensors);
    if (found != document.end() && AreTensors(*found)) return AddTensors(*found, rows);
  }
  for (const char* const wrapper : {"instances", "inputs", "dataframe_records", "predictions"}) {
    const auto found = document.find(wrapper);
    if (found != document.end() && found->is_array()) return AddAll(*found, {}, rows);
  }
  const auto inputs = document.find("inputs");
  if (inputs != document.end() && IsByColumns(*inputs)) {
    for (std::size_t i = 0; i < inputs->front().size(); ++i) {
      ordered_json row = ordered_json::object();
      for (const auto& [name, values] : inputs->items()) row[name] = values[i];
      rows.push_back(std::move(row));
    }
    return;
  }
  const auto split = document.find("dataframe_split");
  if (split != document.end() && split->is_object() && split->contains("columns") &&
      split->contains("data")) {
    std::vector<std::string> names;
    for (const ordered_json& name : split->at("columns")) {
      names.push_back(name.is_string() ? name.get<std::string>() : name.dump());
    }
    return AddAll(split->at("data"), names, rows);
  }
  rows.push_back(document);
}

/// False when a line is no JSON.
bool AddLines(std::string_view text, Rows& rows) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) {
      const ordered_json document = ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
      if (document.is_discarded()) return false;
      AddDocument(document, rows);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

bool AddRecords(std::string_view text, wire::CsvHeader header, Rows& rows) {
  preprocessing::CsvScanner scanner;
  scanner.Reset(text);
  std::vector<std::string> names;
  bool is_header = header == wire::CsvHeader::kPresent;
  while (true) {
    const Result<bool> next = scanner.Next();
    if (!next) return false;
    if (!*next) return true;
    const auto& fields = scanner.fields();
    if (std::exchange(is_header, false)) {
      for (const auto& field : fields) names.emplace_back(field.text);
      continue;
    }
    ordered_json row = ordered_json::object();
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const bool is_missing = fields[i].text.empty() && !fields[i].quoted;
      row[i < names.size() ? names[i] : NameOfColumn(i)] =
          is_missing ? ordered_json() : ordered_json(std::string(fields[i].text));
    }
    rows.push_back(std::move(row));
  }
}

bool Add(const CapturedBody& body, Rows& rows) {
  const Result<wire::Format> format = wire::FormatOfRequest(body.content_type);
  if (!format || body.encoding == "BASE64") return false;
  switch (*format) {
    case wire::Format::kJson: {
      const auto document = ordered_json::parse(body.data, nullptr, /*allow_exceptions=*/false);
      if (!document.is_discarded()) AddDocument(document, rows);
      return !document.is_discarded();
    }
    case wire::Format::kJsonLines:
      return AddLines(body.data, rows);
    case wire::Format::kCsv:
      break;
  }
  const auto header = wire::CsvHeaderOfRequest(body.content_type);
  return header && AddRecords(body.data, header->value_or(wire::CsvHeader::kPresent), rows);
}

}  // namespace

std::vector<ordered_json> RowsOf(const CapturedBody& body) {
  Rows rows;
  if (!Add(body, rows)) rows.clear();
  return rows;
}

}  // namespace forkcast::serving
