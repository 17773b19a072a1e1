// Agents that read no prompt, through the built program: their cases are files, and what they give away is masked.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { codeBlocks, document } from "../docs/documents.js";
import { type AuditFolder, auditFolder, setFailures } from "../rig/small-audit.js";

const secret = "correct-horse-battery";
let audit: AuditFolder;
afterEach(() => audit.remove());

test("docs/agents.md's program in Python answers every case", async () => {
  const program = codeBlocks(document("docs/agents.md"), "python").find(({ code }) => code.includes("case.json"));
  audit = await auditFolder();
  await setFailures(audit, {
    no_vendor: [["VA", 3]],
    no_bid: [
      ["VA", 1],
      ["TX", 2],
    ],
  });
  await audit.configure({ agent: { use: "command", command: ["python3", "-c", program?.code ?? ""] } });
  const ended = await audit.run();
  expect(ended.exitCode, ended.stderr).toBe(0);
  const { cases } = JSON.parse(await audit.read(".audit/findings.json"));
  const found = cases.map(({ report }: { report: { status: string } }) => report.status);
  expect(found).toEqual(["found", "found", "found"]);
});

const talkative = `
import { readdirSync, readFileSync } from "node:fs";
const folder = process.env.AUDIT_EVIDENCE_DIR + "/cases";
const key = process.env.API;
process.stderr.write("key " + key + "\\n");
const findings = readdirSync(folder).map((name) => {
  const { test, group, failingRows } = JSON.parse(readFileSync(folder + "/" + name + "/case.json", "utf8"));
  return {
    test: test.name, group, classification: "needs_fix", confidence: "high",
    root_cause: "I was called with " + key + ".",
    recommendation: "Files: " + readdirSync(".").sort().join(" "),
    evidence: [{ title: "with " + key, sql: "select id, '" + key + "' as k from (" + failingRows.sql + ") -- " + key }],
  };
});
process.stdout.write(JSON.stringify({ findings }));
`;

test("a value of the environment and a hidden column are nowhere in the audit folder, nor is the database in a slot", async () => {
  const agent = { use: "command", command: [process.execPath, "./talkative.mjs"], env: { API: `\${SOME_NAME}` } };
  audit = await auditFolder({ SOME_NAME: secret });
  await audit.write("talkative.mjs", talkative);
  await setFailures(audit, { no_vendor: [["VA", 3]] });
  // The database lies in the repository itself.
  await audit.configure({ agent, repos: { dbt: { path: ".", dir: "project" } }, redactColumns: ["id"] });
  const ended = await audit.run();
  expect(ended.exitCode, ended.stderr).toBe(0);
  const { cases } = JSON.parse(await audit.read(".audit/findings.json"));
  const { finding } = cases[0].report;
  expect(finding.rootCause).toBe("I was called with [redacted].");
  expect(finding.recommendation).toBe("Files: audit.config.yaml project talkative.mjs");
  expect(finding.evidence[0].result.rows).toEqual(Array.from({ length: 3 }, () => ["[redacted]", "[redacted]"]));
  const files = await readdir(join(audit.folder, ".audit"), { recursive: true, withFileTypes: true });
  const texts = files.filter((each) => each.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  expect(texts.length).toBeGreaterThan(10);
  for (const path of texts) expect([path, (await readFile(path, "utf8")).includes(secret)]).toEqual([path, false]);
});
