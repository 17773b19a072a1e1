/** The commands of README and docs/cli.md, in their order, run by the built program on the demo, and what they leave. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { auditArguments, codeBlocks, document } from "../docs/documents.js";
import type { AuditFolder } from "./small-audit.js";

/** The demo has its config, which stays as it is, and its dbt project is no folder beside it. */
function aside(argv: readonly string[]): readonly string[] {
  const here = argv.map((word) => (word === "../my-dbt-project" ? "examples/dot-bids" : word));
  return [...new Set([...here, "--dry-run"])];
}

/** What a reader would put in place of `…`, or pipe in. */
function query(argv: readonly string[]): readonly string[] {
  return argv.map((word) => (word === "-" || word === "select …" ? "select 1" : word));
}

/** Tests of the documents' commands, on the folder that `open` gives. */
export function documentedCommands(open: () => Promise<AuditFolder>): void {
  let demo: AuditFolder;
  beforeAll(async () => {
    demo = await open();
    // As a user has it: in a checkout with a branch main.
    const git = ["-c", "user.name=t", "-c", "user.email=t@t"];
    for (const args of [
      ["init", "-q", "-b", "main"],
      ["add", "examples", "audit.config.yaml", "audit.exceptions.yaml"],
      ["commit", "-qm", "one"],
    ]) {
      execFileSync("git", [...git, ...args], { cwd: demo.folder, stdio: "pipe" });
    }
  });
  afterAll(async () => {
    await demo.remove();
  });

  const shown = ["README.md", "docs/cli.md"].flatMap((path) => auditArguments(document(path)));
  const distinct = [...new Map(shown.map((argv) => [argv.join(" "), argv])).values()];

  describe("on the demo", () => {
    test.each(distinct.map((argv) => [`audit-run ${argv.join(" ")}`.trim(), argv] as const))(
      "%s",
      async (_line, argv) => {
        const { exitCode, stdout, stderr } = await demo.run(
          ...(argv[0] === "init" ? aside(argv) : argv[0] === "query" ? query(argv) : argv),
        );
        // The demo has findings of every category, which is what the gate is for.
        expect(exitCode, stderr).toBe(argv.includes("--fail-on") ? 1 : 0);
        // Nobody speaks to it here, and its stdout is for who does.
        if (argv[0] === "mcp") expect([stdout, stderr]).toEqual(["", expect.stringContaining("without a finding")]);
        else expect(stdout).not.toBe("");
        if (argv.includes("--json")) expect(() => JSON.parse(stdout)).not.toThrow();
      },
    );

    test("the audit folder holds what docs/audit-folder.md lists", () => {
      const { text } = document("docs/audit-folder.md");
      const table = text.slice(text.indexOf("| file |"), text.indexOf("\n\n", text.indexOf("| file |")));
      const files = [...table.matchAll(/`([\w./-]+)`/g)].map(([, path = ""]) => path);
      // Only there while the audit runs, where an agent has changed its checkout, where an agent has worked, or where dbt need not run; or the reader's own.
      const passing = new Set([
        "run.lock",
        "claims/inbox/",
        "claims/late/",
        "processes.jsonl",
        "tmux.json",
        "agent-va-status.txt",
        "whole-trace.json",
        "report-files.json",
        "slots/archive/",
        "target/",
      ]);
      expect(files.length).toBeGreaterThan(8);
      expect(files.filter((path) => !passing.has(path) && !existsSync(join(demo.folder, ".audit", path)))).toEqual([]);
    });

    test("README shows VA's page as it is", async () => {
      const page = await demo.read(".audit/results/VA.md");
      const [example] = codeBlocks(document("README.md"), "markdown");
      const lines = (example?.code ?? "").split("\n").map((line) => line.replace(/ …$/, ""));
      expect(lines.length).toBeGreaterThan(5);
      expect(lines.filter((line) => !page.includes(line))).toEqual([]);
    });
  });
}
