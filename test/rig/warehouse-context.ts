/** What a warehouse is opened with in tests. Knows no vendor. */
import type { WarehouseContext } from "../../src/model/warehouse.js";

export function warehouseContext(folder: string, changes: Partial<WarehouseContext> = {}): WarehouseContext {
  return {
    baseDir: folder,
    scratchDir: folder,
    env: {},
    maxConnections: 4,
    audit: "test",
    signal: new AbortController().signal,
    ...changes,
  };
}
