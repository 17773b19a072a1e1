/**
 * The config as the rest of the program gets it. What a person writes is in config-schema.ts.
 * Knows no YAML, no positions in a file and no disk.
 */
import type { CategoryConfig, Command, StrategyName } from "./config-schema.js";

export * from "./config-schema.js";

export interface SourceRepoConfig {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly dir: string;
  readonly slot: boolean;
  readonly loads: readonly string[];
}

/** Of one run. Null: no limit of that kind. */
export interface Budget {
  /** US dollars for all tasks. */
  readonly audit: number | null;
  /** US dollars for one task with all that it is asked again. */
  readonly task: number | null;
  /** Tokens read anew and written, of all tasks. */
  readonly tokens: number | null;
}

/** What the loader hands on: defaults filled in, short forms spelled out, paths absolute, durations in milliseconds. */
export interface Config {
  /** Absolute path of audit.config.yaml. */
  readonly file: string;
  /** Its folder; relative paths start here. */
  readonly baseDir: string;
  readonly name: string;
  /** Absolute. */
  readonly dir: string;
  readonly dbt: {
    readonly path: string;
    readonly dir: string;
    /** Absolute: path + dir. */
    readonly projectDir: string;
    readonly slot: boolean;
    readonly command: Command;
    readonly profilesDir: string | null;
    readonly profile: string | null;
    readonly dbtTarget: string | null;
    readonly vars: Readonly<Record<string, unknown>>;
    readonly failuresSchema: string | null;
    /** Absolute folder with an earlier manifest.json; null: none is kept. */
    readonly state: string | null;
  };
  readonly sources: readonly SourceRepoConfig[];
  /**
   * As it is written, `use` null where dbt's profile has to say it. Once the credentials are found (audit/credentials.ts),
   * what holds, without its secrets.
   */
  readonly warehouse: {
    readonly use: string | null;
    readonly settings: Readonly<Record<string, unknown>>;
    /** Name of a connection in a file of the warehouse's vendor. */
    readonly connection?: string;
  };
  readonly summary: {
    /** Null: take existing artifacts. */
    readonly run: Command | null;
    /** Absolute: where run_results.json and manifest.json are once the summary is done. */
    readonly artifacts: string;
    /** Absolute: DBT_TARGET_PATH of `run`. */
    readonly targetPath: string;
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
    readonly timeout: number;
    readonly watermark: string | null;
    readonly maxAge: number | null;
    readonly table: {
      readonly relation: string;
      readonly columns: { readonly test: string; readonly group: string | null; readonly failures: string };
    } | null;
  };
  readonly groupBy: {
    readonly columns: readonly string[];
    readonly label: string;
    readonly map: Readonly<Record<string, string>>;
  };
  readonly tests: {
    readonly include: readonly string[];
    readonly exclude: readonly string[];
    readonly severity: readonly ("error" | "warn")[];
  };
  /** Null: none is set. */
  readonly budget: Budget | null;
  /** Null: no limit for a run as a whole. */
  readonly lineage: { readonly maxQueries: number | null };
  readonly strategy: StrategyName;
  readonly maxTestsPerTask: number;
  readonly slots: { readonly count: number; readonly provider: string; readonly settings: unknown };
  readonly agent: { readonly use: string; readonly runner: "process" | "tmux"; readonly settings: unknown };
  readonly categories: readonly CategoryConfig[];
  /** Absolute path; null: the built-in template. */
  readonly prompt: string | null;
  /** False: no evidence pack is written, and no rows are put into the prompt. */
  readonly evidence: boolean;
  /** Absolute. */
  readonly exceptionsFile: string;
  readonly knowledge: {
    readonly all: string | null;
    readonly byGroup: Readonly<Record<string, string>>;
    readonly byTest: Readonly<Record<string, string>>;
  };
  readonly digestIgnore: readonly string[];
  readonly redactColumns: readonly string[];
  /** What SQL that is not ours may read and call besides what the project itself does. */
  readonly sql: { readonly schemas: readonly string[]; readonly functions: readonly string[] };
  readonly timeouts: {
    readonly query: number;
    readonly task: number;
    readonly claim: number;
    readonly refused: number;
  };
  /** `agent` null: as many as other pools allow. */
  readonly concurrency: { readonly warehouse: number; readonly agent: number | null };
  readonly failOn: readonly string[];
}
