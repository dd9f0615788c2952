// A network as the tests look at it: nodes on four continents and sessions in every state, all made through the control
// plane's API as operators and agents would.
import { randomBytes } from "node:crypto";

const nodes = [
  {
    name: "hk-rr",
    region: "AS-E",
    isRr: true,
    location: "Hong Kong",
    provider: "Pacific Hosting",
    bandwidth: "10G",
    publicIpv4: "203.0.113.1",
  },
  { name: "jp1", region: "AS-E", location: "Tokyo", publicIpv4: "203.0.113.2" },
  { name: "sg1", region: "AS-SE", isRr: true, location: "Singapore", publicIpv4: "203.0.113.3" },
  { name: "de-rr", region: "EU-C", isRr: true, location: "Frankfurt", bandwidth: "10G", publicIpv4: "203.0.113.4" },
  { name: "fr1", region: "EU-C", location: "Paris", publicIpv4: "203.0.113.5" },
  { name: "us-w1", region: "NA-W", isRr: true, location: "Fremont", publicIpv4: "203.0.113.6" },
  { name: "br-new", region: "SA", location: "São Paulo" },
];

// Round trips between reflectors, and within a region; null is a link that is down.
const links = [
  ["hk-rr", "jp1", 46],
  ["hk-rr", "sg1", 33],
  ["hk-rr", "de-rr", 182],
  ["hk-rr", "us-w1", 148],
  ["sg1", "de-rr", 158],
  ["sg1", "us-w1", null],
  ["de-rr", "fr1", 9.4],
  ["de-rr", "us-w1", 141],
];

export const hostileText = `<img src=x onerror="document.title='owned'"><b>`;

export const key = () => randomBytes(32).toString("base64");

// [AS, node, state, cause, round trip, name]
const sessions = [
  [4242420101, "jp1", "ENABLED", "", 3.1, "Sakura Networks"],
  [4242420102, "jp1", "ENABLED", "", 12.4, "Kitsune IX"],
  [
    4242420103,
    "jp1",
    "PROBLEM",
    "BGP is not established: hold timer expired: nothing was heard from fe80::103%dn42-4242420103",
    null,
    "Yuki Lab",
  ],
  [4242420104, "jp1", "PENDING", "", null, "Harbour Net"],
  [4242420105, "hk-rr", "ENABLED", "", 1.2, "Victoria Peak"],
  [4242420106, "hk-rr", "QUEUED_FOR_SETUP", "", null, "Lantau Link"],
  [4242420107, "de-rr", "ENABLED", "", 7.8, "Main Transit"],
  [4242420108, "de-rr", "DISABLED", "", null, "Quiet Corner"],
  [4242420109, "de-rr", "TEARDOWN", "its link-local address is the node's own", null, "Mirror Net"],
  [4242420110, "fr1", "ENABLED", "", 15.9, "Seine Peering"],
  [4242420111, "fr1", "REJECTED", "no maintainer answers under this AS", null, "Ghost Net"],
  [4242420112, "us-w1", "ENABLED", "", 22.5, "Bay Area DN42"],
  [4242420113, "us-w1", "PENDING", "", null, hostileText],
  [4242420114, "sg1", "ENABLED", "", 4.4, "Lion City"],
];

const statusNumber = { ENABLED: 2, PROBLEM: 6, TEARDOWN: 7 };

// `more` is what differs of this one.
function reportOf(asn, uuid, rtt, more = {}) {
  const back = new Date(Date.now() - (asn % 97) * 3_600_000).toISOString();
  return {
    name: `dn42_${asn}`,
    uuid,
    asn,
    type: "bgp",
    state: rtt === null ? "Active" : "Established",
    info: rtt === null ? "Socket: No route to host" : "",
    ...(rtt === null ? {} : { since: back }),
    routes_imported: rtt === null ? 0 : 400 + (asn % 300),
    routes_exported: rtt === null ? 0 : 812,
    wireguard: {
      handshake_age: rtt === null ? 4000 : 41,
      rx: 8_412_774_113,
      tx: 2_117_004_821,
      endpoint: "198.51.100.7:51820",
    },
    ...(rtt === null ? {} : { rtt: { ms: rtt, loss: 0, tier: 3 } }),
    mtu: 1420,
    ...more,
  };
}

