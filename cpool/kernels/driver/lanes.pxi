# Along W: rows of scratch are folded, `rows` of them at one pitch, with padding in front and behind. The strategies:
#
#     NONE     nothing is pooled along W: rows were folded where they are wanted
#     FLAT     windows move by 1: taps are the row itself, moved by the dilation; or they move by more, but share so
#              much that those which begin at any column are folded, and every stride-th is kept; or few rows follow
#              no rule, of which those with each number of taps that there is are folded, and listed ones kept
#     ROWS     a vector of channels or more under each column: taps are runs of channels
#     HALVES   2 or 3 taps that move by 2: shuffles; with places of all rows of a window at once, and so are pairs of
#              floats of 2 or 4 rows that are read as they lie
#     PHASES   any other stride s: rows are split into s phases (a transposition), in which windows move by 1
#     TURNED   windows that follow no rule: rows become lanes (a transposition), columns are folded, and turned back; of
#              neighbours that see the same, as in the gradient of large windows, one, which is copied then
#     SPREAD   the gradient of windows that move by s: each phase of the result is FLAT; phases are put together
#     LONG     few windows of many columns: blocks of columns
#     SINGLY   windows that begin many columns apart: each by itself
#     CONDENSED  rows that are one window of a few columns: rows and columns at once, many windows side by side
#     WINDOWS  windows of up to 8 pixels, each a vector or more, that share no columns: rows and columns at once
#
# FLAT, HALVES and PHASES take rows end to end, as one row, where the results of each are less than a vector (not with
# places), and PHASES with channels in any case: what a window meets across the seam of two rows is not used. Places,
# where they are wanted, are the second array of the state of results; what W is folded from has only the first.

cdef inline bint keeps_some(Job* job) noexcept nogil:
    """Whether windows begin at every column first, and every stride-th is kept."""
    return job.along == FLAT and (job.width.stride > 1 or not job.width.uniform)


cdef inline Py_ssize_t lanes_before_keeping(Job* job, Tile* tile, Py_ssize_t rows, Py_ssize_t taps) noexcept nogil:
    """Lanes of so many rows end to end, from the first window of so many taps that may be kept to the last."""
    return ((rows - 1) * tile.pitch + tile.span - (taps - 1) * job.width.step) * job.run


cdef inline void keep_some(Job* job, Tile* tile, char* to, Py_ssize_t to_pitch, const char* flat,
                           Py_ssize_t rows) noexcept nogil:
    """Of windows that begin at every column, keep every stride-th, of all arrays of a state."""
    cdef Py_ssize_t pitch = pitch_of(job, tile), n = tile.out, r
    cdef int a
    if pitch == n * job.width.stride * job.unit and to_pitch == n * job.unit:  # one long row
        n, rows = n * rows, 1
    for r in range(rows):
        for a in range(job.arrays):
            job.leaves.keep(to + r * to_pitch + a * job.open.apart, flat + r * pitch + a * job.open.apart,
                            job.width.stride * job.unit, n, job.unit)


cdef inline void choose_listed(Axis* w, Py_ssize_t begin, Py_ssize_t n, Py_ssize_t taps, char* to, const char* flat,
                               Py_ssize_t size) noexcept nogil:
    """Of n windows from `begin` on, copy those of so many taps; the others stay. No branch: none would be foreseen."""
    cdef Py_ssize_t o
    cdef const char* source
    for o in range(n):
        source = flat + w.firsts[begin + o] * size if w.tap_counts[begin + o] == taps else to + o * size
        memcpy(to + o * size, source, size)


cdef void keep_listed(Job* job, Tile* tile, char* to, Py_ssize_t to_pitch, const char* flat, Py_ssize_t rows,
                      Py_ssize_t taps) noexcept nogil:
    """Of windows of so many taps, which begin at every column, keep the listed ones, of all arrays of a state."""
    cdef Axis* w = &job.width
    cdef Py_ssize_t r, pitch = pitch_of(job, tile)
    cdef int a
    cdef const char* row
    cdef char* out
    for r in range(rows):
        for a in range(job.arrays):
            row = flat + r * pitch - tile.start * job.size + a * job.open.apart
            out = to + r * to_pitch + a * job.open.apart
            if job.size == 1:
                choose_listed(w, tile.begin, tile.out, taps, out, row, 1)
            elif job.size == 2:
                choose_listed(w, tile.begin, tile.out, taps, out, row, 2)
            elif job.size == 4:
                choose_listed(w, tile.begin, tile.out, taps, out, row, 4)
            else:
                choose_listed(w, tile.begin, tile.out, taps, out, row, 8)


