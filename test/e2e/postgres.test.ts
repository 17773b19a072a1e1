/**
 * A small audit through the built program on a real Postgres server: what is planted is reported, hostile names and all. What goes
 * wrong on the way: test/long/postgres.test.ts; the demo: test/long/demo-postgres.test.ts.
 */
import { expect, onTestFinished, test } from "vitest";
import { startPostgres } from "../rig/postgres.js";
import { reportedCases } from "../rig/reported-cases.js";
import { password, smallAuditIn } from "../rig/small-postgres.js";

test("an audit reads Postgres, and says nothing of its password", async () => {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  const audit = await smallAuditIn(server, { agent: { use: "lineage" } });
  onTestFinished(() => audit.remove());
  const end = await audit.run();
  expect(end, end.stderr).toMatchObject({ exitCode: 0 });
  const counts = Object.entries(await reportedCases(audit)).map(([id, { failures }]) => [id, failures]);
  expect(Object.fromEntries(counts)).toEqual({
    ...{ "late_bid@VA": 3, "late_bid@TX": 1, "it's an; odd vendor@VA": 2, "it's an; odd vendor@(null)": 1 },
    ...{ "it's an; odd vendor@'; drop table bids; --": 2 },
  });
  expect(`${end.stdout}${end.stderr}${await audit.read(".audit/full-report.md")}`).not.toContain(password);
  expect(await server.rows("small", "select count(*) from main.bids")).toEqual([["9"]]);
});
