/* CRC-32 as zlib has it, at the speed of memory.
 *
 * Source: V. Gopal and others, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009:
 * a block of bits, and the same block shifted by a power of x modulo the polynomial, have the same remainder; so 64
 * bytes (128, where the processor multiplies two pairs at once) are folded onto the next ones by carry-less
 * multiplication, down to 16 bytes. Those, and what is shorter, take eight tables
 * (M. Kounavis, F. Berry, "A Systematic Approach to Building High Performance Software-based CRC Generators", 2005).
 * ARMv8 has the step of eight bytes as an instruction. Joining two checksums is multiplying by a power of x, too; the
 * powers of x^(2^k) are kept (as in zlib's crc32_combine).
 */
#ifndef PRICECORE_CRC32_H
#define PRICECORE_CRC32_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#elif defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define PC_CRC32_FOLDS 1
#endif

#define PC_CRC32_POLYNOMIAL 0xEDB88320u

static uint32_t pc_crc32_tables[8][256];
static uint32_t pc_crc32_powers[64];            /* x^(8 * 2^k) */
static int pc_crc32_folds, pc_crc32_folds_wide;

/* Product modulo the polynomial; bits reversed, so the highest one is x^0. */
static uint32_t pc_crc32_times(uint32_t a, uint32_t b)
{
    uint32_t product = 0;
    for (; a; a <<= 1) {
        product ^= b & (0u - (a >> 31));
        b = (b >> 1) ^ (PC_CRC32_POLYNOMIAL & (0u - (b & 1)));
    }
    return product;
}

/* Once, before the first use. */
static void pc_crc32_prepare(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (PC_CRC32_POLYNOMIAL & (0u - (crc & 1)));
        pc_crc32_tables[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int k = 1; k < 8; k++)
            pc_crc32_tables[k][i] = (pc_crc32_tables[k - 1][i] >> 8) ^ pc_crc32_tables[0][pc_crc32_tables[k - 1][i] & 255];
    pc_crc32_powers[0] = 0x80000000u >> 8;
    for (int k = 1; k < 64; k++)
        pc_crc32_powers[k] = pc_crc32_times(pc_crc32_powers[k - 1], pc_crc32_powers[k - 1]);
#if defined(PC_CRC32_FOLDS)
    pc_crc32_folds = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
    pc_crc32_folds_wide = pc_crc32_folds && __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("avx512vl");
#endif
}

static inline uint32_t pc_crc32_step8(uint32_t crc, uint64_t word)
{
#if defined(__ARM_FEATURE_CRC32)
    return __crc32d(crc, word);
#else
    word ^= crc;
    crc = 0;
    for (int k = 0; k < 8; k++)
        crc ^= pc_crc32_tables[7 - k][(word >> (8 * k)) & 255];
    return crc;
#endif
}

/* `crc` and what is returned are not inverted here. */
static uint32_t pc_crc32_small(uint32_t crc, const unsigned char *data, size_t length)
{
    uint64_t word;
    for (; length >= 8; data += 8, length -= 8) {
        memcpy(&word, data, 8);         /* little-endian, as the log is */
        crc = pc_crc32_step8(crc, word);
    }
    for (; length; data++, length--)
        crc = (crc >> 8) ^ pc_crc32_tables[0][(crc ^ *data) & 255];
    return crc;
}

#if defined(PC_CRC32_FOLDS)
#define PC_CRC32_TARGET __attribute__((target("pclmul,sse4.1")))

