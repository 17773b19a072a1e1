// The raw tables of a tracking set-up: web, app and server events of four sites, users with their devices, campaigns and
// what they cost. The collector is loaded by a repository of our own. Knows no faults.

export const settings = {
  heldOut: true,
  groupColumns: ["site"],
  sourceRepos: [{ name: "collector-sync", loads: ["collector"] }],
  /** Dirt that the clean models filter away; each beside a fault makes a distractor. */
  dirt: [
    "insert into raw_collector.web_events select event_id || 'b', 'BOT', null, 'ghost', 'bot', '2025-01-01 00:00:00', '/', 'spam', 'NOPE', 'n/a', null, true, received_at from raw_collector.web_events where hash(event_id || 'd1') % 15 = 0",
    "insert into raw_collector.web_events select event_id, 'XX', null, 'ghost', 'bad', sent_at, url, 'spam', 'NOPE', 'n/a', null, is_bot, '2031-01-01 00:00:00' from raw_collector.web_events where hash(event_id || 'd2') % 15 = 0",
    "insert into raw_collector.app_events select event_uuid || '-d', 'xx', null, 'ghost', 'debug', 0, null, 'none', null, null, '9.9-debug' from raw_collector.app_events where hash(event_uuid || 'd3') % 12 = 0",
    "insert into raw_collector.server_events select id + 900000, 'xx', 'ghost', 'heartbeat', '2025-01-01 00:00:00', 'n/a', null from raw_collector.server_events where hash(id + 4) % 6 = 0",
    "insert into raw_identity.users select user_id || '-m', '??', null, '01.01.2020', 'X', user_id from raw_identity.users where hash(user_id || 'd5') % 9 = 0",
    "insert into raw_ads.daily_spend select spend_id + 500000, 'NOPE', 'xx', spent_on, null, -5 from raw_ads.daily_spend where hash(spend_id + 6) % 9 = 0",
  ],
};

const sites = ["nord", "soleil", "pine", "harbor"];
const pad = (number, width) => String(number).padStart(width, "0");
const at = (minutes) => new Date(Date.UTC(2025, 2, 3) + minutes * 60_000);
const text = (date) => date.toISOString().slice(0, 19).replace("T", " ");
const money = (cents) => (cents / 100).toFixed(2);
const webTypes = {
  page_view: "pv",
  search: "srch",
  add_to_cart: "cart",
  begin_checkout: "chk",
  purchase: "buy",
  sign_up: "reg",
  sign_in: "login",
};
const channels = {
  organic: "store",
  paid_search: "search_ads",
  paid_social: "social_ads",
  email: "mail",
  direct: "preload",
};

