// A package is reached as sources, as what is built of it, or, where nothing is built, by its bare name.
const workspace = "(packages|@arcp|node_modules/@arcp)";
const arcp = (name) => `^${workspace}/${name}(/|$)`;
const anyOther = (...names) => `^${workspace}/(?!(${names.join("|")})(/|$))`;
const opentelemetry = (name) => `(^|/)@opentelemetry/${name}`;
const test = "\\.test\\.ts$";

// Which packages a package may import, besides itself.
const packages = {
  core: [],
  client: ["core"],
  runtime: ["core"],
  "transport-[^/]+": ["core"],
  "store-[^/]+": ["core", "runtime"],
  otel: ["core", "runtime"],
};

const packageRules = Object.entries(packages).map(([name, allowed]) => ({
  name: `packages/${name.replace("[^/]+", "*")}`,
  comment: `Besides itself it may import: ${allowed.join(", ") || "no package"}.`,
  severity: "error",
  from: { path: `^packages/${name}/src/`, pathNot: test },
  to: { path: anyOther(name, ...allowed) },
}));

// The floors of packages/runtime/src, top down: each may import only what its line names, and the leaves.
// A file that is on no floor is a leaf, so a new file cannot become a way around the floors.
const runtime = "packages/runtime/src";
const floors = {
  front: {
    path: "(index|runtime|runtime-options|archive|connections|(job|session|credential)-operations|figures|orphans|shutdown|store-loss|takeover|welcome)\\.ts$",
    below: [
      "front",
      "connection",
      "handshake",
      "verbs",
      "session",
      "agents",
      "jobs",
      "authority",
      "store",
    ],
  },
  connection: {
    path: "(connection|connection-state|binding|intake|missed-acceptances)\\.ts$",
    below: ["handshake", "verbs", "session", "jobs", "authority", "store"],
  },
  handshake: { path: "handshake\\.ts$", below: ["session", "jobs", "authority", "store"] },
  verbs: { path: "verbs/", below: ["session", "agents", "jobs", "authority", "store"] },
  session: { path: "session/", below: ["authority", "store"] },
  agents: { path: "agents/", below: ["jobs", "authority", "store"] },
  jobs: { path: "jobs/", below: ["authority", "store"] },
  authority: { path: "authority/", below: ["store"] },
  store: { path: "store/", below: [] },
};
const everyFloor = Object.values(floors)
  .map((floor) => floor.path)
  .join("|");

const floorRules = Object.entries(floors).map(([name, { path, below }]) => ({
  name: `runtime/${name}`,
  comment: `Inside the runtime imports run downwards; ${name} may import: ${below.join(", ") || "leaves only"}.`,
  severity: "error",
  from: { path: `^${runtime}/(${path})`, pathNot: test },
  to: {
    path: `^${runtime}/(${everyFloor})`,
    pathNot: `^${runtime}/(${[path, ...below.map((floor) => floors[floor].path)].join("|")})`,
  },
}));

// The files of transport-ws that a browser loads.
const browserEntry =
  "packages/transport-ws/src/(browser|platform-[^/]+|address|loopback|close-code)\\.ts$";

export default {
  forbidden: [
    ...packageRules,
    ...floorRules,
    {
      name: "runtime/leaf",
      comment:
        "A leaf (clock, policy, auth, logger) may be imported by every floor, so it imports none.",
      severity: "error",
      from: { path: `^${runtime}/`, pathNot: `^${runtime}/(${everyFloor})|${test}` },
      to: { path: `^${runtime}/(${everyFloor})` },
    },
    {
      name: "store-entry-only",
      comment: "A store knows the runtime by @arcp/runtime/store alone.",
      severity: "error",
      from: { path: "^packages/store-[^/]+/src/", pathNot: test },
      to: { path: arcp("runtime"), pathNot: `^@arcp/runtime/store$|/runtime/(dist|src)/store/` },
    },
    {
      name: "conformance-is-for-tests",
      comment: "Only tests, the command line, apps, bench and docs import @arcp/conformance.",
      severity: "error",
      from: { path: "^packages/", pathNot: `^packages/(conformance|cli)/|${test}` },
      to: { path: arcp("conformance") },
    },
    {
      name: "opentelemetry-apart",
      comment: "Only @arcp/otel knows OpenTelemetry.",
      severity: "error",
      from: { path: "^packages/", pathNot: "^packages/otel/" },
      to: { path: opentelemetry("[^/]+") },
    },
    {
      name: "opentelemetry-api-only",
      comment: "@arcp/otel works with any SDK: it imports the API alone.",
      severity: "error",
      from: { path: "^packages/otel/src/", pathNot: test },
      to: { path: opentelemetry("(?!api(/|$))[^/]+") },
    },
    {
      name: "no-node-in-the-browser",
      comment:
        "core and client run in a browser as they are, and transport-ws has an entry that does.",
      severity: "error",
      from: { path: `^packages/(core|client)/src/|^${browserEntry}`, pathNot: test },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "browser-entry",
      comment: "What a browser gets of transport-ws stays apart from what needs Node and `ws`.",
      severity: "error",
      from: { path: `^${browserEntry}`, pathNot: test },
      to: { path: "^ws$|/node_modules/ws/|^packages/transport-ws/", pathNot: `^${browserEntry}` },
    },
    {
      name: "by-name-only",
      comment: "Another package is imported by its name and its exports, never by a path into it.",
      severity: "error",
      from: { path: "^(?:packages/|apps/)?([^/]+)/" },
      to: {
        path: "^@arcp/[^/]+/(src|dist)(/|$)|^\\.\\./.*/dist/|^(packages|apps)/[^/]+/|^(bench|docs)/",
        pathNot: "^(?:packages/|apps/)?$1/",
        dependencyTypes: ["local", "unknown"],
      },
    },
    {
      name: "no-cycle",
      comment: "Also cycles of types: they say that two files are one.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    doNotFollow: { path: "(^|/)(node_modules|dist)/" },
    exclude: {
      path: "(^|/)(node_modules/(?!@arcp|(\\.pnpm/)?@opentelemetry)|\\.turbo/|\\.reports/)|^(packages|apps)/[^/]+/dist/.*\\.map$",
    },
    // Imports of types count: they bind just as much.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["types", "import", "default"],
      extensions: [".ts", ".mts", ".d.ts", ".mjs", ".js"],
    },
  },
};
