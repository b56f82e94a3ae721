/* Counts the instructions that a board in QEMU executes between two of its addresses: exactly, and
 * the same in every run. Loaded with -plugin count.so,spans=FILE,out=FILE.
 *
 * spans: a line for each mark, "begin SPAN ADDRESS", "anew SPAN ADDRESS" or "end SPAN ADDRESS",
 * with SPAN 0 to 63 and ADDRESS hexadecimal. A span opens when the instruction at a begin is about
 * to be executed. An open one stays as it is there, because a function may loop to its first
 * instruction, and begins again at an anew. It closes at an end. What is executed from where it
 * opened on, the end not included, is counted. Spans may nest and overlap; a recursion ends with
 * its innermost. "after SPAN OTHER" leaves out what closes before span OTHER has first opened.
 *
 * out: "span SPAN COUNT" whenever one closes, in order. When QEMU ends, "at SPAN ADDRESS COUNT":
 * how often this address was executed in all that the span counted; last "end". Without it the file
 * is not whole.
 *
 * One processor. Not to be used with -icount, under which QEMU executes some instructions anew. */
#include <inttypes.h>
#include <qemu-plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

enum { kSpans = 64, kMarks = 1024, kSlots = 1 << 17, kTable = 1 << 18 };

enum Kind { kEnd, kBegin, kAnew }; /* in the order in which they act at one address */

struct Mark {
  uint64_t address;
  unsigned span;
  enum Kind kind;
};

struct Span {
  int used;
  int open;
  int opened_once;
  const struct Span* after; /* NULL: none */
  uint64_t total_before;
  uint64_t* counts_before; /* of each slot, when it opened */
  uint64_t* counts;        /* of each slot, in all that closed */
};

static struct Mark marks[kMarks];
static size_t mark_count;
static struct Span spans[kSpans];
static FILE* out;

/* One counter for each address; its slot is found by open hashing when code is translated. */
static uint64_t executed[kSlots];
static uint64_t address_of[kSlots];
static size_t slots_used;
static uint32_t table[kTable]; /* slot + 1, 0 is free */

static void Fail(const char* what) {
  fprintf(stderr, "count plugin: %s\n", what);
  exit(3);
}

static size_t SlotOf(uint64_t address) {
  size_t at = (size_t)((address >> 1) * 0x9E3779B97F4A7C15u >> 46) % kTable;
  while (table[at] != 0 && address_of[table[at] - 1] != address) {
    at = (at + 1) % kTable;
  }
  if (table[at] == 0) {
    if (slots_used == kSlots) {
      Fail("more code than there are counters");
    }
    address_of[slots_used] = address;
    table[at] = (uint32_t)++slots_used;
  }
  return table[at] - 1;
}

static uint64_t Total(void) {
  uint64_t total = 0;
  for (size_t i = 0; i < slots_used; ++i) {
    total += executed[i];
  }
  return total;
}

static void OpenAnew(unsigned int cpu, void* data) {
  struct Span* const span = data;
  (void)cpu;
  span->open = 1;
  span->opened_once = 1;
  span->total_before = Total();
  /* Slots of code that is translated later on are 0 from the beginning. */
  memcpy(span->counts_before, executed, slots_used * sizeof *executed);
}

static void Open(unsigned int cpu, void* data) {
  if (!((struct Span*)data)->open) {
    OpenAnew(cpu, data);
  }
}

static void Close(unsigned int cpu, void* data) {
  struct Span* const span = data;
  (void)cpu;
  if (!span->open) {
    return;
  }
  span->open = 0;
  if (span->after != NULL && !span->after->opened_once) {
    return;
  }
  for (size_t i = 0; i < slots_used; ++i) {
    span->counts[i] += executed[i] - span->counts_before[i];
  }
  fprintf(out, "span %u %" PRIu64 "\n", (unsigned)(span - spans), Total() - span->total_before);
}

