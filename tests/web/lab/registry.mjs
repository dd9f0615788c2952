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
    for (const kind of ["aut-num", "key-cert", "mntner"]) mkdirSync(join(this.folder, kind));
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
    this.maintain(asn, readFileSync(`${this.keyFile(asn)}.pub`, "utf8").trim());
  }

  // With a PGP key, made below `home`, where the AS's own gpg will find it.
  addWithPgp(asn, home) {
    const gpg = (...words) =>
      execFileSync("gpg", ["--batch", "--pinentry-mode", "loopback", "--passphrase", "", ...words], {
        encoding: "utf8",
        env: { ...process.env, HOME: home },
        stdio: ["ignore", "pipe", "ignore"],
      });
    gpg("--quick-gen-key", `AS${asn}@test`, "ed25519", "sign", "never");
    const fingerprint = /^fpr:+(\w+):/m.exec(gpg("--with-colons", "--list-keys"))[1];
    const name = `PGPKEY-${fingerprint.slice(-8)}`;
    const armor = gpg("--armor", "--export").trimEnd().split("\n");
    this.put("key-cert", name, "method: PGP", ...armor.map((line) => `certif: ${line}`));
    this.maintain(asn, name);
  }

  maintain(asn, auth) {
    const maintainer = `AS${asn}-MNT`;
    this.put("aut-num", `AS${asn}`, `as-name: TEST-${asn}`, `mnt-by: ${maintainer}`);
    this.put("mntner", maintainer, `auth: ${auth}`, `mnt-by: ${maintainer}`);
  }

  // What its maintainer's ssh-keygen prints.
  signed(asn, text) {
    const command = ["-Y", "sign", "-n", "moenet", "-f", this.keyFile(asn)];
    return execFileSync("ssh-keygen", command, { input: text, encoding: "utf8", stdio: ["pipe", "pipe", "ignore"] });
  }
}
