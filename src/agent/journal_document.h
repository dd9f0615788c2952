// The documents of the agent's API that tell of the past: /events and /sessions/<uuid>, as JSON (docs/api.yaml). No
// secrets.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/health.h"
#include "agent/journal.h"
#include "agent/link_quality.h"
#include "agent/measurement.h"
#include "agent/reconcile_task.h"

namespace moenet::agent {

std::string events_document(const Journal& journal, std::uint64_t since, std::size_t limit);

// Null is what nobody has published yet.
struct SessionSource {
  std::shared_ptr<const NodeReport> report;
  std::shared_ptr<const Measurement> measurement;
  std::shared_ptr<const LinkQualities> qualities;
  std::shared_ptr<const HealthTable> health;
  const Journal& journal;
};
// Absent when neither a session nor an event of it is known.
std::optional<std::string> session_document(const SessionSource& source, std::string_view uuid);

}  // namespace moenet::agent
