/** A config in memory: fake adapters, a fake disk, and what the loader says, rendered. */
import { dirname, join } from "node:path";
import { z } from "zod";
import type { ConfigFiles } from "../../src/config/files.js";
import { type ConfigOutcome, loadConfig } from "../../src/config/load.js";
import type { AdapterSettings, Config } from "../../src/model/config.js";
import { renderDiagnostics } from "../../src/support/render-diagnostics.js";

export const adapters: AdapterSettings = {
  agents: {
    lineage: z.strictObject({}),
    command: z.strictObject({
      command: z.array(z.string().min(1)).min(1),
      model: z
        .string()
        .optional()
        .refine((model) => model !== "secret-model-name", { error: ({ input }) => `does not know the model ${input}` }),
    }),
  },
  warehouses: { duckdb: z.strictObject({ path: z.string().min(1) }) },
  slots: {
    worktree: z.strictObject({ root: z.string().optional() }),
    copy: z.strictObject({ keep: z.boolean().default(false) }),
    command: z.strictObject({ create: z.string(), delete: z.string(), path: z.string() }),
    none: z.strictObject({}),
  },
  connections: [],
};

/** Paths that end in `/` are folders; folders of other paths are there too. */
export function memoryFiles(paths: readonly string[], links: Readonly<Record<string, string>> = {}): ConfigFiles {
  const kinds = new Map<string, "file" | "folder">([["/", "folder"]]);
  for (const path of paths) {
    const bare = path.replace(/\/$/, "");
    kinds.set(bare, path.endsWith("/") ? "folder" : "file");
    for (let folder = dirname(bare); folder !== "/"; folder = dirname(folder)) kinds.set(folder, "folder");
  }
  const files: ConfigFiles = {
    kind: (path) => kinds.get(path) ?? "absent",
    names: (folder) =>
      [...kinds.keys()]
        .filter((path) => dirname(path) === folder && path !== "/")
        .map((path) => path.slice(folder === "/" ? 1 : folder.length + 1)),
    realPath: (path) => links[path] ?? path,
    isGitCheckout(path) {
      for (let folder = path; ; folder = dirname(folder)) {
        if (kinds.has(join(folder, ".git"))) return true;
        if (folder === "/") return false;
      }
    },
  };
  return files;
}

const usualFiles = [
  "/data/audits/",
  "/data/.git/",
  "/data/platform/dbt/dbt_project.yml",
  "/data/dot-sync/",
  "/home/me/",
];

/** The smallest config that is right. */
export const smallest = `version: 1
name: dot-audit
repos: { dbt: { path: ../platform, dir: dbt } }
warehouse: { use: duckdb, path: dev.duckdb }
groupBy: state
`;

interface Setting {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: ConfigFiles;
  readonly adapters?: AdapterSettings;
}

export function load(text: string, setting: Setting = {}): ConfigOutcome {
  const { env = {}, files = memoryFiles(usualFiles) } = setting;
  const file = "/data/audits/audit.config.yaml";
  return loadConfig({
    file,
    text,
    adapters: setting.adapters ?? adapters,
    env,
    homeDir: "/home/me",
    cwd: "/data/audits",
    files,
  });
}

/** The config; where there is none, the test fails with what the loader says. */
export function loaded(text: string, setting: Setting = {}): Config {
  const outcome = load(text, setting);
  if ("config" in outcome) return outcome.config;
  throw new Error(renderDiagnostics(outcome.diagnostics, { color: false }));
}

/** What the loader says, as a user sees it. */
export function said(text: string, setting: Setting = {}): string {
  const outcome = load(text, setting);
  const diagnostics = "config" in outcome ? outcome.warnings : outcome.diagnostics;
  return renderDiagnostics(diagnostics, { color: false });
}

export { usualFiles };
