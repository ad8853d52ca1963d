const VENDOR_NAME = /^x-vendor(\.[a-z0-9_-]+){2,}$/;

/** Whether `name` has the form `x-vendor.<vendor>.<name>[.<more>]` (section 15, R-15-1). */
export function isVendorName(name: string): boolean {
  return VENDOR_NAME.test(name);
}
