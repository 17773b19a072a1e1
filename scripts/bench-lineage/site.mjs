// One project in a worker: its database as it was when all was well, and copies of it with a fault built in. Says which
// tests fail that did not before. Knows no agent and no kinds of faults.
import { DuckDBInstance } from "@duckdb/node-api";
import { editCompiled } from "./code-faults.mjs";
import { contentsOf } from "./data-faults.mjs";
import { rowsOf } from "./database.mjs";
import { firstSnapshot, openProject } from "./projects.mjs";
import { buildAgain, buildNode, descendants, inOrder, runTest } from "./replay.mjs";

/** @param file the database that `buildBase` made. */
export async function openSite(name, file, inside) {
  const project = await openProject(name);
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  await connection.run(`attach '${file}' as base (read_only)`);
  const site = new Site(project, instance, connection, inside);
  await site.prepare();
  return site;
}

class Site {
  constructor(project, instance, connection, inside) {
    this.project = project;
    this.instance = instance;
    this.connection = connection;
    this.inside = inside;
    this.nodes = inOrder(project.manifest);
    this.tests = Object.values(project.manifest.nodes).filter((node) => node.resource_type === "test");
    this.known = inside.projectOf(project.manifest);
    this.isFresh = false;
  }

  async prepare() {
    await this.fresh();
    const { manifest, settings, models } = this.project;
    const tables = [
      ...Object.values(manifest.sources).map((node) => ({
        id: node.unique_id,
        name: `${node.schema}.${node.identifier}`,
        isSeed: false,
      })),
      ...Object.values(manifest.nodes)
        .filter((node) => node.resource_type === "seed")
        .map((node) => ({ id: node.unique_id, name: `${node.schema}.${node.alias}`, isSeed: true })),
    ];
    this.tables = new Map(tables.map((table) => [table.id, table.name]));
    const ask = (sql) => rowsOf(this.connection, sql);
    this.contents = await contentsOf(ask, tables, settings.groupColumns);
    for (const model of models) Object.assign(model, await this.#inputsOf(model.id));
    /** Test id → keys of groups that fail although nothing was planted (the demo's own faults). */
    this.failingBefore = new Map();
    for (const test of this.tests) {
      if ((await runTest(this.connection, test)).status === "pass") continue;
      const { cases } = await this.bench(this.known).split(test.unique_id);
      this.failingBefore.set(test.unique_id, new Set(cases.map((item) => item.group.key)));
    }
  }

  /** Columns of what a model reads, and predicates over them that leave some of the rows out. */
  async #inputsOf(id) {
    const columns = new Set();
    const values = new Set(["1 = 0 or 1 = 1"]);
    values.clear();
    for (const parent of this.nodes.get(id).depends_on.nodes ?? []) {
      const node = this.project.manifest.nodes[parent];
      const name = this.tables.get(parent) ?? (node?.config.materialized === "ephemeral" ? null : node?.relation_name);
      if (name == null) continue;
      for (const { name: column, type } of await rowsOf(
        this.connection,
        `select column_name as name, column_type as type from (describe ${name})`,
      )) {
        columns.add(column);
        const [row] = await rowsOf(
          this.connection,
          `select cast(mode("${column}") as varchar) as often, cast(quantile_disc("${column}", 0.3) as varchar) as low, count(distinct "${column}")::integer as distinct, count(*) - count("${column}") as nulls from ${name}`,
        );
        if (row.nulls > 0) values.add(`${column} is not null`);
        if (row.often === null || row.distinct < 2) continue;
        const literal = /INT|DECIMAL|DOUBLE/.test(type) ? row.low : `'${String(row.low).replaceAll("'", "''")}'`;
        if (row.distinct <= 14 && type === "VARCHAR") values.add(`${column} <> '${row.often.replaceAll("'", "''")}'`);
        if (row.distinct > 14 && type !== "VARCHAR" && type !== "BOOLEAN") values.add(`${column} > ${literal}`);
      }
    }
    return { columns: [...columns], values: [...values] };
  }

  /** The database as it was when all was well. */
  async fresh() {
    if (this.isFresh) return;
    const { database } = this.project;
    await this.connection.run("use memory");
    await this.connection.run(`detach database if exists ${database}`);
    await this.connection.run(`attach ':memory:' as ${database}`);
    await this.connection.run(`copy from database base to ${database}`);
    await this.connection.run(`use ${database}`);
    this.isFresh = true;
  }

  close() {
    this.connection.closeSync();
    this.instance.closeSync();
  }

  bench(project, changes = null) {
    const { groupColumns, sourceRepos } = this.project.settings;
    return new this.inside.Bench({
      project,
      connect: () => this.instance.connect(),
      groupColumns,
      sourceRepos,
      changes,
    });
  }

