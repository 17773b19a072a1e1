// The raw tables of a subscription business: accounts, subscriptions as they were last month and as they are now,
// invoices with their lines, contacts from the CRM, and usage. Knows no faults.

export const settings = {
  heldOut: true,
  groupColumns: ["region"],
  sourceRepos: [],
  /** Dirt that the base models filter away; each beside a fault makes a distractor. */
  dirt: [
    "insert into raw_billing.accounts select 'demo-' || account_id, null, '??', created_at, null, 'none', null from raw_billing.accounts where hash(account_id || 'd1') % 9 = 0",
    "insert into raw_billing.accounts select account_id || '-x', null, null, created_at, null, 'none', '2025-02-02' from raw_billing.accounts where hash(account_id || 'd2') % 8 = 0",
    "insert into raw_billing.invoices select 'DR' || invoice_id, null, null, period_start, period_start, 'n/a', null, 'draft', 'n/a', synced_at from raw_billing.invoices where hash(invoice_id || 'd3') % 12 = 0",
    "insert into raw_billing.invoices select invoice_id, null, null, period_start, period_start, null, null, 'zz', null, '2019-01-01 00:00:00' from raw_billing.invoices where hash(invoice_id || 'd4') % 12 = 0 and invoice_state <> 'draft'",
    "insert into raw_billing.invoice_lines select 'V' || line_id, 'none', 'junk', null, null, '2025-01-01' from raw_billing.invoice_lines where hash(line_id || 'd5') % 14 = 0",
    "insert into raw_crm.contacts select contact_id || 'b', 'nobody', 'no mail', 'Nobody', null from raw_crm.contacts where hash(contact_id || 'd6') % 7 = 0",
  ],
};

const words = "Apex Birch Cobalt Delta Ember Fjord Granite Harbor Iris Juniper Kestrel Lumen Maple Nimbus Onyx".split(
  " ",
);
const kinds = ["Labs", "Systems", "Logistics", "Health", "Foods", "Analytics", "Partners", "Media"];
const countries = "US US CA BR MX GB GB DE NL ES JP AU IN SG".split(" ");
const plans = { "ST-M": 1900, "ST-Y": 1500, "TM-M": 3900, "TM-Y": 3200, "BZ-M": 7900, "BZ-Y": 6600, "EN-C": 11900 };
const pad = (number, width) => String(number).padStart(width, "0");
const money = (cents) => (cents / 100).toFixed(2);
const day = (offset) => new Date(Date.UTC(2024, 8, 2) + offset * 86_400_000).toISOString().slice(0, 10);
const month = (offset) => `${2024 + Math.floor((offset + 8) / 12)}-${pad(((offset + 8) % 12) + 1, 2)}`;
const lastDay = (text) =>
  new Date(Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5)), 0)).toISOString().slice(0, 10);

