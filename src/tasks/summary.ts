/**
 * `summary`: runs the tests or builds the summary table by the user's own command, or takes what an earlier test run left.
 * Knows dbt's exit codes and artifacts, not what is in the warehouse.
 */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readRunResults } from "../dbt/artifacts.js";
import { sha256 } from "../model/digest.js";
import { type FailureCode, failed, ok, type Result } from "../model/result.js";
import { capturedText, type ProcessEnd, runProcess } from "../support/process.js";
import type { Session } from "./session.js";

/** What the nodes after it depend on. */
export interface SummaryOutput {
  /** Digest of run_results.json and manifest.json as they are now; "absent" where there are none. */
  readonly artifacts: string;
  /** ISO; when the command ended, or a table of somebody else's was taken as it is. Null where artifacts say it all. */
  readonly ranAt: string | null;
}

/** dbt: 0 is fine, 1 a handled error, failing tests among them, 2 an unhandled one. */
const testsFailed = 1;

export async function runSummary(session: Session): Promise<Result<SummaryOutput>> {
  const { summary } = session.config;
  if (summary.run === null) {
    const artifacts = await artifactsDigest(summary.artifacts);
    if (artifacts === "absent" && summary.table === null) {
      return failed("artifacts-missing", `There is no run_results.json in ${summary.artifacts}`, {
        hint: "Run `dbt test --store-failures` first, or let `summary.run` do it.",
      });
    }
    return ok({ artifacts, ranAt: summary.table === null ? null : session.now().toISOString() });
  }
  const resultsBefore = await readResults(session);
  const log = join(session.run.folder, "summary.log");
  await mkdir(summary.targetPath, { recursive: true });
  const end = await runProcess({
    command: summary.run,
    purpose: "summary",
    cwd: summary.cwd,
    // The command is the user's own, and dbt's credentials come from its environment. Agents get no such thing.
    env: {
      // Nothing goes out that nobody asked for; who wants dbt to report its usage says so in the environment.
      DBT_SEND_ANONYMOUS_USAGE_STATS: "false",
      ...process.env,
      DBT_TARGET_PATH: summary.targetPath,
      DBT_LOG_PATH: join(session.run.folder, "dbt-logs"),
      ...summary.env,
    },
    stdoutFile: log,
    stderrFile: `${log}.stderr`,
    redact: session.redact,
    timeout: summary.timeout,
    signal: session.signal,
  });
  if (!end.ok) return end;
  const refused = await refusal(end.value, resultsBefore, session);
  if (refused !== null) return refused;
  return ok({ artifacts: await artifactsDigest(summary.artifacts), ranAt: session.now().toISOString() });
}

/** Null where the command did its work. */
async function refusal(end: ProcessEnd, resultsBefore: string, session: Session): Promise<Result<never> | null> {
  const { summary } = session.config;
  const output = session.redact([capturedText(end.stdout), capturedText(end.stderr)].join("\n"));
  const log = `Its output is in ${join(session.run.folder, "summary.log")}.`;
  const detail = output.trim().split("\n").slice(-15).join("\n");
  const refuse: Refuse = (code, message, hint) => failed(code, message, { hint: `${hint} ${log}`, detail });
  const how = end.exitCode === null ? `was ended by ${end.signal}` : `ended with exit code ${end.exitCode}`;
  if (end.reason === "aborted") return failed("aborted", "the summary was stopped");
  if (end.reason === "timeout") {
    const seconds = summary.timeout / 1000;
    return refuse("command-timeout", `the summary command ran longer than ${seconds} s`, "Raise summary.timeout.");
  }
  if (end.exitCode === 127) {
    return refuse("command-not-found", "the summary command was not found", "Is dbt installed, and on the PATH?");
  }
  if (end.exitCode !== 0 && end.exitCode !== testsFailed) {
    return refuse("dbt-failed", `the summary command ${how}`, "Mend what it complains about.");
  }
  // A table may be built by a command that is not dbt; then its exit code is all there is.
  if (summary.table !== null && end.exitCode === 0) return null;
  return artifactsRefusal(how, resultsBefore, session, refuse);
}

type Refuse = (code: FailureCode, message: string, hint: string) => Result<never>;

/** Failing tests give exit code 1, and so does a project that cannot be parsed: only fresh results tell them apart. */
async function artifactsRefusal(
  how: string,
  resultsBefore: string,
  session: Session,
  refuse: Refuse,
): Promise<Result<never> | null> {
  const { artifacts, table } = session.config.summary;
  const text = await readResults(session);
  const results = readRunResults(text);
  // dbt names each invocation in its results, so the same text is an earlier run's.
  if (!results.ok || text === resultsBefore) {
    const hint = "Either it failed before its tests ran, or it leaves them elsewhere: summary.artifacts says where.";
    return refuse(
      "artifacts-stale",
      `the summary command ${how} and left no new run_results.json in ${artifacts}`,
      hint,
    );
  }
  const broken = results.value.results.filter(({ id, status }) => status === "error" && !id.startsWith("test."));
  if (table !== null && broken.length > 0) {
    const names = broken.map(({ id }) => id).join(", ");
    return refuse("dbt-failed", `the summary command could not build ${names}`, "Mend it in dbt.");
  }
  for (const { id, message } of broken) {
    const why = message ?? "no message";
    session.emit({ type: "warning", node: "summary", message: `dbt could not build ${id}: ${why}` });
  }
  return null;
}

function readResults({ config }: Session): Promise<string> {
  return readFile(join(config.summary.artifacts, "run_results.json"), "utf8").catch(() => "");
}

export async function artifactsDigest(folder: string): Promise<string> {
  const read = (name: string): Promise<Buffer | null> => readFile(join(folder, name)).catch(() => null);
  const [results, manifest] = await Promise.all([read("run_results.json"), read("manifest.json")]);
  if (results === null && manifest === null) return "absent";
  return sha256(`${results === null ? "" : sha256(results)} ${manifest === null ? "" : sha256(manifest)}`);
}