  /**
   * Builds the faults in. Null where they cannot be built; else the project as dbt would then describe it, and the ids of the
   * tests that fail and did not before (or did for other groups).
   */
  async build(faults) {
    await this.fresh();
    const touched = new Set(
      faults.flatMap((fault) => ((fault.data ?? []).length > 0 ? [fault.touches ?? fault.node] : [])).flat(),
    );
    const dirt = faults.flatMap((fault) => fault.dirt ?? []);
    for (const sql of dirt) for (const id of this.#mentioned(sql)) touched.add(id);
    const edits = this.#edits(faults);
    if (edits === null) return null;
    if (touched.size + edits.length > 0) this.isFresh = false;
    const changedCode = new Map(
      edits.filter(({ compiledCode }) => compiledCode !== undefined).map((edit) => [edit.id, edit]),
    );
    const editedTests = new Set(edits.filter(({ kwargs }) => kwargs !== undefined).map(({ id }) => id));
    const stale = faults.find((fault) => fault.stale);
    const below = descendants(this.project.manifest, [...touched, ...changedCode.keys()]);
    for (const id of changedCode.keys()) below.add(id);
    const belowEdit = descendants(this.project.manifest, changedCode.keys());
    try {
      for (const sql of [...dirt, ...faults.flatMap((fault) => fault.data ?? [])]) await this.#run(sql);
      await this.#rebuild(below, changedCode, belowEdit, false);
      if (stale !== undefined) {
        for (const id of touched) {
          const name = this.tables.get(id);
          await this.connection.run(`create or replace table ${name} as from base.${name}`);
        }
        await this.#rebuild(below, changedCode, belowEdit, true);
      }
      if (await this.#isHuge()) return null;
    } catch (error) {
      if (!isOfDatabase(error)) throw error;
      return null;
    }
    const project = this.inside.edited(
      this.known,
      edits.map(({ fullCode, ...edit }) => edit),
    );
    const failing = [];
    for (const test of this.tests) {
      const reads = test.depends_on.nodes ?? [];
      if (!editedTests.has(test.unique_id) && !reads.some((id) => below.has(id) || touched.has(id))) continue;
      const code = changedCode.get(test.unique_id)?.compiledCode ?? test.compiled_code;
      try {
        const { status } = await runTest(this.connection, { ...test, compiled_code: code });
        if (status !== "pass") failing.push(test.unique_id);
      } catch (error) {
        if (!isOfDatabase(error)) throw error;
        return null;
      }
    }
    return { project, failing, below, touched };
  }

  /** Failing tests with the groups that did not fail before. */
  async newCases({ project, failing }) {
    const bench = this.bench(project);
    const splits = [];
    for (const id of failing) {
      const split = await bench.split(id);
      const before = this.failingBefore.get(id);
      const cases = split.cases.filter((item) => !before?.has(item.group.key));
      if (cases.length > 0) splits.push({ ...split, cases });
    }
    return splits;
  }

  /** Nobody would need an audit to see a table of many times its rows; and all that follows would take as many times. */
  async #isHuge() {
    const [{ rows }] = await rowsOf(
      this.connection,
      `select max(estimated_size)::integer as rows from duckdb_tables() where database_name = '${this.project.database}'`,
    );
    return rows > mostRows;
  }

  #mentioned(sql) {
    return [...this.tables].flatMap(([id, name]) =>
      sql.includes(`into ${name} `) || sql.includes(`update ${name} `) ? [id] : [],
    );
  }

  /** Also in what snapshots have seen before. */
  async #run(sql) {
    await this.connection.run(sql);
    for (const [name, other] of this.project.before) {
      if (sql.includes(` ${name} `)) await this.connection.run(sql.replaceAll(` ${name} `, ` ${other} `));
    }
  }

  async #rebuild(below, code, belowEdit, isAgain) {
    for (const [id, node] of this.nodes) {
      if (!below.has(id)) continue;
      const edit = code.get(id);
      const compiled = edit?.compiledCode ?? node.compiled_code;
      if (node.resource_type === "snapshot") {
        if (!isAgain) {
          await this.connection.run(`drop table if exists ${node.relation_name}`);
          await buildNode(this.connection, node, firstSnapshot(this.project, node, compiled));
        }
        await buildNode(this.connection, node, compiled);
      } else if (isAgain && node.config.materialized === "incremental") {
        await buildAgain(this.connection, { ...node, compiled_code: compiled });
      } else if (node.config.materialized !== "view" || edit !== undefined || belowEdit.has(id)) {
        await buildNode(
          this.connection,
          node,
          edit?.fullCode ?? edit?.compiledCode ?? node.full_code ?? node.compiled_code,
        );
      }
    }
  }

  /** The code that changes, by resource; also where dbt put an ephemeral model into its readers. */
  #edits(faults) {
    const edits = new Map();
    const merge = (id, more) => edits.set(id, { id, ...edits.get(id), ...more });
    for (const { edit, testEdit } of faults) {
      if (testEdit !== undefined) merge(testEdit.id, { kwargs: testEdit.kwargs, compiledCode: testEdit.compiledCode });
      if (edit === undefined || edit.id === null) continue;
      const model = this.project.models.find(({ id }) => id === edit.id);
      const node = this.nodes.get(edit.id);
      const before = edits.get(edit.id);
      const compiled = editCompiled(model, edit, before?.compiledCode ?? node.compiled_code);
      const full =
        node.full_code === undefined ? undefined : editCompiled(model, edit, before?.fullCode ?? node.full_code);
      if (compiled === null || full === null) return null;
      const rawCode = [...model.lines.slice(0, edit.from), ...edit.lines, ...model.lines.slice(edit.to + 1)].join("\n");
      merge(edit.id, { compiledCode: compiled, rawCode, ...(full === undefined ? {} : { fullCode: full }) });
      if (node.config.materialized !== "ephemeral") continue;
      for (const reader of [...this.nodes.values(), ...this.tests]) {
        if (reader.unique_id === edit.id || !(reader.compiled_code ?? "").includes(`__dbt__cte__${node.name} as (`))
          continue;
        const known = edits.get(reader.unique_id);
        const inReader = (sql) =>
          sql.includes(node.compiled_code) ? sql.replace(node.compiled_code, () => compiled) : null;
        const readers = inReader(known?.compiledCode ?? reader.compiled_code);
        if (readers === null) return null;
        merge(reader.unique_id, { compiledCode: readers });
      }
    }
    return [...edits.values()];
  }
}

/** Of a table; the projects' own have at most 3,000. */
const mostRows = 12_000;

const isOfDatabase = (error) => error instanceof Error && / Error: /.test(error.message);
