// `audit-run query`: a person asks as an agent may.
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { AuditRequest } from "../../src/audit/load.js";
import { query } from "../../src/audit.js";
import { type AuditFolder, smallAudit } from "../rig/small-audit.js";

let audit: AuditFolder;
beforeAll(async () => {
  audit = await smallAudit(
    {
      t_vendor: [
        ["VA", 3],
        ["TX", 2],
      ],
    },
    { redactColumns: ["id"] },
  );
});
afterAll(() => audit.remove());

const ask = (sql: string, maxRows = 1_000, signal = new AbortController().signal) =>
  query(
    {
      ...{ configFile: join(audit.folder, "audit.config.yaml"), cwd: audit.folder, env: {}, argv: [], program: [] },
      ...{ version: "0", now: () => new Date(0), signal, targets: [], selection: { groups: [], tests: [] } },
      ...{ failFast: false, retry: false, failOn: null, strategy: null },
    } satisfies AuditRequest,
    sql,
    maxRows,
  );

it("answers before there is an export, with hidden columns masked", async () => {
  const answer = await ask("select state, id from small.main.bids order by state desc, id");
  expect("result" in answer && answer.result.rows).toEqual([
    ...Array.from({ length: 3 }, () => ["VA", "[redacted]"]),
    ...Array.from({ length: 2 }, () => ["TX", "[redacted]"]),
  ]);
});

it("cuts at the number of rows that was asked for, and says so", async () => {
  const answer = await ask("select state from bids", 2);
  expect("result" in answer && [answer.result.rows.length, answer.result.truncatedBy]).toEqual([2, "rows"]);
});

it.each([
  ["delete from bids", "it starts with DELETE"],
  ["select * from information_schema.tables", "part of the warehouse's catalog"],
  ["select * from read_text('/etc/passwd')", "it calls read_text()"],
  ["select no_such_column from bids", "no_such_column"],
])("refuses %s with exit code 2", async (sql, why) => {
  const answer = await ask(sql);
  expect(answer).toMatchObject({ exitCode: 2, failure: { message: expect.stringContaining(why) } });
});

it("works while a run has the audit folder, and leaves nothing behind", async () => {
  const dir = join(audit.folder, ".audit");
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "run.lock"), "somebody's");
  const answer = await ask("select count(*) from failures.t_vendor");
  expect("result" in answer && answer.result.rows).toEqual([["5"]]);
  expect(await readdir(dir)).toEqual(["run.lock"]);
});

it("ends with the signal's exit code where it was stopped", async () => {
  const stopped = AbortSignal.abort("SIGTERM");
  expect(await ask("select 1", 1, stopped)).toMatchObject({ exitCode: 143, failure: { code: "aborted" } });
});