static const qemu_plugin_vcpu_udata_cb_t kCalls[] = {
    [kEnd] = Close, [kBegin] = Open, [kAnew] = OpenAnew};

static void Translated(qemu_plugin_id_t id, struct qemu_plugin_tb* block) {
  (void)id;
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); ++i) {
    struct qemu_plugin_insn* const instruction = qemu_plugin_tb_get_insn(block, i);
    const uint64_t address = qemu_plugin_insn_vaddr(instruction);
    /* Called before the counter below is raised, whatever the order of registration. */
    for (int kind = kEnd; kind <= kAnew; ++kind) {
      for (size_t m = 0; m < mark_count; ++m) {
        if (marks[m].address == address && marks[m].kind == (enum Kind)kind) {
          qemu_plugin_register_vcpu_insn_exec_cb(
              instruction, kCalls[kind], QEMU_PLUGIN_CB_NO_REGS, &spans[marks[m].span]);
        }
      }
    }
    qemu_plugin_register_vcpu_insn_exec_inline(
        instruction, QEMU_PLUGIN_INLINE_ADD_U64, &executed[SlotOf(address)], 1);
  }
}

static void Ended(qemu_plugin_id_t id, void* data) {
  (void)id;
  (void)data;
  for (unsigned s = 0; s < kSpans; ++s) {
    for (size_t i = 0; spans[s].used && i < slots_used; ++i) {
      if (spans[s].counts[i] != 0) {
        fprintf(out, "at %u %" PRIx64 " %" PRIu64 "\n", s, address_of[i], spans[s].counts[i]);
      }
    }
  }
  fprintf(out, "end\n");
  fclose(out);
}

static enum Kind KindOf(const char* word) {
  static const char* const kWords[] = {[kEnd] = "end", [kBegin] = "begin", [kAnew] = "anew"};
  for (int kind = kEnd; kind <= kAnew; ++kind) {
    if (strcmp(word, kWords[kind]) == 0) {
      return (enum Kind)kind;
    }
  }
  Fail("spans: a line that begins with none of \"begin\", \"anew\" and \"end\"");
  return kEnd;
}

static void Use(struct Span* span) {
  if (span->used) {
    return;
  }
  span->used = 1;
  span->counts = calloc(kSlots, sizeof *executed);
  span->counts_before = calloc(kSlots, sizeof *executed);
  if (span->counts == NULL || span->counts_before == NULL) {
    Fail("no memory");
  }
}

static void ReadSpans(const char* path) {
  FILE* const in = fopen(path, "r");
  if (in == NULL) {
    Fail("spans: cannot be opened");
  }
  char word[8];
  unsigned span;
  uint64_t address;
  int fields;
  while ((fields = fscanf(in, "%7s %u %" SCNx64, word, &span, &address)) == 3) {
    if (mark_count == kMarks || span >= kSpans) {
      Fail("spans: more than there is room for");
    }
    if (strcmp(word, "after") == 0) {
      spans[span].after = &spans[address % kSpans];
      continue;
    }
    marks[mark_count++] = (struct Mark){address, span, KindOf(word)};
    Use(&spans[span]);
  }
  if (fields != EOF) {
    Fail("spans: a line that is not \"WORD SPAN ADDRESS\"");
  }
  fclose(in);
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id,
                                           const qemu_info_t* info,
                                           int argc,
                                           char** argv) {
  (void)info;
  for (int i = 0; i < argc; ++i) {
    if (strncmp(argv[i], "spans=", 6) == 0) {
      ReadSpans(argv[i] + 6);
    } else if (strncmp(argv[i], "out=", 4) == 0) {
      out = fopen(argv[i] + 4, "w");
    }
  }
  if (mark_count == 0 || out == NULL) {
    Fail("needs spans=FILE and out=FILE");
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, Translated);
  qemu_plugin_register_atexit_cb(id, Ended, NULL);
  return 0;
}
