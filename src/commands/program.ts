/**
 * The command line: which commands and options there are. The only home of commander; docs/cli.md is generated from it.
 * Each command's work is in its own file, imported when it is called.
 */
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { closest } from "../support/suggest.js";
import { version } from "../support/version.js";
import type { AcceptOptions } from "./accept.js";
import { checkHelp, checkNode, commandFirst, stages } from "./arguments.js";
import type { InitOptions } from "./init.js";
import type { LogsOptions } from "./logs.js";
import { type CommonOptions, type Invocation, type NarrowingOptions, type RunOptions, strategies } from "./options.js";
import type { QueryCommandOptions } from "./query.js";
import type { TokenOptions } from "./tasks.js";
import { createTerminal } from "./terminal.js";
import type { TraceCommandOptions } from "./trace.js";

/** Runs one command line; resolves to the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const terminal = createTerminal();
  let exitCode = 0;
  const program = createProgram({ terminal, argv }, (code) => {
    exitCode = code;
  });
  try {
    checkHelp(argv, program);
    await program.parseAsync(commandFirst(argv, program), { from: "user" });
    return exitCode;
  } catch (error) {
    // Commander has printed what is wrong; help and version are no error.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  } finally {
    terminal.dispose();
  }
}

export function createProgram(invocation: Invocation, settle: (exitCode: number) => void): Command {
  const program = new Command("audit-run")
    .description("make for data audits: every failing dbt test investigated, classified and backed by evidence.")
    .version(version)
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError("(--help shows what there is)")
    .enablePositionalOptions()
    .addHelpText("after", epilogue);

  addConfig(program.command("init"))
    .description(
      "look at a dbt project, its last test run, its profile and the agents installed, and write an audit.config.yaml; asks where there is a terminal",
    )
    .argument("[folder]", "the dbt project, or where to look for one; default: here, above and below")
    .option("-y, --yes", "ask nothing: take what is most likely")
    .option("--force", "write over a config that is there")
    .option("--dry-run", "print the file; ask and write nothing")
    .option("--json", "print what was found; ask and write nothing")
    .action(async (folder: string | undefined, options: InitOptions) => {
      const { initCommand } = await import("./init.js");
      settle(await initCommand(invocation, { ...options, ...(folder === undefined ? {} : { folder }) }));
    });

  const run = addNodes(program.command("run", { isDefault: true }), "such as export or investigate:VA; default: all")
    .description("run the audit, or only the nodes named and what they need")
    .action(async (nodes: string[] | undefined, options: RunOptions) => {
      const { runCommand } = await import("./run.js");
      settle(await runCommand(invocation, { ...options, nodes: nodes ?? [], retry: false }));
    });
  addRunOptions(run);

  const retry = addTasks(program.command("retry"), "only these, such as VA or investigate:VA")
    .description(
      "take the last export and run only what failed or is missing; dbt does not run. While a run is on: ask it to run again what has failed",
    )
    .action(async (nodes: string[] | undefined, options: RunOptions) => {
      const { runCommand } = await import("./run.js");
      settle(await runCommand(invocation, { ...options, nodes: nodes ?? [], retry: true }));
    });
  addRunOptions(retry);

  const status = program
    .command("status")
    .description("say how each task of the audit stands, while it runs and after it")
    .option("--watch", "go on telling, until the run has ended")
    .action(async (options: CommonOptions & { watch?: boolean }) => {
      const { statusCommand } = await import("./status.js");
      settle(await statusCommand(invocation, options));
    });
  addCommon(status);

  const logs = program
    .command("logs")
    .description("show what the agent of a task does or did, in the newest run in which it worked")
    .argument("<task>", "such as VA or investigate:VA")
    .option("-f, --follow", "go on until the task has ended")
    .option("--run <id>", "such as 20260203-141500123; default: the newest")
    .option("--dir <folder>", "the audit folder, where there is no config to say it")
    .action(async (task: string, options: LogsOptions) => {
      const { logsCommand } = await import("./logs.js");
      settle(await logsCommand(invocation, task, options));
    });
  addCommon(logs);

  const attach = program
    .command("attach")
    .description(
      "show a task's tmux session in this terminal (agent.runner: tmux); where there is none, where its log is",
    )
    .argument("<task>", "such as VA or investigate:VA")
    .action(async (task: string, options: CommonOptions) => {
      const { attachCommand } = await import("./attach.js");
      settle(await attachCommand(invocation, task, options));
    });
  addCommon(attach);

  const stop = program
    .command("stop")
    .description("stop the audit that runs, in order as by Ctrl-C, or one of its tasks; the others go on")
    .argument("[task]", "such as VA or investigate:VA; default: the whole run")
    .action(async (task: string | undefined, options: CommonOptions & { wait: boolean }) => {
      const { stopCommand } = await import("./stop.js");
      settle(await stopCommand(invocation, { ...options, task }));
    });
  addWait(addCommon(stop));

  const accept = program
    .command("accept")
    .description("accept a failure that is known: adds it to audit.exceptions.yaml; a run that is on takes it in")
    .argument("<subject>", "a case, such as duplicate_identifier@VA, or a task for all its cases: VA")
    .requiredOption("--reason <text>", "why; shown in every report")
    .requiredOption("--owner <name>", "who answers for it")
    .requiredOption("--expires <day>", "the last day on which it holds, such as 2027-12-31, or never")
    .option("--ticket <text>", "where it is tracked")
    .action(async (subject: string, options: AcceptOptions) => {
      const { acceptCommand } = await import("./accept.js");
      settle(await acceptCommand(invocation, subject, options));
    });
  addWait(addCommon(accept));

  const doctor = program
    .command("doctor")
    .description(
      "look at all that a run needs (git, dbt, profile, warehouse and its grants, agent and its login, tmux, disk), and say what to do",
    )
    .action(async (options: CommonOptions) => {
      const { doctorCommand } = await import("./doctor.js");
      settle(await doctorCommand(invocation, options));
    });
  addCommon(doctor);

  const plan = program
    .command("plan")
    .description("say what a run would do, and why; runs nothing")
    .action(async (options: CommonOptions & NarrowingOptions) => {
      const { planCommand } = await import("./plan.js");
      settle(await planCommand(invocation, options));
    });
  addNarrowing(addCommon(plan));

  const prompt = program
    .command("prompt")
    .description("print exactly what an agent would be sent for a task of the last export; runs nothing, takes no lock")
    .argument("<task>", "such as VA or investigate:VA")
    .action(async (task: string, options: CommonOptions) => {
      const { promptCommand } = await import("./prompt.js");
      settle(await promptCommand(invocation, { ...options, task }));
    });
  addCommon(prompt);

  const query = program
    .command("query")
    .description("run one SELECT as an agent may: what may be read, and what is masked, is the same; takes no lock")
    .argument("<sql>", "one SELECT (or WITH … SELECT); `-` reads it from stdin")
    .addOption(new Option("--csv", "print the result as CSV").conflicts("json"))
    .addOption(
      new Option("--max-rows <number>", "cut the result after so many rows, at most 100000")
        .argParser(rows)
        .default(1_000),
    )
    .action(async (sql: string, options: QueryCommandOptions) => {
      const { queryCommand } = await import("./query.js");
      settle(await queryCommand(invocation, sql, options));
    });
  addCommon(query);

  const trace = program
    .command("trace")
    .description("follow a failing test's rows upstream, as the lineage agent does, and print the way; takes no lock")
    .argument("<test>", "name of a test that fails in the last export")
    .addOption(
      new Option("--state <group>", "only this group, by its key in tasks.json (repeatable)")
        .argParser(collect)
        .default([], "all"),
    )
    .addOption(new Option("--mermaid", "print a diagram").conflicts("json"))
    .action(async (test: string, options: TraceCommandOptions) => {
      const { traceCommand } = await import("./trace.js");
      settle(await traceCommand(invocation, test, options));
    });
  addCommon(trace);

  const explain = program
    .command("explain")
    .description("say why a node or a case would run now or not, and why it did the last time")
    .argument("<subject>", "such as VA or investigate:VA, or a case: duplicate_identifier@VA")
    .action(async (subject: string, options: CommonOptions) => {
      const { explainCommand } = await import("./explain.js");
      settle(await explainCommand(invocation, { ...options, subject }));
    });
  addCommon(explain);

  const affected = program
    .command("affected")
    .description("list the cases that the changes of the dbt project's files would investigate again; runs nothing")
    .requiredOption("--base <revision>", "a git revision, such as main; uncommitted changes count as well")
    .action(async (options: CommonOptions & { base: string }) => {
      const { affectedCommand } = await import("./affected.js");
      settle(await affectedCommand(invocation, options));
    });
  addCommon(affected);

  const timeline = program
    .command("timeline")
    .description("draw when each node of a run started and ended")
    .option("--run <id>", "such as 20260203-141500123; default: the newest")
    .action(async (options: CommonOptions & { run?: string }) => {
      const { timelineCommand } = await import("./timeline.js");
      settle(await timelineCommand(invocation, options));
    });
  addCommon(timeline);

  addConfig(program.command("graph"))
    .description("print the audit's graph; its investigations are those of the last export")
    .addOption(new Option("--format <format>", "how").choices(["mermaid", "dot", "json"]).default("mermaid"))
    .action(async (options: { config: string; format: string }) => {
      const { graphCommand } = await import("./graph.js");
      settle(await graphCommand(invocation, options));
    });

  const verify = program
    .command("verify")
    .description("say whether everything that runs have finished is as it was written; changes nothing")
    .action(async (options: CommonOptions) => {
      const { verifyCommand } = await import("./verify.js");
      settle(await verifyCommand(invocation, options));
    });
  addCommon(verify);

  addConfig(program.command("clean"))
    .description(
      "remove the folders of old runs (the newest 20 and those of the last 30 days stay), and what verify calls damaged",
    )
    .option("--all", "remove everything of the audit: the next run pays for all of it again")
    .action(async (options: Pick<CommonOptions, "config"> & { all?: boolean }) => {
      const { cleanCommand } = await import("./clean.js");
      settle(await cleanCommand(invocation, { config: options.config, all: options.all ?? false }));
    });

  addConfig(program.command("mcp"))
    .description(
      "serve the agents' tools by MCP on stdin and stdout, for an agent of your own: over the cases without a finding; claims nothing but by --task, or when the agent calls claim_task",
    )
    .option("--task <id>", "only this task's cases, such as VA, claimed as long as this runs; default: all cases")
    .action(async (options: Pick<CommonOptions, "config"> & { task?: string }) => {
      const { mcpCommand } = await import("./mcp.js");
      settle(await mcpCommand(invocation, options));
    });

  program
    .command("schema")
    .description("print a JSON Schema: of audit.config.yaml, or of the answer that an agent gives")
    .addArgument(new Argument("[what]", "which").choices(["config", "finding"]).default("config"))
    .action(async (what: string) => {
      const { schemaCommand } = await import("./schema.js");
      settle(await schemaCommand(invocation, what));
    });
  addTasksCommands(program.command("tasks"), invocation, settle);
  return program;
}

/** For agents that audit-run has not started. */
function addTasksCommands(tasks: Command, invocation: Invocation, settle: (exitCode: number) => void): void {
  tasks.description(
    "claim tasks of the last export and hand in what was found: for agents that audit-run has not started",
  );
  addCommon(tasks.command("list"))
    .description("list all tasks, and who works on them")
    .action(async (options: CommonOptions) => {
      const { listCommand } = await import("./tasks.js");
      settle(await listCommand(invocation, options));
    });
  addCommon(tasks.command("next"))
    .description("say which task would be claimed next; claims nothing")
    .action(async (options: CommonOptions) => {
      const { nextCommand } = await import("./tasks.js");
      settle(await nextCommand(invocation, options));
    });
  addLease(addCommon(tasks.command("claim")), "timeouts.claim of the config")
    .description("claim a task and print its cases; exit 1, and {} as JSON, where nothing is left")
    .argument("[task]", "such as VA, or its id in tasks.json; default: the next one")
    .requiredOption("--owner <name>", "who claims it")
    .action(async (task: string | undefined, options: CommonOptions & { owner: string; lease?: string }) => {
      const { claimCommand } = await import("./tasks.js");
      settle(await claimCommand(invocation, { ...options, ...(task === undefined ? {} : { task }) }));
    });
  addLease(addToken(tasks.command("heartbeat")), "as long as it was")
    .description("prolong a claim, from now on by as long as it was")
    .action(async (task: string, options: Omit<TokenOptions, "task"> & { lease?: string }) => {
      const { heartbeatCommand } = await import("./tasks.js");
      settle(await heartbeatCommand(invocation, { ...options, task }));
    });
  addToken(tasks.command("release"))
    .description("give a task back")
    .action(async (task: string, options: Omit<TokenOptions, "task">) => {
      const { releaseCommand } = await import("./tasks.js");
      settle(await releaseCommand(invocation, { ...options, task }));
    });
  addToken(tasks.command("complete"))
    .description("hand in the findings of a task; they are admitted as any agent's are")
    .argument("[file]", "JSON, as `audit-run schema finding` says; - is stdin", "-")
    .action(async (task: string, file: string, options: Omit<TokenOptions, "task">) => {
      const { completeCommand } = await import("./tasks.js");
      settle(await completeCommand(invocation, { ...options, task, file }));
    });
}

