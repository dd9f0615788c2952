// The page does what its policy says, and no text of others becomes more than text.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { request } from "node:http";

import { openBrowser, openPage } from "./lab/browser.mjs";
import { ControlPlane } from "./lab/control_plane.mjs";
import { buildNetwork, hostileText } from "./lab/network.mjs";

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

const kMostFirstLoad = 100 * 1024; // bytes as sent, of scripts and styles together

// As sent, which fetch would unpack.
function sent(path, headers = {}) {
  return new Promise((resolve, reject) => {
    request(cp.url + path, { headers }, (response) => {
      const pieces = [];
      response.on("data", (piece) => pieces.push(piece));
      response.on("end", () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces) }),
      );
    })
      .on("error", reject)
      .end();
  });
}

test("markup in a name is a name", async () => {
  const { page, close } = await openPage(browser, cp, { path: "/approvals" });
  await page.getByText(hostileText).waitFor();
  for (const path of ["/sessions", `/sessions/${uuids.get(4242420113)}`, `/sessions/${uuids.get(4242420113)}/edit`]) {
    await page.goto(cp.url + path);
    if (path.endsWith("edit")) assert.equal(await page.getByLabel("Name").inputValue(), hostileText);
    else await page.getByText(hostileText).waitFor();
    assert.equal(await page.locator("img[src=x]").count(), 0);
    assert.notEqual(await page.title(), "owned");
  }
  await close();
});

test("the policy refuses a script and a style in the page", async () => {
  const { page } = await openPage(browser, cp, { path: "/nodes" });
  await page.getByRole("link", { name: "jp1", exact: true }).waitFor();
  const refused = await page.evaluate(async () => {
    const seen = [];
    document.addEventListener("securitypolicyviolation", (event) => seen.push(event.effectiveDirective));
    const script = document.createElement("script");
    script.textContent = "window.owned = true";
    const style = document.createElement("style");
    style.textContent = "body { display: none }";
    document.head.append(script, style);
    await fetch("http://127.0.0.1:9/").catch(() => {});
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    return [seen.sort(), window.owned, getComputedStyle(document.body).display];
  });
  assert.deepEqual(refused, [["connect-src", "script-src-elem", "style-src-elem"], undefined, "block"]);
  await page.context().close();
});

test("each unsafe call carries the token against forgery", async () => {
  const { page, unsafe, close } = await openPage(browser, cp, { path: "/nodes" });
  await page.getByRole("button", { name: "Add a node" }).click();
  await page.getByLabel("Name").fill("za1");
  await page.getByLabel("Region", { exact: true }).selectOption("AF");
  await page.getByRole("dialog").getByRole("button", { name: "Add" }).click();
  await page.getByText("This token is shown now and never again.").waitFor();
  await page.getByRole("button", { name: "Make a bootstrap line" }).click();
  await page.getByText(new RegExp(`curl -fsSL ${cp.url}/bootstrap/`)).waitFor();
  assert.deepEqual(
    unsafe.map(([method, path, token]) => [method, path, Boolean(token)]),
    [
      ["POST", "/nodes", true],
      ["POST", "/nodes/za1/bootstrap", true],
    ],
  );
  await close();
});

test("each place is served by its address, and what is none is not found", async () => {
  for (const path of [
    "/",
    "/nodes",
    "/nodes/jp1",
    "/sessions",
    "/sessions/x",
    "/sessions/x/edit",
    "/request",
    "/approvals",
    "/looking-glass",
    "/settings",
    "/blocklist",
    "/users",
    "/tokens",
    "/audit",
    "/sign-in",
  ]) {
    const answer = await sent(path);
    assert.equal(answer.status, 200, path);
    assert.equal(answer.headers["content-type"], "text/html; charset=utf-8");
  }
  for (const path of ["/none", "/nodes/", "/api/v1/none", "/assets/none.js", "/package.json"])
    assert.equal((await sent(path)).status, 404, path);
  const { page, close } = await openPage(browser, cp, { path: "/sessions/a/b" });
  await page.getByText("There is no such place").waitFor();
  await close();
});

test("the first load of the overview is below 100 kB of scripts and styles, as sent", async (t) => {
  const { page, close } = await openPage(browser, cp, { path: "/" });
  await page.getByText("Sessions that need somebody").waitFor();
  const loaded = await page.evaluate(() =>
    performance
      .getEntriesByType("resource")
      .map((one) => new URL(one.name).pathname)
      .filter((path) => path.startsWith("/assets/")),
  );
  let total = 0;
  let scripts = 0;
  for (const path of loaded) {
    const answer = await sent(path, { "Accept-Encoding": "gzip" });
    assert.equal(answer.headers["cache-control"], "public, max-age=31536000, immutable");
    if (!/\.(js|css)$/.test(path)) continue;
    scripts += 1;
    total += answer.body.length;
    const plain = answer.headers["content-encoding"] === "gzip" ? gunzipSync(answer.body) : answer.body;
    assert.deepEqual(plain, (await sent(path)).body);
  }
  assert.ok(scripts >= 3, `${loaded}`);
  t.diagnostic(`first load: ${total} bytes in ${scripts} files`);
  assert.ok(total < kMostFirstLoad, `${total} bytes`);
  await close();
});
