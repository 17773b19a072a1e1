// Faults in raw tables and seeds, as SQL that changes rows there. They are made from the columns' contents alone, for any
// project. Knows no models: whether a fault shows is found out by building.
// Truth: the fault enters at that source or seed. Its rows are wrong where they come in, so the category is role `source`
// (role `unclear` where a repository of ours loads the source: it may be the extraction's bug); a seed is a file of the dbt
// project, so its faults are role `transformation`.

const text = (value) => `'${String(value).replaceAll("'", "''")}'`;

/** Rows of a table that a fault hits: about `wanted`, of one group where the table has one and the dice say so. */
function someRows(table, random, { wanted = random.between(2, 10), groupColumns = [], more = [] } = {}) {
  const salt = text(random.between(0, 1_000_000));
  const columns = table.columns.map(({ name }) => `"${name}"`).join(", ");
  const parts = [...more];
  const group = table.columns.find(({ name }) => groupColumns.includes(name));
  let share = wanted / table.rows;
  if (group !== undefined && random.chance(0.4)) {
    const { value, count } = random.pick(group.top);
    parts.push(`"${group.name}" = ${text(value)}`);
    share = wanted / count;
  }
  const every = Math.max(1, Math.round(1 / share));
  return [`hash(concat_ws('|', ${columns}, ${salt})) % ${every} = 0`, ...parts].join(" and ");
}

const isText = ({ type }) => type === "VARCHAR";
/** Time stamps decide nothing but order; they are dirtied by kinds of their own. */
const isStamp = ({ name }) => /(_at|synced|received|loaded)$/.test(name);

function* sourceNull({ sources, groupColumns }, random) {
  for (;;) {
    const table = random.pick(sources);
    const column = random.pick(table.columns.filter((each) => each.distinct > 1 && !isStamp(each)));
    if (column === undefined || column.type === "BOOLEAN") continue;
    const blank = isText(column) && random.chance(0.25) ? "''" : "null";
    const where = someRows(table, random, { groupColumns });
    yield {
      node: table.id,
      column: column.name,
      data: [`update ${table.name} set "${column.name}" = ${blank} where ${where} and "${column.name}" is not null`],
    };
  }
}

function* duplicateKey({ sources, groupColumns }, random) {
  for (;;) {
    const table = random.pick(sources);
    const where = someRows(table, random, { groupColumns });
    // A true copy, a copy under another time stamp, or the same key with other contents.
    const changed = random.chance(0.6) ? random.pick(table.columns.filter((each) => each.distinct > 1)) : null;
    const columns = table.columns.map((each) => {
      const name = `"${each.name}"`;
      if (each !== changed) return name;
      if (isText(each) && isStamp(each)) return `'2025-12-31 00:00:00' as ${name}`;
      if (isText(each) && each.distinct > each.count * 0.9) return `${name} || 'B' as ${name}`;
      return isText(each) ? `${text(each.top[0]?.value ?? "")} as ${name}` : name;
    });
    yield {
      node: table.id,
      column: table.columns[0].name,
      data: [`insert into ${table.name} select ${columns.join(", ")} from ${table.name} where ${where}`],
    };
  }
}

function* orphanChild({ references, groupColumns }, random) {
  if (references.length === 0) return;
  for (;;) {
    const { child, column, table } = random.pick(references);
    const where = someRows(table, random, { groupColumns });
    const name = `"${column}"`;
    // A key that was mistyped, or one that is plausible and was never there.
    const value = random.pick([
      `${name} || '9'`,
      `regexp_replace(${name}, '[0-9]', '7') || '0'`,
      `reverse(${name})`,
      `left(${name}, 1) || '99' || right(${name}, 2)`,
    ]);
    yield {
      node: child,
      column,
      data: [`update ${table.name} set ${name} = ${value} where ${where} and ${name} is not null`],
    };
  }
}

/** Rows of a parent go, while others still refer to them: half of the time entities, half of the time lookups. */
function* missingParent({ references }, random, isLookup) {
  const targets = references.filter(({ parent }) => parent.rows <= 100 === isLookup);
  if (targets.length === 0) return;
  for (;;) {
    const { parent, parentColumn, matching } = random.pick(targets);
    const gone = random.shuffle(matching).slice(0, random.between(1, isLookup ? 2 : 4));
    if (gone.length === 0) return;
    yield {
      node: parent.id,
      column: parentColumn,
      data: [`delete from ${parent.name} where "${parentColumn}" in (${gone.map(text).join(", ")})`],
    };
  }
}

