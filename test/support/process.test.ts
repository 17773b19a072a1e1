import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { capturedText, killAllProcesses, type ProcessOptions, runProcess } from "../../src/support/process.js";
import { createRedactor } from "../../src/support/redact.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit process "));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function run(command: ProcessOptions["command"], more: Partial<ProcessOptions> = {}) {
  return runProcess({ command, cwd: folder, env: { PATH: process.env.PATH }, grace: 100, ...more });
}

async function ended(command: ProcessOptions["command"], more: Partial<ProcessOptions> = {}) {
  const result = await run(command, more);
  if (!result.ok) throw new Error(`${result.failure.code}: ${result.failure.message}`);
  return result.value;
}

/** A zombie that process 1 has not reaped yet does not count. */
async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") S");
  return !status.slice(status.lastIndexOf(")")).startsWith(") Z");
}

describe("a process that ends by itself", () => {
  it("gives its exit code and both outputs", async () => {
    const end = await ended("echo out; echo err >&2; exit 7");
    expect(end).toMatchObject({ exitCode: 7, signal: null, reason: "exited" });
    expect([capturedText(end.stdout), capturedText(end.stderr)]).toEqual(["out\n", "err\n"]);
  });

  it("gets a list's arguments as they are, without a shell", async () => {
    const end = await ended(["printf", "%s|", "$HOME", "a b", "-n", "'\"", "*"]);
    expect(capturedText(end.stdout)).toBe("$HOME|a b|-n|'\"|*|");
  });

  it("gets stdin, and an environment with nothing of ours", async () => {
    const end = await ended("cat; env | sort", { input: "prompt ü\n", env: { PATH: process.env.PATH, ONLY: "this" } });
    expect(capturedText(end.stdout)).toMatch(/^prompt ü\n/);
    expect(capturedText(end.stdout)).toContain("ONLY=this");
    expect(capturedText(end.stdout)).not.toContain("HOME=");
  });

  it("may leave a large stdin unread", async () => {
    expect(await ended("exec <&-; exit 3", { input: "x".repeat(5_000_000) })).toMatchObject({ exitCode: 3 });
  });

  it("tells a signal of its own from ours", async () => {
    expect(await ended("kill -9 $$")).toMatchObject({ exitCode: null, signal: "SIGKILL", reason: "exited" });
  });

  it("keeps the beginning and the end of a long output, and streams all of it to a file", async () => {
    const file = join(folder, "logs", "out.txt");
    const end = await ended("seq 1 200000", { stdoutFile: file, keep: { head: 4, tail: 7 } });
    expect(end.stdout.head.toString()).toBe("1\n2\n");
    expect(end.stdout.tail.toString()).toBe("200000\n");
    expect(end.stdout.complete).toBe(false);
    expect(capturedText(end.stdout)).toContain("bytes left out");
    expect((await readFile(file, "utf8")).split("\n")).toHaveLength(200_001);
    expect(end.stdout.bytes).toBe((await readFile(file)).length);
  });

  it("redacts the files", async () => {
    const file = join(folder, "redacted.txt");
    await ended("echo my hunter2 is safe; printf hunter2", {
      stdoutFile: file,
      redact: (text) => text.replaceAll("hunter2", "[redacted]"),
    });
    expect(await readFile(file, "utf8")).toBe("my [redacted] is safe\n[redacted]");
  });

  it("redacts a line that is too long to be kept, and cuts no secret in two", async () => {
    const canary = "canary-of-the-cut-".repeat(20);
    // Half of the line is secrets: wherever it were cut without a look, a secret is as likely as not.
    const between = "é🙂.".repeat(91);
    const unit = JSON.stringify(between + canary);
    const program = `process.stdout.write(${unit}.repeat(3000))`;
    const file = join(folder, "long-line.txt");
    await ended([process.execPath, "-e", program], { stdoutFile: file, redact: createRedactor([canary]) });
    expect((await readFile(file, "utf8")) === `${between}[redacted]`.repeat(3_000)).toBe(true);
  });
});

