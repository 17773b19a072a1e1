/**
 * The trace of a whole audit: what all of its inputs and outputs looked like when a run had finished with nothing left to
 * do. While they look the same, another run would reuse every node, and need not be begun ("deep constructive trace" in
 * "Build systems à la carte"). Disposable: where it is absent, damaged or in doubt, the run decides node by node.
 * Knows nothing of nodes, and is imported by the shortest path through the program: nothing heavy may be imported here.
 */
import { createHmac, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Diagnostic } from "../model/diagnostic.js";
import { sha256 } from "../model/digest.js";
import { fileSignature, foldersDigest } from "../support/file-signature.js";
import { writeFileAtomic } from "../support/files.js";
import { programIdentity } from "../support/version.js";
import type { EndSummary } from "./end-summary.js";

const traceVersion = 1;

export interface WholeTrace {
  readonly version: typeof traceVersion;
  /** The program that would decide otherwise is another one. */
  readonly program: string;
  /** Absolute path of the config. */
  readonly config: string;
  /** Milliseconds: from when on, and until when, time alone changes nothing. */
  readonly from: number;
  readonly until: number | null;
  /** Absolute path → signature; null: absent. */
  readonly inputs: Readonly<Record<string, string | null>>;
  /** Variables that the config or a profile refers to: a digest of their values, and of the home folder, under a key of this trace. */
  readonly variables: { readonly names: readonly string[]; readonly key: string; readonly digest: string };
  /** Of the folders that runs write to. */
  readonly outputs: string;
  readonly end: WholeEnd;
}

export interface WholeEnd {
  readonly run: string;
  readonly exitCode: number;
  readonly nodes: readonly string[];
  /** Ids of the cases whose finding is that of their newest trace. */
  readonly cases: readonly string[];
  readonly summary: EndSummary;
  /** What there is to say of the config, told at each run. */
  readonly warnings: readonly Diagnostic[];
}

export interface FinishedAudit {
  readonly config: string;
  /** The audit folder. */
  readonly dir: string;
  /** Files and folders that were looked at, whether they exist or not. */
  readonly inputs: readonly string[];
  /** Null: not set. */
  readonly variables: ReadonlyMap<string, string | null>;
  /** Milliseconds; real time, as the file system has it. */
  readonly startedAt: number;
  readonly until: number | null;
  readonly end: WholeEnd;
}

const fileName = "whole-trace.json";
/** Not there at one of the two looks. */
const ownFiles: ReadonlySet<string> = new Set([fileName, "run.lock", "processes.jsonl"]);

/** File systems keep times as coarse as two seconds; what was changed that short before the run may have changed in it. */
const coarseness = 2_000;

/** Writes nothing where an input may have changed since the run has read it: the next run finds that out. */
export async function writeWholeTrace(audit: FinishedAudit): Promise<void> {
  const signatures = audit.inputs.map((path) => [path, fileSignature(path)] as const);
  if (signatures.some(([, { changed }]) => changed > audit.startedAt - coarseness)) return;
  const names = [...audit.variables.keys()].sort();
  const key = randomBytes(16).toString("hex");
  const trace: WholeTrace = {
    version: traceVersion,
    program: programIdentity(),
    config: audit.config,
    from: audit.startedAt,
    until: audit.until,
    inputs: Object.fromEntries(signatures.map(([path, { signature }]) => [path, signature])),
    variables: { names, key, digest: variablesDigest(names, key, (name) => audit.variables.get(name) ?? undefined) },
    outputs: foldersDigest(outputFolders(audit.dir), ownFiles),
    end: audit.end,
  };
  const body = JSON.stringify(trace);
  await writeFileAtomic(fileIn(audit.dir), `${body}\n${sha256(body)}\n`);
}

/** How the last whole run ended, if another one would do nothing. Null: that is not known. Throws nothing. */
export function stillWhole(
  configFile: string,
  env: Readonly<Record<string, string | undefined>>,
  now: number,
): { readonly dir: string; readonly end: WholeEnd } | null {
  try {
    const dir = probableFolder(configFile);
    const trace = readTrace(dir);
    if (trace === null || trace.program !== programIdentity() || trace.config !== configFile) return null;
    if (now < trace.from || (trace.until !== null && now >= trace.until)) return null;
    const { names, key, digest } = trace.variables;
    if (variablesDigest(names, key, (name) => env[name]) !== digest) return null;
    const changed = Object.entries(trace.inputs).some(([path, was]) => fileSignature(path).signature !== was);
    if (changed || isBusy(dir) || foldersDigest(outputFolders(dir), ownFiles) !== trace.outputs) return null;
    return { dir, end: trace.end };
  } catch {
    // Whatever it is, the run proper will meet it and name it.
    return null;
  }
}

function readTrace(dir: string): WholeTrace | null {
  const [body = "", sum] = readFileSync(fileIn(dir), "utf8").split("\n");
  if (sha256(body) !== sum) return null;
  const trace = JSON.parse(body) as WholeTrace;
  return trace.version === traceVersion ? trace : null;
}

/**
 * Where the trace is, without a look at the whole config: a wrong guess finds none. The config that is named in the trace
 * vouches for the rest.
 */
function probableFolder(configFile: string): string {
  const written = /^dir:[ \t]*(["']?)([^"'#\n]+?)\1[ \t]*$/m.exec(readFileSync(configFile, "utf8"))?.[2] ?? ".audit";
  const path = written.startsWith("~/") ? join(homedir(), written.slice(2)) : written;
  return resolve(dirname(configFile), path);
}

/** A run is on, or was killed. */
function isBusy(dir: string): boolean {
  return readdirSync(dir).includes("run.lock");
}

/**
 * All that runs read again or leave for others: the audit folder, and the folders in it but for those of single runs.
 * Whoever asks something of a run leaves a file in one of them.
 */
function outputFolders(dir: string): readonly string[] {
  const perRun = ["runs", "scratch", "slots"];
  const folders = foldersIn(dir).filter((name) => !perRun.includes(name));
  const objects = join("traces", "objects");
  return [".", ...folders, ...foldersIn(join(dir, objects)).map((name) => join(objects, name))].map((name) =>
    join(dir, name),
  );
}

function foldersIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

function variablesDigest(names: readonly string[], key: string, read: (name: string) => string | undefined): string {
  return createHmac("sha256", key)
    .update(JSON.stringify([homedir(), ...names.map((name) => read(name) ?? null)]))
    .digest("hex");
}

function fileIn(dir: string): string {
  return join(dir, fileName);
}
