/**
 * The shortest path through `audit-run`: where nothing has changed since a whole run, what that run found is printed, and
 * nothing is opened or written. Knows the few arguments with which that can be told; all others go the long way.
 */
import { resolve } from "node:path";
import { stillWhole } from "../audit/whole-trace.js";
import { counted } from "../model/amount.js";
import { runJson, runText } from "./run-text.js";
import { createTerminal } from "./terminal.js";

/** The exit code; null where a run is needed to tell. */
export async function runUnchanged(argv: readonly string[]): Promise<number | null> {
  const asked = read(argv);
  if (asked === null) return null;
  const whole = stillWhole(resolve(asked.config), process.env, Date.now());
  if (whole === null) return null;
  const { run, exitCode, nodes, summary, warnings } = whole.end;
  const terminal = createTerminal();
  await terminal.diagnose(warnings);
  const settled = nodes.map((node) => ({ node, outcome: "reused" as const, duration: 0 }));
  const end = { exitCode, run, folder: whole.dir, settled, spent: null, summary };
  if (!asked.silent) {
    const reused = `${counted(nodes.length, "node")} reused`;
    terminal.say(`Nothing has changed since run ${run}: ${reused}, nothing executed.`);
  }
  terminal.print(asked.json ? JSON.stringify(runJson(end), null, 2) : runText(end));
  terminal.dispose();
  return exitCode;
}

interface Asked {
  readonly config: string;
  readonly json: boolean;
  readonly silent: boolean;
}

function read(argv: readonly string[]): Asked | null {
  let asked: Asked = { config: "audit.config.yaml", json: false, silent: false };
  const rest = argv[0] === "run" ? argv.slice(1) : [...argv];
  for (let at = 0; at < rest.length; at += 1) {
    const [word, next] = [rest[at], rest[at + 1]];
    if (word === "--json") asked = { ...asked, json: true };
    else if ((word === "-c" || word === "--config") && next !== undefined) {
      asked = { ...asked, config: next };
      at += 1;
    } else if (word === "--progress" && ["auto", "plain", "silent"].includes(next ?? "")) {
      asked = { ...asked, silent: next === "silent" };
      at += 1;
    } else return null;
  }
  return asked;
}
