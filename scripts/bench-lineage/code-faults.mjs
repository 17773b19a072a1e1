// Faults in models: edits of lines of their SQL, by rules over the text that know no project. A rule says what a person might
// have done; whether the edit compiles, and whether a test notices, is found out by building.
// Truth: the fault enters at that model, so the category is role `transformation`; and the file, lines and CTE of the edit.

const keyword =
  /^(select|from|where|and|or|on|when|then|else|end|with|join|left|inner|group|order|qualify|union|as|case)$/i;

/** Every line that a rule may touch: without Jinja, and no comment. */
function plainLines({ lines }) {
  return lines.flatMap((line, index) => (/\{\{|\{%|\}\}|%\}|^\s*--|^\s*$/.test(line) ? [] : [{ line, index }]));
}

/** One line becomes another, or goes. */
const swap = (index, line) => ({ from: index, to: index, lines: line === null ? [] : [line] });

function replacing(model, pattern, replacements) {
  return plainLines(model).flatMap(({ line, index }) =>
    [...line.matchAll(new RegExp(pattern, "gi"))].flatMap((match) =>
      replacements(match, line).map((text) =>
        swap(
          index,
          text === null ? null : line.slice(0, match.index) + text + line.slice(match.index + match[0].length),
        ),
      ),
    ),
  );
}

const overFilter = (model, { values }) => [
  ...plainLines(model).flatMap(({ line, index }) => {
    const isWhere = /^\s*where\b/i.test(line);
    const isEnd = index === model.lines.length - 1 && /^\s*from\s+\w+(\s+\w+)?\s*$/i.test(line);
    if (!isWhere && !isEnd) return [];
    const indent = /^\s*/.exec(line)[0];
    return values.map((predicate) => ({
      from: index,
      to: index,
      lines: isWhere ? [line, `${indent}    and ${predicate}`] : [line, `${indent}where ${predicate}`],
    }));
  }),
  ...replacing(model, /^(\s*)left join\b/, (match) => [`${match[1]}inner join`]),
];

const fanOut = (model) => [
  ...plainLines(model).flatMap(({ line, index }) =>
    /^\s*and\s+[\w.]+\s*=\s*[\w.]+\s*$/i.test(line) ? [swap(index, null)] : [],
  ),
  ...replacing(model, /\bon ([\w.]+) = ([\w.]+)\s*$/, (match) =>
    [2, 4, 6].map((length) => `on left(${match[1]}, ${length}) = left(${match[2]}, ${length})`),
  ),
  ...replacing(model, /\bon ([\w.]+) = ([\w.]+)\s*$/, (match) => [`on ${match[1]} >= ${match[2]}`]),
];

const caseNull = (model) => [
  ...plainLines(model).flatMap(({ line, index }) =>
    /^\s+(when\b.*\bthen\b|else\b).*$/i.test(line) ? [swap(index, null)] : [],
  ),
  ...replacing(model, /\b(when )('[^']*')( then )/, (match) => [`${match[1]}'_'${match[3]}`]),
  ...replacing(model, /\bcoalesce\((\w+(?:\.\w+)?), [^()]*\)/, (match) => [match[1]]),
];

const castNull = (model) => [
  ...replacing(model, /try_cast\((?:replace|nullif)\((?:replace\()?([\w.]+), [^)]*\)(?:, [^)]*\))? as /, (match) => [
    `try_cast(${match[1]} as `,
  ]),
  ...replacing(model, /(?:try_)?strptime\((\w+), '([^']*)'\)/, (match) => {
    const other = { "%m/%d/%Y": "%d/%m/%Y", "%d.%m.%Y": "%m.%d.%Y", "%Y/%m": "%Y-%m" }[match[2]];
    return other === undefined ? [] : [`try_strptime(${match[1]}, '${other}')`];
  }),
  ...replacing(model, /(?<!try_)cast\(([\w.]+) as integer\)/, (match) => [`try_cast(${match[1]} as tinyint)`]),
  ...replacing(model, /(?<!try_)cast\(([\w.]+) as bigint\)/, (match) => [`try_cast(${match[1]} as smallint)`]),
  ...replacing(model, /(?<!try_)cast\(([\w.]+) as decimal\(\d+, \d+\)\)/, (match) => [
    `try_cast(${match[1]} as decimal(4, 2))`,
  ]),
  ...replacing(model, /^(\s+)([\w.]*\w*_?(?:id|ref|key|code))(,?)$/, (match) => [
    `${match[1]}try_cast(${match[2]} as integer) as ${nameOf(match[2])}${match[3]}`,
  ]),
];

const integerCast = (model) => [
  ...replacing(model, /\bas decimal\(\d+, \d+\)/, () => ["as integer"]),
  ...replacing(model, /^(\s+)([\w.]*(?:amount|revenue|price|cost|cents|value|total|rate)\w*)(,?)$/, (match) => [
    `${match[1]}cast(${match[2]} as integer) as ${nameOf(match[2])}${match[3]}`,
  ]),
  ...replacing(model, /\bsum\((\w+)\) as/, (match) => [`sum(cast(${match[1]} as integer)) as`]),
];

const arithmetic = (model) => [
  ...replacing(model, /(?<=[\w)]) \* (?=[\w(])/, () => [" + "]),
  ...replacing(model, /(?<=[\w)]) - (?=[\w(])/, () => [" + "]),
  ...replacing(model, /(?<=[\w)]) \+ (?=[\w(])/, () => [" - "]),
  ...replacing(model, / \/ (1)(0+)(\.0)/, (match) => [` / 10${match[2]}.0`, ""]),
  ...replacing(model, /\bsum\((\w+)\) as/, (match) => [`max(${match[1]}) as`]),
];