export function tables(random) {
  const [accounts, subscriptions, before, invoices, lines, contacts, usage] = [[], [], [], [], [], [], []];
  for (let index = 0; index < 190; index++) {
    const id = `acc-${pad(1000 + index * 3, 5)}`;
    const name = `${words[index % words.length]} ${kinds[(index * 5 + Math.floor(index / words.length)) % kinds.length]}`;
    const country = random.pick(countries);
    const written = random.chance(0.2) ? ` ${country.toLowerCase()}` : country;
    const owner = `Owner${index}@${name.split(" ")[0].toLowerCase()}.example`;
    accounts.push([
      id,
      random.chance(0.1) ? `${name} ` : name,
      written,
      day(random.between(0, 60)),
      owner,
      random.pick(["smb", "smb", "mid", "large"]),
      null,
    ]);
    for (let nth = 0; nth < random.between(1, 3); nth++) {
      const key = ` ${id.toUpperCase()}`;
      const role =
        nth === 0
          ? random.pick(["Billing", "Owner", "owner", "Finance"])
          : random.pick(["Admin", "IT", "User", "User"]);
      const contact = [
        `ct${pad(index * 4 + nth, 4)}`,
        random.chance(0.5) ? key : id,
        `Person${nth}.${index}@Mail.example`,
        role,
        random.chance(0.6),
      ];
      contacts.push(contact);
      if (random.chance(0.12)) contacts.push([...contact]);
    }
    const count = random.chance(0.2) ? 2 : 1;
    let seatsOfAccount = 0;
    for (let nth = 0; nth < count; nth++) {
      const subscription = `sub_${pad(index * 2 + nth, 4)}`;
      const plan = random.pick(Object.keys(plans));
      const seats = random.between(2, 60);
      const status = random.pick(["active", "active", "active", "active", "trialing", "paused", "cancelled"]);
      if (status !== "cancelled") seatsOfAccount += seats;
      const started = day(random.between(20, 90));
      const ended = status === "cancelled" ? day(random.between(260, 290)) : "";
      const changed = random.chance(0.35);
      const row = (ofPlan, ofStatus, ofSeats, end, when) => [
        subscription,
        id,
        random.chance(0.3) ? ofPlan.toLowerCase() : ofPlan,
        ofStatus,
        ofSeats,
        ofSeats * plans[ofPlan],
        started,
        end,
        `${when} 06:00:00`,
      ];
      const updated = changed || status === "cancelled" ? day(random.between(300, 320)) : day(random.between(95, 200));
      const now = row(plan, status, seats, ended, updated);
      subscriptions.push(now);
      if (changed || status === "cancelled") {
        const earlier = random.pick(Object.keys(plans));
        before.push(
          row(earlier, "active", Math.max(1, seats + random.between(-8, 8)), "", day(random.between(95, 200))),
        );
      } else before.push([...now]);
      for (let at = 3; at < 9; at++) {
        if (at > 4 && random.chance(0.12)) continue;
        const period = month(at);
        const invoice = `in_${pad((index * 2 + nth) * 10 + at, 5)}`;
        const overage = random.chance(0.15) ? random.between(1, 5) : 0;
        const credit = random.chance(0.1);
        const net = seats * plans[plan] + overage * 1000 - (credit ? 500 : 0);
        const tax = Math.round(net * random.pick([0, 0.19, 0.07]));
        const state = random.pick(["pd", "pd", "pd", "pd", "pd", "pd", "pd", "op", "pdue", "wo"]);
        const paid = state === "pd" ? lastDay(period) : "-";
        const synced = (version) => `${lastDay(period)} 0${version}:00:00`;
        const line = (version, given) => [
          invoice,
          subscription,
          id,
          `${period}-01`,
          lastDay(period),
          `$${money(net + tax)}`,
          `$${money(tax)}`,
          given,
          given === "pd" ? paid : "-",
          synced(version),
        ];
        if (random.chance(0.15)) invoices.push(line(1, "op"));
        invoices.push(line(2, state));
        lines.push([`${invoice}-1`, invoice, random.chance(0.2) ? "Seats " : "seats", seats, plans[plan], null]);
        if (overage > 0) lines.push([`${invoice}-2`, invoice, "overage", overage, 1000, null]);
        if (credit) lines.push([`${invoice}-3`, invoice, "Credit", 1, -500, null]);
        if (random.chance(0.04)) lines.push([`${invoice}-9`, invoice, "oops", 3, 999, "2025-06-01"]);
      }
    }
    if (seatsOfAccount === 0) continue;
    for (let at = 3; at < 10; at++) {
      const text = month(at).replace("-", "/");
      const row = (active, when) => [
        id,
        text,
        active,
        active * random.between(20, 400),
        `${lastDay(month(at))} ${when}:00:00`,
      ];
      if (random.chance(0.1)) usage.push(row(0, "01"));
      usage.push(row(random.chance(0.05) ? 0 : random.between(1, seatsOfAccount), "05"));
    }
  }
  for (let index = 0; index < 8; index++) {
    accounts.push([`demo-${index}`, null, "ZZ", day(0), null, "demo", null]);
    const demo = [`sub_d${index}`, `demo-${index}`, "xx", "demo", 0, 0, day(0), "", `${day(1)} 00:00:00`];
    subscriptions.push(demo);
    before.push(demo);
  }
  return {
    "raw_billing.accounts": table(
      "account_id company_name country_code created_at owner_email segment deleted_at",
      accounts,
    ),
    "raw_billing.subscriptions": {
      ...table(
        "subscription_id account_id plan_code status seats:integer mrr_cents:integer started_on ended_on updated_at:timestamp",
        subscriptions,
      ),
      before,
    },
    "raw_billing.invoices": table(
      "invoice_id subscription_id account_id period_start period_end amount_due tax_amount invoice_state paid_on synced_at",
      invoices,
    ),
    "raw_billing.invoice_lines": table(
      "line_id invoice_id line_kind quantity:integer unit_cents:integer voided_at",
      lines,
    ),
    "raw_crm.contacts": table("contact_id account_key email role opted_in:boolean", contacts),
    "raw_product.monthly_usage": table("account_id usage_month active_seats:integer api_calls:bigint loaded_at", usage),
  };
}

/** Columns are text where no type is given, as exports leave them. */
function table(columns, rows) {
  return {
    columns: columns
      .split(" ")
      .map((item) => item.split(":"))
      .map(([name, type = "varchar"]) => [name, type]),
    rows,
  };
}
