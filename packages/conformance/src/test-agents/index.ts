export { scriptAgent, type TestCredentials } from "./script-agent.ts";
export { defaultSettings, type TestSettings } from "./settings.ts";
export type { Script, Step } from "./step.ts";
export { shortSettings, type TestRuntime, testRuntime } from "./test-runtime.ts";
export { TestUpstream } from "./test-upstream.ts";