const wrongJoinKey = (model, { columns }) =>
  replacing(model, /\bon (\w+)\.(\w+) = (\w+)\.(\w+)\b/, (match) =>
    columns
      .filter((name) => name !== match[4] && name !== match[2])
      .flatMap((name) => [
        `on ${match[1]}.${match[2]} = ${match[3]}.${name}`,
        `on ${match[1]}.${name} = ${match[3]}.${match[4]}`,
      ]),
  );

const mangledKey = (model) => [
  ...replacing(model, /\b(?:upper|lower)\((trim\(\w+(?:\.\w+)?\)|\w+(?:\.\w+)?)\)/, (match) => [match[1]]),
  ...replacing(model, /\btrim\((\w+(?:\.\w+)?)\)/, (match) => [match[1], `ltrim(${match[1]}, '0')`]),
  ...replacing(model, /\blpad\((.+), (\d+), '0'\)/, (match) => [
    match[1],
    `lpad(${match[1]}, ${Number(match[2]) + 1}, '0')`,
  ]),
  ...replacing(model, /^(\s+)([\w.]*\w*_?(?:id|ref|key|code|sku|site|market))(,?)$/, (match) =>
    ["lower(@)", "upper(@)", "ltrim(@, 'SCOuaiw')", "lpad(@, 12, '0')", "left(@, 7)", "@ || ' '"].map(
      (form) => `${match[1]}${form.replace("@", match[2])} as ${nameOf(match[2])}${match[3]}`,
    ),
  ),
  ...replacing(model, /\bon ([\w.]+) = ([\w.]+)\b/, (match) => [
    `on lower(${match[1]}) = ${match[2]}`,
    `on ${match[1]} = upper(${match[2]})`,
    `on ${match[1]} = lpad(${match[2]}, 14, '0')`,
  ]),
];

const removedDedupe = (model) => [
  ...plainLines(model).flatMap(({ line, index }) => {
    if (/^\s*qualify\b/i.test(line)) return [swap(index, null)];
    if (/^\s*where\b.*(_rank|_number|place|position)\s*=\s*1\s*$/i.test(line)) return following(model, index);
    return /^\s*where\b.*\bdbt_valid_to is null\s*$/i.test(line) ? [swap(index, null)] : [];
  }),
  ...replacing(model, /\bselect distinct\b/, () => ["select"]),
];

/** A WHERE line goes; an AND below it takes its place. */
function following({ lines }, index) {
  const next = lines[index + 1] ?? "";
  if (/^\s*and\b/i.test(next)) return [{ from: index, to: index + 1, lines: [next.replace(/\band\b/i, "where")] }];
  return [swap(index, null)];
}

function nameOf(reference) {
  return reference.split(".").at(-1);
}

const rules = {
  "over-filter": overFilter,
  "fan-out": fanOut,
  "case-to-null": caseNull,
  "cast-to-null": castNull,
  "integer-cast": integerCast,
  arithmetic,
  "wrong-join-key": wrongJoinKey,
  "mangled-key": mangledKey,
  "removed-dedupe": removedDedupe,
};

/** Edits of one kind in the project's models, in an order of chance. */
function* editsOf(rule, { models }, random) {
  const all = models.flatMap((model) => rule(model, model).map((edit) => ({ model, edit })));
  for (const { model, edit } of random.shuffle(all)) {
    const lines = [...model.lines.slice(0, edit.from), ...edit.lines, ...model.lines.slice(edit.to + 1)];
    if (lines.join("\n") === model.lines.join("\n") || keyword.test(edit.lines[0] ?? "")) continue;
    yield {
      node: model.id,
      edit: { file: model.file, id: model.id, ...edit },
      place: {
        file: model.file,
        lines: [edit.from + 1, Math.max(edit.from + 1, edit.from + edit.lines.length)],
        cte: cteAt(lines, Math.min(edit.from, lines.length - 1)),
      },
    };
  }
}

/** Name of the CTE that a line stands in; null for the last SELECT. */
function cteAt(lines, index) {
  for (let at = index; at >= 0; at--) {
    const opened = /^\s*(?:with\s+)?(\w+) as \($/i.exec(lines[at]);
    if (opened) return opened[1];
    if (at < index && /^\)[^,]*$/.test(lines[at])) return null;
    if (at < index && /^\),?$/.test(lines[at])) return null;
  }
  return null;
}

export const codeFaults = Object.fromEntries(
  Object.entries(rules).map(([kind, rule]) => [kind, (context, random) => editsOf(rule, context, random)]),
);

/** An edit that changes nothing but text, for evidence of change that leads nowhere. */
export function harmlessEdit(model) {
  const at = model.lines.length - 1;
  return {
    file: model.file,
    id: model.id,
    from: at,
    to: at,
    lines: [model.lines[at], "-- reviewed, no change needed"],
  };
}

/**
 * The compiled SQL with the same edit; null where its lines are not found there exactly once. Jinja leaves lines without
 * Jinja as they are, so that dbt would compile the edited file to the same text.
 */
export function editCompiled(model, edit, compiled) {
  let { from } = edit;
  let above = [];
  for (;;) {
    const old = [...above, ...model.lines.slice(edit.from, edit.to + 1)].join("\n");
    const parts = `\n${compiled}\n`.split(`\n${old}\n`);
    const changed = [...above, ...edit.lines];
    if (parts.length === 2) return parts.join(["", ...changed, ""].join("\n")).slice(1, -1);
    from -= 1;
    const next = model.lines[from];
    if (parts.length === 1 || next === undefined || /\{\{|\{%|\}\}|%\}/.test(next)) return null;
    above = [next, ...above];
  }
}
