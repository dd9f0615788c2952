// The time now, for ages that grow while one looks. One timer for the whole page.

export const clock = $state({ now: Date.now() });

setInterval(() => {
  if (document.visibilityState === "visible") clock.now = Date.now();
}, 1_000);
