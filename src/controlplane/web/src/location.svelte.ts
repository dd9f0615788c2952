// Where the page is, as state: the path and its query. Links are plain anchors; one listener keeps those of this page
// from loading it anew.

export const location = $state({ path: window.location.pathname, query: window.location.search });

function follow(): void {
  location.path = window.location.pathname;
  location.query = window.location.search;
}

export function go(target: string): void {
  history.pushState(null, "", target);
  follow();
  window.scrollTo(0, 0);
}

// The query as the place has it now, without an entry of its own in the history: filters, not ways.
export function setQuery(values: Record<string, string>): void {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value) query.set(name, value);
  const text = query.toString();
  history.replaceState(null, "", location.path + (text ? `?${text}` : ""));
  location.query = text ? `?${text}` : "";
}

function onClick(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  const anchor = (event.target as Element | null)?.closest("a");
  if (!anchor || anchor.target || anchor.hasAttribute("download") || anchor.origin !== window.location.origin) return;
  if (anchor.hash && anchor.pathname === window.location.pathname) return;
  event.preventDefault();
  go(anchor.pathname + anchor.search);
}

export function followLinks(): void {
  window.addEventListener("popstate", follow);
  document.addEventListener("click", onClick);
}
