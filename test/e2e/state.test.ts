// The commands that look after the audit folder, on what a real run has left there.
import { appendFile, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { sha256 } from "../../src/model/digest.js";
import { smallAuditAfter } from "../rig/prepared.js";
import { type AuditFolder, agentProgram, calls } from "../rig/small-audit.js";

const opened: AuditFolder[] = [];
afterEach(async () => {
  for (const audit of opened.splice(0)) await audit.remove();
});

async function finishedAudit(): Promise<AuditFolder> {
  const audit = await smallAuditAfter([]);
  opened.push(audit);
  return audit;
}

const journal = ".audit/traces/journal.jsonl";

test("clean --all knows everything that a run makes, and leaves what a run did not make", async () => {
  const audit = await finishedAudit();
  await audit.write(".audit/notes.md", "mine");
  const first = await audit.run("clean", "--all");
  expect(first).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("Left") });
  expect(await readdir(join(audit.folder, ".audit"))).toEqual(["notes.md"]);
  await rm(join(audit.folder, ".audit/notes.md"));
  expect(await audit.run("clean", "--all")).toMatchObject({ exitCode: 0, stdout: ".audit is removed.\n" });
  expect(await readdir(audit.folder)).not.toContain(".audit");
});

test("findings are used again whatever is removed of old runs", async () => {
  const audit = await finishedAudit();
  const asked = await calls(audit);
  await rm(join(audit.folder, ".audit/runs"), { recursive: true });
  expect(await audit.run()).toMatchObject({ exitCode: 0 });
  expect(await calls(audit)).toEqual(asked);
});

test("verify names what is damaged with exit code 3, for programs too, and clean drops it", async () => {
  const audit = await finishedAudit();
  expect(await audit.run("verify")).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining("as it was written"),
  });
  await audit.write(journal, (await audit.read(journal)).replace("vendor_missing@VA", "vendor_missing@VB"));
  const end = await audit.run("verify", "--json");
  expect(end.exitCode).toBe(3);
  expect(JSON.parse(end.stdout)).toMatchObject({
    version: 1,
    exitCode: 3,
    damage: [expect.stringMatching(/^journal\.jsonl:\d+: the line is damaged/)],
  });
  expect(await audit.run("clean")).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("dropped") });
  expect(await audit.run("verify")).toMatchObject({ exitCode: 0 });
});

test("a state of a newer audit-run is refused by every command that needs it, and none of it is lost", async () => {
  const audit = await finishedAudit();
  const body = '{"v":2,"what":"nobody knows yet"';
  await appendFile(join(audit.folder, journal), `${body},"sum":"${sha256(body).slice(0, 16)}"}\n`);
  const before = await audit.read(journal);
  for (const command of [[], ["plan"], ["retry"], ["explain", "export"], ["verify"], ["clean"]]) {
    const end = await audit.run(...command);
    expect(end, command.join(" ")).toMatchObject({ exitCode: 4, stderr: expect.stringContaining("newer audit-run") });
  }
  expect(await audit.read(journal)).toBe(before);
});

test("while a run is under way, its folder is neither verified nor cleaned", async () => {
  const audit = await finishedAudit();
  await audit.configure({
    agent: { ...(await agentProgram(audit, "setInterval(() => {}, 1000);")), slot: false, model: "another" },
  });
  const running = audit.start("--progress", "plain");
  await running.says("investigate:");
  for (const command of [["verify"], ["clean"], ["clean", "--all"]]) {
    expect(await audit.run(...command)).toMatchObject({ exitCode: 4, stderr: expect.stringContaining("state-locked") });
  }
  running.kill("SIGTERM");
  expect((await running.ended).exitCode).toBe(143);
});

test("an audit folder that cannot be written is refused by name", async () => {
  const audit = await finishedAudit();
  await rm(join(audit.folder, ".audit/traces"), { recursive: true });
  await writeFile(join(audit.folder, ".audit/traces"), "a file");
  expect(await audit.run()).toMatchObject({ exitCode: 4, stderr: expect.stringContaining(".audit/traces") });
  await rm(join(audit.folder, ".audit/traces"));
  await mkdir(join(audit.folder, ".audit/traces"));
  expect(await audit.run()).toMatchObject({ exitCode: 0 });
});
