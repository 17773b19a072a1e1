/** `audit-run init`: writes an audit.config.yaml out of what is there, and asks where a person is there to answer. */
import { existsSync } from "node:fs";
import { basename, dirname, relative, resolve } from "node:path";
import type { Proposal } from "../audit/init.js";
import { lookAround } from "../audit/init.js";
import { registries } from "../audit.js";
import { counted } from "../model/amount.js";
import { failed } from "../model/result.js";
import { visible } from "../reporters/terminal/text.js";
import { writeFileAtomic } from "../support/files.js";
import type { Invocation } from "./options.js";
import { requestOf } from "./request.js";
import type { Terminal } from "./terminal.js";

export interface InitOptions {
  readonly config: string;
  readonly folder?: string;
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export async function initCommand(invocation: Invocation, options: InitOptions): Promise<number> {
  const { terminal } = invocation;
  const request = requestOf(invocation, options);
  const named = options.config === "audit.config.yaml" ? null : request.configFile;
  const looked = await lookAround(request, registries, resolve(request.cwd, options.folder ?? "."), named);
  if (!looked.ok) return refused(terminal, looked.failure);
  const proposal = looked.value;
  if (options.json) {
    terminal.print(JSON.stringify({ version: 1, ...proposal.found, config: proposal.choices }, null, 2));
    return 0;
  }
  for (const line of foundLines(proposal)) terminal.say(visible(line));
  const isAsked = !options.yes && !options.dryRun && process.stdin.isTTY === true && process.stderr.isTTY === true;
  const { file } = proposal;
  const shown = relative(request.cwd, file) || file;
  let choices = proposal.choices;
  if (isAsked) {
    const { askChoices } = await import("./init-questions.js");
    const answered = await askChoices(proposal, { file: shown, overwrites: existsSync(file) && !options.force });
    if (answered === null) {
      terminal.say("Nothing was written.");
      return 130;
    }
    choices = answered;
  } else if (existsSync(file) && !options.force && !options.dryRun) {
    return refused(terminal, {
      ...failed("usage", `${shown} is there already, and is left as it is`).failure,
      hint: "--force writes it anew; --dry-run only prints it",
    });
  }
  const text = proposal.text(choices);
  await terminal.diagnose(proposal.check(text));
  if (options.dryRun) {
    terminal.print(text);
    return 0;
  }
  await writeFileAtomic(file, text);
  for (const line of nextSteps(shown, proposal, choices)) terminal.say(visible(line));
  return 0;
}

function refused(terminal: Terminal, failure: Parameters<Terminal["refuse"]>[0]): number {
  terminal.refuse(failure);
  return 2;
}

function foundLines({ found, choices }: Proposal): readonly string[] {
  const { project, profile, artifacts, failures, groupBy, unread, agents, neighbours } = found;
  const column = groupBy.find((each) => each.column === choices.groupBy) ?? groupBy[0];
  const isOpen = choices.groupBy === null ? "unknown: no column is in half of the failing tests; first of all " : "";
  const all = artifacts?.failing || null;
  const lines: [string, string][] = [
    ["dbt project", `${project.name}, ${project.folder}`],
    ["warehouse", "problem" in profile ? `unknown: ${profile.problem}` : `${profile.adapter}, ${profile.source}`],
    [
      "test run",
      artifacts === null
        ? "none is left: the audit will run the tests"
        : `${counted(artifacts.tests, "test")}, ${artifacts.failing} failing; ${artifacts.folder}`,
    ],
    ["failures in", failures.schemas.join(", ") || failures.guess || "unknown: dbt is not told to store them"],
    [
      "group by",
      column === undefined
        ? "unknown: no column is shared by several tests"
        : `${isOpen}${column.column}: in ${column.tests} of ${counted(all ?? column.tests, "failing test")}${column.values === null ? "" : `, ${counted(column.values, "value")}`}`,
    ],
    [
      "agents",
      ["lineage (built in)", ...agents.map(({ name, version }) => `${name} ${version ?? ""}`.trim())].join(", "),
    ],
    [
      "beside it",
      neighbours.map(({ name, remote }) => (remote === null ? name : `${name} (${remote})`)).join(", ") ||
        "no other repository",
    ],
  ];
  if (unread !== null && groupBy.length > 0) lines.push(["not counted", unread]);
  if (project.others.length > 0) lines.push(["other projects", project.others.join(", ")]);
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, text]) => `${name.padEnd(width)}  ${text}`);
}

function nextSteps(file: string, { found }: Proposal, { groupBy }: Proposal["choices"]): readonly string[] {
  const config = basename(file) === "audit.config.yaml" ? "" : ` -c ${basename(file)}`;
  const place = dirname(file) === "." ? "" : ` in ${dirname(file)}`;
  const open = [
    ...("problem" in found.profile ? ["say in it where the warehouse is"] : []),
    ...(groupBy === null ? ["say in it which column to group by"] : []),
  ];
  const first = open.length === 0 ? "" : `First ${open.join(", and ")}. `;
  const commands = ["doctor", "plan", ""].map((command) => `audit-run${config} ${command}`.trim());
  return [`Wrote ${file}.`, `${first}Next${place}: ${commands.join(", ")}`];
}
