/**
 * From Snowflake's errors to failures with a next step. Snowflake's numbers decide where there is one, its words elsewhere.
 * Knows no connection.
 */
import type { Failure, FailureCode } from "../../model/result.js";

/** Of the driver's errors and of the server's answers; none of the fields is sure to be there. */
interface DriverError {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly cause?: { readonly code?: unknown; readonly message?: unknown };
  readonly response?: { readonly statusCode?: unknown; readonly status?: unknown };
}

interface Known {
  readonly codes?: readonly number[];
  readonly words?: RegExp;
  readonly code: FailureCode;
  /** Replaces the server's message where that says too little. */
  readonly message?: string;
  readonly hint: string;
}

/** Refusals of a login, the particular ones first. */
const logins: readonly Known[] = [
  {
    words: /JWT_TOKEN_INVALID_ISSUE_TIME|issued? (at|time)|token was received|clock/i,
    code: "warehouse-auth",
    hint: "this machine's clock and Snowflake's differ by more than a minute: set it (`timedatectl`, `date -u`), then run again",
  },
  {
    codes: [394304],
    words: /FINGERPRINT_MISMATCH/i,
    code: "warehouse-auth",
    hint: "Snowflake knows another public key for this user: ALTER USER … SET RSA_PUBLIC_KEY='…' with the public part of this key",
  },
  {
    codes: [390144, 394300, 394301, 394302, 394303],
    words: /JWT token/i,
    code: "warehouse-auth",
    hint:
      "in this order: is the clock right (`date -u`; a minute off is too much)? is the user's RSA_PUBLIC_KEY that of this key (DESC USER …)? " +
      "is `account` the account's identifier and `user` the LOGIN_NAME?",
  },
  {
    codes: [390100],
    words: /incorrect username or password/i,
    code: "warehouse-auth",
    hint: "check `user` and `password`; too many wrong tries lock the user for 15 minutes",
  },
  {
    codes: [390106],
    words: /password.*expired|expired.*password/i,
    code: "warehouse-auth",
    hint: "log in to Snowsight once and set a new password",
  },
  {
    codes: [390197, 390120, 390122, 390123, 390127, 390128, 390129],
    words: /multi-?factor|MFA|duo/i,
    code: "warehouse-auth",
    hint:
      "this user needs a second factor: `authenticator: username_password_mfa` (confirm it, its token is kept for hours), or for " +
      "unattended runs a key pair or a programmatic access token",
  },
  {
    codes: [390420, 390422],
    words: /not allowed to access snowflake|network policy/i,
    code: "warehouse-auth",
    hint: "a network policy refuses this machine's address: connect by the VPN or private link that it allows (`host`), or have the address added",
  },
  {
    codes: [390318, 390303, 390195, 390110, 394400, 394401],
    words: /(access|oauth|id|programmatic)[ _].*token.*(expired|invalid)|token (is )?(invalid|expired)/i,
    code: "warehouse-auth",
    hint: "get a new token and put it where the old one is; one that is made for a role serves for that role alone",
  },
  {
    codes: [390102, 390101],
    words: /temporarily locked|user.*(locked|disabled)|access disabled/i,
    code: "warehouse-auth",
    hint: "the user is locked or disabled: wait 15 minutes, or ask whoever administers the account",
  },
  {
    codes: [390189],
    words: /role .* (specified|does not exist|not granted|not assigned)/i,
    code: "warehouse-auth",
    hint: "check `role`, and GRANT ROLE … TO USER … if it exists",
  },
  {
    codes: [390201],
    words: /requested (database|schema|warehouse) does not exist/i,
    code: "warehouse-auth",
    hint: "check the name, and GRANT USAGE ON … TO ROLE … if it exists",
  },
];

/** Refusals of a statement. */
const statements: readonly Known[] = [
  {
    codes: [630],
    words: /reached its statement or warehouse timeout/i,
    code: "query-timeout",
    hint: "narrow the query, raise timeouts.query in audit.config.yaml, or take a bigger virtual warehouse",
  },
  {
    codes: [606],
    words: /no active warehouse/i,
    code: "warehouse-auth",
    message:
      "Snowflake has no virtual warehouse to compute with: none is set, it does not exist, or the role may not use it",
    hint: "set warehouse.virtualWarehouse, and GRANT USAGE ON WAREHOUSE … TO ROLE …",
  },
  {
    codes: [607, 608, 90073],
    words: /warehouse .*(suspended|cannot be resumed|quota)/i,
    code: "warehouse-unreachable",
    hint: "the virtual warehouse stands still: ALTER WAREHOUSE … RESUME, or SET AUTO_RESUME = TRUE; a resource monitor may hold it back",
  },
  {
    codes: [3001],
    words: /insufficient privileges/i,
    code: "grant-missing",
    hint: "",
  },
  {
    codes: [904],
    words: /invalid identifier/i,
    code: "query-failed",
    hint: "the column is not there (any more), or is written in another case than it is stored: dbt may have built the relation anew",
  },
];

const missing =
  /^(?:SQL compilation error:\s*)?(Object|Table|View|Schema|Database)\s+'?(.+?)'? does not exist or not authorized/i;

