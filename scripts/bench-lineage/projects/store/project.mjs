// The shop's raw tables: customers and orders with their older versions, test orders, deleted ones and sloppy spelling,
// all of which staging cleans. Knows no faults.

export const settings = {
  heldOut: false,
  groupColumns: ["market"],
  sourceRepos: [],
  /** Dirt that staging filters away; each beside a fault makes a distractor. */
  dirt: [
    "insert into raw_shop.orders select order_id || 'X', null, market, '??', ordered_at, 'Z', null, 'n/a', null, updated_at, '2025-09-30 00:00:00' from raw_shop.orders where hash(order_id || 'd1') % 12 = 0",
    "insert into raw_shop.order_items select 'T' || order_item_id, 'TEST-' || order_id, null, -1, null, 0, 'n/a' from raw_shop.order_items where hash(order_item_id || 'd2') % 15 = 0",
    "insert into raw_shop.customers select customer_id || '-T', null, null, null, 'ZZ', signup_at, 'none', 'C0', true, updated_at from raw_shop.customers where hash(customer_id || 'd3') % 9 = 0",
    "insert into raw_shop.customers select customer_id, null, first_name, last_name, 'ZZ', signup_at, 'unknown', 'C0', false, '2019-01-01 00:00:00' from raw_shop.customers where hash(customer_id || 'd4') % 11 = 0 and not is_test",
    "insert into raw_shop.payments select 'F' || payment_id, 'SO-0', 'cash', -100, 'failed', paid_at from raw_shop.payments where hash(payment_id || 'd5') % 13 = 0",
    "insert into raw_shop.returns select 'N' || return_id, null, '99', 'soon', 'n/a' from raw_shop.returns where hash(return_id || 'd6') % 4 = 0",
  ],
};

const firstNames = "Ada Ben Chloé Dmitri Elena Farid Grace Hiro Ines Jonas Karin Liam Maya Noor Otto Priya".split(" ");
const lastNames = "Abbott Brandt Carver Dubois Ellis Fischer Garnier Hughes Ito Keller Laurent Meyer Novak".split(" ");
const adjectives = "Compact Nordic Classic Silent Foldable Ceramic Urban Alpine Vintage Smart".split(" ");
const things = {
  AUD: ["Headphones", "Speaker", "Turntable"],
  CAM: ["Camera", "Tripod", "Lens Cap"],
  KIT: ["Kettle", "Skillet", "Grinder"],
  LIT: ["Desk Lamp", "Lantern", "Bulb Set"],
  GAR: ["Pruner", "Hose", "Planter"],
  CYC: ["Helmet", "Bike Pump", "Saddle"],
  TOY: ["Puzzle", "Blocks", "Kite"],
  BOK: ["Atlas", "Cookbook", "Notebook"],
};
const markets = [
  ["US", "USD"],
  ["CA", "CAD"],
  ["GB", "GBP"],
  ["DE", "EUR"],
  ["FR", "EUR"],
  ["AU", "AUD"],
];
const tiers = [" Bronze", "bronze", "SILVER", "Silver", "gold", "Gold ", "PLAT", "plat"];
const pad = (number, width) => String(number).padStart(width, "0");
const money = (cents) => (cents / 100).toFixed(2);
const commas = (text) => text.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
const stamp = (day, second) => new Date(Date.UTC(2025, 0, 6) + (day * 86_400 + second) * 1000);
const text = (date) => date.toISOString().slice(0, 19).replace("T", " ");
const american = (date) => `${pad(date.getUTCMonth() + 1, 2)}/${pad(date.getUTCDate(), 2)}/${date.getUTCFullYear()}`;

