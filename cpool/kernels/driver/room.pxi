# Where everything lies in scratch: one function, which measures and places.

cdef inline Py_ssize_t input_rows(Job* job) noexcept nogil:
    """Most input rows under `job.rows` output rows, with all slabs of a window where places are wanted."""
    cdef Axis* height = &job.height
    cdef Py_ssize_t rows = min(job.rows, height.out)
    cdef Py_ssize_t n = min(rows * height.kernel, (rows - 1) * height.stride + height.span)
    if job.across == BAND or job.across == BAND_FLAT:
        n = (rows - 1) * height.stride + height.span
    elif not height.uniform:
        n = height.size if rows == height.out else min(height.size, tallest(height, rows))
    return n * max(1, job.rows // height.out) * (job.depth.kernel if job.picks else 1)


cdef Py_ssize_t tallest(Axis* height, Py_ssize_t rows) noexcept nogil:
    """Most input rows that `rows` output rows see, or a few more: where windows are dilated, a first tap or an end may
    lie less than a step before that of the window before (`seen_by`)."""
    cdef Py_ssize_t o, most = 1
    for o in range(height.out):
        most = max(most, end_of(height, min(height.out, o + rows) - 1) - first_of(height, o))
    return most + 2 * (height.step - 1)


cdef Room lay_out(Job* job, Scratch* scratch, Tile* tile) noexcept nogil:
    """Take all parts, for tiles no wider than `tile`."""
    cdef Room room
    cdef Axis* w = &job.width
    cdef Py_ssize_t unit = job.unit, pitch = tile.pitch * unit, rows = job.rows, n = 0
    cdef Py_ssize_t lines = rows * pitch, out = rows * tile.out * unit, turn
    cdef Py_ssize_t columns = row_columns(job, tile)
    cdef Py_ssize_t taps = columns if job.along == LONG else 0 if job.along == FLAT else w.kernel
    memset(&room, 0, sizeof(Room))
    lay_anew(scratch)
    taps = max(max(RADIX, taps), job.height.kernel * job.depth.kernel)
    room.taps = <const void**>take(scratch, taps * sizeof(void*))
    room.pad = take(scratch, columns * unit)
    room.nothing = take(scratch, columns * unit if gathers(job) else 0)
    if job.divides or job.divides_first or job.reduction == TOTAL:
        room.widths = take(scratch, (max(tile.span, tile.out) if job.divides_first else tile.out) * unit)
    if job.picks:
        room.from_ = <const void**>take(scratch, taps * sizeof(void*))
        room.offsets = <int64_t*>take(scratch, taps * sizeof(int64_t))
        room.bases = <int64_t*>take(scratch, tile.out * sizeof(int64_t))
        room.steps = <int64_t*>take(scratch, steps_along(job) * sizeof(int64_t))
        # In one pass one row, else several at once.
        room.out = take(scratch, tile.out * unit if job.one_pass and job.along != HALVES else out)
        rows = input_rows(job)
        lines, out = rows * pitch, rows * tile.out * unit
        if picks_lanes_first(job) or not job.as_it_lies:
            room.band = take(scratch, lines)
        if picks_lanes_first(job):
            room.values = take(scratch, out)
    else:
        room.out = take(scratch, out)
        if job.reduction == TOTAL:
            room.inside = take(scratch, tile.out * unit)
        if job.along == LONG:
            room.flat = take(scratch, columns * unit)
            room.blocks = take(scratch, levels_of(w.kernel) * RADIX * unit)
            room.turned = take(scratch, columns * unit if 1 < job.run and unit < VECTOR else 0)
            pitch = columns * unit
        elif lays_rows(job):
            room.flat = take(scratch, lines)
        if job.across == BAND or job.across == BAND_FLAT:
            n = input_rows(job) * pitch
            room.band = take(scratch, n)
        if job.across != AS_IT_LIES:
            room.slots = take(scratch, (slots_of(job.height.kernel) + slots_of(job.depth.kernel)) * pitch)
    if job.across == BAND_FLAT or (job.along == FLAT and w.kernel > RADIX):
        n = max(n, lines)
        for turn in range(2):
            room.longer[turn] = take(scratch, n)
            room.left_over[turn] = take(scratch, n if job.reduction >= SUM else 0)
    if job.along == PHASES or job.along == TURNED:
        room.turned = take(scratch, lines)
    if (job.along == PHASES and job.run > 1) or (keeps_some(job) and unit < VECTOR):
        room.folded = take(scratch, lines)
    if job.along == TURNED:
        room.folded = take(scratch, out)
        room.ends = take(scratch, out if may_expand(job) else 0)
        room.runs = <int64_t*>take(scratch, tile.out * sizeof(int64_t) if may_expand(job) else 0)
    elif job.along == SPREAD:
        n = (rows * tile.pitch + tile.out // w.period + 2) * w.period * job.size
        room.turned = take(scratch, n + VECTOR)
        room.folded = take(scratch, n)
    if not job.picks and (job.along == FLAT or job.along == HALVES or (job.along == PHASES and job.run == 1)):
        room.ends = take(scratch, lines)
    return room