describe("a process that must be ended", () => {
  it("is ended at its timeout, also where it ignores TERM", async () => {
    const end = await ended("trap '' TERM; echo started; while :; do sleep 0.05; done", { timeout: 150 });
    expect(end).toMatchObject({ reason: "timeout", signal: "SIGKILL" });
    expect(capturedText(end.stdout)).toBe("started\n");
  });

  it("may clean up when TERM comes", async () => {
    const script = "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.02; done";
    expect(capturedText((await ended(script, { timeout: 150, grace: 5_000 })).stdout)).toBe("ready\nbye\n");
  });

  it("is ended by an abort, and never started by one that came before", async () => {
    const abort = new AbortController();
    const running = ended("echo x; sleep 60", { signal: abort.signal });
    abort.abort();
    expect(await running).toMatchObject({ reason: "aborted" });
    expect(await ended("touch was-started", { signal: abort.signal })).toMatchObject({
      reason: "aborted",
      exitCode: null,
    });
    await expect(readFile(join(folder, "was-started"))).rejects.toThrow();
  });

  it("is ended when it writes too much", async () => {
    const file = join(folder, "yes.txt");
    const end = await ended("yes", { maxOutputBytes: 1_000_000, keep: { head: 10, tail: 10 }, stdoutFile: file });
    expect(end.reason).toBe("output-too-large");
    expect((await readFile(file)).length).toBeLessThan(2_000_000);
  });

  it("takes its children along, also those that ignore TERM and hold the pipes after it has exited", async () => {
    const end = await ended("(trap '' TERM; sleep 60; sleep 60) & echo $!; exit 0");
    expect(end).toMatchObject({ reason: "exited", exitCode: 0 });
    expect(await isAlive(Number(capturedText(end.stdout)))).toBe(false);
  });

  it("does not wait for a daemon that left the group and holds the pipes", async () => {
    const parent = `const child = require("child_process").spawn("sleep", ["30"], {detached: true, stdio: "inherit"});
      require("fs").writeSync(1, String(child.pid)); child.unref()`;
    const end = await ended([process.execPath, "-e", parent]);
    const daemon = Number(capturedText(end.stdout));
    expect(end.exitCode).toBe(0);
    expect(await isAlive(daemon)).toBe(true);
    process.kill(daemon, "SIGKILL");
  });

  it("is killed at once with all others by killAllProcesses", async () => {
    const file = join(folder, "ready.txt");
    const running = [1, 2].map(() => ended("trap '' TERM; echo ready; sleep 60", { stdoutFile: file, grace: 60_000 }));
    const ready = ended(`until [ -s '${file}' ]; do sleep 0.01; done`);
    await ready;
    killAllProcesses();
    for (const end of await Promise.all(running)) expect(end).toMatchObject({ signal: "SIGKILL", reason: "exited" });
  });
});

describe("our own end", () => {
  it.each(["SIGTERM", "SIGHUP"] as const)("by %s takes the children along", async (signal) => {
    const bundle = join(folder, `process-${signal}.mjs`);
    await build({
      input: join(import.meta.dirname, "../../src/support/process.ts"),
      platform: "node",
      output: { file: bundle },
    });
    const parent = `import { runProcess } from ${JSON.stringify(bundle)};
      const command = "trap '' TERM HUP; echo $$ > child.pid; kill -${signal.slice(3)} $PPID; sleep 60";
      await runProcess({ command, cwd: ".", env: process.env });`;
    const end = await ended([process.execPath, "--input-type=module", "-e", parent]);
    expect(end.signal).toBe(signal);
    const child = Number(await readFile(join(folder, "child.pid"), "utf8"));
    await expect.poll(() => isAlive(child)).toBe(false);
  });
});

describe("a command that cannot run", () => {
  it("says that a program was not found", async () => {
    const result = await run(["no-such-program-anywhere", "--flag"]);
    expect(result).toMatchObject({ ok: false, failure: { code: "command-not-found" } });
  });

  it("says that the folder is missing, which the system reports like a missing program", async () => {
    const result = await run("true", { cwd: join(folder, "gone") });
    expect(result).toMatchObject({ ok: false, failure: { code: "command-failed" } });
    expect(result.ok ? "" : result.failure.message).toContain("there is no such folder");
  });

  it("says that a file may not be executed", async () => {
    await writeFile(join(folder, "plain.txt"), "text");
    const result = await run([join(folder, "plain.txt")]);
    expect(result).toMatchObject({ ok: false, failure: { code: "command-failed" } });
    expect(result.ok ? "" : result.failure.message).toContain("EACCES");
  });

  it("takes a NUL byte or an empty list as a failure, not a crash", async () => {
    expect(await run(["printf", "a\0b"])).toMatchObject({ ok: false });
    expect(await run([])).toMatchObject({ ok: false, failure: { code: "command-not-found" } });
  });

  it("says that an output file cannot be written", async () => {
    const result = await run("echo x", { stdoutFile: join(folder, "plain.txt", "below-a-file") });
    expect(result).toMatchObject({ ok: false, failure: { code: "disk" } });
  });
});
