/**
 * A warehouse that tells its secrets in all that it says, in every form: nothing of it is in a file of the audit, on the
 * terminal, in JSON, in a prompt or in a crash. The real adapters and programs are in test/long/canaries.test.ts.
 */

import { join } from "node:path";
import { Writable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { duckdb } from "../../src/adapters/warehouses/duckdb.js";
import { examine } from "../../src/audit/doctor.js";
import { summaryOf } from "../../src/audit/end-summary.js";
import { type AuditRequest, loadAudit, type Registries } from "../../src/audit/load.js";
import { openAudit } from "../../src/audit/open.js";
import { planAudit } from "../../src/audit/plan.js";
import { promptsOf } from "../../src/audit/prompt.js";
import { runAudit } from "../../src/audit/run.js";
import { registries as real } from "../../src/audit.js";
import { doctorText } from "../../src/commands/doctor.js";
import { runJson, runText } from "../../src/commands/run-text.js";
import { failed, ok } from "../../src/model/result.js";
import type { Cell, Query, Warehouse, WarehouseAdapter } from "../../src/model/warehouse.js";
import { createTerminalView } from "../../src/reporters/terminal/index.js";
import { createCrashRedactor } from "../../src/support/redact.js";
import { canaryKey, canarySecret, echoOf, sung, textsIn } from "../rig/canaries.js";
import { type AuditFolder, agentProgram, auditFolder, setFailures } from "../rig/small-audit.js";

const fields = ["password", "token", "privateKey", "privateKeyPassphrase", "oauthClientSecret"] as const;
const secrets: Readonly<Record<string, string>> = {
  ...Object.fromEntries(fields.map((field) => [field, canarySecret(field)])),
  privateKey: canaryKey,
};
const echo = echoOf(Object.values(secrets));
/** As values of a table, which are cut where they are long. */
const parts = echo.split("\n").filter((line) => line.length < 400);

type Mood = (typeof moods)[number];

/** DuckDB, but for what it says besides. */
function talkative(mood: Mood): WarehouseAdapter<Record<string, string>> {
  let told = 0;
  const query =
    (own: Query): Query =>
    async (sql, options) => {
      if (mood === "cannot answer") return failed("query-failed", `no: ${echo}`, { hint: echo, detail: echo });
      const result = await own(sql, options);
      if (!result.ok || mood !== "answers with it") return result;
      const rows = result.value.rows.map((row) =>
        row.map((cell): Cell => cell ?? parts[told++ % parts.length] ?? null),
      );
      return ok({ ...result.value, rows });
    };
  return {
    id: "talkative",
    settings: z.strictObject(Object.fromEntries(["path", ...fields].map((field) => [field, z.string()]))),
    async open(settings, context) {
      if (mood === "cannot open") return failed("query-failed", `no: ${echo}`, { hint: echo, detail: echo });
      if (mood === "throws it") throw new Error(echo);
      const opened = await duckdb.open({ path: settings.path ?? "" }, context);
      return opened.ok ? ok<Warehouse>({ ...opened.value, query: query(opened.value.query) }) : opened;
    },
    fromProfile: ({ type: _, ...fields }) => ok(fields),
    secrets: (settings) => fields.flatMap((field) => settings[field] ?? []),
  };
}

let audit: AuditFolder;
beforeEach(async () => {
  audit = await auditFolder();
  await setFailures(audit, { late: [["VA", 2]] });
});
afterEach(() => audit.remove());

const env: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(secrets).map(([field, secret]) => [`FAR_${field.toUpperCase()}`, secret]),
);

/** The secrets as they are written into a file: by variables, or as they are. */
const sources: Readonly<Record<string, (write: Writes) => Promise<unknown>>> = {
  "the config, by variables": ({ configure }) =>
    configure({ use: "talkative", path: "small.duckdb", ...named((variable) => `\${${variable}}`) }),
  "the config, as they are": ({ configure }) => configure({ use: "talkative", path: "small.duckdb", ...secrets }),
  "dbt's profile, by variables": async ({ configure, profile }) => {
    await profile(named((variable) => `{{ env_var('${variable}') }}`));
    await configure(undefined);
  },
  "dbt's profile, as they are": async ({ configure, profile }) => {
    await profile(secrets);
    await configure(undefined);
  },
};

