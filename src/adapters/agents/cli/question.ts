/**
 * Turns a request into the question that one run of an agent's program is given. Knows no vendor, and not how the program is
 * run.
 */
import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { InvestigationRequest, ToolServer, Usage } from "../../../model/agent.js";
import type { Cli, Question } from "./contract.js";
import { instructions } from "./instructions.js";
import { hiddenIn, programFile } from "./paths.js";
import type { CliSettings, Variant } from "./settings.js";

/** A conversation that a re-ask goes on with. */
export interface Conversation {
  readonly id: string;
  /** Its cost so far: some programs tell the sum of all their runs. */
  readonly total: Usage;
}

export interface Attempt<Settings extends CliSettings> {
  readonly cli: Cli<Settings>;
  readonly settings: Settings;
  readonly variant: Variant;
  readonly request: InvestigationRequest;
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  readonly redact: (text: string) => string;
  readonly version: string;
  /** Null: it begins. */
  readonly conversation: Conversation | null;
  /** US dollars that the task has cost so far. */
  readonly paid: number;
  /** From 1. */
  readonly number: number;
}

/** What the program is to be asked, where it starts, and what it may see. */
export async function questionOf<Settings extends CliSettings>(
  { cli, request, variant, conversation, paid, program, env }: Attempt<Settings>,
  tools: ToolServer | null,
  folder: string,
): Promise<Question> {
  const resume = request.followUp === null ? null : conversation;
  const empty = join(request.logDir, "empty");
  const cwd = cli.startsIn === "empty" ? empty : checkout(request);
  if (cwd === empty) mkdirSync(empty, { recursive: true });
  const evidence = request.evidenceDir === null ? [] : [request.evidenceDir];
  const others = [...evidence, ...Object.values(request.checkouts)];
  const folders = [...new Set(others)].filter((path) => path !== cwd);
  return {
    prompt: resume === null || request.followUp === null ? request.prompt : request.followUp,
    instructions: tools === null ? null : instructions,
    resume: resume?.id ?? null,
    conversation: randomUUID(),
    cwd,
    folders,
    program: await programFile(program, env.PATH ?? ""),
    hidden: await hiddenIn([cwd, ...folders]),
    toolsUrl: tools?.url ?? null,
    model: variant.model,
    maxTurns: variant.maxTurns,
    budget: variant.budget === null ? null : variant.budget - paid,
    write: (name, text) => {
      mkdirSync(folder, { recursive: true });
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    },
  };
}

/** A name of its own for each run: the log of an earlier one stays. */
export function fileNames<Settings extends CliSettings>({ request, variant, number }: Attempt<Settings>) {
  const suffix = [
    variant.key === "" ? "" : `-${variant.key}`,
    request.round === 0 ? "" : `-${request.round + 1}`,
    number === 1 ? "" : `-attempt-${number}`,
  ].join("");
  const at = (name: string): string => join(request.logDir, name);
  return { folder: request.logDir, stdout: at(`agent${suffix}.jsonl`), stderr: at(`agent${suffix}.log`) };
}

function checkout({ checkouts }: InvestigationRequest): string {
  if (checkouts.dbt === undefined) throw new Error("BUG: a request without a checkout of dbt");
  return checkouts.dbt;
}
