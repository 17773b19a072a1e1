import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command } from "../../src/adapters/agents/command.js";
import type { InvestigationRequest } from "../../src/model/agent.js";
import type { FindingDraft, Objection } from "../../src/model/finding.js";
import { createRedactor } from "../../src/support/redact.js";
import { requestFor } from "../rig/request.js";

const fake = join(import.meta.dirname, "../fakes/agent.mjs");
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit agent "));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Stands for the redactor of a run, which knows the values of all `${…}` references. */
const redact = createRedactor(["value-of-API"]);

interface Played {
  readonly logDir: string;
  readonly code: string;
  readonly detail: string;
  readonly drafts: readonly FindingDraft[];
  readonly rejected: readonly { readonly text: string; readonly objection: Objection }[];
}

async function play(
  argv: readonly string[],
  settings: Record<string, unknown> = {},
  more: Partial<InvestigationRequest> = {},
  env: Record<string, string | undefined> = { PATH: process.env.PATH },
): Promise<Played> {
  const logDir = await mkdtemp(join(folder, "log-"));
  const drafts: FindingDraft[] = [];
  const rejected: { text: string; objection: Objection }[] = [];
  const options = command.settings.parse({ command: [...argv], ...settings });
  const made = await command.create(options, { baseDir: import.meta.dirname, env, redact });
  if (!made.ok) throw new Error(made.failure.message);
  const result = await made.value.investigate(
    requestFor(["not_null_bids_vendor@VA", "unique_bids_id@VA"], {
      checkouts: { dbt: folder, "dot-sync": "/src/dot sync" },
      evidenceDir: join(folder, "evidence"),
      logDir,
      submit: async (draft) => {
        drafts.push(draft);
        return { admitted: true };
      },
      reject: (text, objection) => rejected.push({ text, objection }),
      ...more,
    }),
  );
  const failure = result.ok ? { code: "ok", detail: "" } : { detail: "", ...result.failure };
  return { code: failure.code, detail: failure.detail, drafts, rejected, logDir };
}

const acting = (behaviour: string, ...args: string[]) => [process.execPath, fake, behaviour, ...args];
const names = (played: Played) => played.drafts.map(({ test }) => test);

describe.concurrent("a program that answers", () => {
  it("hands in its findings one by one", async () => {
    const played = await play(acting("answers"));
    expect([played.code, names(played), played.rejected]).toEqual([
      "ok",
      ["not_null_bids_vendor", "unique_bids_id"],
      [],
    ]);
    expect(await readFile(join(played.logDir, "answer.txt"), "utf8")).toContain('"findings"');
  });

  it("may put them in a code fence with words around it", async () => {
    expect(names(await play(acting("fenced")))).toEqual(["not_null_bids_vendor"]);
  });

  it("may print a log before them: the last complete answer counts", async () => {
    expect(names(await play(acting("logs")))).toEqual(["not_null_bids_vendor"]);
  });

  it("is told of each finding that does not fit the schema, at its place, and keeps the others", async () => {
    const played = await play(acting("one-bad"));
    expect(names(played)).toEqual(["not_null_bids_vendor"]);
    expect(played.rejected.map(({ objection }) => objection.case)).toEqual(["unique_bids_id@VA", null]);
    expect(played.rejected[0]?.objection.message).toMatch(/^findings\[1\]\.confidence: .*findings\[1\]: .*"reason"/);
    expect(played.rejected[0]?.text).toContain('"confidence": "sure"');
    expect(played.rejected[1]?.objection.message).toMatch(/^findings\[2\]: .*object/);
  });

  it("is told of a key that there is not, and its findings still count", async () => {
    const played = await play(acting("extra-keys"));
    expect(names(played)).toEqual(["not_null_bids_vendor"]);
    expect(played.rejected[0]?.objection.message).toContain('"notes"');
  });

  it("gets the prompt to the last byte, the checkout as its folder, and of our variables an allow-list", async () => {
    const file = join(folder, "told.json");
    const prompt = `${"# Task ü💥\n".repeat(20_000)}end`;
    const ours = { PATH: process.env.PATH, HOME: "/home/me", LC_ALL: "C", SNOWFLAKE_PASSWORD: "x", GITHUB_TOKEN: "y" };
    await play(acting("tells", file), { env: { MODEL_KEY: "k" } }, { prompt, round: 1 }, ours);
    const told = JSON.parse(await readFile(file, "utf8"));
    expect(told.prompt).toBe(prompt);
    expect(told.cwd).toBe(folder);
    // The record of processes adds its token where some other test in this process has opened one.
    const { __CF_USER_TEXT_ENCODING: _macos, AUDIT_RUN_PROCESS: _record, ...env } = told.env;
    expect(env).toEqual({
      PATH: process.env.PATH,
      HOME: "/home/me",
      LC_ALL: "C",
      MODEL_KEY: "k",
      AUDIT_TASK: "VA",
      AUDIT_ROUND: "1",
      AUDIT_EVIDENCE_DIR: join(folder, "evidence"),
      AUDIT_REPO_DBT: folder,
      AUDIT_REPO_DOT_SYNC: "/src/dot sync",
    });
  });

  it("is found beside the config where its path says so", async () => {
    expect((await play([process.execPath, "../fakes/agent.mjs", "answers"])).code).toBe("ok");
  });
});

