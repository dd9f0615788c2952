// The control plane's API as the page asks it (docs/api.yaml, /api/v1/…): JSON in and out, errors as values with the
// field at fault. Unsafe calls carry the token against forgery that sign-in handed out; it is kept in memory only.

export interface Problem {
  status: number; // 0: no answer came
  detail: string;
  field?: string;
  hint?: string;
}

export type Outcome<T> = { ok: true; value: T; etag: string } | { ok: false; problem: Problem };

// What to say at the field, when the problem is its.
export function faultAt(problem: Problem | undefined, field: string): string {
  if (problem?.field !== field) return "";
  return problem.hint ? `${problem.detail}. ${problem.hint}` : problem.detail;
}

const kMostWait = 40_000; // ms that an answer may take which is not a waiting read; the server gives up at 30 s

let csrf = "";
let whenSignedOut: () => void = () => {};

export function setCsrf(token: string): void {
  csrf = token;
}
// Called when an answer says that this browser is nobody any more.
export function onSignedOut(act: () => void): void {
  whenSignedOut = act;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value ? value : undefined;
}

// What went wrong, in words that say what to do, whatever form the answer has.
async function problemOf(response: Response): Promise<Problem> {
  let body: Record<string, unknown> = {};
  try {
    body = (await response.json()) as Record<string, unknown>;
  } catch {
    // no JSON: the status alone speaks
  }
  const words: Record<number, string> = {
    404: "The control plane does not have this.",
    412: "It was changed by somebody else meanwhile.",
    429: "Too many attempts from your address.",
    503: "The control plane is busy or its database is away.",
  };
  const detail =
    text(body.detail) ??
    text(body.message) ??
    words[response.status] ??
    `The control plane answered ${response.status}.`;
  const problem: Problem = { status: response.status, detail };
  const after = Number(response.headers.get("Retry-After"));
  const hint = text(body.hint) ?? (after > 0 ? `Try again in ${after} s.` : undefined);
  const field = text(body.field);
  if (hint) problem.hint = hint;
  if (field) problem.field = field;
  return problem;
}

export interface Ask {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

// The raw answer, for those who read its headers; nothing when no answer came.
export async function send(method: string, path: string, ask: Ask = {}): Promise<Response | undefined> {
  const headers: Record<string, string> = { Accept: "application/json", ...ask.headers };
  if (method !== "GET" && csrf) headers["X-CSRF-Token"] = csrf;
  if (ask.body !== undefined) headers["Content-Type"] = "application/json";
  try {
    return await fetch(`/api/v1${path}`, {
      method,
      headers,
      body: ask.body === undefined ? null : JSON.stringify(ask.body),
      signal: ask.signal ?? AbortSignal.timeout(kMostWait),
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
    });
  } catch {
    return undefined;
  }
}

// One answer as a value. A 401 of anything but sign-in itself means that the sign-in ended.
export async function read<T>(response: Response | undefined, path: string): Promise<Outcome<T>> {
  if (!response)
    return {
      ok: false,
      problem: { status: 0, detail: "The control plane does not answer.", hint: "It is asked again by itself." },
    };
  if (response.status === 401 && !path.startsWith("/auth/")) whenSignedOut();
  if (!response.ok) return { ok: false, problem: await problemOf(response) };
  const etag = response.headers.get("ETag") ?? "";
  if (response.status === 204) return { ok: true, value: undefined as T, etag };
  try {
    return { ok: true, value: (await response.json()) as T, etag };
  } catch {
    return {
      ok: false,
      problem: {
        status: response.status,
        detail: "The answer is no JSON: something between you and the control plane changed it.",
      },
    };
  }
}

export async function ask<T>(method: string, path: string, options: Ask = {}): Promise<Outcome<T>> {
  return read<T>(await send(method, path, options), path);
}

export const get = <T>(path: string): Promise<Outcome<T>> => ask<T>("GET", path);
export const post = <T>(path: string, body: unknown = {}): Promise<Outcome<T>> => ask<T>("POST", path, { body });

// The rows of a list's answer, whose one array is named after what it holds.
export function rowsOf<T>(body: unknown): T[] {
  const list = Object.values((body ?? {}) as Record<string, unknown>).find(Array.isArray);
  return (list ?? []) as T[];
}

export const segment = encodeURIComponent;
