// Runs native code for a test on another processor, with which it shares a file: memory of `argv[2]` bytes, at the
// beginning of which is the context, and after it `argv[3]` bytes of machine code, which are written there only.
//
// It says three words at a time and hears three: first where things are, then why the code has come back. The code's
// helper is a question to the test.

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

uint64_t enter(void *context, const void *code);

enum { RETURNED, HELPER, REGISTERS_LOST };

struct message {
    uint64_t words[3];
};

static void transfer(int file, void *at, ssize_t (*move)(int, void *, size_t)) {
    for (size_t done = 0; done < sizeof(struct message);) {
        ssize_t moved = move(file, (char *)at + done, sizeof(struct message) - done);
        if (moved <= 0) {
            exit(moved == 0 ? 0 : 1); // The test is over.
        }
        done += moved;
    }
}

static ssize_t put(int file, void *at, size_t bytes) {
    return write(file, at, bytes);
}

static struct message ask(uint64_t what, uint64_t first, uint64_t second) {
    struct message message = {{what, first, second}};
    transfer(STDOUT_FILENO, &message, put);
    transfer(STDIN_FILENO, &message, read);
    return message;
}

static uint64_t helper(void *context, uint64_t index, uint64_t height) {
    (void)context;
    return ask(HELPER, index, height).words[0];
}

int main(int count, char **arguments) {
    if (count != 4) {
        return 2;
    }
    size_t memory = strtoull(arguments[2], NULL, 10);
    size_t code = strtoull(arguments[3], NULL, 10);
    int file = open(arguments[1], O_RDWR);
    if (file < 0) {
        return 3;
    }
    char *base = mmap(NULL, memory + code, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (base == MAP_FAILED
        || mmap(base + memory, code, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, file, memory) == MAP_FAILED) {
        return 4;
    }
    struct message order = ask((uint64_t)base, (uint64_t)helper, (uint64_t)__builtin_frame_address(0));
    for (;;) {
        // What to run, and the code that is new.
        char *fresh = (char *)order.words[1];
        __builtin___clear_cache(fresh, fresh + order.words[2]);
        uint64_t lost = enter(base, (const void *)order.words[0]);
        order = ask(lost ? REGISTERS_LOST : RETURNED, 0, 0);
    }
}
