// A process that is handed units (one kind of fault in one project) and sends back its cases. Knows no scores.
import { casesOf } from "./cases.mjs";
import { openSite } from "./site.mjs";

const [bundle] = process.argv.slice(2);
const inside = await import(bundle);
const sites = new Map();

process.on("message", async ({ project, file, ...unit }) => {
  try {
    const site = sites.get(project) ?? (await openSite(project, file, inside));
    sites.set(project, site);
    for await (const message of casesOf(site, unit)) process.send(message);
    process.send({ done: true });
  } catch (error) {
    process.send({ error: `${unit.kind} in ${project}: ${error.stack}` });
  }
});
process.send({ ready: true });
