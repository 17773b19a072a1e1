/**
 * A case: one failing test in one group, the unit of reuse and of findings. And what `export` says of all cases.
 * Knows nothing of tasks, agents or slots.
 */
import type { Relation } from "./project.js";

/**
 * One value of the groupBy column. `key` is unique and stable:
 * the value itself; `(null)`, `(empty)`, `(all)` for the three that have no text;
 * a value that starts with `(` or `"` is written as a JSON string, so that no row can pretend to be one of them.
 */
export interface Group {
  readonly kind: "value" | "null" | "empty" | "all";
  readonly key: string;
  /** The raw text, for binding in SQL; null for `null` and `all`. */
  readonly value: string | null;
}

/** A dbt test as the audit sees it. */
export interface TestRef {
  /** dbt's unique_id; where only a summary table exists and the manifest knows no such test: `summary.<name>`. */
  readonly id: string;
  /** Name shown and used in results; unique within an audit (package-qualified where two packages share one). */
  readonly name: string;
  readonly kind: string;
  readonly severity: "error" | "warn";
  readonly attachedTo: string | null;
  /** Path relative to the dbt project's root. */
  readonly file: string | null;
  readonly description: string;
}

/** SQL that gives failing rows, with the group column where there is one. Built by `export`, run by anyone later. */
export interface FailingRows {
  /** A SELECT without trailing semicolon, over all groups. */
  readonly sql: string;
  /** Name of the group column in that SELECT; null where the test could not be split. */
  readonly groupColumn: string | null;
  /** `stored`: the failures table as it is; `joined`: joined back to the tested model; `compiled`: the test's own SQL. */
  readonly source: "stored" | "joined" | "compiled";
  /** The stored failures table, where there is one. */
  readonly relation: Relation | null;
}

export interface Case {
  /** `<test name>@<group key>`; unique within an audit. */
  readonly id: string;
  readonly test: TestRef;
  readonly group: Group;
  /** In dbt's own unit for this test: rows of its failure query that belong to this group. */
  readonly failures: number;
  /** Rows of the tested relation that these failures touch; differs from `failures` for unique and accepted_values. */
  readonly rows: number;
  /** Digest of the failing rows of this group, free of order and of digest.ignore columns. */
  readonly rowsDigest: string;
  readonly failingRows: FailingRows;
}

export interface UnsplitTest {
  readonly test: string;
  readonly reason: string;
  /** The warehouse kept it from being split, for want of a right or of the tested relation, say: it may not the next time. */
  readonly transient?: boolean;
}

export interface BrokenTest {
  readonly test: TestRef;
  readonly message: string;
  /** The warehouse was too slow or away, or lacks a right or the relation: it may answer the next time. */
  readonly transient?: boolean;
}

/** What `export` hands on. Cases are sorted by group key, then test name. */
export interface Export {
  readonly source: "artifacts" | "summary-table";
  readonly dbtInvocationId: string | null;
  readonly generatedAt: string | null;
  readonly cases: readonly Case[];
  readonly unsplit: readonly UnsplitTest[];
  /** Tests that the artifacts call failing and that pass when run again now. */
  readonly noLongerFailing: readonly TestRef[];
  /** Names in the summary table that the manifest does not know. */
  readonly orphans: readonly string[];
  /** Tests that dbt could not run (status error), with its message: they are no data failures and get no agent. */
  readonly broken: readonly BrokenTest[];
  readonly testsSeen: number;
  /** Failing tests that `tests.include`, `exclude` or `severity` leave out. Absent in exports of older versions: unknown. */
  readonly leftOut?: number;
  /** What a person should know of it, one sentence each. Absent in exports of older versions. */
  readonly notes?: readonly string[];
}