const kStep = 300; // s: one report for each slot of a day's charts

// A day of one session, reported late as after an outage of the control plane: with an hour in which the node told
// nothing, and one with a bad path.
async function tellDay(cp, node, asn, uuid) {
  const count = 86_400 / kStep;
  const begin = Math.floor(Date.now() / 1_000 / kStep) * kStep - count * kStep;
  let [rx, tx] = [0, 0];
  for (let i = 0; i < count; i += 1) {
    if (i > 150 && i < 163) continue;
    const isBad = i > 200 && i < 214;
    const rate = 5e5 * (1.2 + Math.sin(i / 46)) + 4e4 * Math.cos(i * 2.3); // bytes a second
    rx += Math.round(rate * kStep);
    tx += Math.round(rate * 0.4 * kStep);
    const rtt = 12 + 3 * Math.sin(i / 22) + 1.4 * Math.sin(i * 1.7) + (isBad ? 24 : 0);
    const report = reportOf(asn, uuid, rtt, {
      rtt: { ms: rtt, loss: isBad ? 8 : 0, tier: 3 },
      routes_imported: 512 + (i > 200 ? 40 : 0),
      wireguard: { handshake_age: 41, rx, tx, endpoint: "198.51.100.7:51820" },
    });
    await cp.agent(node, "report", { node_id: node, timestamp: begin + i * kStep + 60, sessions: [report] });
  }
}

async function addSession(cp, [asn, node, state, cause, , name]) {
  const waits = ["PENDING", "REJECTED"].includes(state);
  const made = await cp.call("POST", "sessions", {
    node,
    asn,
    name,
    publicKey: key(),
    endpoint: `peer${asn % 1000}.example.net:51820`,
    ipv6LinkLocal: `fe80::${asn % 1000}`,
    mpBgp: true,
    extendedNextHop: true,
    approve: !waits,
  });
  if (state in statusNumber) await cp.report(node, made.uuid, 2);
  if (state === "PROBLEM" || state === "TEARDOWN") await cp.report(node, made.uuid, 6, cause);
  if (state === "TEARDOWN") await cp.report(node, made.uuid, 7, cause);
  if (state === "DISABLED") await cp.call("POST", `sessions/${made.uuid}/disable`, {});
  if (state === "REJECTED") await cp.call("POST", `sessions/${made.uuid}/reject`, { reason: cause });
  return made.uuid;
}

async function tellLinks(cp, ids) {
  for (const node of nodes) {
    const own = links.filter((link) => link.slice(0, 2).includes(node.name));
    if (own.length === 0) continue;
    const peers = {};
    const told = {};
    for (const [a, b, rtt] of own) {
      const id = ids.get(a === node.name ? b : a);
      peers[id] = rtt === null ? "error: no handshake for 340 s" : "configured";
      told[id] = rtt === null ? { handshakeAge: 340, babel: false } : { handshakeAge: 37, babel: true, rtt };
    }
    await cp.agent(node.name, "mesh/status", {
      node_id: node.name,
      timestamp: Math.floor(Date.now() / 1000),
      peers,
      links: told,
    });
  }
}

// The uuids of the sessions by their AS; `withDay`: the first one has a past.
export async function buildNetwork(cp, { withDay = false } = {}) {
  const ids = new Map();
  for (const node of nodes) ids.set(node.name, (await cp.addNode(node)).id);
  for (const node of nodes.slice(0, -1)) {
    const maintenance = { state: node.name === "fr1" ? "draining" : "off" };
    await cp.agent(node.name, "heartbeat", { agent_version: "0.1.0", status: { maintenance }, mesh_public_key: key() });
  }
  await tellLinks(cp, ids);
  const uuids = new Map();
  for (const session of sessions) uuids.set(session[0], await addSession(cp, session));
  const [asn, node] = sessions[0];
  if (withDay) await tellDay(cp, node, asn, uuids.get(asn));
  for (const node of nodes) {
    const of = sessions.filter((one) => one[1] === node.name && ["ENABLED", "PROBLEM"].includes(one[2]));
    if (of.length)
      await cp.agent(node.name, "report", {
        node_id: node.name,
        sessions: of.map(([asn, , , , rtt]) => reportOf(asn, uuids.get(asn), rtt)),
      });
  }
  return uuids;
}
