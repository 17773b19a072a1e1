import { describe } from "vitest";
import { slots } from "../../src/adapters/slots/index.js";
import type { SlotAdapter } from "../../src/model/slot.js";
import { slotContract } from "../contracts/slots.contract.js";

/** Settings of providers that need some. The commands are what a tool such as `jg` does. */
const settings: Readonly<Record<string, unknown>> = {
  command: {
    create: `git worktree add --quiet --detach "{repo}-{n}"`,
    delete: `git worktree remove --force '{repo}-{n}'`,
    path: "{repo}-{n}",
  },
};

describe.each(Object.entries(slots))("slots of provider %s", (id, adapter) => {
  slotContract({
    adapter: adapter as unknown as SlotAdapter<never>,
    settings: settings[id] ?? {},
    isolates: id !== "none",
  });
});
