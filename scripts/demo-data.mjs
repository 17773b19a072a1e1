// Writes the demo's CSV files: `node scripts/demo-data.mjs [folder]`, by default into examples/dot-bids.
// The same seed gives the same bytes on every machine. What is planted where is said in demo-states.mjs.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { categories, certifications, districts, items, namelessDistricts, seed, stateHabits } from "./demo-states.mjs";

/** mulberry32: small, fast, and the same everywhere. */
function random(start) {
  let state = start;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const between = (low, high) => low + Math.floor(next() * (high - low + 1));
  const shuffle = (list) => {
    const copy = [...list];
    for (let index = copy.length - 1; index > 0; index--) {
      const other = between(0, index);
      [copy[index], copy[other]] = [copy[other], copy[index]];
    }
    return copy;
  };
  return { next, between, pick: (list) => list[between(0, list.length - 1)], shuffle };
}

const money = (cents) => (cents / 100).toFixed(2);
const withSeparators = (text) => text.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
const day = (offset) => new Date(Date.UTC(2025, 0, 8) + offset * 86_400_000).toISOString().slice(0, 10);

const surnames = "Abbott Barlow Calder Dunmore Easton Farrow Granger Hollis Ibarra Jessup Kessler Lomax".split(" ");
const trades = ["Paving, Inc.", "Construction Co.", "& Sons, LLC", "Contractors", "Bridge & Road", "Excavating, LLC"];

function makeVendors(state, habit, dice) {
  const names = dice.shuffle(surnames.flatMap((surname) => trades.map((trade) => `${surname} ${trade}`))).slice(0, 14);
  return names.map((name, index) => {
    const id = `${state}${String(1001 + index * 7)}`;
    return {
      vendor_id: id,
      vendor_number: index < habit.renumberedVendors ? `PQ-${dice.between(20_000, 89_999)}` : id,
      state,
      vendor_name: index >= 4 && index < 4 + habit.namelessVendors ? "" : name,
      certification:
        index >= 8 && index < 8 + habit.badCertifications.length
          ? habit.badCertifications[index - 8]
          : dice.pick(certifications),
      city: dice.pick(districts[state]),
    };
  });
}

function itemCode([section, number], habit) {
  return section < habit.leadingZeroBelow ? `0${section}-${6000 + number}` : `${section}-${6000 + number}`;
}

function makeCatalog(state, habit) {
  const listed = items.filter((item, index) => isBid(item, habit) && !habit.itemsMissingInFeed.includes(index));
  const rows = listed.flatMap((item) =>
    // Most items are in the newest edition only; a few are carried in both.
    habit.editions
      .filter((_, index) => index === habit.editions.length - 1 || item[0] >= 600)
      .map((edition) => ({
        state,
        item_code: itemCode(item, habit),
        spec_year: edition,
        description: item[2],
        unit: item[3],
        category_code: item[4],
      })),
  );
  // Items that nobody bids: what is wrong with them stays in the catalog.
  const unused = [0, 1, 2, 3, 4].map((index) => ({
    state,
    item_code: `9${index}0-6100`,
    spec_year: habit.editions.at(-1),
    description: `Special Provision Item ${index + 1}`,
    unit: "EA",
    category_code: index < habit.unknownCategories ? `X${index + 1}` : "GEN",
  }));
  const duplicates = unused
    .slice(0, habit.catalogDuplicates)
    .map((row) => ({ ...row, description: `${row.description} (Revised)` }));
  return [...rows, ...unused, ...duplicates];
}

function isBid(item, habit) {
  return item[3] !== "STA" || habit.stations;
}

function makeLettings(state, habit, dice) {
  const lettings = Array.from({ length: habit.lettings }, (_, index) => ({
    letting_id: `${state}25${String(index + 1).padStart(3, "0")}`,
    letting_date: day(index * 7 + dice.between(0, 2)),
    district: String(dice.between(1, 4)),
    contract_type: dice.pick(["Resurfacing", "Bridge", "Safety", "Widening", "Drainage"]),
    status: "AWD",
    award_date: day(index * 7 + 21),
    working_days: String(dice.between(6, 48) * 5),
    engineer_estimate: "",
  }));
  // Every named fault of a district must be hit at least once.
  for (const [index, number] of (namelessDistricts[state] ?? []).entries()) lettings[2 + index].district = `${number}`;
  for (const letting of lettings.slice(-2)) Object.assign(letting, { status: "OPN", award_date: "" });
  for (const letting of lettings.slice(3, 3 + habit.cancelled))
    Object.assign(letting, { status: "CAN", award_date: "" });
  for (const letting of lettings.slice(1, 1 + habit.workingDaysWithUnit)) letting.working_days += " WD";
  return lettings;
}

/** The bids on one letting with their line items; all bidders price the same items and quantities. */
function makeBids(letting, habit, vendors, dice) {
  const chosen = dice
    .shuffle(items.filter((item) => isBid(item, habit) && item[3] !== "STA"))
    .slice(0, dice.between(2, 5));
  if (habit.stations && dice.next() < 0.3) chosen.push(items.find((item) => item[3] === "STA"));
  const wanted = chosen.map((item) => ({ item, quantity: Math.max(1, Math.round(item[6] * (0.5 + dice.next()))) }));
  return dice
    .shuffle(vendors)
    .slice(0, dice.between(3, 5))
    .map((vendor) => {
      const level = 0.88 + dice.next() * 0.3;
      const lines = wanted.map(({ item, quantity }) => {
        const price = Math.round(item[5] * level * (0.95 + dice.next() * 0.1));
        return { item, quantity, price, total: quantity * price };
      });
      const itemized = lines.reduce((sum, line) => sum + line.total, 0);
      return { letting, vendor_id: vendor.vendor_id, lines, itemized, value: itemized, status: "S" };
    });
}

