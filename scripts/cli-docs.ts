/**
 * docs/cli.md out of the program that parses the command line: a section per command.
 * Knows examples and what exit codes mean; every command, argument and option comes from the parser.
 */
import type { Argument, Command, Option } from "commander";
import type { exitCodes } from "../src/audit/exit-codes.js";

const introduction = `# Command line

<!-- Written by \`npm run generate\` from src/commands/program.ts. Edit that, or scripts/cli-docs.ts. -->

\`audit-run\` alone is \`audit-run run\`. Results go to stdout, progress and messages to stderr. \`NO_COLOR\` and \`FORCE_COLOR\` 
are honoured. Ctrl-C stops in order: finished findings are kept and slots are given back. A second one stops at once.

From another terminal, \`status\` tells how the audit stands, \`stop\`, \`retry\` and \`accept\` ask the run that is on for something.
They take no lock, say within five seconds what it answers (\`--no-wait\`: nothing), and exit with 0 where it does what it was
asked, 2 where it does not (there is no such task, or it has ended), 3 where it has not answered yet. Where no audit runs,
\`stop\` exits with 0, since nothing is left to stop, and \`retry\` makes a run of its own. \`accept\` exits with 3 where its entry
is written and the run that is on will not show it.
Options may stand before the command as well: \`audit-run -c audit.config.yaml plan\`.
`;

const examples: Readonly<Record<string, readonly (readonly [command: string, says: string])[]>> = {
  init: [
    ["audit-run init", "in the dbt project, or in the folder of the audit beside it"],
    ["audit-run init --dry-run", "see what it would write"],
    ["audit-run init ../my-dbt-project --yes", "for scripts: no questions"],
  ],
  run: [
    ["audit-run", "the whole audit; a second time only what changed or failed"],
    ["audit-run --state VA --state TX", "only these states"],
    ["audit-run --test duplicate_identifier", "only this test, in every state"],
    ["audit-run run export", "find the failing tests, investigate nothing"],
    ["audit-run run investigate:VA", "one node and what it needs"],
    ["audit-run --strategy per-test", "one task a test; findings that are there are used again"],
    ["audit-run --fail-on needs_fix", "exit 1 where such findings are left: for CI"],
    ["audit-run --json --progress silent", "totals and nodes as JSON, nothing else"],
  ],
  retry: [
    ["audit-run retry", "after an audit that ended with exit code 3"],
    ["audit-run retry investigate:VA", "only this one; `VA` says the same"],
  ],
  status: [
    [
      "audit-run status",
      "a line a task: state, owner, slot, isolation, elapsed, turns, tokens, cost, last activity; takes no lock",
    ],
    ["audit-run status --json", "the same for programs"],
    ["audit-run status --watch", "again every second, until the run has ended"],
  ],
  logs: [
    ["audit-run logs VA", "also after the run, and after a kill; the agent's own log is in runs/<id>/tasks/VA/"],
    ["audit-run logs VA -f", "as it happens, until the task has ended"],
  ],
  attach: [["audit-run attach VA", "Ctrl-b d leaves it; the agent goes on, and takes no keys"]],
  stop: [
    ["audit-run stop", "the run ends as by one Ctrl-C; the command does not wait for its end"],
    ["audit-run stop VA", "its agent is ended; what it had handed in is kept"],
  ],
  accept: [
    [
      'audit-run accept bid_extension_total_wrong@LA --reason "Bond fees are no line items." --owner bids-data --expires never',
      "adds it to audit.exceptions.yaml",
    ],
  ],
  doctor: [
    ["audit-run doctor", "a line for each thing, ok, warning or problem, with what to do about it"],
    ["audit-run doctor --json", "the same for programs"],
  ],
  plan: [
    ["audit-run plan", "a table: each node, its verdict, why, and what it may take"],
    ["audit-run plan --json", "the same for programs"],
  ],
  prompt: [
    ["audit-run prompt VA", "the whole prompt, as it would be sent"],
    ["audit-run prompt VA --json", "with its size in bytes and estimated tokens, part by part"],
  ],
  explain: [
    ["audit-run explain VA", "each of its cases"],
    ["audit-run explain duplicate_identifier@VA", "one case, test@group"],
  ],
  affected: [["audit-run affected --base main", "what a merge of this branch would cost"]],
  query: [
    [
      `audit-run query "select state, count(*) from raw.bids group by state"`,
      "a table; `1,000 rows, cut at …` on stderr",
    ],
    [
      `audit-run query "select * from raw.bids" --csv --max-rows 100000 > bids.csv`,
      "for a spreadsheet: no cell is a formula",
    ],
    ["audit-run query - --json", "the SQL comes from stdin; for programs"],
  ],
  trace: [
    [
      "audit-run trace duplicate_identifier",
      "a tree: each relation that was asked, how many rows fail there, the verdict",
    ],
    ["audit-run trace duplicate_identifier --state VA --mermaid", "one state, as a diagram"],
  ],
  timeline: [["audit-run timeline", "the newest run"]],
  graph: [
    ["audit-run graph", "Mermaid, which GitHub draws"],
    ["audit-run graph --format dot", "Graphviz"],
  ],
  verify: [
    ["audit-run verify", "re-hashes every output, checks every line; exit 3 where something is damaged"],
    ["audit-run verify --json", "the same for programs"],
  ],
  clean: [["audit-run clean", "each run removes old runs at its end as well"]],
  mcp: [
    ["audit-run mcp", "an MCP client starts it; docs/tools.md says how"],
    ["audit-run mcp --task VA", "only the cases of this task"],
  ],
  tasks: [
    ["audit-run tasks list", "all tasks, and who works on them; docs/coordination.md shows the rest"],
    ["audit-run tasks list --json", "the same for programs"],
  ],
  schema: [
    ["audit-run schema", "of audit.config.yaml"],
    ["audit-run schema finding", "of what an agent answers"],
  ],
};

