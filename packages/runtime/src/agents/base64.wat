;; Encodes bytes in base64, 12 at a time. `base64-module.ts` holds the compiled bytes; a test compares them.
(module
  ;; A relaxed instruction compiles to one machine instruction where the strict one takes three. The cases in which their results
  ;; are implementation-defined do not occur: an index of 16 or more, and the product of the two lowest numbers.
  ;; Three pages: 64 KiB of bytes, and their encoding.
  (memory (export "memory") 3)

  ;; $from and $size: the bytes, at least one, followed by two zeros. $to: where to write four characters per three bytes, and up
  ;; to 12 more. The caller replaces the characters of the two zeros by padding.
  (func (export "encode") (param $from i32) (param $size i32) (param $to i32)
    (local $end i32) (local $word v128)
    (local $spread v128) (local $even v128) (local $evenShift v128) (local $odd v128) (local $oddShift v128) (local $six v128)
    (local $firstSmall v128) (local $lastLetter v128) (local $capitals v128) (local $distances v128)
    (local.set $end (i32.add (local.get $from) (local.get $size)))
    ;; Hoisted by hand, because V8 materializes a constant at every use: inside the loop they took half of the time.
    (local.set $spread (v128.const i8x16 1 0 2 1 4 3 5 4 7 6 8 7 10 9 11 10))
    (local.set $even (v128.const i16x8 0xfc00 0x0fc0 0xfc00 0x0fc0 0xfc00 0x0fc0 0xfc00 0x0fc0))
    (local.set $evenShift (v128.const i16x8 0x20 0x200 0x20 0x200 0x20 0x200 0x20 0x200))
    (local.set $odd (v128.const i16x8 0x03f0 0x003f 0x03f0 0x003f 0x03f0 0x003f 0x03f0 0x003f))
    (local.set $oddShift (v128.const i16x8 0x10 0x100 0x10 0x100 0x10 0x100 0x10 0x100))
    (local.set $six (i16x8.splat (i32.const 0x3f)))
    (local.set $firstSmall (i8x16.splat (i32.const 26)))
    (local.set $lastLetter (i8x16.splat (i32.const 51)))
    (local.set $capitals (i8x16.splat (i32.const 13)))
    ;; What to add to a six-bit number to get its character: for small letters, ten digits, plus, slash, and capitals.
    (local.set $distances (v128.const i8x16 71 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -19 -16 65 0 0))
    (loop $next
      ;; Turns each three bytes into two pairs of bytes, each of which contains two of the four numbers.
      (local.set $word (i8x16.relaxed_swizzle (v128.load (local.get $from)) (local.get $spread)))
      ;; Shifts the first number of a pair down by ten or six, through a multiplication and a division by 2^15, and masks the sign
      ;; off. Shifts the second one up.
      (local.set $word
        (v128.or
          (v128.and
            (i16x8.relaxed_q15mulr_s (v128.and (local.get $word) (local.get $even)) (local.get $evenShift))
            (local.get $six))
          (i16x8.mul (v128.and (local.get $word) (local.get $odd)) (local.get $oddShift))))
      (v128.store
        (local.get $to)
        (i8x16.add
          (local.get $word)
          (i8x16.relaxed_swizzle
            (local.get $distances)
            ;; 0 for a small letter, 13 for a capital, and 1 to 12 for everything after the letters.
            (v128.or
              (i8x16.sub_sat_u (local.get $word) (local.get $lastLetter))
              (v128.and
                (i8x16.lt_s (local.get $word) (local.get $firstSmall))
                (local.get $capitals))))))
      (local.set $from (i32.add (local.get $from) (i32.const 12)))
      (local.set $to (i32.add (local.get $to) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $from) (local.get $end))))))
