/**
 * The doing half of an admission: runs the queries and looks for the files that findings/admit.ts asks about,
 * then commits what was admitted. A finding is durable before anybody hears that it was admitted.
 */
import { type AdmissionContext, admit, type Decision } from "../findings/admit.js";
import { resultDigest } from "../findings/claims.js";
import type { Admission } from "../model/agent.js";
import type { Case } from "../model/case.js";
import { digestOf } from "../model/digest.js";
import type { Finding, Objection } from "../model/finding.js";
import type { Facts, Parts, Trace } from "../model/graph.js";
import type { Isolation } from "../model/isolation.js";
import { type Failure, type FailureCode, ok } from "../model/result.js";
import type { Query, QueryResult } from "../model/warehouse.js";
import { type Redactor, redactStrings } from "../support/redact.js";
import { fileDigest, fileInside } from "../support/repo-files.js";
import { maskColumns } from "./mask.js";
import type { Session } from "./session.js";

export interface AdmissionDesk {
  /**
   * Takes one draft; concurrent drafts are taken one after the other. One that has not been begun when `signal` aborts is
   * not taken: no objection, no failure. @param took default: the time since the last one.
   */
  submit(draft: unknown, took?: number, signal?: AbortSignal): Promise<Admission>;
  /** Resolves when all drafts are dealt with: an agent may end before what it has handed in is looked at. */
  idle(): Promise<void>;
  /** Notes US dollars that the agent has spent. */
  spent(cost: number): void;
  /** What the agent says of itself, for the provenance of what comes from here on. */
  started(program: { readonly version: string; readonly model: string | null }): void;
  /** At the end: records what was spent, in equal shares, with the findings that it was spent for. */
  settle(): Promise<void>;
  /** Takes text that is no draft at all. */
  reject(text: string, objection: Objection): void;
  readonly answered: ReadonlySet<string>;
  /** What was wrong since the last `newRound`. */
  readonly objections: readonly Objection[];
  /** The last refused answer of a case, by case id; `""` holds what named no case. */
  readonly refused: ReadonlyMap<string, string>;
  /** Set when the world refused: the agent is not to blame, and asking it again is no use. */
  readonly failure: Failure | null;
  /** The last query since the last `newRound` that reads a relation which is not there. */
  readonly missing: Failure | null;
  newRound(): void;
}

/** Path that stands for an observed file among a trace's parts. */
export function observedFile(repo: string, file: string): string {
  return `file:${repo}/${file}`;
}

/** Name of a cited query among a trace's observed inputs. */
export function observedQuery(sql: string): string {
  return `query:${digestOf(sql).slice(0, 32)}`;
}

/** A result as it is stored and shown; its digest is the one to compare later results with. */
export function shownResult(
  result: QueryResult,
  { config, redactValues }: Pick<Session, "config" | "redactValues">,
): QueryResult {
  const masked = maskColumns(result, config.redactColumns);
  return { ...masked, rows: redactStrings(masked.rows, redactValues) };
}

/**
 * Texts of a draft that are compared with names of ours, so that no secret gets through in them, and queries, which must
 * run as they were written: a variable may hold the name of a schema.
 */
const checkedNames = new Set(["test", "group", "classification", "confidence", "repo", "file", "sql", "query_id"]);

/** Nobody reads more, and an agent may be wrong without end. */
const mostObjections = 200;

