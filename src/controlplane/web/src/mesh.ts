// The mesh as a picture: one link for each pair of nodes out of what its two ends tell, and where everything is drawn.
// Pure.
import { isLand, regionNamed } from "./geo";
import type { MeshLink, Node } from "./model";
import { lookOfLink, type Look } from "./states";

export interface Pair {
  a: string;
  b: string;
  look: Look;
  rtt: number | undefined; // ms, the mean of what the ends measured
}

const rank: Record<string, number> = { bad: 3, warn: 2, good: 1, idle: 0 };

// The worse of two ends decides the state: a tunnel that one end cannot use is down.
export function pairsOf(links: MeshLink[]): Pair[] {
  const pairs = new Map<string, { a: string; b: string; look: Look; rtts: number[] }>();
  for (const link of links) {
    const [a, b] = link.from < link.to ? [link.from, link.to] : [link.to, link.from];
    const key = `${a} ${b}`;
    const look = lookOfLink(link);
    const pair = pairs.get(key) ?? { a, b, look, rtts: [] };
    if ((rank[look.tone] ?? 0) > (rank[pair.look.tone] ?? 0)) pair.look = look;
    if (typeof link.rtt === "number") pair.rtts.push(link.rtt);
    pairs.set(key, pair);
  }
  return [...pairs.values()].map(({ a, b, look, rtts }) => ({
    a,
    b,
    look,
    rtt: rtts.length ? rtts.reduce((sum, one) => sum + one, 0) / rtts.length : undefined,
  }));
}

export type Band = "near" | "middle" | "far" | "down" | "unknown";
export function bandOf(pair: Pair): Band {
  if (pair.look.tone === "bad" || pair.look.tone === "warn") return "down";
  if (pair.look.tone === "idle") return "unknown";
  if (pair.rtt === undefined || pair.rtt < 25) return "near";
  return pair.rtt < 120 ? "middle" : "far";
}

export interface Spot {
  node: Node;
  x: number;
  y: number;
}
export interface Picture {
  width: number;
  height: number;
  land: string; // path of dots
  spots: Spot[];
}

const kDot = 7; // px between two dots of the land
const kApart = 46; // px between two nodes at least, so that names below them stay readable
const kMargin = 44; // px around all nodes
const kLeastSpan = 70; // degrees of longitude that are shown at least: a network in one place is still seen on a map
const kStretch = 1.3; // how much taller a degree of latitude is than one of longitude: what looks right at 40 degrees

// The window that shows all the nodes, as [west, north, px per degree].
function windowOf(points: [number, number][], width: number, height: number): [number, number, number] {
  const lons = points.map((point) => point[0]);
  const lats = points.map((point) => point[1]);
  const span = Math.max(kLeastSpan, Math.max(...lons) - Math.min(...lons));
  const rise = Math.max(...lats) - Math.min(...lats);
  const scale = Math.min((width - 2 * kMargin) / span, (height - 2 * kMargin) / (Math.max(rise, 20) * kStretch));
  const middle = (Math.max(...lons) + Math.min(...lons)) / 2;
  const centre = (Math.max(...lats) + Math.min(...lats)) / 2;
  return [middle - width / 2 / scale, centre + height / 2 / scale / kStretch, scale];
}

function landOf(west: number, north: number, scale: number, width: number, height: number): string {
  let path = "";
  for (let y = kDot / 2; y < height; y += kDot) {
    const lat = north - y / scale / kStretch;
    if (lat < -58 || lat > 80) continue;
    for (let x = kDot / 2; x < width; x += kDot) {
      const lon = west + x / scale;
      if (isLand(((lon + 540) % 360) - 180, lat)) path += `M${x.toFixed(0)} ${y.toFixed(0)}h0`;
    }
  }
  return path;
}

// Nodes of one region stand on one point: they push each other away until each has its room. Deterministic.
function spread(spots: Spot[], width: number, height: number): void {
  spots.forEach((spot, i) => {
    spot.x += Math.cos(i * 2.4) * (1 + i * 0.1);
    spot.y += Math.sin(i * 2.4) * (1 + i * 0.1);
  });
  for (let round = 0; round < 200; ++round) {
    let moved = false;
    for (let i = 0; i < spots.length; ++i) {
      for (let j = i + 1; j < spots.length; ++j) {
        const [p, q] = [spots[i]!, spots[j]!];
        const [dx, dy] = [q.x - p.x, q.y - p.y];
        const distance = Math.hypot(dx, dy) || 0.01;
        if (distance >= kApart) continue;
        const push = (kApart - distance) / 2 / distance;
        p.x -= dx * push;
        p.y -= dy * push;
        q.x += dx * push;
        q.y += dy * push;
        moved = true;
      }
    }
    for (const spot of spots) {
      spot.x = Math.min(width - 30, Math.max(30, spot.x));
      spot.y = Math.min(height - 30, Math.max(18, spot.y));
    }
    if (!moved) return;
  }
}

export function pictureOf(nodes: Node[], width: number, height: number): Picture {
  const points = nodes.map((node): [number, number] => regionNamed(node.region)?.at ?? [0, 0]);
  const [west, north, scale] = windowOf(points.length ? points : [[10, 30]], width, height);
  const spots = nodes.map((node, i) => ({
    node,
    x: (points[i]![0] - west) * scale,
    y: (north - points[i]![1]) * scale * kStretch,
  }));
  spread(spots, width, height);
  return { width, height, land: landOf(west, north, scale, width, height), spots };
}

// A link as an arc that bends away from the straight line, so that links of nodes in a row stay apart.
export function arcOf(from: Spot, to: Spot): { path: string; x: number; y: number } {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const bend = Math.min(0.18, 14 / (Math.hypot(dx, dy) || 1) + 0.06);
  const flip = dx >= 0 ? 1 : -1;
  const x = (from.x + to.x) / 2 + dy * bend * flip;
  const y = (from.y + to.y) / 2 - dx * bend * flip;
  return {
    path: `M${from.x.toFixed(1)} ${from.y.toFixed(1)}Q${x.toFixed(1)} ${y.toFixed(1)} ${to.x.toFixed(1)} ${to.y.toFixed(1)}`,
    x: (from.x + 2 * x + to.x) / 4,
    y: (from.y + 2 * y + to.y) / 4,
  };
}
