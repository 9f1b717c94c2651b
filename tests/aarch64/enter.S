// uint64_t enter(void *context, const void *code)
//
// Calls code with a context, and gives 0 if it has kept the registers that a callee must keep.

        .text
        .global enter
        .type   enter, %function
enter:
        stp     x29, x30, [sp, #-160]!
        mov     x29, sp
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        .irp    n, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28
        mov     x\n, #(\n * 0x101)
        .endr
        .irp    n, 8, 9, 10, 11, 12, 13, 14, 15
        mov     x9, #(\n * 0x111)
        fmov    d\n, x9
        .endr

        blr     x1

        mov     x0, sp
        eor     x0, x0, x29
        .irp    n, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28
        mov     x9, #(\n * 0x101)
        eor     x9, x9, x\n
        orr     x0, x0, x9
        .endr
        .irp    n, 8, 9, 10, 11, 12, 13, 14, 15
        mov     x9, #(\n * 0x111)
        fmov    x10, d\n
        eor     x9, x9, x10
        orr     x0, x0, x9
        .endr
        ldp     d14, d15, [sp, #144]
        ldp     d12, d13, [sp, #128]
        ldp     d10, d11, [sp, #112]
        ldp     d8, d9, [sp, #96]
        ldp     x27, x28, [sp, #80]
        ldp     x25, x26, [sp, #64]
        ldp     x23, x24, [sp, #48]
        ldp     x21, x22, [sp, #32]
        ldp     x19, x20, [sp, #16]
        ldp     x29, x30, [sp], #160
        ret
        .size   enter, .-enter

        .section .note.GNU-stack, "", %progbits
