// Short words that say what became of an action, and go by themselves; read out by a live region.

export interface Toast {
  id: number;
  kind: "good" | "bad";
  text: string;
}

const kSpan = 6_000; // ms; chosen: long enough to read twice

let last = 0;
export const toasts = $state({ all: [] as Toast[] });

export function say(text: string, kind: Toast["kind"] = "good"): void {
  last += 1;
  const id = last;
  toasts.all.push({ id, kind, text });
  setTimeout(() => dismiss(id), kind === "bad" ? 2 * kSpan : kSpan);
}

export function dismiss(id: number): void {
  toasts.all = toasts.all.filter((toast) => toast.id !== id);
}