export function failureOf(error: unknown, role: string | undefined): Failure {
  const { number, text } = reading(error);
  if (isLost(error)) return unreachable(error, "the connection to Snowflake was lost");
  const who = role === undefined ? "<role>" : role;
  const absent = missing.exec(text);
  if (absent !== null || number === 2003) {
    const [, kind = "Object", name = "?"] = absent ?? [];
    return {
      code: "relation-missing",
      message: `Snowflake says: ${kind} '${name}' does not exist or not authorized`,
      hint:
        `it says the same for both: either it was dropped or is spelt otherwise (then build it with dbt), or role ${who} may not see it: ` +
        grants(name, who),
    };
  }
  const known = statements.find((one) => matches(one, number, text));
  if (known === undefined) return { code: "query-failed", message: text };
  if (known.code !== "grant-missing") return { code: known.code, message: known.message ?? text, hint: known.hint };
  const object = /on \w+ '?([^'\s]+)'?/i.exec(text)?.[1] ?? "…";
  return { code: "grant-missing", message: text, hint: grants(object, who) };
}

/** The GRANTs that reading a relation takes. */
export function grants(name: string, role: string): string {
  const parts = name.split(".");
  const [database, schema] = parts.length === 3 ? parts : ["<database>", parts.length === 2 ? parts[0] : "<schema>"];
  const relation = parts.at(-1) ?? name;
  const place = `${database}.${schema}`;
  return (
    `GRANT USAGE ON DATABASE ${database} TO ROLE ${role}; GRANT USAGE ON SCHEMA ${place} TO ROLE ${role}; ` +
    `GRANT SELECT ON ${place}.${relation} TO ROLE ${role};`
  );
}

/** Why nobody could log in. */
export function loginFailure(error: unknown, account: string): Failure {
  const { number, text } = reading(error);
  const known = logins.find((one) => matches(one, number, text));
  if (known !== undefined)
    return { code: known.code, message: `Snowflake refuses the login: ${text}`, hint: known.hint };
  const { response } = (error ?? {}) as DriverError;
  const status = Number(response?.statusCode ?? response?.status ?? 0);
  if (status === 403 || status === 404) {
    return {
      code: "warehouse-auth",
      message: `Snowflake has no account '${account}', or none that is reached by this address (HTTP ${status})`,
      hint: "check `account`: its identifier, as Snowsight shows it (myorg-account1), or with its region (xy12345.eu-central-1)",
    };
  }
  if (isNetwork(error)) return unreachable(error, `Snowflake's account '${account}' cannot be reached`);
  // The server's word on who we are, or what a person did not do in time: another try gets the same answer.
  return {
    code: "warehouse-auth",
    message: `Snowflake refuses the login: ${text}`,
    hint: "check `account`, `user` and the way to log in; docs/warehouses.md has them all",
  };
}

function unreachable(error: unknown, what: string): Failure {
  const { text } = reading(error);
  const cause = (error as DriverError).cause;
  const why = `${String(cause?.code ?? "")} ${text}`;
  const isName = /ENOTFOUND|EAI_AGAIN/.test(why);
  const isTls = /certificate|self.signed|CERT_|OCSP|revoked/i.test(why);
  return {
    code: "warehouse-unreachable",
    message: `${what}: ${text}`,
    hint: isName
      ? "no host has that name: check `account` (its identifier, without https://), or `host` for a private link"
      : isTls
        ? "its certificate is not trusted here: a proxy that opens TLS needs its authority in NODE_EXTRA_CA_CERTS"
        : "check the network, VPN and proxy (HTTPS_PROXY); the run goes on where it stopped",
  };
}

/** The server no longer knows the session: it was closed, or slept for too long. A new login may help. */
export function isLost(error: unknown): boolean {
  const { number, text } = reading(error);
  const sessions = [390111, 390112, 390113, 390114, 390115, 390104, 405_501, 405_503, 407_001, 407_002];
  return (
    (number !== null && sessions.includes(number)) ||
    /terminated connection|session .*(expired|no longer exists)/i.test(text)
  );
}

/** Nobody answered, or not in Snowflake's words. */
export function isNetwork(error: unknown): boolean {
  const { number } = reading(error);
  const { name, cause } = (error ?? {}) as { readonly name?: unknown; readonly cause?: { readonly code?: unknown } };
  if (name === "NetworkError" || name === "RequestFailedError" || name === "LargeResultSetError") return true;
  const codes = /^E(CONN|NOTFOUND|AI_AGAIN|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH)/;
  return (
    codes.test(String(cause?.code ?? "")) ||
    codes.test(String((error as DriverError)?.code ?? "")) ||
    number === 401_001
  );
}

/** 604: whoever cancelled it. */
export function isCancelled(error: unknown): boolean {
  const { number, text } = reading(error);
  return number === 604 || /SQL execution canceled/i.test(text);
}

function matches({ codes = [], words }: Known, number: number | null, text: string): boolean {
  return (number !== null && codes.includes(number)) || (words?.test(text) ?? false);
}

function reading(error: unknown): { readonly number: number | null; readonly text: string } {
  const { code, message } = (error ?? {}) as DriverError;
  const digits = /^\d+$/.test(String(code ?? "")) ? Number(code) : null;
  const text = typeof message === "string" && message !== "" ? message : String(error);
  return { number: digits, text: text.replace(/\s*\n\s*/g, " ").slice(0, 2_000) };
}
