// Who is signed in, as state. The proof of it is a cookie that no script can read; here are the name and the role, for
// what is shown.
import { ask, onSignedOut, setCsrf } from "./api";

export type Role = "user" | "admin" | "owner";

export interface Me {
  role: Role;
  asn?: number | null;
  name?: string;
  csrf?: string;
  expiresAt?: number | string;
}

export const identity = $state({
  state: "unknown" as "unknown" | "nobody" | "known" | "away",
  me: undefined as Me | undefined,
  // The sign-in ended by itself: said once, where one signs in again.
  ended: false,
});

export function become(me: Me): void {
  setCsrf(me.csrf ?? "");
  identity.me = me;
  identity.state = "known";
  identity.ended = false;
}

function beNobody(): void {
  setCsrf("");
  identity.me = undefined;
  identity.state = "nobody";
}

export async function lookWhoIAm(): Promise<void> {
  const answer = await ask<Me>("GET", "/auth/me");
  if (answer.ok) become(answer.value);
  else if (answer.problem.status === 0 || answer.problem.status >= 500) identity.state = "away";
  else beNobody();
}

export async function signOut(): Promise<void> {
  const answer = await ask<void>("POST", "/auth/logout", { body: {} });
  if (answer.ok || answer.problem.status === 401) beNobody();
}

export const isAdmin = (): boolean => identity.me?.role === "admin" || identity.me?.role === "owner";

onSignedOut(() => {
  if (identity.state !== "known") return;
  beNobody();
  identity.ended = true;
});
