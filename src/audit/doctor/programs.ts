/** What other programs say of themselves: dbt, the summary's command, the agent, tmux. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dbtCommand } from "../../config/resolve.js";
import { exists } from "../../support/files.js";
import { capturedText, runProcess } from "../../support/process.js";
import { findProgram, programOf } from "../../support/program.js";
import { checkSummaryCommand } from "../../tasks/setup.js";
import { type Check, fine, type Room, told } from "./check.js";

export const summaryCheck: Check = {
  id: "summary",
  timeout: 10_000,
  async look({ config }, signal) {
    const { run, artifacts } = config.summary;
    if (run !== null) {
      const found = await checkSummaryCommand(config, signal);
      const command = typeof run === "string" ? run : run.join(" ");
      return [found.ok ? fine(`the tests are run by: ${command}`) : told("problem", found.failure)];
    }
    const missing = [];
    for (const name of ["manifest.json", "run_results.json"]) {
      if (!(await exists(join(artifacts, name)))) missing.push(name);
    }
    if (missing.length === 0) return [fine(`the artifacts of the last test run are in ${artifacts}`)];
    const message = `${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} not in ${artifacts}`;
    return [{ level: "problem", message, hint: "Run the tests, or let `summary.run` do it." }];
  },
};

export const dbtCheck: Check = {
  id: "dbt",
  timeout: 120_000,
  async look(room, signal) {
    const { config, request } = room;
    const program = programOf(config.dbt.command);
    const env = { ...request.env, ...config.summary.env };
    const found = program === null ? null : await findProgram(program, { cwd: config.summary.cwd, env, signal });
    if (found !== null && !found.ok) return [told("problem", found.failure)];
    if (found?.value === null) {
      const isNeeded = callsDbt(room);
      const message = `"${program}" is not on the PATH${isNeeded ? "" : "; the tests are run by another command, which may need none"}`;
      const hint = "Install dbt, or say in `repos.dbt.command` how it is called (such as `uv run dbt`).";
      return [{ level: isNeeded ? "problem" : "warning", message, hint }];
    }
    // dbt writes where it is told to: the project's own artifacts stay.
    const folder = await mkdtemp(join(tmpdir(), "audit-run-doctor-"));
    try {
      return [await parsed(room, folder, signal)];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** Whether a run needs dbt, as far as that can be told. */
function callsDbt({ config }: Room): boolean {
  const { run } = config.summary;
  return run !== null && programOf(run) === programOf(config.dbt.command);
}

async function parsed({ config, request }: Room, folder: string, signal: AbortSignal) {
  const own = { DBT_TARGET_PATH: folder, DBT_LOG_PATH: folder, DBT_SEND_ANONYMOUS_USAGE_STATS: "false" };
  const ended = await runProcess({
    command: dbtCommand(config.dbt, config.summary.cwd, ["parse", "--no-use-colors"], config.dbt.vars),
    ...{ purpose: "doctor", cwd: config.summary.cwd, signal, grace: 1_000 },
    env: { ...request.env, ...config.summary.env, ...own },
  });
  if (!ended.ok) return told("problem", ended.failure);
  const { exitCode, stdout, stderr } = ended.value;
  const said = capturedText(stdout);
  const version = /Running with dbt[=\s]+v?(\S+)/.exec(said)?.[1];
  if (exitCode === 0) return fine(`dbt ${version ?? ""} parses the project`.replace("  ", " "));
  const lines = `${said}\n${capturedText(stderr)}`.split("\n").map((line) => line.replace(/^\d\d:\d\d:\d\d\s+/, ""));
  const error = lines.findIndex((line) => /error/i.test(line));
  const detail = lines.slice(Math.max(0, error), Math.max(0, error) + 6).join("\n");
  const message = `dbt ${version ?? ""} cannot parse the project (exit code ${exitCode})`.replace("  ", " ");
  return told("problem", {
    code: "dbt-failed",
    message,
    detail,
    hint: "`dbt parse` in the project's folder says more.",
  });
}

export const agentCheck: Check = {
  id: "agent",
  timeout: 60_000,
  async look({ agent, config }) {
    if (!agent.ok) return [told("problem", agent.failure)];
    const checked = (await agent.value.check?.()) ?? null;
    if (checked === null) return [fine(`${agent.value.id} is built in, and needs no model`)];
    if (!checked.ok) return [told("problem", checked.failure)];
    const needsBudget = agent.value.charges !== undefined && config.budget === null;
    const hint = "Write one, such as `budget: 20` (US dollars for one run); a run asks for it otherwise.";
    return [
      fine(checked.value),
      ...(needsBudget ? [{ level: "warning" as const, message: "it costs money, and there is no budget", hint }] : []),
    ];
  },
};

export const runnerCheck: Check = {
  id: "runner",
  timeout: 10_000,
  async look({ config, registries, request }) {
    const adapter = registries.runners[config.agent.runner];
    if (adapter === undefined) throw new Error(`BUG: the config names runner ${config.agent.runner}`);
    if (adapter.id === "process")
      return [fine("agents are run without sessions to watch; `audit-run logs` shows them")];
    const runner = adapter.create({ auditDir: config.dir, runDir: tmpdir(), env: request.env });
    const checked = await runner.check();
    return [checked.ok ? fine(`${adapter.id} is there, for sessions to watch`) : told("problem", checked.failure)];
  },
};
