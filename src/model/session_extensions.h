// The extensions of a session's row, in every shape that writers give them.
#pragma once

#include "model/json_reader.h"
#include "model/session.h"

namespace moenet::model {

// Sets `mp_bgp` and `extended_next_hop` by the field `extensions` of a row; what is no list of names is noted.
void read_extensions(const JsonReader& row, Session& session);

}  // namespace moenet::model
