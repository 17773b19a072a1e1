// Plants one violation of each import rule in a temporary tree and sees it caught; and that the checker is not blind.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const repository = resolve(import.meta.dirname, "../..");
const script = join(repository, "scripts/check-imports.mjs");
const made: string[] = [];

/** A package with these files below src/. */
function plant(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "audit-run-imports-"));
  made.push(root);
  mkdirSync(join(root, "src"));
  symlinkSync(join(repository, "node_modules"), join(root, "node_modules"));
  writeFileSync(join(root, "package.json"), JSON.stringify({ type: "module" }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, "src", path)), { recursive: true });
    writeFileSync(join(root, "src", path), text);
  }
  return root;
}

function check(root: string): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, root], { encoding: "utf8" });
  return { status, output: stdout + stderr };
}

afterAll(() => {
  for (const root of made) rmSync(root, { recursive: true, force: true });
});

/** What the tree below starts from: everything in its place. */
const lawful = {
  "model/graph.ts": 'import { createHash } from "node:crypto";\nexport type Node = string;\nexport { createHash };\n',
  "graph/plan.ts": 'import type { Node } from "../model/graph.js";\nexport type Plan = Node[];\n',
  "support/shell.ts": 'import { $ } from "zx";\nexport { $ };\n',
  "sql/gate.ts": "export const gate = 1;\n",
  "lineage/walk.ts": 'import { gate } from "../sql/gate.js";\nexport { gate };\n',
  "adapters/agents/lineage.ts": 'export { gate } from "../../lineage/walk.js";\n',
  "adapters/warehouses/duckdb.ts": 'export const load = () => import("@duckdb/node-api");\n',
  "tasks/setup.ts": 'export const load = () => import("../support/shell.js");\n',
  "audit.ts": 'export * from "./adapters/agents/lineage.js";\nexport * from "./tasks/setup.js";\n',
  "commands/run.ts": 'export * from "../audit.js";\n',
  "cli.ts": 'export const run = () => import("./commands/run.js");\n',
};

