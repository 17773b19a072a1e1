// The lineage walk in Snowflake's stand-in: the same tests as in DuckDB and Postgres.
process.env.LINEAGE_ENGINE = "snowflake";
await import("../lineage/rows.test.js");
await import("../lineage/keys.test.js");
delete process.env.LINEAGE_ENGINE;

export {};
