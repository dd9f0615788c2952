// A read that keeps itself up to date: with its tag the server answers when there is news (Prefer: wait) or is asked
// again after a pause. A hidden tab asks nothing. A browser opens six connections to a host, so that only what people
// watch may wait: one read of a place.
import { untrack } from "svelte";

import { read, send, type Outcome, type Problem } from "./api";

const kPause = 5_000; // ms between reads that do not wait; chosen: a change is seen before one reloads by hand
const kWait = 10; // s; what nodes measure wakes no read, and is not to be older than this on the page (chosen)
const kMostAnswer = (kWait + 15) * 1_000; // ms
const kQuick = 1_000; // ms; a "nothing new" that comes sooner is of a server that does not wait here
const kMostPause = 60_000; // ms between tries while the server is away
const kBurst = 100; // ms; news come in bursts

export interface Live<T> {
  readonly value: T | undefined;
  readonly problem: Problem | undefined; // of the last try; `value` is then of before
  again: () => void; // read now: something was changed
}

// Ends early when `signal` aborts.
function asleep(span: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, span);
    signal.addEventListener("abort", end);
  });
}

function untilVisible(signal: AbortSignal): Promise<void> {
  if (document.visibilityState === "visible") return Promise.resolve();
  return new Promise((resolve) =>
    document.addEventListener("visibilitychange", () => resolve(), { once: true, signal }),
  );
}

// Nothing when no answer came, or the tab was hidden meanwhile: a read that waits would hold a connection that other tabs need.
async function sendWhileVisible(
  path: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Response | undefined> {
  const hidden = new AbortController();
  const look = (): void => {
    if (document.visibilityState === "hidden") hidden.abort();
  };
  document.addEventListener("visibilitychange", look);
  const response = await send("GET", path, {
    headers,
    signal: AbortSignal.any([signal, hidden.signal, AbortSignal.timeout(kMostAnswer)]),
  });
  document.removeEventListener("visibilitychange", look);
  return response;
}

// One look: what is new, "same", or "hidden" when nobody looks any more; and how long it took.
async function look<T>(
  path: string,
  etag: string,
  waits: boolean,
  signal: AbortSignal,
): Promise<[Outcome<T> | "same" | "hidden", number]> {
  const headers: Record<string, string> = etag ? { "If-None-Match": etag } : {};
  if (etag && waits) headers.Prefer = `wait=${kWait}`;
  const begun = performance.now();
  const response = await sendWhileVisible(path, headers, signal);
  const took = performance.now() - begun;
  if (response?.status === 304) return ["same", took];
  if (!response && document.visibilityState === "hidden") return ["hidden", took];
  return [await read<T>(response, path), took];
}

// To be called while a component is made: it ends with it. `path` may change, or be "" for nothing to read.
export function live<T>(path: () => string, options: { waits?: boolean; pause?: number } = {}): Live<T> {
  const waits = options.waits ?? false;
  const state = $state({
    value: undefined as T | undefined,
    problem: undefined as Problem | undefined,
    etag: "",
    path: "",
  });
  let round = $state(0);

  async function follow(target: string, signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      await untilVisible(signal);
      const [answer, took] = await look<T>(target, state.etag, waits, signal);
      if (signal.aborted) return;
      if (answer === "hidden") continue;
      let pause = options.pause ?? kPause;
      if (answer === "same") {
        state.problem = undefined;
        if (waits && took > kQuick) pause = 0;
      } else if (answer.ok) {
        Object.assign(state, { value: answer.value, etag: answer.etag, problem: undefined, path: target });
        if (waits && answer.etag) pause = kBurst;
      } else {
        state.problem = answer.problem;
        // What is not there, or not for us, does not come by asking again soon.
        const isFinal = answer.problem.status >= 400 && answer.problem.status < 500;
        pause = isFinal ? kMostPause : Math.min(kMostPause, kPause * 2 ** failures);
      }
      failures = answer === "same" || answer.ok ? 0 : failures + 1;
      await asleep(pause, signal);
    }
  }

  $effect(() => {
    const target = path();
    void round;
    const ends = new AbortController();
    untrack(() => {
      if (target !== state.path) Object.assign(state, { value: undefined, etag: "", problem: undefined, path: "" });
      if (target) void follow(target, ends.signal);
    });
    return () => ends.abort();
  });

  return {
    get value() {
      return state.value;
    },
    get problem() {
      return state.problem;
    },
    again: () => {
      round += 1;
    },
  };
}
