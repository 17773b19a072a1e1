/**
 * A process that claims tasks of a folder until all are completed, and notes what it was told. Bundled and started by
 * claimants.ts. Arguments: folder, number of tasks, lease in milliseconds, name, `go` or `hold`.
 */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openClaims } from "../../src/execution/claims.js";
import { leaseClock } from "../../src/execution/lease-clock.js";
import { claimable } from "./claims.js";

const [folder = "", count = "0", lease = "0", name = "", mode = "go"] = process.argv.slice(2);
const tasks = claimable(...Array.from({ length: Number(count) }, (_, index) => `task-${index}`));
const byId = new Map(tasks.map((task) => [task.id, task]));
const note = (text: string): void => appendFileSync(join(folder, "logs", name), `${text}\n`);
const claims = openClaims({
  folder: join(folder, "claims"),
  clock: await leaseClock(() => new Date()),
  runNow: async () => null,
});

for (;;) {
  const claimed = await claims.claim(tasks, { by: "agent", owner: name, lease: Number(lease) }, { edition: 1 });
  if (claimed === null) {
    const states = await claims.states(tasks);
    if ([...states.values()].every(({ status }) => status === "completed")) break;
    await sleep(100);
    continue;
  }
  note(`claimed ${claimed.task} ${claimed.token}`);
  if (mode === "hold") {
    process.stdout.write("holds\n");
    await new Promise((resolve) => process.stdin.once("data", resolve));
    // Open, it would keep the process alive.
    process.stdin.destroy();
  }
  const task = byId.get(claimed.task);
  if (task === undefined) throw new Error("a task that nobody knows");
  const isDone = (await claims.check(task, claimed.token)).held && (await claims.end(task, claimed.token, "completed"));
  note(`${isDone ? "completed" : "fenced"} ${claimed.task} ${claimed.token}`);
}
