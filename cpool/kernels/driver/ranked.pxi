# Quantiles of large windows that share columns: the elements that a tile of outputs sees are ranked once; a window is a
# set of ranks, which loses and gains a few columns from one output of a row to the next. Finding a rank in it takes a
# few steps from where the last one was found. What does not count has no rank.

cdef struct Ranking:
    Py_ssize_t d, h, w, high, wide  # the tile's first input inside the plane, and how many rows and columns it sees
    char* line
    char* elements
    int32_t* gone           # which of them do not count
    int32_t* ranks
    int32_t* order          # of each rank its element
    char* spare
    Py_ssize_t* taps        # where those taps of a column lie that are inside
    Ranked window
    Py_ssize_t* present     # of each window of a row: how many elements count, or -1 where it has no quantile
    double* parts           # of each quantile, by window: at which part of the way it lies
    char* below             # between which elements
    char* above
    double* results


cdef inline Py_ssize_t most_seen(Axis* w, Py_ssize_t n) noexcept nogil:
    """How many inputs n outputs see, at most."""
    return min(w.size, (n - 1) * w.stride + w.span)


cdef Ranking lay_ranking(Job* job, Scratch* scratch) noexcept nogil:
    cdef Ranking ranking
    cdef Py_ssize_t wide = most_seen(&job.width, job.columns), results = job.n_quantiles * job.columns
    cdef Py_ssize_t n = most_seen(&job.depth, job.slabs) * most_seen(&job.height, job.rows) * wide
    lay_anew(scratch)
    memset(&ranking, 0, sizeof(Ranking))
    ranking.line = take(scratch, wide * job.size if job.marks else 0)
    ranking.elements = take(scratch, n * job.size)
    ranking.gone = <int32_t*>take(scratch, n * sizeof(int32_t) if job.marks else 0)
    ranking.ranks = <int32_t*>take(scratch, n * sizeof(int32_t))
    ranking.order = <int32_t*>take(scratch, n * sizeof(int32_t))
    ranking.spare = take(scratch, 2 * n * (16 if job.size == 8 else 8))
    ranking.taps = <Py_ssize_t*>take(scratch, job.depth.kernel * job.height.kernel * sizeof(Py_ssize_t))
    ranking.window.members = <uint64_t*>take(scratch, (n // 64 + 1) * sizeof(uint64_t))
    ranking.window.cursors = job.n_quantiles
    ranking.window.word = <Py_ssize_t*>take(scratch, job.n_quantiles * sizeof(Py_ssize_t))
    ranking.window.before = <Py_ssize_t*>take(scratch, job.n_quantiles * sizeof(Py_ssize_t))
    ranking.present = <Py_ssize_t*>take(scratch, job.columns * sizeof(Py_ssize_t))
    ranking.parts = <double*>take(scratch, results * sizeof(double))
    ranking.below, ranking.above = take(scratch, results * job.size), take(scratch, results * job.size)
    ranking.results = <double*>take(scratch, job.columns * sizeof(double))
    return ranking


cdef Py_ssize_t rank_elements(Job* job, Ranking* ranking, const char* plane, const char* mask, Py_ssize_t deep,
                              Py_ssize_t channel) noexcept nogil:
    """Load what the tile sees of one channel, `deep` slabs of it, and rank it; return how many elements that are."""
    cdef Py_ssize_t d, h, wide = ranking.wide, n = deep * ranking.high * wide
    cdef char* to = ranking.elements
    cdef int32_t* gone = ranking.gone
    cdef const char* row
    cdef const char* where
    cdef bint found = False
    if job.marks:
        memset(gone, 0, n * sizeof(int32_t))
    for d in range(ranking.d, ranking.d + deep):
        for h in range(ranking.h, ranking.h + ranking.high):
            row = plane + d * job.x.d + h * job.x.h + ranking.w * job.x.w + channel * job.x.size
            if not job.marks:
                job.load(to, row, job.x.w, wide, 1)
            else:
                job.load(ranking.line, row, job.x.w, wide, 1)
                where = NULL
                if job.masked:
                    where = mask + d * job.where.d + h * job.where.h + ranking.w * job.where.w + channel
                found |= mark_line(job, to, gone, ranking.line, ranking.line, where, job.where.w, wide, 1)
                gone += wide
            to += wide * job.size
    job.leaves.rank[job.type](ranking.ranks, ranking.order, ranking.elements, ranking.gone if found else NULL, n,
                              ranking.spare)
    return n


cdef Py_ssize_t find_taps(Job* job, Ranking* ranking, Py_ssize_t od, Py_ssize_t oh) noexcept nogil:
    """Where the taps of the windows of output row (od, oh) lie from the first element of a column on; how many."""
    cdef Py_ssize_t td, th, d, h, n = 0
    for td in range(taps_of(&job.depth, od)):
        d = first_of(&job.depth, od) + td * job.depth.step
        for th in range(taps_of(&job.height, oh)):
            h = first_of(&job.height, oh) + th * job.height.step
            if 0 <= d < job.depth.size and 0 <= h < job.height.size:
                ranking.taps[n] = ((d - ranking.d) * ranking.high + h - ranking.h) * ranking.wide
                n += 1
    return n


cdef inline const int32_t* column_of(Job* job, Ranking* ranking, Py_ssize_t column) noexcept nogil:
    """The ranks of a column, NULL of one outside."""
    return ranking.ranks + column - ranking.w if 0 <= column < job.width.size else NULL


cdef inline void take_element(Job* job, Ranking* ranking, char* to, int32_t rank) noexcept nogil:
    """Copy the element of a rank."""
    cdef const char* element = ranking.elements + ranking.order[rank] * job.size
    if job.size == 1:
        to[0] = element[0]
    elif job.size == 2:
        memcpy(to, element, 2)
    elif job.size == 4:
        memcpy(to, element, 4)
    else:
        memcpy(to, element, 8)


cdef inline void find_between(Job* job, Ranking* ranking, Py_ssize_t i) noexcept nogil:
    """Find the elements between which the quantiles of window i of a row lie, if it has any."""
    cdef Py_ssize_t q, below, above, at
    cdef int32_t rank
    for q in range(job.n_quantiles):
        at = q * job.columns + i
        ranking.parts[at] = NAN
        if ranking.present[i] < 0:
            continue
        ranking.parts[at] = between_ranks(job, job.quantiles[q], ranking.present[i], &below, &above)
        rank = job.leaves.seek(&ranking.window, q, below)
        take_element(job, ranking, ranking.below + at * job.size, rank)
        if above > below:
            rank = job.leaves.seek(&ranking.window, q, above)
        take_element(job, ranking, ranking.above + at * job.size, rank)


cdef void store_quantiles(Job* job, Ranking* ranking, char* y, Py_ssize_t q, Py_ssize_t n) noexcept nogil:
    """Store one quantile of a row of n windows: of those at once that have as many elements each."""
    cdef Py_ssize_t i = 0, j, at
    cdef const void* below
    cdef const void* above
    while i < n:
        j, at = i, q * job.columns + i
        while j < n and ranking.present[j] == ranking.present[i]:
            j += 1
        below, above = ranking.below + at * job.size, ranking.above + at * job.size
        if ranking.parts[at] == 0 and job.direct != NULL:
            job.direct(y + i * job.y.w, job.y.w, below, j - i, 1)
        else:
            job.leaves.between[job.type](ranking.results, &below, &above, ranking.parts + at, NULL, j - i)
            job.store(y + i * job.y.w, job.y.w, ranking.results, j - i, 1)
        i = j


cdef void slide_along(Job* job, Ranking* ranking, Py_ssize_t od, Py_ssize_t oh, Py_ssize_t begin, Py_ssize_t end,
                      char* y) noexcept nogil:
    """Pool windows [begin, end) of an output row, whose results begin at y."""
    cdef Axis* w = &job.width
    cdef Ranked* window = &ranking.window
    cdef Py_ssize_t taps = find_taps(job, ranking, od, oh), o, g, q, present
    cdef Py_ssize_t hop = min(w.kernel, w.stride // w.step)  # columns that leave and enter from one window to the next
    cdef Py_ssize_t first = first_of(w, begin)
    for g in range(w.kernel):
        job.leaves.slide(window, NULL, column_of(job, ranking, first + g * w.step), ranking.taps, taps)
    for o in range(begin, end):
        for g in range(hop if o > begin else 0):
            job.leaves.slide(window, column_of(job, ranking, first - w.stride + g * w.step),
                             column_of(job, ranking, first + (w.kernel - hop + g) * w.step), ranking.taps, taps)
        first += w.stride
        present = window.count
        if present < job.least or not (job.omits or present == taps * inside_taps(w, o)):
            present = -1
        ranking.present[o - begin] = present
        find_between(job, ranking, o - begin)
    for q in range(job.n_quantiles):
        store_quantiles(job, ranking, y + q * job.quantile_pitch, q, end - begin)


cdef inline Py_ssize_t ranked_tiles(Job* job) noexcept nogil:
    """Tiles of all channels of a plane."""
    return (parts_of(job.depth.out, job.slabs) * parts_of(job.height.out, job.rows)
            * parts_of(job.width.out, job.columns) * job.run)


cdef void pool_ranked(Job* job, Scratch* scratch, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Tasks [first, last) are tiles, one channel after the other."""
    cdef Ranking ranking = lay_ranking(job, scratch)
    cdef Py_ssize_t tiles = ranked_tiles(job), task, rest, p, channel, od, oh, ow, d, h, n, deep
    cdef Py_ssize_t deep_end, high_end, wide_end  # of the tile's outputs
    cdef Py_ssize_t across = parts_of(job.width.out, job.columns)
    cdef Py_ssize_t down = parts_of(job.height.out, job.rows)
    cdef const char* mask = NULL
    for task in range(first, last):
        p, channel, rest = task // tiles, task % job.run, task % tiles // job.run
        ow, oh, od = rest % across * job.columns, rest // across % down * job.rows, rest // (across * down) * job.slabs
        deep_end, high_end = min(job.depth.out, od + job.slabs), min(job.height.out, oh + job.rows)
        wide_end = min(job.width.out, ow + job.columns)
        deep = seen_inside(&job.depth, od, deep_end, &ranking.d)
        ranking.high = seen_inside(&job.height, oh, high_end, &ranking.h)
        ranking.wide = seen_inside(&job.width, ow, wide_end, &ranking.w)
        if job.masked:
            mask = plane_at(job, &job.where, p)
        n = rank_elements(job, &ranking, plane_at(job, &job.x, p), mask, deep, channel)
        for d in range(od, deep_end):
            for h in range(oh, high_end):
                memset(ranking.window.members, 0, (n // 64 + 1) * sizeof(uint64_t))
                memset(ranking.window.word, 0, job.n_quantiles * sizeof(Py_ssize_t))
                memset(ranking.window.before, 0, job.n_quantiles * sizeof(Py_ssize_t))
                ranking.window.count = 0
                slide_along(job, &ranking, d, h, ow, wide_end, pixel(job, &job.y, p, d, h, ow) + channel * job.y.size)
