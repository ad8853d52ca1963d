;; Quotes ASCII text for JSON, 16 characters at a time. `ascii-quote-module.ts` holds the compiled bytes; a test compares them.
(module
  ;; Four pages. The first 4096 bytes are shuffle tables, written by `ascii-quote.ts`: one for each set of escaped characters
  ;; among eight, with the source index of each of the up to 16 output characters.
  (memory (export "memory") 4)

  ;; $from and $size: the text, followed by 16 spaces. $to: where to write the output without the quotes, at most two
  ;; characters per input character plus 24. Returns the end of the output; 0 if a control character needs a six-character escape.
  (func (export "quote") (param $from i32) (param $size i32) (param $to i32) (result i32)
    (local $end i32) (local $text v128) (local $control v128) (local $escaped v128) (local $set i32)
    (local $lastControl v128) (local $quote v128) (local $backslash v128) (local $letters v128)
    (local.set $end (i32.add (local.get $from) (local.get $size)))
    ;; Hoisted by hand, because V8 materializes a constant at every use: inside the loop they took a fifth of the time.
    (local.set $lastControl (i8x16.splat (i32.const 0x1f)))
    (local.set $quote (i8x16.splat (i32.const 0x22)))
    (local.set $backslash (i8x16.splat (i32.const 0x5c)))
    ;; The letter after the backslash: b, t, n, f or r for a control character, zero if it has none.
    (local.set $letters (v128.const i8x16 0 0 0 0 0 0 0 0 0x62 0x74 0x6e 0 0x66 0x72 0 0))
    (loop $next
      (if (i32.ge_u (local.get $from) (local.get $end))
        ;; Do not count the spaces after the text, which were written as well.
        (then (return (i32.sub (local.get $to) (i32.sub (local.get $from) (local.get $end))))))
      (local.set $text (v128.load (local.get $from)))
      (local.set $control (i8x16.le_u (local.get $text) (local.get $lastControl)))
      (local.set $escaped
        (v128.or
          (local.get $control)
          (v128.or
            (i8x16.eq (local.get $text) (local.get $quote))
            (i8x16.eq (local.get $text) (local.get $backslash)))))
      (if (i32.eqz (v128.any_true (local.get $escaped)))
        (then
          (v128.store (local.get $to) (local.get $text))
          (local.set $from (i32.add (local.get $from) (i32.const 16)))
          (local.set $to (i32.add (local.get $to) (i32.const 16)))
          (br $next)))
      (local.set $text
        (v128.bitselect
          (i8x16.swizzle (local.get $letters) (local.get $text))
          (local.get $text)
          (local.get $control)))
      (if (i32.eqz (i8x16.all_true (local.get $text)))
        (then (return (i32.const 0))))
      ;; Eight characters at a time, so that their output fits into one vector. The shuffle takes the backslash from lane 8.
      (local.set $set (i8x16.bitmask (local.get $escaped)))
      (v128.store
        (local.get $to)
        (i8x16.swizzle
          (i8x16.replace_lane 8 (local.get $text) (i32.const 0x5c))
          (v128.load (i32.shl (i32.and (local.get $set) (i32.const 0xff)) (i32.const 4)))))
      (local.set $to
        (i32.add
          (i32.add (local.get $to) (i32.const 8))
          (i32.popcnt (i32.and (local.get $set) (i32.const 0xff)))))
      (local.set $set (i32.shr_u (local.get $set) (i32.const 8)))
      (v128.store
        (local.get $to)
        (i8x16.swizzle
          (i8x16.replace_lane 8
            (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $text) (local.get $text))
            (i32.const 0x5c))
          (v128.load (i32.shl (local.get $set) (i32.const 4)))))
      (local.set $to
        (i32.add (i32.add (local.get $to) (i32.const 8)) (i32.popcnt (local.get $set))))
      (local.set $from (i32.add (local.get $from) (i32.const 16)))
      (br $next))
    (unreachable)))
