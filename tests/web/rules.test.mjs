// Rules and people: settings, blocklist, nodes, users, tokens and the audit log.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { openBrowser, openPage } from "./lab/browser.mjs";
import { adminAsn, ControlPlane, userAsn } from "./lab/control_plane.mjs";
import { buildNetwork } from "./lab/network.mjs";

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

test("a setting is looked at before it is made, and only what differs is sent", async () => {
  const { page, close } = await openPage(browser, cp, { path: "/settings" });
  const before = await cp.call("GET", "settings");
  await page.getByLabel("Longest AS path").fill("7");
  await page.getByRole("button", { name: "Preview" }).click();
  const change = await page.getByLabel(/^Change at .*jp1/).innerText();
  assert.match(change, /^-.*\b5\b/m);
  assert.match(change, /^\+.*\b7\b/m);
  assert.equal((await cp.call("GET", "settings")).policy.asPathMaxLen, 5, "a preview changes nothing");
  await page.getByRole("button", { name: "Make it so" }).click();
  await page.getByText("The settings are changed").waitFor();
  const after = await cp.call("GET", "settings");
  assert.deepEqual(after, { ...before, policy: { ...before.policy, asPathMaxLen: 7 } });
  await close();
});

test("a setting that the server refuses is told at its field", async () => {
  const { page, close } = await openPage(browser, cp, { path: "/settings" });
  await page.getByLabel("Routes from a peer").fill("many");
  await page.getByRole("button", { name: "Preview" }).click();
  await page.locator(".fault").waitFor();
  assert.equal(await page.getByLabel("Routes from a peer").getAttribute("aria-invalid"), "true");
  await close();
});

test("the blocklist is kept as it was written, and a slip is named", async () => {
  const { page, close } = await openPage(browser, cp, { path: "/blocklist" });
  await page.getByLabel("AS numbers").fill("AS4242420666\nfoo");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("foo is no AS number").waitFor();
  await page.getByLabel("AS numbers").fill("AS4242420666, 4242420667");
  await page.getByLabel("Networks").fill("172.20.66.0/24");
  await page.getByRole("button", { name: "Preview" }).click();
  assert.match(await page.getByLabel(/^Change at .*jp1/).innerText(), /^\+.*172\.20\.66\.0\/24/m);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("The blocklist is changed").waitFor();
  assert.deepEqual((await cp.call("GET", "settings")).policy.blocklist, {
    asns: [4242420666, 4242420667],
    prefixes: ["172.20.66.0/24"],
  });
  await close();
});

test("a node that is deleted leaves: first its sessions go, then it does", async () => {
  const uuid = uuids.get(4242420114);
  const { page, close } = await openPage(browser, cp, { path: "/nodes/sg1" });
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.locator("h1 + .chip", { hasText: "Leaving" }).waitFor();
  assert.equal((await cp.call("GET", `sessions/${uuid}`)).status, "QUEUED_FOR_DELETE");
  await page.getByText("Queued for delete").waitFor();
  await cp.report("sg1", uuid, 0);
  await page.getByRole("heading", { name: "sg1 is gone" }).waitFor();
  await page.goto(`${cp.url}/nodes/br-new`);
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByText("br-new is forgotten.").waitFor();
  const left = (await cp.call("GET", "nodes")).nodes.map((node) => node.name);
  assert.ok(!left.includes("sg1") && !left.includes("br-new"), `${left}`);
  await close();
});

test("who may peer is set as it is written, and a slip is named", async () => {
  const { page, close } = await openPage(browser, cp, { path: "/settings" });
  const before = await cp.call("GET", "settings");
  await page.getByLabel("Who may ask").fill("4242423999-4242420000");
  await page.getByRole("button", { name: "Preview" }).click();
  await page.locator(".fault", { hasText: "pairs of AS numbers" }).waitFor();
  await page.getByLabel("Who may ask").fill("4242420000-4242423999\n64512-65534");
  await page.getByLabel("Never these").fill("AS4242420666");
  await page.getByLabel("Requests").selectOption("automatic");
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByText("No node's policy changes.").waitFor();
  await page.getByRole("button", { name: "Make it so" }).click();
  await page.getByText("The settings are changed").waitFor();
  const peering = {
    ...before.peering,
    approval: "automatic",
    asnRanges: [
      [4242420000, 4242423999],
      [64512, 65534],
    ],
    blockedAsns: [4242420666],
  };
  assert.deepEqual(await cp.call("GET", "settings"), { ...before, peering });
  await cp.call("PATCH", "settings", { peering: before.peering });
  await close();
});

