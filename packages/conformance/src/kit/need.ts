import type { Feature } from "@arcp/core";
import type { TestSettings } from "../test-agents/settings.ts";
import type { Facts } from "./facts.ts";

/** What a scenario needs in order to be played: returns what is missing, or nothing. */
export type Need = (facts: Facts) => string | undefined;

/** A resume window short enough to wait for. */
export const windowWithin =
  (seconds: number): Need =>
  ({ resumeWindowSec }) =>
    resumeWindowSec <= seconds
      ? undefined
      : `needs a resume window of at most ${seconds} s, this one is ${resumeWindowSec} s`;

/** Heartbeats frequent enough to wait for. */
export const heartbeatWithin =
  (seconds: number): Need =>
  ({ heartbeatIntervalSec }) =>
    heartbeatIntervalSec !== undefined && heartbeatIntervalSec <= seconds
      ? undefined
      : `needs heartbeats every ${seconds} s at least, ${
          heartbeatIntervalSec === undefined
            ? "there are none"
            : `these come every ${heartbeatIntervalSec} s`
        }`;

/** A setting that is small enough to be reached. */
export const settingWithin =
  (name: keyof TestSettings, most: number): Need =>
  ({ settings }) =>
    settings[name] <= most
      ? undefined
      : `needs ${name} of at most ${most}, here it is ${settings[name]}`;

/** A setting that is large enough not to interfere. */
export const settingOfAtLeast =
  (name: keyof TestSettings, least: number): Need =>
  ({ settings }) =>
    settings[name] >= least
      ? undefined
      : `needs ${name} of at least ${least}, here it is ${settings[name]}`;

export const feature =
  (name: Feature): Need =>
  ({ features }) =>
    features.has(name) ? undefined : `needs the feature ${name}, which is not offered`;

export const agent =
  (name: string): Need =>
  ({ agents }) =>
    agents.has(name) ? undefined : `needs the agent ${name}`;

/** A WebSocket, and not only its messages. */
export const webSocket: Need = ({ url }) => (url === undefined ? "needs a WebSocket" : undefined);

/** A runtime that can be killed, on a durable store. */
export const restart: Need = ({ restarts }) =>
  restarts ? undefined : "needs a runtime that the kit can kill, on a durable store";

/** A WebSocket that is reached by a name of this machine. */
export const onLoopback: Need = ({ url }) =>
  url !== undefined && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname)
    ? undefined
    : "needs a WebSocket at a loopback address";