/** VA: bond and fee, $2,500.00 to $5,500.00, on the largest contracts. */
function addBonds(bids, habit, dice) {
  const largest = [...bids].sort((left, right) => right.itemized - left.itemized).slice(0, habit.bondedBids);
  for (const bid of largest) bid.value += dice.between(250_000, 550_000);
}

function rankAndMark(state, habit, byLetting, dice) {
  const awarded = byLetting.filter(({ letting }) => letting.status === "AWD");
  for (const { bids } of byLetting) bids.sort((left, right) => left.value - right.value);
  for (const { bids } of awarded) bids[0].status = "A";
  const lastOf = (index) => awarded[index % awarded.length].bids.at(-1);
  for (let index = 0; index < habit.nonResponsive; index++) lastOf(index).status = "N";
  for (let index = 0; index < habit.rejected; index++) lastOf(9 - index).status = "R";
  // Nobody who is unknown to the state may bid: the portal lists the bid as rejected.
  for (let index = 0; index < habit.unknownBidders; index++) {
    Object.assign(lastOf(5 + index), { status: "R", vendor_id: `${state}${9001 + index * 3}` });
  }
  for (const [index, { letting, bids }] of awarded.entries()) {
    const low = bids[0].value;
    const factor =
      index >= 7 && index < 7 + habit.estimateTooLow ? 0.45 + dice.next() * 0.1 : 0.95 + dice.next() * 0.15;
    letting.engineer_estimate = index < habit.noEstimate ? "" : money(Math.round(low * factor));
  }
}

/** Re-advertised under the same number after a letting that drew no bids. */
function addRebids(lettings, habit) {
  const first = lettings.slice(4, 4 + habit.rebids).map((letting, index) => ({
    ...letting,
    letting_date: day((4 + index) * 7 - 25),
    status: "CAN",
    award_date: "",
  }));
  return [...lettings, ...first].sort((left, right) => left.letting_date.localeCompare(right.letting_date));
}

function makeState(state, habit, index) {
  const dice = random(seed + index * 7919);
  const vendors = makeVendors(state, habit, dice);
  const lettings = makeLettings(state, habit, dice);
  const byLetting = lettings.map((letting) => ({
    letting,
    bids: letting.status === "AWD" ? makeBids(letting, habit, vendors, dice) : [],
  }));
  addBonds(
    byLetting.flatMap(({ bids }) => bids),
    habit,
    dice,
  );
  rankAndMark(state, habit, byLetting, dice);
  for (const letting of lettings) {
    if (letting.status !== "AWD") letting.engineer_estimate = money(dice.between(20_000_000, 90_000_000));
  }
  const oldSystem = new Set(
    byLetting
      .filter(({ bids }) => bids.length > 0)
      .slice(0, habit.thousandsSeparators)
      .map((entry) => entry.letting),
  );
  const dollars = habit.dollarSigns ? "$" : "";
  const bidRows = [];
  const lineRows = [];
  for (const { letting, bids } of byLetting) {
    for (const [rank, bid] of bids.entries()) {
      const bidId = `${letting.letting_id}-${rank + 1}`;
      bidRows.push({
        bid_id: bidId,
        letting_id: letting.letting_id,
        letting_date: letting.letting_date,
        vendor_id: bid.vendor_id,
        bids_value: dollars + money(bid.value),
        bid_rank: rank + 1,
        status: bid.status,
      });
      for (const [number, line] of bid.lines.entries()) {
        const total = money(line.total);
        lineRows.push({
          line_item_id: `${bidId}-${number + 1}`,
          bid_id: bidId,
          item_code: itemCode(line.item, habit),
          quantity: line.quantity,
          unit: line.item[3],
          unit_price: money(line.price),
          ext_total: dollars + (oldSystem.has(letting) ? withSeparators(total) : total),
        });
      }
    }
  }
  return {
    state,
    vendors,
    catalog: makeCatalog(state, habit),
    lettings: addRebids(lettings, habit),
    bids: bidRows,
    lines: lineRows,
  };
}

const cell = (value) => (/[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value));

function writeCsv(path, rows) {
  const header = Object.keys(rows[0]);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(
    path,
    [header, ...rows.map((row) => header.map((name) => cell(row[name])))]
      .map((cells) => `${cells.join(",")}\n`)
      .join(""),
  );
}

const folder = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), "../examples/dot-bids");
const all = stateHabits().map(([state, habit], index) => makeState(state, habit, index));
rmSync(join(folder, "data"), { recursive: true, force: true });
for (const { state, lettings, bids, lines } of all) {
  writeCsv(join(folder, "data/portal", state, "lettings.csv"), lettings);
  writeCsv(join(folder, "data/portal", state, "bids.csv"), bids);
  writeCsv(join(folder, "data/portal", state, "line_items.csv"), lines);
}
writeCsv(
  join(folder, "data/feed/vendors.csv"),
  all.flatMap(({ vendors }) => vendors),
);
writeCsv(
  join(folder, "data/feed/item_catalog.csv"),
  all.flatMap(({ catalog }) => catalog),
);
writeCsv(
  join(folder, "seeds/districts.csv"),
  Object.entries(districts).flatMap(([state, names]) =>
    names.map((name, index) => ({
      state,
      district_code: String(index + 1).padStart(2, "0"),
      district_name: namelessDistricts[state]?.includes(index + 1) ? "" : name,
    })),
  ),
);
writeCsv(
  join(folder, "seeds/item_categories.csv"),
  categories.map(([category_code, category_name]) => ({ category_code, category_name })),
);
