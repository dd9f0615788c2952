// Debian's Chromium without a screen, and a page in it that reports every error, refusal and foreign request as the
// test's fault.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const desktop = { name: "desktop", width: 1280, height: 900 };
export const phone = { name: "phone", width: 390, height: 844 };

export async function openBrowser() {
  const executablePath = ["/usr/bin/chromium", process.env.MOENET_CHROMIUM].find((path) => path && existsSync(path));
  if (!executablePath)
    throw new Error("there is no /usr/bin/chromium: ./dev setup installs it, or MOENET_CHROMIUM names another");
  const args = process.getuid() === 0 ? ["--no-sandbox"] : []; // root may not use the sandbox
  return chromium.launch({ executablePath, args });
}

// A page at `path` for somebody who is signed in `as` that. `unsafe` has the calls that change something, as they were
// sent: [method, path, token against forgery].
export async function openPage(
  browser,
  cp,
  { as = "owner", size = desktop, scheme = "light", path = "/", bypassCSP = false } = {},
) {
  const context = await browser.newContext({
    viewport: { width: size.width, height: size.height },
    colorScheme: scheme,
    bypassCSP,
    locale: "en-GB",
    timezoneId: "UTC",
    reducedMotion: "reduce",
    hasTouch: size === phone,
    isMobile: size === phone,
    deviceScaleFactor: 1,
  });
  if (as !== "nobody") await context.addCookies([await cp.signIn(as)]);
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    // An answer with a status that says no is an answer; the browser logs each. A header that is for HTTPS only is no fault of a lab.
    const isKnown = /Failed to load resource|Cross-Origin-Opener-Policy header has been ignored/.test(message.text());
    if (message.type() === "error" && !isKnown) faults.push(message.text());
  });
  const unsafe = [];
  page.on("request", (request) => {
    const path = new URL(request.url()).pathname.replace("/api/v1", "");
    if (request.method() !== "GET") unsafe.push([request.method(), path, request.headers()["x-csrf-token"]]);
    if (!request.url().startsWith(cp.url) && !request.url().startsWith("data:"))
      faults.push(`a request to ${request.url()}`);
  });
  await page.goto(cp.url + path);
  const close = async () => {
    assert.deepEqual(faults, []);
    await context.close();
  };
  return { page, unsafe, close };
}

// Nothing of the page reaches beyond its width: on a phone that is what makes it unreadable.
export async function assertFits(page) {
  const wide = await page.evaluate(() => {
    const limit = document.documentElement.clientWidth + 1;
    const found = [...document.querySelectorAll("body *")].filter((element) => {
      if (element.closest(".side, .unseen, .toasts") || element.getBoundingClientRect().width === 0) return false;
      for (let up = element.parentElement; up; up = up.parentElement)
        if (getComputedStyle(up).overflowX !== "visible") return false;
      return element.getBoundingClientRect().right > limit;
    });
    return [
      document.documentElement.scrollWidth > limit && `the page is ${document.documentElement.scrollWidth} wide`,
      ...found.map((element) => element.outerHTML.slice(0, 120)),
    ].filter(Boolean);
  });
  assert.deepEqual(wide, []);
}

// WCAG 2.2 at level AA, as far as a program can tell. axe is a script of ours, which the page's policy would refuse: such pages bypass it.
export async function assertAccessible(page) {
  await page.evaluate(axe);
  const result = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
  );
  const found = result.violations.map(({ id, help, nodes }) => ({
    id,
    help,
    nodes: nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary.split("\n").slice(0, 2).join(" ")}`),
  }));
  assert.deepEqual(found, []);
}

export async function shoot(page, name) {
  const folder = process.env.MOENET_SHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
