// A real moenet-controlplane on SQLite and loopback, with its state in a folder of its own and a registry; and its API
// as programs see it.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { Registry } from "./registry.mjs";

const kStartWithin = 20_000; // ms
const cookieName = "moenet"; // without TLS

// Who signs in as what: these two have a key in the registry, the owner has the token in the state folder.
export const userAsn = 4242420101;
export const adminAsn = 4242420110;

export class ControlPlane {
  static async start() {
    const self = new ControlPlane();
    self.program = process.env.MOENET_CONTROLPLANE;
    if (!self.program) throw new Error("MOENET_CONTROLPLANE names no program: tests/web/run sets it");
    self.folder = mkdtempSync(join(tmpdir(), "moenet-web-"));
    self.registry = new Registry();
    self.registry.add(userAsn);
    self.registry.add(adminAsn);
    self.nodeTokens = new Map();
    await self.resume(0);
    self.token = readFileSync(join(self.folder, "admin-token"), "utf8").trim();
    await self.call("POST", "users", { asn: adminAsn, role: "admin" });
    return self;
  }

  // One that somebody else has started, with an empty folder as its registry.
  static at(url, token, folder) {
    const registry = new Registry(folder);
    registry.add(userAsn);
    return Object.assign(new ControlPlane(), { url, token, registry });
  }

  async resume(port = Number(new URL(this.url).port)) {
    this.process = spawn(
      this.program,
      ["--state-dir", this.folder, "serve", "--listen", `127.0.0.1:${port}`, "--registry", this.registry.folder],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    const log = [];
    const taken = await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`it is not ready:\n${log.join("\n")}`)), kStartWithin);
      this.process.on("exit", (code) => reject(new Error(`it ended with ${code}:\n${log.join("\n")}`)));
      createInterface({ input: this.process.stderr }).on("line", (line) => {
        log.push(line);
        const found = /\bport=(\d+)/.exec(line);
        if (!found) return;
        clearTimeout(timer);
        resolve(Number(found[1]));
      });
    });
    this.url = `http://127.0.0.1:${taken}`;
  }

  // Away, and at the same address again after resume().
  async halt() {
    const ended = new Promise((resolve) => this.process.on("exit", resolve));
    this.process.kill("SIGTERM");
    await ended;
  }

  async stop() {
    await this.halt();
    this.registry.remove();
    rmSync(this.folder, { recursive: true });
  }

  async request(method, path, body, headers = { Authorization: `Bearer ${this.token}` }) {
    return fetch(this.url + path, {
      method,
      headers: { "Content-Type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  }

  // The answer's value, to the owner; a refusal is the test's fault.
  async call(method, path, body) {
    const response = await this.request(method, `/api/v1/${path}`, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  // The cookie that a sign-in gives: of the owner by token, of anybody else by signature.
  async signIn(as) {
    const asn = { user: userAsn, admin: adminAsn }[as];
    const challenge = asn ? await this.call("POST", "auth/challenge", { asn }) : undefined;
    const [path, body] = challenge
      ? ["proof", { id: challenge.id, signature: this.registry.signed(asn, challenge.text) }]
      : ["token", { token: this.token }];
    const response = await this.request("POST", `/api/v1/auth/${path}`, body, {});
    if (!response.ok) throw new Error(`${as} cannot sign in: ${response.status} ${await response.text()}`);
    const found = new RegExp(`^${cookieName}=([^;]+)`).exec(response.headers.get("set-cookie"));
    return { name: cookieName, value: found[1], url: this.url, httpOnly: true, sameSite: "Strict" };
  }

  async addNode(node) {
    const made = await this.call("POST", "nodes", node);
    this.nodeTokens.set(made.name, made.token);
    return made;
  }

  // As the node's agent.
  async agent(node, action, body) {
    const headers = { Authorization: `Bearer ${this.nodeTokens.get(node)}` };
    const response = await this.request("POST", `/api/v1/agent/${node}/${action}`, body, headers);
    if (!response.ok) throw new Error(`${node} ${action}: ${response.status} ${await response.text()}`);
  }

  report(node, uuid, status, lastError) {
    return this.agent(node, "modify", { uuid, status, ...(lastError ? { lastError } : {}) });
  }
}
