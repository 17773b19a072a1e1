/**
 * What the world refuses of an audit on a real Postgres server, through the built program: each is told with the relation and the
 * next step, and costs nothing that was found.
 */
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type PostgresServer, startPostgres } from "../rig/postgres.js";
import { reportedCases } from "../rig/reported-cases.js";
import { type AuditFolder, agentProgram, calls } from "../rig/small-audit.js";
import { smallAuditIn } from "../rig/small-postgres.js";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

async function audited(changes: Readonly<Record<string, unknown>> = {}): Promise<AuditFolder> {
  const audit = await smallAuditIn(server, changes);
  onTestFinished(() => audit.remove());
  return audit;
}

/** With an agent that answers, and notes what it was asked. */
async function withAgent(body?: string): Promise<AuditFolder> {
  const audit = await smallAuditIn(server);
  onTestFinished(() => audit.remove());
  const text = await audit.read("audit.config.yaml");
  const { command } = (await agentProgram(audit, body)) as { readonly command: readonly string[] };
  await audit.write(
    "audit.config.yaml",
    `${text}agent: { use: command, command: ${JSON.stringify(command)}, slot: false }\n`,
  );
  return audit;
}

test("a login that is refused ends the run with one message, and without a second try", async () => {
  const audit = await audited({ warehouse: { password: "another-canary" } });
  const end = await audit.run();
  expect(end).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining("the password of user 'auditor' is refused"),
  });
  expect(end.stderr).not.toContain("another-canary");
  expect(end.stderr).not.toContain("export retried");
});

test("a relation that may not be read is told with its GRANT, and is read once it is given; the rest is not done again", async () => {
  const audit = await withAgent();
  await server.run("small", ["revoke select on failures.late_bid from auditor"]);
  const end = await audit.run();
  expect(end, end.stderr).toMatchObject({ exitCode: 3 });
  const grant = 'GRANT SELECT ON "failures"."late_bid" TO "auditor";';
  expect(end.stdout).toContain(
    "1 failing test could not be looked at: late_bid (role auditor may not read failures.late_bid",
  );
  expect(end.stdout).toContain(grant);
  expect(await audit.read(".audit/full-report.md")).toContain("role auditor may not read failures.late_bid");
  expect(Object.keys(await reportedCases(audit))).toHaveLength(3);
  const before = await calls(audit);
  await server.run("small", [grant]);
  const again = await audit.run();
  expect(again, again.stderr).toMatchObject({ exitCode: 0 });
  expect(again.stdout).not.toContain("could not be looked at");
  const added = (await calls(audit)).filter((call) => !before.includes(call));
  expect(added).toEqual(["TX: late_bid@TX", "VA: late_bid@VA"]);
  expect(Object.keys(await reportedCases(audit))).toHaveLength(5);
});

test("a table that is dropped between export and investigation fails those that need it, and no other", async () => {
  const audit = await withAgent();
  expect(await audit.run("run", "export")).toMatchObject({ exitCode: 0 });
  await server.run("small", ["drop table failures.late_bid"]);
  const end = await audit.run();
  expect(end.exitCode).toBe(3);
  expect(end.stdout).toContain("investigate:TX failed");
  expect(end.stdout).toContain('relation "failures.late_bid" does not exist');
  expect(end.stdout).toContain("Run dbt, so that it is there again, then `audit-run`");
  expect(end.stdout).toContain("To run what is missing: npx audit-run\n");
  const found = Object.entries(await reportedCases(audit)).filter(([, { status }]) => status === "found");
  expect(found.map(([id]) => id).sort()).toEqual([
    "it's an; odd vendor@'; drop table bids; --",
    "it's an; odd vendor@(null)",
    "it's an; odd vendor@VA",
  ]);
});

test("a server that goes away while agents work fails what it was to answer; the next run goes on from there", async () => {
  const audit = await withAgent(
    "while (!existsSync(new URL('go', import.meta.url))) await new Promise((resolve) => setTimeout(resolve, 20)); answer(cases);",
  );
  const running = audit.start();
  await running.says("investigate:TX started");
  await server.run("postgres", ["alter role auditor nologin"]);
  await server.rows("postgres", "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'auditor'");
  await audit.write("go", "");
  const end = await running.ended;
  expect(end.exitCode).toBe(3);
  expect(end.stdout).toMatch(/investigate:\S+ failed: .*(not let in|is not permitted to log in)/);
  await server.run("postgres", ["alter role auditor login"]);
  const again = await audit.run();
  expect(again, again.stderr).toMatchObject({ exitCode: 0 });
  expect(Object.keys(await reportedCases(audit))).toHaveLength(5);
});
