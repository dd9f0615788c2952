// The life of a session as its operator sees it: asked for, checked, approved, set up, in trouble, gone; without a
// reload.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { openBrowser, openPage, phone } from "./lab/browser.mjs";
import { ControlPlane, userAsn } from "./lab/control_plane.mjs";
import { buildNetwork, key } from "./lab/network.mjs";

let cp;
let browser;
let uuids;
before(async () => {
  cp = await ControlPlane.start();
  uuids = await buildNetwork(cp);
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await cp?.stop();
});

const chip = (page, word) => page.locator("h1 + span .chip", { hasText: word });
const uuidOf = (page) => new URL(page.url()).pathname.split("/")[2];

test("the form says what is wrong at the field while one types, in the server's words", async () => {
  const { page, close } = await openPage(browser, cp, { path: "/request" });
  await page.getByText("Still needed: Node").waitFor();
  assert.equal(await page.locator(".fault").count(), 0, "nobody is blamed for what was not touched");
  await page.getByLabel("Node", { exact: true }).selectOption("jp1");
  await page.getByText("Still needed: Peer's AS number").waitFor();
  await page.getByLabel("Peer's AS number").fill("4242420998");
  await page.getByLabel("Peer's WireGuard public key").fill("not a key");
  await page.getByLabel("Peer's endpoint").focus();
  await page.locator(".fault", { hasText: "expected the peer's WireGuard public key" }).waitFor();
  await page.getByText("Look again at: Peer's WireGuard public key").waitFor();
  const field = page.getByLabel("Peer's WireGuard public key");
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  const described = (await field.getAttribute("aria-describedby")).split(" ");
  assert.match(await page.locator(`#${described.at(-1)}`).innerText(), /44 characters/);
  await field.fill(key());
  await page.locator(".fault", { hasText: "AS4242420998 is our own" }).waitFor();
  await page.getByLabel("Peer's AS number").fill("4242420201");
  await page.getByLabel("Peer's link-local address").fill("fe80::201");
  await page.getByText(/All is well. It would be dn42-4242420201 at jp1, our port 30201/).waitFor();
  assert.equal((await cp.call("GET", "sessions?asn=4242420201")).sessions.length, 0, "a check keeps nothing");
  await close();
});

