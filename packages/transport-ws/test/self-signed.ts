import { generateKeyPairSync, sign } from "node:crypto";

/*
 * Just enough DER (X.690) to write down an X.509 certificate (RFC 5280), so that no key has to be kept in the repository
 * and none can expire.
 */
const tlv = (tag: number, ...content: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(content);
  const { length } = body;
  // The shortest form, which is the only one that DER allows.
  const more = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  const size = length < 0x80 ? [length] : more;
  return Buffer.concat([Uint8Array.of(tag, ...size), body]);
};
const sequence = (...content: readonly Uint8Array[]): Buffer => tlv(0x30, ...content);
const oid = (...bytes: readonly number[]): Buffer => tlv(0x06, Uint8Array.from(bytes));
const bits = (content: Uint8Array): Buffer => tlv(0x03, Uint8Array.of(0), content);
const time = (ms: number): Buffer =>
  tlv(0x18, Buffer.from(`${new Date(ms).toISOString().replace(/\D/g, "").slice(0, 14)}Z`));

const ECDSA_WITH_SHA256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
const COMMON_NAME = oid(0x55, 0x04, 0x03);
const SUBJECT_ALT_NAME = oid(0x55, 0x1d, 0x11);
const DAY = 24 * 60 * 60 * 1000;

/** A key and a certificate for an IPv4 address that nobody but itself vouches for, both as PEM. */
export function selfSigned(address: string): { readonly key: string; readonly cert: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const name = sequence(tlv(0x31, sequence(COMMON_NAME, tlv(0x0c, Buffer.from(address)))));
  const ip = tlv(0x87, Uint8Array.from(address.split("."), Number));
  const now = Date.now();
  const certificate = sequence(
    tlv(0xa0, tlv(0x02, Uint8Array.of(2))), // version 3
    tlv(0x02, Uint8Array.of(1)), // the serial number
    ECDSA_WITH_SHA256,
    name,
    sequence(time(now - DAY), time(now + DAY)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    tlv(0xa3, sequence(sequence(SUBJECT_ALT_NAME, tlv(0x04, sequence(ip))))),
  );
  const signature = bits(sign("sha256", certificate, privateKey));
  const der = sequence(certificate, ECDSA_WITH_SHA256, signature);
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n"),
  };
}
