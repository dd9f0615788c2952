#include "http/message.h"

#include <algorithm>

namespace moenet::http {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

Response with_type(int status, std::string_view type, std::string body) {
  Response response;
  response.status = status;
  response.headers.set("Content-Type", type);
  response.body = std::move(body);
  return response;
}

}  // namespace

void Headers::set(std::string_view name, std::string_view value) {
  const auto field = std::find_if(fields_.begin(), fields_.end(),
                                  [&](const auto& held) { return equal_without_case(held.first, name); });
  if (field == fields_.end()) {
    fields_.emplace_back(name, value);
  } else {
    field->second = value;
  }
}

void Headers::add(std::string_view name, std::string_view value) {
  const auto held = find(name);
  if (!held) return set(name, value);
  std::string joined(*held);
  joined += equal_without_case(name, "Cookie") ? "; " : ", ";
  joined += value;
  set(name, joined);
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (const auto& [held, value] : fields_) {
    if (equal_without_case(held, name)) return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> Request::parameter(std::string_view name) const {
  for (const auto& [held, value] : query) {
    if (held == name) return value;
  }
  return std::nullopt;
}

Response Response::json(int status, std::string body) { return with_type(status, "application/json", std::move(body)); }
Response Response::text(int status, std::string body) {
  return with_type(status, "text/plain; charset=UTF-8", std::move(body));
}
Response Response::html(std::string body) { return with_type(200, "text/html; charset=utf-8", std::move(body)); }

}  // namespace moenet::http
