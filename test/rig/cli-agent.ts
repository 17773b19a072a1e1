/**
 * Plays one task with a real coding agent's program against the stand-in of its model's service: scrubbed environment, a
 * home of its own, a dummy key, and a proxy that lets nothing out of the machine and tells what wanted to.
 */
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  AgentActivity,
  AgentAdapter,
  AgentOutcome,
  InvestigationRequest,
  Investigator,
} from "../../src/model/agent.js";
import type { FindingDraft, Objection } from "../../src/model/finding.js";
import { ok, type Result } from "../../src/model/result.js";
import { createRedactor } from "../../src/support/redact.js";
import { type ModelStub, type Script, startModelStub } from "./model-stub/index.js";
import { requestFor } from "./request.js";
import { root } from "./small-audit.js";
import { type RigToolServer, startToolServer } from "./tool-server.js";

/** Where scripts/setup-test-parts.mjs puts the real programs. */
export const programs = join(root, ".test-tools/agents/bin");

export const dummyKey = "sk-ant-dummy-key-of-a-test";

export interface Stage {
  readonly stub: ModelStub;
  readonly home: string;
  /** The checkout that the agent works in. */
  readonly checkout: string;
  readonly folder: string;
  /** What the programs are told to put temporary files into. */
  readonly temporary: string;
  readonly env: Readonly<Record<string, string>>;
  /** What a program wanted of the world beyond this machine. It got none of it. */
  readonly escapes: readonly string[];
  close(): Promise<void>;
}

export async function openStage(script: Script, more: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), "audit cli "));
  const [home, checkout] = [join(folder, "home"), join(folder, "checkout")];
  await mkdir(home);
  await mkdir(checkout);
  const temporary = join(folder, "tmp");
  await mkdir(temporary);
  const stub = await startModelStub(script);
  const proxy = await startProxy();
  const env = {
    HOME: home,
    PATH: `${programs}:/usr/bin:/bin`,
    TMPDIR: temporary,
    HTTPS_PROXY: proxy.url,
    HTTP_PROXY: proxy.url,
    NO_PROXY: "127.0.0.1",
    ANTHROPIC_BASE_URL: stub.url,
    ANTHROPIC_API_KEY: dummyKey,
    OPENAI_BASE_URL: `${stub.url}/v1`,
    CODEX_API_KEY: dummyKey,
    SNOWFLAKE_PASSWORD: "canary-of-the-warehouse",
    ...more,
  };
  return {
    stub,
    home,
    checkout,
    folder,
    temporary,
    env,
    escapes: proxy.asked,
    async close() {
      await stub.close();
      await proxy.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A proxy that lets nothing through, and remembers what was wanted. */
async function startProxy(): Promise<{ url: string; asked: readonly string[]; close(): Promise<void> }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(403).end();
  });
  server.on("connect", (request, socket) => {
    // Whoever is ended hangs up as it likes.
    socket.on("error", () => undefined);
    asked.push(`CONNECT ${request.url}`);
    socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${port}`, asked, close };
}

export interface Played {
  /** `ok`, or the failure's code. */
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly outcomes: readonly AgentOutcome[];
  readonly activities: readonly AgentActivity[];
  readonly drafts: readonly FindingDraft[];
  readonly rejected: readonly { readonly text: string; readonly objection: Objection }[];
  readonly logDir: string;
}

/** Hands a draft in as the desk would: null admits it, text objects. */
export type Desk = (draft: FindingDraft) => string | null;

export interface Player {
  readonly agent: Investigator;
  ask(more?: Partial<InvestigationRequest>): Promise<Played>;
  readonly tools: RigToolServer | null;
}

/** An agent that is asked for the cases `ids`; the drafts that were admitted stay admitted between its questions. */
export async function player(
  adapter: AgentAdapter,
  stage: Stage,
  ids: readonly string[],
  options: {
    readonly settings?: Record<string, unknown>;
    readonly desk?: Desk;
    readonly tools?: boolean | "down";
  } = {},
): Promise<Player> {
  const { settings = {}, desk = () => null, tools: withTools = false } = options;
  const made = await adapter.create(adapter.settings.parse({ attempts: 1, ...settings }), {
    baseDir: stage.folder,
    env: stage.env,
    redact: createRedactor([]),
  });
  if (!made.ok) throw new Error(made.failure.message);
  const answered = new Set<string>();
  let drafts: FindingDraft[] = [];
  const submit = async (draft: FindingDraft) => {
    drafts.push(draft);
    const id = `${draft.test}@${draft.group}`;
    const wrong = desk(draft);
    if (wrong === null) answered.add(id);
    return wrong === null
      ? ({ admitted: true } as const)
      : ({ admitted: false, objections: [{ case: id, code: "count-differs", message: wrong }] } as const);
  };
  const server =
    withTools === false
      ? null
      : await startToolServer(async (name, args) => {
          if (name !== "submit_finding") return "nothing";
          return JSON.stringify(await submit(args as FindingDraft));
        });
  if (withTools === "down") await server?.close();
  // The server is shared by all questions here, so closing it once more is nothing.
  const tools =
    server === null ? null : async (): Promise<Result<RigToolServer>> => ok({ ...server, close: async () => {} });
  return {
    agent: made.value,
    tools: server,
    async ask(more = {}) {
      drafts = [];
      const activities: AgentActivity[] = [];
      const rejected: { text: string; objection: Objection }[] = [];
      const logDir = join(stage.folder, "run");
      const base = requestFor(ids);
      const cases = base.cases.filter(({ id }) => !answered.has(id));
      const result = await made.value.investigate({
        ...base,
        cases,
        checkouts: { dbt: stage.checkout },
        evidenceDir: stage.checkout,
        logDir,
        submit,
        unanswered: () => cases.filter(({ id }) => !answered.has(id)),
        reject: (text, objection) => rejected.push({ text, objection }),
        onActivity: (activity) => activities.push(activity),
        tools,
        ...more,
      });
      const outcomes = activities.flatMap((each) => (each.type === "ended" ? [each.outcome] : []));
      const failure = result.ok ? { code: "ok", message: "", hint: "" } : { hint: "", ...result.failure };
      const { code, message, hint = "" } = failure;
      return { code, message, hint, outcomes, activities, drafts, rejected, logDir };
    },
  };
}

/** A draft that the schema takes. */
export function draftFor(id: string, more: Partial<FindingDraft> = {}): FindingDraft {
  const [test = "", group = ""] = id.split("@");
  return {
    test,
    group,
    classification: "needs_fix",
    confidence: "high",
    root_cause: "The join loses the vendor.",
    recommendation: "Join by vendor_id.",
    evidence: [{ sql: "select 1" }],
    ...more,
  };
}

/** Text of every file below a folder, by path. */
export async function textsBelow(folder: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(await Promise.all(files.map(async (file) => [file, await readFile(file, "latin1")] as const)));
}

/** Numbers of the processes that have this stage's home: those of its agents, whoever their parent is. Linux only. */
export async function processesOf(stage: Stage): Promise<readonly number[]> {
  const found: number[] = [];
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const environ = await readFile(`/proc/${entry}/environ`, "utf8").catch(() => "");
    if (environ.split("\0").includes(`HOME=${stage.home}`)) found.push(Number(entry));
  }
  return found;
}