export function openDesk(options: {
  readonly session: Session;
  readonly node: string;
  readonly cases: readonly Case[];
  readonly partsOf: (item: Case) => Parts;
  readonly factsOf: (item: Case) => Facts;
  readonly query: Query;
  /** Name → absolute root in the user's own tree. */
  readonly repos: Readonly<Record<string, string>>;
  /** SQL of the queries that findings may cite by their query_id. Default: there are none. */
  readonly sqlOf?: (queryId: string) => string | null;
  /** Who answers, where that is not the audit's own agent. */
  readonly answeredBy?: string;
  /** How the agent is kept to its task, where a run has started it. */
  readonly isolation?: Isolation;
}): AdmissionDesk {
  const { session, query, repos } = options;
  const answered = new Set<string>();
  const refused = new Map<string, string>();
  let objections: Objection[] = [];
  let failure: Failure | null = null;
  let missing: Failure | null = null;
  const committed: { readonly trace: Omit<Trace, "output">; readonly finding: Finding }[] = [];
  let owed = 0;
  let lastAt = session.now().getTime();
  let queue: Promise<unknown> = Promise.resolve();
  let program: { readonly version: string; readonly model: string | null } | null = null;

  // Claims are checked against what will be shown: an objection would tell a hidden value otherwise.
  const shown: Query = async (sql) => {
    const result = await query(sql);
    if (!result.ok && result.failure.code === "relation-missing") missing = result.failure;
    // What the warehouse refuses with becomes an objection, which agents and people read.
    return result.ok ? ok(shownResult(result.value, session)) : redactStrings(result, session.redact);
  };

  /** An agent answers case by case, so the time since the last answer is what this one took. */
  const sinceLast = (): number => {
    const before = lastAt;
    lastAt = session.now().getTime();
    return Math.max(0, lastAt - before);
  };

  /** Of each case the last answer counts, since an agent with tools corrects itself until it is accepted. */
  const refuse = (draft: unknown, found: readonly Objection[]): Admission => {
    const own = found[0]?.case ?? null;
    // Handed in by a tool, and once more in the answer at the end: nothing to ask again for.
    if (own !== null && answered.has(own)) return { admitted: false, objections: found };
    const others = objections.filter((objection) => objection.case === null || objection.case !== own);
    objections = [...others, ...found].slice(-mostObjections);
    refused.set(found[0]?.case ?? "", text(draft));
    return { admitted: false, objections: found };
  };

  const take = async (draft: unknown, took: number | undefined): Promise<Admission> => {
    const context: AdmissionContext = {
      cases: options.cases,
      answered,
      categories: session.config.categories,
      exceptions: session.exceptions,
      today: session.run.startedAt.toISOString().slice(0, 10),
      repos: Object.keys(repos),
      templateWords: [],
      ...(options.sqlOf === undefined ? {} : { sqlOf: options.sqlOf }),
      provenance: {
        agent: options.answeredBy ?? session.agent.id,
        model: session.agent.model,
        ...(options.isolation === undefined ? {} : { isolation: options.isolation }),
        run: session.run.id,
        at: session.now().toISOString(),
      },
    };
    const decision = await decide(redactStrings(draft, session.redactValues, checkedNames), context);
    if (decision.kind === "rejected") return refuse(draft, decision.objections);
    if (decision.kind === "failed") {
      failure = decision.failure;
      return { admitted: false, objections: [] };
    }
    await commit(withProvenance(withoutValues(decision.finding, session.redactValues)), took);
    return { admitted: true };
  };

  /** The model that this test is given to; where the config names none, the one that the program says it took. */
  const withProvenance = (finding: Finding): Finding => {
    if (options.answeredBy !== undefined) return { ...finding, provenance: { ...finding.provenance, model: null } };
    const { model } = session.agent.variantOf?.(finding.test) ?? session.agent;
    const provenance = {
      ...finding.provenance,
      model: model ?? program?.model ?? null,
      ...(program === null ? {} : { program: program.version }),
    };
    return { ...finding, provenance };
  };

  const decide = async (draft: unknown, context: AdmissionContext): Promise<Decision> => {
    const admission = admit(draft, context);
    if (admission.kind !== "needs-queries") return admission;
    const results = [];
    for (const sql of admission.sqls) results.push(await shown(sql));
    const files = await Promise.all(
      admission.files.map(async ({ repo, file }) => (await fileInside(repos[repo] ?? "", file)) !== null),
    );
    return admission.decide({ results, files });
  };

  const commit = async (finding: Finding, took: number | undefined): Promise<void> => {
    const subject = options.cases.find(({ id }) => id === finding.case);
    if (subject === undefined) throw new Error(`BUG: a finding for ${finding.case}, which is not in the task`);
    const parts = options.partsOf(subject);
    const trace = {
      subject: finding.case,
      fingerprint: digestOf(parts),
      parts,
      facts: options.factsOf(subject),
      took: took ?? sinceLast(),
      ...(session.progress.data === null ? {} : { data: session.progress.data }),
      observed: { ...(await observedFiles(finding, repos)), ...(await observedQueries(finding, shown)) },
      run: session.run.id,
      at: finding.provenance.at,
    };
    await session.traces.commit(trace, finding);
    committed.push({ trace, finding });
    answered.add(finding.case);
    refused.delete(finding.case);
    objections = objections.filter((objection) => objection.case !== finding.case);
    session.progress.findings.set(finding.case, { finding, reused: false });
    const { classification } = finding;
    session.emit({ type: "finding", node: options.node, case: finding.case, classification, reused: false });
  };

  return {
    answered,
    refused,
    get objections() {
      return objections;
    },
    get failure() {
      return failure;
    },
    get missing() {
      return missing;
    },
    submit(draft, took, signal) {
      const taken = queue.then(() => {
        return signal?.aborted ? { admitted: false, objections: [] } : take(draft, took);
      });
      queue = taken.catch(() => undefined);
      return taken;
    },
    async idle() {
      for (let last = null; last !== queue; ) {
        last = queue;
        await last;
      }
    },
    reject(answer, objection) {
      refuse(answer, [objection]);
    },
    started(told) {
      program = told;
    },
    spent(cost) {
      owed += cost;
    },
    async settle() {
      // Most agents tell their cost when they end, long after their findings were made durable: they are written again.
      const cost = owed / committed.length;
      if (owed > 0)
        for (const { trace, finding } of committed) await session.traces.commit({ ...trace, cost }, finding);
    },
    newRound() {
      objections = [];
      missing = null;
    },
  };
}

