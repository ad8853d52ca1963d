import type { Configuration } from "./world.ts";

const OWNER = { features: ["ack", "provisioned_credentials"], owns: [0] };
const OWNER_OF_TWO = { ...OWNER, owns: [0, 1] };
const WATCHER = { features: ["ack", "progress", "provisioned_credentials"], owns: [] };

/** Each explores its own part of the state space, completely and quickly. Every script is followed by a result. */
export const small = {
  drops: {
    scripts: [["progress"]],
    sessions: [OWNER],
    left: { drops: 2 },
  },
  crash: {
    scripts: [["progress"]],
    sessions: [OWNER],
    left: { drops: 1, crashes: 1 },
  },
  failure: {
    scripts: [["event"]],
    sessions: [OWNER],
    left: { failures: 1, crashes: 1 },
  },
  hidden: {
    scripts: [["event", "progress"]],
    sessions: [OWNER],
    left: { crashes: 1 },
  },
  "failure of two jobs": {
    scripts: [["event"], []],
    sessions: [OWNER_OF_TWO],
    left: { failures: 1 },
  },
  "two jobs": {
    scripts: [["event"], []],
    sessions: [OWNER_OF_TWO],
    left: { drops: 1 },
  },
  endings: {
    scripts: [["event"]],
    sessions: [OWNER],
    left: { cancels: 2, crashes: 1 },
    lateWrites: true,
  },
  observer: {
    scripts: [["credential_rotated"]],
    sessions: [OWNER, WATCHER],
    left: { subscriptions: 1 },
  },
  restart: {
    scripts: [[]],
    sessions: [WATCHER],
    left: { subscriptions: 1, crashes: 1 },
  },
  "a second subscription": {
    scripts: [[], []],
    sessions: [{ ...WATCHER, watches: [0] }],
    left: { subscriptions: 1, failures: 1 },
  },
  eviction: {
    scripts: [["event"]],
    sessions: [WATCHER],
    left: { subscriptions: 1, evictions: 1, drops: 1 },
  },
  "eviction of one's own": {
    scripts: [["event"]],
    sessions: [OWNER],
    left: { evictions: 1, drops: 1 },
  },
  acks: {
    scripts: [[], []],
    sessions: [{ ...WATCHER, watches: [0, 1] }],
    left: { acks: 1, drops: 1 },
  },
} satisfies Readonly<Record<string, Configuration>>;

/** The same with more of everything: for a soak. */
export const large = {
  "a second subscription and a drop": {
    scripts: [[], []],
    sessions: [{ ...WATCHER, watches: [0] }],
    left: { subscriptions: 1, drops: 1, failures: 1 },
  },
  "three drops": { scripts: [[]], sessions: [OWNER], left: { drops: 3 } },
  "acks of two jobs": {
    scripts: [["event"], []],
    sessions: [{ ...WATCHER, watches: [0, 1] }],
    left: { acks: 1, drops: 1 },
  },
  "drops and crashes": {
    scripts: [["event", "progress", "event"]],
    sessions: [OWNER],
    left: { drops: 2, crashes: 1, failures: 1 },
  },
  "two jobs and a crash": {
    scripts: [["event", "event"], ["event"]],
    sessions: [OWNER_OF_TWO],
    left: { drops: 1, crashes: 1 },
  },
  "two crashes": {
    scripts: [["event", "progress"]],
    sessions: [OWNER],
    left: { drops: 1, crashes: 2, cancels: 1 },
    lateWrites: true,
  },
  "owner and observer": {
    scripts: [["event", "credential_rotated"]],
    sessions: [OWNER, WATCHER],
    left: { subscriptions: 1, evictions: 1, drops: 1 },
  },
  "observer of an eviction": {
    scripts: [["event", "event", "event"]],
    sessions: [WATCHER],
    left: { subscriptions: 2, evictions: 2, drops: 1, acks: 1 },
  },
} satisfies Readonly<Record<string, Configuration>>;

export const configurations = { ...small, ...large };

/** The configurations that the runtime is played against: in the model, two subscriptions to one job are answered as one. */
export function playedOf(all: Readonly<Record<string, Configuration>>): [string, Configuration][] {
  return Object.entries(all).flatMap(([name, { left, sessions, ...rest }]) => {
    const { subscriptions = 0 } = left;
    const jobs = rest.scripts.map((_, j) => j);
    const watching = sessions.map((one) => (one.owns.length > 0 ? one : { ...one, watches: jobs }));
    const one = { ...rest, sessions, left: { ...left, subscriptions: Math.min(1, subscriptions) } };
    const none = { ...rest, sessions: watching, left: { ...left, subscriptions: 0 } };
    return subscriptions === 0
      ? [[name, one]]
      : [
          [name, one],
          [`${name}, watched`, none],
        ];
  });
}