/** What a command's options cannot say. */
const remarks: Readonly<Record<string, string>> = {
  run: `A state, a test or a task that the last export does not have is told before dbt runs. The run goes on, since the next export
may have it, and ends with exit code 2 where it has not.
`,
  retry: `What the last export does not have is refused at once.
`,
  doctor: `Everything is looked at at once, each thing for a limited time; nothing is changed. Outward goes only what the config names:
the warehouse is opened and asked whether the relations of the last manifest can be read, and the agent's program is asked
whether somebody is logged in. dbt parses the project into a folder that is removed again. The exit code is 0 where a run can
start, 4 where something is missing, and 2 where the config or dbt's profile is wrong.
With \`--json\`: \`exitCode\`, and \`checks\`, a list of \`check\`, \`level\` (\`ok\`, \`warning\`, \`problem\`), \`message\` and \`hint\`.
`,
  plan: `A verdict is \`run\`, \`reuse\`, or \`undecided\` until a node before it has run; then the table shows the investigations of the
last export. \`time\` is what a node took the last time. \`~\` marks a guess: this agent with this model has not investigated some
of these cases, so they count by their number of failures, at the pace of those it has. The time of the whole is that of the
run's schedule, with as many tasks at a time as the config allows. \`cost\` is what agents told that they spent: \`lineage\` costs
nothing, and what a \`command\` agent costs is not known here. \`prompt\` is an estimate of what an agent is sent first, in tokens
(four characters each; rows and verdicts, which only the warehouse has, at a usual length); \`audit-run prompt VA\` shows it.

With \`--json\`:

| field | is |
|---|---|
| \`version\` | 1 |
| \`rows\` | in the table's order: \`node\`, \`kind\`, \`verdict\` and \`because\`, a list of phrases |
| \`rows[].cases\` | of investigations: \`open\` (an agent looks at them), \`reused\`, and \`failures\` of all of them; else null |
| \`rows[].expected\` | \`duration\` (ms of work), \`cost\` (US dollars for agents; 0: none) and \`guessed\`; null in it is unknown. Null where a node has nothing to speak of to do |
| \`rows[].tokens\` | estimated tokens of the prompt; null where none is sent |
| \`totals\` | \`investigations\`, \`open\`, \`reused\` and \`excepted\` cases |
| \`totals.expected\` | sums of \`duration\` and \`cost\`, and \`makespan\`: ms from start to end with \`places\` tasks at a time |
| \`totals.tokens\` | \`prompts\`: of all of them; \`shared\`: of the text in them that all tasks share. Null where no prompt is sent |
| \`totals.queries\` | of the lineage walks: \`expected\`, and \`max\`, the limit of a run (null: none). Null where nothing is walked |
| \`assumes\` | a sentence where the investigations are those of the last export; else null |
| \`strategy\`, \`notes\` | how cases are packed into tasks, and sentences about it |
`,
  query: `What may be read and called, and how long a result may be, is in [docs/sql.md](sql.md). Columns of \`redactColumns\` are masked. A result is cut at
\`--max-rows\` and at 64 MB; stderr says so. In CSV a cell that a spreadsheet would take for a formula starts with \`'\`, numbers do
not; NULL is an empty cell, an empty text \`""\`. With \`--json\`: \`version\` (1), \`columns\` (\`name\`, \`type\`), \`rows\` (lists of texts and
nulls), \`truncated\`, \`truncatedBy\` (\`rows\`, \`bytes\` or null), \`took\` (ms). Exit code 2: refused, or the warehouse says that it is
wrong; 3: not answered within \`timeouts.query\`; 4: the warehouse cannot be reached.
`,
};

