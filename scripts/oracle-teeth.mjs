/**
 * Whether the oracle (docs/engine.md) has teeth: plants one mistake after the other in a copy of the program, lets it try
 * a few hundred histories, and prints which it has found, and after how many. Knows only texts to replace.
 *
 *     node scripts/oracle-teeth.mjs [part of a mistake's name]
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Name, file, what is there, and the mistake. */
const mistakes = [
  [
    "observed inputs are not looked at",
    "graph/judge",
    "changedObservations(trace, observe).length === 0",
    "trace !== null",
  ],
  [
    "only the newest trace is used again",
    "graph/judge",
    "traces.filter((trace) => trace.f",
    "traces.slice(0, 1).filter((trace) => trace.f",
  ],
  [
    "an input that nobody looked at counts as unchanged",
    "graph/judge",
    "observe(name, possible) !== undefined",
    'name !== ""',
  ],
  [
    "vars of dbt_project.yml are no part",
    "graph/fingerprint",
    "digestOf([projectVars, config.dbt.vars])",
    "digestOf(config.dbt.vars)",
  ],
  ["knowledge of a group is no part", "graph/fingerprint", "own(byGroup, item.group.key), ", ""],
  ["the failing rows are no part", "graph/fingerprint", "rows: item.rowsDigest,", "rows: item.id,"],
  ["digest.ignore is no part of an export", "audit/inputs", "    digestIgnore: config.digestIgnore,\n", ""],
  ["an export does not depend on its summary", "audit/inputs", "{ settings, summary: summary.output }", "{ settings }"],
  [
    "maxAge holds for artifacts of others",
    "audit/inputs",
    "if (fresh && last.observed.artifacts === artifacts)",
    "if (fresh)",
  ],
  [
    "new files count for nothing without a manifest",
    "audit/coarse",
    "changes.value.stdout, added]",
    "changes.value.stdout]",
  ],
  [
    "a look holds for all data",
    "audit/looks",
    "find((one) => one.parts.data === data);\n  const seen",
    "find((one) => one !== null);\n  const seen",
  ],
  [
    "a query that could not run has no result",
    "audit/looks",
    "(looked.get(name) ?? then)",
    "(looked.get(name) ?? null)",
  ],
  ["cited files are those of the first source", "audit/looks", "digests.set(part, digest)", 'digests.set(part, "")'],
  [
    "macros that macros call count for nothing",
    "dbt/relevance",
    "for (const called of macro?.dependsOn ?? []) seen.add(called);",
    "",
  ],
  ["an export of a slow warehouse is kept", "audit/work", "if (!exported.broken.some((one) => one.transient)) ", ""],
  [
    "a retry takes other data",
    "audit/work",
    "if (changed) return ended",
    "if (changed && last === undefined) return ended",
  ],
  ["a torn line swallows the next one", "execution/journal-file", "isWhole ? line", "line !== null ? line"],
  ["a damaged output is believed", "execution/objects", "sha256(content) === digest ?", "digest !== null ?"],
  [
    "an exception ends a day early",
    "findings/exceptions",
    "entry.expires.slice(0, 10) < today",
    "entry.expires.slice(0, 10) <= today",
  ],
  [
    "a finding is admitted before it is durable",
    "tasks/admission",
    "await commit(withProvenance",
    "void commit(withProvenance",
  ],
  [
    "a test is described as it was",
    "audit/inputs",
    "{ ...finding, test, group, failures, rows }",
    "{ ...finding, group, failures, rows }",
  ],
  ["signatures leave cited files out", "audit/whole-audit", "      ...citedFiles,\n", ""],
  [
    "signatures leave exceptions' days out",
    "audit/whole-audit",
    "...exceptions.map((each) => endOf(each, startedAt))",
    "",
  ],
];

const root = fileURLToPath(new URL("..", import.meta.url));
const copy = mkdtempSync(join(tmpdir(), "audit-run-teeth-"));
const asked = process.argv[2] ?? "";
let missed = 0;
try {
  for (const name of ["src", "test", "package.json", "tsconfig.json", "vitest.config.ts"]) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  for (const [name, file, from, to] of mistakes) {
    if (!name.includes(asked)) continue;
    const path = join(copy, "src", `${file}.ts`);
    const text = readFileSync(path, "utf8");
    if (text.split(from).length !== 2) throw new Error(`${file} does not hold this once: ${from}`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
    const found = tryOracle();
    writeFileSync(path, text);
    if (found === null) missed += 1;
    console.log(`${found === null ? "MISSED" : `found after ${found}`}\t${file}\t${name}`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
process.exitCode = missed === 0 ? 0 : 1;

/** How many histories it took; null where all went well. */
function tryOracle() {
  const command = ["node_modules/vitest/vitest.mjs", "run", "--project", "oracle", "--bail", "1", "oracle-"];
  const env = { ...process.env, FC_FAIL_FAST: "1", NO_COLOR: "1" };
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: copy, env, encoding: "utf8" });
  if (status === 0) return null;
  const count = /Property failed after (\d+) tests/.exec(stdout + stderr)?.[1];
  if (count === undefined) throw new Error(`the oracle did not come to its end:\n${stdout}${stderr}`);
  return Number(count);
}
