/** Every registered reporter keeps the contract. */
import { reporters } from "../../src/reporters/index.js";
import { reporterContract } from "./reporter.contract.js";

for (const reporter of Object.values(reporters)) reporterContract(reporter);
