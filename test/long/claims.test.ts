// Fifty processes claim ten thousand tasks by the library, and a thousand by the command; some are killed.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Catalogue } from "../../src/model/claim.js";
import { claimAll } from "../rig/claimants.js";
import { publishedTask } from "../rig/claims.js";
import { type AuditFolder, smallAudit } from "../rig/small-audit.js";

test("50 processes, 10,000 tasks: nothing twice, nothing lost", async () => {
  const { claimed, completed } = await claimAll({ tasks: 10_000, processes: 50, kills: 0 });
  expect(claimed).toHaveLength(10_000);
  expect(new Set(claimed).size).toBe(10_000);
  expect(new Set(completed).size).toBe(10_000);
});

test("50 processes, 10,000 tasks, 20 of them killed: still nothing twice, and nothing lost", async () => {
  const { completed, killed } = await claimAll({ tasks: 10_000, processes: 50, kills: 20 });
  expect(killed).toBeGreaterThan(10);
  expect(new Set(completed).size).toBe(completed.length);
  expect(completed.length).toBeGreaterThanOrEqual(10_000 - killed);
});

test("50 loops of the command claim 1,000 tasks, and every tenth command is killed", async () => {
  const audit = await smallAudit({ vendor_missing: [["VA", 1]] });
  try {
    expect(await audit.run("run", "export")).toMatchObject({ exitCode: 0 });
    await publishMany(audit, 1000);
    const told: string[] = [];
    let killed = 0;
    const loop = async (owner: string): Promise<void> => {
      for (let time = 0; ; time += 1) {
        const command = audit.start("tasks", "claim", "--owner", owner, "--json");
        if (time % 10 === 9) {
          command.kill("SIGKILL");
          killed += 1;
          await command.ended;
          continue;
        }
        const { exitCode, stdout } = await command.ended;
        if (exitCode === 1) return;
        expect(exitCode).toBe(0);
        told.push(JSON.parse(stdout).task);
      }
    };
    await Promise.all(Array.from({ length: 50 }, (_, index) => loop(`agent-${index}`)));
    expect(new Set(told).size).toBe(told.length);
    expect(told.length).toBeGreaterThanOrEqual(1000 - killed);
    const { tasks } = JSON.parse((await audit.run("tasks", "list", "--json")).stdout);
    expect(tasks.filter(({ status }: { status: string }) => status !== "in_progress")).toEqual([]);
  } finally {
    await audit.remove();
  }
}, 1_800_000);

async function publishMany(audit: AuditFolder, count: number): Promise<void> {
  const before = JSON.parse(await audit.read(".audit/claims/catalogue.json")) as Catalogue;
  const tasks = Array.from({ length: count }, (_, index) => publishedTask(`task-${index}`, { number: index + 1 }));
  const catalogue: Catalogue = { ...before, tasks, order: tasks.map(({ id }) => id) };
  await writeFile(join(audit.folder, ".audit/claims/catalogue.json"), JSON.stringify(catalogue));
}
