// The built program is killed between the start of an agent and the record of it.
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { processEntry } from "../../src/support/process-table.js";
import { startKilled } from "../rig/kill.js";
import { agentProgram, calls, smallAudit } from "../rig/small-audit.js";

const record = ".audit/processes.jsonl";

test("an agent that runs already, and whose number was to be written down when the program was killed, is ended by the next run", async () => {
  const hanging = await smallAudit({ vendor_missing: [["VA", 1]] });
  onTestFinished(() => hanging.remove());
  const noted = async (what: string): Promise<number> =>
    Number((await calls(hanging)).find((line) => line.startsWith(`${what} `))?.slice(what.length + 1));
  const counts = `note("process " + process.env.AUDIT_RUN_PROCESS.split("-")[1]); answer(cases);`;
  await hanging.configure({ agent: { ...(await agentProgram(hanging, counts)), slot: false } });
  expect((await hanging.run()).exitCode).toBe(0);
  // Before it come a few of git's, one after the other; each is written down twice, and forgotten with the file.
  const ordinal = 2 * (await noted("process"));
  for (const name of [".audit", "calls.txt"]) await rm(join(hanging.folder, name), { recursive: true });

  await agentProgram(
    hanging,
    `process.on("SIGTERM", () => {}); note("pid " + process.pid); setInterval(() => {}, 1000);`,
  );
  const tracer = startKilled(hanging, { call: "write", ordinal, path: record });
  onTestFinished(() => void tracer.kill("SIGKILL"));
  await expect.poll(() => noted("pid"), { timeout: 60_000 }).toBeGreaterThan(0);
  const agent = await noted("pid");
  onTestFinished(() => {
    if (processEntry(agent)?.isZombie === false) process.kill(agent, "SIGKILL");
  });
  const { pid } = JSON.parse(await hanging.read(".audit/run.lock"));
  await expect.poll(() => processEntry(pid)?.isZombie ?? true).toBe(true);
  const ended = once(tracer, "exit");
  tracer.kill("SIGTERM");
  await ended;
  expect(await hanging.read(record)).not.toContain("group");
  expect(processEntry(agent)?.isZombie, "it runs on").toBe(false);

  await agentProgram(hanging);
  const end = await hanging.run("--progress", "plain");
  expect(end).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("it is ended now: investigate:VA\n") });
  expect(processEntry(agent)?.isZombie ?? true).toBe(true);
});
