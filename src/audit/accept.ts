/**
 * `audit-run accept`: a person accepts a failure that the last export has, as an entry of audit.exceptions.yaml. Takes no
 * run lock; a run that goes on is asked to take the entry in.
 */
import { readFile, realpath } from "node:fs/promises";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { withExceptions } from "../config/add-exceptions.js";
import { readExceptions } from "../config/exceptions.js";
import { readTextFile, type TextReading } from "../config/files.js";
import { acquireLock } from "../execution/lock.js";
import { readTraceStore } from "../execution/traces.js";
import { applyExceptions } from "../findings/exceptions.js";
import type { Case, Export } from "../model/case.js";
import type { Config } from "../model/config.js";
import type { Diagnostic } from "../model/diagnostic.js";
import { ExceptionEntry } from "../model/exceptions.js";
import type { AcceptedException } from "../model/finding.js";
import { failed, ok, type Result } from "../model/result.js";
import type { TaskEntry, TasksFile } from "../model/task.js";
import { writeFileAtomic } from "../support/files.js";
import { closest } from "../support/suggest.js";
import { type Asked, askRun, type Patience } from "./ask.js";
import { exitCodes } from "./exit-codes.js";
import { type AuditRequest, loadSettings, type Refusal, type Registries, refusal } from "./load.js";

/** What the person says of the failure. */
export type Acceptation = Pick<ExceptionEntry, "reason" | "owner" | "expires"> & { readonly ticket?: string };

export interface Accepted {
  /** Relative to the working directory. */
  readonly file: string;
  readonly entries: readonly AcceptedException[];
  /** What the run that goes on says to it. */
  readonly asked: Asked;
}

/** @param subject a case, `duplicate_identifier@VA`, or a task, all of whose cases are meant: `VA` or `investigate:VA` */
export async function acceptFailure(
  request: AuditRequest,
  registries: Registries,
  subject: string,
  acceptation: Acceptation,
  patience: Patience,
): Promise<Refusal | { readonly accepted: Accepted }> {
  const loaded = loadSettings(request, registries);
  if ("exitCode" in loaded) return loaded;
  const { config } = loaded;
  const exported = await exportOfAnySettings(config);
  if (!exported.ok) return refusal(exitCodes.usage, exported.failure);
  const cases = await casesOf(subject, exported.value, config);
  if (!cases.ok) return refusal(exitCodes.usage, cases.failure);
  const lock = await acquirePatiently(join(config.dir, "accept.lock"), request.now);
  if (!lock.ok) return refusal(exitCodes.preflight, lock.failure);
  const today = request.now().toISOString().slice(0, 10);
  const added = await addEntries(config.exceptionsFile, cases.value, acceptation, { cwd: request.cwd, today }).finally(
    lock.value,
  );
  if ("diagnostics" in added) return { exitCode: exitCodes.usage, failure: null, ...added };
  if (!added.ok) return refusal(added.failure.code === "disk" ? exitCodes.preflight : exitCodes.usage, added.failure);
  const file = relative(request.cwd, config.exceptionsFile);
  const asked = await askRun(config.dir, { kind: "accept" }, patience);
  return { accepted: { file, entries: added.value, asked } };
}

async function exportOfAnySettings(config: Config): Promise<Result<Export>> {
  const traces = await readTraceStore(join(config.dir, "traces"));
  if (!traces.ok) return traces;
  const last = traces.value.find("export")[0];
  const exported = last === undefined ? null : ((await traces.value.read(last)) as Export | null);
  if (exported !== null) return ok(exported);
  return failed("usage", "no run has come as far as its export, so there is nothing to accept", {
    hint: "Run `audit-run` first.",
  });
}

async function casesOf(subject: string, exported: Export, config: Config): Promise<Result<readonly Case[]>> {
  const found = exported.cases.find(({ id }) => id === subject);
  const tasks = await tasksIn(config.dir);
  const node = subject.startsWith("investigate:") ? subject : `investigate:${subject}`;
  const task = tasks.find((entry) => entry.node === node);
  const cases = found !== undefined ? [found] : task === undefined ? [] : casesOfTask(task, exported);
  if (cases?.length === 0) {
    const ids = exported.cases.map(({ id }) => id);
    const near = closest(subject, [...ids, ...tasks.map((entry) => entry.node)]);
    return failed("usage", `nothing fails as ${JSON.stringify(subject)} in the last export`, {
      hint: near === undefined ? "A case is <test>@<group>, as in `audit-run explain`." : `Did you mean ${near}?`,
    });
  }
  if (cases === null) {
    return failed("usage", `the tasks have changed, or have names alike: which cases ${subject} has cannot be told`, {
      hint: "Accept them one by one: <test>@<group>.",
    });
  }
  const odd = cases.find(({ test, group }) => `${test.name}${group.key}`.includes("*"));
  return odd === undefined
    ? ok(cases)
    : failed("usage", `${odd.id} has a * in it, which would accept more in audit.exceptions.yaml than this`);
}

