/** No isolation: agents read the user's own tree. Makes nothing and removes nothing. */
import { z } from "zod";
import { failed, ok } from "../../model/result.js";
import type { SlotAdapter } from "../../model/slot.js";

const settings = z.strictObject({});

export const none: SlotAdapter<z.infer<typeof settings>> = {
  id: "none",
  settings,
  async create(_settings, context) {
    const paths = Object.fromEntries(context.repos.map((repo) => [repo.name, repo.path]));
    return ok({
      id: "none",
      locate: (number) => ({ number, paths }),
      check: async () => ok(undefined),
      create: async (number, signal) =>
        signal.aborted ? failed("aborted", `slot ${number} was not made`) : ok({ number, paths }),
      remove: async () => ok(null),
    });
  },
};
