// The commands of docs/coordination.md, in their order, run by the built program on a small audit.
import { afterAll, beforeAll, expect, test } from "vitest";
import { auditArguments, codeBlocks, document } from "../docs/documents.js";
import { failures } from "../rig/recovery.js";
import { type AuditFolder, smallAudit } from "../rig/small-audit.js";

let audit: AuditFolder;
beforeAll(async () => {
  audit = await smallAudit(failures);
  const finding = (test: string, count: number) => ({
    test,
    group: "VA",
    failures: count,
    classification: "needs_fix",
    confidence: "high",
    root_cause: "The join of bids loses the vendor of these rows.",
    recommendation: "Join by vendor_id.",
    evidence: [{ title: "rows", sql: `select count(*) as n from "small"."failures"."${test}"`, row_count: 1 }],
  });
  await audit.write("answer.json", JSON.stringify([finding("total_wrong", 5), finding("vendor_missing", 3)]));
});
afterAll(() => audit.remove());

const page = document("docs/coordination.md");
const shown = codeBlocks(page, "sh").flatMap(({ code }) =>
  auditArguments({ path: page.path, text: `\`\`\`sh\n${code}\`\`\`` }),
);

test("the page shows each of the commands", () => {
  const used = new Set(shown.filter(([name]) => name === "tasks").map(([, name]) => name));
  expect([...used].sort()).toEqual(["claim", "complete", "heartbeat", "list", "next", "release"]);
});

test.each(shown.map((argv) => [argv.join(" "), argv] as const))("audit-run %s", async (_line, argv) => {
  const { exitCode, stdout, stderr } = await audit.run(...argv);
  expect(exitCode, stderr).toBe(0);
  if (argv.includes("--json")) expect(JSON.parse(stdout)).toMatchObject({ task: "VA", owner: "agent-7" });
});
