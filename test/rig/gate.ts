/** The gate's policy in tests: a default schema, one of failures, and others that nobody may read. */
import type { Dialect } from "../../src/model/warehouse.js";
import type { GatePolicy, SchemaName } from "../../src/sql/gate.js";

const schemas: Readonly<Record<Dialect["name"], readonly SchemaName[]>> = {
  duckdb: [
    { database: "demo", schema: "main" },
    { database: "demo", schema: "failures" },
  ],
  postgres: [
    { database: "demo", schema: "public" },
    { database: "demo", schema: "failures" },
  ],
  snowflake: [
    { database: "EV", schema: "MARTS" },
    { database: "EV", schema: "FAILURES" },
  ],
};

export function gatePolicy(dialect: Dialect["name"], more: Partial<GatePolicy> = {}): GatePolicy {
  const [first] = schemas[dialect];
  return {
    dialect,
    schemas: schemas[dialect],
    searchPath: first === undefined ? [] : [first],
    functions: [],
    projectSql: () => [],
    ...more,
  };
}