interface Writes {
  configure(warehouse: Readonly<Record<string, string>> | undefined): Promise<void>;
  profile(fields: Readonly<Record<string, string>>): Promise<void>;
}

function named(text: (variable: string) => string): Readonly<Record<string, string>> {
  return Object.fromEntries(fields.map((field) => [field, text(`FAR_${field.toUpperCase()}`)]));
}

async function prepare(source: string): Promise<void> {
  const agent = await agentProgram(audit);
  await sources[source]?.({
    configure: (warehouse) => audit.configure({ warehouse, agent }),
    async profile(output) {
      const all = { type: "talkative", path: join(audit.folder, "small.duckdb"), ...output };
      await audit.write("project/dbt_project.yml", "name: small\nprofile: small\n");
      await audit.write("project/profiles.yml", JSON.stringify({ small: { outputs: { default: all } } }));
    },
  });
}

/** All that is printed and kept of all that a person may do, and of a crash. */
async function told(mood: Mood): Promise<Record<string, string>> {
  const registries: Registries = { ...real, warehouses: { talkative: talkative(mood) as WarehouseAdapter } };
  const request: AuditRequest = {
    ...{ configFile: join(audit.folder, "audit.config.yaml"), cwd: audit.folder, argv: [], program: [], version: "0" },
    env: { PATH: process.env.PATH, HOME: audit.folder, ...env },
    ...{ now: () => new Date(), signal: new AbortController().signal, targets: [] },
    ...{ selection: { groups: [], tests: [] }, failFast: false, retry: false, failOn: null, strategy: null },
  };
  const texts: Record<string, string> = {};
  /** As cli.ts tells it. */
  const crashed = (error: unknown): void => {
    texts.crash = createCrashRedactor(request.env)(String((error as Error).stack));
  };
  const load = async () => {
    const loaded = await loadAudit(request, registries);
    if ("diagnostics" in loaded) throw new Error(JSON.stringify(loaded));
    return loaded;
  };
  let screen = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      screen += chunk;
      done();
    },
  });
  const view = createTerminalView({ renderer: "plain", stream: stream as never, environment: {} });
  const opened = await openAudit(await load(), registries, view);
  if ("diagnostics" in opened) throw new Error(JSON.stringify(opened));
  const end = await runAudit(opened).catch(crashed);
  if (end !== undefined) {
    const shown = { ...end, summary: end.report === null ? null : summaryOf(end.report) };
    Object.assign(texts, { text: runText(shown), json: JSON.stringify(runJson(shown)), report: JSON.stringify(end) });
  }
  texts.screen = screen;
  const planned = await planAudit(await load()).catch(crashed);
  const { loaded: _, ...plan } = planned !== undefined && "plan" in planned ? planned : { loaded: null };
  texts.plan = JSON.stringify(plan);
  texts.prompt = JSON.stringify(await promptsOf(await load(), registries, "VA").catch(crashed));
  const diagnosis = await examine(request, registries).catch(crashed);
  texts.doctor = diagnosis === undefined ? "" : `${doctorText(diagnosis.lines)}\n${JSON.stringify(diagnosis)}`;
  return { ...texts, ...(await textsIn(join(audit.folder, ".audit"))) };
}

test("the search finds a canary in every form in which a warehouse may tell it", () => {
  const forms = echo.split("\n").filter((line) => !/^-----|^\S*-----|^"?}?$|^ /.test(line) && line.length > 12);
  expect(sung({ echo }).length).toBeGreaterThan(forms.length * 0.9);
});

const moods = ["cannot open", "cannot answer", "answers with it", "throws it"] as const;
const bySources = Object.keys(sources).map((source) => ["cannot open", source] as const);
const byMoods = moods.slice(1).map((mood) => [mood, "dbt's profile, by variables"] as const);

test.each([...bySources, ...byMoods])(
  "a warehouse that %s tells nobody its secrets out of %s",
  async (mood, source) => {
    await prepare(source);
    const texts = await told(mood);
    expect(sung(texts)).toEqual([]);
    const all = Object.values(texts).join("\n");
    // It did say something, and that was kept.
    expect(all).toContain("[redacted]");
    if (mood === "answers with it") expect(texts.report, texts.crash).toContain('"status":"found"');
  },
  60_000,
);
