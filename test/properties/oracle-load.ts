/**
 * Loads an audit of the oracle's once for each version of its files: to read them is a fifth of a run, and the same files
 * give the same config, exceptions and prompt.
 */
import { type AuditRequest, type LoadedAudit, loadAudit, type Registries } from "../../src/audit/load.js";

/** All that files give. */
type FromFiles = Omit<LoadedAudit, "request" | "agent">;

const remembered = new Map<string, Promise<FromFiles>>();

export function loadOnce(files: readonly string[], request: AuditRequest, registries: Registries): Promise<FromFiles> {
  const key = JSON.stringify([request.cwd, ...files]);
  const loading = remembered.get(key) ?? loadNow(request, registries);
  if (remembered.size > 2_000) remembered.clear();
  remembered.set(key, loading);
  return loading;
}

async function loadNow(request: AuditRequest, registries: Registries): Promise<FromFiles> {
  const loaded = await loadAudit(request, registries);
  if ("diagnostics" in loaded) throw new Error(JSON.stringify(loaded));
  const { request: _request, agent: _agent, ...fromFiles } = loaded;
  return { ...fromFiles, redact: once(loaded.redact), redactValues: once(loaded.redactValues) };
}

/** A report says the same things again and again. */
function once(redact: (text: string) => string): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    const redacted = known.get(text) ?? redact(text);
    if (known.size > 10_000) known.clear();
    known.set(text, redacted);
    return redacted;
  };
}
