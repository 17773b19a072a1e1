/**
 * What the command line gives to each command. Knows nothing of how it is parsed.
 */
import type { StrategyName } from "../model/config.js";
import type { Terminal } from "./terminal.js";

export const strategies = ["per-group", "per-test", "balanced", "auto"] as const satisfies readonly StrategyName[];

/** What each command is given. */
export interface Invocation {
  readonly terminal: Terminal;
  readonly argv: readonly string[];
}

export interface CommonOptions {
  readonly config: string;
  readonly json?: boolean;
}

export interface NarrowingOptions {
  readonly state: readonly string[];
  readonly test: readonly string[];
}

export interface RunOptions extends CommonOptions, NarrowingOptions {
  readonly failOn?: readonly string[];
  readonly strategy?: StrategyName;
  readonly failFast?: boolean;
  readonly progress: string;
}
