// `audit-run prompt` against what a run really sends; and what `evidence: false` keeps off the disk.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { preparedAudit } from "../rig/prepared.js";
import { type AuditFolder, agentProgram, calls, smallAudit } from "../rig/small-audit.js";

const failures = { t_vendor: [["VA", 3] as const, ["TX", 2] as const], t_other: [["VA", 1] as const] };
let audit: AuditFolder;
afterEach(() => audit.remove());

async function audited(more: Record<string, unknown> = {}, body?: string): Promise<AuditFolder> {
  audit = await smallAudit(failures);
  await audit.configure({ agent: await agentProgram(audit, body), ...more });
  return audit;
}

/** With its failures exported, and nothing investigated. */
async function exported(body?: string): Promise<void> {
  audit = await preparedAudit("prompt-exported", async () => {
    const made = await audited();
    expect((await made.run("run", "export")).exitCode).toBe(0);
    return made;
  });
  await agentProgram(audit, body);
}

const newestRun = async (): Promise<string> => (await readdir(join(audit.folder, ".audit/runs"))).sort().at(-1) ?? "";

test("plan tells how long each prompt may be, close to what it then is", async () => {
  await exported();
  const planned = JSON.parse((await audit.run("plan", "--json")).stdout);
  const expected = planned.rows.find(({ node }: { node: string }) => node === "investigate:VA").tokens;
  const shown = JSON.parse((await audit.run("prompt", "VA", "--json")).stdout).prompts[0];
  expect(expected / shown.tokens).toBeGreaterThan(0.8);
  expect(expected / shown.tokens).toBeLessThan(1.3);
  expect(planned.totals.tokens.shared).toBe(2 * shown.sharedTokens);
});

describe("audit-run prompt", () => {
  test("prints what the run then sends, byte for byte, and leaves nothing behind", async () => {
    await exported();
    const shown = await audit.run("prompt", "VA");
    expect(shown.stderr).toBe("In paths, <run> stands for the run's id, and slot 1 for the one that is free then.\n");
    expect(shown.exitCode).toBe(0);
    expect(await readdir(join(audit.folder, ".audit/scratch"))).toEqual([]);
    expect(await calls(audit)).toEqual([]);

    expect((await audit.run("run", "investigate:VA")).exitCode).toBe(0);
    const run = await newestRun();
    const sent = await audit.read(`.audit/runs/${run}/tasks/VA/prompt.md`);
    expect(shown.stdout.replaceAll("<run>", run)).toBe(sent);
    expect(sent).toContain("state,id,vendor\nVA,0,");

    // What is known of VA goes to TX, and the other way round never into a fingerprint.
    const other = await audit.run("prompt", "investigate:TX");
    expect(other.stdout).toContain('{"group":"VA","test":"t_vendor","classification":"needs_fix","confidence":"high"');
    expect((await audit.run()).exitCode).toBe(0);
    const again = await audit.run("prompt", "VA");
    expect(again.stderr).toContain("All findings of this task are used again, so nothing would be sent");
  });

  test("gives its size, part by part, as JSON", async () => {
    await exported();
    const { stdout } = await audit.run("prompt", "VA", "--json");
    const { version, task, prompts, notes } = JSON.parse(stdout);
    expect({ version, task, notes: notes.length }).toEqual({ version: 1, task: "VA", notes: 1 });
    const [{ text, bytes, tokens, sharedTokens, parts, cases }] = prompts;
    expect(cases).toEqual(["t_other@VA", "t_vendor@VA"]);
    expect(bytes).toBe(Buffer.byteLength(text));
    expect(tokens).toBeGreaterThan(sharedTokens);
    const sum = Object.values(parts as Record<string, number>).reduce((total, part) => total + part, 0);
    expect(sum).toBe(tokens);
    expect(parts["task.samples"]).toBeGreaterThan(10);
  });

  test("refuses where there is no export, and a task that there is not", async () => {
    await audited();
    const before = await audit.run("prompt", "VA");
    expect(before).toMatchObject({ exitCode: 2, stdout: "" });
    expect(before.stderr).toContain("no run has come as far as its export");
    expect(existsSync(join(audit.folder, ".audit"))).toBe(false);
    await audit.run("run", "export");
    const unknown = await audit.run("prompt", "VB");
    expect(unknown).toMatchObject({ exitCode: 2, stdout: "" });
    expect(unknown.stderr).toContain("Did you mean VA?");
  });

  test("works while a run is on, and says where that run's own prompt is", async () => {
    await exported("setInterval(() => {}, 1_000); // until it is ended");
    const run = audit.start("run", "investigate:VA", "--progress", "plain");
    const prompt = async (): Promise<string> => {
      const id = await newestRun();
      return join(audit.folder, ".audit/runs", id, "tasks/VA/prompt.md");
    };
    await expect.poll(async () => existsSync(await prompt()), { timeout: 60_000 }).toBe(true);
    const shown = await audit.run("prompt", "VA");
    expect(shown.exitCode).toBe(0);
    expect(shown.stderr).toContain(`what it has sent is in ${await prompt()}`);
    run.kill("SIGINT");
    expect((await run.ended).exitCode).toBe(130);
  });

  test("of an agent that reads none is what another would be sent", async () => {
    await audited({ agent: { use: "lineage" } });
    await audit.run("run", "export");
    const { stdout, stderr } = await audit.run("prompt", "VA");
    expect(stderr).toContain("The agent lineage reads no prompt: this is what another agent would be sent.");
    expect(stdout).toContain("# Your task: `VA`");
  });
});

test("without evidence no row and no pack is on the disk or in a prompt, the agent is told so, and findings are reused", async () => {
  const body = 'note("evidence: " + process.env.AUDIT_EVIDENCE_DIR); answer(cases);';
  await audited({ evidence: false }, body);
  expect((await audit.run()).exitCode).toBe(0);
  expect(await calls(audit)).toContain("evidence: undefined");
  const folder = join(audit.folder, ".audit/runs", await newestRun(), "tasks/VA");
  expect((await readdir(folder)).filter((name) => name === "evidence")).toEqual([]);
  const sent = await audit.read(`.audit/runs/${await newestRun()}/tasks/VA/prompt.md`);
  expect(sent).toContain("ask your tools for them");
  expect(sent).not.toContain("state,id,vendor");
  const asked = (await calls(audit)).length;
  await audit.configure({ agent: await agentProgram(audit, body), evidence: true });
  const again = await audit.run("plan", "--json");
  expect(JSON.parse(again.stdout).totals).toMatchObject({ open: 0, reused: 3 });
  expect(await calls(audit)).toHaveLength(asked);
});
