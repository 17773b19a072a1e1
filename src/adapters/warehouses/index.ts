/** The warehouses that `warehouse.use` may name. One file each, one line here. */
import { duckdb } from "./duckdb.js";
import { postgres } from "./postgres.js";
import { snowflake } from "./snowflake.js";

export const warehouses = { duckdb, postgres, snowflake };
