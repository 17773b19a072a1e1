/**
 * The warehouse as it is now, for who looks at it outside of runs: no lock is taken, and a copy of the database and a folder
 * that was made for it are gone at the end.
 */
import { mkdir, rmdir } from "node:fs/promises";
import type { Result } from "../model/result.js";
import type { Warehouse, WarehouseContext } from "../model/warehouse.js";
import type { LoadedAudit } from "./load.js";
import { openWarehouse } from "./open.js";
import { auditFolders } from "./run-folder.js";

export async function withWarehouse<Value>(
  loaded: Pick<LoadedAudit, "config" | "credentials"> & { readonly request: Pick<WarehouseContext, "env" | "signal"> },
  work: (warehouse: Warehouse) => Promise<Result<Value>>,
): Promise<Result<Value>> {
  const { scratch } = auditFolders(loaded.config.dir, "none");
  const isNew = (await mkdir(scratch, { recursive: true })) !== undefined;
  try {
    const opened = await openWarehouse(loaded, { scratchDir: scratch, ...loaded.request });
    if (!opened.ok) return opened;
    return await work(opened.value).finally(() => opened.value.close());
  } finally {
    // Not where somebody else has put something into it meanwhile.
    if (isNew) await rmdir(scratch).catch(() => undefined);
  }
}
