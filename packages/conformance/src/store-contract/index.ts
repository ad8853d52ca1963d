export {
  type KeptLog,
  missing,
  type OpenStore,
  type StoreAbility,
  type StoreCase,
} from "./store-case.ts";
export { storeContract } from "./store-contract.ts";
