/**
 * What would fail if something upstream were otherwise: one SELECT, in which the changed relations and all that reads them are
 * computed anew. By the test's rule and by group where the rule is known; else the test's own SQL, as a whole.
 * Nothing is written. Knows no rules of the walk.
 */
import type { Resource } from "../model/project.js";
import type { Cell } from "../model/warehouse.js";
import { firstWitnesses } from "./first-witnesses.js";
import { bodyOf, type Changes, type Recomputed, recompute, withNames } from "./recompute.js";
import { find } from "./shape.js";
import { type Subject, subjectOf } from "./subject.js";
import type { WalkRequest } from "./walk.js";
import { byGroup, statement } from "./witnesses.js";
import { type Answers, Workspace } from "./workspace.js";

/** Longer SQL is no evidence that a person would read. */
const longest = 60_000;

export interface Failing {
  readonly sql: string;
  /** Failing rows by group; under null alone where a trial cannot tell groups apart. */
  readonly counts: ReadonlyMap<Cell, number>;
}

export class Trials {
  readonly workspace: Workspace;
  /** Null where the test's rule is not known. */
  readonly subject: Subject | null;
  readonly test: Resource;
  /** What the test reads. */
  readonly targets: readonly Resource[];
  readonly isGrouped: boolean;
  readonly #request: WalkRequest;
  readonly #answers: Answers;
  readonly #group: string | null;

  /** Null where the manifest does not know the test. */
  static async open(given: WalkRequest, answers: Answers): Promise<Trials | null> {
    const test = given.project.resources.get(given.test);
    if (test === undefined) return null;
    const found = subjectOf(given);
    const known = typeof found === "string" ? null : found;
    const request = known === null ? given : { ...given, project: known.project, parts: known.parts };
    const workspace = new Workspace({ ...request, answers });
    const { groupColumn } = request.failingRows;
    const columns = known === null ? null : await workspace.columns(known.tested);
    const group = groupColumn === null ? undefined : find(columns ?? [], groupColumn)?.name;
    // A group column that the relation lacks came with the rows of export, which a change does not reach.
    const subject = groupColumn !== null && group === undefined ? null : known;
    return new Trials(request, answers, workspace, test, subject, group ?? null);
  }

  private constructor(
    request: WalkRequest,
    answers: Answers,
    workspace: Workspace,
    test: Resource,
    subject: Subject | null,
    group: string | null,
  ) {
    this.#request = request;
    this.#answers = answers;
    this.workspace = workspace;
    this.test = test;
    this.subject = subject;
    this.#group = group;
    this.isGrouped = subject !== null && request.failingRows.groupColumn !== null;
    const { resources } = request.project;
    const reads = test.dependsOn.flatMap((id) => resources.get(id) ?? []);
    const to = subject?.check.kind === "reference" ? resources.get(subject.check.to) : undefined;
    this.targets = subject === null ? reads : [subject.tested, ...(to === undefined ? [] : [to])];
  }

  /** Null where it cannot be computed. */
  async failing(changes: Changes, definition: Resource = this.test): Promise<Failing | null> {
    const made: Recomputed | string =
      changes.size === 0 ? { ctes: [], names: new Map() } : recompute(this.workspace, changes, this.targets);
    if (typeof made === "string") return null;
    const sql =
      this.subject === null || definition !== this.test
        ? this.#bySql(definition, made)
        : await this.#byRule(this.subject, made);
    if (sql === null || sql.length > longest) return null;
    const answer = await this.workspace.query(sql);
    if (!answer.ok) return null;
    return { sql, counts: new Map([...byGroup(answer.value.rows)].map(([key, [count = 0]]) => [key, count])) };
  }

  /** Rows of the group that fail; 0 where it has none any more. */
  countOf({ counts }: Failing, key: Cell): number {
    return counts.get(this.isGrouped ? key : null) ?? 0;
  }

  /** One number that anyone can compute again: 0 where nothing fails. */
  evidence({ sql }: Failing, key: Cell): string {
    const { dialect } = this.workspace;
    const group = this.isGrouped ? key : null;
    const where = group === null ? "w.group_key is null" : `w.group_key = ${dialect.literal(group)}`;
    return `select coalesce(sum(w.failing), 0) as failing from (\n${sql}\n) as w where ${where}`;
  }

  async #byRule(subject: Subject, made: Recomputed): Promise<string | null> {
    const changed = new Workspace({ ...this.#request, answers: this.#answers, names: made.names });
    const from = changed.from(subject.tested);
    const rows = from === null ? null : await firstWitnesses(changed, subject, from, this.#group);
    if (rows === null) return null;
    const where = rows.where === null ? "" : ` where ${rows.where}`;
    return statement(
      [...made.ctes, ...rows.ctes],
      `select ${rows.group} as group_key, count(*) as failing from ${rows.from}${where} group by 1`,
    );
  }

  #bySql(definition: Resource, made: Recomputed): string | null {
    const sql = bodyOf({ ...definition, type: "model" });
    if (sql === null) return null;
    const text = withNames(this.workspace, this.test, sql, made.names);
    const none = this.workspace.dialect.toText("null");
    return statement(
      [...made.ctes, `audit_test as (\n${text}\n)`],
      `select ${none} as group_key, count(*) as failing from audit_test`,
    );
  }
}
