/**
 * A whole audit by the built program with `runner: tmux` and a real coding agent, whose model is a stand-in, watched from a
 * terminal of somebody else's.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { openStage, programs } from "./cli-agent.js";
import type { Reply } from "./model-stub/index.js";
import { auditFolder, type Running, setFailures } from "./small-audit.js";
import { openTerminal } from "./tmux-terminal.js";

const model = {
  claude: "claude-sonnet-4-5",
  codex: "gpt-stub",
  opencode: "anthropic/claude-sonnet-4-5",
} as const;
export type CliName = keyof typeof model;

const finding = {
  test: "not_null_vendor",
  group: "VA",
  classification: "needs_fix",
  confidence: "high",
  root_cause: "The join of bids loses the vendor of these rows.",
  recommendation: "Join by vendor_id.",
  evidence: [{ sql: `select count(*) as n from "small"."failures"."not_null_vendor" where vendor is null` }],
};

const words = "The join loses the vendor.";

/** It says something and hands in; then it says that it has done so. */
function turn(name: CliName, number: number): Reply {
  const call = {
    claude: "mcp__audit__submit_finding",
    codex: "mcp__audit/submit_finding",
    opencode: "audit_submit_finding",
  }[name];
  if (number === 0) return { text: words, calls: [{ name: call, input: finding }] };
  if (name === "claude") return { calls: [{ name: "StructuredOutput", input: { findings: [] } }] };
  return { text: JSON.stringify({ findings: [] }) };
}

export async function watchInTmux(name: CliName): Promise<void> {
  let goOn = (): void => {};
  const seen = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const stage = await openStage(async ({ turn: number }) => {
    if (number > 0) await seen;
    return turn(name, number);
  });
  const audit = await auditFolder({
    ...stage.env,
    OPENCODE_DISABLE_MODELS_FETCH: "1",
  });
  const terminal = await openTerminal(audit.folder);
  let run: Running | undefined;
  try {
    await setFailures(audit, { not_null_vendor: [["VA", 2]] });
    const env = name === "opencode" ? { OPENCODE_DISABLE_MODELS_FETCH: "1" } : {};
    const prices = name === "codex" ? { prices: { input: 1, cached: 1, output: 1 } } : {};
    const agent = { use: name, program: join(programs, name), model: model[name], attempts: 1, env, ...prices };
    await audit.configure({ agent: { ...agent, runner: "tmux" }, slots: { count: 1 } });
    run = audit.start("--progress", "plain");
    await run.says("investigate:VA started");
    await stage.stub.asked(2);

    await terminal.audits("attach VA");
    const screen = await terminal.shows(words, "submit_finding", "not_null_vendor@VA is needs_fix");
    expect(screen, "readable, and not what the program prints").not.toContain('{"');
    await terminal.press("C-b", "d");
    await terminal.shows(/ready> *\n*$/);
    const { name: server } = JSON.parse(await audit.read(".audit/tmux.json")) as { readonly name: string };

    goOn();
    const end = await run.ended;
    expect(end, end.stderr).toMatchObject({ exitCode: 0 });
    const { cases } = JSON.parse(await audit.read(".audit/findings.json"));
    expect(cases[0].report).toMatchObject({ status: "found", finding: { provenance: { agent: name } } });
    expect((await audit.read(".audit/agent-va-status.txt")).trim()).toBe("DONE");
    expect(existsSync(join("/tmp", `tmux-${process.getuid?.()}`, server)), "its server has ended").toBe(false);
    expect(stage.stub.strays).toEqual([]);
  } finally {
    goOn();
    run?.kill("SIGTERM");
    await run?.ended;
    await terminal.close();
    await audit.run("clean");
    await audit.remove();
    await stage.close();
  }
}
