// Every command that the documents show is one that the program takes. test/e2e/docs.test.ts runs those of README and docs/cli.md.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { commandFirst } from "../../src/commands/arguments.js";
import { createProgram } from "../../src/commands/program.js";
import { silentTerminal } from "../rig/silent-terminal.js";
import { auditArguments, commands, document, documents, root } from "./documents.js";

/** What the program says of a command line without running it: null where it is right. */
async function complaint(argv: readonly string[]): Promise<string | null> {
  const program = createProgram({ terminal: silentTerminal, argv }, () => undefined);
  const quiet = { writeErr: () => undefined, writeOut: () => undefined };
  program.configureOutput(quiet);
  for (const command of program.commands.flatMap((each) => [each, ...each.commands])) {
    command.configureOutput(quiet);
    // One that only has others below it does nothing itself, and says what there is.
    if (command.commands.length === 0) command.action(() => undefined);
  }
  try {
    await program.parseAsync([...commandFirst(argv, program)], { from: "user" });
  } catch (error) {
    const { exitCode, message } = error as { readonly exitCode?: number; readonly message: string };
    // `--help` and `--version` end the parser as well.
    return exitCode === 0 ? null : message;
  }
  return null;
}

/** Programs of others that a document may show in an `sh` block. */
const others = new Set(["dbt", "git", "jg", "jq", "less", "npm", "npx", "node", "tmux", "uv"]);

test.each([
  ["--strategie per-test", "error: unknown option '--strategie'\n(Did you mean --strategy?)"],
  ["--strategy per-state", expect.stringContaining("Allowed choices")],
  ["investigate VA", expect.stringContaining("There are setup, summary")],
  ["graph --format png", expect.stringContaining("Allowed choices")],
  ["graph investigate:VA", expect.stringContaining("too many arguments")],
])("a document with `audit-run %s` would be noticed", async (line, said) => {
  expect(await complaint(line.split(" "))).toEqual(said);
});

test("commands are found in blocks, in workflows and inline", () => {
  const text = [
    "Run `npx audit-run plan` or",
    "```sh",
    "npm ci && npx audit-run --state VA | jq . # a comment",
    "audit-run schema > schema.json",
    "```",
    "```yaml",
    "jobs: { audit: { steps: [{ run: npx audit-run retry }] } }",
    "```",
  ].join("\n");
  expect(auditArguments({ path: "made.md", text })).toEqual([["--state", "VA"], ["schema"], ["retry"], ["plan"]]);
});

test("README and docs/cli.md show the commands that there are", () => {
  const shown = new Set(
    ["README.md", "docs/cli.md"].flatMap((path) => auditArguments(document(path)).map(([name]) => name)),
  );
  expect([...shown]).toEqual(expect.arrayContaining(["run", "retry", "plan", "graph", "schema"]));
});

describe.each(documents().map((each) => [each.path, each] as const))("%s", (path, each) => {
  test("shows command lines that the program takes", async () => {
    const wrong: string[] = [];
    for (const argv of auditArguments(each)) {
      const said = await complaint(argv);
      if (said !== null) wrong.push(`audit-run ${argv.join(" ")}: ${said}`);
    }
    expect(wrong).toEqual([]);
  });

  test("shows programs and scripts that there are", () => {
    const wrong = commands(each).filter(([program = "", script = ""]) => {
      if (program === "audit-run") return false;
      if (program !== "node") return !others.has(program);
      return !existsSync(join(root, script)) && !existsSync(join(root, dirname(path), script));
    });
    expect(wrong).toEqual([]);
  });
});
