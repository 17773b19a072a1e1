/** A part of the oracle: see oracle.ts. */
import { describeOracle } from "./oracle.js";

describeOracle(2);
