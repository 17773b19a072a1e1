/** A way to make tables in each registered warehouse, for the contract. Knows no test. */
import type { warehouses } from "../../src/adapters/warehouses/index.js";
import { temporaryDuckdb, temporaryPostgres, temporarySnowflake } from "../fakes/warehouse.js";
import { contractTables, type WarehouseRig } from "./warehouse.contract.js";

export const rigs: Record<keyof typeof warehouses, () => Promise<WarehouseRig>> = {
  duckdb: async () => {
    const temporary = await temporaryDuckdb(contractTables);
    return {
      warehouse: temporary.warehouse,
      open: temporary.open,
      database: "demo",
      schema: "main",
      endless: "select count(*) from range(1000000000000) t(i) where i * i % 7 = 3",
      fold: (name) => name,
      close: temporary.close,
    };
  },
  postgres: async () => {
    const temporary = await temporaryPostgres(contractTables);
    return {
      warehouse: temporary.warehouse,
      open: temporary.open,
      database: temporary.database.name,
      schema: "public",
      endless: "select count(*) from generate_series(1, 1000000000000) as t(i) where i * i % 7 = 3",
      fold: (name) => name.toLowerCase(),
      close: temporary.close,
    };
  },
  snowflake: async () => {
    const temporary = await temporarySnowflake(contractTables);
    // 5 to the power of 20 rows: the stand-in has no generator.
    const many = Array.from({ length: 20 }, (_, index) => `bids as b${index}`).join(", ");
    return {
      warehouse: temporary.warehouse,
      open: temporary.open,
      database: temporary.database,
      schema: temporary.schema,
      endless: `select count(*) from ${many} where b0.bid_id * b1.bid_id + b19.bid_id % 7 = 3`,
      fold: (name) => name.toUpperCase(),
      castsDiffer: "fakesnow knows no TIMESTAMP_OUTPUT_FORMAT, so that a cast writes a moment as DuckDB does",
      close: temporary.close,
    };
  },
};
