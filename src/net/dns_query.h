// Asks a name server over UDP, as `dig` does, and not through the system's resolver, whose caches and search lists an
// operator wants to look past.
#pragma once

#include <stop_token>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "net/dns_message.h"

namespace moenet::net {

// The name servers of a resolv.conf(5), at most three; 127.0.0.1 when it names none, as the system's resolver does.
std::vector<IpAddress> name_servers_in(std::string_view resolv_conf);

// Asks again every second, since UDP loses. Errors: timeout, unavailable (nobody listens, no route), cancelled,
// invalid.
Result<DnsAnswer> ask_name_server(const Endpoint& server, const DnsQuestion& question, Deadline deadline,
                                  const std::stop_token& stop);

}  // namespace moenet::net
