// What the control plane tells, as far as the page shows it (docs/api.yaml). Every member may be absent: what is public
// is less.

export interface Node {
  id?: number;
  uuid?: string;
  name: string;
  region?: string;
  location?: string | null;
  provider?: string | null;
  isRr?: boolean;
  bandwidth?: string;
  publicIpv4?: string | null;
  publicIpv6?: string | null;
  loopbackIpv4?: string | null;
  loopbackIpv6?: string | null;
  linkLocal?: string;
  publicKey?: string | null;
  agentVersion?: string | null;
  lastSeen?: number | null;
  up?: boolean;
  draining?: boolean;
  lookingGlass?: string[];
  state?: string; // "leaving": it goes once its sessions are gone
  maxSessions?: number; // 0: as many as there come
  closed?: boolean;
  minBandwidthMbit?: number; // of a peer's link; 0: any
  peeringNote?: string | null;
  status?: Record<string, unknown> | null;
  createdAt?: number;
  mesh?: NodeLink[];
  meshReportedAt?: number | null;
}

export interface NodeLink {
  id: number;
  node: string | null;
  state: string | null;
  handshakeAge?: number | null;
  babel?: boolean | null;
  rtt?: number | null;
}

// A link as one of its ends tells it.
export interface MeshLink {
  from: string;
  to: string;
  state?: string | null;
  handshakeAge?: number | null;
  babel?: boolean | null;
  rtt?: number | null;
}

export interface Channel {
  imported?: number;
  filtered?: number;
  exported?: number;
  preferred?: number;
}

export interface Report {
  state?: string;
  info?: string;
  since?: string;
  routes_imported?: number;
  routes_exported?: number;
  channels?: Record<string, Channel>;
  last_error?: string;
  wireguard?: { handshake_age?: number | null; rx?: number; tx?: number; endpoint?: string | null };
  gre?: { rx?: number; tx?: number; endpoint?: string | null };
  rtt?: { ms?: number; loss?: number; tier?: number };
  mtu?: number;
}

export interface Session {
  uuid: string;
  node: string;
  asn: number;
  name?: string;
  description?: string;
  status: string;
  lastError?: string | null;
  type?: string;
  publicKey?: string | null;
  hasPresharedKey?: boolean;
  endpoint?: string | null;
  ipv4?: string | null;
  ipv6?: string | null;
  ipv6LinkLocal?: string | null;
  interface?: string;
  port?: number;
  mtu?: number;
  policy?: string;
  mpBgp?: boolean;
  extendedNextHop?: boolean;
  hasPassword?: boolean;
  importLimit?: number | null;
  bandwidthMbit?: number | null;
  createdAt?: number;
  updatedAt?: number;
  version?: number;
  report?: Report | null;
}

// A move of a session from one status to another, by people or by the node.
export interface Happening {
  number: number;
  at: number;
  from: string | null;
  to: string;
  who?: string;
  reason?: string | null;
}
