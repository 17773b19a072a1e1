/** The warehouses that `warehouse.use` may name. One file each, one line here. */
import { duckdb } from "./duckdb.js";

export const warehouses = { duckdb };
