import type { SessionStore } from "../src/store/index.ts";

/** From now on claims take effect at once, and are answered when the test says so, as over a group commit. */
export function slowClaims(sessions: SessionStore) {
  const { claim } = sessions;
  const answer = Promise.withResolvers<void>();
  sessions.claim = async (...args) => {
    const outcome = await claim.apply(sessions, args);
    await answer.promise;
    return outcome;
  };
  return { answer: () => answer.resolve() };
}
