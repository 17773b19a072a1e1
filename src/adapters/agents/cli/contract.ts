/**
 * What a coding agent's command line must tell so that `cliAgent` can drive it: probe, build, parse, finish.
 * Types only. A vendor's file holds nothing else; processes, outcomes and answers are cared for once, beside this.
 */
import type { z } from "zod";
import type { AgentOutcome, Usage } from "../../../model/agent.js";
import type { ProcessEnd } from "../../../support/process.js";
import type { Hidden } from "./paths.js";
import type { CliSettings } from "./settings.js";

/** Name of the variable that holds the tools' bearer token: neither an argument nor a file ever does. */
export const tokenVariable = "AUDIT_MCP_TOKEN";

/** One run of the program. */
export interface Question {
  readonly prompt: string;
  /** For what stands before every prompt, the same for all tasks; null: nothing. */
  readonly instructions: string | null;
  /** A conversation to go on with. */
  readonly resume: string | null;
  /** A UUID that a new conversation may be given. */
  readonly conversation: string;
  /** The program's own file, links followed; null where it is not known. */
  readonly program: string | null;
  readonly cwd: string;
  /** What of `cwd` and `folders` it must not read. */
  readonly hidden: Hidden;
  /** Other folders that it may read; absolute. */
  readonly folders: readonly string[];
  /** Null: no tools of ours. */
  readonly toolsUrl: string | null;
  readonly model: string | null;
  readonly maxTurns: number;
  /** US dollars for this run. */
  readonly budget: number | null;
  /** An absolute path for each file that the program must be given; `write` says what is in it. */
  readonly write: (name: string, text: string) => string;
}

export interface Invocation {
  readonly args: readonly string[];
  /** Variables besides the allowed ones. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
}

/** What one line of its output says. */
export type CliEvent =
  | {
      readonly type: "started";
      readonly conversation: string | null;
      readonly model: string | null;
      readonly version: string | null;
    }
  /** Whether a server of tools can be reached, as far as the program knows. */
  | { readonly type: "server"; readonly name: string; readonly connected: boolean; readonly status: string }
  | { readonly type: "says"; readonly text: string }
  | { readonly type: "uses"; readonly tool: string; readonly detail: string }
  | { readonly type: "waits"; readonly why: string }
  /** The model's service refused, and the program asks again by itself, without end or nearly so. */
  | { readonly type: "refused"; readonly status: number | null; readonly message: string }
  /** One answer of the model. Several lines may tell of the same one: `id`. */
  | { readonly type: "turn"; readonly id: string; readonly usage?: Omit<Usage, "turns"> }
  /** `total`: of the whole conversation; `spent`: since the last one. */
  | { readonly type: "spent" | "total"; readonly usage: Usage }
  /** The program tells of an error. `status` is that of the model's service. */
  | { readonly type: "error"; readonly status: number | null; readonly message: string }
  /** Its own word for how it went, with what it answered. */
  | {
      readonly type: "result";
      readonly isError: boolean;
      /** The vendor's own name for it. */
      readonly kind: string;
      readonly status: number | null;
      /** A structured answer; undefined where there is none. */
      readonly answer?: unknown;
      readonly text: string;
    };

/** What the lines of one run came to. */
export interface Told {
  readonly started: Extract<CliEvent, { type: "started" }> | null;
  /** The last of its kind. */
  readonly result: Extract<CliEvent, { type: "result" }> | null;
  readonly errors: readonly Extract<CliEvent, { type: "error" }>[];
  /** The last thing that it said. */
  readonly said: string;
}

export interface Finish {
  readonly outcome: AgentOutcome;
  /** For a person; may hold the program's own words. */
  readonly message: string;
  /** What it answered: a structured value, or text to look for one in. Undefined: nothing. */
  readonly answer?: unknown;
}

export interface Login {
  /** Null: it cannot tell, and the first question will. */
  readonly loggedIn: boolean | null;
}

export interface Cli<Settings extends CliSettings = CliSettings> {
  /** `claude`: the agent's id. */
  readonly id: string;
  /** Name on the PATH. */
  readonly program: string;
  readonly settings: z.ZodType<Settings>;
  /** The first version that keeps what this file relies on. */
  readonly minimum: string;
  /** How it is installed, and how a person logs in. */
  readonly install: string;
  readonly signIn: string;
  /** Variables of the user that it is given, besides those that every program gets. */
  readonly variables: (env: Readonly<Record<string, string | undefined>>, settings: Settings) => readonly RegExp[];
  /** What else decides its answer. Parts of the fingerprint. */
  readonly parts: (settings: Settings) => Readonly<Record<string, string>>;
  /** Whether it tells what its answers cost. Default: `told`. */
  readonly charges?: (settings: Settings) => "told" | "untold";
  /** Which limits it keeps itself; we keep the others. */
  readonly keeps: { readonly turns: boolean; readonly budget: boolean };
  /** It tells at its start which servers of tools it could reach; otherwise it must fail by itself where one is missing. */
  readonly tellsServers: boolean;
  readonly version: (stdout: string) => string | null;
  /** Asks whether somebody is logged in; null: there is no such question, or no need to ask. */
  readonly login: (
    env: Readonly<Record<string, string>>,
    settings: Settings,
  ) => {
    readonly args: readonly string[];
    readonly read: (end: ProcessEnd) => Login;
  } | null;
  /** Where it starts. One that takes up what a checkout says about itself starts in an empty folder. */
  readonly startsIn: "checkout" | "empty";
  /** @param env what it is given; of the user's own environment, that is. */
  readonly build: (question: Question, settings: Settings, env: Readonly<Record<string, string>>) => Invocation;
  /** Reads lines. One that is nothing to us gives nothing. Never throws. */
  readonly parser: (settings: Settings) => (line: string) => readonly CliEvent[];
  /** The same of its stderr, where that tells what its output does not. */
  readonly parseErrors?: (line: string) => readonly CliEvent[];
  /** What it came to, where the program ended by itself. */
  readonly finish: (end: ProcessEnd, told: Told) => Finish;
}
