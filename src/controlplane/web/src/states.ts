// What a session's and a node's state looks like: a word, a tone, a sign, and what it means for those who wait for
// something.
import type { IconName } from "./parts/icons";
import type { MeshLink, Node, Session } from "./model";

export type Tone = "good" | "warn" | "bad" | "busy" | "wait" | "idle";

export interface Look {
  word: string;
  tone: Tone;
  icon: IconName;
  means: string;
}

export const statuses: Record<string, Look> = {
  PENDING: {
    word: "Pending",
    tone: "wait",
    icon: "hourglass",
    means: "It awaits approval by an operator of the network.",
  },
  QUEUED_FOR_SETUP: { word: "Queued for setup", tone: "busy", icon: "turning", means: "The node sets it up now." },
  ENABLED: {
    word: "Enabled",
    tone: "good",
    icon: "check",
    means: "Tunnel and BGP are in place at the node, and work.",
  },
  PROBLEM: {
    word: "Problem",
    tone: "warn",
    icon: "warning",
    means: "It does not work. The node tries again by itself.",
  },
  TEARDOWN: {
    word: "Teardown",
    tone: "bad",
    icon: "cross",
    means: "It can never work as it is, so the node removed it. Edit it, and it is tried again.",
  },
  QUEUED_FOR_DELETE: { word: "Queued for delete", tone: "busy", icon: "turning", means: "The node removes it now." },
  DISABLED: { word: "Disabled", tone: "idle", icon: "pause", means: "It is kept here and not set up at the node." },
  REJECTED: { word: "Rejected", tone: "bad", icon: "forbidden", means: "An operator of the network refused it." },
  DELETED: { word: "Deleted", tone: "idle", icon: "cross", means: "It is gone." },
};

export function lookOfStatus(status: string): Look {
  return statuses[status] ?? { word: status || "Unknown", tone: "idle", icon: "question", means: "" };
}

// Beyond it a node's silence is no accident: the agent tells that it lives every 30 s.
const kSilent = 120_000;

export const isLeaving = (node: Node): boolean => node.state === "leaving";

// Who may still come to it, in a few words.
export function welcomeOf(node: Node): string {
  if (node.closed || isLeaving(node)) return "Closed";
  const limits = [
    node.maxSessions ? `up to ${node.maxSessions}` : "",
    node.minBandwidthMbit ? `from ${node.minBandwidthMbit} Mbit/s` : "",
  ].filter(Boolean);
  return ["Open", ...limits].join(", ");
}

export function lookOfNode(node: Node, now: number): Look {
  if (isLeaving(node))
    return {
      word: "Leaving",
      tone: "busy",
      icon: "turning",
      means: "It removes its sessions, and is forgotten with the last one.",
    };
  if (node.draining)
    return { word: "Draining", tone: "wait", icon: "pause", means: "Traffic is led around it, for maintenance." };
  if (typeof node.lastSeen === "number" && node.lastSeen > 0) {
    if (now - node.lastSeen <= kSilent)
      return { word: "Up", tone: "good", icon: "check", means: "Its agent told within two minutes that it lives." };
    return {
      word: "Silent",
      tone: "bad",
      icon: "warning",
      means: "Its agent has said nothing for two minutes or more.",
    };
  }
  if (node.lastSeen === null || node.lastSeen === 0)
    return { word: "Never seen", tone: "idle", icon: "hourglass", means: "Its agent has not called yet." };
  if (node.up === true) return { word: "Up", tone: "good", icon: "check", means: "" };
  if (node.up === false) return { word: "Down", tone: "bad", icon: "warning", means: "" };
  return { word: "Unknown", tone: "idle", icon: "question", means: "" };
}

export function lookOfLink(link: MeshLink): Look {
  const state = link.state ?? "";
  if (state.startsWith("error")) return { word: "Error", tone: "bad", icon: "cross", means: state };
  if (link.babel === true) return { word: "Up", tone: "good", icon: "check", means: "Handshake and Babel neighbor." };
  if (typeof link.handshakeAge === "number" && link.handshakeAge < 180) {
    return link.babel === false
      ? {
          word: "No Babel",
          tone: "warn",
          icon: "warning",
          means: "The tunnel is up; Babel does not hear the other end.",
        }
      : { word: "Up", tone: "good", icon: "check", means: "The tunnel is up." };
  }
  if (state === "configured" && link.handshakeAge === undefined)
    return { word: "Up", tone: "good", icon: "check", means: "Configured." };
  if (state) return { word: "Down", tone: "bad", icon: "warning", means: "No handshake with the other end." };
  return { word: "Unknown", tone: "idle", icon: "question", means: "Neither end has told of it." };
}

// Why a session is as it is, in one line; "" when there is nothing to say.
export function causeOf(session: Session): string {
  return session.lastError ?? "";
}
