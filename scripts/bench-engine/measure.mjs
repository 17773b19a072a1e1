// Times of whole processes, medians, and tables. Knows nothing of what is measured.
import { spawnSync } from "node:child_process";

/** Milliseconds of one process, which must succeed within `limit` milliseconds: an error with `over` says that it did not. */
export function timed([program, ...args], { cwd, env = {}, limit = 60_000 }) {
  const start = performance.now();
  const { pid, status, signal, error, stdout, stderr } = spawnSync(program, args, {
    cwd,
    // Leads a group of its own: what it has started ends with it.
    detached: true,
    encoding: "utf8",
    env: { ...process.env, CI: "true", NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 256 * 1024 * 1024,
    timeout: limit,
    killSignal: "SIGKILL",
  });
  const milliseconds = performance.now() - start;
  if (error?.code === "ETIMEDOUT") {
    endGroup(pid);
    throw Object.assign(new Error(`${program} took too long`), { over: limit });
  }
  if (status !== 0) {
    const told = `${stdout ?? ""}${stderr ?? ""}`.slice(-2_000);
    throw new Error(`${[program, ...args].join(" ")} ended with ${error?.message ?? signal ?? status}\n${told}`);
  }
  return milliseconds;
}

function endGroup(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing of it is left.
  }
}

/**
 * Five samples after a first one that is thrown away; fewer where they would take more than `budget` milliseconds, and
 * then the table says how many.
 */
export function sampled(measure, { budget = 60_000, samples = 5 } = {}) {
  const first = measure();
  const fits = Math.min(samples, Math.floor((budget - first) / first));
  const times = fits < 1 ? [first] : Array.from({ length: fits }, measure);
  return { median: median(times), samples: times.length };
}

export function median(values) {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)];
}

export function table(head, rows) {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const text = (line) =>
    line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join("  ");
  return [text(head), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(text)].join("\n");
}
