// The targets of the engine, each beside what was measured. Knows nothing of how.

/** Rows: what, is, target, verdict. */
export function targets(figures, { small, large }) {
  const time = (name, kind, size) => figures[`${name} ${size}`]?.[kind]?.median;
  const against = (kind, size, name, most) =>
    row(`${words[kind]}, N = ${size}: × ${name}`, quotient(time("ours", kind, size), time(name, kind, size)), most);
  const own = (kind, size, most) =>
    row(
      `${words[kind]}, N = ${size}: × own no-op`,
      quotient(time("ours", kind, size), time("ours", "noop", size)),
      most,
    );
  const { inside, start } = figures;
  const sized = [
    against("noop", large, "ninja", 4),
    against("noop", large, "turbo", 0.15),
    against("noop", large, "nx", 0.02),
    row(`no-op, N = ${large}: MiB`, figures[`ours ${large}`]?.memory, 100),
    against("noop", small, "ninja", 12),
    against("noop", small, "turbo", 0.55),
    against("noop", small, "nx", 0.08),
    against("changed", large, "ninja", 4),
    own("changed", large, 2),
    against("cold", small, "turbo", 0.85),
    against("cold", small, "nx", 0.3),
    against("cold", small, "wireit", 0.3),
    own("explain", large, 1.2),
  ];
  return [
    // A quick bench has one size, and none of the peers that most targets are about.
    ...(small === large ? [] : sized),
    row("export adds 10,000 nodes: ms", inside.expansion[10_000], 50),
    row("export adds 10,000 nodes: × 1,000", quotient(inside.expansion[10_000], inside.expansion[1_000]), 15),
    row("1,000 trivial nodes with a view of 24 rows: ms of CPU", inside.view["24 rows"], 1_000),
    row("1,000 trivial nodes with a view of 60 rows: ms of CPU", inside.view["60 rows"], 1_000),
    row("1,000 trivial nodes without a view: ms of CPU", inside.view.none, undefined),
    row("makespan, 200 recorded, 3 to 16 slots: × bound", inside.makespan, 1.05),
    row("makespan, 1,000 equal, 3 to 16 slots: × bound", inside.equal, 1.02),
    row("--version: × node -e 0", quotient(start.version, start.bare), 1.8),
  ];
}

const words = { noop: "no-op", changed: "one changed", cold: "cold", explain: "explain" };

function quotient(value, other) {
  return value === undefined || other === undefined ? undefined : value / other;
}

function row(what, value, most) {
  const known = typeof value === "number";
  const digits = known && value < 1 ? 3 : known && value < 100 ? 2 : 0;
  const verdict = !known || most === undefined ? "" : value <= most ? "met" : `missed, × ${(value / most).toFixed(1)}`;
  return [what, known ? value.toFixed(digits) : "absent", most === undefined ? "" : `≤ ${most}`, verdict];
}
