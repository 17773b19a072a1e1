// dbt's manifest without what names a machine or a minute, so that the same project always gives the same file.
// Knows no project.

export function slim(manifest) {
  const { metadata, nodes, sources, macros, disabled, parent_map, child_map, ...rest } = manifest;
  const { dbt_schema_version, dbt_version, env, project_name, adapter_type, quoting } = metadata;
  const empty = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, Array.isArray(value) ? [] : {}]));
  return {
    metadata: { dbt_schema_version, dbt_version, env, project_name, adapter_type, quoting },
    nodes: sorted(nodes, timeless),
    sources: sorted(sources, timeless),
    macros: sorted(reached(Object.values(nodes), macros, project_name), timeless),
    disabled: sorted(disabled, (resources) => resources.map(timeless)),
    ...empty,
    parent_map: sorted(parent_map, (ids) => [...ids].sort()),
    child_map: sorted(child_map, (ids) => [...ids].sort()),
  };
}

function sorted(record, change) {
  const entries = Object.entries(record).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, value]) => [key, change(value)]));
}

/** Without what differs from run to run or from machine to machine. */
function timeless({ created_at, root_path, build_path, compiled_path, ...resource }) {
  resource.depends_on?.macros?.sort();
  return resource;
}

/** The macros that a resource of the project calls, directly or through others; dbt brings 500 more. */
function reached(resources, macros, project) {
  const found = new Set();
  const visit = (id) => {
    if (found.has(id) || !macros[id]) return;
    found.add(id);
    macros[id].depends_on.macros.forEach(visit);
  };
  for (const resource of resources) resource.depends_on?.macros?.forEach(visit);
  for (const macro of Object.values(macros)) if (macro.package_name === project) visit(macro.unique_id);
  return Object.fromEntries([...found].map((id) => [id, macros[id]]));
}
