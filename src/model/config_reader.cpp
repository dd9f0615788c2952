#include "model/config_reader.h"

#include <boost/json.hpp>

namespace moenet::model {

namespace json = boost::json;

Result<json::value> parse_config(std::string_view text, const std::string& file) {
  auto value = parse_json(text);
  if (!value) return std::unexpected(with_context(value.error(), file));
  if (!value->is_object()) return fail(Errc::invalid, file + ": expected a JSON object");
  return value;
}

void read_path(const JsonReader& reader, std::string_view key, std::string& target) {
  constexpr std::size_t kPathBytesMax = 1024;
  auto text = reader.text(key, kPathBytesMax);
  if (!text) return;
  if (!text->starts_with('/') || text->find_first_of(std::string_view("\0\n\"", 3)) != std::string::npos) {
    reader.note(key, "an absolute path without quotes or line breaks");
  } else {
    target = std::move(*text);
  }
}

void warn_of_unknown_keys(const JsonReader& reader, std::initializer_list<std::string_view> known,
                          std::vector<std::string>& warnings) {
  for (const std::string& key : reader.unknown_keys(known)) warnings.push_back("unknown key " + key + " is ignored");
}

std::optional<Endpoint> listen_endpoint(std::string_view text) {
  const auto parsed = HostPort::parse(text.starts_with(':') ? "[::]" + std::string(text) : std::string(text));
  const auto address = parsed ? parsed->address() : std::nullopt;
  if (!address) return std::nullopt;
  return Endpoint{*address, parsed->port};
}

}  // namespace moenet::model
