// The node's configuration file, over nothing, and as the control plane's answer below an empty file: never a crash,
// and what is refused says why.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <boost/json.hpp>

#include "agent/config.h"
#include "model/config_reader.h"

namespace {

void judge(const moenet::agent::ConfigSource& source, const boost::json::value& fetched) {
  const auto none = [](const char*) -> const char* { return nullptr; };
  const auto config = moenet::agent::understand_config(source, fetched, none);
  if (!config && config.error().empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto value = moenet::model::parse_config(text, "config.json");
  // A token's file would be read.
  if (!value || boost::json::serialize(*value).find("tokenFile") != std::string::npos) return 0;
  moenet::agent::ConfigSource source;
  source.file = *value;
  judge(source, nullptr);
  source.file = boost::json::object();
  judge(source, *value);
  return 0;
}