function addToken(command: Command): Command {
  return addCommon(command)
    .argument("<task>", "such as VA, or its id in tasks.json")
    .addOption(
      new Option("--token <number>", "the token of the claim").argParser(positiveInteger).makeOptionMandatory(),
    )
    .option("--owner <name>", "refuse where the claim is of another owner");
}

function addLease(command: Command, otherwise: string): Command {
  const text = `how long without a heartbeat, such as 10m, at most 7d; default: ${otherwise}`;
  return command.addOption(new Option("--lease <time>", text).argParser(duration));
}

function positiveInteger(value: string): number {
  if (!/^[1-9]\d{0,14}$/.test(value)) throw new InvalidArgumentError("It is a whole number from 1.");
  return Number(value);
}

function duration(value: string): string {
  if (!/^\d{1,9}(\.\d{1,3})?(ms|s|m|h|d)$/.test(value) || Number.parseFloat(value) === 0)
    throw new InvalidArgumentError("It is a time such as 30s, 10m or 2h.");
  return value;
}

const epilogue = `
Examples:
  $ audit-run                        the whole audit; a second time only what changed or failed
  $ audit-run plan                   what that would do, and why
  $ audit-run --state VA --state TX  only these states
  $ audit-run run investigate:VA     one node and what it needs
  $ audit-run retry                  what failed or is missing, without running dbt again
  $ audit-run --fail-on needs_fix    exit 1 where such findings are left: for CI
  $ audit-run status                 from another terminal: how each task stands
  $ audit-run logs VA -f             from another terminal: what its agent does
  $ audit-run stop VA                from another terminal: end one task; the others go on

Exit codes:
  0 complete   1 a category of --fail-on was found   2 wrong usage or config
  3 incomplete: some node failed, the report says which   4 preflight: nothing was started
  5 tasks: the claim is no longer yours
  130, 143 interrupted; what was finished is kept

Results go to stdout, progress to stderr. NO_COLOR is honoured.
`;

