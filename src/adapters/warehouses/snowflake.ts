/**
 * The Snowflake warehouse: read by Snowflake's driver, which is loaded on first use, since it takes half a second.
 * Each statement bears a tag with the audit and the node that asks. Knows no audit.
 */
import type { Relation } from "../../model/project.js";
import { ok, type Result } from "../../model/result.js";
import type {
  QueryOptions,
  QueryResult,
  Warehouse,
  WarehouseAdapter,
  WarehouseContext,
} from "../../model/warehouse.js";
import { snowflake as dialect } from "../../sql/snowflake.js";
import { describe, type Run } from "./snowflake-catalog.js";
import { accountOf, loginOptions } from "./snowflake-login.js";
import { createPool, type Pool } from "./snowflake-pool.js";
import { preflight } from "./snowflake-preflight.js";
import { fromConnection, fromProfile } from "./snowflake-profile.js";
import { type Answer, runStatement } from "./snowflake-query.js";
import { openSession } from "./snowflake-session.js";
import { isInteractive, type SnowflakeSettings, secrets, settings } from "./snowflake-settings.js";
import { singleSelect } from "./snowflake-statement.js";

async function open(given: SnowflakeSettings, context: WarehouseContext): Promise<Result<Warehouse>> {
  const interactive = isInteractive(given);
  const pool = createPool({
    size: context.maxConnections,
    shared: interactive,
    open: () => login(given, context, given.secondaryRoles),
  });
  // Whoever cannot log in should hear it now, not at the first query.
  const first = await pool.use(
    async () => ok(null),
    () => false,
    context.signal,
  );
  if (!first.ok) return first;
  return ok(warehouse(pool, given, context, interactive));
}

/** Each session gets its own login: a key's token lives for two minutes, an access token for ten. */
async function login(given: SnowflakeSettings, context: WarehouseContext, secondaryRoles: "none" | "all") {
  const options = await loginOptions(given, context);
  if (!options.ok) return options;
  return openSession({
    login: options.value,
    account: accountOf(given),
    secondaryRoles,
    role: given.role,
    signal: context.signal,
  });
}

function warehouse(pool: Pool, given: SnowflakeSettings, context: WarehouseContext, interactive: boolean): Warehouse {
  const runIn =
    (own: Pool): Run =>
    (sql, options = {}) => {
      const tag = ["audit-run", context.audit, ...(options.label === undefined ? [] : [options.label])].join("/");
      // Beyond this the server refuses a tag.
      const statement = { sql, options, role: given.role, tag: tag.slice(0, 2_000) };
      const lost = new WeakSet<Result<QueryResult>>();
      return own.use(
        async (session) => {
          const answer: Answer = await runStatement(session, {
            ...statement,
            describeOnly: options.describeOnly === true,
          });
          if (answer.isSessionLost) lost.add(answer.result);
          return answer.result;
        },
        (result) => lost.has(result as Result<QueryResult>),
        options.signal,
      );
    };
  const run = runIn(pool);

  return {
    dialect,
    async query(sql: string, options: QueryOptions = {}) {
      return singleSelect(sql) ?? run(sql, options);
    },
    describe: (relations) => describe(run, relations),
    async preflight(relations: readonly Relation[]) {
      const wide = interactive
        ? null
        : createPool({ size: 1, shared: false, open: () => login(given, context, "all") });
      try {
        return await preflight({
          run,
          relations,
          secondaryRoles: given.secondaryRoles,
          runWithAllRoles: wide === null ? null : runIn(wide),
        });
      } finally {
        await wide?.close();
      }
    },
    close: () => pool.close(),
  };
}

export const snowflake: WarehouseAdapter<SnowflakeSettings> = {
  id: "snowflake",
  settings,
  open,
  fromProfile,
  fromConnection,
  secrets,
};
