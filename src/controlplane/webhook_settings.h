// The setting `webhooks`: a list of {"name", "url", "secret", "events"}.
#pragma once

#include <cstdint>
#include <vector>

#include <boost/json/fwd.hpp>

#include "controlplane/events.h"
#include "model/json_reader.h"

namespace moenet::controlplane {

// Puts the list of `root` in the place of `hooks`; one without a secret keeps that of the webhook of its name.
void read_webhooks(const model::JsonReader& root, std::vector<Webhook>& hooks, std::vector<model::JsonFault>& faults);

enum class WebhookSecrets : std::uint8_t { hidden, written };
boost::json::array write_webhooks(const std::vector<Webhook>& hooks, WebhookSecrets secrets);

}  // namespace moenet::controlplane
