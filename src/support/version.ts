/** This package's version; the build puts it in. */
import { fileURLToPath } from "node:url";
import { fileSignature } from "./file-signature.js";

declare const __AUDIT_RUN_VERSION__: string;

export const version: string = __AUDIT_RUN_VERSION__;

/** Tells this build of the program from any other: a developer's next one has the same version. */
export function programIdentity(): string {
  return `${version} ${fileSignature(fileURLToPath(import.meta.url)).signature}`;
}
