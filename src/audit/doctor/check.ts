/**
 * The contract of a check of `audit-run doctor`: looks at one thing that a run needs, and says how it stands and what to do.
 * Knows no check.
 */
import type { Investigator } from "../../model/agent.js";
import type { Config } from "../../model/config.js";
import type { Diagnostic } from "../../model/diagnostic.js";
import type { Failure, Result } from "../../model/result.js";
import type { WarehouseNote } from "../../model/warehouse.js";
import type { Credentials, RefusedCredentials } from "../credentials.js";
import type { AuditRequest, Registries } from "../load.js";

/** What there is to look at once the config can be read. */
export interface Room {
  readonly request: AuditRequest;
  readonly registries: Registries;
  readonly config: Config;
  /** Of the config itself. */
  readonly warnings: readonly Diagnostic[];
  readonly credentials: Credentials | RefusedCredentials;
  readonly agent: Result<Investigator>;
}

export type Told = WarehouseNote;

export interface Check {
  /** What its lines begin with. */
  readonly id: string;
  /** Milliseconds until nobody waits for it any longer. */
  readonly timeout: number;
  /** Ends soon after the signal, or is left alone. Throws nothing that the world may refuse. */
  look(room: Room, signal: AbortSignal): Promise<readonly Told[]>;
}

export const fine = (message: string): Told => ({ level: "ok", message, hint: null });

export function told(level: Told["level"], { message, hint, detail }: Failure): Told {
  const last = detail?.trim().split("\n").slice(-6).join("\n");
  return { level, message: last ? `${message}\n${last}` : message, hint: hint ?? null };
}

export function diagnosed({ severity, file, line, column, message, hint, didYouMean, allowed }: Diagnostic): Told {
  const next = [
    ...(didYouMean === undefined ? [] : [`did you mean "${didYouMean}"?`]),
    ...(allowed === undefined ? [] : [`allowed: ${allowed.join(", ")}`]),
    ...(hint === undefined ? [] : [hint]),
  ];
  return {
    level: severity === "error" ? "problem" : "warning",
    message: `${file}:${line}:${column}: ${message}`,
    hint: next.length === 0 ? null : next.join("; "),
  };
}