cdef void fold_and_keep(Job* job, Tile* tile, Room* room, char* out, Py_ssize_t out_pitch, const char* flat,
                        Py_ssize_t rows) noexcept nogil:
    """FLAT with a stride: of runs that are vectors the last step is done to every stride-th alone. Or with tables, for
    each number of taps that there may be."""
    cdef Axis* w = &job.width
    cdef Py_ssize_t r, taps
    if w.uniform and job.unit >= VECTOR:
        for r in range(rows):
            progress(job, room, out + r * out_pitch, job.unit, flat + r * pitch_of(job, tile), job.unit, w.stride,
                     tile.out, job.run, w.kernel, w.step * job.unit, &job.close)
        return
    for taps in range(w.fewest, w.kernel + 1):
        progress(job, room, room.folded, 0, flat, 0, 1, 1, lanes_before_keeping(job, tile, rows, taps), taps,
                 w.step * job.unit, &job.close)
        if w.uniform:
            keep_some(job, tile, out, out_pitch, room.folded, rows)
        else:
            keep_listed(job, tile, out, out_pitch, room.folded, rows, taps)


cdef void fold_phases(Job* job, Tile* tile, Room* room, char* to, Py_ssize_t to_pitch, const char* flat,
                      Py_ssize_t flat_rows, Py_ssize_t rows, Py_ssize_t lanes) noexcept nogil:
    """Fold `lanes` outputs of each of `rows` rows. With several channels, all rows are folded as one, channel by
    channel, and the results are turned back."""
    cdef Axis* w = &job.width
    cdef Py_ssize_t unit = w.stride * job.run, row = tile.pitch // w.stride, n = flat_rows * row, r, t, c, column
    turn_rows(job, room.turned, n * job.size, flat, unit * job.size, n, min(w.stride, w.span) * job.run,
              arrays_before(job))
    for c in range(job.run):
        for t in range(w.kernel):
            column = t * w.step
            room.taps[t] = room.turned + ((column % w.stride * job.run + c) * n + column // w.stride) * job.size
        if job.run == 1:
            fold_taps(job, to, to_pitch, room.taps, NULL, room.steps, w.kernel, row * job.size, rows, lanes, &job.close)
        else:
            fold_taps(job, room.folded + c * n * job.size, 0, room.taps, NULL, room.steps, w.kernel, 0, 1,
                      n - row + tile.out, &job.close)
    for r in range(rows if job.run > 1 else 0):
        turn_rows(job, to + r * to_pitch, job.unit, room.folded + r * row * job.size, n * job.size, job.run, tile.out,
                  job.arrays)


cdef inline bint may_expand(Job* job) noexcept nogil:
    """Whether of neighbours that see the same one result may be made and copied to the others: windows are those of a
    table without a period."""
    cdef Axis* w = &job.width
    return job.along == TURNED and job.run == job.arrays == 1 and not (job.picks or w.uniform) and w.every == w.out


cdef void find_runs(Job* job, Tile* tile, int64_t* runs) noexcept nogil:
    """Find where runs of windows that see the same end, and whether they are long enough."""
    cdef Py_ssize_t o = 0, n = 0
    while o < tile.out:
        o += alike_from(&job.width, tile.begin + o, tile.end)
        runs[n] = o
        n += 1
    tile.distinct = n if 3 * n <= 2 * tile.out else tile.out


cdef void fold_turned(Job* job, Tile* tile, Room* room, char* out, Py_ssize_t out_pitch, const char* flat,
                      Py_ssize_t rows) noexcept nogil:
    """Turn rows into lanes, fold columns, and turn the results back."""
    cdef Py_ssize_t row = rows * job.size, n = tile.distinct
    cdef bint expands = n < tile.out
    turn_rows(job, room.turned, row, flat, pitch_of(job, tile), rows, tile.span * job.run, arrays_before(job))
    fold_columns(job, tile, room, room.folded, room.turned, job.run * rows, expands)
    turn_rows(job, room.ends if expands else out, n * job.unit if expands else out_pitch, room.folded, row, n * job.run,
              rows, job.arrays)
    if expands:
        job.leaves.expand[log_of(job.size)](out, out_pitch, room.ends, n * job.unit, rows, room.runs, n)


cdef void repeat_lanes(Job* job, char* first, Py_ssize_t lanes, Py_ssize_t n) noexcept nogil:
    """Copy a result of so many lanes to the n - 1 places behind it, in all arrays of a state."""
    cdef int a
    for a in range(job.arrays):
        if lanes == 1:
            job.fill(first + a * job.open.apart, first + a * job.open.apart, n)
        else:
            repeat(first + a * job.open.apart, lanes * job.size, n)


cdef void repeat(char* first, Py_ssize_t bytes, Py_ssize_t n) noexcept nogil:
    """Copy what lies at `first` to the n - 1 places behind it: one, then two, then four, ..."""
    cdef Py_ssize_t done = 1, some
    while done < n:
        some = min(done, n - done)
        memcpy(first + done * bytes, first, some * bytes)
        done += some


cdef inline void write_unseen(Job* job, char* to, Py_ssize_t lanes) noexcept nogil:
    """Write what a window gives that sees nothing: 0, in all arrays of a state."""
    cdef int a
    for a in range(job.arrays):
        memset(to + a * job.open.apart, 0, lanes * job.size)


cdef void fold_columns(Job* job, Tile* tile, Room* room, char* out, const char* columns, Py_ssize_t lanes,
                       bint runs) noexcept nogil:
    """Fold columns of `lanes` lanes each. Windows of the same taps are done together: all that slide, or every
    period-th. Where there is no period, of neighbours that see the same, as those of gradients do, one is folded, and
    is copied, unless only one of each of the `runs` is wanted."""
    cdef Axis* w = &job.width
    cdef Py_ssize_t unit = lanes * job.size, every = min(w.every, tile.out), phase = 0, at = 0, o, t, n, m, same
    cdef const char* column
    while phase < every:
        o = tile.begin + phase
        n, m = taps_of(w, o), parts_of(tile.out - phase, every)
        same = alike_from(w, o, tile.end) if m == 1 and (n or runs) else 1
        for t in range(m if n == 0 else 0):  # elements that no window sees
            write_unseen(job, out + (at + t * every) * unit, lanes)
        column = columns + (first_of(w, o) - tile.start) * unit
        for t in range(n):
            room.taps[t] = column + t * w.step * unit
        if n:
            fold_taps(job, out + at * unit, every * unit, room.taps, NULL, room.steps, n, w.advance * unit, m, lanes,
                      &job.close)
        if same > 1 and not runs:
            repeat_lanes(job, out + at * unit, lanes, same)
        phase += same
        at += 1 if runs else same


cdef void fold_spread(Job* job, Tile* tile, Room* room, char* out, Py_ssize_t out_pitch, const char* flat,
                      Py_ssize_t rows) noexcept nogil:
    """Fold each phase of the result, rows end to end, and put the phases together; where all are alike, one is folded
    and copied."""
    cdef Axis* w = &job.width
    cdef Py_ssize_t s = w.period, begin = (tile.begin + w.before) // s, end = (tile.end - 1 + w.before) // s + 1
    cdef Py_ssize_t lanes = (rows - 1) * tile.pitch + end - begin, edge = tile.begin + w.before - begin * s
    cdef Py_ssize_t phase, i, t, n, column, r, distance = lanes * job.size
    cdef bint straight = lanes * s == rows * tile.out and edge == 0 and out_pitch == tile.out * job.size
    cdef bint alike = phases_alike(w)
    cdef char* to = out if straight else room.folded
    for phase in range(1 if alike else s):
        i = spread_first(w, phase)
        n = taps_of(w, i) if i < w.out else 0
        if n == 0:
            memset(room.turned + phase * distance, 0, distance)
            continue
        column = first_of(w, i) + begin - (i + w.before) // s - tile.start
        for t in range(n):
            room.taps[t] = flat + (column + t * w.step) * job.size
        job.fold(room.turned + phase * distance, 0, room.taps, n, 0, 1, lanes, &job.close)
    if alike:
        job.leaves.repeat[log_of(job.size)](out, out_pitch, room.turned, tile.pitch * job.size, rows, tile.out, 1, 0, s,
                                            edge)
        return
    job.leaves.turn[log_of(job.size)](to, s * job.size, room.turned, distance, s, lanes)
    for r in range(0 if straight else rows):
        memcpy(out + r * out_pitch, to + (edge + r * tile.pitch * s) * job.size, tile.out * job.size)


cdef inline bint phases_alike(Axis* w) noexcept nogil:
    """Whether all phases of a gradient see the same."""
    cdef Py_ssize_t phase, i, first = spread_first(w, 0)
    for phase in range(w.period):
        i = spread_first(w, phase)
        if (i >= w.out or taps_of(w, i) != taps_of(w, first) or taps_of(w, i) == 0
                or first_of(w, i) - (i + w.before) // w.period != first_of(w, first) - (first + w.before) // w.period):
            return False
    return True


cdef void fold_lanes(Job* job, Tile* tile, Room* room, char* out, Py_ssize_t out_pitch, const char* flat,
                     Py_ssize_t rows) noexcept nogil:
    """Fold the windows of `rows` rows of scratch."""
    cdef Py_ssize_t r
    if job.along == TURNED:
        fold_turned(job, tile, room, out, out_pitch, flat, rows)
    elif job.along == SINGLY:
        fold_singly(job, tile, out, out_pitch, flat, rows)
    elif job.along == ROWS:
        for r in range(rows):  # a column's lanes are the run under it
            fold_columns(job, tile, room, out + r * out_pitch, flat + r * pitch_of(job, tile), job.run, False)
    elif job.along == SPREAD:
        fold_spread(job, tile, room, out, out_pitch, flat, rows)
    elif keeps_some(job):
        fold_and_keep(job, tile, room, out, out_pitch, flat, rows)
    else:
        fold_sliding(job, tile, room, out, out_pitch, flat, rows)


cdef void fold_sliding(Job* job, Tile* tile, Room* room, char* out, Py_ssize_t out_pitch, const char* flat,
                       Py_ssize_t rows) noexcept nogil:
    """FLAT, HALVES and PHASES: each row by itself, or short ones end to end as one."""
    cdef Axis* w = &job.width
    cdef Py_ssize_t pitch = pitch_of(job, tile), lanes = tile.out * job.run, behind = tile.pitch // w.stride * job.run
    cdef Py_ssize_t n = rows, r  # `behind`: from the first result of a row to that of the next, end to end
    cdef char* to = out
    if end_to_end(job, tile, rows):
        n, lanes = 1, (rows - 1) * behind + lanes
        if behind > tile.out * job.run or out_pitch != behind * job.size:  # else nothing lies between them
            to = room.ends
    if job.along == FLAT:
        progress(job, room, to, out_pitch, flat, pitch, 1, n, lanes, w.kernel, w.step * job.unit, &job.close)
    elif job.along == HALVES:
        room.taps[0] = flat
        job.leaves.halve[job.reduction][job.type](to, out_pitch, room.taps, 1, w.kernel, pitch, n, lanes, &job.close)
    else:
        fold_phases(job, tile, room, to, out_pitch, flat, rows, n, lanes)
    if to != out:
        for r in range(rows):
            copy_row(job, out + r * out_pitch, to + r * behind * job.size, tile.out * job.run)


cdef inline bint end_to_end(Job* job, Tile* tile, Py_ssize_t rows) noexcept nogil:
    """Whether results lie end to end first, with what the seams give between them."""
    return rows > 1 and tile.out * job.unit < VECTOR and not job.picks and (job.run == 1 or job.along != PHASES)


cdef void fold_singly(Job* job, Tile* tile, char* out, Py_ssize_t out_pitch, const char* flat,
                      Py_ssize_t rows) noexcept nogil:
    """Fold each window by itself, that of all rows one after the other."""
    cdef Py_ssize_t o, r, n
    for o in range(tile.out):
        n = taps_of(&job.width, tile.begin + o)
        for r in range(rows if n == 0 else 0):
            write_unseen(job, out + o * job.size + r * out_pitch, 1)
        if n:
            job.leaves.shrink[job.reduction][job.type](
                out + o * job.size, out_pitch, flat + (first_of(&job.width, tile.begin + o) - tile.start) * job.size, n,
                pitch_of(job, tile), rows, &job.close)


cdef void fold_windows(Job* job, Tile* tile, Room* room, const char* plane, Py_ssize_t od, Py_ssize_t oh,
                       Py_ssize_t n, char* out, Py_ssize_t out_pitch) noexcept nogil:
    """Fold all taps of the windows of output rows [oh, oh + n) where they lie: those inside the plane follow one
    another at one distance."""
    cdef Axis* height = &job.height
    cdef Axis* w = &job.width
    cdef Py_ssize_t unit = job.unit, edge = max(0, tile.start)
    cdef Py_ssize_t d = first_of(&job.depth, od), r, o, c, m, t, th, h, count
    for r in range(n):
        o = 0
        while o < tile.out:
            c, m, count = first_of(w, tile.begin + o), at_one_distance(w, tile.begin + o, tile.out - o), 0
            for t in range(w.kernel):
                for th in range(height.kernel):
                    h = first_of(height, oh + r) + th * height.step
                    room.taps[count] = room.pad
                    if 0 <= d < job.depth.size and 0 <= h < height.size and 0 <= c + t * w.step < w.size:
                        room.taps[count] = plane + d * job.x.d + h * job.x.h + (c + t * w.step - edge) * unit
                    count += 1
            job.fold(out + r * out_pitch + o * unit, unit, room.taps, count, w.stride * unit, m, job.run, &job.close)
            o += m


cdef void fold_long(Job* job, Room* room, Py_ssize_t p, Py_ssize_t od, Py_ssize_t oh, Py_ssize_t first,
                    Py_ssize_t n, Py_ssize_t level, char* to, const Close* close) noexcept nogil:
    """Fold one window of n columns of plane p from `first` on: blocks of a power of RADIX, then what is left."""
    cdef const void* taps[RADIX]
    cdef Py_ssize_t held = 0, done = 0, block = max(block_of(n), job.long_columns), some
    cdef Py_ssize_t unit = job.unit, o
    cdef char* parts = room.blocks + level * RADIX * unit
    cdef const char* source = room.flat
    cdef Tile tile
    if n <= job.long_columns:
        tile.begin, tile.end, tile.out = 0, 1, 1
        tile.start, tile.span, tile.pitch = first, n, n
        set_padding(&tile, &job.width)
        if rows_lie_ready(job, &tile, 1, 1):
            source = plane_of(job, &tile, p) + od * job.x.d + oh * job.x.h
        else:
            pad_rows(job, &tile, room.flat, 1)
            if tile.used:
                fold_rows(job, &tile, room, plane_of(job, &tile, p), od, oh, 1, room.flat + tile.left * unit, 0, False,
                          &job.open)
        if job.run == 1:
            job.leaves.shrink[job.reduction][job.type](to, 0, source, n, 0, 1, close)
        elif unit < VECTOR:  # each channel is a row
            turn_rows(job, room.turned, n * job.size, source, unit, n, job.run, job.arrays)
            job.leaves.shrink[job.reduction][job.type](to, job.size, room.turned, n, n * job.size, job.run, close)
        else:
            for o in range(n):
                room.taps[o] = source + o * unit
            job.fold(to, 0, room.taps, n, 0, 1, job.run, close)
        return
    while done < n:
        some = min(block, n - done)
        fold_long(job, room, p, od, oh, first + done, some, level + 1, parts + held * unit, &job.open)
        taps[held] = parts + held * unit
        held += 1
        done += some
    job.fold(to, 0, taps, held, 0, 1, job.run, close)
