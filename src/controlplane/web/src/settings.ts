// The network's settings as they are being written: the form's text, and the API's values (Settings of docs/api.yaml).
// Pure.

export interface Server {
  name: string;
  host: string;
  port: number;
}
export interface Peering {
  approval: string;
  asnRanges: [number, number][];
  allowedAsns: number[];
  blockedAsns: number[];
  privateEndpoints: boolean;
  policy: string | null;
}
export interface Settings {
  asn: number;
  ipv4Prefix: string;
  ipv6Prefix: string;
  peering?: Partial<Peering>;
  policy: (Record<string, unknown> & { rpkiServers?: Server[] }) | null;
  mesh?: { presharedKeys?: boolean };
}

export const limits = ["ebgpImportLimit", "ebgpExportLimit", "ibgpImportLimit", "ibgpExportLimit", "asPathMaxLen"];

// Members of peering that are written as text, one item a line.
const lists = ["asnRanges", "allowedAsns", "blockedAsns"] as const;

export interface Form {
  text: Record<string, string>; // by the path of the member: "policy.asPathMaxLen"
  servers: { name: string; host: string; port: string }[];
  privateEndpoints: boolean;
  presharedKeys: boolean;
}

const lines = (items: unknown[]): string =>
  items.map((item) => (Array.isArray(item) ? item.join("-") : String(item))).join("\n");

export function formOf(settings: Settings): Form {
  const text: Record<string, string> = {
    asn: String(settings.asn),
    ipv4Prefix: settings.ipv4Prefix,
    ipv6Prefix: settings.ipv6Prefix,
    "peering.approval": settings.peering?.approval ?? "manual",
    "peering.policy": settings.peering?.policy ?? "",
  };
  for (const key of lists) text[`peering.${key}`] = lines(settings.peering?.[key] ?? []);
  for (const key of limits) text[`policy.${key}`] = String(settings.policy?.[key] ?? "");
  return {
    text,
    servers: (settings.policy?.rpkiServers ?? []).map((server) => ({ ...server, port: String(server.port) })),
    privateEndpoints: settings.peering?.privateEndpoints ?? false,
    presharedKeys: settings.mesh?.presharedKeys ?? false,
  };
}

// What is no number stays text, so that the server's answer names the field.
const numberOr = (text: string): unknown => (/^\d{1,10}$/.test(text.trim()) ? Number(text) : text.trim());
const asnOr = (word: string): unknown => numberOr(word.replace(/^AS/i, ""));

function valueOf(path: string, text: string): unknown {
  const words = text.split(/[\s,]+/).filter(Boolean);
  if (path === "peering.asnRanges")
    return words.map((word) => {
      const ends = word.split("-");
      return [asnOr(ends[0]!), asnOr(ends[1] ?? ends[0]!)];
    });
  if (path === "peering.allowedAsns" || path === "peering.blockedAsns") return words.map(asnOr);
  if (path === "peering.policy") return text || null;
  return path === "asn" || path.startsWith("policy.") ? numberOr(text) : text.trim();
}

// What differs, in the settings' own shape (RFC 7396).
export function changesOf(before: Form, after: Form): Record<string, unknown> {
  const wanted: Record<string, unknown> = {};
  const put = (path: string, value: unknown): void => {
    const [first, then] = path.split(".") as [string, string | undefined];
    if (then === undefined) wanted[first] = value;
    else wanted[first] = { ...(wanted[first] as object | undefined), [then]: value };
  };
  for (const [path, text] of Object.entries(after.text)) {
    const value = valueOf(path, text);
    if (JSON.stringify(value) !== JSON.stringify(valueOf(path, before.text[path] ?? ""))) put(path, value);
  }
  const serversOf = (form: Form): unknown[] =>
    form.servers.map(({ name, host, port }) => ({ name: name.trim(), host: host.trim(), port: numberOr(port) }));
  if (JSON.stringify(serversOf(after)) !== JSON.stringify(serversOf(before)))
    put("policy.rpkiServers", serversOf(after));
  if (after.privateEndpoints !== before.privateEndpoints) put("peering.privateEndpoints", after.privateEndpoints);
  if (after.presharedKeys !== before.presharedKeys) put("mesh.presharedKeys", after.presharedKeys);
  return wanted;
}
