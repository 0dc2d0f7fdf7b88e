"""Two loops of the kernel in the instructions that most x86-64 processors since 2013 have, AVX2.

They do what `find_stays` and `find_amounts` of `_kernel.pyx` do, which say it in full, run on every other
processor, and take the rows that are left of a block; `tests/test_kernel_against_reference.py` holds both
against the twin.  It is C because a compiler must be told, function by function, what the processor has.
"""

from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    """
    #if defined(__GNUC__) && defined(__x86_64__)
    #include <immintrin.h>
    #define TARIFFCORE_AVX2 __attribute__((target("avx2,popcnt"), noinline))
    /* A price record as one number: the kernel writes it as a struct, so a compiler must expect both. */
    typedef uint64_t __attribute__((may_alias)) tariffcore_record;

    static int tariffcore_has_avx2(void) {
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
    }

    /* Eight rows a turn; returns how many rows were done. */
    TARIFFCORE_AVX2 static Py_ssize_t tariffcore_find_stays_avx2(
        const uint16_t *admission_day, const uint16_t *discharge_day, const uint8_t *outcome,
        uint32_t *stay, int stay_bits, int block_bits, Py_ssize_t n
    ) {
        const __m128i last = _mm_set1_epi16((short)((1u << stay_bits) - 1));
        const __m128i outcome_shift = _mm_cvtsi32_si128(stay_bits), block_shift = _mm_cvtsi32_si128(block_bits);
        Py_ssize_t k = 0;
        for (; k + 8 <= n; k += 8) {
            __m128i from = _mm_loadu_si128((const __m128i *)(admission_day + k));
            __m128i to = _mm_loadu_si128((const __m128i *)(discharge_day + k));
            __m256i between = _mm256_cvtepu16_epi32(_mm_min_epu16(_mm_sub_epi16(to, from), last));
            __m256i ended = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(outcome + k)));
            ended = _mm256_add_epi32(_mm256_sll_epi32(ended, outcome_shift), between);
            _mm256_storeu_si256((__m256i *)(stay + k), _mm256_sll_epi32(ended, block_shift));
        }
        return k;
    }

    /* For each set of four rows, a bit a row: the numbers of those in it, in order, as 16 bits each. */
    #define TARIFFCORE_ROWS(a, b, c, d) \\
        ((uint64_t)(a) | (uint64_t)(b) << 16 | (uint64_t)(c) << 32 | (uint64_t)(d) << 48)
    static const uint64_t tariffcore_rows_of_set[16] = {
        TARIFFCORE_ROWS(0, 0, 0, 0), TARIFFCORE_ROWS(0, 0, 0, 0), TARIFFCORE_ROWS(1, 0, 0, 0),
        TARIFFCORE_ROWS(0, 1, 0, 0), TARIFFCORE_ROWS(2, 0, 0, 0), TARIFFCORE_ROWS(0, 2, 0, 0),
        TARIFFCORE_ROWS(1, 2, 0, 0), TARIFFCORE_ROWS(0, 1, 2, 0), TARIFFCORE_ROWS(3, 0, 0, 0),
        TARIFFCORE_ROWS(0, 3, 0, 0), TARIFFCORE_ROWS(1, 3, 0, 0), TARIFFCORE_ROWS(0, 1, 3, 0),
        TARIFFCORE_ROWS(2, 3, 0, 0), TARIFFCORE_ROWS(0, 2, 3, 0), TARIFFCORE_ROWS(1, 2, 3, 0),
        TARIFFCORE_ROWS(0, 1, 2, 3)
    };

    /* Four rows a turn; returns how many rows were done, and leaves the length of the list of others.

       A record is rate, block and rule in 32, 16 and 16 bits; coefficients are pairs of multiplier and bias at
       places in bytes.  The list may be written three beyond its end. */
    TARIFFCORE_AVX2 static Py_ssize_t tariffcore_find_amounts_avx2(
        const void *records_of_rows, const uint32_t *stay, const int16_t *factor_row,
        const uint32_t *first_coefficient, const uint32_t *coefficient_place, const uint8_t *coefficients,
        const uint16_t *deciding_day, const uint16_t *provider, const uint32_t *quantity,
        int64_t *amount_minor, uint16_t *rule, uint16_t *others, Py_ssize_t *other_count,
        int fraction_bits, uint32_t largest_quantity, Py_ssize_t n
    ) {
        const tariffcore_record *record = (const tariffcore_record *)records_of_rows;
        const __m256i fraction = _mm256_set1_epi64x(((int64_t)1 << fraction_bits) - 1);
        const __m256i one = _mm256_set1_epi64x(1), most = _mm256_set1_epi64x(largest_quantity);
        const __m128i fraction_shift = _mm_cvtsi32_si128(fraction_bits), four = _mm_set1_epi16(4);
        const __m256i lowest_16_bits = _mm256_setr_epi8(
            0, 1, 8, 9, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
            0, 1, 8, 9, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
        __m128i first = _mm_setzero_si128();
        Py_ssize_t k = 0, count = 0;
        #define TARIFFCORE_COEFFICIENT(k) _mm_load_si128((const __m128i *)( \\
            coefficients + coefficient_place[first_coefficient[deciding_day[k]] + provider[k]]))
        #define TARIFFCORE_FACTOR(k) factor_row[(uint16_t)(record[k] >> 32) + stay[k]]
        for (; k + 4 <= n; k += 4) {
            __m256i records = _mm256_loadu_si256((const __m256i *)(record + k));
            __m256i even = _mm256_inserti128_si256(
                _mm256_castsi128_si256(TARIFFCORE_COEFFICIENT(k)), TARIFFCORE_COEFFICIENT(k + 2), 1);
            __m256i odd = _mm256_inserti128_si256(
                _mm256_castsi128_si256(TARIFFCORE_COEFFICIENT(k + 1)), TARIFFCORE_COEFFICIENT(k + 3), 1);
            __m256i multiplier = _mm256_unpacklo_epi64(even, odd), bias = _mm256_unpackhi_epi64(even, odd);
            __m128i rows = _mm_cvtsi32_si128((uint16_t)TARIFFCORE_FACTOR(k));
            rows = _mm_insert_epi16(rows, TARIFFCORE_FACTOR(k + 1), 1);
            rows = _mm_insert_epi16(rows, TARIFFCORE_FACTOR(k + 2), 2);
            rows = _mm_insert_epi16(rows, TARIFFCORE_FACTOR(k + 3), 3);
            __m256i factor = _mm256_cvtepi16_epi64(rows);
            __m256i many = _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(quantity + k)));

            /* rate x multiplier >> 32, from the multiplier's halves: mul_epu32 takes the lowest 32 bits, of a
               record the rate */
            __m256i reached = _mm256_add_epi64(
                _mm256_mul_epu32(records, _mm256_srli_epi64(multiplier, 32)),
                _mm256_srli_epi64(_mm256_mul_epu32(records, multiplier), 32));
            reached = _mm256_add_epi64(reached, bias);
            __m256i unit = _mm256_srl_epi64(reached, fraction_shift);
            __m256i amount = _mm256_add_epi64(
                _mm256_mul_epu32(unit, many),
                _mm256_slli_epi64(_mm256_mul_epu32(_mm256_srli_epi64(unit, 32), many), 32));
            _mm256_storeu_si256((__m256i *)(amount_minor + k), amount);

            __m256i rules = _mm256_add_epi64(_mm256_srli_epi64(records, 48), factor);
            rules = _mm256_shuffle_epi8(rules, lowest_16_bits);
            _mm_storel_epi64((__m128i *)(rule + k), _mm_unpacklo_epi32(
                _mm256_castsi256_si128(rules), _mm256_extracti128_si256(rules, 1)));

            __m256i wrong = _mm256_or_si256(
                _mm256_or_si256(factor, _mm256_slli_epi64(records, 32)),
                _mm256_or_si256(
                    _mm256_sub_epi64(_mm256_and_si256(reached, fraction), one), _mm256_sub_epi64(most, many)));
            int set = _mm256_movemask_pd(_mm256_castsi256_pd(wrong));
            __m128i listed = _mm_loadl_epi64((const __m128i *)(tariffcore_rows_of_set + set));
            _mm_storel_epi64((__m128i *)(others + count), _mm_add_epi16(first, listed));
            count += __builtin_popcount((unsigned)set);
            first = _mm_add_epi16(first, four);
        }
        *other_count = count;
        return k;
    }
    #else
    static int tariffcore_has_avx2(void) { return 0; }
    #define tariffcore_find_stays_avx2(...) 0
    #define tariffcore_find_amounts_avx2(...) 0
    #endif
    """
    bint has_avx2 "tariffcore_has_avx2"() noexcept nogil
    Py_ssize_t find_stays_avx2 "tariffcore_find_stays_avx2"(
        const uint16_t *admission_day, const uint16_t *discharge_day, const uint8_t *outcome,
        uint32_t *stay, int stay_bits, int block_bits, Py_ssize_t n,
    ) noexcept nogil
    Py_ssize_t find_amounts_avx2 "tariffcore_find_amounts_avx2"(
        const void *records_of_rows, const uint32_t *stay, const int16_t *factor_row,
        const uint32_t *first_coefficient, const uint32_t *coefficient_place, const uint8_t *coefficients,
        const uint16_t *deciding_day, const uint16_t *provider, const uint32_t *quantity,
        int64_t *amount_minor, uint16_t *rule, uint16_t *others, Py_ssize_t *other_count,
        int fraction_bits, uint32_t largest_quantity, Py_ssize_t n,
    ) noexcept nogil