/** Rule → file → its text. Each is wrong in one way. */
const planted: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "no-cycle": {
    "graph/one.ts": 'import { two } from "./two.js";\nexport const one = () => two;\n',
    "graph/two.ts": 'import { one } from "./one.js";\nexport const two = () => one;\n',
  },
  "no-dangling": { "graph/dangling.ts": 'import "./nowhere.js";\n' },
  "room-model": { "model/reaches-up.ts": 'import type { Plan } from "../graph/plan.js";\nexport type X = Plan;\n' },
  "room-graph": { "graph/reaches-out.ts": 'export * from "../sql/gate.js";\n' },
  "room-findings": { "findings/asks-itself.ts": 'export * from "../sql/gate.js";\n' },
  "room-sql": { "sql/knows-lineage.ts": 'export * from "../lineage/walk.js";\n' },
  "room-lineage": { "lineage/shells.ts": 'export const load = () => import("../support/shell.js");\n' },
  "room-support": { "support/plans.ts": 'export type { Plan } from "../graph/plan.js";\n' },
  "room-dbt": { "dbt/asks.ts": 'export * from "../sql/gate.js";\n' },
  "room-config": { "config/plans.ts": 'export type { Plan } from "../graph/plan.js";\n' },
  "room-reporters": { "reporters/walks.ts": 'export * from "../lineage/walk.js";\n' },
  "room-mcp": { "mcp/opens.ts": 'export const load = () => import("../tasks/setup.js");\n' },
  "room-tasks": { "tasks/opens.ts": 'export * from "../adapters/warehouses/duckdb.js";\n' },
  "room-execution": { "execution/asks.ts": 'export * from "../sql/gate.js";\n' },
  "room-adapters-warehouses": { "adapters/warehouses/sibling.ts": 'export * from "../slots/none.js";\n' },
  "room-adapters-agents": { "adapters/agents/walks.ts": 'export * from "../../lineage/walk.js";\n' },
  "room-adapters-slots": {
    "adapters/slots/none.ts": "export const none = 1;\n",
    "adapters/slots/plans.ts": 'export type { Plan } from "../../graph/plan.js";\n',
  },
  "room-cli": { "cli.ts": 'export const load = () => import("./tasks/setup.js");\n' },
  "room-audit": { "audit.ts": 'export * from "./commands/plan.js";\n', "commands/plan.ts": "export const plan = 1;\n" },
  "only-the-top-knows-all": { "adapters/agents/asks-audit.ts": 'export * from "../../audit.js";\n' },
  "pure-rooms": { "findings/reads.ts": 'import { readFileSync } from "node:fs";\nexport { readFileSync };\n' },
  "home-zx": { "tasks/shells.ts": 'export const load = () => import("zx");\n' },
  "home-listr2": { "execution/shows.ts": 'export type { Listr } from "listr2";\n' },
  "home-@duckdb/node-api": { "adapters/warehouses/other.ts": 'export type * from "@duckdb/node-api";\n' },
  "home-@modelcontextprotocol/sdk": {
    "mcp/other.ts": 'export type { Tool } from "@modelcontextprotocol/sdk/types.js";\n',
  },
  "home-@polyglot-sql/sdk": { "sql/parses.ts": 'export const load = () => import("@polyglot-sql/sdk");\n' },
  "home-commander": { "commands/other.ts": 'export type { Command } from "commander";\n' },
  "home-yaml": {
    "config/writes-yaml.ts": 'export { stringify } from "yaml";\n',
  },
  "home-p-limit": { "tasks/limits.ts": 'export { default } from "p-limit";\n' },
  "home-picomatch": { "dbt/matches.ts": 'export { default } from "picomatch";\n' },
  "known-packages": { "support/novel.ts": 'export { bold } from "picocolors";\n' },
  "two-homes": {
    "support/globs.ts": 'export { default } from "picomatch";\n',
    "tasks/globs.ts": 'export { default } from "picomatch";\n',
  },
  "not-lazy": { "support/uses-shell.ts": 'export * from "./shell.js";\n' },
  "unknown-room": { "helpers/misc.ts": "export const misc = 1;\n" },
  unseen: { "findings/hides.ts": 'export type Hidden = import("../sql/gate.js").Gate;\n' },
};

describe("check-imports", () => {
  let output = "";
  let status: number | null = 0;
  beforeAll(() => {
    const root = plant({ ...lawful, ...Object.assign({}, ...Object.values(planted)) });
    ({ output, status } = check(root));
  });

  test("passes a tree in which everything is in its place", () => {
    const result = check(plant(lawful));
    expect(result.output).toBe("imports: 11 modules, 11 imports, 0 problems\n");
    expect(result.status).toBe(0);
  });

  test("fails where anything is not", () => {
    expect(status).toBe(1);
  });

  test.each(Object.entries(planted))("catches %s", (rule, files) => {
    const caught = output.split("\n").filter((line) => line.includes(`error[${rule}]`));
    expect(caught.map((line) => line.slice("src/".length, line.indexOf(":")))).toEqual(
      expect.arrayContaining([expect.toBeOneOf(Object.keys(files))]),
    );
  });

  test("catches a cycle that consists of type imports alone", () => {
    const result = check(
      plant({
        ...lawful,
        "model/one.ts": 'import type { Two } from "./two.js";\nexport interface One { two: Two }\n',
        "model/two.ts": 'import type { One } from "./one.js";\nexport interface Two { one: One }\n',
      }),
    );
    expect(result.output).toContain("error[no-cycle]: imports src/model/two.ts → src/model/one.ts");
    expect(result.status).toBe(1);
  });

  test.each([
    ["no file at all", {}],
    ["no import at all", { "model/alone.ts": "export const alone = 1;\n" }],
  ])("fails where it sees %s", (_, files) => {
    const result = check(plant(files));
    expect(result.output).toContain("error[saw-nothing]");
    expect(result.status).toBe(1);
  });
});
