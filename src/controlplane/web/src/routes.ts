// The places of the page: their paths and who sees them. The server has the first segments too (web_page.cpp), so that
// each can be opened and reloaded by its address.
import type { Component } from "svelte";

import type { Role } from "./identity.svelte";

export interface PlaceProps {
  name: string; // the path's second segment: of a node or a session
}

export interface Place {
  first: string; // segment of the path; "" is the overview
  then?: "name" | "name/edit";
  title: string;
  roles: Role[];
  load: () => Promise<{ default: Component<PlaceProps> }>;
}

const everyone: Role[] = ["user", "admin", "owner"];
const admins: Role[] = ["admin", "owner"];

export const places: Place[] = [
  { first: "", title: "Overview", roles: everyone, load: () => import("./places/Overview.svelte") },
  { first: "nodes", title: "Nodes", roles: everyone, load: () => import("./places/Nodes.svelte") },
  { first: "nodes", then: "name", title: "Node", roles: everyone, load: () => import("./places/Node.svelte") },
  { first: "sessions", title: "Sessions", roles: everyone, load: () => import("./places/Sessions.svelte") },
  { first: "sessions", then: "name", title: "Session", roles: everyone, load: () => import("./places/Session.svelte") },
  {
    first: "sessions",
    then: "name/edit",
    title: "Edit session",
    roles: everyone,
    load: () => import("./places/Edit.svelte"),
  },
  { first: "request", title: "Request a session", roles: everyone, load: () => import("./places/Request.svelte") },
  { first: "approvals", title: "Approvals", roles: admins, load: () => import("./places/Approvals.svelte") },
  {
    first: "looking-glass",
    title: "Looking glass",
    roles: everyone,
    load: () => import("./places/LookingGlass.svelte"),
  },
  { first: "settings", title: "Settings", roles: admins, load: () => import("./places/Settings.svelte") },
  { first: "blocklist", title: "Blocklist", roles: admins, load: () => import("./places/Blocklist.svelte") },
  { first: "users", title: "Users", roles: admins, load: () => import("./places/Users.svelte") },
  { first: "tokens", title: "API tokens", roles: everyone, load: () => import("./places/Tokens.svelte") },
  { first: "audit", title: "Audit log", roles: admins, load: () => import("./places/Audit.svelte") },
];

// The place of a path with the name in it; nothing for a path that is none. A segment that is no valid encoding is none either.
export function placeOf(path: string): { place: Place; name: string } | undefined {
  const segments = path.replace(/^\//, "").split("/");
  const then =
    segments.length === 1 ? undefined : segments.length === 2 ? "name" : segments[2] === "edit" ? "name/edit" : "none";
  const place = places.find((one) => one.first === segments[0] && one.then === then);
  if (!place || segments.length > 3) return undefined;
  try {
    return { place, name: decodeURIComponent(segments[1] ?? "") };
  } catch {
    return undefined;
  }
}
