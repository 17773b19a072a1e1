// The commands of README and docs/cli.md on the demo, whose tests are run once: test/long/docs.test.ts runs them each time.
import { parse, stringify } from "yaml";
import { documentedCommands } from "../rig/documented-commands.js";
import { auditedDemo } from "../rig/prepared.js";

documentedCommands(async () => {
  const demo = await auditedDemo();
  const config = parse(await demo.read("audit.config.yaml"));
  config.summary.maxAge = "1d";
  await demo.write("audit.config.yaml", stringify(config));
  return demo;
});
