// The page by keyboard and by touch, and what it remembers.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { openBrowser, openPage, phone } from "./lab/browser.mjs";
import { ControlPlane } from "./lab/control_plane.mjs";
import { buildNetwork } from "./lab/network.mjs";

let cp;
let browser;
let uuids;
before(async () => {
  cp = await ControlPlane.start();
  uuids = await buildNetwork(cp, { withDay: true });
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await cp?.stop();
});

const focused = (page) =>
  page.evaluate(() => document.activeElement?.textContent?.trim() || document.activeElement?.id);

test("the first key leads past the menu", async () => {
  const { page, close } = await openPage(browser, cp, { path: "/nodes" });
  await page.getByRole("link", { name: "jp1", exact: true }).waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "Skip to the content");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(outline, "none", "one sees where one is");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "Add a node");
  await close();
});

test("a way of the menu leads there, the focus with it, and back again", async () => {
  const { page, close } = await openPage(browser, cp);
  await page.getByText("Sessions that need somebody").waitFor();
  await page.evaluate(() => (window.isSamePage = true));
  await page.getByRole("navigation").getByRole("link", { name: "Looking glass" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Looking glass" }).waitFor();
  await page.waitForFunction(() => document.activeElement?.id === "place");
  assert.equal(await page.title(), "Looking glass · MoeNet");
  assert.equal(await page.locator("[aria-current=page]").innerText(), "Looking glass");
  await page.goBack();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  assert.equal(await page.evaluate(() => window.isSamePage), true);
  await close();
});

test("a dialog holds the focus, Escape closes it, and the focus goes back", async () => {
  const { page, close } = await openPage(browser, cp, { path: "/nodes" });
  const opener = page.getByRole("button", { name: "Add a node" });
  await opener.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Add a node" }).waitFor();
  for (let i = 0; i < 30; i += 1) {
    await page.keyboard.press("Tab");
    const where = await page.evaluate(
      () => document.activeElement === document.body || Boolean(document.activeElement.closest("dialog")),
    );
    assert.ok(where, `after ${i + 1} tabs`);
  }
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await focused(page), "Add a node");
  await close();
});

test("on a phone the menu is a drawer, out of the way of keys and ears while it is shut", async () => {
  const { page, close } = await openPage(browser, cp, { size: phone, path: "/nodes" });
  await page.getByRole("link", { name: "jp1", exact: true }).waitFor();
  assert.equal(await page.getByRole("navigation").count(), 0);
  await page.getByRole("button", { name: "Menu" }).tap();
  await page.getByRole("navigation").getByRole("link", { name: "Sessions" }).tap();
  await page.getByRole("heading", { name: "Sessions" }).waitFor();
  await page.waitForFunction(() => getComputedStyle(document.querySelector(".side")).visibility === "hidden");
  await page.getByRole("button", { name: "Menu" }).tap();
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => getComputedStyle(document.querySelector(".side")).visibility === "hidden");
  await close();
});

test("the theme follows the system, or what was chosen, also after a reload", async () => {
  const { page, close } = await openPage(browser, cp, { scheme: "dark", path: "/nodes" });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const becomes = (color) =>
    page.waitForFunction((wanted) => getComputedStyle(document.body).backgroundColor === wanted, color);
  await page.getByRole("link", { name: "jp1", exact: true }).waitFor();
  const dark = await ground();
  await page.getByRole("button", { name: "Light" }).click();
  await page.waitForFunction((before) => getComputedStyle(document.body).backgroundColor !== before, dark);
  const light = await ground();
  await page.reload();
  await page.getByRole("link", { name: "jp1", exact: true }).waitFor();
  assert.equal(await ground(), light);
  await page.getByRole("button", { name: "As the system" }).click();
  await becomes(dark);
  await close();
});

test("a chart says in words and in a table what it draws", async () => {
  const uuid = uuids.get(4242420101);
  const { page, close } = await openPage(browser, cp, { path: `/sessions/${uuid}` });
  const chart = page.locator("figure", { hasText: "Round trip" }).last();
  const label = await page.getByRole("img", { name: /^Round trip\./ }).getAttribute("aria-label");
  assert.match(label, /mean: [\d.]+ ms at the end, mean [\d.]+ ms, from [\d.]+ ms to [\d.]+ ms/);
  await page.locator("summary").first().click();
  await page.getByRole("table", { name: "Round trip" }).waitFor();
  assert.ok((await page.getByRole("table", { name: "Round trip" }).getByRole("row").count()) >= 24);
  assert.ok(await chart.isVisible());
  await close();
});

test("what is to be pasted elsewhere is copied whole", async () => {
  const { page, close } = await openPage(browser, cp, { path: "/nodes/jp1" });
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByRole("button", { name: "Copy Drain" }).click();
  await page.getByRole("status").filter({ hasText: "Drain copied" }).waitFor({ state: "attached" });
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "moenet-agent maintenance start --wait");
  await close();
});
