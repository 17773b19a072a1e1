/** The demo on a real Postgres server, built by real dbt: the same findings as on DuckDB, case by case. */
import { expect, onTestFinished, test } from "vitest";
import { demoInPostgres } from "../rig/demo-postgres.js";
import { reportedCases } from "../rig/reported-cases.js";
import { demoFolder } from "../rig/small-audit.js";

test("the demo's findings on Postgres, read by what dbt's profile says, are those on DuckDB", async () => {
  const { audit, remove } = await demoInPostgres();
  onTestFinished(remove);
  const end = await audit.run();
  expect(end, end.stderr).toMatchObject({ exitCode: 0 });
  const there = await reportedCases(audit);
  const demo = await demoFolder();
  onTestFinished(() => demo.remove());
  expect(await demo.run()).toMatchObject({ exitCode: 0 });
  const here = await reportedCases(demo);
  expect(Object.keys(there).sort()).toEqual(Object.keys(here).sort());
  expect(comparable(there)).toEqual(comparable(here));
});

type Cases = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** How a value looks as text is each database's own, and so is its digest; and dbt's macros write a tried cast for each. */
function comparable(cases: Cases): Cases {
  return Object.fromEntries(
    Object.entries(cases).map(([id, { digest: _, cause, ...rest }]) => {
      const said = String(cause).replaceAll(/the (?:cast|CASE) `[^`]*`/g, "the cast");
      return [id, { ...rest, cause: said }];
    }),
  );
}
