// The commands of README and docs/cli.md on the demo as a user has it: nothing has run yet, and each run runs the tests.
import { documentedCommands } from "../rig/documented-commands.js";
import { demoFolder } from "../rig/small-audit.js";

documentedCommands(demoFolder);
