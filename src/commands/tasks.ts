/** `audit-run tasks …`: agents that audit-run has not started claim tasks and hand in what they find. */
import { readFile } from "node:fs/promises";
import { type ClaimedTask, type Fence, fenceText, type ListedTask } from "../audit/coordination.js";
import { exitCodes } from "../audit/exit-codes.js";
import { complete, coordinate } from "../audit.js";
import { milliseconds } from "../model/config.js";
import type { Failure } from "../model/result.js";
import type { CommonOptions, Invocation } from "./options.js";
import { refuse, requestOf } from "./request.js";

export interface TokenOptions extends CommonOptions {
  readonly task: string;
  readonly token: number;
  readonly owner?: string;
}

/** Opens the folder's tasks; a number is the exit code of what was refused. */
async function opened(invocation: Invocation, options: CommonOptions) {
  const { terminal } = invocation;
  const found = await coordinate(requestOf(invocation, options), (message) => terminal.say(`warning: ${message}`));
  return "exitCode" in found ? refuse(terminal, found) : found;
}

function refused({ terminal }: Invocation, failure: Failure): number {
  terminal.refuse(failure);
  return failure.code === "usage" ? exitCodes.usage : exitCodes.preflight;
}

export async function listCommand(invocation: Invocation, options: CommonOptions): Promise<number> {
  const found = await opened(invocation, options);
  if (typeof found === "number") return found;
  const listed = await found.coordination.list();
  if (!listed.ok) return refused(invocation, listed.failure);
  const { tasks } = listed.value;
  const text = options.json ? json(listed.value) : tasks.length === 0 ? "Nothing fails." : table(tasks);
  invocation.terminal.print(text);
  return exitCodes.complete;
}

export async function nextCommand(invocation: Invocation, options: CommonOptions): Promise<number> {
  const found = await opened(invocation, options);
  if (typeof found === "number") return found;
  const next = await found.coordination.next();
  if (!next.ok) return refused(invocation, next.failure);
  if (next.value === null) return nothing(invocation, options);
  invocation.terminal.print(options.json ? json(next.value) : table([next.value]));
  return exitCodes.complete;
}

export async function claimCommand(
  invocation: Invocation,
  options: CommonOptions & { readonly owner: string; readonly task?: string; readonly lease?: string },
): Promise<number> {
  const found = await opened(invocation, options);
  if (typeof found === "number") return found;
  const { owner, task, lease } = options;
  const length = lease === undefined ? found.config.timeouts.claim : milliseconds(lease);
  const claimed = await found.coordination.claim({ owner, lease: length, ...(task === undefined ? {} : { task }) });
  if (!claimed.ok) return refused(invocation, claimed.failure);
  if (claimed.value === null) return nothing(invocation, options, task);
  invocation.terminal.print(options.json ? json(claimed.value) : claimText(claimed.value));
  return exitCodes.complete;
}

export async function heartbeatCommand(
  invocation: Invocation,
  { lease, ...options }: TokenOptions & { readonly lease?: string },
): Promise<number> {
  const found = await opened(invocation, options);
  if (typeof found === "number") return found;
  const longer = lease === undefined ? {} : { lease: milliseconds(lease) };
  const beaten = await found.coordination.heartbeat({ ...options, ...longer });
  if (!beaten.ok) return refused(invocation, beaten.failure);
  if (!beaten.value.held) return fenced(invocation, options, beaten.value);
  const { until } = beaten.value;
  invocation.terminal.print(
    options.json ? json({ ...right(options), until }) : `${options.task} is yours until ${until}`,
  );
  return exitCodes.complete;
}

export async function releaseCommand(invocation: Invocation, options: TokenOptions): Promise<number> {
  const found = await opened(invocation, options);
  if (typeof found === "number") return found;
  const released = await found.coordination.release(options);
  if (!released.ok) return refused(invocation, released.failure);
  if (!released.value.held) return fenced(invocation, options, released.value);
  invocation.terminal.print(
    options.json ? json({ ...right(options), released: true }) : `${options.task} is free again`,
  );
  return exitCodes.complete;
}

