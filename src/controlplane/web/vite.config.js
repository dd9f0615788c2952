// How the page is built: ES modules that a browser of 2022 runs, every file but index.html named by its content.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // no data: URLs: the policy of the page allows none but pictures
    modulePreload: { polyfill: false }, // its script would stand in the page itself, which the policy forbids
    chunkSizeWarningLimit: 100,
    reportCompressedSize: false,
  },
  // While one works on the page (`npm run dev`), the rest is asked of a control plane on this machine.
  server: { proxy: { "/api": "http://127.0.0.1:8080" } },
});