/** The queries have run as they were written; what is kept of them is what may be shown. */
function withoutValues(finding: Finding, redact: Redactor): Finding {
  return { ...finding, evidence: finding.evidence.map((each) => ({ ...each, sql: redact(each.sql) })) };
}

/** dbt's own files are parts of the fingerprint already, resource by resource; other repositories only where cited. */
async function observedFiles(finding: Finding, repos: Readonly<Record<string, string>>): Promise<Parts> {
  const observed: Record<string, string> = {};
  for (const { repo = "dbt", file } of finding.locations) {
    if (repo === "dbt") continue;
    const digest = await fileDigest(repos[repo] ?? "", file);
    if (digest !== null) observed[observedFile(repo, file)] = digest;
  }
  return observed;
}

/**
 * Results that come out the same when the query is run once more: a later run looks whether they still do. A query with a
 * result of chance (a `limit` without an order, say) would reopen its case each time, and says nothing when it differs. Nor
 * does one that lost a value to redaction. One that the world keeps from running again is looked at later all the same:
 * otherwise no change of the data would ever reopen its case.
 */
async function observedQueries(finding: Finding, shown: Query): Promise<Parts> {
  const observed: Record<string, string> = {};
  for (const { sql, resultDigest: recorded } of finding.evidence) {
    const again = await shown(sql);
    const isSame = again.ok ? resultDigest(again.value) === recorded : worldRefused.has(again.failure.code);
    if (isSame) observed[observedQuery(sql)] = recorded;
  }
  return observed;
}

/** What says nothing of the query itself. */
const worldRefused: ReadonlySet<FailureCode> = new Set([
  "aborted",
  "grant-missing",
  "query-timeout",
  "warehouse-auth",
  "warehouse-unreachable",
]);

/** Kept for a person to read; an answer may be anything. */
function text(draft: unknown): string {
  const answer = typeof draft === "string" ? draft : (JSON.stringify(draft, null, 2) ?? String(draft));
  return answer.slice(0, 20_000);
}
