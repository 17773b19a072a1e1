// Runs the contract against every registered warehouse; one without a rig fails here, so none is forgotten.
import { expect, it } from "vitest";
import { warehouses } from "../../src/adapters/warehouses/index.js";
import { warehouseContract } from "./warehouse.contract.js";
import { rigs } from "./warehouse-rigs.js";

it("has a rig for every registered warehouse", () => {
  expect(Object.keys(rigs).sort()).toEqual(Object.keys(warehouses).sort());
});

for (const [name, rig] of Object.entries(rigs)) warehouseContract(name, rig);
