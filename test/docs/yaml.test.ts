// The YAML that the documents show is loaded as a user's would be. Only the disk is made up: every path is there.
import { extname } from "node:path";
import { expect, test } from "vitest";
import { parseDocument } from "yaml";
import { agents } from "../../src/adapters/agents/index.js";
import { slots } from "../../src/adapters/slots/index.js";
import { warehouses } from "../../src/adapters/warehouses/index.js";
import { readExceptions } from "../../src/config/exceptions.js";
import type { ConfigFiles } from "../../src/config/files.js";
import { loadConfig } from "../../src/config/load.js";
import { adapterSettings } from "../../src/config/schema.js";
import type { Diagnostic } from "../../src/model/diagnostic.js";
import { renderDiagnostics } from "../../src/support/render-diagnostics.js";
import { codeBlocks, documents } from "./documents.js";

const everyPathIsThere: ConfigFiles = {
  kind: (path) => (extname(path) === "" ? "folder" : "file"),
  names: () => [],
  realPath: (path) => path,
  isGitCheckout: () => true,
};

/** What a part of a config needs around it to be one. */
const required: Readonly<Record<string, string>> = {
  version: "version: 1",
  name: "name: example",
  repos: "repos: { dbt: { path: ../dbt } }",
  warehouse: "warehouse: { use: duckdb, path: ../dbt/dev.duckdb }",
  groupBy: "groupBy: state",
};

function complaints(code: string): string {
  const value = (parseDocument(code).toJS() ?? {}) as Readonly<Record<string, unknown>>;
  // GitHub's, not ours; its commands are read by commands.test.ts.
  if ("jobs" in value) return "";
  const diagnostics = Array.isArray(value.exceptions) ? ofExceptions(code, value) : ofConfig(code, value);
  return renderDiagnostics(diagnostics, { color: false });
}

function ofConfig(code: string, value: Readonly<Record<string, unknown>>): readonly Diagnostic[] {
  const around = Object.entries(required).flatMap(([key, line]) => (key in value ? [] : [line]));
  const text = [code.trimEnd(), ...around, ""].join("\n");
  const outcome = loadConfig({
    file: "/data/audits/audit.config.yaml",
    text,
    adapters: adapterSettings({ agents, slots, warehouses }),
    env: Object.fromEntries([...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = ""]) => [name, "value"])),
    homeDir: "/home/me",
    cwd: "/data/audits",
    files: everyPathIsThere,
  });
  return "config" in outcome ? outcome.warnings : outcome.diagnostics;
}

function ofExceptions(code: string, value: Readonly<Record<string, unknown>>): readonly Diagnostic[] {
  const text = "version" in value ? code : `version: 1\n${code}`;
  const reading = { kind: "text", text } as const;
  return readExceptions({ file: "/data/audits/audit.exceptions.yaml", cwd: "/data/audits", reading }).diagnostics;
}

const examples = documents().flatMap((document) =>
  codeBlocks(document, "yaml").map(({ code, line }) => [`${document.path}:${line}`, code] as const),
);

test.each(examples)("the YAML at %s loads without a word", (_place, code) => {
  expect(complaints(code)).toBe("");
});

test.each([
  ["strategy: per-state", "per-state"],
  ["groupby: state", "groupby"],
  ["exceptions: [{ test: x, group: VA, owner: me, expires: never }]", "reason"],
])("a document with `%s` would be noticed", (code, said) => {
  expect(complaints(code)).toContain(said);
});
