/* What a block's header says of its records, and whether each of them is an ordinary one, in one pass over them.
 *
 * Records that come to be written are in no cache: reading them is what it costs, so all is looked at in that one
 * reading (measured against three passes: an eighth of the whole time to append).
 */
#ifndef PRICECORE_DIGEST_H
#define PRICECORE_DIGEST_H

#include "../primitives/crc32.h"

struct pc_digest {
    uint32_t crc;                   /* of the records alone */
    int plain;                      /* all are prices or quotes of known symbols, in the order of their sequences */
    int64_t least_ns, greatest_ns;  /* of their received_ns, when they are plain */
};

struct pc_record_start {
    uint64_t sequence;
    uint32_t symbol_id;
    uint16_t kind, flags;
    int64_t timestamp_ns, received_ns;
};

struct pc_records_seen {
    uint64_t sequence, symbols;     /* that the next one must have; how many there are */
    uint64_t odd;                   /* not 0: one was no ordinary record */
    int64_t least_ns, greatest_ns;
};

/* Without a branch: what is found wrong is looked for again, one by one. */
static inline void pc_see_record(struct pc_records_seen *seen, const unsigned char *bytes)
{
    const struct pc_record_start *record = (const struct pc_record_start *)bytes;
    seen->odd |= record->sequence ^ seen->sequence++;
    seen->odd |= record->kind & ~1u;            /* PRICE is 0, QUOTE 1 */
    seen->odd |= record->symbol_id >= seen->symbols;
    seen->least_ns = record->received_ns < seen->least_ns ? record->received_ns : seen->least_ns;
    seen->greatest_ns = record->received_ns > seen->greatest_ns ? record->received_ns : seen->greatest_ns;
}

static inline void pc_see_two(void *seen, const unsigned char *bytes)
{
    pc_see_record((struct pc_records_seen *)seen, bytes);
    pc_see_record((struct pc_records_seen *)seen, bytes + 64);
}

static uint32_t pc_digest_in_parts(const unsigned char *records, size_t count, struct pc_records_seen *seen)
{
    uint32_t crc = 0;
    while (count) {
        size_t part = count < 256 ? count : 256;        /* 16 KiB: still in the first cache for the checksum */
        for (size_t i = 0; i < part; i++)
            pc_see_record(seen, records + 64 * i);
        crc = pc_crc32(crc, records, 64 * part);
        records += 64 * part, count -= part;
    }
    return crc;
}

#if defined(PC_CRC32_FOLDS)
PC_CRC32_WIDE static uint32_t pc_digest_at_once(
    const unsigned char *records, size_t count, struct pc_records_seen *result)
{
    struct pc_records_seen seen = *result;              /* in registers */
    uint32_t crc = ~pc_crc32_wide(~0u, records, 64 * count, pc_see_two, &seen);
    if (count % 2)
        pc_see_record(&seen, records + 64 * (count - 1));
    *result = seen;
    return crc;
}
#endif

/* `symbols` is how many there are. */
static void pc_digest_records(
    struct pc_digest *digest, const void *records, size_t count, uint64_t sequence, uint64_t symbols)
{
    struct pc_records_seen seen = {sequence, symbols, 0, INT64_MAX, INT64_MIN};
#if defined(PC_CRC32_FOLDS)
    if (pc_crc32_folds_wide && count >= 4)
        digest->crc = pc_digest_at_once((const unsigned char *)records, count, &seen);
    else
#endif
    digest->crc = pc_digest_in_parts((const unsigned char *)records, count, &seen);
    digest->plain = seen.odd == 0;
    digest->least_ns = seen.least_ns, digest->greatest_ns = seen.greatest_ns;
}

#endif