/**
 * A task's line names its groups with commas between, and a group may have one in its own name: it is that one group, or all
 * that stand there, whichever has as many cases and failures as the line says. Null where neither has.
 */
export function casesOfTask(
  line: Pick<TaskEntry, "state" | "tests" | "cases" | "failures">,
  exported: Pick<Export, "cases">,
): readonly Case[] | null {
  const named = exported.cases.filter(({ test }) => line.tests.includes(test.name));
  const alone = named.filter(({ group }) => group.key === line.state);
  const listed = named.filter(({ group }) => `, ${line.state}, `.includes(`, ${group.key}, `));
  const fits = (cases: readonly Case[]): boolean =>
    cases.length === line.cases && cases.reduce((sum, { failures }) => sum + failures, 0) === line.failures;
  return [alone, listed].find(fits) ?? null;
}

async function tasksIn(dir: string): Promise<TasksFile["tasks"]> {
  try {
    const { tasks } = JSON.parse(await readFile(join(dir, "tasks.json"), "utf8")) as Partial<TasksFile>;
    return (tasks ?? []).filter(({ tests, state }) => Array.isArray(tests) && typeof state === "string");
  } catch {
    return [];
  }
}

interface Surroundings {
  readonly cwd: string;
  /** ISO date. */
  readonly today: string;
}

type Added = Result<readonly AcceptedException[]> | { readonly diagnostics: readonly Diagnostic[] };

async function addEntries(
  file: string,
  cases: readonly Case[],
  acceptation: Acceptation,
  { cwd, today }: Surroundings,
): Promise<Added> {
  const reading = readTextFile(file);
  const before = readExceptions({ file, cwd, reading });
  if (before.diagnostics.some(({ severity }) => severity === "error")) return { diagnostics: before.diagnostics };
  if (acceptation.expires !== "never" && acceptation.expires < today && /^\d{4}-\d\d-\d\d$/.test(acceptation.expires)) {
    return failed("usage", `--expires ${acceptation.expires}: that day is over`);
  }
  const { remaining, excepted } = applyExceptions(cases, before.entries, today);
  const stale = before.entries.find(({ test, group }) =>
    remaining.some((item) => item.test.name === test && item.group.key === group),
  );
  if (stale !== undefined) {
    const message = `${stale.test} in ${stale.group} has an entry already, which has expired: ${stale.at}`;
    return failed("usage", message, { hint: "Give that one another day, or remove it." });
  }
  if (remaining.length === 0) {
    const places = [...new Set(excepted.map(({ exception }) => exception.at))].join(", ");
    return failed("usage", `that is accepted already: ${places}`);
  }
  const entries: ExceptionEntry[] = [];
  for (const { test, group } of remaining) {
    const checked = ExceptionEntry.safeParse({ test: test.name, group: group.key, ...acceptation });
    if (checked.success) entries.push(checked.data);
    else
      return failed(
        "usage",
        checked.error.issues.map(({ path, message }) => `--${path.join(".")} ${message}`).join("; "),
      );
  }
  const text = reading.kind === "text" ? reading.text : null;
  const added = withExceptions(text, entries);
  // Read as a run will read it, before it stands where a person's work stood.
  const after = readExceptions({ file, cwd, reading: { kind: "text", text: added } });
  const own = after.entries.slice(before.entries.length);
  if (after.diagnostics.length > before.diagnostics.length || own.length !== entries.length) {
    throw new Error(`BUG: ${file} with another entry cannot be read any more: ${JSON.stringify(after.diagnostics)}`);
  }
  return written(file, reading, added, own);
}

async function written(
  file: string,
  before: TextReading,
  text: string,
  entries: readonly AcceptedException[],
): Promise<Result<readonly AcceptedException[]>> {
  const now = readTextFile(file);
  if (JSON.stringify(now) !== JSON.stringify(before)) {
    return failed("usage", `${file} was changed meanwhile`, { hint: "Look at it, and accept again." });
  }
  try {
    // A link stays a link.
    await writeFileAtomic(await realpath(file).catch(() => file), text);
    return ok(entries);
  } catch (error) {
    return failed("disk", `${file} cannot be written: ${(error as Error).message}`);
  }
}

/** Somebody who accepts at the same time needs milliseconds. */
async function acquirePatiently(file: string, now: () => Date): Promise<Result<() => Promise<void>>> {
  for (let attempt = 1; ; attempt += 1) {
    const lock = await acquireLock(file, now);
    if (lock.ok || attempt === 60) return lock;
    await sleep(50);
  }
}
