/**
 * What goes wrong in a run of the oracle's, at the moment that was chosen: counts what is asked of others and what is
 * changed on the disk. Knows no audit.
 */
import * as disk from "./machine/files.js";

/** What goes wrong in a run, and at which moment. */
export interface Trouble {
  readonly kind:
    | "agent-fails"
    | "agent-throws"
    | "answer-missing"
    | "answer-invalid"
    | "warehouse-slow"
    | "warehouse-away"
    | "no-slot"
    | "dbt-fails"
    | "dbt-fails-early"
    | "disk-full"
    | "cancelled"
    | "killed";
  /** For the last three, moments are changes of the disk, too; else only what is asked of agent, warehouse, slots and dbt. */
  readonly at: number;
  /** Moments for which it lasts; bytes of what was being written that a killed run leaves. */
  readonly size: number;
}

export interface Mishaps {
  readonly signal: AbortSignal;
  /** What goes wrong with what is asked just now; what is named here lasts for some moments. */
  strikes(...lasting: readonly Trouble["kind"][]): Trouble["kind"] | null;
  /** Throws where the disk refuses. */
  onChange(change: disk.Change): void;
  /** Whether the run was killed: what it does after that, nobody sees. */
  isDead(): boolean;
  /** Puts what a killed run left in the place of what it would have gone on to do. */
  leaveRemains(): void;
}

export function createMishaps(folder: string, trouble: Trouble | null): Mishaps {
  const stop = new AbortController();
  let asks = 0;
  let moments = 0;
  let remains: disk.Folder | null = null;

  const moment = (change: disk.Change | null): void => {
    if (remains !== null) return;
    moments += 1;
    if (trouble === null || moments !== trouble.at) return;
    if (trouble.kind === "cancelled") stop.abort("SIGINT");
    if (trouble.kind !== "killed") return;
    remains = disk.copyOf(disk.getFolder(folder));
    if (change?.content) leaveTorn(remains, change, change.content.subarray(0, trouble.size));
    stop.abort("SIGKILL");
  };

  /** What was being written is there in part. */
  const leaveTorn = (left: disk.Folder, { what, path }: disk.Change, torn: Buffer): void => {
    const kept = disk.getFolder(folder);
    disk.put(folder, left);
    const before = what === "append" ? disk.getFile(path).content : Buffer.alloc(0);
    disk.put(path, disk.newFile(Buffer.concat([before, torn])));
    disk.put(folder, kept);
  };

  return {
    signal: stop.signal,
    strikes(...lasting) {
      moment(null);
      asks += 1;
      if (trouble === null || asks < trouble.at) return null;
      const end = trouble.at + (lasting.includes(trouble.kind) ? trouble.size % 8 : 0);
      return asks <= end ? trouble.kind : null;
    },
    onChange(change) {
      if (!change.path.startsWith(folder)) return;
      moment(change);
      if (remains !== null) throw new disk.DiskError("EKILLED", change.path);
      const isFull =
        trouble?.kind === "disk-full" && moments >= trouble.at && moments <= trouble.at + (trouble.size % 4);
      if (isFull) throw new disk.DiskError("ENOSPC", change.path);
    },
    isDead: () => remains !== null,
    leaveRemains() {
      if (remains !== null) disk.put(folder, remains);
    },
  };
}
