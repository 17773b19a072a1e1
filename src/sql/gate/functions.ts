/**
 * Which functions may be called: the warehouse's own that only read, by list; those that the project's own SQL calls; those
 * that the config names. What is not known is refused, since nobody can tell by its name what a function does.
 * Looks at the words, not at the tree: whatever stands before `(` is a call unless it is known to be something else.
 */
import { type Call, callAt, dotted, isName } from "./calls.js";
import { columnLists } from "./column-lists.js";
import { duckdbFunctions } from "./functions-duckdb.js";
import { postgresFunctions } from "./functions-postgres.js";
import { snowflakeFunctions } from "./functions-snowflake.js";
import { type Objection, objection, shown } from "./objection.js";
import { type DialectName, fold, type GatePolicy } from "./policy.js";
import type { ProjectUse } from "./project-use.js";
import type { Token } from "./tokens.js";

const known: Readonly<Record<DialectName, ReadonlySet<string>>> = {
  duckdb: duckdbFunctions,
  postgres: postgresFunctions,
  snowflake: snowflakeFunctions,
};

/** May do more than compute, by each vendor's documents: never, whoever asks for it. The last part of a name, in lower case. */
const never: Readonly<Record<DialectName, RegExp>> = {
  duckdb:
    /^(read_.*|glob|sniff_.*|parquet_.*|query|query_table|pragma_.*|duckdb_.*|get_?env|getvariable|nextval|currval|setseed|write_.*|sleep_.*|pg_.*|enable_.*|disable_.*|.*checkpoint|json_execute_.*|from_substrait.*|arrow_scan.*|pandas_scan|python_.*|seq_scan|sql_auto_complete|which_secret|current_setting|shell.*|http_.*|iceberg_.*|delta_.*|sqlite_.*|postgres_.*|mysql_.*|st_read.*|load_.*|copy_.*|import_.*|export_.*|truncate_.*)$/,
  postgres:
    /^(pg_(?!typeof$|column_size$|size_pretty$).*|lo_.*|loread|lowrite|dblink.*|nextval|currval|lastval|setval|setseed|set_config|current_setting|query_to_.*|(table|schema|database|cursor)_to_xml.*|ts_stat|ts_rewrite|txid_.*|has_.*_privilege|row_security_active|inet_(server|client)_.*|http.*|copy_.*|plpgsql_.*)$/,
  snowflake:
    /^(system\$.*|nextval|currval|result_scan|identifier|get_presigned_url|build_.*_url|get_stage_location|get_.*_path|get_ddl|get_object_references|infer_schema|validate.*|generate_column_description|.*_history|.*_usage|task_.*|external_.*|ai_.*|complete|extract_answer|sentiment|summarize|classify_text|last_query_id|getvariable|policy_context|invoker_.*|is_.*_in_session|.*\$.*|.*!.*)$/,
};

const everywhere =
  "select distinct all any some exists in not and or as on using values over filter group by having where when then else case " +
  "between like ilike to escape is union except intersect lateral from join limit offset sets rollup cube row array interval " +
  "materialized cast try_cast extract position overlay trim substring unnest " +
  "varchar char character varying nvarchar nchar bpchar text string decimal numeric number dec float double real int integer " +
  "bigint smallint tinyint time timetz timestamp timestamptz datetime bit varbit binary varbinary";

/** Words of SQL itself that may stand before `(`; types with a length among them. None of them runs anything. */
const words: Readonly<Record<DialectName, ReadonlySet<string>>> = {
  duckdb: new Set(
    `${everywhere} exclude rename columns pivot unpivot qualify sample tablesample bernoulli system reservoir repeatable struct map`.split(
      " ",
    ),
  ),
  postgres: new Set(`${everywhere} only bernoulli system repeatable`.split(" ")),
  snowflake: new Set(
    (
      `${everywhere} minus rlike regexp exclude rename qualify at before sample block seed repeatable tablesample bernoulli ` +
      "system match_condition match_recognize measures pattern subset define pivot unpivot prior connect_by_root top timestamp_ntz " +
      "timestamp_ltz timestamp_tz object map vector"
    ).split(" "),
  ),
};

/** DuckDB's that may stand in FROM; Postgres's functions in FROM are those of expressions. */
export const tableFunctions: Readonly<Record<DialectName, ReadonlySet<string> | null>> = {
  duckdb: new Set(["range", "generate_series", "unnest", "repeat", "json_each", "json_tree", "regexp_split_to_table"]),
  postgres: null,
  snowflake: new Set(["table", "flatten", "generator", "split_to_table", "strtok_split_to_table", "values"]),
};

/** @param tree the parser's, which tells names of columns behind an alias from arguments. */
export function objectionToCalls(
  tokens: readonly Token[],
  tree: unknown,
  policy: GatePolicy,
  ofProject: () => ProjectUse,
): Objection | null {
  const { dialect } = policy;
  const lists = columnLists(tree);
  for (const [index, token] of tokens.entries()) {
    if (tokens[index + 1]?.raw !== "(" || !isName(token)) continue;
    const isMember = tokens[index - 1]?.raw === ".";
    if (!isMember && token.kind === "word" && words[dialect].has(token.raw.toLowerCase())) continue;
    // Snowflake's `table(flatten(…))`: objectionByWords has looked at what it holds.
    if (dialect === "snowflake" && token.kind === "word" && token.value === "TABLE" && !isMember) continue;
    const call = callAt(tokens, index);
    const name = builtIn(call, dialect);
    if (name !== null && never[dialect].test(name.toLowerCase()) && !lists.take(call.path)) return refused(call, true);
    if (name !== null && known[dialect].has(name)) continue;
    if (isOwn(call, policy.functions) || lists.take(call.path)) continue;
    if (!ofProject().calls.has(dotted(call.path))) return refused(call, false);
  }
  return null;
}

/** The name by which the warehouse's own functions are known, in lower case; null where it can be none of them. */
function builtIn({ path }: Call, dialect: DialectName): string | null {
  const name = path.at(-1) ?? "";
  if (dialect === "duckdb") return name;
  const isPlain = path.length === 1 || (dialect === "postgres" && path.length === 2 && path[0] === "pg_catalog");
  const lower = name.toLowerCase();
  if (isPlain) return fold(lower, dialect) === name ? lower : null;
  // Of another schema: whatever it is called, it is not the warehouse's own, but it may be one of those that nobody may call.
  return never[dialect].test(lower) || (dialect === "snowflake" && path[0] === "SNOWFLAKE") ? lower : null;
}

function isOwn({ path }: Call, functions: readonly string[]): boolean {
  const name = dotted(path);
  return functions.some((each) => {
    const own = each.replaceAll('"', "").toLowerCase();
    return name === own || (own.includes(".") && name.endsWith(`.${own}`));
  });
}

function refused(call: Call, isNever: boolean): Objection {
  const name = `${shown(call.text)}()`;
  return isNever
    ? objection("function", call.text, `it calls ${name}, which may do more than read`, "leave it out")
    : objection(
        "function",
        call.text,
        `it calls ${name}, which is not known to only read`,
        `use the warehouse's own functions; a person may add "${shown(call.text)}" to sql.functions in audit.config.yaml`,
      );
}
