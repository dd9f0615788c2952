// Every place as people see it: on a desktop and on a phone, light and dark. Each must fit, be accessible, and raise no
// error. Screenshots go to build/web-shots/ to be looked at.
import { after, before, test } from "node:test";

import { assertAccessible, assertFits, desktop, openBrowser, openPage, phone, shoot } from "./lab/browser.mjs";
import { ControlPlane, userAsn } from "./lab/control_plane.mjs";
import { buildNetwork } from "./lab/network.mjs";

let cp;
let browser;
let uuids;
before(async () => {
  cp = await ControlPlane.start();
  uuids = await buildNetwork(cp, { withDay: true });
  await cp.signIn("user");
  await cp.call("POST", "tokens", { label: "ci", user: `AS${userAsn}` });
  await cp.call("PATCH", "settings", { policy: { asPathMaxLen: 6 } });
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await cp?.stop();
});

// [name, path, a text that is there once the place has all it shows]
const places = () => [
  ["overview", "/", "Sessions that need somebody"],
  ["nodes", "/nodes", "br-new"],
  ["node", "/nodes/jp1", "Sakura Networks"],
  ["sessions", "/sessions", "Lion City"],
  ["session", `/sessions/${uuids.get(4242420101)}`, "As a table"],
  ["session-problem", `/sessions/${uuids.get(4242420103)}`, "As a table"],
  ["edit", `/sessions/${uuids.get(4242420101)}/edit`, "Tunnel"],
  ["request", "/request", "Still needed"],
  ["approvals", "/approvals", "Harbour Net"],
  ["looking-glass", "/looking-glass", "What a node of this network sees"],
  ["settings", "/settings", "Routing policy"],
  ["blocklist", "/blocklist", "Refused anywhere in a path"],
  ["users", "/users", "AS4242420110"],
  ["tokens", "/tokens", "of AS4242420101"],
  ["audit", "/audit", "asPathMaxLen"],
];

for (const size of [desktop, phone]) {
  for (const scheme of ["light", "dark"]) {
    test(`each place is whole on a ${size.name} in ${scheme} colours`, async (t) => {
      const { page, close } = await openPage(browser, cp, { size, scheme, bypassCSP: true });
      for (const [name, path, sign] of places()) {
        await t.test(name, async () => {
          await page.goto(cp.url + path);
          await page.getByText(sign).first().waitFor();
          await shoot(page, `${name}-${size.name}-${scheme}`);
          await assertFits(page);
          await assertAccessible(page);
        });
      }
      await close();
    });
    test(`what opens over a place is whole on a ${size.name} in ${scheme} colours`, async () => {
      const { page, close } = await openPage(browser, cp, { size, scheme, path: "/request?node=jp1", bypassCSP: true });
      const look = async (name) => {
        await shoot(page, `${name}-${size.name}-${scheme}`);
        await assertFits(page);
        await assertAccessible(page);
      };
      await page.getByLabel("Peer's AS number").fill("4242420998");
      await page.getByLabel("Peer's WireGuard public key").fill("short");
      await page.getByLabel("Name").focus();
      await page.locator(".fault").first().waitFor();
      await look("request-fault");
      await page.goto(`${cp.url}/nodes`);
      await page.getByRole("button", { name: "Add a node" }).click();
      await look("dialog");
      await page.goto(`${cp.url}/settings`);
      await page.getByLabel("Longest AS path").fill("7");
      await page.getByRole("button", { name: "Preview" }).click();
      await page.getByLabel(/^Change at .*jp1/).waitFor();
      await look("settings-preview");
      if (size === phone) {
        await page.getByRole("button", { name: "Menu" }).tap();
        await page.getByRole("navigation").waitFor();
        await look("menu");
      }
      await close();
    });
    test(`sign-in is whole on a ${size.name} in ${scheme} colours`, async () => {
      const { page, close } = await openPage(browser, cp, { as: "nobody", size, scheme, bypassCSP: true });
      await page.getByLabel("Your AS number").fill("AS4242420101");
      await shoot(page, `sign-in-${size.name}-${scheme}`);
      await page.getByRole("button", { name: "Go on" }).click();
      await page.getByText("The text to sign").waitFor();
      await shoot(page, `sign-in-proof-${size.name}-${scheme}`);
      await assertFits(page);
      await assertAccessible(page);
      await close();
    });
  }
}
