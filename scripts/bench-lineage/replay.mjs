// Does in one DuckDB what dbt does: seeds, models, incremental models and snapshots in order, and tests. The SQL is dbt's
// own, as it compiled it. `prove.mjs` shows that what comes out is the same. Knows no faults.

/** Nodes of a manifest by id, what they read in front of them; tests are left out. */
export function inOrder(manifest) {
  const ordered = new Map();
  const visit = (id) => {
    const node = manifest.nodes[id];
    if (node === undefined || ordered.has(id) || node.resource_type === "test") return;
    for (const parent of node.depends_on.nodes ?? []) visit(parent);
    ordered.set(id, node);
  };
  for (const id of Object.keys(manifest.nodes).sort()) visit(id);
  return ordered;
}

/** Everything that reads one of these, directly or not, without tests. */
export function descendants(manifest, ids) {
  const found = new Set();
  const start = new Set(ids);
  for (const [id, node] of inOrder(manifest)) {
    if ((node.depends_on.nodes ?? []).some((parent) => start.has(parent) || found.has(parent))) found.add(id);
  }
  return found;
}

/** @param sql the SQL to build it by; default: what dbt compiled for a build from scratch. */
export async function buildNode(connection, node, sql = node.full_code ?? node.compiled_code) {
  if (node.resource_type === "seed" || node.config.materialized === "ephemeral") return;
  if (node.resource_type === "snapshot") return snapshot(connection, node, sql);
  const kind = node.config.materialized === "view" ? "view" : "table";
  await connection.run(`create or replace ${kind} ${node.relation_name} as (\n${sql}\n)`);
}

/** A later run of an incremental model with the strategy delete+insert. */
export async function buildAgain(connection, node) {
  const key = node.config.unique_key;
  await connection.run(`create or replace temp table bench_new as (\n${node.compiled_code}\n)`);
  if (key) {
    const keys = [key].flat();
    const match = keys.map((name) => `new."${name}" = old."${name}"`).join(" and ");
    await connection.run(
      `delete from ${node.relation_name} as old where exists (select 1 from bench_new as new where ${match})`,
    );
  }
  await connection.run(`insert into ${node.relation_name} select * from bench_new`);
  await connection.run("drop table bench_new");
}

/** A snapshot's table after a run; the strategy is timestamp, so that all times come from the data. */
async function snapshot(connection, node, sql) {
  const { unique_key: key, updated_at: updated } = node.config;
  const rows = `select *, md5(coalesce(cast(${key} as varchar), '') || '|' || coalesce(cast(${updated} as varchar), '')) as dbt_scd_id,
    ${updated} as dbt_updated_at, ${updated} as dbt_valid_from, cast(null as timestamp) as dbt_valid_to from (\n${sql}\n) as new`;
  const known = await connection.runAndReadAll(
    `select 1 from information_schema.tables where table_schema = '${node.schema}' and table_name = '${node.alias}'`,
  );
  if (known.getRows().length === 0) {
    await connection.run(`create table ${node.relation_name} as (${rows})`);
    return;
  }
  await connection.run(`create or replace temp table bench_new as (${rows})`);
  await connection.run(`create or replace temp table bench_changed as select new.* from bench_new as new
    left join ${node.relation_name} as old on old.${key} = new.${key} and old.dbt_valid_to is null
    where old.${key} is null or old.dbt_valid_from < new.${updated}`);
  await connection.run(`update ${node.relation_name} as old set dbt_valid_to = new.${updated}
    from bench_changed as new where old.${key} = new.${key} and old.dbt_valid_to is null`);
  await connection.run(`insert into ${node.relation_name} select * from bench_changed`);
  for (const name of ["bench_new", "bench_changed"]) await connection.run(`drop table ${name}`);
}

/** Whether a test fails as dbt would have it: its own limit, count and thresholds. */
export async function runTest(connection, node) {
  const { fail_calc, warn_if, error_if, severity, limit } = node.config;
  const cut = limit ? `\nlimit ${limit}` : "";
  const counted = await connection.runAndReadAll(
    `select ${fail_calc}, ${fail_calc} ${warn_if}, ${fail_calc} ${error_if} from (\n${node.compiled_code}\n${cut}) as failing`,
  );
  const [failures, warns, errors] = counted.getRows()[0];
  const status = errors && severity.toLowerCase() === "error" ? "fail" : warns ? "warn" : "pass";
  return { status, failures: Number(failures) };
}