/** A new exit code without a meaning is a type error. */
const meanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  complete: "The audit is complete. Failing data tests are what it is about: they do not change the exit code.",
  gate: "Complete, and there are findings of a category that `--fail-on` or `failOn` names.",
  usage: "The command line or the config is wrong. Nothing was started, or the node that was asked for does not exist.",
  incomplete:
    "Some node failed, or the budget is used up. There may be a report; it opens with what is missing. `audit-run retry` runs that. Also where failing tests could not be looked at, for want of a right, say: the end names one and why; mend that, and run `audit-run`.",
  preflight:
    "Something that the run needs is not there, such as a budget for an agent that costs money. Nothing was started.",
  notYet:
    "`tasks claim`, `tasks next`: nothing is left. `tasks complete`: not everything is admitted; the claim stands.",
  fenced: "`tasks`: the claim is no longer yours. What was handed in is kept aside, and does not count.",
  interrupted: "Ctrl-C, or `audit-run stop`. What was finished is kept.",
  terminated: "SIGTERM. What was finished is kept.",
};

export function cliReference(program: Command, codes: typeof exitCodes): string {
  const names = Object.keys(meanings) as (keyof typeof exitCodes)[];
  const exits = names.map((name) => [String(codes[name]), meanings[name]]);
  return [
    introduction,
    table(["command", "does"], program.commands.map(overviewRow)),
    ...program.commands.map(commandSection),
    "## Exit codes\n",
    table(["code", "means"], exits),
  ].join("\n");
}

function overviewRow(command: Command): readonly string[] {
  return [`[\`${command.name()}\`](#${command.name()})`, command.description()];
}

function commandSection(command: Command): string {
  const shown = examples[command.name()];
  if (shown === undefined) throw new Error(`scripts/cli-docs.ts has no example of ${command.name()}`);
  const help = command.createHelp();
  const options = help.visibleOptions(command).filter((option) => option.long !== "--help");
  const parts = [
    `## ${command.name()}\n`,
    `${sentence(command.description())}\n`,
    shell([[help.commandUsage(command), ""]], "text"),
    table(["argument", "means"], command.registeredArguments.map(argumentRow)),
    table(["option", "means", "choices", "default"], options.map(optionRow)),
    ...command.commands.map(subcommandSection),
    shell(shown, "sh"),
    remarks[command.name()] ?? "",
  ];
  return parts.filter((part) => part !== "").join("\n");
}

function subcommandSection(command: Command): string {
  const help = command.createHelp();
  const options = help.visibleOptions(command).filter((option) => option.long !== "--help");
  const parts = [
    `### ${command.parent?.name() ?? ""} ${command.name()}\n`,
    `${sentence(command.description())}\n`,
    shell([[help.commandUsage(command), ""]], "text"),
    table(["argument", "means"], command.registeredArguments.map(argumentRow)),
    table(["option", "means", "choices", "default"], options.map(optionRow)),
  ];
  return parts.filter((part) => part !== "").join("\n");
}

function argumentRow(argument: Argument): readonly string[] {
  const choices = argument.argChoices === undefined ? "" : `: ${words(argument.argChoices)}`;
  return [`\`${argument.name()}\``, `${argument.description}${choices}${defaultText(argument, "; default: ")}`];
}

function optionRow(option: Option): readonly string[] {
  return [`\`${option.flags}\``, option.description, words(option.argChoices ?? []), defaultText(option, "")];
}

function defaultText(from: Argument | Option, before: string): string {
  const { defaultValue, defaultValueDescription } = from;
  if (defaultValueDescription !== undefined) return `${before}${defaultValueDescription}`;
  return defaultValue === undefined || defaultValue === false ? "" : `${before}\`${String(defaultValue)}\``;
}

function words(choices: readonly string[]): string {
  return choices.map((choice) => `\`${choice}\``).join(", ");
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function shell(lines: readonly (readonly [command: string, says: string])[], language: string): string {
  const width = Math.max(...lines.map(([command]) => command.length));
  const text = lines.map(([command, says]) => (says === "" ? command : `${command.padEnd(width)}  # ${says}`));
  return `\`\`\`${language}\n${text.join("\n")}\n\`\`\`\n`;
}

/** Without the columns in which no row has anything. */
function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const used = headings.map((_, column) => rows.some((row) => (row[column] ?? "") !== ""));
  const line = (cells: readonly string[]) =>
    `| ${cells
      .filter((_, column) => used[column])
      .map((cell) => cell.replaceAll("|", "\\|"))
      .join(" | ")} |`;
  return `${[
    line(headings),
    `|${used
      .filter(Boolean)
      .map(() => "---|")
      .join("")}`,
    ...rows.map(line),
  ].join("\n")}\n`;
}
