// What is refused before anything is claimed: whom a name cannot stand for, and leases that block a task for ever.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openCoordination } from "../../src/audit/coordination.js";
import { publish } from "../../src/execution/catalogue.js";
import type { Config } from "../../src/model/config.js";
import { publishedTask } from "../rig/claims.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "audit-run-coordination-"));
  const described = { project: "small", created: "2026-02-03", run: "run", order: ["VA"], tests: {} };
  await publish(join(dir, "claims"), { ...described, tasks: [publishedTask("VA")] }, null, new Map());
});
afterEach(() => rm(dir, { recursive: true }));

const config = () => ({ dir, categories: [] }) as Partial<Config> as Config;
const opened = () =>
  openCoordination(
    config(),
    () => new Date(1_770_000_000_000),
    () => undefined,
  );
const week = 7 * 86_400_000;
const usage = { ok: false, failure: { code: "usage" } };

test("an owner is a name that can be printed", async () => {
  const { claim } = await opened();
  for (const owner of ["", "  ", "a\nb", "a\u001b[31m", "a\u2028b", "a\u202eb", "x".repeat(101)])
    expect(await claim({ owner, lease: 1000 }), JSON.stringify(owner)).toMatchObject(usage);
  expect((await readdir(join(dir, "claims"))).filter((name) => name.startsWith("VA"))).toEqual([]);
  expect(await claim({ owner: "Zoë's agent #7 🐳", lease: 1000 })).toMatchObject({ ok: true, value: { task: "VA" } });
});

test("a lease is at most a week, also when it is prolonged", async () => {
  const { claim, heartbeat } = await opened();
  for (const lease of [0, week + 1, Number.POSITIVE_INFINITY, Number.NaN])
    expect(await claim({ owner: "a", lease })).toMatchObject(usage);
  expect(await claim({ owner: "a", lease: week })).toMatchObject({ ok: true, value: { token: 1 } });
  expect(await heartbeat({ task: "VA", token: 1, lease: week + 1 })).toMatchObject(usage);
  expect(await heartbeat({ task: "VA", token: 1, lease: week })).toMatchObject({ ok: true, value: { held: true } });
  expect(await heartbeat({ task: "VA", token: 1 })).toMatchObject({ ok: true, value: { held: true } });
});