function* badCategory({ sources, seeds, groupColumns }, random) {
  const tables = [...sources, ...sources, ...seeds].filter(({ columns }) => columns.some(isCategory));
  for (;;) {
    const table = random.pick(tables);
    const column = random.pick(table.columns.filter(isCategory));
    const known = random.pick(column.top).value;
    const bad = random.pick([
      "unknown",
      "??",
      "n/a",
      "Other",
      `${known}x`,
      `${known} ${known}`,
      known.slice(0, -1) || "-",
    ]);
    const where = someRows(table, random, { groupColumns, wanted: Math.min(table.rows / 2, random.between(2, 8)) });
    yield {
      node: table.id,
      column: column.name,
      data: [`update ${table.name} set "${column.name}" = ${text(bad)} where ${where}`],
    };
  }
}

const isCategory = (column) => isText(column) && column.distinct >= 2 && column.distinct <= 14 && !isStamp(column);

function* amounts({ sources, groupColumns }, random) {
  // Text with a decimal point or a currency, numbers that are no keys; codes are orphans' and categories' matter.
  const isMoney = ({ numeric, top }) => numeric && top.some(({ value }) => /[$€.,]/.test(value));
  const isNumeric = (column) =>
    !isStamp(column) &&
    (isText(column) ? isMoney(column) : /INT|DECIMAL|DOUBLE/.test(column.type) && !/id$/.test(column.name));
  const tables = sources.filter(({ columns }) => columns.some(isNumeric));
  for (;;) {
    const table = random.pick(tables);
    const column = random.pick(table.columns.filter(isNumeric));
    const name = `"${column.name}"`;
    const value = isText(column)
      ? random.pick([
          `regexp_replace(${name}, '([0-9])', '9\\1')`,
          `regexp_replace(${name}, '([0-9])([0-9]*)', '\\19')`,
        ])
      : random.pick([`${name} * 10`, `${name} + 1`, `0 - ${name}`, `${name} * 3`]);
    const where = someRows(table, random, { groupColumns });
    yield { node: table.id, column: column.name, data: [`update ${table.name} set ${name} = ${value} where ${where}`] };
  }
}

/** Rows that were not there yet; used for what an incremental model has missed. */
export function* lateRows({ sources, groupColumns }, random) {
  for (;;) {
    const table = random.pick(sources);
    yield { node: table.id, data: [`delete from ${table.name} where ${someRows(table, random, { groupColumns })}`] };
  }
}

export const dataFaults = {
  "source-null": sourceNull,
  "duplicate-key": duplicateKey,
  "orphan-child": orphanChild,
  "orphan-deleted-parent": (context, random) => missingParent(context, random, false),
  "deleted-reference-row": (context, random) => missingParent(context, random, true),
  "bad-category": badCategory,
  "inconsistent-amount": amounts,
};

/** What the generators need to know of tables: columns with how often which values occur, and which refer to which. */
export async function contentsOf(rowsOf, tables, groupColumns) {
  const described = [];
  for (const { id, name, isSeed } of tables) {
    const [{ rows }] = await rowsOf(`select count(*)::integer as rows from ${name}`);
    const columns = await rowsOf(`select column_name as name, column_type as type from (describe ${name})`);
    for (const column of columns) {
      const counts = await rowsOf(
        `select cast("${column.name}" as varchar) as value, count(*)::integer as count from ${name} where "${column.name}" is not null group by 1 order by 2 desc, 1`,
      );
      const count = counts.reduce((sum, each) => sum + each.count, 0);
      const numeric = counts.filter(
        ({ value }) => /^[$€ ]*[0-9][0-9, .]*$/.test(value) && !/^0[0-9]/.test(value),
      ).length;
      const values = new Map(counts.map(({ value }) => [plain(value), value]));
      values.delete("");
      Object.assign(column, {
        distinct: counts.length,
        count,
        numeric: numeric > counts.length * 0.9,
        top: counts.slice(0, 14),
        values,
      });
    }
    described.push({ id, name, isSeed, rows, columns });
  }
  const references = described.flatMap((child) =>
    child.columns
      .filter((column) => isText(column) && column.values.size > 1 && !isStamp(column))
      .flatMap((column) =>
        described.flatMap((parent) =>
          parent.columns
            .filter((key) => isText(key) && key !== column && key.values.size >= parent.rows * 0.75)
            .flatMap((key) => refersTo(child, column, parent, key)),
        ),
      ),
  );
  return {
    sources: described.filter((table) => !table.isSeed),
    seeds: described.filter((table) => table.isSeed),
    references,
    groupColumns,
  };
}

/** As staging would compare keys. */
const plain = (value) => value.trim().toUpperCase().replace(/^0+/, "");

/** Most of the child's values are among the parent's keys, which are other than numbers or have a name in common. */
function refersTo(child, column, parent, key) {
  const words = new Set(column.name.split("_").filter((word) => word !== "id"));
  if (column.numeric && key.numeric && !key.name.split("_").some((word) => words.has(word))) return [];
  const found = [...column.values.keys()].filter((value) => key.values.has(value));
  if (found.length < column.values.size * 0.75) return [];
  const matching = found.map((value) => key.values.get(value)).sort();
  return [{ child: child.id, table: child, column: column.name, parent, parentColumn: key.name, matching }];
}
