/**
 * The demo in the stand-in for Snowflake: built and tested by real dbt-snowflake, audited by its own profile through Snowflake's
 * driver. The same findings as on DuckDB, case by case.
 */
import { expect, onTestFinished, test } from "vitest";
import { demoInSnowflake } from "../rig/demo-snowflake.js";
import { reportedCases } from "../rig/reported-cases.js";
import { demoFolder } from "../rig/small-audit.js";

test("the demo's findings on Snowflake, read by what dbt's profile says, are those on DuckDB", {
  timeout: 1_200_000,
}, async () => {
  const { audit, remove } = await demoInSnowflake();
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

/** Snowflake stores names in upper case where nobody quoted; and how a value looks as text, and so its digest, is its own. */
function comparable(cases: Cases): Cases {
  return Object.fromEntries(
    Object.entries(cases).map(([id, { digest: _, cause, ...rest }]) => [
      id,
      { ...rest, cause: String(cause).toLowerCase() },
    ]),
  );
}
