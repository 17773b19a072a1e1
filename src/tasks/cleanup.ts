/**
 * `cleanup`: gives back what the run took. Runs always, also after a failure or Ctrl-C.
 */
import type { Session } from "./session.js";

/** Whatever cannot be given back is named, stays in the ledger, and is tried again by the next run. */
export async function cleanUp(session: Session): Promise<void> {
  const views = await session.views.close();
  if (!views.ok) session.emit({ type: "warning", node: "cleanup", message: views.failure.message });
  for (const { slot, message } of await session.slots.clear()) {
    session.emit({
      type: "warning",
      node: "cleanup",
      message: `slot ${slot.number} could not be removed and stays in ${Object.values(slot.paths).join(", ")}: ${message}`,
    });
  }
}
