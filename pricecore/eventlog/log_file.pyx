"""Blocks on their way into a file. Contract: log_file.pxd."""

from libc.errno cimport ENOMEM
from libc.stdint cimport uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from pricecore.delivery.symbol_record cimport SymbolRecord, fill_symbol_record
from pricecore.eventlog.digest cimport ANY_SYMBOL, Digest, digest_records
from pricecore.eventlog.format cimport (
    ALIGNMENT_BYTES, BLOCK_GAP, BLOCK_HEADER_BYTES, BLOCK_MAGIC, BLOCK_POSITION, BLOCK_RECORDS, FILE_HEADER_BYTES,
    LOG_VERSION, FileHeader, GapPayload, padded,
)
from pricecore.primitives.clock cimport CLOCK_STEADY, CLOCK_WALL, clock_ns
from pricecore.primitives.crc32 cimport crc32, crc32_join
from pricecore.prices.symbols cimport name_count
from pricecore.types cimport RECORD_BYTES

cdef enum:
    FILE_NAME_BYTES = 32

cdef char[ALIGNMENT_BYTES] ZEROS
memset(ZEROS, 0, ALIGNMENT_BYTES)


cdef uint32_t symbols_before(const NameTable* names, uint64_t introduced) noexcept nogil:
    """How many symbols have come up to this sequence; ids are given in the order of sequences."""
    cdef uint64_t count = name_count(names)
    while count and names.names[count - 1].sequence > introduced:
        count -= 1
    return <uint32_t>count


cdef void put_symbols(char* to, const NameTable* names, uint32_t count) noexcept nogil:
    cdef uint32_t i
    for i in range(count):
        fill_symbol_record(
            <SymbolRecord*>to + i, names.names[i].sequence, i, names.names[i].name, names.names[i].length)


cdef int write_all(LogFile* file, Part* parts, int n) noexcept nogil:
    cdef uint64_t length = 0
    cdef int i, error
    for i in range(n):
        length += parts[i].iov_len
    error = write_parts(file.descriptor, parts, n)
    if error == 0:
        file.bytes += length
    return error


cdef int file_begin(
    LogFile* file, int folder, const Origin* origin, const NameTable* names, uint64_t first, uint64_t introduced,
    const Place* place
) noexcept nogil:
    """Make the file whose first record is `first`; its head has the symbols up to the sequence `introduced`."""
    cdef char[FILE_NAME_BYTES] name
    cdef FileHeader* header
    cdef Part part
    cdef uint32_t symbols = symbols_before(names, introduced)
    cdef uint64_t place_bytes = padded(place.length) if place != NULL else 0
    cdef uint64_t body_bytes = <uint64_t>symbols * RECORD_BYTES + place_bytes
    cdef char* buffer = <char*>calloc(1, FILE_HEADER_BYTES + body_bytes)
    cdef int error
    if buffer == NULL:
        return ENOMEM
    header = <FileHeader*>buffer
    memcpy(header.magic, b"PRICELOG", 8)
    header.version, header.header_bytes = LOG_VERSION, FILE_HEADER_BYTES
    memcpy(header.log_id, origin.log_id, 16)
    header.sequence, header.generation = first, origin.generation
    header.created_ns = clock_ns(CLOCK_WALL)
    header.symbol_count = symbols
    put_symbols(buffer + FILE_HEADER_BYTES, names, symbols)
    if place_bytes:
        header.position_bytes = place.length
        memcpy(buffer + FILE_HEADER_BYTES + body_bytes - place_bytes, place.bytes, place.length)
    header.body_crc = crc32(0, buffer + FILE_HEADER_BYTES, body_bytes)
    header.crc = crc32(0, buffer, FILE_HEADER_BYTES - sizeof(uint32_t))
    file.first_sequence = file.next_sequence = first
    file.began_ns, file.crc, file.bytes = clock_ns(CLOCK_STEADY), header.crc, 0
    file.head_bytes = FILE_HEADER_BYTES + body_bytes
    snprintf(name, FILE_NAME_BYTES, b"%020llu.log", <unsigned long long>first)
    error = create_file(folder, name, &file.descriptor)
    if error == 0:
        part.iov_base, part.iov_len = buffer, FILE_HEADER_BYTES + body_bytes
        error = write_all(file, &part, 1)
    free(buffer)
    return error


cdef int append_block(
    LogFile* file, BlockHeader* header, const void* payload, uint32_t payload_crc, const Place* place
) noexcept nogil:
    """Write a block whose header lacks only what follows from the file and the place; its length is padded."""
    cdef Part parts[4]
    cdef int n = 2, error
    cdef uint32_t crc
    header.magic, header.first_sequence = BLOCK_MAGIC, file.next_sequence
    header.synced_sequence, header.previous_crc = file.synced_sequence, file.crc
    parts[0].iov_base, parts[0].iov_len = header, BLOCK_HEADER_BYTES
    parts[1].iov_base, parts[1].iov_len = <void*>payload, header.stored_bytes
    if place != NULL and place.length:
        header.position_bytes = place.length
        parts[2].iov_base, parts[2].iov_len = <void*>place.bytes, place.length
        parts[3].iov_base, parts[3].iov_len = ZEROS, padded(place.length) - place.length
        n = 4
    crc = crc32(0, header, BLOCK_HEADER_BYTES - sizeof(uint32_t))
    crc = crc32_join(crc, payload_crc, header.stored_bytes)
    for i in range(2, n):
        crc = crc32(crc, parts[i].iov_base, parts[i].iov_len)
    header.crc = crc
    error = write_all(file, parts, n)
    if error == 0:
        file.crc = crc
    return error


cdef int file_append(
    LogFile* file, const uint64_t* records, uint32_t count, const Digest* known, const Place* place
) noexcept nogil:
    """Append the next records, in place; count 0: the position alone. `known` is their digest, NULL: find it."""
    cdef BlockHeader header
    cdef Digest digest
    cdef int error
    memset(&header, 0, sizeof(BlockHeader))
    header.type = BLOCK_RECORDS if count else BLOCK_POSITION
    header.count = count
    header.stored_bytes = count * <uint32_t>RECORD_BYTES
    if known == NULL:
        digest_records(&digest, records, count, file.next_sequence, <uint64_t>ANY_SYMBOL)
        known = &digest
    header.least_ns, header.greatest_ns = known.least_ns, known.greatest_ns
    error = append_block(file, &header, records, known.crc, place)
    if error == 0:
        file.next_sequence += count
    return error


cdef int file_append_gap(LogFile* file, uint64_t last_sequence, GapReason reason) noexcept nogil:
    """Say that the next records, up to `last_sequence`, are missing."""
    cdef BlockHeader header
    cdef GapPayload gap
    cdef int error
    memset(&header, 0, sizeof(BlockHeader))
    memset(&gap, 0, sizeof(GapPayload))
    gap.last_sequence, gap.reason = last_sequence, reason
    header.type = BLOCK_GAP
    header.stored_bytes = sizeof(GapPayload)
    error = append_block(file, &header, &gap, crc32(0, &gap, sizeof(GapPayload)), NULL)
    if error == 0:
        file.next_sequence = last_sequence + 1
    return error


cdef void file_close(LogFile* file) noexcept nogil:
    """Close the file; a second call does nothing. A process forked within it keeps the descriptor, never another's."""
    cdef int descriptor = file.descriptor
    file.descriptor = -1
    if descriptor >= 0:
        close_log_file(descriptor)