test("a session goes from the request to its end before one's eyes", async () => {
  const { page, close } = await openPage(browser, cp, { path: "/request?node=de-rr" });
  await page.getByLabel("Peer's AS number").fill("4242420202");
  await page.getByLabel("Peer's WireGuard public key").fill(key());
  await page.getByLabel("Peer's link-local address").fill("fe80::202");
  await page.getByRole("button", { name: "Add and set up" }).click();
  await chip(page, "Queued for setup").waitFor();
  await page.evaluate(() => (window.isSamePage = true));
  const uuid = uuidOf(page);
  await cp.report("de-rr", uuid, 2);
  await chip(page, "Enabled").waitFor();
  await cp.report("de-rr", uuid, 6, "no handshake with peer.example.net:51820 for 135 s");
  await chip(page, "Problem").waitFor();
  await page.locator(".notice", { hasText: "no handshake with peer.example.net:51820 for 135 s" }).waitFor();
  await page.getByRole("button", { name: "Disable" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Disable" }).click();
  await chip(page, "Disabled").waitFor();
  await page.getByRole("button", { name: "Enable" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Enable" }).click();
  await chip(page, "Queued for setup").waitFor();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await chip(page, "Queued for delete").waitFor();
  await cp.report("de-rr", uuid, 0);
  await page.getByText("The session is gone").waitFor();
  assert.equal(await page.evaluate(() => window.isSamePage), true);
  await close();
});

test("a network asks for a session of its own, and watches it become one", async () => {
  const { page, close } = await openPage(browser, cp, { as: "user", size: phone, path: "/request" });
  await page.getByLabel("Node", { exact: true }).selectOption("de-rr");
  await page.locator("form p", { hasText: `AS${userAsn}` }).waitFor();
  await page.getByLabel("Your WireGuard public key").fill(key());
  await page.getByLabel("Your endpoint").fill("192.168.0.1:51820");
  await page.getByLabel("Your link-local address").fill("fe80::201");
  await page.locator(".fault", { hasText: "cannot be reached over the internet" }).waitFor();
  await page.getByLabel("Your endpoint").fill("peer101.example.net:51820");
  await page.getByText("then it awaits approval").waitFor();
  await page.getByRole("button", { name: "Send the request" }).click();
  await chip(page, "Pending").waitFor();
  assert.equal(await page.getByRole("button", { name: "Approve" }).count(), 0);
  const uuid = uuidOf(page);
  await page.getByLabel("WireGuard (wg-quick)", { exact: true }).waitFor();
  await cp.call("POST", `sessions/${uuid}/approve`, {});
  await chip(page, "Queued for setup").waitFor();
  await page.locator(".happenings li", { hasText: "Queued for setup" }).waitFor();
  await close();
});

test("an edit sends only what differs, and a fault stands at its field", async () => {
  const uuid = uuids.get(4242420102);
  const { page, close } = await openPage(browser, cp, { path: `/sessions/${uuid}/edit` });
  const sent = page.waitForRequest((request) => request.method() === "PATCH" && !request.url().endsWith("dry-run=1"));
  await page.getByLabel("MTU").fill("12");
  await page.getByLabel("Name").focus();
  await page.locator(".fault", { hasText: /1280/ }).waitFor();
  await page.getByLabel("MTU").fill("1400");
  await cp.report("jp1", uuid, 6, "no handshake"); // no edit, and no reason to lose one
  await page.getByRole("button", { name: "Save" }).click();
  await chip(page, "Problem").waitFor();
  const now = await cp.call("GET", `sessions/${uuid}`);
  assert.equal(now.mtu, 1400);
  assert.equal(now.name, "Kitsune IX");
  assert.deepEqual((await sent).postDataJSON(), { mtu: 1400 });
  await close();
});

test("requests are approved, or rejected with a reason that is asked for", async () => {
  const { page, close } = await openPage(browser, cp, { path: "/approvals" });
  await page.getByRole("button", { name: "Approve AS4242420104 at jp1" }).click();
  await page.getByText("AS4242420104 at jp1 is approved").waitFor();
  await page.getByRole("button", { name: "Approve AS4242420104 at jp1" }).waitFor({ state: "detached" });
  assert.equal((await cp.call("GET", `sessions/${uuids.get(4242420104)}`)).status, "QUEUED_FOR_SETUP");
  await page.getByRole("button", { name: "Reject AS4242420113 at us-w1" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Reject" }).click();
  assert.equal(
    (await cp.call("GET", `sessions/${uuids.get(4242420113)}`)).status,
    "PENDING",
    "no reason, no rejection",
  );
  await dialog.getByLabel("Reason").fill("the name is no name");
  await dialog.getByRole("button", { name: "Reject" }).click();
  await page.getByText("Nothing waits for you").waitFor();
  const rejected = await cp.call("GET", `sessions/${uuids.get(4242420113)}`);
  assert.deepEqual([rejected.status, rejected.lastError], ["REJECTED", "the name is no name"]);
  await close();
});

test("the list is filtered by the server, sorted, and paged", async () => {
  for (let i = 0; i < 130; i += 1) {
    await cp.call("POST", "sessions", {
      node: "sg1",
      asn: 4242421000 + i,
      publicKey: key(),
      ipv6LinkLocal: `fe80::${1000 + i}`,
      approve: true,
    });
  }
  const { page, close } = await openPage(browser, cp, { path: "/sessions?node=sg1" });
  const rows = page.locator("tbody tr:not(.why)");
  await page.getByText("100 of more sessions").waitFor();
  assert.equal(await rows.count(), 100);
  await page.getByRole("button", { name: "Show more" }).click();
  await page.getByText("131 sessions", { exact: true }).waitFor();
  await page.getByRole("button", { name: "AS", exact: true }).click();
  await page.locator("th[aria-sort=descending]").waitFor();
  assert.match(await rows.first().innerText(), /AS4242421129/);
  await page.getByLabel("State").selectOption("ENABLED");
  await page.getByText("1 session", { exact: true }).waitFor();
  assert.match(await rows.first().innerText(), /AS4242420114/);
  assert.match(page.url(), /\?status=ENABLED&node=sg1$/, "the address can be sent to somebody");
  await page.getByLabel("State").selectOption("");
  await page.getByLabel("Search").fill("lion");
  await page.getByText("1 session", { exact: true }).waitFor();
  await page.getByLabel("Search").fill("no such");
  await page.getByRole("heading", { name: "No session is like that" }).waitFor();
  await page.getByRole("button", { name: "Show all" }).click();
  await page.getByText("Kitsune IX").waitFor();
  await close();
});

test("while nobody answers one sees what was, and is told so; then it goes on", async () => {
  const { page, close } = await openPage(browser, cp, {
    path: `/sessions/${uuids.get(4242420105)}`,
    size: phone,
  });
  await chip(page, "Enabled").waitFor();
  await cp.halt();
  await page.getByText("What you see is of before: The control plane does not answer.").first().waitFor();
  await chip(page, "Enabled").waitFor();
  await cp.resume();
  await cp.report("hk-rr", uuids.get(4242420105), 6, "the peer is away");
  await chip(page, "Problem").waitFor({ timeout: 30_000 });
  await close();
});

test("a draft that somebody else overtook is not carried over theirs", async () => {
  const uuid = uuids.get(4242420110);
  const { page, close } = await openPage(browser, cp, { path: `/sessions/${uuid}/edit` });
  await page.getByLabel("MTU").fill("1390");
  await cp.call("PATCH", `sessions/${uuid}`, { mtu: 1380 });
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Somebody else changed this session meanwhile.").waitFor();
  assert.equal((await cp.call("GET", `sessions/${uuid}`)).mtu, 1380);
  await close();
});