describe.concurrent("a program that misbehaves", () => {
  it.each([
    ["garbage", /no complete JSON object/],
    ["cut-off", /no complete JSON object/],
    ["nothing", /the answer is empty/],
    ["latin1", /not UTF-8/],
  ])("by %s is told so, and nothing is made up", async (behaviour, message) => {
    const played = await play(acting(behaviour));
    expect([played.code, played.drafts]).toEqual(["ok", []]);
    expect(played.rejected).toHaveLength(1);
    expect(played.rejected[0]?.objection).toMatchObject({ case: null, code: "schema" });
    expect(played.rejected[0]?.objection.message).toMatch(message);
  });

  it("by printing 200 MB is ended at its limit", async () => {
    const played = await play(acting("floods"));
    expect(played).toMatchObject({ code: "agent-output-too-large", drafts: [] });
    expect((await readFile(join(played.logDir, "answer.txt"))).length).toBeLessThan(12_000_000);
  });

  it("by never ending is ended with its children", async () => {
    const file = join(folder, "child.pid");
    const abort = new AbortController();
    const played = play(acting("never-ends", file), { timeout: "700ms" }, { signal: abort.signal });
    expect((await played).code).toBe("agent-timeout");
    const child = Number(await readFile(file, "utf8"));
    const status = await readFile(`/proc/${child}/stat`, "utf8").catch(() => ") Z");
    expect(status.slice(status.lastIndexOf(")"))).toMatch(/^\) Z/);
  });

  it("by hanging after its answer loses its time, not its answer", async () => {
    const played = await play(acting("answers-then-hangs"), { timeout: "600ms" });
    expect([played.code, names(played)]).toEqual(["agent-timeout", ["not_null_bids_vendor"]]);
  });

  it("by failing after its answer has failed, and its answer counts", async () => {
    const played = await play(acting("answers-then-fails"));
    expect([played.code, names(played)]).toEqual(["agent-failed", ["not_null_bids_vendor"]]);
    expect(played.detail).toBe("API_KEY=[redacted] and the model went away");
    expect(await readFile(join(played.logDir, "agent.log"), "utf8")).not.toContain("abcdef");
  });

  it("by printing a secret under whatever name has it masked in its log and its answer, and nothing else changed", async () => {
    const env = { API: "value-of-API", OTHER_TOKEN: "written into the config" };
    const played = await play(acting("tells-secrets"), { env });
    const files = ["agent.log", "answer.txt"].map((name) => readFile(join(played.logDir, name), "utf8"));
    expect(await Promise.all(files)).toEqual(["using [redacted] and [redacted]\n", "I am [redacted] and [redacted]"]);
    expect(played.rejected.map(({ text }) => text)).toEqual(["I am [redacted] and [redacted]"]);
  });

  it("by failing without an answer has failed, and is not asked about its answer", async () => {
    expect(await play(acting("fails"))).toMatchObject({ code: "agent-failed", drafts: [], rejected: [] });
  });

  it("by not being there is not found", async () => {
    expect((await play(["no-such-agent-anywhere"])).code).toBe("agent-not-found");
    await writeFile(join(folder, "not-a-program"), "text");
    expect((await play([join(folder, "not-a-program")])).code).toBe("agent-failed");
  });

  it("is ended by Ctrl-C, which is no fault of its own, and by the task's time, which is", async () => {
    const abort = new AbortController();
    const timedOut = AbortSignal.timeout(300);
    const aborted = play(acting("nothing"), {}, { signal: abort.signal });
    abort.abort();
    expect((await aborted).code).toBe("aborted");
    expect((await play(acting("answers-then-hangs"), {}, { signal: timedOut })).code).toBe("agent-timeout");
  });
});

describe("what decides a command agent's answer", () => {
  it("is its command and its model, not where or how long it runs", async () => {
    const parts = async (settings: Record<string, unknown>) => {
      const made = await command.create(command.settings.parse(settings), {
        baseDir: folder,
        env: {},
        redact: (text) => text,
      });
      return made.ok ? made.value.parts : null;
    };
    const one = await parts({ command: ["agent", "--model", "a"] });
    expect(await parts({ command: ["agent", "--model", "a"], timeout: "5m", slot: false })).toEqual(one);
    expect(await parts({ command: ["agent", "--model", "b"] })).not.toEqual(one);
    expect(await parts({ command: ["agent", "--model", "a"], model: "m" })).not.toEqual(one);
  });
});
