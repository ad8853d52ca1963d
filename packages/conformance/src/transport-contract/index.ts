export {
  missing,
  type OpenConnection,
  type OpenTransport,
  type TransportAbility,
  type TransportCase,
} from "./transport-case.ts";
export { transportContract } from "./transport-contract.ts";
