/**
 * A dbt project as its artifacts describe it, read tolerantly: every field that dbt may omit is nullable here.
 * Knows nothing of audits.
 */

/** A table or view in a warehouse, unquoted parts as the warehouse stores them. */
export interface Relation {
  readonly database: string | null;
  readonly schema: string | null;
  readonly name: string;
}

export type ResourceType = "model" | "seed" | "source" | "snapshot" | "test" | "other";

/** dbt's "node" (our word is resource, since node means a node of the audit graph). */
export interface Resource {
  /** dbt's unique_id. */
  readonly id: string;
  readonly type: ResourceType;
  readonly name: string;
  /** Its name in the warehouse and of its compiled file, where that is not `name`: dbt shortens the names of tests. */
  readonly alias?: string;
  readonly packageName: string;
  /** Of a source: its source_name. */
  readonly sourceName: string | null;
  /** Null for tests without stored failures and for ephemeral models. */
  readonly relation: Relation | null;
  /** original_file_path, relative to the dbt project's root, with forward slashes. */
  readonly file: string | null;
  /** The YAML file that documents it, relative to the project's root. */
  readonly patchFile: string | null;
  readonly language: "sql" | "python";
  readonly rawCode: string;
  /** Null where dbt did not compile it and target/compiled has no file either. */
  readonly compiledCode: string | null;
  /** table, view, incremental, ephemeral, seed, snapshot, test … */
  readonly materialized: string;
  /** unique_ids of resources that it reads directly. */
  readonly dependsOn: readonly string[];
  /** unique_ids of macros that it calls directly. */
  readonly macros: readonly string[];
  /** Columns documented in YAML (not necessarily all). */
  readonly columns: readonly string[];
  /** Digest of config, minus what says only where it lands (schema, database, alias). */
  readonly configDigest: string;
  readonly tags: readonly string[];
  readonly description: string;
  /** Set on tests only. */
  readonly test: TestDefinition | null;
}

/** What a dbt data test checks. */
export interface TestDefinition {
  /** `unique`, `not_null`, `unique_combination_of_columns` …; `singular` for a SQL file of its own. */
  readonly kind: string;
  /** `dbt_utils` …; null for dbt's built-in and the project's own. */
  readonly namespace: string | null;
  /** unique_id of the resource that it is attached to; null for most singular tests. */
  readonly attachedTo: string | null;
  readonly column: string | null;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly severity: "error" | "warn";
  readonly where: string | null;
  readonly limit: number | null;
  readonly failCalc: string;
  readonly storesFailures: boolean;
}

export interface Macro {
  readonly id: string;
  /** original_file_path, relative to the project's root (of dbt's own macros: to their package's). */
  readonly file?: string | null;
  readonly sql: string;
  readonly dependsOn: readonly string[];
}

export interface Project {
  readonly name: string;
  readonly dbtVersion: string;
  readonly adapter: string;
  readonly invocationId: string | null;
  readonly generatedAt: string | null;
  readonly resources: ReadonlyMap<string, Resource>;
  readonly macros: ReadonlyMap<string, Macro>;
  /** The same project as it was when all was well, where the config says where that state is kept. */
  readonly earlier?: EarlierProject | null;
}

export interface EarlierProject {
  readonly project: Project;
  /** How it is told of: `the manifest in ../state`. */
  readonly says: string;
}

export interface TestResult {
  /** unique_id. */
  readonly id: string;
  readonly status: "pass" | "fail" | "warn" | "error" | "skipped" | "success" | "other";
  /** dbt's own count; 0 under a threshold, so it is re-counted. */
  readonly failures: number | null;
  readonly message: string | null;
  readonly compiledCode: string | null;
  readonly relation: Relation | null;
}

export interface RunResults {
  readonly invocationId: string | null;
  readonly generatedAt: string | null;
  readonly results: readonly TestResult[];
}
