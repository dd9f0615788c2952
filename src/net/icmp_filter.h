// The classic BPF program (linux/filter.h) that drops in the kernel what a raw ICMP socket would get of others' echoes.
#pragma once

#include <cstdint>
#include <linux/filter.h>
#include <vector>

#include "base/ip.h"

namespace moenet::net {

// Lets pass echo replies with this identifier and errors that quote an echo request with it.
std::vector<sock_filter> echo_filter(IpFamily family, std::uint16_t identifier);

}  // namespace moenet::net
