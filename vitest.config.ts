// Four projects: `fast` (pure code, fakes, contracts; no dbt, no network, under 30 s), `oracle` (random histories of audits on
// a machine in memory), `real` (real dbt, git, the built bin) and `long` (other versions of Node), which only
// `npm run test:full` runs.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** What the oracle's audits have instead of the machine: a disk in memory, no waiting, and programs that are functions. */
const machine = [
  { find: /^node:fs$/, replacement: inMachine("fs") },
  { find: /^node:fs\/promises$/, replacement: inMachine("fs-promises") },
  { find: /^node:timers\/promises$/, replacement: inMachine("timers-promises") },
  { find: /^.*\/support\/(git|process|program)\.js$/, replacement: inMachine("programs") },
];

function inMachine(name: string): string {
  return fileURLToPath(new URL(`test/properties/machine/${name}.ts`, import.meta.url));
}

export default defineConfig({
  define: { __AUDIT_RUN_VERSION__: JSON.stringify("0.0.0-test") },
  test: {
    setupFiles: ["test/rig/setup-properties.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "fast",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**", "test/long/**", "test/properties/**"],
          testTimeout: 20_000,
          // Files of a worker share their modules: a third of the time goes otherwise into importing them again and again.
          isolate: false,
        },
      },
      {
        extends: true,
        resolve: { alias: machine },
        test: {
          name: "oracle",
          include: ["test/properties/**/*.test.ts"],
          testTimeout: 60_000,
          isolate: false,
          // Its two halves are of the same size.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "real",
          globalSetup: ["test/rig/session.ts"],
          include: ["test/e2e/**/*.test.ts"],
          // strace is Linux's own; scripts/setup-test-parts.mjs says elsewhere that these are left out.
          exclude: process.platform === "linux" ? [] : ["test/e2e/kill*.test.ts", "test/e2e/faults.test.ts"],
          testTimeout: 240_000,
          hookTimeout: 240_000,
          // They wait for other processes much of their time.
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: "long",
          globalSetup: ["test/rig/session.ts"],
          include: ["test/long/**/*.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
