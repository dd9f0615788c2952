// Who one is to the page, and what one sees by it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { openBrowser, openPage, phone } from "./lab/browser.mjs";
import { adminAsn, ControlPlane, userAsn } from "./lab/control_plane.mjs";
import { buildNetwork } from "./lab/network.mjs";

const pgpAsn = 4242420111;

let cp;
let browser;
before(async () => {
  cp = await ControlPlane.start();
  await buildNetwork(cp);
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await cp?.stop();
});

test("nobody sees the sign-in at every address", async () => {
  const { page, close } = await openPage(browser, cp, { as: "nobody", path: "/sessions?status=PENDING" });
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.equal(await page.getByRole("navigation").count(), 0);
  await close();
});

test("a wrong token is refused with words, the right one opens the place that was asked for", async () => {
  const { page, close } = await openPage(browser, cp, { as: "nobody", path: "/nodes" });
  await page.getByRole("button", { name: "By token" }).click();
  await page.getByLabel("Token").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Token").fill(cp.token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Nodes" }).waitFor();
  await page.getByRole("link", { name: "jp1", exact: true }).waitFor();
  const kept = await page.evaluate(() =>
    JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, document.documentElement.outerHTML]),
  );
  assert.ok(!kept.includes(cp.token), "the token stays nowhere");
  await close();
});

test("an AS is proved by what the page's own command prints, and a text is good for one try", async () => {
  const { page, close } = await openPage(browser, cp, { as: "nobody" });
  await page.getByLabel("Your AS number").fill("hello");
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText("expected an AS number").waitFor();
  await page.getByLabel("Your AS number").fill(`AS${userAsn}`);
  await page.getByRole("button", { name: "Go on" }).click();
  const told = page.getByLabel("The text to sign", { exact: true });
  const text = await told.innerText();
  assert.match(text, new RegExp(`^I am AS${userAsn} and sign in`));
  await page.getByRole("button", { name: "PGP key" }).click();
  assert.match(await page.getByLabel("Command", { exact: true }).innerText(), /\| gpg --armor --detach-sign$/);
  await page.getByRole("button", { name: "SSH key" }).click();
  await page.getByLabel("What it prints").fill(cp.registry.signed(adminAsn, text));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("none of the keys that the registry has for this AS").waitFor();
  assert.equal(await page.getByLabel("What it prints").getAttribute("aria-invalid"), "true");
  await page.waitForFunction(
    (before) => document.querySelector("pre[aria-label='The text to sign']").textContent !== before,
    text,
  );
  const home = mkdtempSync(join(tmpdir(), "moenet-home-"));
  mkdirSync(join(home, ".ssh"));
  copyFileSync(cp.registry.keyFile(userAsn), join(home, ".ssh/id_ed25519"));
  const command = await page.getByLabel("Command", { exact: true }).innerText();
  const said = execFileSync("sh", ["-c", command], { encoding: "utf8", env: { ...process.env, HOME: home } });
  rmSync(home, { recursive: true });
  await page.getByLabel("What it prints").fill(said);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await close();
});

test("an AS whose maintainer has a PGP key signs in with gpg", async () => {
  const home = mkdtempSync(join(tmpdir(), "moenet-home-"));
  cp.registry.addWithPgp(pgpAsn, home);
  const { page, close } = await openPage(browser, cp, { as: "nobody" });
  await page.getByLabel("Your AS number").fill(String(pgpAsn));
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("button", { name: "PGP key" }).click();
  const command = await page.getByLabel("Command", { exact: true }).innerText();
  const env = { ...process.env, HOME: home };
  await page.getByLabel("What it prints").fill(execFileSync("sh", ["-c", command], { encoding: "utf8", env }));
  execFileSync("gpgconf", ["--kill", "all"], { env });
  rmSync(home, { recursive: true });
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await close();
});

test("a user is shown no place of operators, and told so at its address", async () => {
  const { page, close } = await openPage(browser, cp, { as: "user" });
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  const ways = await page.getByRole("navigation").getByRole("link").allInnerTexts();
  assert.deepEqual(
    ways.map((way) => way.trim()),
    ["Overview", "Nodes", "Looking glass", "Sessions", "New session", "API tokens"],
  );
  for (const place of ["/approvals", "/settings", "/blocklist", "/users", "/audit"]) {
    await page.goto(cp.url + place);
    await page.getByRole("heading", { name: "This is for operators" }).waitFor();
  }
  await page.goto(`${cp.url}/sessions`);
  await page.getByRole("heading", { name: "Your sessions" }).waitFor();
  await page.getByRole("link", { name: "AS4242420101" }).waitFor();
  assert.equal(await page.getByRole("link", { name: /^AS/ }).count(), 1);
  await close();
});

test("signing out leaves nothing on the screen, and a cookie that opens nothing", async () => {
  const { page, close } = await openPage(browser, cp, { size: phone, path: "/sessions" });
  await page.getByText("Lion City").waitFor();
  const [cookie] = await page.context().cookies();
  await page.getByRole("button", { name: "Menu" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.equal(await page.getByText("Lion City").count(), 0);
  const headers = { Cookie: `${cookie.name}=${cookie.value}` };
  assert.equal((await cp.request("GET", "/api/v1/auth/me", undefined, headers)).status, 401);
  await close();
});

test("a sign-in that was ended is told where one signs in again", async () => {
  const { page, close } = await openPage(browser, cp, { as: "user", path: "/nodes" });
  await page.getByRole("link", { name: "jp1", exact: true }).waitFor();
  await cp.call("PATCH", `users/AS${userAsn}`, { disabled: true });
  // Unless the page has asked by itself before, and its navigation is gone.
  await page
    .getByRole("navigation")
    .getByRole("link", { name: "API tokens" })
    .click({ timeout: 3_000 })
    .catch(() => {});
  await page.getByText("You were signed out").waitFor();
  await close();
});