/** Says "completed" only when every finding is admitted and durable. */
export async function completeCommand(
  invocation: Invocation,
  options: TokenOptions & { readonly file: string },
): Promise<number> {
  const { terminal } = invocation;
  const { task, token, file, json: asJson } = options;
  const answer = await (file === "-" ? standardInput() : readFile(file, "utf8")).catch((error: Error) => error);
  if (answer instanceof Error) return refused(invocation, { code: "usage", message: answer.message });
  const end = await complete(
    requestOf(invocation, options),
    { task, token, answer, ...(options.owner === undefined ? {} : { owner: options.owner }) },
    (message) => terminal.say(`warning: ${message}`),
    () => terminal.say("A run is on: it takes up what was handed in."),
  );
  if ("exitCode" in end) return refuse(terminal, end);
  if (!end.ok) {
    if (end.failure.code !== "aborted") return refused(invocation, end.failure);
    terminal.refuse(end.failure);
    return terminal.signal.reason === "SIGTERM" ? exitCodes.terminated : exitCodes.interrupted;
  }
  const reply = end.value;
  switch (reply.kind) {
    case "completed":
      terminal.print(
        asJson ? json({ ...right(options), completed: true, ...told(reply) }) : `${reply.task} is completed.`,
      );
      sayKept(invocation, reply);
      return exitCodes.complete;
    case "objections": {
      const { admitted, objections } = reply;
      if (asJson) terminal.print(json({ ...right(options), completed: false, admitted, objections, ...told(reply) }));
      else {
        const lines = objections.map((each, index) => `${index + 1}. ${each.case ?? "the answer"}: ${each.message}`);
        const kept = admitted.length === 0 ? "" : ` Admitted and kept: ${admitted.join(", ")}.`;
        terminal.print(harmless([`${reply.task} is not completed, and still yours.${kept}`, ...lines].join("\n")));
      }
      sayKept(invocation, reply);
      return exitCodes.notYet;
    }
    case "fenced":
      return fenced(invocation, options, reply, reply.file);
    case "failed":
      terminal.refuse(reply.failure);
      return exitCodes.incomplete;
  }
}

function told({ hadFinding = [] }: { readonly hadFinding?: readonly string[] }): object {
  return hadFinding.length === 0 ? {} : { hadFinding };
}

/** A finding that was admitted is not changed by another: who thinks otherwise must hear of it. */
function sayKept({ terminal }: Invocation, { hadFinding = [] }: { readonly hadFinding?: readonly string[] }): void {
  if (hadFinding.length === 0) return;
  const kept = `Had a finding before, which stays: ${hadFinding.join(", ")}.`;
  terminal.say(harmless(`${kept} What came for it now was not looked at.`));
}

function fenced(
  { terminal }: Invocation,
  { task, token, json: asJson }: TokenOptions,
  { fence, by }: { readonly fence: Fence; readonly by: string | null },
  file?: string,
): number {
  const message = fenceText(task, token, fence, by);
  const hint =
    file === undefined
      ? "Claim it again, if it is free: audit-run tasks claim"
      : fence === "completed"
        ? `What was handed in is not what it was completed with. It is kept in ${file} of the audit folder and changes nothing.`
        : `What was handed in is kept in ${file} of the audit folder. Claim the task again, if it is free, and hand it in.`;
  terminal.refuse({ code: "claim-lost", message, hint });
  if (asJson)
    terminal.print(json({ task, token, completed: false, fence, by, ...(file === undefined ? {} : { file }) }));
  return exitCodes.fenced;
}

function nothing({ terminal }: Invocation, { json: asJson }: CommonOptions, task?: string): number {
  if (asJson) terminal.print("{}");
  else terminal.say(task === undefined ? "Nothing is left to claim." : `${task} is not free.`);
  return exitCodes.notYet;
}

function right({ task, token }: TokenOptions): { readonly task: string; readonly token: number } {
  return { task, token };
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

function claimText({ task, token, owner, until, cases }: ClaimedTask): string {
  return harmless(
    [
      `${task} is ${owner}'s until ${until}, token ${token}`,
      ...cases.map((item) => `  ${item.test} in ${item.group}: ${item.failures} failures`),
    ].join("\n"),
  );
}

function table(tasks: readonly ListedTask[]): string {
  const rows = [
    ["task", "status", "owner", "until", "cases", "failures"],
    ...tasks.map((each) => [
      each.task,
      each.status,
      each.owner ?? "",
      each.until ?? "",
      String(each.cases),
      String(each.failures),
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return harmless(
    rows
      .map((row) =>
        row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd(),
      )
      .join("\n"),
  );
}

/** Names of tests and groups are values of the data. */
function harmless(text: string): string {
  return text.replaceAll(/[^\P{C}\n]/gu, "\uFFFD");
}

async function standardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
