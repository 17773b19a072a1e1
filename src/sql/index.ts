/** The SQL dialects by name. One file each, one line here. */
import type { Dialect } from "../model/warehouse.js";
import { duckdb } from "./duckdb.js";
import { postgres } from "./postgres.js";
import { snowflake } from "./snowflake.js";

export const dialects = { duckdb, postgres, snowflake } satisfies Record<Dialect["name"], Dialect>;
export { type BatchOptions, cellTexts, describeBatch, queryBatch, type Rows } from "./batch.js";
export { groupPredicate } from "./group.js";
