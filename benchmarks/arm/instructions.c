/* A plugin for QEMU's user mode: how many instructions the guest has run when it makes certain
 * system calls. QEMU's packages come without its header, so the few functions are declared here
 * (https://www.qemu.org/docs/master/devel/tcg-plugins.html, version 1 of the interface).
 *
 *     qemu-aarch64 -plugin instructions.so,counts=FILE[,blocks=on] …
 *
 * A line of FILE is a call and the instructions until then:
 *     mark N     getppid, which the measured program makes before and after what it measures
 *     clock N    clock_gettime, which ONNX Runtime's profiler makes before and after each operator
 * and behind each mark, if asked for, the blocks that ran since the mark before:
 *     block A N  the address of its first instruction in hexadecimal, and instructions run in it
 *
 * One guest thread runs at a time in what is measured, so a sum for all of them is enough.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
typedef struct qemu_info_t qemu_info_t;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef void (*block_callback)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*call_callback)(qemu_plugin_id_t, unsigned int, int64_t, uint64_t, uint64_t, uint64_t,
                              uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
typedef void (*end_callback)(qemu_plugin_id_t, void *);

extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, block_callback);
extern void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t, call_callback);
extern void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, end_callback, void *);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, enum qemu_plugin_op,
                                                     void *, uint64_t);

/* Numbers of system calls on aarch64 (include/uapi/asm-generic/unistd.h of Linux). */
enum { CLOCK_GETTIME = 113, GETPPID = 173 };

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

/* Of blocks that are translated; where QEMU translates one anew, it has another place. */
enum { MOST_BLOCKS = 1 << 22 };

struct block {
    uint64_t address, instructions;
};

static uint64_t instructions;
static FILE *file;
static struct block *blocks;
static size_t known;

static void on_translated_block(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
    qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, &instructions,
                                             qemu_plugin_tb_n_insns(block));
    if (!blocks)
        return;
    if (known == MOST_BLOCKS)
        abort();
    blocks[known].address = qemu_plugin_tb_vaddr(block);
    qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64,
                                             &blocks[known].instructions,
                                             qemu_plugin_tb_n_insns(block));
    known++;
}

static void write_blocks(void) {
    for (struct block *each = blocks; each < blocks + known; each++) {
        if (each->instructions)
            fprintf(file, "block %" PRIx64 " %" PRIu64 "\n", each->address, each->instructions);
        each->instructions = 0;
    }
}

static void on_call(qemu_plugin_id_t id, unsigned int processor, int64_t number, uint64_t a,
                    uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g,
                    uint64_t h) {
    if (number == GETPPID || number == CLOCK_GETTIME)
        fprintf(file, "%s %" PRIu64 "\n", number == GETPPID ? "mark" : "clock", instructions);
    if (number == GETPPID)
        write_blocks();
}

static void on_end(qemu_plugin_id_t id, void *nothing) { fclose(file); }

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id,
                                                               const qemu_info_t *info, int count,
                                                               char **arguments) {
    static const char option[] = "counts=";
    if (count < 1 || strncmp(arguments[0], option, strlen(option)) != 0)
        return 1;
    if (count > 1 && !(blocks = calloc(MOST_BLOCKS, sizeof *blocks)))
        return 1;
    file = fopen(arguments[0] + strlen(option), "w");
    if (!file)
        return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated_block);
    qemu_plugin_register_vcpu_syscall_cb(id, on_call);
    qemu_plugin_register_atexit_cb(id, on_end, NULL);
    return 0;
}