export function tables(random) {
  const [web, app, server, users, links, campaigns, spend] = [[], [], [], [], [], [], []];
  for (let index = 0; index < 24; index++) {
    const site = sites[index % 4];
    const code = `${site.slice(0, 2).toUpperCase()}-${["SPRING", "BRAND", "RETARGET", "LAUNCH"][Math.floor(index / 4) % 4]}${Math.floor(index / 16) + 1}`;
    const start = random.between(0, 5);
    const channel = random.pick(["paid_search", "paid_social", "email", "affiliate"]);
    const written = random.chance(0.3) ? ` ${code.toLowerCase()}` : code;
    campaigns.push([
      written,
      random.chance(0.2) ? site.toUpperCase() : site,
      channel,
      `${code} ${channel.replace("_", " ")}`,
      `€${random.between(3, 9)} 000.00`,
      text(at(start * 1440)).slice(0, 10),
      text(at((start + 20) * 1440)).slice(0, 10),
      code,
    ]);
    for (let day = start; day < start + 9; day++) {
      spend.push([
        1000 + spend.length,
        random.chance(0.3) ? code.toLowerCase() : code,
        site,
        text(at(day * 1440)).slice(0, 10),
        random.between(20, 400),
        random.between(5, 180) * 1_000_000,
      ]);
    }
  }
  for (let index = 0; index < 150; index++) {
    const site = sites[index % 4];
    const created = text(at(-random.between(1, 400) * 1440))
      .slice(0, 10)
      .split("-")
      .reverse()
      .join(".");
    users.push([
      `u${pad(500 + index, 5)}`,
      random.chance(0.15) ? ` ${site.toUpperCase()}` : site,
      `User${index}@Post.example`,
      created,
      random.pick(["F", "F", "f", "P", "p", "V"]),
      null,
    ]);
  }
  for (let index = 0; index < 9; index++) users.push([`m${index}`, "??", null, "01.01.2020", "X", users[index][0]]);
  let [order, request] = [4000, 1];
  for (let visitor = 0; visitor < 330; visitor++) {
    const user = visitor < 300 ? users[visitor % 150] : null;
    const site = user === null ? random.pick(sites) : sites[(visitor % 150) % 4];
    const isApp = visitor % 3 === 2;
    const id = isApp ? `dev-${pad(visitor, 4)}` : `v.${pad(visitor * 17, 6)}`;
    if (user !== null) {
      links.push([id, user[0], text(at(-random.between(10, 5_000)))]);
      if (random.chance(0.15)) links.push([id, user[0], text(at(-random.between(1, 9)))]);
    }
    if (random.chance(0.1)) links.push([`${id}?`, null, text(at(0))]);
    for (let session = 0; session < random.between(1, 3); session++) {
      let minute = random.between(0, 25 * 1440);
      const buys = user !== null && random.chance(0.35);
      const steps = buys
        ? [isApp ? "screen_view" : "page_view", "sign_in", "add_to_cart", "begin_checkout", "purchase"]
        : [
            isApp ? "screen_view" : "page_view",
            random.pick(["search", "add_to_cart", isApp ? "screen_view" : "page_view"]),
          ];
      const channel = random.pick(["organic", "direct", "email", "paid_search", "paid_social"]);
      const paid = campaigns.filter((row) => row[1].toLowerCase() === site);
      const campaign =
        ["email", "paid_search", "paid_social"].includes(channel) && random.chance(0.7) ? random.pick(paid)[7] : "";
      for (const step of steps) {
        minute += random.between(1, 8);
        const when = at(minute);
        const second = pad(random.between(0, 59), 2);
        const sent = `${text(when).slice(0, 17)}${second}`;
        const cents = step === "purchase" ? random.between(900, 45_000) : 0;
        const number = step === "purchase" ? `O${order++}` : "";
        const known = user !== null && (step === "sign_in" || step === "purchase" || random.chance(0.3));
        if (isApp) {
          const uuid = `${pad(visitor, 4)}${pad(app.length, 5)}`;
          app.push([
            uuid,
            site,
            id,
            known ? user[0] : "guest",
            random.chance(0.2) ? ` ${step.toUpperCase()}` : step,
            Math.floor(when.getTime() / 1000) + Number(second),
            `${step}_screen`,
            channels[channel],
            cents,
            number === "" ? null : number,
            random.pick(["4.1", "4.2"]),
          ]);
          if (random.chance(0.02))
            app.push([`${uuid}x`, "xx", null, "ghost", "debug", 0, null, "none", null, null, "4.3-debug"]);
        } else {
          const event = `${pad(visitor, 4)}-${pad(web.length, 5)}`;
          const row = [
            event,
            random.chance(0.2) ? site.toUpperCase() : site,
            id,
            known ? user[0] : "",
            webTypes[step],
            sent,
            `/${step}?v=${visitor}`,
            random.chance(0.1) && channel === "direct" ? "" : channel,
            campaign,
            step === "purchase" ? money(cents).replace(".", ",") : "",
            number,
            false,
          ];
          web.push([...row, `${sent}.1`]);
          if (random.chance(0.08)) web.push([...row, `${sent}.7`]);
          if (random.chance(0.03))
            web.push([`${event}b`, "BOT", null, "", "bot", sent, "/", "spam", "", "", "", true, sent]);
        }
        if (step === "purchase") {
          const row = [
            request++,
            site,
            user[0],
            random.chance(0.5) ? "PURCHASE" : "purchase",
            sent,
            money(cents),
            number,
          ];
          server.push(row);
          if (random.chance(0.1)) server.push([...row]);
          if (random.chance(0.12))
            server.push([
              request++,
              site,
              user[0],
              random.chance(0.5) ? "Refund" : "refund",
              text(at(minute + 4_000)),
              money(Math.floor(cents / 2)),
              number,
            ]);
          if (random.chance(0.1)) server.push([request++, "xx", "ghost", "heartbeat", sent, "n/a", null]);
        }
      }
    }
  }
  return {
    "raw_collector.web_events": table(
      "event_id site visitor_id user_ref type sent_at url utm_channel utm_campaign order_value order_ref is_bot:boolean received_at",
      web,
    ),
    "raw_collector.app_events": table(
      "event_uuid app_site device_id user_id action occurred_epoch:bigint screen install_source value_cents:integer order_ref build",
      app,
    ),
    "raw_collector.server_events": table("id:integer site_code customer kind happened_at amount order_no", server),
    "raw_identity.users": table("user_id home_site email created plan merged_into", users),
    "raw_identity.device_links": table("visitor_id user_id linked_at", links),
    "raw_ads.campaigns": table(
      "code site channel name budget starts_on ends_on",
      campaigns.map((row) => row.slice(0, 7)),
    ),
    "raw_ads.daily_spend": table("spend_id:integer campaign site spent_on clicks:integer cost_micros:bigint", spend),
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
