/** A refusal that an agent never looks at must not end the process; whoever awaits it still gets it. */
export function tolerated<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
