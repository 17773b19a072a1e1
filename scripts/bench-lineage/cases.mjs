// Cases of one kind in one project: candidates whose fault a test notices, up to a number, each with its truth and with what
// the program's own walk says. The same seed gives the same cases. Knows no scores.
import { harmlessEdit } from "./code-faults.mjs";
import { candidates } from "./kinds.mjs";
import { differences, isProvable } from "./prove.mjs";
import { dice } from "./random.mjs";
import { presentChanges } from "./repository.mjs";

/** Of cases at one column or line: the number does not depend on the quota, so that a case keeps its name. */
const perPlace = 3;
/** Tests that are asked about, where a fault breaks more. */
const mostTests = { "two-faults": 8, default: 4 };

/**
 * @param only index of the one case to look at; those before it are made and not investigated.
 * @param changes whether the walk is shown what changed (an earlier manifest, git, counts).
 * @param prove whether one of the cases is compared with what real dbt builds.
 * @param walk whether the agent is asked at all.
 */
export async function* casesOf(site, { kind, seed, quota, only = null, changes = true, prove = false, walk = true }) {
  const { project } = site;
  const random = dice(`${seed}: ${kind} in ${project.name}`);
  const seen = new Map();
  let [made, tried, isProved] = [0, 0, !prove];
  for (const faults of candidates(kind, site, random)) {
    if (made >= quota || tried >= 25 + quota * 8) return;
    tried += 1;
    const place = faults.map(({ node, column, edit }) => `${node}:${column ?? edit?.from}`).join(" ");
    if ((seen.get(place) ?? 0) >= perPlace) continue;
    const planted = await plant(site, kind, faults);
    if (planted === null) continue;
    seen.set(place, (seen.get(place) ?? 0) + 1);
    const id = `${project.name}/${kind}/${made}`;
    if (!isProved && isProvable(site, faults)) {
      yield { proof: { id, differences: await differences(site, faults, planted.built) } };
      isProved = true;
    }
    made += 1;
    if (only === null || only === made - 1) {
      const item = await investigated(
        site,
        { id, kind, project: project.name, heldOut: project.settings.heldOut, faults },
        planted,
        { changes, walk },
      );
      yield { item };
    }
  }
}

/** Null where the faults cannot be built in, or no test notices them. */
async function plant(site, kind, faults) {
  if (kind === "two-faults") return plantBoth(site, faults);
  const built = await site.build(faults);
  if (built === null || built.failing.length === 0) return null;
  const splits = await site.newCases(built);
  if (splits.length === 0) return null;
  if (kind !== "flake") return { built, splits, truthOf: () => [faults[0]] };
  // What failed is remembered, and gone when somebody looks.
  await site.fresh();
  return { built, splits, truthOf: () => [] };
}

/** Each of the two alone must be noticed: so is known which tests tell of which. */
async function plantBoth(site, faults) {
  const alone = [];
  for (const fault of faults) {
    const built = await site.build([fault]);
    if (built === null || built.failing.length === 0) return null;
    const splits = await site.newCases(built);
    if (splits.length === 0) return null;
    alone.push(new Set(splits.flatMap(({ test, cases }) => cases.map((item) => `${test.id}@${item.group.key}`))));
  }
  const built = await site.build(faults);
  if (built === null) return null;
  const splits = await site.newCases(built);
  const truthOf = (test, group) => {
    const own = faults.filter((_, index) => alone[index].has(`${test}@${group}`));
    return own.length > 0 ? own : faults;
  };
  // First a test that tells of the one, then one that tells of the other: not all may be asked.
  const teller = (fault) =>
    splits.find(({ test, cases }) => cases.some((item) => truthOf(test.id, item.group.key).includes(fault)));
  const tellers = faults.map(teller);
  return tellers.includes(undefined) ? null : { built, splits: [...new Set([...tellers, ...splits])], truthOf };
}

async function investigated(site, item, { built, splits, truthOf }, { changes: withChanges, walk }) {
  const random = dice(`presentation of ${item.id}`);
  // A commit that has nothing to do with the fault, in some of the cases: what changed last is not always to blame.
  const bystander = random.chance(0.4) ? random.pick(site.project.models) : null;
  const isEdited = (id) => item.faults.some(({ edit }) => edit?.id === id);
  const harmless = bystander === null || isEdited(bystander.id) ? null : harmlessEdit(bystander);
  const edits =
    harmless === null ? [] : [{ id: harmless.id, rawCode: [...bystander.lines, harmless.lines[1]].join("\n") }];
  const now = item.kind === "flake" ? site.known : built.project;
  const shown = site.inside.edited(now, edits);
  const changes = withChanges ? await presentChanges(site, item, harmless) : null;
  const bench = site.bench(shown, changes);
  const tests = [];
  const most = mostTests[item.kind] ?? mostTests.default;
  for (const split of (item.kind === "two-faults" ? splits : random.shuffle(splits)).slice(0, most)) {
    const { answers, queries, seconds } = walk ? await bench.investigate(split) : unasked(split);
    const blamed = walk ? await bench.baselines(split) : null;
    tests.push({
      id: split.test.id,
      name: split.test.name,
      test: split.test.test.kind,
      queries,
      seconds,
      groups: answers.map((answer) => ({
        ...answer,
        truth: truthOf(split.test.id, answer.group).map(({ node, nodes = [node], role, edit, place }) => ({
          nodes,
          role,
          place: edit?.id ? place : null,
        })),
      })),
      blamed,
    });
  }
  const faults = item.faults.map(({ dirt, ...fault }) => ({ ...fault, distracted: dirt !== undefined }));
  return { ...item, faults, tests };
}

function unasked({ cases }) {
  return { answers: cases.map(({ group }) => ({ group: group.key })), queries: 0, seconds: 0 };
}
