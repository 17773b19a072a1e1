/** Processes that claim tasks in one folder: starts them, kills some, and says what they were told. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rolldown } from "rolldown";

export interface Claimants {
  readonly folder: string;
  start(name: string, lease: number, mode?: "go" | "hold"): ChildProcess;
  /** All notes of all processes. */
  notes(): Promise<readonly { readonly what: string; readonly task: string; readonly token: number }[]>;
  remove(): Promise<void>;
}

export async function claimants(tasks: number): Promise<Claimants> {
  const folder = await mkdtemp(join(tmpdir(), "audit-run-claimants-"));
  await mkdir(join(folder, "logs"));
  const file = join(folder, "claimant.mjs");
  const bundle = await rolldown({ input: join(import.meta.dirname, "claimant.ts"), platform: "node" });
  await bundle.write({ file, format: "esm" });
  await bundle.close();
  return {
    folder,
    start: (name, lease, mode = "go") =>
      spawn(process.execPath, [file, folder, String(tasks), String(lease), name, mode], {
        stdio: ["pipe", "pipe", "inherit"],
      }),
    async notes() {
      const all = [];
      for (const name of await readdir(join(folder, "logs"))) {
        const lines = (await readFile(join(folder, "logs", name), "utf8")).split("\n").filter((line) => line !== "");
        for (const [what = "", task = "", token = ""] of lines.map((line) => line.split(" ")))
          all.push({ what, task, token: Number(token) });
      }
      return all;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

/**
 * So many processes claim so many tasks; `kills` of them are killed while they work, each at another moment, and another
 * one comes for each. Resolves to how often each task was claimed and completed.
 */
export async function claimAll(options: {
  readonly tasks: number;
  readonly processes: number;
  readonly kills: number;
}) {
  const { tasks, processes, kills } = options;
  const many = await claimants(tasks);
  try {
    const lease = kills === 0 ? 600_000 : 3_000;
    const running = Array.from({ length: processes }, (_, index) => many.start(`agent-${index}`, lease));
    let killed = 0;
    for (let index = 0; index < kills; index += 1) {
      // Whenever that many more claims are noted, one is killed where it happens to be.
      const wanted = Math.floor(((index + 1) * tasks) / (kills + 2));
      while ((await many.notes()).length < wanted) await new Promise((resolve) => setImmediate(resolve));
      const victim = running[index];
      if (victim !== undefined && victim.exitCode === null && victim.kill("SIGKILL")) killed += 1;
      running.push(many.start(`more-${index}`, lease));
    }
    await Promise.all(running.map(ended));
    const notes = await many.notes();
    const of = (what: string): readonly string[] => notes.filter((note) => note.what === what).map((note) => note.task);
    return { claimed: of("claimed"), completed: of("completed"), killed };
  } finally {
    await many.remove();
  }
}
