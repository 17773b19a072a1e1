// Imported before the program, so that the names of its files, which hold random numbers and the time, are the same each
// time: run number STEADY of them. Nothing else of it is changed.
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";

const run = Number(process.env.STEADY);
const now = Date.UTC(2030, 0, 1) + run * 1000;
let count = 0;

crypto.randomBytes = (size) => {
  count += 1;
  return Buffer.from(`${String(Math.abs(run) % 10)}${String(count).padStart(size * 2 - 1, "0")}`, "hex");
};
syncBuiltinESMExports();

globalThis.Date = class extends Date {
  constructor(...given) {
    if (given.length === 0) super(now);
    else super(...given);
  }
  /** Goes on, for those who wait for it. */
  static now() {
    return now + Math.floor(performance.now());
  }
};
