/* The leaves of one reduction and one type. */
#include "fold.h"
#include "halve.h"
#if SELECTS && defined(PLACE)
#include "pick.h"
#endif
#undef NAME
#undef COMBINE
#undef COMBINE_VECTORS
#undef TAKES
