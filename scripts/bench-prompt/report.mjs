// Figures of the prompt bench, as a table or as JSON.

/** As src/model/tokens.ts estimates: four characters of plain text, or one of another script, to a token. */
export function amountOf(...texts) {
  const others = (text) => text.match(/[^\0-\x7f]/g)?.length ?? 0;
  const tokens = (text) => Math.ceil((text.length - others(text)) / 4) + others(text);
  const sum = (size) => texts.reduce((total, text) => total + size(text), 0);
  return { bytes: sum((text) => Buffer.byteLength(text)), tokens: sum(tokens) };
}

export function report(rows, asJson) {
  const tasks = rows.map(({ ours, plain, ...row }) => ({
    ...row,
    ours: { ...ours, total: plus(ours.prompt, ours.tools, ours.answers) },
    plain: { ...plain, total: plus(plain.prompt, plain.answers) },
  }));
  const all = (pick) => plus(...tasks.map(pick));
  const totals = { ours: all(({ ours }) => ours.total), plain: all(({ plain }) => plain.total) };
  if (asJson) {
    console.log(JSON.stringify({ version: 1, tasks, totals }, null, 2));
    return;
  }
  const size = ({ bytes, tokens }) => `${bytes} (${tokens})`;
  const line = ({ task, cases, ours, plain }) => [
    ...[task, cases, size(plain.prompt), plain.calls, size(plain.answers), size(plain.total)],
    ...[size(ours.prompt), ours.shared + ours.tools.tokens, size(ours.tools), ours.calls, size(ours.answers)],
    size(ours.total),
  ];
  const head = ["task", "cases", "plain prompt", "reads", "answers", "plain total"];
  table([[...head, "our prompt", "shared", "tools", "calls", "answers", "our total"], ...tasks.map(line)]);
  const { ours, plain } = totals;
  const shared = tasks.reduce((sum, each) => sum + each.ours.shared + each.ours.tools.tokens, 0);
  const percent = (part, whole) => `${Math.round((100 * part) / whole)} %`;
  console.log(`
Bytes, and estimated tokens in brackets. All ${tasks.length} tasks: plain ${size(plain)}, ours ${size(ours)}: ${percent(ours.tokens, plain.tokens)} of its tokens.
Of ours ${shared} tokens are the same in each task (shared), which a prompt cache charges at a fraction; what differs: ${ours.tokens - shared}, ${percent(ours.tokens - shared, plain.tokens)}.`);
}

function plus(...amounts) {
  return amounts.reduce((sum, { bytes, tokens }) => ({ bytes: sum.bytes + bytes, tokens: sum.tokens + tokens }), {
    bytes: 0,
    tokens: 0,
  });
}

function table([head, ...rows]) {
  const lines = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...lines.map((row) => row[column].length)));
  for (const row of lines)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join("  ")
        .trimEnd(),
    );
}
