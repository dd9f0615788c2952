// The life of a session on the page with a real agent behind it, as tests/e2e/test_page.py starts it in its lab: a
// network asks on its phone, an operator approves on a desktop, and both watch without a reload. Each line that is
// printed says what was seen; a line that comes in says that the lab has done its part.
import assert from "node:assert/strict";
import { createInterface } from "node:readline";

import { assertAccessible, assertFits, desktop, openBrowser, openPage, phone, shoot } from "./lab/browser.mjs";
import { ControlPlane } from "./lab/control_plane.mjs";

const told = JSON.parse(process.argv[2]); // url, token, registry, node, publicKey, endpoint, linkLocal
const kSlow = 60_000; // ms; what the node does takes its time on a busy machine

const cp = ControlPlane.at(told.url, told.token, told.registry);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const seen = (text) => console.log(text);
const chip = (page, word) => page.locator("h1 + span .chip", { hasText: word }).waitFor({ timeout: kSlow });

// The page as it is now, on both sizes and in both themes.
async function look(page, name) {
  for (const size of [desktop, phone]) {
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize({ width: size.width, height: size.height });
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await shoot(page, `${name}-${size.name}-${colorScheme}`);
      await assertFits(page);
      await assertAccessible(page);
    }
  }
}

const browser = await openBrowser();
try {
  const user = await openPage(browser, cp, {
    as: "user",
    size: phone,
    scheme: "dark",
    path: `/request?node=${told.node}`,
    bypassCSP: true,
  });
  const page = user.page;
  await page.getByLabel("Your WireGuard public key").fill(told.publicKey);
  await page.getByLabel("Your endpoint").fill(told.endpoint);
  await page.getByLabel("Your link-local address").fill(told.linkLocal);
  await page.getByText("then it awaits approval").waitFor();
  await page.getByRole("button", { name: "Send the request" }).tap();
  await chip(page, "Pending");
  await page.evaluate(() => (window.isSamePage = true));
  const uuid = new URL(page.url()).pathname.split("/")[2];
  seen(`pending ${uuid}`);

  // The chips as they come: a state that lasts for less than a look is seen all the same.
  await page.evaluate(() => {
    window.states = [];
    const take = () => {
      const word = document.querySelector("h1 + span .chip")?.textContent.trim();
      if (word && window.states.at(-1) !== word) window.states.push(word);
    };
    take();
    new MutationObserver(take).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  const operator = await openPage(browser, cp, { as: "owner", path: "/approvals" });
  await operator.page.getByRole("button", { name: /^Approve/ }).click();
  await operator.page.getByText("Nothing waits for you").waitFor();
  await chip(page, "Enabled");
  assert.deepEqual(await page.evaluate(() => window.states), ["Pending", "Queued for setup", "Enabled"]);
  seen("enabled");

  await lines.next(); // BGP is established
  await page.getByText(/^Established/).waitFor({ timeout: kSlow });
  await page.getByText("2 in,").first().waitFor({ timeout: kSlow });
  await page.getByRole("img", { name: /^Round trip\./ }).waitFor({ timeout: kSlow });
  await look(page, "agent-enabled");
  seen("works");

  await lines.next(); // the peer is gone
  await chip(page, "Problem");
  const cause = await page.locator(".notice.warn strong").innerText();
  await page.locator(".happenings li", { hasText: cause }).waitFor();
  await look(page, "agent-problem");
  await operator.page.goto(`${cp.url}/`);
  await operator.page.getByText("Sessions that need somebody").waitFor();
  await operator.page.getByRole("cell", { name: cause }).waitFor();
  seen(`problem ${cause}`);

  await lines.next(); // the peer is back
  await chip(page, "Enabled");
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("heading", { name: "The session is gone" }).waitFor({ timeout: kSlow });
  assert.equal(await page.evaluate(() => window.isSamePage), true);
  await user.close();
  await operator.close();
  seen("gone");
} finally {
  await browser.close();
  cp.registry.remove();
}
process.exit(0); // standard input is still open
