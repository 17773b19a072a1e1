// Every runner that is registered keeps its contract, tmux with the real program: views are opened, kept and ended, and what
// a killed run has left is ended by its recorded name alone.
import { execFile, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runners } from "../../src/adapters/runners/index.js";
import type { Runner } from "../../src/model/runner.js";

const run = promisify(execFile);
let dir: string;
let env: Record<string, string>;
let open: Runner[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "audit-run-runner-"));
  env = { PATH: process.env.PATH ?? "", HOME: dir, TMUX_TMPDIR: dir, DB_PASSWORD: "canary" };
});
afterEach(async () => {
  for (const runner of open) await runner.close();
  open = [];
  await rm(dir, { recursive: true, force: true });
});

function create(id: string): Runner {
  const runner = runners[id]?.create({ auditDir: dir, runDir: dir, env });
  if (runner === undefined) throw new Error(`there is no runner ${id}`);
  open.push(runner);
  return runner;
}

const shows = (text: string) => ["sh", "-c", `echo "$1"; env`, "sh", text];

describe.each(Object.keys(runners))("the runner %s", (id) => {
  test("is there, opens views and ends them, more than once as well", async () => {
    const runner = create(id);
    expect(runner.id).toBe(id);
    expect(await runner.check()).toEqual({ ok: true, value: undefined });
    const views = await Promise.all(
      ["agent-va", "agent-tx", "agent-va"].map((name) => runner.open({ name, command: shows(name) })),
    );
    expect(views.every(({ ok }) => ok)).toBe(true);
    expect(await runner.close()).toEqual({ ok: true, value: undefined });
    expect(await runner.close()).toEqual({ ok: true, value: undefined });
    expect(await runners[id]?.endLeftovers(dir, env)).toEqual({ ok: true, value: null });
    expect(await runners[id]?.attachment(dir, "agent-va", env)).toBeNull();
    expect(existsSync(join(dir, "tmux.json"))).toBe(false);
  });

  test("of which nothing was opened leaves nothing", async () => {
    const runner = create(id);
    expect(await runner.close()).toEqual({ ok: true, value: undefined });
    expect(await runners[id]?.endLeftovers(dir, env)).toEqual({ ok: true, value: null });
  });
});

describe("tmux", () => {
  const tmux = runners.tmux;
  if (tmux === undefined) throw new Error("there is no runner tmux");

  const recorded = async (): Promise<{ readonly name: string }> =>
    JSON.parse(await readFile(join(dir, "tmux.json"), "utf8"));

  const own = async (...args: string[]): Promise<string> =>
    (await run("tmux", ["-L", (await recorded()).name, ...args], { env })).stdout;

  async function screen(name: string, wanted: string): Promise<string> {
    for (const start = performance.now(); ; await pause(20)) {
      const text = await own("capture-pane", "-p", "-S", "-", "-t", `=${name}:`);
      if (text.includes(wanted)) return text;
      if (performance.now() - start > 15_000) throw new Error(`${name} never showed ${wanted}: ${text}`);
    }
  }

  test("has a session a task, whose last screen stays and which has nothing of our environment", async () => {
    const runner = create("tmux");
    expect(await runner.open({ name: "agent-va", command: shows("one;") })).toEqual({ ok: true, value: "agent-va" });
    expect(await runner.open({ name: "agent-va-2", command: shows("two") })).toMatchObject({ ok: true });
    const text = await screen("agent-va", "Pane is dead");
    expect(text).toContain("one;");
    expect(text).not.toContain("canary");
    expect((await own("list-sessions", "-F", "#S")).trim().split("\n")).toEqual(["agent-va", "agent-va-2"]);
    await runner.open({ name: "agent-va", command: ["sh", "-c", "echo again; exec cat"] });
    expect(await screen("agent-va", "again")).not.toContain("Pane is dead");
  });

  test("is attached to by exactly that session, out of another tmux as well", async () => {
    const runner = create("tmux");
    await runner.open({ name: "agent-va-2", command: shows("two") });
    expect(await tmux.attachment(dir, "agent-va", env)).toBeNull();
    const found = await tmux.attachment(dir, "agent-va-2", { ...env, TMUX: "/tmp/other,1,0" });
    expect(found?.command).toEqual([
      "tmux",
      "-u",
      "-L",
      (await recorded()).name,
      "attach-session",
      "-t",
      "=agent-va-2:",
    ]);
    expect(found?.env).not.toHaveProperty("TMUX");
  });

  test("of a run that was killed is ended by its name; who is called otherwise goes on", async () => {
    const other = ["-L", "somebody-elses", "-f", "/dev/null"];
    execFileSync("tmux", [...other, "new-session", "-d", "cat"], { env });
    try {
      await create("tmux").open({ name: "agent-va", command: ["cat"] });
      const { name } = await recorded();
      expect(await tmux.endLeftovers(dir, env)).toEqual({ ok: true, value: `the tmux server ${name}` });
      await expect(run("tmux", ["-L", name, "list-sessions"], { env })).rejects.toThrow();
      expect(await tmux.endLeftovers(dir, env)).toEqual({ ok: true, value: null });
      expect(execFileSync("tmux", [...other, "list-sessions"], { env, encoding: "utf8" })).toContain("0:");
      for (const record of [
        { name: "somebody-elses", host: hostname() },
        { name: "audit-0123456789ab", host: "elsewhere" },
        { name: "audit-0123456789ab; kill", host: hostname() },
        null,
      ]) {
        await writeFile(join(dir, "tmux.json"), JSON.stringify({ version: 1, folder: dir, ...record }));
        expect(await tmux.endLeftovers(dir, env)).toEqual({ ok: true, value: null });
      }
      expect(execFileSync("tmux", [...other, "list-sessions"], { env, encoding: "utf8" })).toContain("0:");
    } finally {
      execFileSync("tmux", [...other, "kill-server"], { env });
    }
  });

  test("that is missing, or too old, is told with what to do", async () => {
    env.PATH = "/nowhere";
    expect(await create("tmux").check()).toMatchObject({
      ok: false,
      failure: { code: "command-not-found", hint: expect.stringContaining("Install tmux") },
    });
    await writeFile(join(dir, "tmux"), "#!/bin/sh\necho tmux 2.8\n", { mode: 0o755 });
    env.PATH = dir;
    expect(await create("tmux").check()).toMatchObject({
      ok: false,
      failure: { code: "command-failed", message: expect.stringContaining("tmux 2.8") },
    });
  });
});
