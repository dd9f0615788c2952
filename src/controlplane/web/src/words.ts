// Numbers, times and states in the words of the page. What is not known is a dash, never a zero.

export const dash = "–";

export function span(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 120) return `${s} s`;
  if (s < 7_200) return `${Math.floor(s / 60)} min`;
  if (s < 172_800) return `${Math.floor(s / 3_600)} h`;
  return `${Math.floor(s / 86_400)} d`;
}

// Of milliseconds since 1970, or of RFC 3339; NaN for neither.
export function instant(value: unknown): number {
  if (typeof value === "number") return value;
  return typeof value === "string" ? Date.parse(value) : NaN;
}

export function ago(value: unknown, now: number, never = "never"): string {
  const at = instant(value);
  return Number.isFinite(at) && at > 0 ? `${span((now - at) / 1_000)} ago` : never;
}

const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
export function moment(value: unknown): string {
  const at = instant(value);
  return Number.isFinite(at) && at > 0 ? dateTime.format(at) : dash;
}

export function ms(value: unknown): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return dash;
  return `${Number(value < 100 ? value.toPrecision(3) : value.toFixed(0))} ms`;
}

export function percent(value: unknown): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return dash;
  return `${Number(value < 10 ? value.toPrecision(2) : value.toFixed(0))} %`;
}

function scaled(value: unknown, units: string[], digits = 3): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return dash;
  let rest = value;
  let unit = 0;
  while (rest >= 1_000 && unit < units.length - 1) {
    rest /= 1_000;
    unit += 1;
  }
  return `${Number(rest.toPrecision(digits))} ${units[unit]}`;
}
export const bytes = (value: unknown): string => scaled(value, ["B", "kB", "MB", "GB", "TB"]);
export const bitRate = (value: unknown): string => scaled(value, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s"]);
export const count = (value: unknown): string => (typeof value === "number" ? value.toLocaleString("en") : dash);

export function plain(value: unknown): string {
  if (value === null || value === undefined || value === "") return dash;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