/* `value` moved as far ahead as the two powers of x in `powers` say, onto `next`. */
PC_CRC32_TARGET static inline __m128i pc_crc32_fold(__m128i value, __m128i powers, __m128i next)
{
    __m128i low = _mm_clmulepi64_si128(value, powers, 0x00);
    __m128i high = _mm_clmulepi64_si128(value, powers, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

#define PC_CRC32_WIDE __attribute__((target("vpclmulqdq,avx2,avx512vl,pclmul,sse4.1")))

/* What else is done with each 128 bytes: memory that is in no cache is read once for both. */
typedef void pc_crc32_look(void *seen, const unsigned char *bytes);

static inline void pc_crc32_look_away(void *seen, const unsigned char *bytes)
{
    (void)seen, (void)bytes;
}

/* Only where pc_crc32_folds_wide, and at least 128 bytes. `crc` and what is returned are not inverted here. */
PC_CRC32_WIDE static inline __attribute__((always_inline)) uint32_t pc_crc32_wide(
    uint32_t crc, const unsigned char *data, size_t length, pc_crc32_look *look, void *seen)
{
    /* x^(1024-32), x^(1024+32), bits reversed */
    const __m256i by_128 = _mm256_broadcastsi128_si256(_mm_set_epi64x(0x14a7fe880, 0x1e88ef372));
    const __m128i by_16 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
    const __m256i *in = (const __m256i *)data;
    unsigned char rest[16];
    __m256i lane[4];
    __m128i narrow[8];
    look(seen, data);
    for (int k = 0; k < 4; k++)
        lane[k] = _mm256_loadu_si256(in + k);
    lane[0] = _mm256_xor_si256(lane[0], _mm256_zextsi128_si256(_mm_cvtsi32_si128((int)crc)));
    for (in += 4, length -= 128; length >= 128; in += 4, length -= 128) {
        __builtin_prefetch(in + 16);        /* measured: 8 % of a pass over memory that is in no cache */
        __builtin_prefetch(in + 18);
        look(seen, (const unsigned char *)in);
        for (int k = 0; k < 4; k++) {
            __m256i low = _mm256_clmulepi64_epi128(lane[k], by_128, 0x00);
            __m256i high = _mm256_clmulepi64_epi128(lane[k], by_128, 0x11);
            lane[k] = _mm256_xor_si256(_mm256_xor_si256(low, high), _mm256_loadu_si256(in + k));
        }
    }
    for (int k = 0; k < 4; k++) {
        narrow[2 * k] = _mm256_castsi256_si128(lane[k]);
        narrow[2 * k + 1] = _mm256_extracti128_si256(lane[k], 1);
    }
    for (int k = 1; k < 8; k++)
        narrow[0] = pc_crc32_fold(narrow[0], by_16, narrow[k]);
    _mm_storeu_si128((__m128i *)rest, narrow[0]);
    return pc_crc32_small(pc_crc32_small(0, rest, 16), (const unsigned char *)in, length);
}

PC_CRC32_WIDE static uint32_t pc_crc32_folded_wide(uint32_t crc, const unsigned char *data, size_t length)
{
    return pc_crc32_wide(crc, data, length, pc_crc32_look_away, NULL);
}

/* At least 64 bytes. */
PC_CRC32_TARGET static uint32_t pc_crc32_folded(uint32_t crc, const unsigned char *data, size_t length)
{
    const __m128i by_64 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);   /* x^(512-32), x^(512+32), bits reversed */
    const __m128i by_16 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);   /* x^(128-32), x^(128+32) */
    const __m128i *in = (const __m128i *)data;
    unsigned char rest[16];
    __m128i lane[4];
    for (int k = 0; k < 4; k++)
        lane[k] = _mm_loadu_si128(in + k);
    lane[0] = _mm_xor_si128(lane[0], _mm_cvtsi32_si128((int)crc));
    for (in += 4, length -= 64; length >= 64; in += 4, length -= 64)
        for (int k = 0; k < 4; k++)
            lane[k] = pc_crc32_fold(lane[k], by_64, _mm_loadu_si128(in + k));
    for (int k = 1; k < 4; k++)
        lane[0] = pc_crc32_fold(lane[0], by_16, lane[k]);
    for (; length >= 16; in++, length -= 16)
        lane[0] = pc_crc32_fold(lane[0], by_16, _mm_loadu_si128(in));
    _mm_storeu_si128((__m128i *)rest, lane[0]);
    return pc_crc32_small(pc_crc32_small(0, rest, 16), (const unsigned char *)in, length);
}
#endif

/* As zlib's crc32: `crc` is that of the bytes before, 0 at the start. */
static uint32_t pc_crc32(uint32_t crc, const void *data, size_t length)
{
#if defined(PC_CRC32_FOLDS)
    if (length >= 256 && pc_crc32_folds_wide)
        return ~pc_crc32_folded_wide(~crc, (const unsigned char *)data, length);
    if (length >= 64 && pc_crc32_folds)
        return ~pc_crc32_folded(~crc, (const unsigned char *)data, length);
#endif
    return ~pc_crc32_small(~crc, (const unsigned char *)data, length);
}

/* That of bytes with the checksum `crc` and, behind them, `length` bytes with the checksum `behind`. */
static inline uint32_t pc_crc32_join(uint32_t crc, uint32_t behind, size_t length)
{
    for (int k = 0; length; k++, length >>= 1)
        if (length & 1)
            crc = pc_crc32_times(pc_crc32_powers[k], crc);
    return crc ^ behind;
}

#endif
