// Shows that every rule in .dependency-cruiser.mjs takes effect, on a small tree that breaks each of them once.
import "./require-node.mjs";
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cruise } from "dependency-cruiser";
import config from "../.dependency-cruiser.mjs";

const runtime = "packages/runtime/src";

// [file, what it imports, the rule that must refuse it]
const refused = [
  ["packages/core/src/up.ts", "@arcp/client", "packages/core"],
  ["packages/client/src/across.ts", "@arcp/runtime", "packages/client"],
  ["packages/client/src/transport.ts", "@arcp/transport-ws", "packages/client"],
  [`${runtime}/across.ts`, "@arcp/client", "packages/runtime"],
  ["packages/transport-ws/src/up.ts", "@arcp/runtime", "packages/transport-*"],
  ["packages/store-sqlite/src/across.ts", "@arcp/client", "packages/store-*"],
  ["packages/store-sqlite/src/whole.ts", "@arcp/runtime", "store-entry-only"],
  ["packages/otel/src/across.ts", "@arcp/client", "packages/otel"],
  ["packages/otel/src/sdk.ts", "@opentelemetry/sdk-trace", "opentelemetry-api-only"],
  [`${runtime}/tracer.ts`, "@opentelemetry/api", "opentelemetry-apart"],
  ["packages/core/src/tracer.ts", "@opentelemetry/api", "opentelemetry-apart"],
  ["packages/other/src/tests.ts", "@arcp/conformance", "conformance-is-for-tests"],
  ["packages/core/src/node.ts", "node:fs", "no-node-in-the-browser"],
  ["packages/client/src/node.ts", "events", "no-node-in-the-browser"],
  ["packages/transport-ws/src/platform-tls.ts", "node:tls", "no-node-in-the-browser"],
  ["packages/transport-ws/src/browser.ts", "./listen.ts", "browser-entry"],
  ["packages/other/src/source.ts", "@arcp/core/src/index.ts", "by-name-only"],
  ["packages/other/src/built.ts", "@arcp/core/dist/index.js", "by-name-only"],
  ["apps/demo/src/path.ts", "../../../packages/core/src/index.ts", "by-name-only"],
  ["apps/demo/src/built.ts", "../../../packages/core/dist/index.js", "by-name-only"],
  ["packages/other/src/path.test.ts", "../../core/src/index.ts", "by-name-only"],
  ["packages/other/src/chicken.ts", "./egg.ts", "no-cycle"],
  [`${runtime}/connection.ts`, "./runtime.ts", "runtime/connection"],
  [`${runtime}/handshake.ts`, "./verbs/list-jobs.ts", "runtime/handshake"],
  [`${runtime}/verbs/submit.ts`, "../connection.ts", "runtime/verbs"],
  [`${runtime}/session/projector.ts`, "../jobs/job.ts", "runtime/session"],
  [`${runtime}/jobs/admission.ts`, "../agents/run.ts", "runtime/jobs"],
  [`${runtime}/agents/run.ts`, "../session/session.ts", "runtime/agents"],
  [`${runtime}/authority/guard.ts`, "../jobs/job.ts", "runtime/authority"],
  [`${runtime}/authority/lease.ts`, "../session/session.ts", "runtime/authority"],
  [`${runtime}/authority/budget.ts`, "../verbs/list-jobs.ts", "runtime/authority"],
  [`${runtime}/store/memory.ts`, "../authority/glob.ts", "runtime/store"],
  [`${runtime}/policy.ts`, "./jobs/job.ts", "runtime/leaf"],
];

// [file, what it imports]
const allowed = [
  // The other half of the cycle, which is reported only once.
  ["packages/other/src/egg.ts", "./chicken.ts"],
  ["packages/client/src/down.ts", "@arcp/core"],
  ["packages/client/src/client.test.ts", "@arcp/runtime"],
  ["packages/core/src/core.test.ts", "node:fs"],
  ["packages/transport-ws/src/listen.ts", "node:http"],
  ["packages/transport-ws/src/platform-dial.ts", "./address.ts"],
  ["packages/transport-ws/src/ws.test.ts", "@arcp/conformance"],
  ["packages/store-sqlite/src/entry.ts", "@arcp/runtime/store"],
  ["packages/otel/src/observer.ts", "@arcp/runtime"],
  ["packages/otel/src/tracer.ts", "@opentelemetry/api"],
  ["packages/otel/src/sdk.test.ts", "@opentelemetry/sdk-trace"],
  ["packages/cli/src/verify.ts", "@arcp/conformance"],
  ["apps/demo/src/main.ts", "@arcp/runtime"],
  [`${runtime}/runtime.ts`, "./verbs/list-jobs.ts"],
  [`${runtime}/verbs/list-jobs.ts`, "../jobs/job.ts"],
  [`${runtime}/session/session.ts`, "../limits.ts"],
  [`${runtime}/jobs/job.ts`, "../authority/glob.ts"],
  [`${runtime}/jobs/budget.ts`, "../limits.ts"],
  [`${runtime}/store/index.ts`, "../clock.ts"],
  [`${runtime}/authority/glob.ts`, "@arcp/core"],
  [`${runtime}/clock.ts`, "@arcp/core"],
  ["packages/core/src/index.ts", "./envelope.ts"],
  ["packages/core/src/envelope.ts", "zod"],
];

const names = ["core", "client", "runtime", "transport-ws", "conformance"];

// The rules must hold in a tree that was never built as well as in a built one.
for (const built of [false, true]) {
  const tree = mkdtempSync(join(tmpdir(), "import-direction-"));
  try {
    write(tree, "tsconfig.base.json", "{}");
    for (const [file, target] of [...refused, ...allowed])
      write(tree, file, `import type {} from "${target}";\n`);
    if (built) for (const name of names) install(tree, name);
    const folders = ["packages", "apps"];
    const { output } = await cruise(folders, {
      ...config.options,
      baseDir: tree,
      validate: true,
      ruleSet: { forbidden: config.forbidden },
    });
    const found = output.summary.violations.map(({ from, rule }) => `${from} breaks ${rule.name}`);
    const expected = refused.map(([file, , rule]) => `${file} breaks ${rule}`);
    assert.deepEqual(
      [...new Set(found)].sort(),
      expected.sort(),
      built ? "built tree" : "unbuilt tree",
    );
  } finally {
    rmSync(tree, { recursive: true });
  }
}
console.log(
  `import direction: ${refused.length} violations refused, ${allowed.length} imports allowed`,
);

function write(tree, file, text) {
  mkdirSync(dirname(join(tree, file)), { recursive: true });
  writeFileSync(join(tree, file), text);
}

function install(tree, name) {
  const entries = { ".": "index", "./store": "store/index" };
  const exports = Object.fromEntries(
    Object.entries(entries).map(([key, file]) => [
      key,
      { types: `./dist/${file}.d.ts`, default: `./dist/${file}.js` },
    ]),
  );
  write(
    tree,
    `packages/${name}/package.json`,
    JSON.stringify({ name: `@arcp/${name}`, type: "module", exports }),
  );
  for (const file of Object.values(entries)) {
    write(tree, `packages/${name}/dist/${file}.d.ts`, "export {};\n");
    write(tree, `packages/${name}/dist/${file}.js`, "export {};\n");
  }
  mkdirSync(join(tree, "node_modules/@arcp"), { recursive: true });
  symlinkSync(join(tree, "packages", name), join(tree, "node_modules/@arcp", name), "dir");
}