test("a node is closed to new peers, with a note that they read", async () => {
  const { page, close } = await openPage(browser, cp, { path: "/nodes/fr1" });
  await page.getByRole("button", { name: "Change", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Peers ask").selectOption("closed");
  await dialog.getByLabel("Most sessions").fill("many");
  await dialog.getByLabel("Note to peers").fill("It moves to Lyon in May");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.locator(".fault").waitFor();
  await dialog.getByLabel("Most sessions").fill("20");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByText("Closed", { exact: true }).waitFor();
  const { closed, maxSessions, peeringNote } = await cp.call("GET", "nodes/fr1");
  assert.deepEqual(
    { closed, maxSessions, peeringNote },
    { closed: true, maxSessions: 20, peeringNote: "It moves to Lyon in May" },
  );
  await close();
  const user = await openPage(browser, cp, { as: "user", path: "/request" });
  await user.page.locator("option", { hasText: "fr1" }).waitFor({ state: "attached" });
  assert.ok(await user.page.locator("option", { hasText: /fr1.*closed/ }).isDisabled());
  await user.page.goto(`${cp.url}/nodes/fr1`);
  await user.page.getByText("It moves to Lyon in May").waitFor();
  await user.close();
});

test("a user gets a role, is locked out, and is removed", async () => {
  await cp.signIn("user");
  const { page, close } = await openPage(browser, cp, { path: "/users" });
  const name = `AS${userAsn}`;
  await page.getByLabel(`Role of ${name}`).selectOption("admin");
  await page.getByText(`${name} is admin now.`).waitFor();
  assert.equal((await cp.call("GET", `users/${name}`)).role, "admin");
  await page.getByLabel(`Role of ${name}`).selectOption("user");
  await page.getByText(`${name} is user now.`).waitFor();
  await page.getByRole("button", { name: `Lock out ${name}` }).click();
  await page.getByText("may not sign in").waitFor();
  await assert.rejects(cp.signIn("user"), /403/);
  await page.getByRole("button", { name: `Let in ${name}` }).click();
  await page.getByText(`${name} may again sign in.`).waitFor();
  await cp.signIn("user");
  await page.getByRole("button", { name: "Add a user" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("AS number").fill("4242420x");
  await dialog.getByRole("button", { name: "Add" }).click();
  await dialog.locator(".fault", { hasText: "expected an AS number" }).waitFor();
  await dialog.getByLabel("AS number").fill("AS4242420300");
  await dialog.getByRole("button", { name: "Add" }).click();
  await page.getByRole("rowheader", { name: "AS4242420300" }).waitFor();
  await page.getByRole("button", { name: "Remove AS4242420300" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await page.getByRole("rowheader", { name: "AS4242420300" }).waitFor({ state: "detached" });
  await close();
});

test("an administrator who is not the owner cannot touch administrators", async () => {
  const { page, close } = await openPage(browser, cp, { as: "admin", path: "/users" });
  await page.getByRole("rowheader", { name: `AS${adminAsn}` }).waitFor();
  assert.equal(await page.getByRole("button", { name: `Remove AS${adminAsn}` }).count(), 0);
  assert.equal(await page.getByRole("combobox").count(), 0, "there is no role for it to give");
  await close();
});

test("a token is told once, opens the API, and ends", async () => {
  const { page, close } = await openPage(browser, cp, { as: "admin", path: "/tokens" });
  await page.getByRole("button", { name: "Make a token" }).click();
  await page.getByRole("dialog").getByLabel("Label").fill("two words");
  await page.getByRole("dialog").getByRole("button", { name: "Make it" }).click();
  await page.getByRole("dialog").locator(".fault").waitFor();
  await page.getByRole("dialog").getByLabel("Label").fill("monitoring");
  await page.getByRole("dialog").getByRole("button", { name: "Make it" }).click();
  const token = await page.getByLabel("Token", { exact: true }).innerText();
  const me = () => cp.request("GET", "/api/v1/auth/me", undefined, { Authorization: `Bearer ${token}` });
  assert.equal((await (await me()).json()).role, "user");
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("rowheader", { name: /monitoring/ }).waitFor();
  assert.equal(await page.getByText(token).count(), 0);
  await page.getByRole("button", { name: "End monitoring" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "End it" }).click();
  await page.getByRole("rowheader", { name: /monitoring/ }).waitFor({ state: "detached" });
  assert.equal((await me()).status, 401);
  await close();
});

test("the audit log says who changed what from what to what, and goes back to the first entry", async () => {
  for (const location of ["Oita", "Tokyo"]) await cp.call("PATCH", "nodes/jp1", { location });
  const { page, close } = await openPage(browser, cp, { as: "admin", path: "/audit" });
  const row = page.getByRole("row", { name: /node jp1/ }).first();
  await row.getByText("location: Oita → Tokyo").waitFor();
  await row.getByRole("rowheader", { name: "owner" }).waitFor();
  await close();
});
