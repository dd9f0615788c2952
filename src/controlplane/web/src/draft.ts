// A session as it is being written: the form's text and the API's values (SessionDraft of docs/api.yaml). Pure.
import type { Session } from "./model";

export interface Draft {
  node: string;
  asn: string;
  name: string;
  publicKey: string;
  presharedKey: string;
  endpoint: string;
  ipv6LinkLocal: string;
  ipv6: string;
  ipv4: string;
  port: string;
  mtu: string;
  policy: string;
  mpBgp: boolean;
  extendedNextHop: boolean;
  password: string;
  importLimit: string;
  bandwidthMbit: string;
  description: string;
}

export const emptyDraft = (): Draft => ({
  node: "",
  asn: "",
  name: "",
  publicKey: "",
  presharedKey: "",
  endpoint: "",
  ipv6LinkLocal: "",
  ipv6: "",
  ipv4: "",
  port: "",
  mtu: "",
  policy: "full",
  mpBgp: true,
  extendedNextHop: true,
  password: "",
  importLimit: "",
  bandwidthMbit: "",
  description: "",
});

const text = (value: unknown): string => (value === null || value === undefined ? "" : String(value));

export function draftOf(session: Session): Draft {
  return {
    ...emptyDraft(),
    node: session.node,
    asn: text(session.asn),
    name: text(session.name),
    publicKey: text(session.publicKey),
    endpoint: text(session.endpoint),
    ipv6LinkLocal: text(session.ipv6LinkLocal),
    ipv6: text(session.ipv6),
    ipv4: text(session.ipv4),
    port: text(session.port),
    mtu: text(session.mtu),
    policy: text(session.policy) || "full",
    mpBgp: session.mpBgp ?? false,
    extendedNextHop: session.extendedNextHop ?? false,
    importLimit: text(session.importLimit),
    bandwidthMbit: text(session.bandwidthMbit),
    description: text(session.description),
  };
}

const numbers = new Set(["asn", "port", "mtu", "importLimit", "bandwidthMbit"]);

// What is no number stays text, so that the server's answer names the field.
function valueOf(key: string, value: string | boolean): unknown {
  if (typeof value === "boolean") return value;
  const trimmed = key === "asn" ? value.trim().replace(/^AS/i, "") : value.trim();
  return numbers.has(key) && /^\d{1,10}$/.test(trimmed) ? Number(trimmed) : trimmed;
}

// A new session: what was left empty is left to the control plane.
export function bodyOf(draft: Draft): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(draft)) {
    const wanted = valueOf(key, value as string | boolean);
    if (wanted !== "") body[key] = wanted;
  }
  return body;
}

// An edit: what differs, and null for what was emptied (RFC 7396). The secrets are not shown, so that empty means as it is.
export function changesOf(before: Draft, after: Draft): Record<string, unknown> {
  const changes: Record<string, unknown> = {};
  for (const key of Object.keys(after) as (keyof Draft)[]) {
    if (key === "node" || before[key] === after[key]) continue;
    const wanted = valueOf(key, after[key]);
    changes[key] = wanted === "" ? null : wanted;
  }
  return changes;
}
