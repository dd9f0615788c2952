// A registry of the tests' own, as a clone of DN42's: each AS with a maintainer whose key was made for it, and with
// which it signs.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class Registry {
  // In an empty folder that is there, or in one of its own.
  constructor(folder) {
    this.keys = mkdtempSync(join(tmpdir(), "moenet-keys-"));
    this.folder = folder ?? mkdtempSync(join(tmpdir(), "moenet-registry-"));
    this.own = folder ? [this.keys] : [this.keys, this.folder];
    for (const kind of ["aut-num", "mntner"]) mkdirSync(join(this.folder, kind));
  }

  remove() {
    for (const folder of this.own) rmSync(folder, { recursive: true });
  }

  put(kind, name, ...lines) {
    writeFileSync(join(this.folder, kind, name), `${[`${kind}: ${name}`, ...lines, "source: DN42"].join("\n")}\n`);
  }

  keyFile(asn) {
    return join(this.keys, String(asn));
  }

  add(asn) {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", this.keyFile(asn)]);
    const maintainer = `AS${asn}-MNT`;
    const auth = readFileSync(`${this.keyFile(asn)}.pub`, "utf8").trim();
    this.put("aut-num", `AS${asn}`, `as-name: TEST-${asn}`, `mnt-by: ${maintainer}`);
    this.put("mntner", maintainer, `auth: ${auth}`, `mnt-by: ${maintainer}`);
  }

  // What its maintainer's ssh-keygen prints.
  signed(asn, text) {
    const command = ["-Y", "sign", "-n", "moenet", "-f", this.keyFile(asn)];
    return execFileSync("ssh-keygen", command, { input: text, encoding: "utf8", stdio: ["pipe", "pipe", "ignore"] });
  }
}