function addNodes(command: Command, description: string): Command {
  const argument = new Argument("[nodes...]", description);
  argument.argParser((node: string, before: string[] | undefined) => {
    checkNode(node, command);
    return [...(before ?? []), node];
  });
  return command.addArgument(argument);
}

/** As for `run`, but that a task may go by its own name. */
function addTasks(command: Command, description: string): Command {
  const argument = new Argument("[nodes...]", description);
  argument.argParser((word: string, before: string[] | undefined) => {
    const isTask = !word.includes(":") && !stages.includes(word) && closest(word, stages) === undefined;
    const node = isTask ? `investigate:${word}` : word;
    checkNode(node, command);
    return [...(before ?? []), node];
  });
  return command.addArgument(argument);
}

function addWait(command: Command): Command {
  return command.option("--no-wait", "leave the request, and wait for no answer");
}

function addConfig(command: Command): Command {
  return command.option("-c, --config <file>", "the audit's config", "audit.config.yaml");
}

function addCommon(command: Command): Command {
  return addConfig(command).option("--json", "print the result as JSON");
}

function addNarrowing(command: Command): Command {
  return command
    .addOption(
      new Option("--state <group>", "only this group, by its key in tasks.json (repeatable)")
        .argParser(collect)
        .default([], "all"),
    )
    .addOption(new Option("--test <name>", "only this test (repeatable)").argParser(collect).default([], "all"));
}

function addRunOptions(command: Command): Command {
  return addNarrowing(addCommon(command))
    .option(
      "--fail-on <categories>",
      "exit 1 where findings of these categories are left, such as needs_fix,needs_investigation",
      list,
    )
    .option("--fail-fast", "start nothing new after the first node that failed")
    .addOption(
      new Option("--keep-going", "the default: what does not need a node that failed goes on").conflicts("failFast"),
    )
    .addOption(
      new Option("--progress <view>", "how progress is shown on stderr")
        .choices(["auto", "window", "plain", "silent"])
        .default("auto"),
    )
    .addOption(
      new Option("--strategy <name>", "pack tasks by this strategy instead of the config's").choices(strategies),
    );
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function list(value: string): readonly string[] {
  const items = value.split(",").map((item) => item.trim());
  if (items.some((item) => item === "")) throw new InvalidArgumentError("A category between commas is empty.");
  return items;
}
function rows(value: string): number {
  const count = Number(value);
  if (!/^\d+$/.test(value) || count < 1 || count > 100_000) throw new InvalidArgumentError("It must be 1 to 100000.");
  return count;
}
