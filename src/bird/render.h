// Model to BIRD configuration text, one subject per file. Pure and deterministic: equal input, equal bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "bird/reply.h"
#include "model/desired.h"
#include "model/peering.h"
#include "model/session.h"

namespace moenet::bird {

// Names that the operator's bird.conf defines and that peer files build on.
struct PolicyNames {
  std::string peer_template = "dn42_peer";
  std::string import_filter = "dn42_import_filter";         // accept all valid
  std::string export_filter = "dn42_export_filter";         // send all valid
  std::string import_theirs = "dn42_import_filter_theirs";  // accept what the neighbor itself originates
  std::string export_own = "dn42_export_filter_own";        // send what this network originates
};

// "dn42_4242420001": BIRD's protocol name of a session, and its file with ".conf".
std::string protocol_name(model::Asn asn);

struct LinkTags;  // bird/policy.h

// The file of one session. Every string from outside goes through quote() or is a parsed value. With `tags` that say
// something its import filters call the procedures of bird/policy's 20_filters.conf, which must then be there; without,
// the filters are only named. Without `says_source` BIRD finds our address itself; BIRD ends a session in whose file
// that line comes or goes. Errors: invalid, when BIRD's language cannot express the session (a password with a double
// quote).
Result<model::BirdFile> render_peer(const model::Session& session, const model::Peering& peering,
                                    const PolicyNames& names, const LinkTags* tags = nullptr, bool says_source = true);

// A BIRD string literal with its quotes. BIRD knows no escapes within one (conf/cf-lex.l: it ends at the next quote,
// and a newline is an error), so what cannot stand there is replaced: `"` by `'`, control characters and invalid UTF-8
// by `?`; at most 128 bytes.
std::string quote(std::string_view text);

// The owner in the first line of a bird.conf of ours.
inline constexpr std::string_view kBaseOwner = "base";

// A whole bird.conf for a node whose BIRD this agent owns (config `bird.ownership: "full"`): router id, device, kernel,
// the node's addresses, the template and the filters above with a plain DN42 policy, and the include of the peer files.
struct BaseConfig {
  model::NodeIdentity node;
  model::Asn local_asn = 0;
  std::string peer_folder;  // absolute
  PolicyNames names;
  std::vector<IpPrefix> own_prefixes;
};
std::string render_base(const BaseConfig& base);

// The line of bird.conf that makes BIRD read the peer files.
std::string include_line(std::string_view peer_folder);

// The snippet that defines a name, for the operator whose bird.conf lacks it. Empty for a name that is none of `names`.
std::string snippet_for(std::string_view missing_name, const PolicyNames& names);

}  // namespace moenet::bird
