// Three projects: `fast` (pure code, fakes, contracts; no dbt, no network, under 30 s), `real` (real dbt, git, the built bin)
// and `long` (other versions of Node), which only `npm run test:full` runs.
import { defineConfig } from "vitest/config";

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
          exclude: ["test/e2e/**", "test/long/**"],
          testTimeout: 20_000,
          // Files of a worker share their modules: a third of the time goes otherwise into importing them again and again.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: "real",
          include: ["test/e2e/**/*.test.ts"],
          // strace is Linux's own; scripts/setup-test-parts.mjs says elsewhere that these are left out.
          exclude: process.platform === "linux" ? [] : ["test/e2e/kill.test.ts"],
          testTimeout: 240_000,
          hookTimeout: 240_000,
          fileParallelism: true,
        },
      },
      {
        extends: true,
        test: { name: "long", include: ["test/long/**/*.test.ts"], testTimeout: 600_000, hookTimeout: 600_000 },
      },
    ],
  },
});
