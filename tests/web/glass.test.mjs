// The looking glass: somebody asks a node on the page, and its agent, which this test plays over the wire, answers.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { assertAccessible, assertFits, desktop, openBrowser, openPage, phone, shoot } from "./lab/browser.mjs";
import { ControlPlane } from "./lab/control_plane.mjs";

const hostile = `4242420053\n<img src=x onerror="document.title='owned'">\n`;
let cp;
let browser;

before(async () => {
  cp = await ControlPlane.start();
  await cp.addNode({ name: "jp1", region: "AS-E", location: "Tokyo" });
  await cp.addNode({ name: "shut", region: "AS-E", location: "Osaka" });
  await cp.agent("jp1", "heartbeat", { agent_version: "0.1.0", status: { lookingGlass: ["ping", "route", "path"] } });
  await cp.agent("shut", "heartbeat", { agent_version: "0.1.0", status: {} });
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await cp?.stop();
});

// As the agent of jp1: waits for one query, answers it, and gives it back.
async function answerNext(answer) {
  const headers = { Authorization: `Bearer ${cp.nodeTokens.get("jp1")}`, Prefer: "wait=20" };
  const read = await cp.request("GET", "/api/v1/agent/jp1/queries", undefined, headers);
  const { queries } = (await read.json()).data;
  assert.equal(queries.length, 1);
  const sent = await cp.request("POST", `/api/v1/agent/jp1/queries/${queries[0].id}`, answer, headers);
  assert.equal(sent.status, 200);
  return queries[0];
}

test("a user asks at the node's page, with the keyboard alone, and reads what the node says", async () => {
  const { page, unsafe, close } = await openPage(browser, cp, { as: "user", path: "/nodes/jp1", bypassCSP: true });
  const form = page.getByRole("form", { name: "Ask jp1" });
  await form.getByLabel("Question").waitFor(); // of a list of texts nobody waits for the first
  const tools = await form.getByLabel("Question").locator("option").allInnerTexts();
  assert.deepEqual(
    tools.map((text) => text.split(":")[0]),
    ["Route", "AS path", "Ping"],
  );
  await form.getByLabel("Question").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  await page.keyboard.type(" 172.20.0.53 ");
  await page.keyboard.press("Enter");
  await form.getByText("jp1 is asked").waitFor();
  const query = await answerNext({ result: hostile, data: {} });
  assert.deepEqual([query.tool, query.arguments], ["path", { target: "172.20.0.53" }]);
  const block = form.getByLabel("AS path to 172.20.0.53 from jp1", { exact: true });
  await block.waitFor();
  assert.equal(await block.innerText(), hostile);
  assert.match(await block.evaluate((element) => getComputedStyle(element).fontFamily), /mono/i);
  assert.notEqual(await page.title(), "owned");
  const [method, path, csrf] = unsafe.at(-1);
  assert.deepEqual([method, path, typeof csrf], ["POST", "/nodes/jp1/queries", "string"]);
  for (const size of [desktop, phone]) {
    await page.setViewportSize({ width: size.width, height: size.height });
    await assertFits(page);
    await assertAccessible(page);
    await shoot(page, `glass-${size.name}`);
  }
  await close();
});

test("a fault stands at the target, and any other is told in words", async () => {
  const { page, close } = await openPage(browser, cp, { path: "/looking-glass" });
  await page.getByLabel("Node").selectOption("jp1");
  await page.getByLabel("Target").fill("nowhere/99");
  let answered = answerNext({ status: 422, error: "target: 'nowhere/99' is not a network" });
  await page.getByRole("button", { name: "Ask" }).click();
  await answered;
  await page.locator(".fault", { hasText: "is not a network" }).waitFor();
  assert.equal(await page.getByLabel("Target").getAttribute("aria-invalid"), "true");
  await page.getByLabel("Target").fill("172.20.0.53");
  answered = answerNext({ status: 503, error: "BIRD does not answer" });
  await page.getByRole("button", { name: "Ask" }).click();
  await answered;
  await page.getByText("jp1 cannot answer: BIRD does not answer").waitFor();
  await close();
});

test("a node that takes no questions says so", async () => {
  const { page, close } = await openPage(browser, cp, { as: "user", path: "/nodes/shut" });
  await page.getByText("shut takes no questions").waitFor();
  assert.equal(await page.getByRole("button", { name: "Ask" }).count(), 0);
  await close();
});