export function tables(random) {
  const suppliers = Array.from({ length: 14 }, (_, index) => [
    pad(index * 7 + 3, 4),
    `${lastNames[index % lastNames.length]} ${index % 2 === 0 ? "Trading" : "& Co."}`,
    random.pick(["us", "DE", "CN", "it", "VN"]),
  ]);
  const products = Object.entries(things).flatMap(([category, names], row) =>
    names.flatMap((name, column) =>
      [0, 1, 2].map((edition) => ({
        sku: `${category}-${1000 + row * 100 + column * 10 + edition}`,
        name: `${adjectives[(row + column * 3 + edition * 5) % adjectives.length]} ${name}`,
        category: edition === 1 ? category.toLowerCase() : category,
        cents: random.between(900, 24_900),
        supplier: String(Number(random.pick(suppliers)[0])),
        active: !(edition === 2 && column === 2),
      })),
    ),
  );
  const customers = [];
  for (let index = 0; index < 230; index++) {
    const id = `C${10_001 + index}`;
    const [first, last] = [random.pick(firstNames), random.pick(lastNames)];
    const market = random.pick(markets)[0];
    const signup = stamp(random.between(-400, 60), random.between(0, 80_000));
    const tier = random.pick(tiers);
    const referred = index > 20 && random.chance(0.25) ? `C${10_001 + random.between(0, index - 1)}` : "";
    const email = `${first}.${last}${index}@example.${market.toLowerCase()}`;
    const row = (given, version) => [id, given, first, last, market, text(signup), version, referred, false];
    if (random.chance(0.12)) customers.push([...row(`old-${email}`, " Bronze"), text(stamp(-420, index))]);
    const written = random.chance(0.2) ? ` ${email.toUpperCase()}` : email;
    customers.push([...row(written, tier), text(stamp(random.between(61, 120), index))]);
  }
  for (let index = 0; index < 6; index++) {
    const when = text(stamp(0, index));
    customers.push([`T${index}`, null, "Test", "Test", "XX", when, "tester", "", true, when]);
  }
  const [orders, items, payments, returns] = [[], [], [], []];
  for (let index = 0; index < 620; index++) {
    const id = `SO-${pad(100 + index * 3, 6)}`;
    const customer = `C${10_001 + random.between(0, 229)}`;
    const market = customers.find((row) => row[0] === customer)[4];
    const currency = markets.find(([name]) => name === market)[1];
    const ordered = stamp(130 + Math.floor(index / 5), (index % 5) * 9_000 + random.between(0, 8_000));
    const status = random.pick(["P", "S", "S", "D", "D", "D", "D", "D", "R", "C"]);
    let total = 0;
    for (let line = 0; line < random.between(1, 4); line++) {
      const product = random.pick(products);
      const quantity = random.between(1, 5);
      const price = product.cents - (random.chance(0.3) ? random.between(0, Math.floor(product.cents / 10)) : 0);
      const discount = random.pick([0, 0, 0, 5, 10, 15]);
      const net = Math.round((quantity * price * (100 - discount)) / 100);
      total += net;
      const sku = random.chance(0.15) ? ` ${product.sku.toLowerCase()}` : product.sku;
      const item = `${id.slice(3)}-${line + 1}`;
      items.push([item, id, sku, quantity, money(price), discount, commas(money(net))]);
      if (status === "R" || (status === "D" && random.chance(0.05))) {
        const code = random.between(1, 5);
        const refund = Math.floor(net * random.pick([1, 1, 0.5]));
        const back = stamp(130 + Math.floor(index / 5) + random.between(2, 40), 0);
        const row = [
          `R-${item}`,
          item,
          random.chance(0.5) ? String(code) : ` ${pad(code, 2)}`,
          american(back),
          `$${money(refund)}`,
        ];
        returns.push(row);
        if (random.chance(0.15)) returns.push([...row]);
      }
    }
    const shipping = random.pick([0, 499, 799, 1299]);
    total += shipping;
    const coupon = random.chance(0.3) ? random.pick(["SPRING10", "WELCOME", " LOYAL5"]) : "";
    const updated = new Date(ordered.getTime() + random.between(3_600, 200_000) * 1000);
    const row = (code, when) => [
      id,
      customer,
      market,
      random.chance(0.1) ? currency.toLowerCase() : currency,
      text(ordered),
      code,
      money(shipping),
      commas(money(total)),
      coupon,
      text(when),
      null,
    ];
    if (random.chance(0.18)) orders.push(row("P", ordered));
    orders.push(row(status, updated));
    if (status === "C") continue;
    const paid = status === "P" ? (random.chance(0.5) ? 0 : Math.floor(total / 2)) : total;
    const method = random.pick(["card", "card", "card", "pp", "bank"]);
    if (random.chance(0.06)) payments.push([`P${index}F`, id, "card", total, "failed", text(updated)]);
    const gift = paid > 5_000 && random.chance(0.15) ? 2_500 : 0;
    if (gift > 0) payments.push([`P${index}G`, id, "gift", gift, "ok", text(updated)]);
    if (paid > gift) payments.push([`P${index}`, id, method, paid - gift, "ok", text(updated)]);
    if (index % 40 === 0) {
      orders.push([`${id}-D`, null, "??", "XXX", text(ordered), "X", null, "n/a", null, text(updated), text(updated)]);
      items.push([`${id}-T`, `TEST-${index}`, null, 0, "0.00", 0, "n/a"]);
    }
  }
  const productRows = products.map((row) => [
    row.sku,
    ` ${row.name}`,
    row.category,
    money(row.cents),
    row.supplier,
    row.active,
  ]);
  return {
    "raw_shop.customers": table(
      "customer_id email first_name last_name market signup_at loyalty_tier referred_by is_test:boolean updated_at",
      customers,
    ),
    "raw_shop.orders": table(
      "order_id customer_id market currency ordered_at status shipping_amount total_amount coupon_code updated_at deleted_at",
      orders,
    ),
    "raw_shop.order_items": table(
      "order_item_id order_id sku quantity:integer unit_price discount_percent:integer line_total",
      items,
    ),
    "raw_shop.payments": table("payment_id order_id method amount_cents:integer status paid_at", payments),
    "raw_shop.returns": table("return_id order_item_id reason_code returned_on refund_amount", returns),
    "raw_erp.products": table("sku product_name category_code list_price supplier_id is_active:boolean", productRows),
    "raw_erp.suppliers": table("supplier_id supplier_name country_code", suppliers),
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
